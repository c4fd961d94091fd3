//! What a script returns becomes the reply of its client.
//!
//! Everything is looked at by raw means, so no code of the script runs any more, and nothing can fail.

use kvark_call::{ReplySink, Version};

use crate::errors;
use crate::raw::*;
use crate::vm::Refs;

/// Fields that give a table a meaning.
pub(crate) const FIELDS: [&str; 9] =
    ["err", "ok", "double", "map", "set", "big_number", "verbatim_string", "string", "format"];
const ERR: usize = 0;
const OK: usize = 1;
const DOUBLE: usize = 2;
const MAP: usize = 3;
const SET: usize = 4;
const BIG: usize = 5;
const VERBATIM: usize = 6;
const STRING: usize = 7;
const FORMAT: usize = 8;

/// How deep an answer may be nested. A level takes a frame of this thread's stack.
const MAX_DEPTH: usize = 1000;

/// The error that the value on top is, and whether it was counted.
pub(crate) unsafe fn error(l: L, refs: &Refs) -> Option<(String, bool)> {
    if lua_type(l, -1) != LUA_TTABLE || !push_field(l, refs, ERR, LUA_TSTRING) {
        return None;
    }
    let message = errors::text(l, -1);
    lua_settop(l, -2);
    let at = lua_gettop(l);
    Some((message, errors::field_flag(l, at, b"ignore_error_stats_update")))
}

/// Tells the value on top, and takes it away.
pub(crate) unsafe fn tell(l: L, refs: &Refs, version: Version, out: &mut dyn ReplySink) {
    Teller { l, refs, version }.tell(out, 0);
}

/// Pushes a field of the table on top; nothing when it is of another type than `of_type`.
unsafe fn push_field(l: L, refs: &Refs, field: usize, of_type: c_int) -> bool {
    lua_rawgeti_(l, LUA_REGISTRYINDEX, refs.fields[field]);
    lua_rawget_(l, -2);
    if lua_type(l, -1) == of_type {
        return true;
    }
    lua_settop(l, -2);
    false
}

struct Teller<'r> {
    l: L,
    refs: &'r Refs,
    /// What the script has said that it speaks.
    version: Version,
}

impl Teller<'_> {
    unsafe fn tell(&self, out: &mut dyn ReplySink, depth: usize) {
        let l = self.l;
        if depth > MAX_DEPTH || lua_checkstack(l, 8) == 0 {
            out.error("ERR reached lua stack limit");
            return lua_settop(l, -2);
        }
        match lua_type(l, -1) {
            LUA_TSTRING => out.bulk(bytes(l, -1).unwrap_or_default()),
            LUA_TNUMBER => out.integer(lua_tonumber(l, -1) as i64),
            LUA_TBOOLEAN => match (self.version, lua_toboolean(l, -1) != 0) {
                (Version::Resp3, value) => out.boolean(value),
                (Version::Resp2, true) => out.integer(1),
                (Version::Resp2, false) => out.null(),
            },
            LUA_TTABLE => self.tell_table(out, depth),
            _ => out.null(),
        }
        lua_settop(l, -2);
    }

    /// Tells the table on top, and leaves it there.
    unsafe fn tell_table(&self, out: &mut dyn ReplySink, depth: usize) {
        let (l, refs) = (self.l, self.refs);
        if push_field(l, refs, ERR, LUA_TSTRING) {
            out.error(&errors::text(l, -1));
        } else if push_field(l, refs, OK, LUA_TSTRING) {
            out.status(&errors::text(l, -1));
        } else if push_field(l, refs, DOUBLE, LUA_TNUMBER) {
            out.double(lua_tonumber(l, -1));
        } else if push_field(l, refs, MAP, LUA_TTABLE) {
            self.tell_pairs(out, depth);
        } else if push_field(l, refs, SET, LUA_TTABLE) {
            self.tell_keys(out, depth);
        } else if push_field(l, refs, BIG, LUA_TSTRING) {
            out.big_number(&errors::text(l, -1).replace(['\r', '\n'], " "));
        } else if push_field(l, refs, VERBATIM, LUA_TTABLE) {
            self.tell_verbatim(out);
        } else {
            return self.tell_items(out, depth);
        }
        lua_settop(l, -2);
    }

    unsafe fn tell_items(&self, out: &mut dyn ReplySink, depth: usize) {
        let l = self.l;
        let mut len = 0;
        loop {
            lua_rawgeti_(l, -1, len + 1);
            let ended = lua_type(l, -1) == LUA_TNIL;
            lua_settop(l, -2);
            if ended {
                break;
            }
            len += 1;
        }
        out.array(len as usize);
        for at in 1..=len {
            lua_rawgeti_(l, -1, at);
            self.tell(out, depth + 1);
        }
    }

    unsafe fn count(&self) -> usize {
        let mut count = 0;
        lua_pushnil(self.l);
        while lua_next(self.l, -2) != 0 {
            lua_settop(self.l, -2);
            count += 1;
        }
        count
    }

    unsafe fn tell_pairs(&self, out: &mut dyn ReplySink, depth: usize) {
        let l = self.l;
        out.map(self.count());
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            lua_pushvalue(l, -2);
            self.tell(out, depth + 1);
            self.tell(out, depth + 1);
        }
    }

    unsafe fn tell_keys(&self, out: &mut dyn ReplySink, depth: usize) {
        let l = self.l;
        out.set(self.count());
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            lua_settop(l, -2);
            lua_pushvalue(l, -1);
            self.tell(out, depth + 1);
        }
    }

    /// Text with its format; anything else in that place is nothing.
    unsafe fn tell_verbatim(&self, out: &mut dyn ReplySink) {
        let l = self.l;
        if !push_field(l, self.refs, FORMAT, LUA_TSTRING) {
            return out.null();
        }
        let format = errors::text(l, -1);
        lua_settop(l, -2);
        if !push_field(l, self.refs, STRING, LUA_TSTRING) {
            return out.null();
        }
        let text = bytes(l, -1).unwrap_or_default();
        match format.len() {
            3 => out.verbatim(&format, text),
            _ => out.verbatim("txt", text),
        }
        lua_settop(l, -2);
    }
}
