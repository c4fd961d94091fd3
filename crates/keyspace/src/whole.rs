//! What looks at all keys of a database: walks, a random key, emptying, exchanging names, a digest.

use std::sync::atomic::Ordering;

use kvark_base::limits::DATABASES;
use kvark_base::random::{Random, splitmix64};
use kvark_base::{Millis, Position, Result};
use kvark_log::Effect;

use crate::entry::EntryRef;
use crate::keyspace::Keyspace;
use crate::reach::Reach;
use crate::shard::Counts;
use crate::table::Place;
use crate::transaction::Transaction;

/// Where a walk over a database stands; as a number it is the cursor of `SCAN`.
///
/// ```text
/// cursor 64: | 0 | depth 6 | prefix 28 | tag 19 | shard 10 |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    shard: u32,
    place: Place,
}

const SHARD_BITS: u32 = 10;
const TAG_BITS: u32 = 19;
const PREFIX_BITS: u32 = 28;
/// Bytes of a record that names a database only, at most.
const RECORD_LEN: usize = 16;

impl Cursor {
    /// The cursor that a client sent; `None` when it can't be one of ours.
    pub fn from_number(number: u64) -> Option<Self> {
        let take = |shift: u32, bits: u32| number >> shift & ((1 << bits) - 1);
        let shard = take(0, SHARD_BITS) as u32;
        let tag = take(SHARD_BITS, TAG_BITS);
        let prefix = take(SHARD_BITS + TAG_BITS, PREFIX_BITS);
        let depth = (number >> (SHARD_BITS + TAG_BITS + PREFIX_BITS)) as u32;
        (depth <= PREFIX_BITS && prefix >> depth == 0).then_some(Self { shard, place: Place { depth, prefix, tag } })
    }

    /// The cursor as a number; zero is where every walk begins and ends.
    pub fn to_number(self) -> u64 {
        let Place { depth, prefix, tag } = self.place;
        let high = u64::from(depth) << PREFIX_BITS | prefix;
        (high << TAG_BITS | tag) << SHARD_BITS | u64::from(self.shard)
    }
}

impl Reach<'_, '_> {
    /// How many keys database `db` holds.
    pub fn len(&self, db: u32) -> u64 {
        let len = |shard| self.shard(shard).tables[usize::from(self.keyspace().physical(db))].len() as u64;
        (0..self.keyspace().shards()).map(len).sum()
    }

    /// Whether database `db` holds no keys.
    pub fn is_empty(&self, db: u32) -> bool {
        self.len(db) == 0
    }

