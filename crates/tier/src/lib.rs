//! `tier`: the contract of the ordered store beneath memory.
//!
//! Read in this order: [`Tier`], [`Batch`], [`memory`] (the sibling that proves the contract from outside), [`suite`].
//!
//! Invariant: keys and values are opaque bytes, ordered by key.
//! Invariant: what [`Tier::apply`] took is visible to the next read at once, and survives a loss of power once a later
//! [`Tier::flush`] has returned. After a crash before that flush, some of the batches applied since the last one are there: each
//! whole or not at all, and none without all before it. A clearing is no batch: any part of it may be there, whatever else is.
//! Invariant: a key has 1 to [`MAX_KEY_LEN`] bytes, a value at most [`MAX_VALUE_LEN`]; a batch that breaks this is refused
//! whole, before any of it is seen.

pub mod memory;
pub mod suite;

use std::ops::Bound;

use kvark_base::background::breathe;
use kvark_base::{Error, Kind, Result};

/// The longest key in bytes: a key of the keyspace behind its prefix.
pub const MAX_KEY_LEN: usize = u16::MAX as usize;

/// The longest value in bytes: a value of the keyspace behind its own head.
pub const MAX_VALUE_LEN: usize = kvark_base::limits::MAX_VALUE_LEN + 4096;

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

/// Checks what every tier demands of a batch: lengths within the limits, keys in strictly rising order.
pub fn check_batch(batch: &Batch) -> Result<()> {
    for (key, value) in batch {
        breathe();
        let len = value.as_ref().map_or(0, Vec::len);
        if key.is_empty() || key.len() > MAX_KEY_LEN || len > MAX_VALUE_LEN {
            return Err(Error::new(
                Kind::Invalid,
                format!(
                    "The tier takes keys of 1 to {MAX_KEY_LEN} bytes and values of up to {MAX_VALUE_LEN} bytes; this key \
                     has {} and its value {len}. Nothing of the batch was applied.",
                    key.len()
                ),
            ));
        }
    }
    let rises = |a: &(Vec<u8>, _), b: &(Vec<u8>, _)| {
        breathe();
        a.0 < b.0
    };
    if !batch.is_sorted_by(rises) {
        let message = "A batch for the tier must be sorted by key, with no key twice. Nothing of it was applied.";
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(())
}

/// True when no key can lie within `range`.
pub fn is_empty(range: &KeyRange<'_>) -> bool {
    match *range {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => low >= high,
        _ => false,
    }
}

/// The least key above every key that begins with `prefix`; `None` when there is no such key.
///
/// ```
/// assert_eq!(kvark_tier::prefix_end(b"a\xff"), Some(b"b".to_vec()));
/// assert_eq!(kvark_tier::prefix_end(b"\xff"), None);
/// ```
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}
