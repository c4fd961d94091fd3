//! What was applied and is in no table yet: sorted batches, newest last.
//!
//! Invariant: a run never changes, so a reader keeps its own list of them without a lock.
//! Invariant: runs of up to [`SMALL`] pairs are merged so that at most [`FAN_IN`] of about one size exist; a lookup stays
//! cheap however small the batches are. Larger ones are bounded by the memory that the tier may take.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use kvark_base::background::breathe;
use kvark_tier::{Batch, KeyRange};

/// One change: the key, and its value unless it is removed.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// As many runs of about one size are merged into one.
const FAN_IN: usize = 8;

/// Merging so many pairs takes less than a millisecond; more would keep readers waiting.
const SMALL: usize = 8192;

/// A change's place in its run and the heads of its two allocations.
const CHANGE_OVERHEAD: usize = size_of::<Change>() + 32;

#[derive(Clone, Default)]
pub(crate) struct Runs {
    runs: Vec<Arc<Batch>>,
    bytes: usize,
}

/// What a batch takes in memory.
pub(crate) fn bytes_of_batch(batch: &Batch) -> usize {
    batch.iter().map(bytes_of).sum()
}

/// What a batch holds.
pub(crate) fn len_of_batch(batch: &Batch) -> usize {
    batch.iter().map(len_of).sum()
}

fn len_of((key, value): &Change) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len)
}

fn bytes_of(change: &Change) -> usize {
    breathe();
    len_of(change) + CHANGE_OVERHEAD
}

impl Runs {
    /// What all runs take in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The latest change of `key`: `Some(None)` when it was removed.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.runs.iter().rev().find_map(|run| {
            let at = run.binary_search_by(|(k, _)| k.as_slice().cmp(key)).ok()?;
            Some(run[at].1.as_deref())
        })
    }

    /// Adds a batch that is newer than all others and takes so many `bytes`.
    pub(crate) fn push(&mut self, batch: Batch, bytes: usize) {
        if batch.is_empty() {
            return;
        }
        self.bytes += bytes;
        self.runs.push(Arc::new(batch));
        while let Some(first) = self.mergeable() {
            let run = self.runs.drain(first..).map(Arc::unwrap_or_clone).collect();
            let (merged, lost) = merge_owned(run);
            self.bytes -= lost;
            self.runs.push(Arc::new(merged));
        }
    }

    /// Where the latest runs of about one size begin, if there are enough of them.
    fn mergeable(&self) -> Option<usize> {
        let size = class(self.runs.last()?);
        let alike = self.runs.iter().rev().take_while(|run| class(run) <= size).count();
        let first = self.runs.len() - alike;
        let pairs = self.runs[first..].iter().map(|run| run.len()).sum::<usize>();
        (alike >= FAN_IN && pairs <= SMALL).then_some(first)
    }

    /// Every changed key once, in order, with its latest change.
    pub(crate) fn merged(&self) -> impl Iterator<Item = &Change> {
        let common = self.common_prefix();
        let mut changes = Vec::with_capacity(self.runs.iter().map(|run| run.len()).sum());
        for run in self.runs.iter().rev() {
            changes.extend(run.iter().map(|change| {
                breathe();
                (head_word(&change.0[common..]), change)
            }));
        }
        // The sort is stable and finds the sorted runs; among equals the first is the newest.
        changes.sort_by(|a, b| {
            breathe();
            a.0.cmp(&b.0).then_with(|| a.1.0.cmp(&b.1.0))
        });
        changes.dedup_by(|later, first| later.0 == first.0 && later.1.0 == first.1.0);
        changes.into_iter().map(|(_, change)| {
            breathe();
            change
        })
    }

    /// How many bytes at the head of every key are the same.
    fn common_prefix(&self) -> usize {
        let ends = self.runs.iter().flat_map(|run| [run.first(), run.last()]).flatten().map(|(key, _)| key);
        let (Some(least), Some(greatest)) = (ends.clone().min(), ends.max()) else { return 0 };
        least.iter().zip(greatest).take_while(|(a, b)| a == b).count()
    }

    /// Gives the memory back, in the caller's own time.
    pub(crate) fn dispose(self) {
        for change in self.runs.into_iter().filter_map(Arc::into_inner).flatten() {
            breathe();
            drop(change);
        }
    }

    /// The changes within `range`, to be walked in order.
    pub(crate) fn walk<'a>(&'a self, range: &KeyRange<'_>, reverse: bool) -> Walk<'a> {
        let runs = self.runs.iter().rev().map(|run| within(run, range)).filter(|run| !run.is_empty());
        Walk::new(runs.collect(), reverse)
    }
}

/// The first bytes of `key` as a number that orders as they do; spares most comparisons a look at the key.
fn head_word(key: &[u8]) -> u64 {
    let mut word = [0; 8];
    let len = key.len().min(8);
    word[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(word)
}

/// The size of a run as a power of [`FAN_IN`].
fn class(run: &Arc<Batch>) -> u32 {
    run.len().ilog(FAN_IN)
}

/// Merges runs, the oldest first; also tells how many bytes of superseded changes were dropped.
fn merge_owned(runs: Vec<Batch>) -> (Batch, usize) {
    let mut changes: Batch = Vec::with_capacity(runs.iter().map(Vec::len).sum());
    for run in runs.into_iter().rev() {
        changes.extend(run);
    }
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut lost = 0;
    changes.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            lost += bytes_of(later);
        }
        same
    });
    (changes, lost)
}

fn within<'a>(run: &'a [Change], range: &KeyRange<'_>) -> &'a [Change] {
    let start = match range.0 {
        Included(low) => run.partition_point(|(key, _)| key.as_slice() < low),
        Excluded(low) => run.partition_point(|(key, _)| key.as_slice() <= low),
        Unbounded => 0,
    };
    let end = match range.1 {
        Included(high) => run.partition_point(|(key, _)| key.as_slice() <= high),
        Excluded(high) => run.partition_point(|(key, _)| key.as_slice() < high),
        Unbounded => run.len(),
    };
    &run[start..end.max(start)]
}

/// A walk over all runs at once: each changed key once, with its latest change.
pub(crate) struct Walk<'a> {
    /// What is left of each run, the newest run first, none empty.
    runs: Vec<&'a [Change]>,
    head: Option<&'a Change>,
    reverse: bool,
}

impl<'a> Walk<'a> {
    fn new(runs: Vec<&'a [Change]>, reverse: bool) -> Self {
        let mut walk = Self { runs, head: None, reverse };
        walk.head = walk.next_head();
        walk
    }

    /// The change that comes next.
    pub(crate) fn peek(&self) -> Option<&'a Change> {
        self.head
    }

    /// Goes past what [`Walk::peek`] gives.
    pub(crate) fn pass(&mut self) {
        let Some(passed) = self.head else { return };
        let reverse = self.reverse;
        self.runs.retain_mut(|run| {
            if head_of(run, reverse).0 == passed.0 {
                *run = if reverse { &run[..run.len() - 1] } else { &run[1..] };
            }
            !run.is_empty()
        });
        self.head = self.next_head();
    }

    /// Among equal keys the newest run's: `min_by` returns the first of them, `max_by` the last.
    fn next_head(&self) -> Option<&'a Change> {
        let heads = self.runs.iter().map(|run| head_of(run, self.reverse));
        if self.reverse { heads.rev().max_by(|a, b| a.0.cmp(&b.0)) } else { heads.min_by(|a, b| a.0.cmp(&b.0)) }
    }
}

fn head_of(run: &[Change], reverse: bool) -> &Change {
    if reverse { &run[run.len() - 1] } else { &run[0] }
}
