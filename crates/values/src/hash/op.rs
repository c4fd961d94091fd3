//! What can happen to a hash, as bytes. The page is `docs/format/change.md`.

use kvark_base::{Millis, Result, varint};

use crate::wire::{MAX_HEAD_LEN, Reader, put_bytes, put_varint};

const SET: u8 = 1;
const SET_UNTIL: u8 = 2;
const UPDATE: u8 = 3;
const REMOVE: u8 = 4;
const EXPIRE: u8 = 5;

/// The most bytes of an operation beside the field and the value.
const MOST_BESIDE: usize = MAX_HEAD_LEN + 2 * varint::MAX_LEN;

/// A change of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op<'a> {
    /// A field has that value and that deadline from now on.
    Set {
        /// Which.
        field: &'a [u8],
        /// Its value.
        value: &'a [u8],
        /// When it expires; 0 for never.
        expires_at: Millis,
    },
    /// A field has that value from now on, and the deadline that it had.
    Update {
        /// Which.
        field: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// A field goes.
    Remove {
        /// Which.
        field: &'a [u8],
    },
    /// A field gets another deadline.
    Expire {
        /// Which; nothing happens if it is not there.
        field: &'a [u8],
        /// When it expires; 0 for never.
        at: Millis,
    },
}

impl<'a> Op<'a> {
    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (number, value, deadline) = match *self {
            Self::Set { value, expires_at: 0, .. } => (SET, Some(value), None),
            Self::Set { value, expires_at, .. } => (SET_UNTIL, Some(value), Some(expires_at)),
            Self::Update { value, .. } => (UPDATE, Some(value), None),
            Self::Remove { .. } => (REMOVE, None, None),
            Self::Expire { at, .. } => (EXPIRE, None, Some(at)),
        };
        out.reserve(MOST_BESIDE + self.field().len() + value.map_or(0, <[u8]>::len));
        out.push(number);
        put_bytes(out, self.field());
        if let Some(value) = value {
            put_bytes(out, value);
        }
        if let Some(deadline) = deadline {
            put_varint(out, deadline);
        }
    }

    /// The field that it is about.
    pub fn field(&self) -> &'a [u8] {
        match *self {
            Self::Set { field, .. }
            | Self::Update { field, .. }
            | Self::Remove { field }
            | Self::Expire { field, .. } => field,
        }
    }

    /// Takes one.
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let start = reader.clone();
        let number = reader.byte()?;
        if !(SET..=EXPIRE).contains(&number) {
            return Err(start.corrupt());
        }
        let field = reader.bytes()?;
        Ok(match number {
            SET => Self::Set { field, value: reader.bytes()?, expires_at: 0 },
            SET_UNTIL => Self::Set { field, value: reader.bytes()?, expires_at: reader.varint()? },
            UPDATE => Self::Update { field, value: reader.bytes()? },
            REMOVE => Self::Remove { field },
            _ => Self::Expire { field, at: reader.varint()? },
        })
    }
}
