//! Walks in key order.
//!
//! A database gets an ordered index of its keys at its first ordered walk, not before: a point write pays for it only
//! from then on, and then only with a note in its shard's list, made while a key comes or goes (not while a value
//! changes). The next walk takes the notes in; a shard whose notes outnumber its keys throws them away and notes no more,
//! and the next walk makes the index anew. (`docs/decisions/0004-ordered-walks.md` has the rejected alternatives.)
//!
//! Invariant: index + notes of all shards = keys of the database, at any moment at which all shards are held. A walk sees
//! a key that is there during the whole walk exactly once, in order.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use kvark_base::limits::ALL_DATABASES;
use kvark_base::{Millis, Position};
use parking_lot::Mutex;

use crate::entry::EntryRef;
use crate::keyspace::Keyspace;
use crate::shard::Change;

/// The ordered indexes of all physical databases.
#[derive(Default)]
pub struct Orders([Order; ALL_DATABASES]);

#[derive(Default)]
struct Order {
    index: Mutex<Option<Index>>,
    /// How often the database was emptied: an index made before the last time is of no use.
    emptied: AtomicU64,
}

struct Index {
    keys: BTreeSet<Box<[u8]>>,
    emptied: u64,
}

/// Bounds of a walk in key order.
pub type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// How many keys are taken from the index at a time.
const CHUNK: usize = 256;
/// How far ahead of the walk the cache is asked for entries.
const AHEAD: usize = 8;

impl Orders {
    /// The database was emptied; called with all shards held, so it must not wait for whoever reads an index.
    pub(crate) fn forget(&self, db: u8) {
        self.0[usize::from(db)].emptied.fetch_add(1, Ordering::Relaxed);
    }
}

/// A walk over a database in key order: chunk by chunk, so that nothing is held between them.
pub struct Walk<'a> {
    keyspace: &'a Keyspace,
    db: u32,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    reverse: bool,
    done: bool,
    seen: Position,
}

impl Keyspace {
    /// A walk over the keys of database `db` within `bounds`, in byte order or against it.
    pub fn walk(&self, db: u32, bounds: Bounds<'_>, reverse: bool) -> Walk<'_> {
        let (lower, upper) = (bounds.0.map(<[u8]>::to_vec), bounds.1.map(<[u8]>::to_vec));
        let done = is_empty_range(&lower, &upper);
        Walk { keyspace: self, db, lower, upper, reverse, done, seen: 0 }
    }

    /// How many notes wait for the next walk, over all shards.
    pub fn pending_changes(&self) -> usize {
        (0..self.shards()).map(|shard| self.shard(shard).changes.len()).sum()
    }

    /// Takes in what the shards have noted since the last walk, or builds the index.
    fn refresh(&self, db: u8, index: &mut Option<Index>) {
        let emptied = self.orders.0[usize::from(db)].emptied.load(Ordering::Relaxed);
        let current = match index {
            Some(index) if index.emptied == emptied => self.take_changes(db, &mut index.keys),
            _ => false,
        };
        if !current {
            *index = Some(Index { keys: self.build_index(db), emptied });
        }
    }

    /// False when a shard has stopped noting since: then the index is not worth keeping.
    fn take_changes(&self, db: u8, index: &mut BTreeSet<Box<[u8]>>) -> bool {
        for shard in 0..self.shards() {
            let mut state = self.shard(shard);
            if state.ordered >> db & 1 == 0 {
                return false;
            }
            if state.changes.is_empty() {
                continue;
            }
            let (ours, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.changes).into_iter().partition(|change| change.db == db);
            state.changes = others;
            drop(state);
            for Change { added, key, .. } in ours {
                if added {
                    index.insert(key);
                } else {
                    index.remove(&key);
                }
            }
        }
        true
    }

    fn build_index(&self, db: u8) -> BTreeSet<Box<[u8]>> {
        let mut keys: Vec<Box<[u8]>> = Vec::new();
        for shard in 0..self.shards() {
            let mut state = self.shard(shard);
            state.ordered |= 1 << db;
            state.changes.retain(|change| change.db != db);
            // SAFETY: the shard is held.
            keys.extend(state.tables[usize::from(db)].iter().map(|entry| unsafe { entry.borrow() }.key().into()));
        }
        keys.sort_unstable();
        // Copied once more in order, so that a walk meets neighbours in memory and not the order of their hashes.
        keys.iter().cloned().collect()
    }
}

/// Some keys, one behind the other in one allocation.
#[derive(Default)]
struct KeyRun {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyRun {
    fn fill<'k>(&mut self, keys: impl Iterator<Item = &'k Box<[u8]>>) {
        self.bytes.clear();
        self.ends.clear();
        for key in keys {
            self.bytes.extend_from_slice(key);
            self.ends.push(self.bytes.len());
        }
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

impl Walk<'_> {
    /// Everything that was handed over so far depends on the log up to here.
    pub fn seen(&self) -> Position {
        self.seen
    }

    /// Hands over the next live entries, at most `limit`; returns how many. Fewer than `limit` is the end.
    pub fn next(&mut self, limit: usize, now_ms: Millis, mut each: impl FnMut(&EntryRef<'_>)) -> usize {
        let (mut seen, mut run) = (0, KeyRun::default());
        while seen < limit && !self.done {
            self.next_keys(CHUNK.min(limit - seen), &mut run);
            seen += self.look_up(&run, now_ms, &mut each);
        }
        seen
    }

    /// The next keys of the index.
    fn next_keys(&mut self, count: usize, run: &mut KeyRun) {
        let db = self.keyspace.physical(self.db);
        let mut index = self.keyspace.orders.0[usize::from(db)].index.lock();
        self.keyspace.refresh(db, &mut index);
        let keys = &index.as_ref().expect("just made").keys;
        let range = keys.range::<[u8], _>((as_slice(&self.lower), as_slice(&self.upper)));
        if self.reverse {
            run.fill(range.rev().take(count));
        } else {
            run.fill(range.take(count));
        }
        drop(index);
        if run.ends.len() < count {
            self.done = true;
            return;
        }
        let behind = Bound::Excluded(run.get(count - 1).to_vec());
        *(if self.reverse { &mut self.upper } else { &mut self.lower }) = behind;
        self.done = is_empty_range(&self.lower, &self.upper);
    }

    fn look_up(&mut self, run: &KeyRun, now_ms: Millis, each: &mut impl FnMut(&EntryRef<'_>)) -> usize {
        let hashed: Vec<_> = (0..run.ends.len()).map(|index| self.keyspace.key(run.get(index))).collect();
        let prefetch = self.keyspace.prefetch();
        hashed.iter().take(2 * AHEAD).for_each(|key| prefetch.bucket(self.db, key));
        hashed.iter().take(AHEAD).for_each(|key| prefetch.entries(self.db, key));
        let mut seen = 0;
        for (at, key) in hashed.iter().enumerate() {
            if let Some(ahead) = hashed.get(at + 2 * AHEAD) {
                prefetch.bucket(self.db, ahead);
            }
            if let Some(ahead) = hashed.get(at + AHEAD) {
                prefetch.entries(self.db, ahead);
            }
            let view = self.keyspace.view_one(self.db, *key, now_ms);
            if let Some(entry) = view.peek(key.bytes) {
                seen += 1;
                each(&entry);
            }
            self.seen = self.seen.max(view.seen());
        }
        seen
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Whether no key can lie between the bounds (a set would panic on some of these).
fn is_empty_range(lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>) -> bool {
    match (lower, upper) {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => low >= high,
        _ => false,
    }
}

/// The bounds of every key that begins with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
