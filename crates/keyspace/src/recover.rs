//! Back to memory: what the tier holds, then the tail of the log. The same effects as live, without logging them.
//!
//! Invariant: an effect at or below an entry's version is in the entry already and is skipped, so that a fuzzy
//! checkpoint and its tail meet in one state.
//! Invariant: no clock is read here. A key whose time has come is loaded and stays until its removal is logged.

use kvark_base::limits::{ALL_DATABASES, DATABASES};
use kvark_base::{Error, Kind, Position, Result};
use kvark_log::Effect;
use kvark_values::{NewValue, StringRef, codec};

use crate::checkpoint::Checkpoint;
use crate::entry::NewEntry;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::load::Loader;
use crate::shard::MemberChange;

use std::sync::atomic::Ordering;

impl Keyspace {
    /// Takes over what a checkpoint remembered.
    fn restore(&self, checkpoint: &Checkpoint) {
        self.set_names(checkpoint.names, checkpoint.named_at);
        for shard in 0..self.shards() {
            let mut state = self.shard(shard);
            state.checkpointed = checkpoint.position;
            state.changed = checkpoint.position;
        }
    }

    /// Forgets all entries and takes them over from the tier again, if nothing is dirty; whether it did. Everything stands
    /// still meanwhile: a test aid, which shows that the tier holds what memory holds. `read` hands over all pairs of the tier.
    pub fn reload_when_clean(
        &self,
        read: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<bool> {
        let mut states = self.lock_all();
        if states.iter().any(|state| state.changed > state.checkpointed) {
            return Ok(false);
        }
        let mut tables: Vec<_> = states.iter_mut().map(|state| std::mem::take(&mut state.tables)).collect();
        let mut loader = Loader::new(&self.hasher, self.forms());
        let result = read(&mut |key, value| {
            let pair = loader.read(key, value)?;
            let Some(shard) = pair.shard() else { return Ok(()) };
            let state = &mut states[shard as usize];
            let taken = loader.take(state, pair);
            state.changed = state.checkpointed;
            taken
        });
        let result = result.and_then(|()| loader.finish());
        for (state, old) in states.iter_mut().zip(&mut tables) {
            if result.is_err() {
                std::mem::swap(&mut state.tables, old);
            }
            old.iter().for_each(|table| state.discard(table));
        }
        result.map(|_| true)
    }

    /// Takes over one pair of the tier.
    fn load(&self, loader: &mut Loader<'_>, key: &[u8], value: &[u8]) -> Result<()> {
        let pair = loader.read(key, value)?;
        let Some(shard) = pair.shard() else { return Ok(()) };
        let mut state = self.shard(shard);
        let (changed, version) = (state.changed, pair.version());
        let taken = loader.take(&mut state, pair);
        // Behind a fuzzy pass the tier may be ahead of the checkpoint; then the shard is dirty.
        state.changed = changed.max(version);
        taken
    }

    /// Replays one effect of the log.
    fn replay(&self, position: Position, effect: &Effect<'_>) -> Result<()> {
        match *effect {
            Effect::Put { db, key, expires_at, kind, payload } => {
                let value = codec::decode(kind, payload, self.forms())?;
                let (db, key) = (physical(db)?, self.key(key));
                let new = self.stamp(position, &key, value, expires_at);
                self.replay_on(db, &key, position, |state| state.put(db, &key, new, &self.hasher));
            }
            Effect::Remove { db, key, .. } => {
                let (db, key) = (physical(db)?, self.key(key));
                self.replay_on(db, &key, position, |state| {
                    if let Some(found) = state.find(db, &key) {
                        state.remove(db, &key, &found, position);
                    }
                });
            }
            Effect::ExpireAt { db, key, expires_at } => {
                let (db, key) = (physical(db)?, self.key(key));
                self.replay_on(db, &key, position, |state| state.set_deadline(db, &key, expires_at, position));
            }
            Effect::Splice { db, key, offset, bytes } => {
                let (db, key) = (physical(db)?, self.key(key));
                let stamp = self.stamp(position, &key, NewValue::String(StringRef::Int(0)), 0);
                self.replay_on(db, &key, position, |state| {
                    state.splice(db, &key, offset as usize, bytes, stamp, &self.hasher);
                });
            }
            Effect::Change { db, key, of_nothing, kind, ops } => {
                let of_type = codec::collection_of(kind).ok_or_else(|| unknown_collection(kind))?;
                let change = MemberChange { of_nothing, of_type, ops };
                let (db, key) = (physical(db)?, self.key(key));
                let stamp = self.stamp(position, &key, NewValue::String(StringRef::Int(0)), 0);
                let mut result = Ok(0);
                self.replay_on(db, &key, position, |state| {
                    result = state.change(db, &key, state.find(db, &key), change, stamp, &self.hasher, self.forms());
                });
                result?;
            }
            Effect::Flush { db } => self.replay_flush(physical(db)?, position),
            Effect::Swap { a, b } => self.replay_swap(named(a)?, named(b)?, position),
        }
        Ok(())
    }

    fn stamp<'a>(&self, version: Position, key: &Key<'a>, value: NewValue<'a>, expires_at: u64) -> NewEntry<'a> {
        NewEntry { key: key.bytes, value, expires_at, version, in_tier: false, accessed: 0 }
    }

    fn replay_on(&self, db: u8, key: &Key<'_>, position: Position, change: impl FnOnce(&mut crate::shard::State)) {
        let mut state = self.shard(key.shard);
        if state.get(db, key).is_none_or(|entry| entry.version() < position) {
            change(&mut state);
        }
    }

    fn replay_flush(&self, db: u8, position: Position) {
        for shard in 0..self.shards() {
            let mut state = self.shard(shard);
            let older: Vec<Vec<u8>> = state.tables[usize::from(db)]
                .iter()
                // SAFETY: the shard is held.
                .map(|entry| unsafe { entry.borrow() })
                .filter(|entry| entry.version() < position)
                .map(|entry| entry.key().to_vec())
                .collect();
            for bytes in older {
                let key = self.key(&bytes);
                let found = state.find(db, &key).expect("it was there a moment ago");
                state.remove(db, &key, &found, position);
            }
            // The tier is cleared as a whole before the next pass.
            state.removed.retain(|&(of, _)| of != db);
            state.dropped.retain(|dropped| dropped.db != db);
            state.changed = state.changed.max(position);
        }
        self.flushed.fetch_or(1 << db, Ordering::Relaxed);
    }

    fn replay_swap(&self, a: u8, b: u8, position: Position) {
        if position > self.named_at.load(Ordering::Relaxed) {
            let mut names = self.names();
            names.swap(usize::from(a), usize::from(b));
            self.set_names(names, position);
        }
    }
}

fn unknown_collection(kind: u8) -> Error {
    let message = format!("the log changes a collection of kind {kind}: was it written by a newer kvark?");
    Error::new(Kind::Corrupt, message)
}

fn physical(db: u32) -> Result<u8> {
    below(ALL_DATABASES, db)
}

/// A database that has a name, which may be exchanged.
fn named(db: u32) -> Result<u8> {
    below(DATABASES, db)
}

fn below(databases: usize, db: u32) -> Result<u8> {
    u8::try_from(db).ok().filter(|&db| usize::from(db) < databases).ok_or_else(|| {
        Error::new(
            Kind::Corrupt,
            format!("the log speaks of database {db}, and there are {databases}: was it written by a newer kvark?"),
        )
    })
}

/// Items gathered before they are taken in, so that the cache can be asked for all their places at once.
const GATHERED: usize = 64;

/// Takes in the pairs of the tier in the order of their keys, then the records of the log: a few dozen at a time, because each alone would wait for
/// memory twice.
pub struct Recovery<'a> {
    keyspace: &'a Keyspace,
    /// Until the last pair has come.
    loader: Option<Loader<'a>>,
    bytes: Vec<u8>,
    items: Vec<Item>,
}

