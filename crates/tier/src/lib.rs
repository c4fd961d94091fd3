//! `tier`: the contract of the ordered store beneath memory.
//!
//! Read in this order: [`Tier`], [`Batch`], [`memory`] (the sibling that proves the contract from outside), [`suite`].
//!
//! Invariant: keys and values are opaque bytes, ordered by key.
//! Invariant: what [`Tier::apply`] took is visible to the next read at once, and survives a loss of power once a later
//! [`Tier::flush`] has returned. A batch is applied as a whole in memory; after a crash before the flush any part of
//! what was applied since the last flush may be missing (the log still has it).

pub mod memory;
pub mod suite;

use std::ops::Bound;

use kvark_base::Result;

/// Changes to apply together: `None` removes the key. Sorted by key, no key twice.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A range of keys: lower and upper bound.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Called with each pair of a walk; returning `false` ends it.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<bool> + 'a;

/// What a tier may tell of itself, for `INFO` and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Which engine, with its version.
    pub engine: &'static str,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes that its own buffers and caches take in memory.
    pub memory_bytes: u64,
    /// Key and value bytes handed to [`Tier::apply`] since it was opened.
    pub applied_bytes: u64,
}

/// An ordered store of bytes. Every method may be called from any thread and may wait for a file.
pub trait Tier: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Walks a range in key order, or against it, until `visit` returns false. Sees what was applied before the call.
    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()>;

    /// Takes a batch. See the invariants above for what that promises.
    fn apply(&self, batch: Batch) -> Result<()>;

    /// Makes everything applied so far survive a loss of power.
    fn flush(&self) -> Result<()>;

    /// Removes every key that begins with `prefix`, in slices of its own; like [`Tier::apply`] in what it promises.
    fn clear_prefix(&self, prefix: &[u8]) -> Result<()>;

    /// A view of this moment that later changes do not touch.
    fn snapshot(&self) -> Box<dyn Snapshot>;

    /// Merges what has accumulated, for at most about `budget_ms`; returns true when there is more to do. Called by the owner when
    /// it has time to spare.
    fn maintain(&self, budget_ms: u64) -> Result<bool>;

    /// Flushes and lets go of everything.
    fn close(&self) -> Result<()>;

    /// What `INFO` may say of it.
    fn facts(&self) -> Facts;
}

/// A frozen view of a tier.
pub trait Snapshot: Send + Sync {
    /// The value of `key` at that moment.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Walks a range as it was at that moment.
    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()>;
}
