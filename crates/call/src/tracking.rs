//! Client-side caching: which client has read which key, and who is told that a key is not what it was.
//!
//! ```text
//! a client that tracks reads a key -> World::remember: the key is in the table, while its shard is held
//! the key changes -> Tracking::forget: taken out of the table, while its shard is held
//! its shard is let go -> World::invalidate: who had read it, or listens to a prefix of it, is told
//! ```
//!
//! Keys are remembered by their bytes, whatever database they are in, as in Redis: an invalidation too many harms nobody.
//!
//! Invariant: whoever has read a key is told once that it has changed, and is told again only after it has read it again.
//! Invariant: the table holds no more keys than `tracking-table-max-keys`: those that were remembered first are invalidated for new ones.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use crate::{Delivery, FactSheet, Facts, Peer, Recording, ReplySink, Session, World};

/// What clients that speak RESP2 subscribe to for invalidations that are redirected to them.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// How a client tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// All keys with certain prefixes, read or not.
    pub broadcast: bool,
    /// Only what is read behind `CLIENT CACHING YES`.
    pub opt_in: bool,
    /// Not what is read behind `CLIENT CACHING NO`.
    pub opt_out: bool,
    /// Not what it changes itself.
    pub no_loop: bool,
    /// The client that is told in its place; 0 is none.
    pub redirect: u64,
}

/// How one client tracks, for all to see. Only its own session changes it, but for `broken`.
#[derive(Debug, Default)]
pub struct Tracker {
    on: AtomicBool,
    mode: AtomicU32,
    redirect: AtomicU64,
    /// `CLIENT CACHING` was said of the next command.
    pub caching: AtomicBool,
    /// The client that it redirects to has gone.
    broken: AtomicBool,
}

impl Tracker {
    /// How it tracks, if it does.
    pub fn mode(&self) -> Option<Mode> {
        let bits = self.mode.load(Ordering::Relaxed);
        let has = |bit: u32| bits & bit != 0;
        self.on.load(Ordering::Acquire).then(|| Mode {
            broadcast: has(1),
            opt_in: has(2),
            opt_out: has(4),
            no_loop: has(8),
            redirect: self.redirect.load(Ordering::Relaxed),
        })
    }

    /// Whether the client that it redirects to was missed.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    fn set(&self, mode: Option<Mode>) {
        let Mode { broadcast, opt_in, opt_out, no_loop, redirect } = mode.unwrap_or_default();
        let bits = [(broadcast, 1), (opt_in, 2), (opt_out, 4), (no_loop, 8)];
        self.mode.store(bits.iter().map(|&(set, bit)| u32::from(set) * bit).sum(), Ordering::Relaxed);
        self.redirect.store(redirect, Ordering::Relaxed);
        self.caching.store(false, Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
        self.on.store(mode.is_some(), Ordering::Release);
    }

    /// Whether what is read now is to be remembered.
    fn remembers(&self) -> bool {
        let caching = self.caching.load(Ordering::Relaxed);
        self.mode().is_some_and(|mode| match mode {
            Mode { broadcast: true, .. } => false,
            Mode { opt_in: true, .. } => caching,
            Mode { opt_out: true, .. } => !caching,
            _ => true,
        })
    }
}

/// Clients by their numbers.
type Ids = Vec<u64>;
type Clients = BTreeMap<u64, Arc<Peer>>;

/// Who has read which key.
#[derive(Default)]
struct Table {
    keys: HashMap<Arc<[u8]>, Ids>,
    /// In the order in which they were remembered; some are not in the table any more.
    order: VecDeque<Arc<[u8]>>,
    /// How many numbers there are in all.
    items: usize,
}

impl Table {
    fn remember(&mut self, key: &[u8], id: u64) {
        if let Some(ids) = self.keys.get_mut(key) {
            if !ids.contains(&id) {
                ids.push(id);
                self.items += 1;
            }
            return;
        }
        let key: Arc<[u8]> = key.into();
        self.keys.insert(Arc::clone(&key), vec![id]);
        self.order.push_back(key);
        self.items += 1;
        if self.order.len() > 2 * self.keys.len() + 1024 {
            self.order.retain(|key| self.keys.contains_key(key));
        }
    }

    fn forget(&mut self, key: &[u8]) -> Ids {
        let ids = self.keys.remove(key).unwrap_or_default();
        self.items -= ids.len();
        ids
    }

    /// Takes out the keys that were remembered first, so that `most` are left.
    fn shrink(&mut self, most: usize) -> Vec<Invalidation> {
        let mut gone = Vec::new();
        while self.keys.len() > most {
            let Some(key) = self.order.pop_front() else { break };
            let ids = self.forget(&key);
            if !ids.is_empty() {
                gone.push(Invalidation::Key { key: (*key).into(), ids, broadcast: false, author: 0 });
            }
        }
        gone
    }
}

/// What is to be told to those who track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalidation {
    /// A key has changed.
    Key {
        /// The key.
        key: Box<[u8]>,
        /// Clients that had read it.
        ids: Vec<u64>,
        /// Whether somebody listens to a prefix of it.
        broadcast: bool,
        /// The client that has changed it; 0 is none.
        author: u64,
    },
    /// All keys may have changed.
    Everything,
}

