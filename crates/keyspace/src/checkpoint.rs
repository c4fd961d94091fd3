//! From memory to the tier, all the time, in small slices; and the bytes of an entry there.
//!
//! ```text
//! tier key:    | 1 + physical database 1 | key |
//! tier value:  | version 8 | flags 1 | [expires_at 8, when flags & 1] | kind 1 | payload |
//! ```
//! (`docs/format/tier.md` has the page; integers are little-endian; keys beginning with 0 are the engine's own.)
//!
//! A [`Pass`] goes once over every shard and hands out the entries whose version is above the shard's last checkpoint,
//! and tombstones for keys that were removed. It is fuzzy: while it goes, commands go on. What changes behind its back has
//! a version above the position at which it began, is dirty still, and is in the log above the cut.
//!
//! Invariant: the position of a pass is taken for each shard while that shard is held, before its first slice.
//! Invariant: a database that was emptied is cleared in the tier before the pass hands out its first entry, and all its
//! entries are handed out, whatever their version.

use std::sync::atomic::Ordering;

use kvark_base::background::breathe;
use kvark_base::limits::DATABASES;
use kvark_base::{Error, Kind, Millis, Position, Result};
use kvark_tier::Batch;
use kvark_values::{Forms, NewValue, codec};

use crate::entry::EntryRef;
use crate::keyspace::Keyspace;
use crate::table::Place;

/// Entries looked at while one shard is held: some tens of microseconds.
const SLICE_ENTRIES: usize = 512;
/// Bytes copied while one shard is held.
const SLICE_BYTES: usize = 256 * 1024;

/// One walk over everything, towards a checkpoint.
#[derive(Debug)]
pub struct Pass {
    /// Databases to be cleared in the tier before the first slice, as bits of physical numbers.
    pub clear: u16,
    shard: u32,
    db: u8,
    place: Option<Place>,
    /// Where each shard stood when the pass came to it.
    positions: Vec<Position>,
    /// What shards had removed, to be put back when the pass fails.
    removed: Vec<(u32, u8, Box<[u8]>)>,
}

/// What the tier must remember beside the entries when a pass is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Replay the log from behind this position.
    pub position: Position,
    /// Physical database of each name...
    pub names: [u8; DATABASES],
    /// ...as of the effect at this position.
    pub named_at: Position,
}

impl Default for Checkpoint {
    /// That of an empty store.
    fn default() -> Self {
        Self { position: 0, names: std::array::from_fn(|db| db as u8), named_at: 0 }
    }
}

impl Keyspace {
    /// Begins a pass.
    pub fn begin_pass(&self) -> Pass {
        let clear = self.flushed.swap(0, Ordering::Relaxed);
        Pass { clear, shard: 0, db: 0, place: None, positions: Vec::new(), removed: Vec::new() }
    }

    /// Adds to `batch` until it holds about `batch_bytes` more or the pass is complete; returns whether there is more to come.
    /// The batch is in no order and may name a key twice: the later word counts.
    pub fn continue_pass(&self, pass: &mut Pass, batch: &mut Batch, batch_bytes: usize) -> bool {
        let mut bytes = 0;
        while pass.shard < self.shards() {
            if bytes >= batch_bytes {
                return true;
            }
            breathe();
            bytes += self.pass_slice(pass, batch);
        }
        false
    }

    fn pass_slice(&self, pass: &mut Pass, batch: &mut Batch) -> usize {
        let mut state = self.shard(pass.shard);
        let mut bytes = 0;
        if pass.positions.len() == pass.shard as usize {
            pass.positions.push(self.log().last());
            if state.changed <= state.checkpointed && pass.clear == 0 {
                pass.shard += 1;
                return 0;
            }
            for (db, key) in std::mem::take(&mut state.removed) {
                bytes += key.len();
                batch.push((tier_key(db, &key), None));
                pass.removed.push((pass.shard, db, key));
            }
        }
        let mut entries = 0;
        while entries < SLICE_ENTRIES && bytes < SLICE_BYTES {
            let all = pass.clear >> pass.db & 1 == 1;
            let since = if all { 0 } else { state.checkpointed };
            let place = state.tables[usize::from(pass.db)].walk(pass.place.unwrap_or_default(), |ptr| {
                entries += 1;
                // SAFETY: the shard is held.
                let entry = unsafe { ptr.borrow() };
                if entry.version() > since {
                    let value = tier_value(&entry);
                    bytes += entry.key().len() + value.len();
                    batch.push((tier_key(pass.db, entry.key()), Some(value)));
                    // SAFETY: as above.
                    unsafe { ptr.stamp(entry.version(), true) };
                }
            });
            pass.place = place;
            if place.is_none() && !pass.next_table() {
                break;
            }
        }
        bytes
    }

    /// The pass is complete and its batches are applied and flushed: what it saw is clean from now on.
    pub fn checkpoint_of(&self, pass: &Pass) -> Checkpoint {
        assert_eq!(pass.positions.len(), self.shards() as usize, "the pass is not complete");
        // The names are read last: an exchange that is not in them is above every position of the pass.
        let held = self.lock_all();
        let (names, named_at) = (self.names(), self.named_at.load(Ordering::Relaxed));
        drop(held);
        let position = pass.positions.iter().copied().min().unwrap_or(0);
        Checkpoint { position, names, named_at }
    }

    /// The checkpoint is durable: nothing below it is dirty any more.
    pub fn finish_pass(&self, pass: Pass) {
        for (shard, &position) in pass.positions.iter().enumerate() {
            self.shard(shard as u32).checkpointed = position;
        }
    }

    /// The tier refused: what the pass took is dirty again.
    pub fn abandon_pass(&self, pass: Pass) {
        self.flushed.fetch_or(pass.clear, Ordering::Relaxed);
        for (shard, db, key) in pass.removed {
            self.shard(shard).removed.push((db, key));
        }
    }
}

impl Pass {
    /// Steps to the next table; false when that is in another shard.
    fn next_table(&mut self) -> bool {
        self.place = None;
        self.db += 1;
        if usize::from(self.db) < DATABASES {
            return true;
        }
        self.db = 0;
        self.shard += 1;
        false
    }
}

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

fn tier_value(entry: &EntryRef<'_>) -> Vec<u8> {
    let mut scratch = codec::Scratch::default();
    let (kind, payload) = codec::encode(entry.value(), &mut scratch);
    let mut bytes = Vec::with_capacity(18 + payload.len());
    bytes.extend_from_slice(&entry.version().to_le_bytes());
    let expires_at = entry.expires_at();
    bytes.push(u8::from(expires_at != 0));
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
    pub value: NewValue<'a>,
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
        let db = db.checked_sub(1).filter(|&db| usize::from(db) < DATABASES)?;
        let (version, rest) = value.split_first_chunk::<8>()?;
        let (&flags, mut rest) = rest.split_first()?;
        let mut expires_at = 0;
        if flags == 1 {
            let (at, behind) = rest.split_first_chunk::<8>()?;
            (expires_at, rest) = (u64::from_le_bytes(*at), behind);
        } else if flags != 0 {
            return None;
        }
        let (&kind, payload) = rest.split_first()?;
        let value = codec::decode(kind, payload, forms).ok()?;
        Some(Self { db, key, version: u64::from_le_bytes(*version), expires_at, value })
    }
}
