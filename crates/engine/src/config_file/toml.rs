//! TOML as far as settings need it: `key = value` before the first table.
//!
//! Invariant: where a value begins and ends is as TOML has it. A value read wrongly would only be spelled anew.

use kvark_call::setting::{self, Kind, Setting, TABLE};

use super::{Said, Text};

/// The values in `text`. Errors: where it stops to make sense.
pub(super) fn read(text: &str) -> Result<Text, usize> {
    let mut reader = Reader { text, at: 0 };
    let mut said = Vec::new();
    loop {
        reader.skip_between();
        if reader.rest().is_empty() {
            return Ok(Text { said, end: text.len() });
        }
        if reader.rest().starts_with('[') {
            return Ok(Text { said, end: text[..reader.at].rfind('\n').map_or(0, |at| at + 1) });
        }
        said.extend(reader.pair().ok_or(reader.at)?);
    }
}

/// `value` as TOML writes a setting of this row.
pub(super) fn spell(row: &Setting, value: &str) -> String {
    match row.kind {
        Kind::Integer(..) | Kind::Memory(..) => value.to_owned(),
        Kind::Flag => (value == "yes").to_string(),
        Kind::Text | Kind::Secret | Kind::Choice(_) | Kind::KeyspaceEvents | Kind::OutputLimits | Kind::Percentiles => {
            quote(value)
        }
    }
}

fn quote(value: &str) -> String {
    let escape = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if char.is_ascii_control() => format!("\\u{:04X}", u32::from(char)),
        _ => char.to_string(),
    };
    format!("\"{}\"", value.chars().map(escape).collect::<String>())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// What stands before the first of `ends`.
    fn take_until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    /// Blanks, ends of lines and comments.
    fn skip_between(&mut self) {
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.take_until(&['\n']);
        }
    }

    /// `key = value` to the end of its line; `Some(None)` for a key that is no setting.
    fn pair(&mut self) -> Option<Option<Said>> {
        let begin = self.at;
        let key = match self.string() {
            Some(key) => key?,
            None => self.take_until(&['=', '\n']).trim().to_owned(),
        };
        self.skip_blanks();
        if !self.take("=") {
            return None;
        }
        self.skip_blanks();
        let from = self.at;
        let value = self.value()?;
        let at = from..self.at;
        self.skip_blanks();
        if !(self.rest().is_empty() || self.rest().starts_with(['\n', '\r', '#'])) {
            return None;
        }
        let row = setting::find(&key.replace('_', "-"));
        Some(row.map(|row| Said { row: &TABLE[row], value, lines: begin..at.end, at }))
    }

    /// A value as a redis.conf would say it.
    fn value(&mut self) -> Option<String> {
        if let Some(string) = self.string() {
            return string;
        }
        if self.take("[") {
            return self.list();
        }
        match self.take_until(&[' ', '\t', '\n', '\r', ',', ']', '#']) {
            "" => None,
            "true" => Some("yes".to_owned()),
            "false" => Some("no".to_owned()),
            table if table.starts_with('{') => None,
            number => Some(integer(number).map_or_else(|| number.to_owned(), |number| number.to_string())),
        }
    }

    /// The words of a list, whose bracket was taken.
    fn list(&mut self) -> Option<String> {
        let mut words = Vec::new();
        loop {
            self.skip_between();
            if self.take("]") {
                return Some(words.join(" "));
            }
            words.push(self.value()?);
            self.skip_between();
            if !self.take(",") && !self.rest().starts_with(']') {
                return None;
            }
        }
    }

    /// `None` where no string begins, `Some(None)` where one does not end.
    fn string(&mut self) -> Option<Option<String>> {
        let delimiter = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|delimiter| self.take(delimiter))?;
        let from = self.at;
        let escapes = delimiter.starts_with('"');
        while !self.rest().starts_with(delimiter) {
            let mut chars = self.rest().chars();
            let len = match chars.next() {
                Some('\\') if escapes => 1 + chars.next().map_or(0, char::len_utf8),
                Some('\n') if delimiter.len() == 1 => return Some(None),
                Some(char) => char.len_utf8(),
                None => return Some(None),
            };
            self.at += len;
        }
        // A long string may end with one or two quotes of its own.
        while delimiter.len() == 3 && self.rest()[1..].starts_with(delimiter) {
            self.at += 1;
        }
        let inside = self.text[from..self.at].replace("\r\n", "\n");
        self.at += delimiter.len();
        let inside = if delimiter.len() == 3 { inside.strip_prefix('\n').unwrap_or(&inside) } else { &inside };
        Some(Some(if escapes { unescape(inside) } else { inside.to_owned() }))
    }
}

fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let based = [("0x", 16), ("0o", 8), ("0b", 2)];
    match based.iter().find_map(|(prefix, base)| Some((digits.strip_prefix(prefix)?, *base))) {
        Some((digits, base)) => i64::from_str_radix(digits, base).ok(),
        None => digits.parse().ok(),
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = escaped(&rest[at + 1..], &mut plain);
    }
    plain + rest
}

/// Adds what stands behind a backslash to `plain`; what follows it is the result.
fn escaped<'a>(text: &'a str, plain: &mut String) -> &'a str {
    let Some(first) = text.chars().next() else { return text };
    let rest = &text[first.len_utf8()..];
    let code = |len: usize| {
        let code = u32::from_str_radix(rest.get(..len)?, 16).ok()?;
        Some((char::from_u32(code)?, &rest[len..]))
    };
    let (char, rest) = match first {
        'n' => ('\n', rest),
        'r' => ('\r', rest),
        't' => ('\t', rest),
        'b' => ('\x08', rest),
        'f' => ('\x0c', rest),
        'u' => code(4).unwrap_or((first, rest)),
        'U' => code(8).unwrap_or((first, rest)),
        _ if first.is_whitespace() => return rest.trim_start(),
        _ => (first, rest),
    };
    plain.push(char);
    rest
}
