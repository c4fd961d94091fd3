//! The library `bit`: whole numbers of 32 bits with a sign. A number is taken modulo 2^32.

use crate::raw::*;

/// Fills the table on top.
pub(crate) unsafe fn open(l: L) {
    for (name, function) in [
        (c"tobit", tobit as lua_CFunction),
        (c"bnot", bnot),
        (c"band", band),
        (c"bor", bor),
        (c"bxor", bxor),
        (c"lshift", lshift),
        (c"rshift", rshift),
        (c"arshift", arshift),
        (c"rol", rol),
        (c"ror", ror),
        (c"bswap", bswap),
        (c"tohex", tohex),
    ] {
        set_function(l, name, function);
    }
}

/// 2^52 + 2^51: added to a number of less than 2^51, it leaves the whole of that in the low bits of the sum.
const SHIFTED: f64 = 6_755_399_441_055_744.0;

unsafe fn bits(l: L, at: c_int) -> u32 {
    (luaL_checknumber(l, at) + SHIFTED).to_bits() as u32
}

unsafe fn answer(l: L, bits: u32) -> c_int {
    lua_pushnumber(l, f64::from(bits as i32));
    1
}

unsafe fn fold(l: L, with: impl Fn(u32, u32) -> u32) -> c_int {
    let first = bits(l, 1);
    let all = (2..=lua_gettop(l)).fold(first, |all, at| with(all, bits(l, at)));
    answer(l, all)
}

unsafe extern "C-unwind" fn tobit(l: L) -> c_int {
    answer(l, bits(l, 1))
}
unsafe extern "C-unwind" fn bnot(l: L) -> c_int {
    answer(l, !bits(l, 1))
}
unsafe extern "C-unwind" fn band(l: L) -> c_int {
    fold(l, |a, b| a & b)
}
unsafe extern "C-unwind" fn bor(l: L) -> c_int {
    fold(l, |a, b| a | b)
}
unsafe extern "C-unwind" fn bxor(l: L) -> c_int {
    fold(l, |a, b| a ^ b)
}
unsafe extern "C-unwind" fn lshift(l: L) -> c_int {
    answer(l, bits(l, 1).wrapping_shl(bits(l, 2)))
}
unsafe extern "C-unwind" fn rshift(l: L) -> c_int {
    answer(l, bits(l, 1).wrapping_shr(bits(l, 2)))
}
unsafe extern "C-unwind" fn arshift(l: L) -> c_int {
    answer(l, (bits(l, 1) as i32).wrapping_shr(bits(l, 2)) as u32)
}
unsafe extern "C-unwind" fn rol(l: L) -> c_int {
    answer(l, bits(l, 1).rotate_left(bits(l, 2) & 31))
}
unsafe extern "C-unwind" fn ror(l: L) -> c_int {
    answer(l, bits(l, 1).rotate_right(bits(l, 2) & 31))
}
unsafe extern "C-unwind" fn bswap(l: L) -> c_int {
    answer(l, bits(l, 1).swap_bytes())
}

/// `bit.tohex(number, digits)`: the lowest digits, in capitals when their number is negative.
unsafe extern "C-unwind" fn tohex(l: L) -> c_int {
    let value = bits(l, 1);
    let wanted = if lua_type(l, 2) <= LUA_TNIL { 8 } else { bits(l, 2) as i32 };
    let digits: &[u8; 16] = if wanted < 0 { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let count = wanted.unsigned_abs().min(8) as usize;
    let text: [u8; 8] = std::array::from_fn(|at| digits[(value >> ((7 - at) * 4) & 15) as usize]);
    push(l, &text[8 - count..]);
    1
}
