//! The first line of a script: `#!lua name=lib flags=no-writes,allow-stale`.

/// What the flags of a script say it may do; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u8);

impl Rights {
    /// It has no first line: it may do what scripts always could.
    pub const ANY: Self = Self(0);
    /// It promises to write nothing.
    pub const NO_WRITES: Self = Self(1);
    /// Every flag, in the order of Redis.
    pub const NAMED: [(Self, &'static str); 5] = [
        (Self::NO_WRITES, "no-writes"),
        (Self(2), "allow-oom"),
        (Self(4), "allow-stale"),
        (Self(8), "no-cluster"),
        (Self(16), "allow-cross-slot-keys"),
    ];

    /// The flag of that name.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| known.as_bytes() == name).map(|(flag, _)| *flag)
    }

    /// The names of its flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| name)
    }

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As a number, to be kept.
    pub fn to_bits(self) -> u8 {
        self.0
    }
}

/// The words of a first line, each with its value.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The engine.
    pub engine: &'a [u8],
    /// `name=value`.
    pub options: Vec<(&'a [u8], &'a [u8])>,
    /// Bytes up to the line end.
    pub len: usize,
}

impl<'a> Line<'a> {
    /// The first line of `body`; `None` when it is not closed by a line end.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        let len = body.iter().position(|&byte| byte == b'\n')?;
        let mut words = body[..len].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let engine = words.next()?.strip_prefix(b"#!")?;
        let options = words.map(|word| {
            let at = word.iter().position(|&byte| byte == b'=').map_or(word.len(), |at| at + 1);
            word.split_at(at)
        });
        Some(Self { engine, options: options.collect(), len })
    }
}

/// What the first line of a script (not of a library) grants, and how many bytes of it are no Lua.
pub fn of_script(body: &[u8]) -> Result<(Rights, usize), String> {
    if !body.starts_with(b"#!") {
        return Ok((Rights::ANY, 0));
    }
    let line = Line::of(body).ok_or("Invalid script shebang")?;
    if line.engine != b"lua" {
        return Err(format!("Unexpected engine in script shebang: {}", String::from_utf8_lossy(line.engine)));
    }
    let mut rights = Rights::ANY;
    for (name, value) in line.options {
        if name != b"flags=" {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            return Err(format!("Unknown lua shebang option: {name}{value}"));
        }
        for flag in value.split(|&byte| byte == b',').filter(|flag| !flag.is_empty()) {
            let unknown = || format!("Unexpected flag in script shebang: {}", String::from_utf8_lossy(flag));
            rights = rights.and(Rights::named(flag).ok_or_else(unknown)?);
        }
    }
    Ok((rights, line.len))
}

/// The name that the first line of a library gives it, and how many bytes of the library are no Lua.
pub fn of_library(body: &[u8]) -> Result<(Vec<u8>, usize), String> {
    if !body.starts_with(b"#!") {
        return Err("Missing library metadata".into());
    }
    let line = Line::of(body).ok_or("Invalid library metadata")?;
    if !line.engine.eq_ignore_ascii_case(b"lua") {
        return Err(format!("Engine '{}' not found", String::from_utf8_lossy(line.engine)));
    }
    let mut name = None;
    for (option, value) in line.options {
        if !option.eq_ignore_ascii_case(b"name=") {
            let (option, value) = (String::from_utf8_lossy(option), String::from_utf8_lossy(value));
            return Err(format!("Invalid metadata value given: {option}{value}"));
        }
        if name.replace(unquoted(value).to_vec()).is_some() {
            return Err("Invalid metadata value, name argument was given multiple times".into());
        }
    }
    Ok((name.ok_or("Library name was not given")?, line.len))
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_says_what_a_script_may_do() {
        assert_eq!(of_script(b"return 1"), Ok((Rights::ANY, 0)));
        assert_eq!(of_script(b"#!lua\nreturn 1"), Ok((Rights::ANY, 5)));
        let (rights, len) = of_script(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        assert_eq!((rights.names().collect::<Vec<_>>(), len), (vec!["no-writes", "allow-oom"], 31));
        for (body, error) in [
            ("#!lua", "Invalid script shebang"),
            ("#!python\n", "Unexpected engine in script shebang: python"),
            ("#!lua badger=data\n", "Unknown lua shebang option: badger=data"),
            ("#!lua flags=what?\n", "Unexpected flag in script shebang: what?"),
        ] {
            assert_eq!(of_script(body.as_bytes()), Err(error.into()));
        }
    }

    #[test]
    fn the_first_line_of_a_library_names_it() {
        assert_eq!(of_library(b"#!LUA name=lib\nrest"), Ok((b"lib".to_vec(), 14)));
        assert_eq!(of_library(b"#!lua name=\"lib\"\n"), Ok((b"lib".to_vec(), 16)));
        for (body, error) in [
            ("return 1", "Missing library metadata"),
            ("#!lua name=lib", "Invalid library metadata"),
            ("#! name=lib\n", "Engine '' not found"),
            ("#!lua\n", "Library name was not given"),
            ("#!lua name=a name=b\n", "Invalid metadata value, name argument was given multiple times"),
            ("#!lua name=a b=c\n", "Invalid metadata value given: b=c"),
        ] {
            assert_eq!(of_library(body.as_bytes()), Err(error.into()));
        }
    }
}
