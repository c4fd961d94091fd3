//! What a record of the log says: one [`Effect`], absolute and deterministic.
//!
//! Layout (lengths in bytes; `v` is an unsigned LEB128 varint, little-endian otherwise; `docs/format/record.md` has the page):
//!
//! ```text
//! put       01 | db v | key_len v | key | flags 1 | [expires_at 8, when flags & 1] | kind 1 | payload (the rest); kind and payload as the `values` codec wrote them
//! remove    02 | db v | key_len v | key | reason 1
//! expire_at 03 | db v | key_len v | key | expires_at 8 (0: none)
//! splice    04 | db v | key_len v | key | offset v | bytes (the rest)
//! flush     05 | db v
//! swap      06 | db v | db v
//! change    07 | db v | key_len v | key | flags 1 (1: of nothing) | kind 1 | operations (the rest); as the `values` codec wrote them
//! ```
//!
//! Invariant: a number of this table is never reused; zero is never a valid first byte.
//! Invariant: an effect names its outcome (a deadline, a value), never the request that led to it.

use kvark_base::{Error, Kind, Millis, Result, varint};

/// Why a key went away; kept for change feeds and notifications on a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Somebody asked for it.
    Deleted = 1,
    /// Its time had come.
    Expired = 2,
    /// Memory was short and a policy chose it.
    Evicted = 3,
}

/// One change. It borrows its bytes: nothing is allocated to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The key now holds this value and expires then (0: never).
    Put {
        /// Logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Milliseconds since the Unix epoch, 0 for never.
        expires_at: Millis,
        /// The kind of value, a number of the `values` codec.
        kind: u8,
        /// The value's payload in the `values` codec.
        payload: &'a [u8],
    },
    /// The key is gone.
    Remove {
        /// Logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Why.
        reason: Reason,
    },
    /// The key expires then (0: never).
    ExpireAt {
        /// Logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Milliseconds since the Unix epoch, 0 for never.
        expires_at: Millis,
    },
    /// `bytes` now stand at `offset` of a string, zero-filled up to there; a missing key is made.
    Splice {
        /// Logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Where the bytes begin.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The database is empty.
    Flush {
        /// Logical database.
        db: u32,
    },
    /// Members of a collection have changed. A missing key is made; one that is left without members goes.
    Change {
        /// Logical database.
        db: u32,
        /// The key.
        key: &'a [u8],
        /// Whether what the key held before, deadline and all, plays no part: the collection begins empty.
        of_nothing: bool,
        /// The kind of collection, a number of the `values` codec.
        kind: u8,
        /// What changed, in the `values` codec.
        ops: &'a [u8],
    },
    /// Two databases have changed places.
    Swap {
        /// One.
        a: u32,
        /// The other.
        b: u32,
    },
}

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const EXPIRE_AT: u8 = 3;
const SPLICE: u8 = 4;
const FLUSH: u8 = 5;
const SWAP: u8 = 6;
const CHANGE: u8 = 7;

/// The small pieces of an encoded record, on the stack. [`Effect::encode`] fills it and hands the parts to `Log::append`.
#[derive(Debug)]
pub struct RecordBuffer {
    head: [u8; 1 + 2 * varint::MAX_LEN],
    tail: [u8; 1 + varint::MAX_LEN],
}

impl Default for RecordBuffer {
    fn default() -> Self {
        Self { head: [0; 1 + 2 * varint::MAX_LEN], tail: [0; 1 + varint::MAX_LEN] }
    }
}

impl<'a> Effect<'a> {
    /// The record as parts that follow one another: fixed head, key, fixed tail, bytes.
    #[inline]
    pub fn encode(&self, buffer: &'a mut RecordBuffer) -> [&'a [u8]; 4] {
        let RecordBuffer { head, tail } = buffer;
        let (tag, db) = match *self {
            Effect::Put { db, .. } => (PUT, db),
            Effect::Remove { db, .. } => (REMOVE, db),
            Effect::ExpireAt { db, .. } => (EXPIRE_AT, db),
            Effect::Splice { db, .. } => (SPLICE, db),
            Effect::Flush { db } => (FLUSH, db),
            Effect::Swap { a, .. } => (SWAP, a),
            Effect::Change { db, .. } => (CHANGE, db),
        };
        head[0] = tag;
        let mut head_len = 1 + varint::encode(u64::from(db), &mut head[1..]);
        let mut tail_len = 0;
        let (key, bytes): (&[u8], &[u8]) = match *self {
            Effect::Put { key, expires_at, kind, payload, .. } => {
                tail[0] = u8::from(expires_at != 0);
                tail_len = 1;
                if expires_at != 0 {
                    tail[1..9].copy_from_slice(&expires_at.to_le_bytes());
                    tail_len = 9;
                }
                tail[tail_len] = kind;
                tail_len += 1;
                (key, payload)
            }
            Effect::Remove { key, reason, .. } => {
                tail[0] = reason as u8;
                tail_len = 1;
                (key, &[])
            }
            Effect::ExpireAt { key, expires_at, .. } => {
                tail[..8].copy_from_slice(&expires_at.to_le_bytes());
                tail_len = 8;
                (key, &[])
            }
            Effect::Splice { key, offset, bytes, .. } => {
                tail_len = varint::encode(offset, tail);
                (key, bytes)
            }
            Effect::Change { key, of_nothing, kind, ops, .. } => {
                (tail[0], tail[1]) = (u8::from(of_nothing), kind);
                tail_len = 2;
                (key, ops)
            }
            Effect::Flush { .. } => (&[], &[]),
            Effect::Swap { b, .. } => {
                head_len += varint::encode(u64::from(b), &mut head[head_len..]);
                (&[], &[])
            }
        };
        if !matches!(self, Effect::Flush { .. } | Effect::Swap { .. }) {
            head_len += varint::encode(key.len() as u64, &mut head[head_len..]);
        }
        [&head[..head_len], key, &tail[..tail_len], bytes]
    }

