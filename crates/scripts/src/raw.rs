//! Lua's C interface, and what is asked of it again and again.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{CStr, c_void};

pub(crate) use std::ffi::c_int;

pub(crate) use mlua_sys::lua51::*;

use crate::vm::Work;

/// An interpreter as Lua's functions see it.
pub(crate) type L = *mut lua_State;

/// What belongs to an interpreter, found again from its `lua_State`. It never moves.
pub(crate) struct Inner {
    pub memory: Memory,
    pub work: UnsafeCell<Work>,
}

/// How much memory an interpreter has.
pub(crate) struct Memory {
    pub used: Cell<usize>,
    pub most: Cell<usize>,
}

/// What belongs to the interpreter of `l`, memory apart.
///
/// # Safety
///
/// `l` was made by [`crate::vm::Vm`], and nobody else holds what this returns.
#[inline]
pub(crate) unsafe fn work<'a>(l: L) -> &'a mut Work {
    let mut inner: *mut c_void = std::ptr::null_mut();
    lua_getallocf(l, &raw mut inner);
    &mut *(*inner.cast::<Inner>()).work.get()
}

/// Lua's allocator: that of C, within the bound of the interpreter.
pub(crate) unsafe extern "C" fn allocate(
    inner: *mut c_void,
    block: *mut c_void,
    old_len: usize,
    new_len: usize,
) -> *mut c_void {
    let memory = &(*inner.cast::<Inner>()).memory;
    let old_len = if block.is_null() { 0 } else { old_len };
    let used = memory.used.get() - old_len + new_len;
    if new_len == 0 {
        libc::free(block);
    } else if new_len > old_len && used > memory.most.get() {
        return std::ptr::null_mut();
    } else {
        let grown = libc::realloc(block, new_len);
        if !grown.is_null() {
            memory.used.set(used);
        }
        return grown;
    }
    memory.used.set(used);
    std::ptr::null_mut()
}

/// Pushes bytes as a string.
#[inline]
pub(crate) unsafe fn push(l: L, bytes: &[u8]) {
    lua_pushlstring_(l, bytes.as_ptr().cast(), bytes.len())
}

/// The bytes of a string or of a number, which becomes a string; nothing of any other value. They live as long as the value does.
#[inline]
pub(crate) unsafe fn bytes<'a>(l: L, at: c_int) -> Option<&'a [u8]> {
    let mut len = 0;
    let text = lua_tolstring(l, at, &raw mut len);
    (!text.is_null()).then(|| std::slice::from_raw_parts(text.cast(), len))
}

/// The bytes of argument `at`, which must be a string or a number.
#[inline]
pub(crate) unsafe fn argument<'a>(l: L, at: c_int) -> &'a [u8] {
    let mut len = 0;
    let text = luaL_checklstring(l, at, &raw mut len);
    std::slice::from_raw_parts(text.cast(), len)
}

/// Raises an error that says where it was, and `message`.
pub(crate) unsafe fn raise(l: L, message: &[u8]) -> ! {
    raise_parts(l, &[message])
}

/// Sets field `name` of the table on top to a function.
pub(crate) unsafe fn set_function(l: L, name: &CStr, function: lua_CFunction) {
    lua_pushcclosure(l, function, 0);
    lua_setfield(l, -2, name.as_ptr());
}

/// Sets field `name` of the table on top to a number.
pub(crate) unsafe fn set_number(l: L, name: &CStr, number: f64) {
    lua_pushnumber(l, number);
    lua_setfield(l, -2, name.as_ptr());
}

/// Sets field `name` of the table on top to a string.
pub(crate) unsafe fn set_text(l: L, name: &CStr, text: &str) {
    push(l, text.as_bytes());
    lua_setfield(l, -2, name.as_ptr());
}

/// As [`raise`], of a message in parts.
pub(crate) unsafe fn raise_parts(l: L, parts: &[&[u8]]) -> ! {
    luaL_checkstack_(l, parts.len() as c_int + 1, c"in a message".as_ptr());
    luaL_where(l, 1);
    parts.iter().for_each(|part| push(l, part));
    lua_concat(l, parts.len() as c_int + 1);
    lua_error(l)
}
