//! The sibling in memory: a sorted map, for stores without a directory, for tests and for simulation.
//!
//! Invariant: what was flushed and what was only applied stay distinguishable, so that [`MemoryTier::crash`] can return
//! what a loss of power would leave.
//! Invariant: a snapshot and a walk hold the map of their moment; a change made meanwhile copies the map once.

use std::collections::BTreeMap;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Result};
use parking_lot::RwLock;

use crate::{Batch, Facts, KeyRange, Snapshot, Tier, Visit, check_batch, is_empty, prefix_end};

type Bytes = Arc<[u8]>;
type Map = BTreeMap<Bytes, Bytes>;

/// A map entry's share of the tree's nodes and the two allocations' heads, in bytes.
const ENTRY_OVERHEAD: usize = 80;

/// An ordered store in memory.
#[derive(Debug, Default)]
pub struct MemoryTier(RwLock<State>);

#[derive(Debug, Clone)]
enum Unflushed {
    Batch(Vec<(Bytes, Option<Bytes>)>),
    Cleared(Vec<Bytes>),
}

#[derive(Debug, Default, Clone)]
struct State {
    map: Arc<Map>,
    /// The flushed value of each key that changed since the last flush.
    flushed: BTreeMap<Bytes, Option<Bytes>>,
    /// What was done since the last flush, oldest first.
    unflushed: Vec<Unflushed>,
    bytes: usize,
    applied_bytes: u64,
    closed: bool,
}

impl MemoryTier {
    /// An empty tier.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is left after a loss of power now: everything flushed, nothing else.
    pub fn crash(&self) -> Self {
        self.crash_keeping(&mut Random::from_seed(0), 0)
    }

    /// What may be left after a loss of power now: everything flushed, the first ones of the later batches (each goes on with a
    /// chance of `percent` in a hundred), and any part of what was cleared.
    pub fn crash_keeping(&self, random: &mut Random, percent: u64) -> Self {
        let before = self.0.read();
        let mut after = State { map: Arc::clone(&before.map), bytes: before.bytes, ..State::default() };
        for (key, value) in &before.flushed {
            after.put(key.clone(), value.clone());
        }
        let mut lost = false;
        for unflushed in &before.unflushed {
            match unflushed {
                Unflushed::Batch(batch) => {
                    lost |= !random.chance(percent, 100);
                    if !lost {
                        batch.iter().for_each(|(key, value)| drop(after.put(key.clone(), value.clone())));
                    }
                }
                Unflushed::Cleared(keys) => {
                    let gone = keys.iter().filter(|_| random.chance(percent, 100));
                    gone.for_each(|key| drop(after.put(key.clone(), None)));
                }
            }
        }
        Self(RwLock::new(after))
    }

    fn open_map(&self) -> Result<Arc<Map>> {
        let state = self.0.read();
        state.check_open()?;
        Ok(Arc::clone(&state.map))
    }
}

impl State {
    fn check_open(&self) -> Result<()> {
        if self.closed {
            return Err(Error::new(Kind::Closed, "The tier was closed. Open the store again."));
        }
        Ok(())
    }

    /// Changes the map alone; returns what was there before.
    fn put(&mut self, key: Bytes, value: Option<Bytes>) -> Option<Bytes> {
        let map = Arc::make_mut(&mut self.map);
        let key_len = key.len();
        let old = match value {
            Some(value) => {
                self.bytes += key_len + value.len() + ENTRY_OVERHEAD;
                map.insert(key, value)
            }
            None => map.remove(&key),
        };
        if let Some(old) = &old {
            self.bytes -= key_len + old.len() + ENTRY_OVERHEAD;
        }
        old
    }

    fn change(&mut self, key: Bytes, value: Option<Bytes>) {
        let old = self.put(key.clone(), value);
        self.flushed.entry(key).or_insert(old);
    }

    fn flush(&mut self) {
        self.flushed.clear();
        self.unflushed.clear();
    }
}

impl Tier for MemoryTier {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let state = self.0.read();
        state.check_open()?;
        Ok(state.map.get(key).map(|value| value.to_vec()))
    }

    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        walk(&*self.open_map()?, range, reverse, visit)
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        check_batch(&batch)?;
        let mut state = self.0.write();
        state.check_open()?;
        let batch: Vec<(Bytes, Option<Bytes>)> =
            batch.into_iter().map(|(key, value)| (key.into(), value.map(Into::into))).collect();
        for (key, value) in &batch {
            state.applied_bytes += (key.len() + value.as_ref().map_or(0, |value| value.len())) as u64;
            state.change(key.clone(), value.clone());
        }
        state.unflushed.push(Unflushed::Batch(batch));
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let mut state = self.0.write();
        state.check_open()?;
        state.flush();
        Ok(())
    }

    fn clear_prefix(&self, prefix: &[u8]) -> Result<()> {
        let mut state = self.0.write();
        state.check_open()?;
        let end = prefix_end(prefix);
        let keys = state.map.range::<[u8], _>(prefix_bounds(prefix, end.as_deref())).map(|(key, _)| key.clone());
        let keys: Vec<Bytes> = keys.collect();
        keys.iter().for_each(|key| state.change(key.clone(), None));
        state.unflushed.push(Unflushed::Cleared(keys));
        Ok(())
    }

    fn snapshot(&self) -> Box<dyn Snapshot> {
        Box::new(Frozen(Arc::clone(&self.0.read().map)))
    }

    fn maintain(&self, _budget_ms: u64) -> Result<bool> {
        self.open_map().map(|_| false)
    }

    fn close(&self) -> Result<()> {
        let mut state = self.0.write();
        state.flush();
        state.closed = true;
        Ok(())
    }

    fn facts(&self) -> Facts {
        let state = self.0.read();
        Facts { engine: "memory", disk_bytes: 0, memory_bytes: state.bytes as u64, applied_bytes: state.applied_bytes }
    }
}

struct Frozen(Arc<Map>);

impl Snapshot for Frozen {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key).map(|value| value.to_vec()))
    }

    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        walk(&self.0, range, reverse, visit)
    }
}

fn prefix_bounds<'a>(prefix: &'a [u8], end: Option<&'a [u8]>) -> KeyRange<'a> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    (Included(prefix), end.map_or(Unbounded, Excluded))
}

fn walk(map: &Map, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
    if is_empty(&range) {
        return Ok(());
    }
    let mut pairs = map.range::<[u8], _>(range);
    while let Some((key, value)) = if reverse { pairs.next_back() } else { pairs.next() } {
        if !visit(key, value)? {
            break;
        }
    }
    Ok(())
}
