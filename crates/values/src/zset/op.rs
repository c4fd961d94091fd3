//! A change of a sorted set.
//!
//! ```text
//! 1 put      member, score (8 bytes), deadline (0: none)
//! 2 remove   member
//! 3 expire   member, deadline (0: none)
//! ```

use kvark_base::{Millis, Result, varint};

use super::Score;
use crate::wire::{MAX_HEAD_LEN, Reader, put_bytes, put_f64, put_varint};

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const EXPIRE: u8 = 3;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op<'a> {
    /// A member has this score and this deadline from now on, whether it was there or not.
    Put {
        /// The member.
        member: &'a [u8],
        /// Its score; any number.
        score: Score,
        /// When it expires, 0 for never.
        deadline: Millis,
    },
    /// A member goes.
    Remove {
        /// The member.
        member: &'a [u8],
    },
    /// A member that is there has this deadline from now on.
    Expire {
        /// The member.
        member: &'a [u8],
        /// When it expires, 0 for never.
        at: Millis,
    },
}

impl<'a> Op<'a> {
    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Put { member, score, deadline } => {
                out.push(PUT);
                put_member(out, member, score, deadline);
            }
            Self::Remove { member } => {
                out.reserve(MAX_HEAD_LEN + member.len());
                out.push(REMOVE);
                put_bytes(out, member);
            }
            Self::Expire { member, at } => {
                out.push(EXPIRE);
                put_bytes(out, member);
                put_varint(out, at);
            }
        }
    }

    /// The operations that [`Op::encode`] wrote to `ops`, up to the first that it did not.
    pub fn each(ops: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut reader = Reader::new(ops, "a change of a sorted set");
        std::iter::from_fn(move || if reader.is_empty() { None } else { Self::decode(&mut reader).ok() })
    }

    /// The member that it is about.
    pub fn member(&self) -> &'a [u8] {
        match *self {
            Self::Put { member, .. } | Self::Remove { member } | Self::Expire { member, .. } => member,
        }
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        match reader.byte()? {
            PUT => {
                let (member, score, deadline) = read_member(reader)?;
                Ok(Self::Put { member, score, deadline })
            }
            REMOVE => Ok(Self::Remove { member: reader.bytes()? }),
            EXPIRE => Ok(Self::Expire { member: reader.bytes()?, at: reader.varint()? }),
            _ => Err(reader.corrupt()),
        }
    }
}

/// Appends a member with all that belongs to it.
pub(super) fn put_member(out: &mut Vec<u8>, member: &[u8], score: Score, deadline: Millis) {
    out.reserve(varint::MAX_LEN + member.len() + size_of::<Score>() + varint::MAX_LEN);
    put_bytes(out, member);
    put_f64(out, score);
    put_varint(out, deadline);
}

/// Reads what [`put_member`] wrote; a score that is no number makes no sense.
pub(super) fn read_member<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Score, Millis)> {
    let (member, score) = (reader.bytes()?, reader.f64()?);
    if score.is_nan() {
        return Err(reader.corrupt());
    }
    Ok((member, score, reader.varint()?))
}
