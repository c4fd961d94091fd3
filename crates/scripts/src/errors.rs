//! Errors of scripts: tables `{err=, source=, line=, ignore_error_stats_update=}`, and what a client reads of them.

use crate::raw::*;

/// Pushes the error table of `message`, which has its code. `counted`: the command that it came from has counted it.
pub(crate) unsafe fn push(l: L, message: &[u8], counted: bool) {
    lua_createtable(l, 0, 4);
    crate::raw::push(l, message);
    lua_setfield(l, -2, c"err".as_ptr());
    if counted {
        lua_pushboolean(l, 1);
        lua_setfield(l, -2, c"ignore_error_stats_update".as_ptr());
    }
}

/// Pushes the error table of a text that may or may not have a code: one that begins with a minus has, if it has more than one word.
pub(crate) unsafe fn push_text(l: L, text: &[u8]) {
    let (text, coded) = text.strip_prefix(b"-").map_or((text, false), |text| (text, true));
    lua_createtable(l, 0, 4);
    if coded && text.contains(&b' ') {
        crate::raw::push(l, text.trim_ascii_end());
    } else if text.trim_ascii_end().is_empty() {
        crate::raw::push(l, b"ERR");
    } else {
        crate::raw::push(l, b"ERR ");
        crate::raw::push(l, text.trim_ascii_end());
        lua_concat(l, 2);
    }
    lua_setfield(l, -2, c"err".as_ptr());
}

/// The handler of whatever a script raises: makes a table of it and notes where it was.
pub(crate) unsafe extern "C-unwind" fn explain(l: L) -> c_int {
    lua_settop(l, 1);
    if lua_type(l, 1) != LUA_TTABLE {
        lua_createtable(l, 0, 4);
        crate::raw::push(l, b"ERR ");
        if bytes(l, 1).is_some() {
            lua_pushvalue(l, 1);
        } else {
            lua_pushstring_(l, lua_typename(l, lua_type(l, 1)));
        }
        lua_concat(l, 2);
        lua_setfield(l, -2, c"err".as_ptr());
        lua_replace(l, 1);
    } else {
        lua_getfield_(l, 1, c"err".as_ptr());
        if lua_type(l, -1) != LUA_TSTRING {
            crate::raw::push(l, b"ERR unknown error");
            lua_setfield(l, 1, c"err".as_ptr());
        }
        lua_settop(l, 1);
    }
    note_place(l);
    1
}

/// Notes the line of the script that is at work, or called what is.
unsafe fn note_place(l: L) {
    let mut place: lua_Debug = std::mem::zeroed();
    if lua_getstack(l, 1, &raw mut place) == 0 || lua_getinfo(l, c"Sl".as_ptr(), &raw mut place) == 0 {
        return;
    }
    if *place.what == b'C' as _
        && (lua_getstack(l, 2, &raw mut place) == 0 || lua_getinfo(l, c"Sl".as_ptr(), &raw mut place) == 0)
    {
        return;
    }
    lua_pushstring_(l, place.source);
    lua_setfield(l, 1, c"source".as_ptr());
    lua_pushnumber(l, f64::from(place.currentline));
    lua_setfield(l, 1, c"line".as_ptr());
}

/// A value as text.
pub(crate) unsafe fn text(l: L, at: c_int) -> String {
    bytes(l, at).map_or_else(|| "(unknown error)".into(), |text| String::from_utf8_lossy(text).into_owned())
}

/// What the error on top says, without where that was.
pub(crate) unsafe fn plain(l: L) -> String {
    let at = lua_gettop(l);
    if lua_type(l, at) == LUA_TTABLE {
        return field(l, at, b"err").unwrap_or_else(|| "ERR unknown error".into());
    }
    format!("ERR {}", text(l, at))
}

/// What a client reads of the error on top, of the script that is called `name`; and whether it was counted.
pub(crate) unsafe fn told(l: L, name: &str) -> (String, bool) {
    if lua_type(l, -1) != LUA_TTABLE {
        // Only what leaves no room for a handler comes as it is: there is no memory, or the handler failed.
        return (format!("ERR Error running script {name}, {}", text(l, -1)), false);
    }
    let at = lua_gettop(l);
    let message = field(l, at, b"err").unwrap_or_default();
    let place = field(l, at, b"source").zip(field(l, at, b"line"));
    let counted = field_flag(l, at, b"ignore_error_stats_update");
    let message = match place {
        Some((source, line)) => format!("{message} script: {name}, on {source}:{line}."),
        None => message,
    };
    (message, counted)
}

/// A field that holds text, looked at by raw means.
pub(crate) unsafe fn field(l: L, at: c_int, name: &[u8]) -> Option<String> {
    crate::raw::push(l, name);
    lua_rawget_(l, at);
    let found = bytes(l, -1).map(|text| String::from_utf8_lossy(text).into_owned());
    lua_settop(l, -2);
    found
}

/// A field that is true.
pub(crate) unsafe fn field_flag(l: L, at: c_int, name: &[u8]) -> bool {
    crate::raw::push(l, name);
    lua_rawget_(l, at);
    let found = lua_toboolean(l, -1) != 0;
    lua_settop(l, -2);
    found
}