    /// Hands over the live entries of database `db` from `cursor` on, at least `count` of them unless the walk ends, and
    /// returns where to go on; `None` when all have been seen. A key that is there during a whole walk is seen at least once.
    pub fn scan(
        &self,
        db: u32,
        cursor: Cursor,
        count: usize,
        now_ms: Millis,
        mut each: impl FnMut(&EntryRef<'_>),
    ) -> Option<Cursor> {
        let mut cursor = cursor;
        let mut seen = 0;
        while cursor.shard < self.keyspace().shards() {
            let state = self.shard(cursor.shard);
            let table = &state.tables[usize::from(self.keyspace().physical(db))];
            let mut place = Some(cursor.place);
            while let (Some(at), true) = (place, seen < count) {
                place = table.walk(at, |entry| {
                    // SAFETY: the shard is held.
                    let entry = unsafe { entry.borrow() };
                    seen += 1;
                    if !entry.is_expired(now_ms) {
                        each(&entry);
                    }
                });
            }
            match place {
                Some(place) => return Some(Cursor { place, ..cursor }),
                None => cursor = Cursor { shard: cursor.shard + 1, place: Place::default() },
            }
            if seen >= count && cursor.shard < self.keyspace().shards() {
                return Some(cursor);
            }
        }
        None
    }

    /// Hands over every live entry of database `db`, a shard at a time.
    pub fn each(&self, db: u32, now_ms: Millis, mut each: impl FnMut(&EntryRef<'_>)) {
        for shard in 0..self.keyspace().shards() {
            let state = self.shard(shard);
            for entry in state.tables[usize::from(self.keyspace().physical(db))].iter() {
                // SAFETY: the shard is held.
                let entry = unsafe { entry.borrow() };
                if !entry.is_expired(now_ms) {
                    each(&entry);
                }
            }
        }
    }

    /// A random live key of database `db`: every shard with a chance by its size, then a random place in it.
    pub fn random_key(&self, db: u32, now_ms: Millis, random: &mut Random) -> Option<Vec<u8>> {
        const TRIES: usize = 128;
        for _ in 0..TRIES {
            let total = self.len(db);
            if total == 0 {
                return None;
            }
            if let Some(key) = self.key_at(db, random.below(total), now_ms, random) {
                return Some(key);
            }
        }
        // Nearly everything has expired and is not swept yet: take the first that is alive.
        let mut found = None;
        self.each(db, now_ms, |entry| {
            found.get_or_insert_with(|| entry.key().to_vec());
        });
        found
    }

    fn key_at(&self, db: u32, mut index: u64, now_ms: Millis, random: &mut Random) -> Option<Vec<u8>> {
        for shard in 0..self.keyspace().shards() {
            let state = self.shard(shard);
            let table = &state.tables[usize::from(self.keyspace().physical(db))];
            let len = table.len() as u64;
            if index >= len {
                index -= len;
                continue;
            }
            let entry = table.random(random)?;
            // SAFETY: the shard is held.
            let entry = unsafe { entry.borrow() };
            return (!entry.is_expired(now_ms)).then(|| entry.key().to_vec());
        }
        None
    }

    /// Empties database `db`; returns the position of that.
    pub fn flush(&mut self, db: u32) -> Result<Position> {
        self.with_all(0, |transaction| {
            let physical = transaction.keyspace().physical(db);
            transaction.note_cleared();
            transaction.clear(physical)
        })
    }

    /// Empties all databases at once; returns the position of that.
    pub fn flush_all(&mut self) -> Result<Position> {
        self.with_all(0, |transaction| {
            transaction.reserve(DATABASES, DATABASES * RECORD_LEN)?;
            transaction.note_cleared();
            (0..DATABASES as u8).try_fold(0, |_, physical| transaction.clear(physical))
        })
    }

    /// Exchanges the names of two databases; returns the position of that.
    pub fn swap(&mut self, a: u32, b: u32, now_ms: Millis) -> Result<Position> {
        self.with_all(now_ms, |transaction| {
            transaction.note_cleared();
            transaction.swap(a, b)
        })
    }

    /// A digest of everything a client can see: databases, keys, types, values, deadlines. The order of keys plays no part.
    pub fn digest(&mut self, now_ms: Millis) -> [u64; 2] {
        self.with_all(0, |transaction| transaction.digest(now_ms))
    }

    /// Sets hits, misses and expired keys back to zero.
    pub fn reset_counts(&mut self) {
        self.with_all(0, |transaction| {
            transaction.states_mut().for_each(|state| {
                state.counts = Counts::default();
                state.discarded.reset();
            });
        });
    }

    /// Calls `with` while every shard is held.
    fn with_all<R>(&mut self, now_ms: Millis, with: impl FnOnce(&mut Transaction<'_>) -> R) -> R {
        match self {
            Self::Free(keyspace) => with(&mut keyspace.transaction_of_all(now_ms)),
            Self::Held(transaction) => with(transaction),
        }
    }
}

/// For whoever holds nothing.
impl Keyspace {
    /// See [`Reach::len`].
    pub fn len(&self, db: u32) -> u64 {
        Reach::Free(self).len(db)
    }

    /// See [`Reach::each`].
    pub fn each(&self, db: u32, now_ms: Millis, each: impl FnMut(&EntryRef<'_>)) {
        Reach::Free(self).each(db, now_ms, each);
    }

    /// See [`Reach::flush`].
    pub fn flush(&self, db: u32) -> Result<Position> {
        Reach::Free(self).flush(db)
    }

    /// See [`Reach::reset_counts`].
    pub fn reset_counts(&self) {
        Reach::Free(self).reset_counts();
    }

    /// See [`Reach::digest`].
    pub fn digest(&self, now_ms: Millis) -> [u64; 2] {
        Reach::Free(self).digest(now_ms)
    }
}

impl Transaction<'_> {
    /// Empties a physical database.
    fn clear(&mut self, physical: u8) -> Result<Position> {
        let position = self.record(Effect::Flush { db: physical.into() })?;
        let keyspace = self.keyspace();
        keyspace.flushed.fetch_or(1 << physical, Ordering::Relaxed);
        for (shard, state) in (0..).zip(self.states_mut()) {
            state.tell_cleared(physical);
            state.clear(physical, position);
            state.tell_ready_cleared(physical, shard);
        }
        keyspace.orders.forget(physical);
        Ok(position)
    }

    /// Exchanges the names of two databases.
    fn swap(&mut self, a: u32, b: u32) -> Result<Position> {
        let (keyspace, now_ms) = (self.keyspace(), self.now_ms());
        let mut names = keyspace.names();
        let position = self.record(Effect::Swap { a, b })?;
        let (first, second) = (names[a as usize], names[b as usize]);
        for (shard, state) in (0..).zip(self.states_mut()) {
            state.tell_swapped(first, second, now_ms);
            state.tell_ready_swapped(first, second, shard);
        }
        names.swap(a as usize, b as usize);
        keyspace.set_names(names, position);
        Ok(position)
    }

    fn digest(&mut self, now_ms: Millis) -> [u64; 2] {
        let keyspace = self.keyspace();
        let mut sum = [0u64; 2];
        for state in self.states_mut() {
            for db in 0..DATABASES as u32 {
                for entry in state.tables[usize::from(keyspace.physical(db))].iter() {
                    // SAFETY: all shards are held.
                    let entry = unsafe { entry.borrow() };
                    if !entry.is_expired(now_ms) {
                        let one = digest_of(db, &entry);
                        sum = [sum[0].wrapping_add(one[0]), sum[1].wrapping_add(one[1])];
                    }
                }
            }
        }
        sum
    }
}

/// The digest of one entry in database `db`.
pub fn digest_of(db: u32, entry: &EntryRef<'_>) -> [u64; 2] {
    let value = entry.value();
    [0x006b_7661_726b_0001, 0x006b_7661_726b_0002].map(|seed| {
        let hasher = crate::key::KeyHasher::new(seed, 1);
        let mut mix = hasher.hash(entry.key());
        // A string that spells an integer is one wherever it is kept; of members the order plays no part.
        let mut members = 0u64;
        value.each_for_digest(&mut |member| members = members.wrapping_add(hasher.hash(member)));
        for word in [members, entry.expires_at(), u64::from(db) << 8 | value.of_type() as u64] {
            mix = splitmix64(&mut (mix ^ word));
        }
        mix
    })
}
