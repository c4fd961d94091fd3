//! How a list changes. The page is `docs/format/change.md`.
//!
//! ```text
//! 1 push front   value             5 set         index, value
//! 2 push back    value             6 insert at   index, value
//! 3 pop front    how many          7 remove at   how many, the first index, then the distance from each to the next
//! 4 pop back     how many          8 trim        index of the first to stay, how many stay
//! ```
//!
//! Numbers are varints, values stand behind their length. Invariant: an index speaks of the list as all operations before have left it.

use kvark_base::Result;

use crate::wire::{Reader, put_bytes, put_varint};

/// One of the two ends of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is; the left end.
    Front,
    /// The right end.
    Back,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Op<'a> {
    /// One more value at an end.
    Push {
        /// Which end.
        end: End,
        /// What.
        value: &'a [u8],
    },
    /// So many values at an end go.
    Pop {
        /// Which end.
        end: End,
        /// How many.
        n: usize,
    },
    /// Another value takes the place of one.
    Set {
        /// Which.
        index: usize,
        /// What is there from now on.
        value: &'a [u8],
    },
    /// A value is put before the one at the index; at the end, after all.
    InsertAt {
        /// Before which.
        index: usize,
        /// What.
        value: &'a [u8],
    },
    /// The values at these indexes go. [`remove_at`] writes it.
    RemoveAt(Indexes<'a>),
    /// Only some values stay.
    Trim {
        /// The first one to stay.
        start: usize,
        /// How many stay.
        len: usize,
    },
}

const PUSH_FRONT: u8 = 1;
const PUSH_BACK: u8 = 2;
const POP_FRONT: u8 = 3;
const POP_BACK: u8 = 4;
const SET: u8 = 5;
const INSERT_AT: u8 = 6;
const REMOVE_AT: u8 = 7;
const TRIM: u8 = 8;

impl<'a> Op<'a> {
    /// Appends it.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Op::Push { end: End::Front, value } => put(out, PUSH_FRONT, &[], value),
            Op::Push { end: End::Back, value } => put(out, PUSH_BACK, &[], value),
            Op::Pop { end: End::Front, n } => put_numbers(out, POP_FRONT, &[n]),
            Op::Pop { end: End::Back, n } => put_numbers(out, POP_BACK, &[n]),
            Op::Set { index, value } => put(out, SET, &[index], value),
            Op::InsertAt { index, value } => put(out, INSERT_AT, &[index], value),
            Op::RemoveAt(ref indexes) => put_indexes(out, indexes.left, indexes.clone()),
            Op::Trim { start, len } => put_numbers(out, TRIM, &[start, len]),
        }
    }

    #[inline]
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(match reader.byte()? {
            PUSH_FRONT => Self::Push { end: End::Front, value: reader.bytes()? },
            PUSH_BACK => Self::Push { end: End::Back, value: reader.bytes()? },
            POP_FRONT => Self::Pop { end: End::Front, n: number(reader)? },
            POP_BACK => Self::Pop { end: End::Back, n: number(reader)? },
            SET => Self::Set { index: number(reader)?, value: reader.bytes()? },
            INSERT_AT => Self::InsertAt { index: number(reader)?, value: reader.bytes()? },
            REMOVE_AT => Self::RemoveAt(Indexes::decode(reader)?),
            TRIM => Self::Trim { start: number(reader)?, len: number(reader)? },
            _ => return Err(reader.corrupt()),
        })
    }
}

/// Appends the operation that removes the values at `indexes`, which ascend.
pub fn remove_at(indexes: &[usize], out: &mut Vec<u8>) {
    put_indexes(out, indexes.len() as u64, indexes.iter().copied());
}

fn put_indexes(out: &mut Vec<u8>, count: u64, indexes: impl Iterator<Item = usize>) {
    out.push(REMOVE_AT);
    put_varint(out, count);
    let mut last = 0;
    for index in indexes {
        put_varint(out, (index - last) as u64);
        last = index;
    }
}

#[inline]
fn put(out: &mut Vec<u8>, op: u8, numbers: &[usize], value: &[u8]) {
    put_numbers(out, op, numbers);
    put_bytes(out, value);
}

#[inline]
fn put_numbers(out: &mut Vec<u8>, op: u8, numbers: &[usize]) {
    out.push(op);
    numbers.iter().for_each(|&number| put_varint(out, number as u64));
}

#[inline]
fn number(reader: &mut Reader<'_>) -> Result<usize> {
    Ok(usize::try_from(reader.varint()?).unwrap_or(usize::MAX))
}

/// Ascending indexes, as they are encoded: all of them were seen to be there.
#[derive(Debug, Clone)]
pub struct Indexes<'a> {
    steps: Reader<'a>,
    left: u64,
    last: usize,
}

impl<'a> Indexes<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let left = reader.varint()?;
        let steps = reader.clone();
        for _ in 0..left {
            reader.varint()?;
        }
        Ok(Self { steps, left, last: 0 })
    }
}

impl Iterator for Indexes<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        self.last = self.last.saturating_add(number(&mut self.steps).ok()?);
        Some(self.last)
    }
}