/// A pair of the tier, or a record of the log (then `split` is its length), in the gathered bytes.
struct Item {
    position: Position,
    start: usize,
    split: usize,
    end: usize,
}

impl<'a> Recovery<'a> {
    /// Into `keyspace`, which is empty, from behind `checkpoint`.
    pub fn new(keyspace: &'a Keyspace, checkpoint: &Checkpoint) -> Self {
        keyspace.restore(checkpoint);
        let loader = Some(Loader::new(&keyspace.hasher, keyspace.forms()));
        Self { keyspace, loader, bytes: Vec::new(), items: Vec::with_capacity(GATHERED) }
    }

    /// The next pair of the tier.
    pub fn pair(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.gather(0, key, value);
        if self.items.len() == GATHERED { self.take_pairs() } else { Ok(()) }
    }

    fn take_pairs(&mut self) -> Result<()> {
        let (keyspace, prefetch) = (self.keyspace, self.keyspace.prefetch());
        for item in &self.items {
            // Behind the byte of the database; the names of databases play no part before the first command.
            if let Some((&db, key)) = self.bytes[item.start..item.split].split_first() {
                prefetch.bucket_of(db.saturating_sub(1), &keyspace.key(key));
            }
        }
        let loader = self.loader.as_mut().expect("pairs come before the last pair");
        for item in self.items.drain(..) {
            let (key, value) = self.bytes[item.start..item.end].split_at(item.split - item.start);
            keyspace.load(loader, key, value)?;
        }
        self.bytes.clear();
        Ok(())
    }

    /// That was the last pair. Errors when parts of a collection are missing.
    pub fn end_pairs(&mut self) -> Result<()> {
        self.take_pairs()?;
        let loader = self.loader.take().expect("there is one last pair");
        let (next_parts, orphans) = loader.finish()?;
        self.keyspace.next_parts.store(next_parts, Ordering::Relaxed);
        self.keyspace.shard(0).dropped.extend(orphans);
        Ok(())
    }

    /// The next record of the log.
    pub fn record(&mut self, position: Position, record: &[u8]) -> Result<()> {
        self.gather(position, record, &[]);
        if self.items.len() == GATHERED { self.take_records() } else { Ok(()) }
    }

    /// That was the last record.
    pub fn take_records(&mut self) -> Result<()> {
        let (keyspace, prefetch) = (self.keyspace, self.keyspace.prefetch());
        let effects = self.items.iter().map(|item| Effect::decode(&self.bytes[item.start..item.end]));
        let effects: Vec<Effect<'_>> = effects.collect::<Result<_>>()?;
        let keys: Vec<_> =
            effects.iter().filter_map(Effect::key).map(|(db, key)| (db as u8, keyspace.key(key))).collect();
        keys.iter().for_each(|(db, key)| prefetch.bucket_of(*db, key));
        keys.iter().for_each(|(db, key)| prefetch.entries_of(*db, key));
        for (item, effect) in self.items.iter().zip(&effects) {
            keyspace.replay(item.position, effect)?;
        }
        self.items.clear();
        self.bytes.clear();
        Ok(())
    }

    fn gather(&mut self, position: Position, first: &[u8], second: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
        self.items.push(Item { position, start, split: start + first.len(), end: self.bytes.len() });
    }
}
