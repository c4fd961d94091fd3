//! What a script can reach: the globals of Redis, none of which it can change.
//!
//! ```text
//! _G       empty, what scripts see        metatable: __index -> globals, __newindex -> an error
//! globals  the functions and libraries    metatable: __index -> an error
//! redis    empty, as every library        metatable: __index -> its functions, __newindex -> an error
//! ```
//!
//! Lua 5.1 has no tables that cannot be changed, so what is protected is an empty table in front of the true one. Functions that look
//! into a table by raw means know that: `rawget`, `next` and `pairs` look behind it, `rawset`, `setmetatable` and `table.insert` refuse.

use std::ffi::{CStr, c_void};

use crate::raw::*;
use crate::vm::{enter, leave};
use crate::{answers, api, bits, cjson, cmsgpack, errors, structs};

/// Its address is the key under which the metatable of a protected table has the true one.
static MARK: u8 = 0;

const READONLY: &[u8] = b"Attempt to modify a readonly table";
const REMOVED: [&CStr; 6] = [c"print", c"dofile", c"loadfile", c"getfenv", c"setfenv", c"newproxy"];
const LIBRARIES: [&CStr; 10] =
    [c"string", c"table", c"math", c"os", c"coroutine", c"redis", c"cjson", c"cmsgpack", c"bit", c"struct"];

/// Builds everything, in a protected call; its argument points to the version of Redis that it claims to be.
pub(crate) unsafe extern "C-unwind" fn build(l: L) -> c_int {
    let version = *lua_touserdata(l, 1).cast::<&str>();
    lua_settop(l, 0);
    for open in [luaopen_base, luaopen_string, luaopen_table, luaopen_math, luaopen_os] {
        lua_pushcclosure(l, open, 0);
        lua_call(l, 0, 0);
    }
    lua_pushvalue(l, LUA_GLOBALSINDEX);
    replace_functions(l);
    for (name, open) in [
        (c"redis", api::open as unsafe fn(L)),
        (c"cjson", cjson::open),
        (c"cmsgpack", cmsgpack::open),
        (c"bit", bits::open),
        (c"struct", structs::open),
    ] {
        lua_createtable(l, 0, 16);
        open(l);
        lua_setfield(l, 1, name.as_ptr());
    }
    lua_getfield_(l, 1, c"redis".as_ptr());
    api::set_version(l, version);
    lua_settop(l, 1);
    keep_places(l);
    protect_all(l);
    0
}

/// Takes what scripts must not have from the globals at 1, and gives them ours.
unsafe fn replace_functions(l: L) {
    for name in REMOVED {
        lua_pushnil(l);
        lua_setfield(l, 1, name.as_ptr());
    }
    for (name, function) in [
        (c"loadstring", loadstring as lua_CFunction),
        (c"load", load),
        (c"rawget", rawget),
        (c"rawset", rawset),
        (c"setmetatable", setmetatable),
        (c"next", next),
        (c"pairs", pairs),
        (c"unpack", unpack),
        (c"__redis__err__handler", errors::explain),
    ] {
        set_function(l, name, function);
    }
    lua_getfield_(l, 1, c"math".as_ptr());
    set_function(l, c"random", random);
    set_function(l, c"randomseed", randomseed);
    lua_settop(l, 1);
    lua_getfield_(l, 1, c"table".as_ptr());
    lua_getfield_(l, -1, c"insert".as_ptr());
    lua_pushcclosure(l, insert, 1);
    lua_setfield(l, -2, c"insert".as_ptr());
    lua_createtable(l, 0, 1);
    lua_getfield_(l, 1, c"os".as_ptr());
    lua_getfield_(l, -1, c"clock".as_ptr());
    lua_setfield(l, -3, c"clock".as_ptr());
    lua_settop(l, -2);
    lua_setfield(l, 1, c"os".as_ptr());
    lua_settop(l, 1);
}

/// Notes where things are, so that a run pushes them without memory of its own.
unsafe fn keep_places(l: L) {
    let place = |function| {
        lua_pushcclosure(l, function, 0);
        luaL_ref(l, LUA_REGISTRYINDEX)
    };
    let refs = &mut work(l).refs;
    (refs.explain, refs.enter, refs.leave) = (place(errors::explain), place(enter), place(leave));
    for (place, name) in refs.fields.iter_mut().zip(answers::FIELDS) {
        push(l, name.as_bytes());
        *place = luaL_ref(l, LUA_REGISTRYINDEX);
    }
}