/// All that is tracked.
#[derive(Default)]
pub struct Tracking {
    clients: RwLock<Clients>,
    table: Mutex<Table>,
    /// The most keys in it; 0 is no bound.
    most_keys: AtomicUsize,
    prefixes: RwLock<BTreeMap<Box<[u8]>, BTreeSet<u64>>>,
    switch: OnceLock<Box<dyn Fn(bool) + Send + Sync>>,
}

impl Tracking {
    /// `switch` is called when the first client begins to track, and when the last one ends.
    pub fn set_switch(&self, switch: Box<dyn Fn(bool) + Send + Sync>) {
        assert!(self.switch.set(switch).is_ok(), "there is one switch");
    }

    /// Makes `session` track, or track in another way. To prefixes that it listens to come these.
    pub fn begin(&self, session: &mut Session, mode: Mode, prefixes: &[&[u8]]) {
        let peer = &session.peer;
        peer.tracker.set(Some(mode));
        let mut clients = self.clients.write();
        clients.insert(peer.id, Arc::clone(peer));
        self.switch.get().inspect(|switch| switch(true));
        drop(clients);
        if mode.broadcast {
            let mut all = self.prefixes.write();
            let prefixes = if prefixes.is_empty() { &[&b""[..]] } else { prefixes };
            for &prefix in prefixes {
                all.entry(prefix.into()).or_default().insert(peer.id);
            }
        }
        session.set_tracking(true);
    }

    /// Makes `session` track no more.
    pub fn end(&self, session: &mut Session) {
        if session.peer.tracker.mode().is_none() {
            return;
        }
        let id = session.peer.id;
        session.peer.tracker.set(None);
        session.set_tracking(false);
        self.prefixes.write().retain(|_, ids| {
            ids.remove(&id);
            !ids.is_empty()
        });
        let mut clients = self.clients.write();
        clients.remove(&id);
        if clients.is_empty() {
            // Nobody is left who could be told.
            *self.table.lock() = Table::default();
            self.switch.get().inspect(|switch| switch(false));
        }
    }

    /// The prefixes that a client listens to, in order.
    pub fn prefixes_of(&self, id: u64) -> Vec<Box<[u8]>> {
        let prefixes = self.prefixes.read();
        prefixes.iter().filter(|(_, ids)| ids.contains(&id)).map(|(prefix, _)| prefix.clone()).collect()
    }

    /// `key` has changed by the command of `author`: what that means, if anything.
    pub fn forget(&self, key: &[u8], author: u64) -> Option<Invalidation> {
        let ids = self.table.lock().forget(key);
        let broadcast = self.prefixes.read().keys().any(|prefix| key.starts_with(prefix));
        (broadcast || !ids.is_empty()).then(|| Invalidation::Key { key: key.into(), ids, broadcast, author })
    }

    /// The most keys that are remembered; 0 is no bound.
    pub fn set_most_keys(&self, most: usize) {
        self.most_keys.store(most, Ordering::Relaxed);
    }

    fn is_over(&self, table: &Table) -> bool {
        let most = self.most_keys.load(Ordering::Relaxed);
        most > 0 && table.keys.len() > most
    }

    /// Takes out what there is no room for.
    fn shrink(&self) -> Vec<Invalidation> {
        let mut table = self.table.lock();
        if self.is_over(&table) { table.shrink(self.most_keys.load(Ordering::Relaxed)) } else { Vec::new() }
    }

    /// All keys have gone.
    pub fn forget_all(&self) -> Invalidation {
        *self.table.lock() = Table::default();
        Invalidation::Everything
    }
}

