//! Lua to JSON.

use super::{Invalid, JsonRules, MAX_DEPTH, rules};
use crate::raw::*;

/// `cjson.encode(value)`
pub(super) unsafe extern "C-unwind" fn encode(l: L) -> c_int {
    if lua_gettop(l) != 1 {
        luaL_argerror(l, 1, c"expected 1 argument".as_ptr());
    }
    let out = &mut work(l).scratch;
    out.clear();
    Encoder { l, rules: *rules(l), out }.value(0);
    push(l, out);
    1
}

struct Encoder<'o> {
    l: L,
    rules: JsonRules,
    out: &'o mut Vec<u8>,
}

impl Encoder<'_> {
    /// Appends the value on top, and leaves it there.
    unsafe fn value(&mut self, depth: i32) {
        let l = self.l;
        match lua_type(l, -1) {
            LUA_TSTRING => self.text(bytes(l, -1).unwrap_or_default()),
            LUA_TNUMBER => self.number(lua_tonumber(l, -1)),
            LUA_TBOOLEAN if lua_toboolean(l, -1) != 0 => self.out.extend_from_slice(b"true"),
            LUA_TBOOLEAN => self.out.extend_from_slice(b"false"),
            LUA_TNIL => self.out.extend_from_slice(b"null"),
            LUA_TLIGHTUSERDATA if lua_touserdata(l, -1).is_null() => self.out.extend_from_slice(b"null"),
            LUA_TTABLE => self.table(depth + 1),
            _ => self.refuse(b"type not supported"),
        }
    }

    unsafe fn refuse(&self, why: &[u8]) -> ! {
        let name = std::ffi::CStr::from_ptr(lua_typename(self.l, lua_type(self.l, -1))).to_bytes();
        raise_parts(self.l, &[b"Cannot serialise ", name, b": ", why])
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            let short = match byte {
                b'"' | b'\\' | b'/' => byte,
                8 => b'b',
                9 => b't',
                10 => b'n',
                12 => b'f',
                13 => b'r',
                0..32 | 127 => {
                    let digit = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
                    self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                    continue;
                }
                _ => {
                    self.out.push(byte);
                    continue;
                }
            };
            self.out.extend_from_slice(&[b'\\', short]);
        }
        self.out.push(b'"');
    }

    unsafe fn number(&mut self, number: f64) {
        if number.is_finite() {
            return self.digits(number);
        }
        self.out.extend_from_slice(match self.rules.encode_invalid {
            Invalid::Refused => self.refuse(b"must not be NaN or Inf"),
            Invalid::Null => b"null",
            Invalid::Named if number.is_nan() => b"NaN",
            Invalid::Named if number > 0.0 => b"Infinity",
            Invalid::Named => b"-Infinity",
        });
    }

    /// As C prints it with `%.<precision>g`.
    unsafe fn digits(&mut self, number: f64) {
        let mut text = [0u8; 40];
        let len = libc::snprintf(text.as_mut_ptr().cast(), text.len(), c"%.*g".as_ptr(), self.rules.precision, number);
        self.out.extend_from_slice(&text[..len as usize]);
    }

    unsafe fn table(&mut self, depth: i32) {
        if depth > self.rules.encode_max_depth.min(MAX_DEPTH) || lua_checkstack(self.l, 4) == 0 {
            let mut number = itoa::Buffer::new();
            raise_parts(self.l, &[b"Cannot serialise, excessive depth (", number.format(depth).as_bytes(), b")"]);
        }
        match self.array_len() {
            Some(len @ 1..) => self.array(len, depth),
            _ => self.object(depth),
        }
    }

    /// The largest index when all keys of the table on top are indexes; `None` for an object.
    unsafe fn array_len(&self) -> Option<c_int> {
        let l = self.l;
        let (mut largest, mut items) = (0.0, 0);
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            let key = if lua_type(l, -2) == LUA_TNUMBER { lua_tonumber(l, -2) } else { 0.0 };
            if key < 1.0 || key.fract() != 0.0 || key > f64::from(i32::MAX) {
                lua_settop(l, -3);
                return None;
            }
            largest = f64::max(largest, key);
            items += 1;
            lua_settop(l, -2);
        }
        let rules = &self.rules;
        let is_sparse = rules.sparse_ratio > 0
            && largest > f64::from(items) * f64::from(rules.sparse_ratio)
            && largest > f64::from(rules.sparse_safe);
        match (is_sparse, rules.sparse_convert) {
            (true, false) => self.refuse(b"excessively sparse array"),
            (true, true) => None,
            (false, _) => Some(largest as c_int),
        }
    }

    unsafe fn array(&mut self, len: c_int, depth: i32) {
        self.out.push(b'[');
        for at in 1..=len {
            if at > 1 {
                self.out.push(b',');
            }
            lua_rawgeti_(self.l, -1, at);
            self.value(depth);
            lua_settop(self.l, -2);
        }
        self.out.push(b']');
    }

    unsafe fn object(&mut self, depth: i32) {
        let l = self.l;
        self.out.push(b'{');
        let mut comma = false;
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            if std::mem::replace(&mut comma, true) {
                self.out.push(b',');
            }
            match lua_type(l, -2) {
                LUA_TNUMBER => {
                    self.out.push(b'"');
                    self.number(lua_tonumber(l, -2));
                    self.out.push(b'"');
                }
                // A number would become a string in its place, and end the walk.
                LUA_TSTRING => self.text(bytes(l, -2).unwrap_or_default()),
                _ => raise(l, b"Cannot serialise table: table key must be a number or string"),
            }
            self.out.push(b':');
            self.value(depth);
            lua_settop(l, -2);
        }
        self.out.push(b'}');
    }
}
