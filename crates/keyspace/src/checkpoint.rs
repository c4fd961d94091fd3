//! From memory to the tier, all the time, in small slices.
//!
//! A [`Pass`] goes once over every shard and hands out the entries whose version is above the shard's last checkpoint,
//! and tombstones for keys that were removed. A big collection it hands out part by part ([`crate::parts`]), letting go of the shard between them. It is fuzzy: while it goes, commands go on. What changes behind its back has
//! a version above the position at which it began, is dirty still, and is in the log above the cut.
//!
//! Invariant: the position of a pass is taken for each shard while that shard is held, before its first slice.
//! Invariant: a database that was emptied is cleared in the tier before the pass hands out its first entry, and all its
//! entries are handed out, whatever their version.

use std::sync::atomic::Ordering;

use kvark_base::Position;
use kvark_base::background::breathe;
use kvark_base::limits::{ALL_DATABASES, DATABASES};
use kvark_tier::Batch;
use kvark_values::codec;

use crate::entry::EntryPtr;
use crate::keyspace::Keyspace;
use crate::parts::{Dropped, Parts};
use crate::shard::State;
use crate::table::Place;
use crate::tier_entry::{self, tier_key};

/// Entries looked at while one shard is held: some tens of microseconds.
const SLICE_ENTRIES: usize = 512;
/// Bytes copied while one shard is held.
const SLICE_BYTES: usize = 256 * 1024;

/// One walk over everything, towards a checkpoint.
#[derive(Debug, Default)]
pub struct Pass {
    /// Databases to be cleared in the tier before the first slice, as bits of physical numbers.
    pub clear: u32,
    shard: u32,
    db: u8,
    place: Option<Place>,
    /// Collections that it came by and that leave in parts, before it goes on.
    big: Vec<Big>,
    /// Those of which it has handed out parts.
    parted: Vec<Big>,
    /// Parts that are removed at the end, when every entry that spoke of them is replaced.
    dropped: Vec<Dropped>,
    /// Where each shard stood when the pass came to it.
    positions: Vec<Position>,
    /// What shards had removed, to be put back when the pass fails.
    removed: Vec<(u32, u8, Box<[u8]>)>,
}

