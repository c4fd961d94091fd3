//! Clients that wait until there is something for them at a key: who stands in which line, and which lines are to be served.
//!
//! ```text
//! a command finds nothing -> View::wait: a place in the line of each of its keys, while their shards are held
//! a key gets what its line waits for -> State::tell_ready: the key is noted, while its shard is held
//! its shard is let go -> whoever changed it takes the note (Keyspace::next_ready) and serves the line, from the first on
//! ```
//!
//! Invariant: places are taken and keys noted while the shard is held, so nothing is missed. Places are left whether it is held or not.
//! Invariant: each line is in the order in which its clients came.
//! Invariant: a note is under way until [`Keyspace::served`]; a command that might wait lets those go first.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use kvark_values::{Type, stream};
use parking_lot::Mutex;

use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::shard::{MemberChange, State};
use crate::view::View;

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// The key holds a value of this type.
    pub of_type: Type,
    /// Or it holds something else, or nothing, which it wants to hear of too.
    pub or_nothing: bool,
}

/// A client that waits, in one or several lines.
pub struct Waiter {
    /// When it came: the larger, the later.
    number: u64,
    wants: Wants,
    /// What it is to whoever serves it.
    pub client: Arc<dyn Any + Send + Sync>,
}

/// Those who wait for values of one type at one key.
struct Line {
    /// Physical database.
    db: u8,
    hash: u64,
    of_type: Type,
    waiters: VecDeque<Arc<Waiter>>,
}

/// The lines of one shard.
#[derive(Default)]
pub struct Lines(Mutex<HashMap<Box<[u8]>, Vec<Line>>>);

/// A key that may have something for those who wait for it.
#[derive(Debug, Clone)]
pub struct Ready {
    db: u8,
    hash: u64,
    shard: u32,
    key: Box<[u8]>,
}

/// The keys of all shards that are to be served, in the order in which they became so.
#[derive(Default)]
pub struct ReadyKeys {
    /// Those noted and those under way: what every command looks at.
    count: AtomicUsize,
    keys: Mutex<VecDeque<Ready>>,
}

impl ReadyKeys {
    fn note(&self, ready: Ready) {
        let mut keys = self.keys.lock();
        self.count.fetch_add(1, Ordering::Relaxed);
        keys.push_back(ready);
    }
}

impl Lines {
    fn add(&self, db: u8, key: &Key<'_>, waiter: &Arc<Waiter>) {
        let mut keys = self.0.lock();
        let lines = keys.entry(key.bytes.into()).or_default();
        let of_type = waiter.wants.of_type;
        let place = lines.iter().position(|line| line.db == db && line.of_type == of_type).unwrap_or_else(|| {
            lines.push(Line { db, hash: key.hash, of_type, waiters: VecDeque::new() });
            lines.len() - 1
        });
        lines[place].waiters.push_back(Arc::clone(waiter));
    }

    fn remove(&self, key: &[u8], waiter: &Arc<Waiter>) {
        let mut keys = self.0.lock();
        let Some(lines) = keys.get_mut(key) else { return };
        for line in lines.iter_mut() {
            if let Ok(at) = line.waiters.binary_search_by_key(&waiter.number, |waiter| waiter.number) {
                line.waiters.remove(at);
            }
        }
        lines.retain(|line| !line.waiters.is_empty());
        if lines.is_empty() {
            keys.remove(key);
        }
    }

    /// The first behind number `behind` of those who wait at `ready` for what is there: a value of type `found`, or nothing.
    fn next(&self, ready: &Ready, found: Option<Type>, behind: u64) -> Option<Arc<Waiter>> {
        let keys = self.0.lock();
        let lines = keys.get(&ready.key)?.iter().filter(|line| line.db == ready.db);
        lines.filter_map(|line| line.next(found, behind)).min_by_key(|waiter| waiter.number).cloned()
    }

    /// How many keys somebody waits for, and how many of those for their end too.
    fn count(&self) -> (usize, usize) {
        let keys = self.0.lock();
        let for_nothing = |lines: &&Vec<Line>| lines.iter().any(Line::hears_of_nothing);
        (keys.len(), keys.values().filter(for_nothing).count())
    }
}

impl Line {
    fn next(&self, found: Option<Type>, behind: u64) -> Option<&Arc<Waiter>> {
        let from = self.waiters.partition_point(|waiter| waiter.number <= behind);
        let mut rest = self.waiters.range(from..);
        if found == Some(self.of_type) { rest.next() } else { rest.find(|waiter| waiter.wants.or_nothing) }
    }

    fn hears_of_nothing(&self) -> bool {
        self.waiters.iter().any(|waiter| waiter.wants.or_nothing)
    }

    /// Whether a change that left a value of type `left` there, or nothing, has something for it.
    fn is_served_by(&self, left: Option<Type>) -> bool {
        left == Some(self.of_type) || self.hears_of_nothing()
    }
}

impl State {
    /// The key has a new value, of type `left`, or none any more.
    #[inline]
    pub(crate) fn tell_ready(&mut self, db: u8, key: &Key<'_>, left: Option<Type>) {
        if self.awaited {
            self.note_ready(db, key, left);
        }
    }