impl World {
    /// A client reads these keys, whose shards are held: it wants to hear when they change, if it tracks.
    pub fn remember<'k>(&self, peer: &Peer, keys: impl Iterator<Item = &'k [u8]>) {
        if !peer.tracker.remembers() {
            return;
        }
        let mut table = self.tracking.table.lock();
        keys.for_each(|key| table.remember(key, peer.id));
        let over = self.tracking.is_over(&table);
        drop(table);
        if over {
            self.bound_tracking();
        }
    }

    /// Invalidates what the table has no room for.
    pub fn bound_tracking(&self) {
        let gone = self.tracking.shrink();
        if !gone.is_empty() {
            self.invalidate(&gone);
        }
    }

    /// Tells those whom `invalidations` concern.
    pub fn invalidate(&self, invalidations: &[Invalidation]) {
        let clients = self.tracking.clients.read();
        let mut broadcast = Vec::new();
        for invalidation in invalidations {
            match invalidation {
                Invalidation::Everything => {
                    let news = News::new(None);
                    clients.values().for_each(|peer| self.tell_tracker(peer, &news));
                }
                Invalidation::Key { key, ids, broadcast: by_prefix, author } => {
                    let news = News::new(Some(vec![key]));
                    let peers = ids.iter().filter_map(|id| clients.get(id));
                    peers.filter(|peer| wants(peer, false, *author)).for_each(|peer| self.tell_tracker(peer, &news));
                    broadcast.extend(by_prefix.then_some((&**key, *author)));
                }
            }
        }
        if !broadcast.is_empty() {
            self.broadcast(&clients, &broadcast);
        }
    }

    /// Tells those who listen to prefixes: of all keys of a prefix at once.
    fn broadcast(&self, clients: &Clients, keys: &[(&[u8], u64)]) {
        for (prefix, ids) in &*self.tracking.prefixes.read() {
            let of_prefix: Vec<_> = keys.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
            for peer in ids.iter().filter_map(|id| clients.get(id)) {
                let wanted = of_prefix.iter().filter(|(_, author)| wants(peer, true, *author));
                let wanted: BTreeSet<&[u8]> = wanted.map(|(key, _)| *key).collect();
                if !wanted.is_empty() {
                    self.tell_tracker(peer, &News::new(Some(wanted.into_iter().collect())));
                }
            }
        }
    }

    fn tell_tracker(&self, peer: &Peer, news: &News<'_>) {
        let Some(mode) = peer.tracker.mode() else { return };
        let most_bytes = self.channels.most_bytes(&self.settings);
        if mode.redirect == 0 {
            if peer.speaks_resp3() {
                peer.deliver(news.push(), most_bytes);
            }
            return;
        }
        match self.sessions.find(mode.redirect) {
            Some(target) if target.speaks_resp3() => target.deliver(news.push(), most_bytes),
            Some(target) if target.is_listening() => target.deliver(news.message(), most_bytes),
            Some(_) => {}
            None => {
                peer.tracker.broken.store(true, Ordering::Relaxed);
                if peer.speaks_resp3() {
                    let mut told = Recording::default();
                    told.push(2);
                    told.bulk(b"tracking-redir-broken");
                    told.integer(mode.redirect as i64);
                    peer.deliver(Delivery::new(told), most_bytes);
                }
            }
        }
    }
}

/// Whether a client wants to hear, in this way, of what `author` has changed.
fn wants(peer: &Peer, broadcast: bool, author: u64) -> bool {
    let mode = peer.tracker.mode();
    mode.is_some_and(|mode| mode.broadcast == broadcast && !(mode.no_loop && author == peer.id))
}

/// What is told, in its two forms, each made once.
struct News<'k> {
    /// `None` is everything.
    keys: Option<Vec<&'k [u8]>>,
    push: OnceLock<Delivery>,
    message: OnceLock<Delivery>,
}

impl<'k> News<'k> {
    fn new(keys: Option<Vec<&'k [u8]>>) -> Self {
        Self { keys, push: OnceLock::new(), message: OnceLock::new() }
    }

    fn push(&self) -> Delivery {
        self.push.get_or_init(|| self.told(&[b"invalidate"])).clone()
    }

    fn message(&self) -> Delivery {
        self.message.get_or_init(|| self.told(&[b"message", CHANNEL])).clone()
    }

    fn told(&self, words: &[&[u8]]) -> Delivery {
        let mut told = Recording::default();
        told.push(words.len() + 1);
        words.iter().for_each(|word| told.bulk(word));
        match &self.keys {
            Some(keys) => {
                told.array(keys.len());
                keys.iter().for_each(|key| told.bulk(key));
            }
            None => told.null(),
        }
        Delivery::new(told)
    }
}

impl Facts for Tracking {
    fn tell(&self, sheet: &mut FactSheet) {
        sheet.tell("clients", "tracking_clients", self.clients.read().len());
        let table = self.table.lock();
        sheet.tell("stats", "tracking_total_keys", table.keys.len());
        sheet.tell("stats", "tracking_total_items", table.items);
        sheet.tell("stats", "tracking_total_prefixes", self.prefixes.read().len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(gone: Vec<Invalidation>) -> Vec<Box<[u8]>> {
        let key = |one| match one {
            Invalidation::Key { key, .. } => key,
            Invalidation::Everything => unreachable!("a table shrinks key by key"),
        };
        gone.into_iter().map(key).collect()
    }

    #[test]
    fn a_table_lets_go_of_what_was_remembered_first() {
        let mut table = Table::default();
        for key in [b"a", b"b", b"c", b"a"] {
            table.remember(key, 1);
        }
        table.remember(b"b", 2);
        assert_eq!((table.keys.len(), table.items), (3, 4));
        assert_eq!(table.forget(b"a"), [1]);
        table.remember(b"a", 1);
        assert_eq!(*keys_of(table.shrink(2))[0], *b"a");
        assert_eq!(*keys_of(table.shrink(1))[0], *b"b");
        assert_eq!((table.keys.len(), table.items), (1, 1));
    }

    #[test]
    fn the_order_of_keys_that_come_and_go_stays_short() {
        let mut table = Table::default();
        for number in 0..100_000u32 {
            table.remember(&number.to_le_bytes(), 1);
            table.forget(&number.to_le_bytes());
        }
        assert!(table.order.len() <= 1025);
    }
}
