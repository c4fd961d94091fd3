//! The bytes of an entry in the tier. The page is `docs/format/tier.md`.
//!
//! ```text
//! tier key:    | 1 + physical database 1 | key |
//! tier value:  | version 8 | flags 1 | [expires_at 8, when flags & 1] | kind 1 | payload |
//! ```
//! Of a collection that lies in parts (flags & 2) the payload says which: `| id 8 | parts 4 | copied bytes 8 | changed bytes 8 |`.
//! Integers are little-endian; keys beginning with 0 are the engine's own, those from 65 on are parts.

use kvark_base::limits::ALL_DATABASES;
use kvark_base::{Error, Kind, Millis, Position, Result};
use kvark_values::{Forms, NewValue, Type, codec};

use crate::entry::EntryRef;
use crate::parts::Written;

/// The entry has a deadline.
const EXPIRES: u8 = 1;
/// The value lies in parts.
const IN_PARTS: u8 = 2;

/// Where an entry lives in the tier.
pub fn tier_key(db: u8, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(db + 1);
    bytes.extend_from_slice(key);
    bytes
}

/// Every tier key of a physical database begins with this.
pub fn tier_prefix(db: u8) -> [u8; 1] {
    [db + 1]
}

/// The bytes of an entry that holds all of its value.
pub(crate) fn whole(entry: &EntryRef<'_>, kind: u8, payload: &[u8]) -> Vec<u8> {
    tier_value(entry, 0, kind, payload)
}

/// The bytes of an entry whose value lies in parts.
pub(crate) fn in_parts(entry: &EntryRef<'_>, kind: u8, written: &Written) -> Vec<u8> {
    tier_value(entry, IN_PARTS, kind, &written.encode())
}

fn tier_value(entry: &EntryRef<'_>, flags: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(18 + payload.len());
    bytes.extend_from_slice(&entry.version().to_le_bytes());
    let expires_at = entry.expires_at();
    bytes.push(flags | if expires_at == 0 { 0 } else { EXPIRES });
    if expires_at != 0 {
        bytes.extend_from_slice(&expires_at.to_le_bytes());
    }
    bytes.push(kind);
    bytes.extend_from_slice(payload);
    bytes
}

/// What the tier says of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct TierEntry<'a> {
    /// Physical database.
    pub db: u8,
    /// The key.
    pub key: &'a [u8],
    /// The position of the effect that made it so.
    pub version: Position,
    /// 0 is never.
    pub expires_at: Millis,
    /// The value.
    pub value: TierValue<'a>,
}

/// What an entry of the tier holds.
#[derive(Debug, Clone, PartialEq)]
pub enum TierValue<'a> {
    /// All of it.
    Whole(NewValue<'a>),
    /// A collection of that type, and where its parts are.
    InParts(Type, Written),
}

impl<'a> TierEntry<'a> {
    /// Reads a pair of the tier. Errors with [`Kind::Corrupt`] when it is not one that a pass wrote.
    pub fn decode(key: &'a [u8], value: &'a [u8], forms: &Forms) -> Result<Self> {
        Self::split(key, value, forms).ok_or_else(|| {
            let shown = &key[..key.len().min(32)];
            let message =
                format!("the tier's entry {shown:02x?} of {} bytes makes no sense: run `kvark check`", value.len());
            Error::new(Kind::Corrupt, message)
        })
    }

    fn split(key: &'a [u8], value: &'a [u8], forms: &Forms) -> Option<Self> {
        let (&db, key) = key.split_first()?;
        let db = db.checked_sub(1).filter(|&db| usize::from(db) < ALL_DATABASES)?;
        let (version, rest) = value.split_first_chunk::<8>()?;
        let (&flags, mut rest) = rest.split_first()?;
        let mut expires_at = 0;
        if flags & EXPIRES != 0 {
            let (at, behind) = rest.split_first_chunk::<8>()?;
            (expires_at, rest) = (u64::from_le_bytes(*at), behind);
        }
        let (&kind, payload) = rest.split_first()?;
        let value = match flags & !EXPIRES {
            0 => TierValue::Whole(codec::decode(kind, payload, forms).ok()?),
            IN_PARTS => TierValue::InParts(codec::collection_of(kind)?, Written::decode(payload)?),
            _ => return None,
        };
        Some(Self { db, key, version: u64::from_le_bytes(*version), expires_at, value })
    }
}