unsafe fn protect_all(l: L) {
    // What everybody gets who asks for the metatable of something protected; it is protected by itself.
    lua_createtable(l, 0, 0);
    protect(l);
    lua_getmetatable(l, -1);
    lua_pushvalue(l, -2);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    lua_settop(l, -2);
    work(l).refs.guard = luaL_ref(l, LUA_REGISTRYINDEX);
    for name in LIBRARIES {
        lua_getfield_(l, 1, name.as_ptr());
        protect(l);
        lua_setfield(l, 1, name.as_ptr());
    }
    // Of a string one sees where its methods are.
    push(l, b"");
    lua_getmetatable(l, -1);
    lua_createtable(l, 0, 1);
    lua_getfield_(l, 1, c"string".as_ptr());
    lua_setfield(l, -2, c"__index".as_ptr());
    protect(l);
    lua_setfield(l, -2, c"__metatable".as_ptr());
    lua_settop(l, 1);
    refuse_missing(l);
    lua_pushvalue(l, 1);
    protect(l);
    lua_pushvalue(l, -1);
    lua_setfield(l, 1, c"_G".as_ptr());
    lua_replace(l, LUA_GLOBALSINDEX);
    lua_settop(l, 1);
    work(l).refs.globals = luaL_ref(l, LUA_REGISTRYINDEX);
}

/// What the table on top does not have is an error.
pub(crate) unsafe fn refuse_missing(l: L) {
    lua_createtable(l, 0, 1);
    set_function(l, c"__index", missing);
    lua_setmetatable(l, -2);
}

/// Puts an empty table in front of the one on top.
pub(crate) unsafe fn protect(l: L) {
    lua_createtable(l, 0, 0);
    lua_createtable(l, 0, 4);
    lua_pushlightuserdata(l, mark());
    lua_pushvalue(l, -4);
    lua_rawset(l, -3);
    lua_pushvalue(l, -3);
    lua_setfield(l, -2, c"__index".as_ptr());
    set_function(l, c"__newindex", refuse);
    let guard = work(l).refs.guard;
    if guard != 0 {
        lua_rawgeti_(l, LUA_REGISTRYINDEX, guard);
        lua_setfield(l, -2, c"__metatable".as_ptr());
    }
    lua_setmetatable(l, -2);
    lua_replace(l, -2);
}

fn mark() -> *mut c_void {
    (&raw const MARK).cast_mut().cast()
}

/// Pushes the true table of the one at `at`, if that is protected; whether it is.
unsafe fn push_true(l: L, at: c_int) -> bool {
    if lua_type(l, at) != LUA_TTABLE || lua_getmetatable(l, at) == 0 {
        return false;
    }
    lua_pushlightuserdata(l, mark());
    lua_rawget_(l, -2);
    lua_replace(l, -2);
    if lua_type(l, -1) == LUA_TTABLE {
        return true;
    }
    lua_settop(l, -2);
    false
}

/// Raises an error when argument 1 is protected.
unsafe fn check_own(l: L) {
    if push_true(l, 1) {
        raise(l, READONLY);
    }
}

/// Puts the true table in the place of argument 1, if that is protected.
unsafe fn look_behind(l: L) {
    if push_true(l, 1) {
        lua_replace(l, 1);
    }
}

unsafe extern "C-unwind" fn refuse(l: L) -> c_int {
    raise(l, READONLY)
}

unsafe extern "C-unwind" fn missing(l: L) -> c_int {
    luaL_where(l, 1);
    push(l, b"Script attempted to access nonexistent global variable '");
    let name = bytes(l, 2).unwrap_or(b"?");
    push(l, name);
    push(l, b"'");
    lua_concat(l, 4);
    lua_error(l)
}

unsafe extern "C-unwind" fn rawset(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    luaL_checkany(l, 2);
    luaL_checkany(l, 3);
    check_own(l);
    lua_settop(l, 3);
    lua_rawset(l, 1);
    1
}

unsafe extern "C-unwind" fn rawget(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    luaL_checkany(l, 2);
    lua_settop(l, 2);
    look_behind(l);
    lua_rawget_(l, 1);
    1
}

unsafe extern "C-unwind" fn setmetatable(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    let kind = lua_type(l, 2);
    if kind != LUA_TNIL && kind != LUA_TTABLE {
        luaL_argerror(l, 2, c"nil or table expected".as_ptr());
    }
    check_own(l);
    if luaL_getmetafield_(l, 1, c"__metatable".as_ptr()) != 0 {
        raise(l, b"cannot change a protected metatable");
    }
    lua_settop(l, 2);
    lua_setmetatable(l, 1);
    1
}