    /// The collection at the key has changed, and is still there. What only takes away from a stream is no news to its readers.
    #[inline]
    pub(crate) fn tell_ready_by(&mut self, db: u8, key: &Key<'_>, change: MemberChange<'_>) {
        if self.awaited && (change.of_type != Type::Stream || stream::has_news(change.ops)) {
            self.note_ready(db, key, Some(change.of_type));
        }
    }

    #[cold]
    fn note_ready(&mut self, db: u8, key: &Key<'_>, left: Option<Type>) {
        let keys = self.lines.0.lock();
        self.awaited = !keys.is_empty();
        let lines = keys.get(key.bytes).into_iter().flatten();
        if lines.filter(|line| line.db == db).any(|line| line.is_served_by(left)) {
            self.ready.note(Ready { db, hash: key.hash, shard: key.shard, key: key.bytes.into() });
        }
    }

    /// Database `db` was emptied.
    pub(crate) fn tell_ready_cleared(&mut self, db: u8, shard: u32) {
        self.note_lines(shard, |line| line.db == db && line.hears_of_nothing());
    }

    /// The names of databases `a` and `b` are exchanged: who waits for a key by one of the names waits for it in the other database now.
    pub(crate) fn tell_ready_swapped(&mut self, a: u8, b: u8, shard: u32) {
        if !self.awaited {
            return;
        }
        for line in self.lines.0.lock().values_mut().flatten() {
            line.db = if line.db == a {
                b
            } else if line.db == b {
                a
            } else {
                line.db
            };
        }
        // Whoever serves them finds out what is there.
        self.note_lines(shard, |line| line.db == a || line.db == b);
    }

    fn note_lines(&mut self, shard: u32, concerns: impl Fn(&Line) -> bool) {
        if !self.awaited {
            return;
        }
        for (key, lines) in self.lines.0.lock().iter() {
            for line in lines.iter().filter(|line| concerns(line)) {
                self.ready.note(Ready { db: line.db, hash: line.hash, shard, key: key.clone() });
            }
        }
    }
}

/// Where a client stands; it leaves every line when this is dropped.
pub struct Place {
    waiter: Arc<Waiter>,
    lines: Vec<(Box<[u8]>, Arc<Lines>)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lines.iter().for_each(|(key, lines)| lines.remove(key, &self.waiter));
    }
}

/// Counts who comes.
#[derive(Default)]
pub(crate) struct Arrivals(AtomicU64);

impl View<'_> {
    /// Takes a place in the line of each of `keys`, whose shards are held: until it is dropped, `client` is served when one of them
    /// has what it wants.
    pub fn wait<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        wants: Wants,
        client: Arc<dyn Any + Send + Sync>,
    ) -> Place {
        let number = self.keyspace.arrivals.0.fetch_add(1, Ordering::Relaxed) + 1;
        let waiter = Arc::new(Waiter { number, wants, client });
        let mut place = Place { waiter, lines: Vec::new() };
        let db = self.keyspace.physical(self.db);
        for bytes in keys {
            let key = self.key(bytes);
            if place.lines.iter().any(|(held, _)| **held == *key.bytes) {
                continue;
            }
            let state = self.locked.state_mut(key.shard);
            state.awaited = true;
            state.lines.add(db, &key, &place.waiter);
            place.lines.push((key.bytes.into(), Arc::clone(&state.lines)));
        }
        place
    }
}

impl Keyspace {
    /// Whether some key is to be served, or is being served.
    #[inline]
    pub fn has_ready(&self) -> bool {
        self.ready.count.load(Ordering::Relaxed) > 0
    }

    /// The next key to be served. Whoever takes it calls [`Keyspace::served`] when its line is done with.
    pub fn next_ready(&self) -> Option<Ready> {
        self.ready.keys.lock().pop_front()
    }

    /// A key that was taken has been served.
    pub fn served(&self) {
        self.ready.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Puts back a key that can't be served now.
    pub fn put_back(&self, ready: Ready) {
        self.ready.keys.lock().push_front(ready);
    }

    /// The first behind `behind` of those who wait for what is at `ready` now.
    pub fn next_waiter(&self, ready: &Ready, behind: Option<&Waiter>) -> Option<Arc<Waiter>> {
        let state = self.shard(ready.shard);
        let key = Key { bytes: &ready.key, hash: ready.hash, shard: ready.shard };
        let found = state.get(ready.db, &key).map(|entry| entry.of_type());
        state.lines.next(ready, found, behind.map_or(0, |waiter| waiter.number))
    }

    /// How many keys somebody waits for, and how many of those for their end too.
    pub fn awaited_keys(&self) -> (usize, usize) {
        let counts = (0..self.shards()).map(|shard| {
            let lines = Arc::clone(&self.shard(shard).lines);
            lines.count()
        });
        counts.fold((0, 0), |(keys, ends), (more_keys, more_ends)| (keys + more_keys, ends + more_ends))
    }
}
