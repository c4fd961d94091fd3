//! Shards that are taken for long: who would need one of them holds back, and who needs others goes on.
//!
//! A command that takes long announces its shards, waits a moment so that whoever is about to take one of them has taken it and let it
//! go, and holds them then. The mark is advice: taking a marked shard is right, it only takes long.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::keyspace::Keyspace;

/// How many announcements there are, in all and for each shard.
pub(crate) struct Taken {
    all: AtomicU32,
    shards: Box<[AtomicU32]>,
}

impl Taken {
    pub(crate) fn new(shards: usize) -> Self {
        Self { all: AtomicU32::new(0), shards: (0..shards).map(|_| AtomicU32::new(0)).collect() }
    }
}

/// The shards are taken for long until this is dropped.
pub struct Announced<'a> {
    taken: &'a Taken,
    shards: Vec<u32>,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        for &shard in &self.shards {
            self.taken.shards[shard as usize].fetch_sub(1, Ordering::Relaxed);
        }
        self.taken.all.fetch_sub(1, Ordering::Release);
    }
}

impl Keyspace {
    /// From now on the shards of `keys` count as taken for long.
    pub fn announce<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Announced<'_> {
        let shards = self.shards_of(keys);
        for &shard in &shards {
            self.taken.shards[shard as usize].fetch_add(1, Ordering::Relaxed);
        }
        self.taken.all.fetch_add(1, Ordering::Release);
        Announced { taken: &self.taken, shards }
    }

    /// Whether any shard is taken for long: what every command looks at.
    #[inline]
    pub fn has_taken(&self) -> bool {
        self.taken.all.load(Ordering::Relaxed) > 0
    }

    /// Whether this shard is.
    #[inline]
    pub fn is_taken(&self, shard: u32) -> bool {
        self.taken.shards[shard as usize].load(Ordering::Relaxed) > 0
    }

    /// Whether the shard of one of `keys` is.
    pub fn has_taken_one_of<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> bool {
        self.has_taken() && keys.map(|key| self.key(key).shard).any(|shard| self.is_taken(shard))
    }
}