unsafe extern "C-unwind" fn next(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    lua_settop(l, 2);
    look_behind(l);
    if lua_next(l, 1) != 0 {
        return 2;
    }
    lua_pushnil(l);
    1
}

unsafe extern "C-unwind" fn pairs(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    lua_pushcclosure(l, next, 0);
    lua_pushvalue(l, 1);
    lua_pushnil(l);
    3
}

/// `unpack(list, from, to)`. That of Lua 5.1 counts in a C `int`, which may overflow.
unsafe extern "C-unwind" fn unpack(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TTABLE);
    let from = luaL_optnumber(l, 2, 1.0) as i32;
    let to = if lua_type(l, 3) <= LUA_TNIL { lua_objlen(l, 1) as i32 } else { luaL_checknumber(l, 3) as i32 };
    let count = i64::from(to) - i64::from(from) + 1;
    if count <= 0 {
        return 0;
    }
    if count > i64::from(i32::MAX) || lua_checkstack(l, count as c_int) == 0 {
        raise(l, b"too many results to unpack");
    }
    (0..count as c_int).for_each(|at| lua_rawgeti_(l, 1, from + at));
    count as c_int
}

/// `table.insert` of Lua, which is its upvalue, but not into what is protected.
unsafe extern "C-unwind" fn insert(l: L) -> c_int {
    check_own(l);
    lua_pushvalue(l, lua_upvalueindex(1));
    lua_insert(l, 1);
    lua_call(l, lua_gettop(l) - 1, 0);
    0
}

/// Compiles the text at 1 under the name at 2: a function, or nil and why not. Bytecode is not accepted: nothing checks it.
unsafe fn compile(l: L, name: &CStr) -> c_int {
    let text = bytes(l, 1).unwrap_or_default();
    if text.first() == Some(&LUA_SIGNATURE[0]) {
        lua_pushnil(l);
        push(l, b"bytecode is not accepted");
        return 2;
    }
    if luaL_loadbuffer(l, text.as_ptr().cast(), text.len(), name.as_ptr()) == LUA_OK {
        return 1;
    }
    lua_pushnil(l);
    lua_insert(l, -2);
    2
}

unsafe extern "C-unwind" fn loadstring(l: L) -> c_int {
    let text = luaL_checklstring(l, 1, std::ptr::null_mut());
    let name = luaL_optlstring(l, 2, text, std::ptr::null_mut());
    compile(l, CStr::from_ptr(name))
}

unsafe extern "C-unwind" fn load(l: L) -> c_int {
    luaL_checktype(l, 1, LUA_TFUNCTION);
    let name = luaL_optlstring(l, 2, c"=(load)".as_ptr(), std::ptr::null_mut());
    lua_settop(l, 2);
    lua_createtable(l, 0, 0);
    let mut pieces = 0;
    loop {
        lua_pushvalue(l, 1);
        lua_call(l, 0, 1);
        match bytes(l, -1) {
            Some([]) => break,
            Some(_) => pieces += 1,
            None if lua_type(l, -1) == LUA_TNIL => break,
            None => raise(l, b"reader function must return a string"),
        }
        lua_rawseti_(l, 3, pieces);
    }
    let text = &mut work(l).scratch;
    text.clear();
    for piece in 1..=pieces {
        lua_rawgeti_(l, 3, piece);
        text.extend_from_slice(bytes(l, -1).unwrap_or_default());
        lua_settop(l, 3);
    }
    push(l, text);
    lua_replace(l, 1);
    compile(l, CStr::from_ptr(name))
}

unsafe extern "C-unwind" fn random(l: L) -> c_int {
    let fraction = work(l).random.fraction();
    let (low, high) = match lua_gettop(l) {
        0 => {
            lua_pushnumber(l, fraction);
            return 1;
        }
        1 => (1.0, luaL_checknumber(l, 1).trunc()),
        2 => (luaL_checknumber(l, 1).trunc(), luaL_checknumber(l, 2).trunc()),
        _ => raise(l, b"wrong number of arguments"),
    };
    if low > high {
        luaL_argerror(l, lua_gettop(l), c"interval is empty".as_ptr());
    }
    lua_pushnumber(l, (fraction * (high - low + 1.0)).floor() + low);
    1
}

unsafe extern "C-unwind" fn randomseed(l: L) -> c_int {
    let seed = luaL_checknumber(l, 1) as i64;
    work(l).random = crate::drand::Drand::from_seed(seed as u32);
    0
}
