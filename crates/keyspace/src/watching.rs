//! Whoever wants to hear that a key has changed: clients that watch it until their EXEC.
//!
//! A watch is a note in the registry of the key's shard and a mark that its client looks at. Every change that a client can see passes
//! [`State::tell_changed`], the emptying of a database [`State::clear`] and an exchange of names [`State::tell_swapped`]; whoever else
//! wants to hear of changes joins there. A shard in which nobody watches pays one look at a flag.
//!
//! Invariant: notes are added while the shard is held, so no change is missed. They are removed whether it is held or not.
//! Invariant: a key that had expired when it was watched counts as missing: its removal is no change.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kvark_base::Millis;
use parking_lot::Mutex;

use crate::entry::EntryRef;
use crate::key::Key;
use crate::reach::Reach;
use crate::shard::State;
use crate::transaction::Transaction;

/// Says that something changed.
type Mark = Arc<AtomicBool>;

/// Who watches a key of one shard.
struct Watcher {
    /// Physical database.
    db: u8,
    hash: u64,
    mark: Mark,
    /// Whether the key is there but counts as missing.
    expired: bool,
}

/// The watched keys of one shard.
#[derive(Default)]
pub struct Registry(Mutex<HashMap<Box<[u8]>, Vec<Watcher>>>);

/// What is at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Missing,
    Expired,
    Alive,
}

impl Presence {
    fn of(entry: Option<EntryRef<'_>>, now_ms: Millis) -> Self {
        match entry {
            None => Self::Missing,
            Some(entry) if entry.is_expired(now_ms) => Self::Expired,
            Some(_) => Self::Alive,
        }
    }
}

impl Watcher {
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        // The shard is the one that the registry belongs to; nobody asks.
        Key { bytes, hash: self.hash, shard: 0 }
    }

    fn tell(&self) {
        self.mark.store(true, Ordering::Relaxed);
    }

    /// The key is there now, or is not.
    fn hear(&mut self, is_there: bool) {
        if self.expired && !is_there {
            self.expired = false;
        } else {
            self.tell();
        }
    }

    /// The name of the database now means another one.
    fn hear_swapped(&mut self, before: Presence, after: Presence) {
        match (before, after) {
            (Presence::Missing, Presence::Missing) => {}
            (Presence::Missing, Presence::Expired) => self.expired = true,
            (_, Presence::Missing) if self.expired => self.expired = false,
            (_, Presence::Expired) if self.expired => {}
            _ => self.tell(),
        }
    }
}

impl Registry {
    fn add(&self, key: &Key<'_>, watcher: Watcher) {
        self.0.lock().entry(key.bytes.into()).or_default().push(watcher);
    }

    fn remove(&self, key: &[u8], mark: &Mark) {
        let mut keys = self.0.lock();
        if let Some(watchers) = keys.get_mut(key) {
            watchers.retain(|watcher| !Arc::ptr_eq(&watcher.mark, mark));
            if watchers.is_empty() {
                keys.remove(key);
            }
        }
    }

    /// Whether `key` counts as missing for the client of `mark` although it is there.
    fn counts_as_missing(&self, db: u8, key: &[u8], mark: &Mark) -> bool {
        let keys = self.0.lock();
        let mut watchers = keys.get(key).into_iter().flatten();
        watchers.any(|watcher| watcher.db == db && watcher.expired && Arc::ptr_eq(&watcher.mark, mark))
    }

    /// Calls `tell` for each watcher; whether there was one.
    fn each(&self, mut tell: impl FnMut(&[u8], &mut Watcher)) -> bool {
        let mut keys = self.0.lock();
        for (key, watchers) in keys.iter_mut() {
            watchers.iter_mut().for_each(|watcher| tell(key, watcher));
        }
        !keys.is_empty()
    }
}

impl State {
    /// Every change of a key passes here, after it has happened: `is_there` says whether there is an entry now.
    #[inline]
    pub(crate) fn tell_changed(&mut self, db: u8, key: &[u8], is_there: bool) {
        if self.watched {
            self.tell_watchers(db, key, is_there);
        }
    }

    #[cold]
    fn tell_watchers(&mut self, db: u8, key: &[u8], is_there: bool) {
        let mut keys = self.watchers.0.lock();
        self.watched = !keys.is_empty();
        let watchers = keys.get_mut(key).into_iter().flatten();
        watchers.filter(|watcher| watcher.db == db).for_each(|watcher| watcher.hear(is_there));
    }

    /// Database `db` is about to be emptied.
    pub(crate) fn tell_cleared(&mut self, db: u8) {
        if self.watched {
            self.watched = self.watchers.each(|key, watcher| {
                if watcher.db == db && self.get(db, &watcher.key(key)).is_some() {
                    watcher.hear(false);
                }
            });
        }
    }

    /// The names of databases `a` and `b` are exchanged: who watches a key by one of the names watches it in the other database now.
    pub(crate) fn tell_swapped(&mut self, a: u8, b: u8, now_ms: Millis) {
        if !self.watched {
            return;
        }
        self.watched = self.watchers.each(|key, watcher| {
            let other = match watcher.db {
                db if db == a => b,
                db if db == b => a,
                _ => return,
            };
            let at = |db| Presence::of(self.get(db, &watcher.key(key)), now_ms);
            let (before, after) = (at(watcher.db), at(other));
            watcher.hear_swapped(before, after);
            watcher.db = other;
        });
    }
}

/// The keys that one client watches. They are let go when it is dropped.
#[derive(Default)]
pub struct Watch {
    mark: Mark,
    keys: Vec<Watched>,
}

struct Watched {
    db: u32,
    key: Box<[u8]>,
    hash: u64,
    shard: u32,
    registry: Arc<Registry>,
}

impl Watch {
    /// Watches `key` of database `db` from now on, if it is not watched yet.
    pub fn add(&mut self, reach: &mut Reach<'_, '_>, db: u32, key: &[u8], now_ms: Millis) {
        if self.keys.iter().any(|watched| watched.db == db && *watched.key == *key) {
            return;
        }
        let mark = Arc::clone(&self.mark);
        self.keys.push(reach.with_shard_of(key, |keyspace, key, state| {
            let physical = keyspace.physical(db);
            let expired = state.get(physical, key).is_some_and(|entry| entry.is_expired(now_ms));
            state.watched = true;
            state.watchers.add(key, Watcher { db: physical, hash: key.hash, mark, expired });
            Watched {
                db,
                key: key.bytes.into(),
                hash: key.hash,
                shard: key.shard,
                registry: Arc::clone(&state.watchers),
            }
        }));
    }

    /// How many keys it watches.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it watches none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The shards of its keys.
    pub fn shards(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|watched| watched.shard)
    }

    /// Whether a key has changed, or expired, since it is watched. Final, because `transaction` holds their shards.
    pub fn has_changed(&self, transaction: &Transaction<'_>) -> bool {
        self.mark.load(Ordering::Relaxed)
            || self.keys.iter().any(|watched| watched.has_expired(transaction, &self.mark))
    }
}

impl Watched {
    fn has_expired(&self, transaction: &Transaction<'_>, mark: &Mark) -> bool {
        let db = transaction.keyspace().physical(self.db);
        let key = Key { bytes: &self.key, hash: self.hash, shard: self.shard };
        let entry = transaction.state(self.shard).get(db, &key);
        entry.is_some_and(|entry| entry.is_expired(transaction.now_ms()))
            && !self.registry.counts_as_missing(db, &self.key, mark)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.keys.iter().for_each(|watched| watched.registry.remove(&watched.key, &self.mark));
    }
}
