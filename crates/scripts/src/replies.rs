//! A command's reply becomes Lua values.
//!
//! ```text
//! RESP2   integer -> number   bulk -> string   nil -> false   array -> table   status -> {ok=}   error -> {err=}
//! RESP3   map -> {map={}}   set -> {set={}}   nil -> nil   boolean   double -> {double=}   verbatim -> {verbatim_string={}}
//! ```

use std::ffi::CStr;

use kvark_base::double;
use kvark_call::{ReplySink, Version};

use crate::errors;
use crate::raw::*;
use crate::vm::Work;

/// A table that is being filled, on Lua's stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    kind: Kind,
    /// Values that it waits for.
    left: usize,
    filled: c_int,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    /// A key, then its value, in a table that is wrapped in another.
    Map,
    /// Keys that are all true, in a table that is wrapped in another.
    Set,
}

/// Pushes the reply that `work` has; whether it is an error.
pub(crate) unsafe fn push(l: L, work: &mut Work) -> bool {
    work.frames.clear();
    let mut sink = Sink { l, version: work.version, frames: &mut work.frames, is_error: false };
    work.reply.play(&mut sink);
    sink.is_error
}

struct Sink<'w> {
    l: L,
    version: Version,
    frames: &'w mut Vec<Frame>,
    /// The whole reply is an error.
    is_error: bool,
}

impl Sink<'_> {
    fn is_resp3(&self) -> bool {
        self.version == Version::Resp3
    }

    /// Opens a table of `left` values; an empty one is whole at once.
    fn open(&mut self, kind: Kind, left: usize, field: Option<&CStr>) {
        // SAFETY: the state of a script that waits for this reply.
        unsafe {
            luaL_checkstack_(self.l, 8, c"the reply is nested too deep".as_ptr());
            if field.is_some() {
                lua_createtable(self.l, 0, 1);
            }
            let (items, pairs) = if kind == Kind::Array { (left, 0) } else { (0, left) };
            lua_createtable(self.l, items.min(1 << 20) as c_int, pairs.min(1 << 20) as c_int);
            if let Some(field) = field {
                lua_pushvalue(self.l, -1);
                lua_setfield(self.l, -3, field.as_ptr());
            }
        }
        self.frames.push(Frame { kind, left, filled: 0 });
        if left == 0 {
            self.close();
        }
    }

    /// The table on top is whole: it is a value of the one below.
    fn close(&mut self) {
        let frame = self.frames.pop().expect("it was opened");
        if frame.kind != Kind::Array {
            // SAFETY: below the table is the one that it is wrapped in.
            unsafe { lua_settop(self.l, -2) };
        }
        self.put();
    }

    /// The value on top goes where it belongs.
    fn put(&mut self) {
        let l = self.l;
        let Some(frame) = self.frames.last_mut() else { return };
        frame.left -= 1;
        frame.filled += 1;
        // SAFETY: the table of the frame is below what belongs into it.
        unsafe {
            match frame.kind {
                Kind::Array => lua_rawseti_(l, -2, frame.filled),
                Kind::Set => {
                    lua_pushboolean(l, 1);
                    lua_rawset(l, -3);
                }
                Kind::Map if frame.filled % 2 == 0 => lua_rawset(l, -3),
                Kind::Map => {}
            }
        }
        if frame.left == 0 {
            self.close();
        }
    }

    /// A table with one field, which is text.
    fn put_named(&mut self, name: &CStr, text: &[u8]) {
        // SAFETY: the state of a script that waits for this reply.
        unsafe {
            lua_createtable(self.l, 0, 1);
            crate::raw::push(self.l, text);
            lua_setfield(self.l, -2, name.as_ptr());
        }
        self.put();
    }
}

impl ReplySink for Sink<'_> {
    fn status(&mut self, text: &str) {
        self.put_named(c"ok", text.as_bytes());
    }
    fn error(&mut self, message: &str) {
        self.is_error = self.frames.is_empty();
        // SAFETY: as above.
        unsafe { errors::push(self.l, message.as_bytes(), true) };
        self.put();
    }
    fn integer(&mut self, value: i64) {
        // SAFETY: as above.
        unsafe { lua_pushnumber(self.l, value as f64) };
        self.put();
    }
    fn bulk(&mut self, bytes: &[u8]) {
        // SAFETY: as above.
        unsafe { crate::raw::push(self.l, bytes) };
        self.put();
    }
    fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }
    fn null(&mut self) {
        // SAFETY: as above.
        unsafe {
            if self.is_resp3() {
                lua_pushnil(self.l);
            } else {
                lua_pushboolean(self.l, 0);
            }
        }
        self.put();
    }
    fn null_array(&mut self) {
        self.null();
    }
    fn array(&mut self, len: usize) {
        self.open(Kind::Array, len, None);
    }
    fn map(&mut self, len: usize) {
        if self.is_resp3() { self.open(Kind::Map, len * 2, Some(c"map")) } else { self.array(len * 2) }
    }
    fn pairs(&mut self, len: usize) {
        self.array(if self.is_resp3() { len } else { len * 2 });
    }
    fn pair(&mut self) {
        if self.is_resp3() {
            self.array(2);
        }
    }
    fn keyed(&mut self, len: usize) {
        if self.is_resp3() { self.map(len) } else { self.array(len) }
    }
    fn keyed_pair(&mut self) {
        if !self.is_resp3() {
            self.array(2);
        }
    }
    fn set(&mut self, len: usize) {
        if self.is_resp3() { self.open(Kind::Set, len, Some(c"set")) } else { self.array(len) }
    }
    fn push(&mut self, len: usize) {
        self.array(len);
    }
    fn double(&mut self, value: f64) {
        if !self.is_resp3() {
            return self.bulk(double::Text::new(value).as_bytes());
        }
        // SAFETY: as above.
        unsafe {
            lua_createtable(self.l, 0, 1);
            set_number(self.l, c"double", value);
        }
        self.put();
    }
    fn boolean(&mut self, value: bool) {
        if !self.is_resp3() {
            return self.integer(value.into());
        }
        // SAFETY: as above.
        unsafe { lua_pushboolean(self.l, value.into()) };
        self.put();
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.is_resp3() {
            return self.bulk(text);
        }
        // SAFETY: as above.
        unsafe {
            lua_createtable(self.l, 0, 1);
            lua_createtable(self.l, 0, 2);
            crate::raw::push(self.l, text);
            lua_setfield(self.l, -2, c"string".as_ptr());
            set_text(self.l, c"format", format);
            lua_setfield(self.l, -2, c"verbatim_string".as_ptr());
        }
        self.put();
    }
    fn big_number(&mut self, digits: &str) {
        if self.is_resp3() { self.put_named(c"big_number", digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }
    fn speak(&mut self, _: Version) {}
}
