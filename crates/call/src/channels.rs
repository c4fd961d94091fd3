//! Who listens to what: channels, patterns of channels, and shard channels; and messages on their way to them.
//!
//! The tables belong to a world, not to its keyspace: a message is nothing that is kept. A client's own list is in its
//! session, so that only itself changes it.
//!
//! Invariant: a client is in a table exactly as long as the name is in its session's [`Subscriptions`].
//! Invariant: a message is told once for each name that it goes by, however many listen to that.
//! Invariant: finding the listeners of a channel takes no longer when there are more channels; patterns are all tried.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use foldhash::fast::FixedState;
use kvark_base::glob;
use kvark_base::random::Random;
use parking_lot::{Mutex, RwLock};

use crate::setting::output_limit;
use crate::{Delivery, FactSheet, Facts, Peer, Recording, ReplySink, Session, Settings};

/// A channel's name or a pattern, shared by all that listen to it.
pub type Name = Arc<[u8]>;

/// What a client can listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A channel (`SUBSCRIBE`).
    Channel,
    /// All channels whose name matches (`PSUBSCRIBE`).
    Pattern,
    /// A channel that in a cluster stays where its name's slot is (`SSUBSCRIBE`).
    ShardChannel,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Channel, Self::Pattern, Self::ShardChannel];

    /// The first word of a message that goes this way.
    fn word(self) -> &'static str {
        match self {
            Self::Channel => "message",
            Self::Pattern => "pmessage",
            Self::ShardChannel => "smessage",
        }
    }
}

/// What one client listens to.
#[derive(Debug, Default)]
pub struct Subscriptions([BTreeSet<Name>; 3]);

impl Subscriptions {
    /// How many of this kind.
    pub fn len(&self, topic: Topic) -> usize {
        self.0[topic as usize].len()
    }

    /// Whether there are none of any kind.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(BTreeSet::is_empty)
    }

    /// The names of this kind, in order.
    pub fn names(&self, topic: Topic) -> Vec<Name> {
        self.0[topic as usize].iter().cloned().collect()
    }
}

/// Clients by their number: those that came first are served first.
type Listeners = BTreeMap<u64, Arc<Peer>>;
type Table = RwLock<HashMap<Name, Listeners, FixedState>>;

/// All that is listened to.
pub struct Channels {
    tables: [Table; 3],
    /// Clients that listen to something.
    clients: AtomicUsize,
    bound: Bound,
}

impl Default for Channels {
    fn default() -> Self {
        // Nobody outside can aim at one bucket of names. Patterns are walked, so their order must not depend on chance.
        let seed = Random::from_system().next_u64();
        let table = |seed| RwLock::new(HashMap::with_hasher(FixedState::with_seed(seed)));
        Self { tables: [table(seed), table(0), table(seed)], clients: AtomicUsize::new(0), bound: Bound::default() }
    }
}

impl Channels {
    /// Makes `session` listen to `name`.
    pub fn subscribe(&self, session: &mut Session, topic: Topic, name: &[u8]) {
        if session.subscriptions.0[topic as usize].contains(name) {
            return;
        }
        let mut table = self.tables[topic as usize].write();
        let shared = table.get_key_value(name).map_or_else(|| Name::from(name), |(name, _)| Arc::clone(name));
        table.entry(Arc::clone(&shared)).or_default().insert(session.peer.id, Arc::clone(&session.peer));
        drop(table);
        session.subscriptions.0[topic as usize].insert(shared);
        self.note(session, topic);
    }

    /// Makes `session` listen to `name` no more; what is on its way by that subscription is dropped.
    pub fn unsubscribe(&self, session: &mut Session, topic: Topic, name: &[u8]) {
        if !session.subscriptions.0[topic as usize].remove(name) {
            return;
        }
        self.remove(session.peer.id, topic, name);
        session.peer.outbox.forget(topic, name);
        self.note(session, topic);
    }

    /// Makes `session` listen to nothing.
    pub fn leave(&self, session: &mut Session) {
        if session.subscriptions.is_empty() {
            return;
        }
        for topic in Topic::ALL {
            for name in std::mem::take(&mut session.subscriptions.0[topic as usize]) {
                self.remove(session.peer.id, topic, &name);
                session.peer.outbox.forget(topic, &name);
            }
            self.note(session, topic);
        }
    }

    fn remove(&self, id: u64, topic: Topic, name: &[u8]) {
        let mut table = self.tables[topic as usize].write();
        if let Some(listeners) = table.get_mut(name) {
            listeners.remove(&id);
            if listeners.is_empty() {
                table.remove(name);
            }
        }
    }

