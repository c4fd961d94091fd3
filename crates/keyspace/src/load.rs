//! From the tier to memory: entries, then the parts of big collections.
//!
//! The tier hands over its pairs in the order of their keys, so every entry comes before the first part.

use std::collections::HashMap;

use kvark_base::{Error, Kind, Position, Result};
use kvark_values::{Forms, NewValue, Value};

use crate::entry::NewEntry;
use crate::key::{Key, KeyHasher};
use crate::parts::{self, Dropped, Parts, Written};
use crate::shard::State;
use crate::tier_entry::{TierEntry, TierValue};

/// Puts pairs of the tier into the shards that they belong to.
pub struct Loader<'a> {
    hasher: &'a KeyHasher,
    forms: &'a Forms,
    /// Collections that wait for parts, by id.
    waiting: HashMap<u64, Waiting>,
    /// Parts that no entry speaks of: what a crash left of an unfinished copy.
    orphans: HashMap<u64, Dropped>,
    highest_id: u64,
}

struct Waiting {
    shard: u32,
    db: u8,
    key: Box<[u8]>,
    written: Written,
    seen: u32,
}

/// A pair of the tier, with the shard that takes it.
pub enum Pair<'p> {
    /// An entry.
    Entry(Key<'p>, TierEntry<'p>),
    /// The part of a collection whose entry has come.
    Part(u32, u64, &'p [u8]),
    /// A part of nothing.
    Orphan,
}

impl Pair<'_> {
    /// Which shard must be held to take it; none for what belongs to nothing.
    pub fn shard(&self) -> Option<u32> {
        match self {
            Self::Entry(key, _) => Some(key.shard),
            Self::Part(shard, ..) => Some(*shard),
            Self::Orphan => None,
        }
    }

    /// The position of the latest effect that is in it, as far as it says; 0 otherwise.
    pub fn version(&self) -> Position {
        if let Self::Entry(_, entry) = self { entry.version } else { 0 }
    }
}

impl<'a> Loader<'a> {
    /// A loader to which nothing has come yet.
    pub fn new(hasher: &'a KeyHasher, forms: &'a Forms) -> Self {
        Self { hasher, forms, waiting: HashMap::new(), orphans: HashMap::new(), highest_id: 0 }
    }

    /// Reads the next pair.
    pub fn read<'p>(&mut self, key: &'p [u8], value: &'p [u8]) -> Result<Pair<'p>> {
        let Some((db, id, number)) = parts::part_at(key) else {
            let entry = TierEntry::decode(key, value, self.forms)?;
            return Ok(Pair::Entry(self.hasher.key(entry.key), entry));
        };
        self.highest_id = self.highest_id.max(id);
        let Some(waiting) = self.waiting.get_mut(&id).filter(|waiting| number < waiting.written.parts) else {
            let orphan = self.orphans.entry(id).or_insert(Dropped { db, id, parts: 0 });
            orphan.parts = number + 1;
            return Ok(Pair::Orphan);
        };
        if number != waiting.seen {
            return Err(waiting.incomplete());
        }
        waiting.seen += 1;
        Ok(Pair::Part(waiting.shard, id, value))
    }

    /// Puts the pair into its shard.
    pub fn take(&mut self, state: &mut State, pair: Pair<'_>) -> Result<()> {
        match pair {
            Pair::Entry(key, entry) => self.take_entry(state, key, entry),
            Pair::Part(_, id, ops) => return self.take_part(state, id, ops),
            Pair::Orphan => {}
        }
        Ok(())
    }

    fn take_entry(&mut self, state: &mut State, key: Key<'_>, entry: TierEntry<'_>) {
        let (value, written) = match entry.value {
            TierValue::Whole(value) => (value, None),
            TierValue::InParts(of_type, written) => (NewValue::Owned(Value::empty(of_type)), Some(written)),
        };
        let TierEntry { db, expires_at, version, .. } = entry;
        let new = NewEntry { key: key.bytes, value, expires_at, version, in_tier: true, accessed: 0 };
        state.put(db, &key, new, self.hasher);
        if let Some(written) = written {
            let found = state.find(db, &key).expect("it has just been put");
            // SAFETY: found under this hold of the shard, which is ours alone.
            unsafe { found.entry.set_parts(Some(Parts::of(written))) };
            let waiting = Waiting { shard: key.shard, db, key: key.bytes.into(), written, seen: 0 };
            self.waiting.insert(written.id, waiting);
        }
    }

    fn take_part(&mut self, state: &mut State, id: u64, ops: &[u8]) -> Result<()> {
        let waiting = &self.waiting[&id];
        let key = self.hasher.key(&waiting.key);
        let found = state.find(waiting.db, &key).expect("its entry was taken");
        // SAFETY: found under this hold of the shard, which is ours alone; what has parts is boxed.
        let value = unsafe { found.entry.boxed_mut() }.expect("what has parts is boxed");
        value.apply(ops, self.forms)?;
        if waiting.seen == waiting.written.parts {
            let next = value.as_ref().next_deadline();
            state.note_members(waiting.db, key.hash, 0, next);
        }
        Ok(())
    }

    /// That was the last pair. The next id that may be used for parts, and what is to be removed.
    pub fn finish(self) -> Result<(u64, Vec<Dropped>)> {
        match self.waiting.values().find(|waiting| waiting.seen < waiting.written.parts) {
            Some(waiting) => Err(waiting.incomplete()),
            None => Ok((self.highest_id + 1, self.orphans.into_values().collect())),
        }
    }
}

impl Waiting {
    fn incomplete(&self) -> Error {
        let (shown, Written { id, parts, .. }) = (&self.key[..self.key.len().min(32)], self.written);
        let message = format!(
            "the tier's entry of the key {shown:02x?} in database {} speaks of {parts} parts under the number {id}, and part {} is \
             missing: run `kvark check`",
            self.db, self.seen
        );
        Error::new(Kind::Corrupt, message)
    }
}
