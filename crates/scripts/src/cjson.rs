//! The library `cjson`: JSON to Lua and back, as Redis' scripts know it.
//!
//! Its rules belong to a copy of the library (`cjson.new` makes another): they are the upvalue of all of its functions.

use crate::raw::*;

mod decode;
mod encode;

/// How deep a value may be nested whatever the rules say: a level takes a frame of this thread's stack.
const MAX_DEPTH: i32 = 1000;

/// What a script has chosen.
#[derive(Debug, Clone, Copy)]
struct JsonRules {
    /// A sparse array becomes an object instead of an error.
    sparse_convert: bool,
    /// An array is sparse when its largest index is above so many times its length, 0: never.
    sparse_ratio: i32,
    /// And above this.
    sparse_safe: i32,
    encode_max_depth: i32,
    decode_max_depth: i32,
    /// Digits of a number.
    precision: i32,
    keep_buffer: bool,
    encode_invalid: Invalid,
    decode_invalid: bool,
}

/// What becomes of numbers that JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Named,
    Null,
}

impl Default for JsonRules {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: MAX_DEPTH,
            decode_max_depth: MAX_DEPTH,
            precision: 14,
            keep_buffer: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
        }
    }
}

/// Fills the table on top.
pub(crate) unsafe fn open(l: L) {
    lua_newuserdata(l, size_of::<JsonRules>()).cast::<JsonRules>().write(JsonRules::default());
    for (name, function) in [
        (c"encode", encode::encode as lua_CFunction),
        (c"decode", decode::decode),
        (c"encode_sparse_array", encode_sparse_array),
        (c"encode_max_depth", encode_max_depth),
        (c"decode_max_depth", decode_max_depth),
        (c"encode_number_precision", encode_number_precision),
        (c"encode_keep_buffer", encode_keep_buffer),
        (c"encode_invalid_numbers", encode_invalid_numbers),
        (c"decode_invalid_numbers", decode_invalid_numbers),
        (c"new", new),
    ] {
        lua_pushvalue(l, -1);
        lua_pushcclosure(l, function, 1);
        lua_setfield(l, -3, name.as_ptr());
    }
    lua_settop(l, -2);
    lua_pushlightuserdata(l, std::ptr::null_mut());
    lua_setfield(l, -2, c"null".as_ptr());
    set_text(l, c"_NAME", "cjson");
    set_text(l, c"_VERSION", "2.1.0");
}

/// The rules of the copy whose function runs.
unsafe fn rules<'a>(l: L) -> &'a mut JsonRules {
    &mut *lua_touserdata(l, lua_upvalueindex(1)).cast::<JsonRules>()
}

unsafe extern "C-unwind" fn new(l: L) -> c_int {
    lua_createtable(l, 0, 16);
    open(l);
    1
}

/// Argument `at` as a whole number within bounds, or what it was.
unsafe fn number(l: L, at: c_int, was: i32, low: i32, high: i32) -> i32 {
    if lua_type(l, at) <= LUA_TNIL {
        return was;
    }
    let number = luaL_checknumber(l, at);
    if number < f64::from(low) || number > f64::from(high) {
        let (mut from, mut to) = (itoa::Buffer::new(), itoa::Buffer::new());
        let parts: [&[u8]; 4] =
            [b"expected integer between ", from.format(low).as_bytes(), b" and ", to.format(high).as_bytes()];
        raise_parts(l, &parts);
    }
    number as i32
}

/// Argument `at` as true or false, or what it was.
unsafe fn flag(l: L, at: c_int, was: bool) -> bool {
    if lua_type(l, at) <= LUA_TNIL { was } else { lua_toboolean(l, at) != 0 }
}

unsafe extern "C-unwind" fn encode_sparse_array(l: L) -> c_int {
    let rules = rules(l);
    rules.sparse_convert = flag(l, 1, rules.sparse_convert);
    rules.sparse_ratio = number(l, 2, rules.sparse_ratio, 0, i32::MAX);
    rules.sparse_safe = number(l, 3, rules.sparse_safe, 0, i32::MAX);
    lua_pushboolean(l, rules.sparse_convert.into());
    lua_pushnumber(l, f64::from(rules.sparse_ratio));
    lua_pushnumber(l, f64::from(rules.sparse_safe));
    3
}

unsafe extern "C-unwind" fn encode_max_depth(l: L) -> c_int {
    let rules = rules(l);
    rules.encode_max_depth = number(l, 1, rules.encode_max_depth, 1, i32::MAX);
    lua_pushnumber(l, f64::from(rules.encode_max_depth));
    1
}

unsafe extern "C-unwind" fn decode_max_depth(l: L) -> c_int {
    let rules = rules(l);
    rules.decode_max_depth = number(l, 1, rules.decode_max_depth, 1, i32::MAX);
    lua_pushnumber(l, f64::from(rules.decode_max_depth));
    1
}

unsafe extern "C-unwind" fn encode_number_precision(l: L) -> c_int {
    let rules = rules(l);
    rules.precision = number(l, 1, rules.precision, 1, 16);
    lua_pushnumber(l, f64::from(rules.precision));
    1
}

/// The buffer belongs to the interpreter and is kept in any case; what was asked for is remembered.
unsafe extern "C-unwind" fn encode_keep_buffer(l: L) -> c_int {
    let rules = rules(l);
    rules.keep_buffer = flag(l, 1, rules.keep_buffer);
    lua_pushboolean(l, rules.keep_buffer.into());
    1
}

unsafe extern "C-unwind" fn encode_invalid_numbers(l: L) -> c_int {
    let rules = rules(l);
    rules.encode_invalid = match bytes(l, 1).filter(|_| lua_type(l, 1) == LUA_TSTRING) {
        Some(b"null") => Invalid::Null,
        Some(b"on") => Invalid::Named,
        Some(b"off") => Invalid::Refused,
        Some(_) => raise(l, b"invalid option"),
        None if lua_type(l, 1) <= LUA_TNIL => rules.encode_invalid,
        None if lua_toboolean(l, 1) != 0 => Invalid::Named,
        None => Invalid::Refused,
    };
    match rules.encode_invalid {
        Invalid::Null => push(l, b"null"),
        invalid => lua_pushboolean(l, (invalid == Invalid::Named).into()),
    }
    1
}

unsafe extern "C-unwind" fn decode_invalid_numbers(l: L) -> c_int {
    let rules = rules(l);
    rules.decode_invalid = flag(l, 1, rules.decode_invalid);
    lua_pushboolean(l, rules.decode_invalid.into());
    1
}
