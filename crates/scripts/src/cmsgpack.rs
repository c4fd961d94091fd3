//! The library `cmsgpack`: MessagePack to Lua and back.
//!
//! A whole number is packed as an integer and any other as a double, or as a float where that loses nothing. A table whose keys
//! are exactly 1 to its length is an array. Tables are packed 16 deep, as those that contain themselves would never end.

use crate::raw::*;

mod unpack;

const MAX_PACK_DEPTH: usize = 16;

/// Fills the table on top.
pub(crate) unsafe fn open(l: L) {
    for (name, function) in [
        (c"pack", pack as lua_CFunction),
        (c"unpack", unpack::unpack),
        (c"unpack_one", unpack::unpack_one),
        (c"unpack_limit", unpack::unpack_limit),
    ] {
        set_function(l, name, function);
    }
    set_text(l, c"_NAME", "cmsgpack");
    set_text(l, c"_VERSION", "lua-cmsgpack 0.4.0");
    set_text(l, c"_DESCRIPTION", "MessagePack C implementation for Lua");
}

/// `cmsgpack.pack(value, ...)`
unsafe extern "C-unwind" fn pack(l: L) -> c_int {
    let count = lua_gettop(l);
    if count == 0 {
        luaL_argerror(l, 0, c"MessagePack pack needs input.".as_ptr());
    }
    luaL_checkstack_(l, 2, c"in function pack".as_ptr());
    let out = &mut work(l).scratch;
    out.clear();
    for at in 1..=count {
        lua_pushvalue(l, at);
        value(l, out, 0);
    }
    push(l, out);
    1
}

/// Packs the value on top and takes it away.
unsafe fn value(l: L, out: &mut Vec<u8>, depth: usize) {
    match lua_type(l, -1) {
        LUA_TSTRING => text(bytes(l, -1).unwrap_or_default(), out),
        LUA_TNUMBER => number(lua_tonumber(l, -1), out),
        LUA_TBOOLEAN => out.push(0xc2 + lua_toboolean(l, -1) as u8),
        LUA_TTABLE if depth < MAX_PACK_DEPTH => table(l, out, depth),
        _ => out.push(0xc0),
    }
    lua_settop(l, -2);
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    match bytes.len() {
        len @ ..32 => out.push(0xa0 | len as u8),
        len @ ..=0xff => out.extend_from_slice(&[0xd9, len as u8]),
        len => head(len, 0xda, out),
    }
    out.extend_from_slice(bytes);
}

/// A kind, and a length in two bytes; or the next kind, and a length in four.
fn head(len: usize, kind: u8, out: &mut Vec<u8>) {
    if let Ok(len) = u16::try_from(len) {
        out.push(kind);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(kind + 1);
        out.extend_from_slice(&(len as u32).to_be_bytes());
    }
}

fn number(number: f64, out: &mut Vec<u8>) {
    let whole = number as i64;
    // The largest integers are not all doubles: what is rounded up to 2^63 is none.
    if whole as f64 == number && whole != i64::MAX {
        return integer(whole, out);
    }
    let short = number as f32;
    if f64::from(short) == number {
        out.push(0xca);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn integer(number: i64, out: &mut Vec<u8>) {
    let mut put = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(bytes);
    };
    match number {
        -32..=127 => put(number as u8, &[]),
        128..=0xff => put(0xcc, &[number as u8]),
        0x100..=0xffff => put(0xcd, &(number as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => put(0xce, &(number as u32).to_be_bytes()),
        0x1_0000_0000.. => put(0xcf, &number.to_be_bytes()),
        -0x80..-32 => put(0xd0, &[number as u8]),
        -0x8000..-0x80 => put(0xd1, &(number as i16).to_be_bytes()),
        -0x8000_0000..-0x8000 => put(0xd2, &(number as i32).to_be_bytes()),
        ..-0x8000_0000 => put(0xd3, &number.to_be_bytes()),
    }
}

/// Packs the table on top, and leaves it there.
unsafe fn table(l: L, out: &mut Vec<u8>, depth: usize) {
    luaL_checkstack_(l, 4, c"in function pack".as_ptr());
    let (is_array, len) = shape(l);
    let (small, large) = if is_array { (0x90, 0xdc) } else { (0x80, 0xde) };
    if len < 16 {
        out.push(small | len as u8);
    } else {
        head(len, large, out);
    }
    if is_array {
        for at in 1..=len as c_int {
            lua_rawgeti_(l, -1, at);
            value(l, out, depth + 1);
        }
        return;
    }
    lua_pushnil(l);
    while lua_next(l, -2) != 0 {
        lua_pushvalue(l, -2);
        value(l, out, depth + 1);
        value(l, out, depth + 1);
    }
}

/// Whether the keys of the table on top are exactly 1 to its length; and how many there are.
unsafe fn shape(l: L) -> (bool, usize) {
    let (mut len, mut largest, mut indexes) = (0, 0.0, true);
    lua_pushnil(l);
    while lua_next(l, -2) != 0 {
        lua_settop(l, -2);
        len += 1;
        let key = if lua_type(l, -1) == LUA_TNUMBER { lua_tonumber(l, -1) } else { 0.0 };
        indexes &= key >= 1.0 && key.fract() == 0.0;
        largest = f64::max(largest, key);
    }
    (indexes && largest == len as f64, len)
}
