//! What looks at all keys of a database: walks, a random key, emptying, exchanging names, a digest.

use std::sync::atomic::Ordering;

use kvark_base::limits::DATABASES;
use kvark_base::random::{Random, splitmix64};
use kvark_base::{Millis, Position, Result};
use kvark_log::{Effect, RecordBuffer};

use crate::entry::EntryRef;
use crate::keyspace::Keyspace;
use crate::table::Place;

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

impl Keyspace {
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
        while cursor.shard < self.shards() {
            let state = self.shard(cursor.shard);
            let table = &state.tables[usize::from(self.physical(db))];
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
            if seen >= count && cursor.shard < self.shards() {
                return Some(cursor);
            }
        }
        None
    }

    /// Hands over every live entry of database `db`, a shard at a time.
    pub fn each(&self, db: u32, now_ms: Millis, mut each: impl FnMut(&EntryRef<'_>)) {
        for shard in 0..self.shards() {
            let state = self.shard(shard);
            for entry in state.tables[usize::from(self.physical(db))].iter() {
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
        for shard in 0..self.shards() {
            let state = self.shard(shard);
            let table = &state.tables[usize::from(self.physical(db))];
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
    pub fn flush(&self, db: u32) -> Result<Position> {
        let mut states = self.lock_all();
        let physical = self.physical(db);
        let position = self.log_one(Effect::Flush { db: physical.into() })?;
        self.flushed.fetch_or(1 << physical, Ordering::Relaxed);
        states.iter_mut().for_each(|state| state.clear(physical, position));
        self.orders.forget(physical);
        Ok(position)
    }

    /// Empties all databases at once; returns the position of that.
    pub fn flush_all(&self) -> Result<Position> {
        let mut states = self.lock_all();
        let mut bracket = self.log().bracket(DATABASES, DATABASES * RECORD_LEN)?;
        let mut position = 0;
        for physical in 0..DATABASES as u8 {
            let mut buffer = RecordBuffer::default();
            position = bracket.append(&Effect::Flush { db: physical.into() }.encode(&mut buffer));
            self.flushed.fetch_or(1 << physical, Ordering::Relaxed);
            states.iter_mut().for_each(|state| state.clear(physical, position));
            self.orders.forget(physical);
        }
        Ok(position)
    }

    /// Exchanges the names of two databases; returns the position of that.
    pub fn swap(&self, a: u32, b: u32) -> Result<Position> {
        let _states = self.lock_all();
        let mut names = self.names();
        let position = self.log_one(Effect::Swap { a, b })?;
        names.swap(a as usize, b as usize);
        self.set_names(names, position);
        Ok(position)
    }

    fn log_one(&self, effect: Effect<'_>) -> Result<Position> {
        let mut buffer = RecordBuffer::default();
        self.log().append(&effect.encode(&mut buffer))
    }

    /// A digest of everything a client can see: databases, keys, types, values, deadlines. The order of keys plays no part.
    pub fn digest(&self, now_ms: Millis) -> [u64; 2] {
        let states = self.lock_all();
        let mut sum = [0u64; 2];
        for db in 0..DATABASES as u32 {
            for state in &states {
                for entry in state.tables[usize::from(self.physical(db))].iter() {
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
