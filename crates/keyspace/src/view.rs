//! What a command that reads holds: its keys' shards, locked, and the moment.
//!
//! Invariant: a [`View`] has no method that changes what a client can see.

use std::cell::{Cell, RefCell};

use kvark_base::random::Random;
use kvark_base::{Millis, Position};
use kvark_values::Forms;
use parking_lot::MutexGuard;

use crate::entry::EntryRef;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::notices::Noted;
use crate::shard::State;

/// Shards held, in ascending order.
pub(crate) enum Locked<'a> {
    One(u32, MutexGuard<'a, State>),
    Many(Vec<(u32, MutexGuard<'a, State>)>),
}

impl<'a> Locked<'a> {
    #[inline]
    pub(crate) fn state(&self, shard: u32) -> &State {
        match self {
            Self::One(held, state) => {
                assert_eq!(*held, shard, "a command reached for a key that its row does not name");
                state
            }
            Self::Many(states) => &states[place_of(states, shard)].1,
        }
    }

    #[inline]
    pub(crate) fn state_mut(&mut self, shard: u32) -> &mut State {
        match self {
            Self::One(held, state) => {
                assert_eq!(*held, shard, "a command reached for a key that its row does not name");
                state
            }
            Self::Many(states) => {
                let place = place_of(states, shard);
                &mut states[place].1
            }
        }
    }
}

impl<'a> Locked<'a> {
    /// Holds one more.
    pub(crate) fn add(&mut self, shard: u32, state: MutexGuard<'a, State>) {
        let mut states = match std::mem::replace(self, Self::Many(Vec::new())) {
            Self::One(held, state) => vec![(held, state)],
            Self::Many(states) => states,
        };
        let place = states.partition_point(|(held, _)| *held < shard);
        states.insert(place, (shard, state));
        *self = Self::Many(states);
    }
}

impl Locked<'_> {
    /// Whether that holds of any shard that is held.
    #[inline]
    pub(crate) fn any(&self, is: impl Fn(&State) -> bool) -> bool {
        match self {
            Self::One(_, state) => is(state),
            Self::Many(states) => states.iter().any(|(_, state)| is(state)),
        }
    }

    /// Whether this one is held.
    pub(crate) fn has(&self, shard: u32) -> bool {
        match self {
            Self::One(held, _) => *held == shard,
            Self::Many(states) => states.binary_search_by_key(&shard, |(held, _)| *held).is_ok(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Many(states) => states.len(),
        }
    }

    /// All of them, to be changed.
    pub(crate) fn states_mut(&mut self) -> impl Iterator<Item = &mut State> {
        let (one, many) = match self {
            Self::One(_, state) => (Some(&mut **state), None),
            Self::Many(states) => (None, Some(states.iter_mut().map(|(_, state)| &mut **state))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The numbers of the shards.
    pub(crate) fn shards(&self) -> Vec<u32> {
        match self {
            Self::One(shard, _) => vec![*shard],
            Self::Many(states) => states.iter().map(|(shard, _)| *shard).collect(),
        }
    }
}

fn place_of(states: &[(u32, MutexGuard<'_, State>)], shard: u32) -> usize {
    states
        .binary_search_by_key(&shard, |(held, _)| *held)
        .unwrap_or_else(|_| panic!("a command reached for a key in shard {shard}, which its row does not name"))
}

/// See the module.
pub struct View<'a> {
    pub(crate) keyspace: &'a Keyspace,
    pub(crate) locked: Locked<'a>,
    pub(crate) db: u32,
    pub(crate) now_ms: Millis,
    pub(crate) touching: bool,
    /// The key whose hash was computed before the command ran.
    pub(crate) prepared: Option<Key<'a>>,
    pub(crate) seen: Cell<Position>,
    /// Whether keys that are looked for in vain are told.
    pub(crate) tells_misses: bool,
    // Behind the shards: it tells when they have been let go.
    pub(crate) noted: Noted<'a>,
}

impl<'a> View<'a> {
    /// Wall-clock time of this command, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> Millis {
        self.now_ms
    }

    /// Up to which size collections are kept packed.
    pub fn forms(&self) -> &'a Forms {
        self.keyspace.forms()
    }

    /// The same view, of database `db`.
    pub(crate) fn of_database(self, db: u32) -> Self {
        Self { db, ..self }
    }

    /// The selected database.
    pub fn db(&self) -> u32 {
        self.db
    }

    /// A number below `bound`, each as likely as any other.
    pub fn random_below(&self, bound: u64) -> u64 {
        self.random().borrow_mut().below(bound)
    }

    /// What [`View::random_below`] will answer to these bounds, unless another command of the shard draws first. For hints to the cache.
    pub fn foresee<const N: usize>(&self, bounds: [u64; N]) -> [u64; N] {
        self.random().borrow().foresee(bounds)
    }

    fn random(&self) -> &RefCell<Random> {
        match &self.locked {
            Locked::One(_, state) => &state.random,
            Locked::Many(states) => &states.first().expect("a command that draws holds a shard").1.random,
        }
    }

    /// Reads from here on leave no trace of access (or do again).
    pub fn set_touching(&mut self, touching: bool) {
        self.touching = touching;
    }

    /// Everything that was read so far depends on the log up to here.
    pub fn seen(&self) -> Position {
        self.seen.get()
    }

    #[inline]
    pub(crate) fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        match &self.prepared {
            Some(prepared) if prepared.is_of(bytes) => Key { bytes, ..*prepared },
            _ => self.keyspace.hasher.key(bytes),
        }
    }

    /// The live entry of `key` in the selected database; counted as a hit or a miss, and as an access.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        let key = self.key(key);
        let entry = self.peek_key(self.db, &key);
        let counts = &self.locked.state(key.shard).counts;
        match entry {
            Some(entry) => {
                counts.hits.set(counts.hits.get() + 1);
                if self.touching {
                    // SAFETY: the entry is alive and its shard is held.
                    unsafe { entry.ptr().touch(self.now_ms / 1000) };
                }
            }
            None => {
                counts.misses.set(counts.misses.get() + 1);
                self.note_miss(key.bytes);
            }
        }
        entry
    }

    /// Notes that `key` was last accessed `seconds` after the Unix epoch.
    pub fn note_access(&self, key: &[u8], seconds: u64) {
        if let Some(entry) = self.peek(key) {
            // SAFETY: the entry is alive and its shard is held.
            unsafe { entry.ptr().touch(seconds) };
        }
    }

    /// As [`View::find`], but no access.
    pub fn glance(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        let entry = self.peek(key);
        let counts = &self.locked.state(self.key(key).shard).counts;
        match entry {
            Some(_) => counts.hits.set(counts.hits.get() + 1),
            None => {
                counts.misses.set(counts.misses.get() + 1);
                self.note_miss(key);
            }
        }
        entry
    }

    /// The live entry of `key` in the selected database, leaving no trace.
    #[inline]
    pub fn peek(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        self.peek_key(self.db, &self.key(key))
    }

    /// The live entry of `key` in database `db`, leaving no trace.
    pub fn peek_in(&self, db: u32, key: &[u8]) -> Option<EntryRef<'_>> {
        self.peek_key(db, &self.key(key))
    }

    #[inline]
    fn peek_key(&self, db: u32, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let state = self.locked.state(key.shard);
        let entry = state.get(self.keyspace.physical(db), key).filter(|entry| !entry.is_expired(self.now_ms));
        let depends = entry.map_or(state.last_removal, |entry| entry.version());
        self.seen.set(self.seen.get().max(depends));
        entry
    }
}
