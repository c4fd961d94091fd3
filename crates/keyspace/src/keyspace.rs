//! All shards of a store, and who may hold which of them.
//!
//! Invariant: whoever holds several shards took them in ascending order.
//! Invariant: the names of databases change only while every shard is held, so holding any shard freezes them.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_epoch::{self as epoch, Guard};
use kvark_base::limits::{ALL_DATABASES, DATABASES};
use kvark_base::{Millis, Position};
use kvark_log::Log;
use kvark_values::Forms;

use crate::discarded::Discarded;
use crate::key::{Key, KeyHasher};
use crate::notices::{Noted, Notices};
use crate::order::Orders;
use crate::shard::{Shard, State};
use crate::slab::PagePool;
use crate::table::Table;
use crate::taken::Taken;
use crate::view::{Locked, View};
use crate::waiting::{Arrivals, ReadyKeys};
use crate::writer::Writer;

/// Bytes of a collection that are copied while its shard is held.
/// How long a shard is waited for before something else is done meanwhile.
const PATIENCE: Duration = Duration::from_millis(10);
const PART_BYTES: usize = 256 * 1024;

/// What a store is made with; kept for its life.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A power of two.
    pub shards: usize,
    /// Seeds the hash of keys.
    pub seed: u64,
}

/// See the module.
pub struct Keyspace {
    shards: Box<[Shard]>,
    pub(crate) hasher: KeyHasher,
    log: Arc<dyn Log>,
    pub(crate) notices: Notices,
    pool: Arc<PagePool>,
    /// Physical database of each name.
    names: [AtomicU8; DATABASES],
    /// The position of the latest exchange of names.
    pub(crate) named_at: AtomicU64,
    /// Databases emptied since the tier was last told, as bits.
    pub(crate) flushed: AtomicU32,
    pub(crate) orders: Orders,
    forms: Forms,
    /// The next id for the parts of a collection.
    pub(crate) next_parts: AtomicU64,
    /// How long a part is, about.
    pub(crate) part_bytes: AtomicUsize,
    pub(crate) discarded: Arc<Discarded>,
    /// What is done now and then by who waits for a shard.
    patience: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Keys that somebody waited for.
    pub(crate) ready: Arc<ReadyKeys>,
    pub(crate) arrivals: Arrivals,
    pub(crate) taken: Taken,
}

/// What a keyspace holds at a moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Keys by database name.
    pub keys: [u64; DATABASES],
    /// Keys with a deadline, over all databases, as an upper bound (stale notes count).
    pub deadlines: u64,
    /// Bytes in entries.
    pub entry_bytes: u64,
    /// Bytes in tables.
    pub table_bytes: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys removed because their time had come.
    pub expired: u64,
    /// Objects that the background has still to free; a database that was emptied counts whole until all of it is freed.
    pub unfreed: u64,
    /// Objects that the background has freed.
    pub freed: u64,
}

/// Leave to look at the tables without holding them, to ask the cache ahead of time. Keep it for a turn, not longer.
pub struct Prefetch<'a> {
    keyspace: &'a Keyspace,
    pinned: Guard,
}

impl Prefetch<'_> {
    /// Asks the cache for the key's bucket.
    #[inline]
    pub fn bucket(&self, db: u32, key: &Key<'_>) {
        self.bucket_of(self.keyspace.physical(db), key);
    }

    /// Asks the cache for the entries that the bucket names, once that has arrived.
    #[inline]
    pub fn entries(&self, db: u32, key: &Key<'_>) {
        self.entries_of(self.keyspace.physical(db), key);
    }

    /// As [`Prefetch::bucket`], in a physical database; nothing where there is no such database.
    #[inline]
    pub(crate) fn bucket_of(&self, db: u8, key: &Key<'_>) {
        if usize::from(db) < ALL_DATABASES {
            // SAFETY: the shard outlives the borrow.
            unsafe { Table::prefetch_bucket(self.keyspace.table_ptr(db, key), key.hash, &self.pinned) }
        }
    }

    /// As [`Prefetch::entries`], in a physical database; nothing where there is no such database.
    #[inline]
    pub(crate) fn entries_of(&self, db: u8, key: &Key<'_>) {
        if usize::from(db) < ALL_DATABASES {
            // SAFETY: the shard outlives the borrow.
            unsafe { Table::prefetch_entries(self.keyspace.table_ptr(db, key), key.hash, &self.pinned) }
        }
    }
}

