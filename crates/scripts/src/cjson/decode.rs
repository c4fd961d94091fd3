//! JSON to Lua.

use super::{JsonRules, MAX_DEPTH, rules};
use crate::raw::*;

/// `cjson.decode(text)`
pub(super) unsafe extern "C-unwind" fn decode(l: L) -> c_int {
    if lua_gettop(l) != 1 {
        luaL_argerror(l, 1, c"expected 1 argument".as_ptr());
    }
    let text = argument(l, 1);
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        raise(l, b"JSON parser does not support UTF-16 or UTF-32");
    }
    let mut decoder = Decoder { l, rules: *rules(l), text, at: 0, scratch: &mut work(l).scratch };
    let first = decoder.token();
    decoder.value(first, 0);
    let last = decoder.token();
    if last.kind != Kind::End {
        decoder.refuse(b"the end", &last);
    }
    1
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// Its text is in the scratch buffer.
    Text,
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Bad(&'static str),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::Text => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Bad(why) => why,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    /// Where it begins; where it goes wrong.
    at: usize,
}

struct Decoder<'t> {
    l: L,
    rules: JsonRules,
    text: &'t [u8],
    at: usize,
    scratch: &'t mut Vec<u8>,
}

impl Decoder<'_> {
    unsafe fn refuse(&self, expected: &[u8], found: &Token) -> ! {
        let (name, mut number) = (found.kind.name(), itoa::Buffer::new());
        let at = number.format(found.at + 1);
        raise_parts(
            self.l,
            &[b"Expected ", expected, b" but found ", name.as_bytes(), b" at character ", at.as_bytes()],
        )
    }

    /// Pushes the value that begins with `token`.
    unsafe fn value(&mut self, token: Token, depth: i32) {
        let l = self.l;
        match token.kind {
            Kind::Text => push(l, self.scratch),
            Kind::Number(number) => lua_pushnumber(l, number),
            Kind::Boolean(value) => lua_pushboolean(l, value.into()),
            Kind::Null => lua_pushlightuserdata(l, std::ptr::null_mut()),
            Kind::ObjectBegin => self.object(depth + 1),
            Kind::ArrayBegin => self.array(depth + 1),
            _ => self.refuse(b"value", &token),
        }
    }

    unsafe fn descend(&self, depth: i32) {
        if depth > self.rules.decode_max_depth.min(MAX_DEPTH) || lua_checkstack(self.l, 4) == 0 {
            let mut number = itoa::Buffer::new();
            let depth = number.format(depth).as_bytes();
            let mut place = itoa::Buffer::new();
            let at = place.format(self.at).as_bytes();
            raise_parts(self.l, &[b"Found too many nested data structures (", depth, b") at character ", at]);
        }
    }

    unsafe fn object(&mut self, depth: i32) {
        self.descend(depth);
        lua_createtable(self.l, 0, 0);
        let mut key = self.token();
        if key.kind == Kind::ObjectEnd {
            return;
        }
        loop {
            if key.kind != Kind::Text {
                self.refuse(b"object key string", &key);
            }
            push(self.l, self.scratch);
            let colon = self.token();
            if colon.kind != Kind::Colon {
                self.refuse(b"colon", &colon);
            }
            let token = self.token();
            self.value(token, depth);
            lua_rawset(self.l, -3);
            let next = self.token();
            match next.kind {
                Kind::ObjectEnd => return,
                Kind::Comma => key = self.token(),
                _ => self.refuse(b"comma or object end", &next),
            }
        }
    }

    unsafe fn array(&mut self, depth: i32) {
        self.descend(depth);
        lua_createtable(self.l, 0, 0);
        let mut token = self.token();
        if token.kind == Kind::ArrayEnd {
            return;
        }
        for at in 1.. {
            self.value(token, depth);
            lua_rawseti_(self.l, -2, at);
            let next = self.token();
            match next.kind {
                Kind::ArrayEnd => return,
                Kind::Comma => token = self.token(),
                _ => self.refuse(b"comma or array end", &next),
            }
        }
    }

    fn token(&mut self) -> Token {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let at = self.at;
        match self.kind() {
            kind @ Kind::Bad(_) => Token { kind, at: self.at },
            kind => Token { kind, at },
        }
    }

    fn kind(&mut self) -> Kind {
        let Some(&byte) = self.text.get(self.at) else { return Kind::End };
        let one = match byte {
            b'{' => Kind::ObjectBegin,
            b'}' => Kind::ObjectEnd,
            b'[' => Kind::ArrayBegin,
            b']' => Kind::ArrayEnd,
            b',' => Kind::Comma,
            b':' => Kind::Colon,
            b'"' => return self.string(),
            _ => return self.word(),
        };
        self.at += 1;
        one
    }

    fn word(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        for (word, kind) in [("true", Kind::Boolean(true)), ("false", Kind::Boolean(false)), ("null", Kind::Null)] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return kind;
            }
        }
        if self.rules.decode_invalid || is_json_number(rest) { self.number() } else { Kind::Bad("invalid token") }
    }

    /// A number as C reads it: with the rules as they are at first also infinite, not a number, or in hexadecimal digits.
    fn number(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        let starts = matches!(rest[0], b'0'..=b'9' | b'-' | b'+' | b'i' | b'I' | b'n' | b'N');
        if !starts {
            return Kind::Bad("invalid token");
        }
        let mut end = std::ptr::null_mut();
        // SAFETY: the text is a string of Lua, which has a zero behind it.
        let (number, len) = unsafe {
            let number = libc::strtod(rest.as_ptr().cast(), &raw mut end);
            (number, end.addr() - rest.as_ptr().addr())
        };
        if len == 0 {
            return Kind::Bad("invalid number");
        }
        self.at += len;
        Kind::Number(number)
    }

    fn string(&mut self) -> Kind {
        self.scratch.clear();
        self.at += 1;
        loop {
            let Some(&byte) = self.text.get(self.at) else { return Kind::Bad("unexpected end of string") };
            self.at += 1;
            match byte {
                b'"' => return Kind::Text,
                b'\\' => {
                    let at = self.at - 1;
                    if self.escape().is_none() {
                        self.at = at;
                        return Kind::Bad("invalid escape code");
                    }
                }
                _ => self.scratch.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let point = self.code_point()?;
                let mut utf8 = [0; 4];
                self.scratch.extend_from_slice(char::from_u32(point)?.encode_utf8(&mut utf8).as_bytes());
                return Some(());
            }
            _ => return None,
        };
        self.scratch.push(plain);
        Some(())
    }

    /// Four digits, or twice four with an escape between them.
    fn code_point(&mut self) -> Option<u32> {
        let high = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Some(high);
        }
        if self.text.get(self.at..self.at + 2) != Some(b"\\u") {
            return None;
        }
        self.at += 2;
        let low = self.four_digits()?;
        (0xdc00..0xe000).contains(&low).then(|| 0x10000 + ((high & 0x3ff) << 10 | low & 0x3ff))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |all, &digit| Some(all << 4 | (digit as char).to_digit(16)?))
    }
}

/// Whether a number begins as JSON says that it must.
fn is_json_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0', b'0'..=b'9' | b'x' | b'X', ..] => false,
        [b'0'..=b'9', ..] => true,
        _ => false,
    }
}
