//! What can happen to a set, as bytes. The page is `docs/format/change.md`.

use kvark_base::{Millis, Result};

use crate::wire::{MAX_HEAD_LEN, Reader, put_bytes, put_varint};

const ADD: u8 = 1;
const ADD_UNTIL: u8 = 2;
const REMOVE: u8 = 3;
const EXPIRE: u8 = 4;

/// A change of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op<'a> {
    /// It is a member from now on.
    Add {
        /// Which.
        member: &'a [u8],
        /// When it expires; 0 for never.
        deadline: Millis,
    },
    /// It is none any more.
    Remove {
        /// Which.
        member: &'a [u8],
    },
    /// A member gets another deadline.
    Expire {
        /// Which; nothing happens if it is none.
        member: &'a [u8],
        /// When it expires; 0 for never.
        at: Millis,
    },
}

impl<'a> Op<'a> {
    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Add { member, deadline: 0 } => put(out, ADD, member),
            Self::Add { member, deadline } => {
                put(out, ADD_UNTIL, member);
                put_varint(out, deadline);
            }
            Self::Remove { member } => put(out, REMOVE, member),
            Self::Expire { member, at } => {
                put(out, EXPIRE, member);
                put_varint(out, at);
            }
        }
    }

    /// The member that it is about.
    pub fn member(&self) -> &'a [u8] {
        match *self {
            Self::Add { member, .. } | Self::Remove { member } | Self::Expire { member, .. } => member,
        }
    }

    /// The operations that [`Op::encode`] wrote to `ops`, up to the first that it did not.
    pub fn each(ops: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut reader = Reader::new(ops, "a change of a set");
        std::iter::from_fn(move || if reader.is_empty() { None } else { Self::decode(&mut reader).ok() })
    }

    /// Takes one.
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let start = reader.clone();
        Ok(match reader.byte()? {
            ADD => Self::Add { member: reader.bytes()?, deadline: 0 },
            ADD_UNTIL => Self::Add { member: reader.bytes()?, deadline: reader.varint()? },
            REMOVE => Self::Remove { member: reader.bytes()? },
            EXPIRE => Self::Expire { member: reader.bytes()?, at: reader.varint()? },
            _ => return Err(start.corrupt()),
        })
    }
}

fn put(out: &mut Vec<u8>, number: u8, member: &[u8]) {
    out.reserve(MAX_HEAD_LEN + member.len());
    out.push(number);
    put_bytes(out, member);
}