impl Keyspace {
    /// An empty keyspace whose effects go to `log`.
    pub fn new(options: Options, log: Arc<dyn Log>) -> Self {
        let (pool, discarded) = (Arc::new(PagePool::default()), Arc::new(Discarded::default()));
        let ready = Arc::new(ReadyKeys::default());
        Self {
            shards: (0..options.shards as u64)
                .map(|at| Shard::new(&pool, &discarded, &ready, options.seed ^ at))
                .collect(),
            hasher: KeyHasher::new(options.seed, options.shards),
            log,
            notices: Notices::default(),
            pool,
            names: std::array::from_fn(|db| AtomicU8::new(db as u8)),
            named_at: AtomicU64::new(0),
            flushed: AtomicU32::new(0),
            orders: Orders::default(),
            forms: Forms::default(),
            next_parts: AtomicU64::new(1),
            part_bytes: AtomicUsize::new(PART_BYTES),
            discarded,
            ready,
            arrivals: Arrivals::default(),
            taken: Taken::new(options.shards),
            patience: OnceLock::new(),
        }
    }

    /// Hashes a key.
    #[inline]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.hasher.key(bytes)
    }

    /// The log that effects go to.
    #[inline]
    pub fn log(&self) -> &dyn Log {
        &*self.log
    }

    /// What is told of keys, and by whom.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Up to which size collections are kept packed.
    pub fn forms(&self) -> &Forms {
        &self.forms
    }

    /// From now on parts of collections are about so long: a test aid, which makes many of little.
    pub fn set_part_bytes(&self, part_bytes: usize) {
        self.part_bytes.store(part_bytes, Ordering::Relaxed);
    }

    /// Frees what takes long to free and was left for the background, in slices of one shard.
    pub fn free_discarded(&self) {
        for shard in (0..self.shards()).filter(|&shard| !self.is_taken(shard)) {
            while self.shard(shard).free_emptied() {}
        }
        self.discarded.empty();
    }

    /// Leave to ask the cache ahead of time.
    pub fn prefetch(&self) -> Prefetch<'_> {
        Prefetch { keyspace: self, pinned: epoch::pin() }
    }

    /// Holds the shard of one key, to read.
    #[inline]
    pub fn view_one<'a>(&'a self, db: u32, key: Key<'a>, now_ms: Millis) -> View<'a> {
        let locked = Locked::One(key.shard, self.shard(key.shard));
        self.view(db, now_ms, Some(key), locked)
    }

    /// Holds the shards of several keys, to read.
    pub fn view_many<'a>(&'a self, db: u32, keys: impl Iterator<Item = &'a [u8]>, now_ms: Millis) -> View<'a> {
        self.view_of(self.shards_of(keys), now_ms).of_database(db)
    }

    /// Holds shards that are named in ascending order, to read in database 0.
    pub(crate) fn view_of(&self, shards: Vec<u32>, now_ms: Millis) -> View<'_> {
        self.view(0, now_ms, None, self.lock(shards))
    }

    /// Holds the shard of one key, to write.
    #[inline]
    pub fn write_one<'a>(&'a self, db: u32, key: Key<'a>, now_ms: Millis) -> Writer<'a> {
        Writer::new(self.view_one(db, key, now_ms))
    }

    /// Holds the shards of several keys, to write.
    pub fn write_many<'a>(&'a self, db: u32, keys: impl Iterator<Item = &'a [u8]>, now_ms: Millis) -> Writer<'a> {
        Writer::new(self.view_many(db, keys, now_ms))
    }

    /// Holds all shards, to read: for a command that finds out which keys it needs.
    pub fn view_all(&self, db: u32, now_ms: Millis) -> View<'_> {
        self.view(db, now_ms, None, self.lock((0..self.shards()).collect()))
    }

    /// Holds all shards, to write.
    pub fn write_all(&self, db: u32, now_ms: Millis) -> Writer<'_> {
        Writer::new(self.view_all(db, now_ms))
    }

    /// Holds the shards of keys that are hashed already, to write; asks the cache for their places first.
    pub fn write_keys<'a>(&'a self, db: u32, keys: &[Key<'a>], now_ms: Millis) -> Writer<'a> {
        let prefetch = self.prefetch();
        keys.iter().for_each(|key| prefetch.bucket(db, key));
        let mut shards: Vec<u32> = keys.iter().map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        keys.iter().for_each(|key| prefetch.entries(db, key));
        Writer::new(self.view(db, now_ms, None, self.lock(shards)))
    }

    fn view<'a>(&'a self, db: u32, now_ms: Millis, prepared: Option<Key<'a>>, locked: Locked<'a>) -> View<'a> {
        let view = self.view_as_it_is(db, now_ms, prepared, locked);
        // Whoever looks at a collection never meets a member whose time has come.
        if view.locked.any(|state| state.has_due_members(now_ms)) { view.without_due_members() } else { view }
    }

    #[inline]
    fn view_as_it_is<'a>(&'a self, db: u32, now_ms: Millis, prepared: Option<Key<'a>>, locked: Locked<'a>) -> View<'a> {
        let noted = Noted::nothing(&self.notices);
        View {
            keyspace: self,
            locked,
            db,
            now_ms,
            touching: true,
            prepared,
            seen: Cell::new(0),
            tells_misses: true,
            noted,
        }
    }

    /// The shards of keys, each once, in ascending order.
    pub(crate) fn shards_of<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Vec<u32> {
        let mut shards: Vec<u32> = keys.map(|key| self.hasher.key(key).shard).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    /// Holds shards that are named in ascending order.
    fn lock(&self, shards: Vec<u32>) -> Locked<'_> {
        if let [shard] = *shards {
            return Locked::One(shard, self.shard(shard));
        }
        Locked::Many(shards.into_iter().map(|shard| (shard, self.shard(shard))).collect())
    }

    pub(crate) fn lock_all(&self) -> Vec<parking_lot::MutexGuard<'_, State>> {
        (0..self.shards()).map(|shard| self.shard(shard)).collect()
    }

    /// Holds one shard, to sweep it: what is due may be there.
    pub(crate) fn write_shard(&self, shard: u32, now_ms: Millis) -> Writer<'_> {
        let locked = Locked::One(shard, self.shard(shard));
        Writer::new(self.view_as_it_is(0, now_ms, None, locked))
    }

    #[inline]
    pub(crate) fn shard(&self, shard: u32) -> parking_lot::MutexGuard<'_, State> {
        self.try_shard(shard).unwrap_or_else(|| self.wait_for(shard))
    }

    /// Somebody holds it; who does so for long lets this thread do something else meanwhile.
    #[cold]
    fn wait_for(&self, shard: u32) -> parking_lot::MutexGuard<'_, State> {
        let state = &self.shards[shard as usize].state;
        loop {
            match (state.try_lock_for(PATIENCE), self.patience.get()) {
                (Some(held), _) => return held,
                (None, Some(patience)) => patience(),
                (None, None) => {}
            }
        }
    }

    /// `patience` is called now and then by whoever waits for a shard. It may not touch a shard.
    pub fn set_patience(&self, patience: Box<dyn Fn() + Send + Sync>) {
        assert!(self.patience.set(patience).is_ok(), "a keyspace has one patience");
    }

    /// The shard, if nobody holds it.
    pub(crate) fn try_shard(&self, shard: u32) -> Option<parking_lot::MutexGuard<'_, State>> {
        self.shards[shard as usize].state.try_lock()
    }

    /// How many shards there are.
    pub fn shards(&self) -> u32 {
        self.shards.len() as u32
    }

    /// The physical database of a name; stable while any shard is held. That of the server itself is never exchanged.
    #[inline]
    pub(crate) fn physical(&self, db: u32) -> u8 {
        self.names.get(db as usize).map_or(db as u8, |name| name.load(Ordering::Relaxed))
    }

    pub(crate) fn set_names(&self, names: [u8; DATABASES], at: Position) {
        names.iter().zip(&self.names).for_each(|(&physical, name)| name.store(physical, Ordering::Relaxed));
        self.named_at.store(at, Ordering::Relaxed);
    }

    pub(crate) fn names(&self) -> [u8; DATABASES] {
        std::array::from_fn(|db| self.names[db].load(Ordering::Relaxed))
    }

    #[inline]
    fn table_ptr(&self, db: u8, key: &Key<'_>) -> *const Table {
        let state = self.shards[key.shard as usize].state.data_ptr();
        // SAFETY: only the address is computed; nothing is read.
        unsafe { (&raw const (*state).tables).cast::<Table>().add(usize::from(db)) }
    }

    /// Counts everything.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for shard in &self.shards {
            let state = shard.state.lock();
            for (db, keys) in census.keys.iter_mut().enumerate() {
                *keys += state.tables[usize::from(self.physical(db as u32))].len() as u64;
            }
            census.deadlines += state.deadlines.len() as u64;
            census.entry_bytes += state.slab.allocated_bytes() as u64;
            census.table_bytes += state.tables.iter().map(Table::memory_bytes).sum::<usize>() as u64;
            census.hits += state.counts.hits.get();
            census.misses += state.counts.misses.get();
            census.expired += state.counts.expired;
            census.unfreed += state.emptied.iter().map(|emptied| emptied.table.len() as u64).sum::<u64>();
        }
        census.unfreed += self.discarded.len();
        census.freed = self.discarded.freed();
        census
    }

    /// How many keys of each database have a deadline. Looks at every key, a shard at a time.
    pub fn count_deadlines(&self) -> [u64; DATABASES] {
        let mut counts = [0; DATABASES];
        for shard in &self.shards {
            let state = shard.state.lock();
            if state.deadlines.len() == 0 {
                continue;
            }
            for (db, count) in counts.iter_mut().enumerate() {
                let entries = state.tables[usize::from(self.physical(db as u32))].iter();
                // SAFETY: the shard is held.
                *count += entries.filter(|entry| unsafe { entry.borrow() }.expires_at() != 0).count() as u64;
            }
        }
        counts
    }

    /// Bytes of address space reserved for entries.
    pub fn reserved_bytes(&self) -> u64 {
        self.pool.reserved_bytes() as u64
    }
}
