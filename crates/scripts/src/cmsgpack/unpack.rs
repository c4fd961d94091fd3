//! MessagePack to Lua.

use crate::raw::*;

/// How deep a value may be nested: a level takes a frame of this thread's stack.
const MAX_DEPTH: usize = 1000;

/// `cmsgpack.unpack(text)`: every value.
pub(super) unsafe extern "C-unwind" fn unpack(l: L) -> c_int {
    several(l, 0, 0, false)
}

/// `cmsgpack.unpack_one(text, offset)`: where to go on (-1 at the end), and one value.
pub(super) unsafe extern "C-unwind" fn unpack_one(l: L) -> c_int {
    let offset = luaL_optnumber(l, 2, 0.0) as i64;
    several(l, 1, offset, true)
}

/// `cmsgpack.unpack_limit(text, limit, offset)`: where to go on (-1 at the end), and so many values.
pub(super) unsafe extern "C-unwind" fn unpack_limit(l: L) -> c_int {
    let limit = luaL_checknumber(l, 2) as i64;
    let offset = luaL_optnumber(l, 3, 0.0) as i64;
    several(l, limit, offset, true)
}

unsafe fn several(l: L, limit: i64, offset: i64, tells_offset: bool) -> c_int {
    let text = argument(l, 1);
    lua_settop(l, 1);
    let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
    if offset < 0 || limit < 0 {
        let (offset, limit) = (first.format(offset).as_bytes(), second.format(limit).as_bytes());
        raise_parts(l, &[b"Invalid request to unpack with offset of ", offset, b" and limit of ", limit, b"."]);
    }
    if offset as usize > text.len() {
        let (offset, len) = (first.format(offset).as_bytes(), second.format(text.len()).as_bytes());
        raise_parts(l, &[b"Start offset ", offset, b" greater than input length ", len, b"."]);
    }
    let mut rest = &text[offset as usize..];
    let most = if limit == 0 { i64::MAX } else { limit };
    let mut count = 0;
    while count < most && !rest.is_empty() {
        luaL_checkstack_(l, 4, c"in function unpack".as_ptr());
        if let Err(why) = value(l, &mut rest, 0) {
            raise(l, why.as_bytes());
        }
        count += 1;
    }
    if tells_offset {
        let next = if rest.is_empty() { -1.0 } else { (text.len() - rest.len()) as f64 };
        lua_pushnumber(l, next);
        lua_insert(l, 2);
    }
    lua_gettop(l) - 1
}

const MISSING: &str = "Missing bytes in input.";
const BAD: &str = "Bad data format in input.";

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], &'static str> {
    let (taken, behind) = rest.split_at_checked(len).ok_or(MISSING)?;
    *rest = behind;
    Ok(taken)
}

/// A number of `len` bytes, the largest first.
fn unsigned(rest: &mut &[u8], len: usize) -> Result<u64, &'static str> {
    Ok(take(rest, len)?.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)))
}

fn signed(rest: &mut &[u8], len: usize) -> Result<i64, &'static str> {
    let unused = 64 - len * 8;
    Ok((unsigned(rest, len)? << unused) as i64 >> unused)
}

/// Pushes the next value.
unsafe fn value(l: L, rest: &mut &[u8], depth: usize) -> Result<(), &'static str> {
    let kind = take(rest, 1)?[0];
    match kind {
        0x00..=0x7f => lua_pushnumber(l, f64::from(kind)),
        0xe0..=0xff => lua_pushnumber(l, f64::from(kind as i8)),
        0xc0 => lua_pushnil(l),
        0xc2 | 0xc3 => lua_pushboolean(l, (kind == 0xc3).into()),
        0xca => lua_pushnumber(l, f64::from(f32::from_bits(unsigned(rest, 4)? as u32))),
        0xcb => lua_pushnumber(l, f64::from_bits(unsigned(rest, 8)?)),
        0xcc..=0xcf => lua_pushnumber(l, unsigned(rest, 1 << (kind - 0xcc))? as f64),
        0xd0..=0xd3 => lua_pushnumber(l, signed(rest, 1 << (kind - 0xd0))? as f64),
        0xa0..=0xbf => push(l, take(rest, usize::from(kind & 31))?),
        0xc4..=0xc6 => counted_text(l, rest, 1 << (kind - 0xc4))?,
        0xd9..=0xdb => counted_text(l, rest, 1 << (kind - 0xd9))?,
        0x90..=0x9f => array(l, rest, usize::from(kind & 15), depth)?,
        0xdc | 0xdd => {
            let len = unsigned(rest, if kind == 0xdc { 2 } else { 4 })?;
            array(l, rest, len as usize, depth)?;
        }
        0x80..=0x8f => map(l, rest, usize::from(kind & 15), depth)?,
        0xde | 0xdf => {
            let len = unsigned(rest, if kind == 0xde { 2 } else { 4 })?;
            map(l, rest, len as usize, depth)?;
        }
        _ => return Err(BAD),
    }
    Ok(())
}

unsafe fn counted_text(l: L, rest: &mut &[u8], len_bytes: usize) -> Result<(), &'static str> {
    let len = unsigned(rest, len_bytes)? as usize;
    push(l, take(rest, len)?);
    Ok(())
}

unsafe fn descend(l: L, depth: usize) -> Result<(), &'static str> {
    if depth >= MAX_DEPTH || lua_checkstack(l, 4) == 0 {
        return Err(BAD);
    }
    lua_createtable(l, 0, 0);
    Ok(())
}

unsafe fn array(l: L, rest: &mut &[u8], len: usize, depth: usize) -> Result<(), &'static str> {
    descend(l, depth)?;
    for at in 1..=len {
        value(l, rest, depth + 1)?;
        lua_rawseti_(l, -2, at as c_int);
    }
    Ok(())
}

unsafe fn map(l: L, rest: &mut &[u8], len: usize, depth: usize) -> Result<(), &'static str> {
    descend(l, depth)?;
    for _ in 0..len {
        value(l, rest, depth + 1)?;
        value(l, rest, depth + 1)?;
        // What cannot be a key is left out.
        let is_nan = lua_type(l, -2) == LUA_TNUMBER && lua_tonumber(l, -2).is_nan();
        if lua_type(l, -2) == LUA_TNIL || is_nan {
            lua_settop(l, -3);
        } else {
            lua_rawset(l, -3);
        }
    }
    Ok(())
}