    /// The database and the key that it is about; `None` where it is about whole databases.
    pub fn key(&self) -> Option<(u32, &'a [u8])> {
        match *self {
            Effect::Put { db, key, .. }
            | Effect::Remove { db, key, .. }
            | Effect::ExpireAt { db, key, .. }
            | Effect::Splice { db, key, .. }
            | Effect::Change { db, key, .. } => Some((db, key)),
            Effect::Flush { .. } | Effect::Swap { .. } => None,
        }
    }

    /// Reads a record back. Errors with [`Kind::Corrupt`] when it is not exactly one effect.
    pub fn decode(record: &'a [u8]) -> Result<Self> {
        let mut reader = Reader(record);
        let effect = reader.effect().ok_or_else(|| {
            let shown = &record[..record.len().min(16)];
            Error::new(
                Kind::Corrupt,
                format!("a log record of {} bytes makes no sense (it begins {shown:02x?})", record.len()),
            )
        })?;
        Ok(effect)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn effect(&mut self) -> Option<Effect<'a>> {
        let tag = self.take(1)?[0];
        let db = u32::try_from(self.varint()?).ok()?;
        let effect = match tag {
            PUT => {
                let key = self.key()?;
                let expires_at = match self.take(1)?[0] {
                    0 => 0,
                    1 => self.millis()?,
                    _ => return None,
                };
                Effect::Put { db, key, expires_at, kind: self.take(1)?[0], payload: self.rest() }
            }
            CHANGE => {
                let key = self.key()?;
                let of_nothing = match self.take(1)?[0] {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                Effect::Change { db, key, of_nothing, kind: self.take(1)?[0], ops: self.rest() }
            }
            REMOVE => {
                let key = self.key()?;
                let reason = match self.take(1)?[0] {
                    1 => Reason::Deleted,
                    2 => Reason::Expired,
                    3 => Reason::Evicted,
                    _ => return None,
                };
                Effect::Remove { db, key, reason }
            }
            EXPIRE_AT => Effect::ExpireAt { db, key: self.key()?, expires_at: self.millis()? },
            SPLICE => Effect::Splice { db, key: self.key()?, offset: self.varint()?, bytes: self.rest() },
            FLUSH => Effect::Flush { db },
            SWAP => Effect::Swap { a: db, b: u32::try_from(self.varint()?).ok()? },
            _ => return None,
        };
        self.0.is_empty().then_some(effect)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let (value, len) = varint::decode(self.0)?;
        self.0 = &self.0[len..];
        Some(value)
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.take(len)
    }

    fn millis(&mut self) -> Option<Millis> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_goes_round_and_no_cut_one_does() {
        let effects = [
            Effect::Put { db: 0, key: b"user:100", expires_at: 0, kind: 1, payload: b"hello" },
            Effect::Put { db: 15, key: b"", expires_at: 1_700_000_000_123, kind: 1, payload: b"" },
            Effect::Remove { db: 3, key: b"k", reason: Reason::Expired },
            Effect::ExpireAt { db: 300, key: b"k", expires_at: 77 },
            Effect::Splice { db: 0, key: b"k", offset: 1 << 29, bytes: b"xyz" },
            Effect::Flush { db: 9 },
            Effect::Swap { a: 1, b: 200 },
        ];
        for effect in effects {
            let mut buffer = RecordBuffer::default();
            let record = effect.encode(&mut buffer).concat();
            assert_eq!(Effect::decode(&record), Ok(effect));
            let fixed = record.len()
                - match effect {
                    Effect::Put { payload, .. } => payload.len(),
                    Effect::Splice { bytes, .. } => bytes.len(),
                    _ => 0,
                };
            for len in 0..fixed {
                assert!(Effect::decode(&record[..len]).is_err(), "{effect:?} cut to {len}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for record in [&b""[..], b"\x00", b"\x07\x00", b"\x02\x00\x01k\x09", b"\x05\x00extra", b"\x01\x00\x01k\x02"] {
            assert_eq!(Effect::decode(record).unwrap_err().kind(), Kind::Corrupt, "{record:?}");
        }
    }
}