    /// Shows others what `session` listens to now.
    fn note(&self, session: &mut Session, topic: Topic) {
        let len = session.subscriptions.len(topic);
        let listened = session.peer.is_listening();
        session.peer.listening[topic as usize].store(len as u32, Ordering::Relaxed);
        match (listened, session.peer.is_listening()) {
            (false, true) => self.clients.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.clients.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        session.set_listening();
    }

    /// Whether anybody listens to anything.
    pub fn has_listeners(&self) -> bool {
        self.clients.load(Ordering::Relaxed) > 0
    }

    /// The most bytes that may wait for one client that is told what it did not ask for just now; 0 is no bound.
    pub fn most_bytes(&self, settings: &Settings) -> u64 {
        self.bound.get(settings)
    }

    /// Delivers `message` to everybody who listens to `channel`, by its name or by a pattern. Returns how often.
    pub fn publish(&self, channel: &[u8], message: &[u8], settings: &Settings) -> usize {
        let most_bytes = self.bound.get(settings);
        let by_name = self.publish_by_name(Topic::Channel, channel, message, most_bytes);
        by_name + self.publish_by_pattern(channel, message, most_bytes)
    }

    /// Delivers `message` to everybody who listens to the shard channel. Returns how often.
    pub fn publish_in_shard(&self, channel: &[u8], message: &[u8], settings: &Settings) -> usize {
        self.publish_by_name(Topic::ShardChannel, channel, message, self.bound.get(settings))
    }

    fn publish_by_name(&self, topic: Topic, channel: &[u8], message: &[u8], most_bytes: u64) -> usize {
        let table = self.tables[topic as usize].read();
        let Some((name, listeners)) = table.get_key_value(channel) else { return 0 };
        deliver(topic, name, &[channel, message], listeners, most_bytes)
    }

    fn publish_by_pattern(&self, channel: &[u8], message: &[u8], most_bytes: u64) -> usize {
        let table = self.tables[Topic::Pattern as usize].read();
        let matching = table.iter().filter(|(pattern, _)| glob::matches(pattern, channel, false));
        let deliver = |(pattern, listeners): (&Name, &Listeners)| {
            deliver(Topic::Pattern, pattern, &[&**pattern, channel, message], listeners, most_bytes)
        };
        matching.map(deliver).sum()
    }

    /// How many names of this kind somebody listens to.
    pub fn len(&self, topic: Topic) -> usize {
        self.tables[topic as usize].read().len()
    }

    /// The names that somebody listens to, in order.
    pub fn names(&self, topic: Topic) -> Vec<Name> {
        let mut names: Vec<Name> = self.tables[topic as usize].read().keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// How many listen to `name`.
    pub fn listeners(&self, topic: Topic, name: &[u8]) -> usize {
        self.tables[topic as usize].read().get(name).map_or(0, BTreeMap::len)
    }
}

/// One message to all `listeners` to `name`: the same for all of them.
fn deliver(topic: Topic, name: &Name, words: &[&[u8]], listeners: &Listeners, most_bytes: u64) -> usize {
    let word = topic.word();
    let len = word.len() + words.iter().map(|word| word.len()).sum::<usize>();
    let mut told = Recording::with_room(2 + words.len(), len);
    told.push(1 + words.len());
    told.bulk(word.as_bytes());
    words.iter().for_each(|word| told.bulk(word));
    let delivery = Delivery::by_subscription(told, topic, Arc::clone(name));
    listeners.values().for_each(|peer| peer.deliver(delivery.clone(), most_bytes));
    listeners.len()
}

impl Facts for Channels {
    fn tell(&self, sheet: &mut FactSheet) {
        sheet.tell("clients", "pubsub_clients", self.clients.load(Ordering::Relaxed));
        sheet.tell("stats", "pubsub_channels", self.len(Topic::Channel));
        sheet.tell("stats", "pubsub_patterns", self.len(Topic::Pattern));
        sheet.tell("stats", "pubsubshard_channels", self.len(Topic::ShardChannel));
    }
}

/// The most bytes that may wait for one listener: the hard limit of `client-output-buffer-limit pubsub`, read again when
/// a setting has changed.
#[derive(Default)]
struct Bound {
    generation: AtomicU64,
    most_bytes: AtomicU64,
    reading: Mutex<()>,
}

impl Bound {
    fn get(&self, settings: &Settings) -> u64 {
        if self.generation.load(Ordering::Acquire) != settings.generation() {
            self.read(settings);
        }
        self.most_bytes.load(Ordering::Relaxed)
    }

    #[cold]
    fn read(&self, settings: &Settings) {
        let _one_at_a_time = self.reading.lock();
        // First the generation: a change behind it is noticed next time.
        let generation = settings.generation();
        let limit = output_limit(&settings.get("client-output-buffer-limit"), "pubsub");
        self.most_bytes.store(limit.hard_bytes, Ordering::Relaxed);
        self.generation.store(generation, Ordering::Release);
    }
}
