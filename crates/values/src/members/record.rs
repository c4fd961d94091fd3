//! One member with what belongs to it, as bytes.
//!
//! ```text
//! | varint: length of the member << 1, dead | varint: length of the payload, where it varies | member | payload |
//! ```
//!
//! The bit `dead` is set in place when nothing refers to the record any more.

use kvark_base::varint;

use super::VARIABLE;

/// A record, taken apart.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) member: &'a [u8],
    pub(super) payload: &'a [u8],
    /// Bytes of the whole record.
    pub(super) len: usize,
    pub(super) dead: bool,
}

#[inline]
fn number(bytes: &[u8]) -> (usize, usize) {
    if bytes[0] < 0x80 {
        return (usize::from(bytes[0]), 1);
    }
    let (number, len) = varint::decode(bytes).expect("records are written by us alone");
    (number as usize, len)
}

/// The record with which `bytes` begin.
#[inline]
pub(super) fn read<const PAYLOAD: usize>(bytes: &[u8]) -> Record<'_> {
    let (head, mut at) = number(bytes);
    let mut payload_len = PAYLOAD;
    if PAYLOAD == VARIABLE {
        let (number, len) = number(&bytes[at..]);
        payload_len = number;
        at += len;
    }
    let member_end = at + (head >> 1);
    let len = member_end + payload_len;
    Record { member: &bytes[at..member_end], payload: &bytes[member_end..len], len, dead: head & 1 == 1 }
}

/// Bytes that the record of these takes.
#[inline]
pub(super) fn len_of<const PAYLOAD: usize>(member: &[u8], payload: &[u8]) -> usize {
    let payload_head = if PAYLOAD == VARIABLE { varint::len(payload.len() as u64) } else { 0 };
    varint::len((member.len() as u64) << 1) + payload_head + member.len() + payload.len()
}

/// Appends the record of these.
pub(super) fn write<const PAYLOAD: usize>(out: &mut Vec<u8>, member: &[u8], payload: &[u8]) {
    varint::push((member.len() as u64) << 1, out);
    if PAYLOAD == VARIABLE {
        varint::push(payload.len() as u64, out);
    }
    out.extend_from_slice(member);
    out.extend_from_slice(payload);
}

/// Marks the record with which `bytes` begin as one that nothing refers to.
pub(super) fn mark_dead(bytes: &mut [u8]) {
    bytes[0] |= 1;
}