/// A key that holds a big collection, or did when the pass came by.
#[derive(Debug, Clone)]
struct Big {
    shard: u32,
    db: u8,
    key: Box<[u8]>,
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
        Pass { clear, ..Pass::default() }
    }

    /// Adds to `batch` until it holds about `batch_bytes` more or the pass is complete; returns whether there is more to come.
    /// The batch is in no order and may name a key twice: the later word counts.
    pub fn continue_pass(&self, pass: &mut Pass, batch: &mut Batch, batch_bytes: usize) -> bool {
        let mut bytes = 0;
        while pass.shard < self.shards() || !pass.big.is_empty() {
            if bytes >= batch_bytes {
                return true;
            }
            breathe();
            bytes += match pass.big.last() {
                Some(big) => self.pass_part(&big.clone(), pass, batch),
                None => self.pass_slice(pass, batch),
            };
        }
        pass.dropped.iter().for_each(|dropped| dropped.remove(batch));
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
            pass.dropped.append(&mut state.dropped);
        }
        let mut entries = 0;
        while entries < SLICE_ENTRIES && bytes < SLICE_BYTES {
            let all = pass.clear >> pass.db & 1 == 1;
            let since = if all { 0 } else { state.checkpointed };
            let place = state.tables[usize::from(pass.db)].walk(pass.place.unwrap_or_default(), |ptr| {
                entries += 1;
                // SAFETY: the shard is held.
                let entry = unsafe { ptr.borrow() };
                if entry.version() <= since {
                    return;
                }
                // SAFETY: as above; nobody borrows the parts.
                let parts = unsafe { ptr.parts_mut() };
                let is_parted = parts.is_some();
                if let Some(parts) = parts.filter(|_| all) {
                    pass.dropped.extend(parts.give_up(pass.db));
                }
                if is_parted || entry.value().is_big() {
                    pass.big.push(Big { shard: pass.shard, db: pass.db, key: entry.key().into() });
                } else {
                    bytes += hand_out(ptr, pass.db, batch);
                }
            });
            pass.place = place;
            if place.is_none() && !pass.next_table() {
                break;
            }
        }
        bytes
    }

    /// Hands out the next part of a big collection, and behind the last one its entry.
    fn pass_part(&self, big: &Big, pass: &mut Pass, batch: &mut Batch) -> usize {
        let (before, key, db) = (batch.len(), self.key(&big.key), big.db);
        let mut state = self.shard(big.shard);
        let whole = match state.find(db, &key) {
            Some(found) => self.hand_out_part(&mut state, found.entry, db, batch),
            // It has gone meanwhile, and its removal is for the next pass.
            None => true,
        };
        drop(state);
        if whole {
            pass.parted.extend(pass.big.pop());
        }
        batch[before..].iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }

    /// True when the entry is handed out.
    fn hand_out_part(&self, state: &mut State, ptr: EntryPtr, db: u8, batch: &mut Batch) -> bool {
        // SAFETY: the shard is held; the parts are beside the value.
        let (value, parts) = unsafe { (ptr.borrow().value(), ptr.parts_mut()) };
        if parts.as_ref().is_none_or(|parts| parts.asks_for_copy()) && !value.is_big() {
            // It has become small, or another value has taken its place.
            if let Some(parts) = parts {
                state.dropped.extend(parts.drop_all(db));
                // SAFETY: as above; nothing of the value or its parts is borrowed any more.
                unsafe { ptr.set_parts(None) };
            }
            hand_out(ptr, db, batch);
            return true;
        }
        if parts.is_none() {
            // SAFETY: as above.
            unsafe { ptr.set_parts(Some(Parts::default())) };
        }
        // SAFETY: as above; the parts are beside the value.
        let (entry, parts) = unsafe { (ptr.borrow(), ptr.parts_mut().expect("it has them by now")) };
        let part_bytes = self.part_bytes.load(Ordering::Relaxed);
        let Some(written) = parts.write(entry.value(), db, &self.next_parts, part_bytes, batch) else { return false };
        let kind = codec::kind_of(entry.of_type());
        batch.push((tier_key(db, entry.key()), Some(tier_entry::in_parts(&entry, kind, &written))));
        // SAFETY: as above.
        unsafe { ptr.stamp(entry.version(), true) };
        true
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
    pub fn abandon_pass(&self, mut pass: Pass) {
        self.flushed.fetch_or(pass.clear, Ordering::Relaxed);
        for (shard, db, key) in std::mem::take(&mut pass.removed) {
            self.shard(shard).removed.push((db, key));
        }
        self.shard(0).dropped.append(&mut pass.dropped);
        for big in pass.big.iter().chain(&pass.parted) {
            let mut state = self.shard(big.shard);
            let Some(found) = state.find(big.db, &self.key(&big.key)) else { continue };
            // SAFETY: the shard is held.
            if let Some(parts) = unsafe { found.entry.parts_mut() } {
                state.dropped.extend(parts.give_up(big.db));
            }
        }
    }
}

/// Appends an entry to the batch; how many bytes it has there.
fn hand_out(ptr: EntryPtr, db: u8, batch: &mut Batch) -> usize {
    // SAFETY: the caller holds the shard of a live entry.
    let entry = unsafe { ptr.borrow() };
    let mut scratch = codec::Scratch::default();
    let (kind, payload) = codec::encode(entry.value(), &mut scratch);
    let value = tier_entry::whole(&entry, kind, payload);
    let bytes = entry.key().len() + value.len();
    batch.push((tier_key(db, entry.key()), Some(value)));
    // SAFETY: as above.
    unsafe { ptr.stamp(entry.version(), true) };
    bytes
}

impl Pass {
    /// Steps to the next table; false when that is in another shard.
    fn next_table(&mut self) -> bool {
        self.place = None;
        self.db += 1;
        if usize::from(self.db) < ALL_DATABASES {
            return true;
        }
        self.db = 0;
        self.shard += 1;
        false
    }
}
