//! Strings as rows of bits: SETBIT, GETBIT and their kin. Bit 0 is the highest bit of the first byte.
//!
//! Read on: [`spans`] (BITCOUNT, BITPOS), [`operations`] (BITOP), [`fields`] (BITFIELD) over [`field`] (one integer of any
//! width), [`bits`] (counting and finding).
//!
//! Invariant: a bitmap is nothing but a string; bits behind its end are clear.
//! Invariant: a change writes the bytes it touches, however long the string is.

pub mod bits;
pub mod field;
pub mod fields;
pub mod operations;
pub mod spans;

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::IntBuffer;

use crate::args;
use crate::row::Answer;
use crate::strings::get_value;

pub(crate) const SOURCE: &str = include_str!("bitmaps.rs");

fn offset_out_of_range() -> Fault {
    Fault::new("ERR bit offset is not an integer or out of range")
}

/// The place of a bit that a string can have.
fn bit_offset(text: &[u8]) -> Result<u64, Fault> {
    number::parse_i64(text).and_then(checked_offset).ok_or_else(offset_out_of_range)
}

fn checked_offset(offset: i64) -> Option<u64> {
    u64::try_from(offset).ok().filter(|offset| offset / 8 < MAX_VALUE_LEN as u64)
}

/// The byte of a bit, and the bit within the byte.
fn place_of(bit: u64) -> (usize, u8) {
    ((bit / 8) as usize, 0x80 >> (bit % 8))
}

/// `SETBIT key offset value`
///
/// Sets or clears one bit of the string at a key, filling up with zero bytes, and answers the bit before. A missing key is
/// an empty string. Bit 0 is the highest of the first byte.
///
/// ```resp
/// > SETBIT seen 7 1
/// (integer) 0
/// > SETBIT seen 7 1
/// (integer) 1
/// > GET seen
/// "\x01"
/// > SETBIT seen 7 2
/// (error) ERR bit is not an integer or out of range
/// ```
pub fn setbit(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let (at, mask) = place_of(bit_offset(req.arg(2))?);
    let wanted = match args::integer_or(req.arg(3), "ERR bit is not an integer or out of range")? {
        0 => 0,
        1 => mask,
        _ => return Err(Fault::new("ERR bit is not an integer or out of range")),
    };
    let mut digits = IntBuffer::new();
    let byte = get_value(w, key)?.and_then(|value| value.text(&mut digits).get(at).copied());
    let before = byte.unwrap_or(0);
    if byte.is_none() || before & mask != wanted {
        w.splice(key, at, &[before & !mask | wanted])?;
    }
    out.integer((before & mask != 0).into());
    Ok(Outcome::Done)
}

/// `GETBIT key offset`
///
/// One bit of the string at a key; clear behind its end and where the key is missing.
///
/// ```resp
/// > SET letter a
/// OK
/// > GETBIT letter 1
/// (integer) 1
/// > GETBIT letter 100
/// (integer) 0
/// ```
pub fn getbit(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (at, mask) = place_of(bit_offset(req.arg(2))?);
    let mut digits = IntBuffer::new();
    let byte = get_value(view, req.arg(1))?.and_then(|value| value.text(&mut digits).get(at).copied());
    out.integer(byte.is_some_and(|byte| byte & mask != 0).into());
    Ok(Outcome::Done)
}
