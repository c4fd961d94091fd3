//! A library is loaded: its text is run once, and registers its functions.
//!
//! ```text
//! while it is loaded     _G     metatable: __index -> { redis = register_function, log, what it knows of the version }
//! afterwards             _G     metatable: __index -> globals
//! ```
//!
//! So a library that is being loaded reaches nothing but Lua's own syntax and that one table, and always does the same: every interpreter
//! that loads it has the same functions in the same order.

use crate::raw::*;
use crate::{Rights, api, errors, sandbox};

/// A function that a library has registered.
#[derive(Debug)]
pub struct Registered {
    pub name: String,
    pub description: Option<String>,
    pub rights: Rights,
    /// The place of its callback.
    pub place: c_int,
}

/// What is loaded, for [`load`].
pub(crate) struct Loading<'l> {
    pub text: &'l [u8],
    pub version: &'static str,
    /// The text was compiled.
    pub compiled: bool,
}

/// The name of a library or of a function.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

pub const WRONG_NAME: &str =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/// Compiles the text of a library and runs it; in a protected call, behind which comes [`restore`].
pub(crate) unsafe extern "C-unwind" fn load(l: L) -> c_int {
    let loading = &mut *lua_touserdata(l, 1).cast::<Loading<'_>>();
    lua_settop(l, 0);
    if loading.text.first() == Some(&LUA_SIGNATURE[0]) {
        push(l, b"bytecode is not accepted");
        lua_error(l);
    }
    if luaL_loadbuffer(l, loading.text.as_ptr().cast(), loading.text.len(), c"@user_function".as_ptr()) != LUA_OK {
        lua_error(l);
    }
    loading.compiled = true;
    lua_createtable(l, 0, 1);
    push_api(l, loading.version);
    lua_setfield(l, -2, c"redis".as_ptr());
    sandbox::refuse_missing(l);
    show(l);
    lua_call(l, 0, 0);
    0
}

/// The globals are what they were.
pub(crate) unsafe extern "C-unwind" fn restore(l: L) -> c_int {
    lua_settop(l, 0);
    let globals = work(l).refs.globals;
    lua_rawgeti_(l, LUA_REGISTRYINDEX, globals);
    show(l);
    0
}

/// From here on the globals are what is in the table on top, which is popped.
unsafe fn show(l: L) {
    lua_pushvalue(l, LUA_GLOBALSINDEX);
    lua_getmetatable(l, -1);
    lua_pushvalue(l, -3);
    lua_setfield(l, -2, c"__index".as_ptr());
    lua_settop(l, -4);
}

/// Pushes what a library sees as `redis` while it is loaded.
unsafe fn push_api(l: L, version: &str) {
    lua_createtable(l, 0, 8);
    set_function(l, c"register_function", register_function);
    api::set_log(l);
    api::set_version(l, version);
    sandbox::refuse_missing(l);
    sandbox::protect(l);
}

unsafe fn fail(l: L, message: &[u8]) -> ! {
    errors::push_text(l, message);
    lua_error(l)
}

/// `redis.register_function(name, callback)`, or `{function_name=, callback=, flags=, description=}`.
unsafe extern "C-unwind" fn register_function(l: L) -> c_int {
    let count = lua_gettop(l);
    if !(1..=2).contains(&count) {
        fail(l, b"wrong number of arguments to redis.register_function");
    }
    if work(l).registered.is_none() {
        fail(l, b"redis.register_function can only be called on FUNCTION LOAD command");
    }
    let rights = if count == 1 { take_named(l) } else { take_both(l) };
    // From here on: the name at 1, the callback at 2, the description or nil at 3.
    let name = bytes(l, 1).unwrap_or_default();
    if !is_name(name) {
        fail(l, WRONG_NAME.as_bytes());
    }
    let registered = work(l).registered.as_deref().unwrap_or_default();
    if registered.iter().any(|other| other.name.as_bytes().eq_ignore_ascii_case(name)) {
        fail(l, b"Function already exists in the library");
    }
    lua_pushvalue(l, 2);
    let place = luaL_ref(l, LUA_REGISTRYINDEX);
    // Lua raises nothing from here on.
    let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let description = if lua_type(l, 3) == LUA_TSTRING { bytes(l, 3).map(owned) } else { None };
    let registered = Registered { name: owned(name), description, rights, place };
    if let Some(list) = &mut work(l).registered {
        list.push(registered);
    }
    0
}

/// Looks at a name and a callback.
unsafe fn take_both(l: L) -> Rights {
    if !is_text(l, 1) {
        fail(l, b"first argument to redis.register_function must be a string");
    }
    if lua_type(l, 2) != LUA_TFUNCTION {
        fail(l, b"second argument to redis.register_function must be a function");
    }
    lua_settop(l, 3);
    Rights::ANY
}

/// Takes a table apart into name, callback and description, at 1, 2 and 3.
unsafe fn take_named(l: L) -> Rights {
    if lua_type(l, 1) != LUA_TTABLE {
        fail(
            l,
            b"calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
        );
    }
    let mut rights = Rights::ANY;
    for _ in 0..3 {
        lua_pushnil(l);
    }
    // At 1 the table, behind it name, callback and description; the walk is on top.
    lua_pushnil(l);
    while lua_next(l, 1) != 0 {
        let field = if lua_type(l, -2) == LUA_TSTRING { bytes(l, -2).unwrap_or_default() } else { b"" };
        match field {
            b"function_name" => {
                check(l, is_text(l, -1), b"function_name argument given to redis.register_function must be a string");
                lua_replace(l, 2);
            }
            b"callback" => {
                let is_function = lua_type(l, -1) == LUA_TFUNCTION;
                check(l, is_function, b"callback argument given to redis.register_function must be a function");
                lua_replace(l, 3);
            }
            b"description" => {
                check(l, is_text(l, -1), b"description argument given to redis.register_function must be a string");
                lua_replace(l, 4);
            }
            b"flags" => {
                rights = take_flags(l);
                lua_settop(l, -2);
            }
            _ => fail(l, b"unknown argument given to redis.register_function"),
        }
    }
    check(l, lua_type(l, 2) != LUA_TNIL, b"redis.register_function must get a function name argument");
    check(l, lua_type(l, 3) != LUA_TNIL, b"redis.register_function must get a callback argument");
    lua_settop(l, 4);
    lua_remove(l, 1);
    rights
}

/// The flags in the list on top.
unsafe fn take_flags(l: L) -> Rights {
    let list = lua_gettop(l);
    if lua_type(l, list) != LUA_TTABLE {
        fail(l, b"flags argument to redis.register_function must be a table representing function flags");
    }
    let mut rights = Rights::ANY;
    for at in 1.. {
        lua_rawgeti_(l, list, at);
        if lua_type(l, -1) == LUA_TNIL {
            break;
        }
        let flag = if lua_type(l, -1) == LUA_TSTRING { bytes(l, -1).and_then(Rights::named) } else { None };
        let Some(flag) = flag else { fail(l, b"unknown flag given") };
        rights = rights.and(flag);
        lua_settop(l, list);
    }
    lua_settop(l, list);
    rights
}

unsafe fn check(l: L, holds: bool, message: &[u8]) {
    if !holds {
        fail(l, message);
    }
}

unsafe fn is_text(l: L, at: c_int) -> bool {
    matches!(lua_type(l, at), LUA_TSTRING | LUA_TNUMBER)
}
