//! A key with what is derived from it once: its hash and its shard.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use kvark_base::slot;

/// A key, hashed. Cheap to copy; borrows the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The key itself.
    pub bytes: &'a [u8],
    /// The seeded hash of its bytes.
    pub hash: u64,
    /// Which shard it lives in: a function of its slot alone.
    pub shard: u32,
}

/// How a store hashes; seeded when the store was made, so that nobody outside can aim at one bucket, and kept, so that a
/// cursor of `SCAN` outlives a restart.
#[derive(Debug, Clone)]
pub struct KeyHasher {
    state: FixedState,
    shard_mask: u32,
}

impl KeyHasher {
    /// For `shards` (a power of two) shards.
    pub fn new(seed: u64, shards: usize) -> Self {
        assert!(shards.is_power_of_two(), "{shards} shards are no power of two");
        Self { state: FixedState::with_seed(seed), shard_mask: shards as u32 - 1 }
    }

    /// The seeded hash of `bytes`.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.state.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// Hashes `bytes`.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key { bytes, hash: self.hash(bytes), shard: u32::from(slot::slot_of(bytes)) & self.shard_mask }
    }
}

impl Key<'_> {
    /// Whether this is the key of these very bytes in memory, so that its hash need not be computed again.
    #[inline]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        std::ptr::eq(self.bytes, bytes)
    }
}
