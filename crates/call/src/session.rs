//! Who is asking: one [`Session`] a client, owned by whoever serves it, and its [`Peer`], which others may look at.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};

use kvark_base::{Millis, Position};
use parking_lot::Mutex;

use crate::channels::{Subscriptions, Topic};
use crate::delivery::{Outbox, Put};
use crate::queue::Queue;
use crate::ticket::{End, Ticket};
use crate::tracking::Tracker;
use crate::{Delivery, ReplySink, Version};

/// What a client wants of its answers (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// Every answer.
    #[default]
    On,
    /// No answers until `ON`.
    Off,
    /// The next command's answer is left out.
    SkipNext,
    /// This command's answer is left out, then back to `On`.
    SkipThis,
}

/// The state of one client, seen by its own commands only.
#[derive(Debug)]
pub struct Session {
    /// What others may see.
    pub peer: Arc<Peer>,
    /// The selected database.
    pub db: u32,
    /// The protocol it speaks.
    pub version: Version,
    /// Whether it has shown the password, or none is set.
    pub authenticated: bool,
    /// What it wants of its answers.
    pub reply: ReplyMode,
    /// Its reads leave no trace of access (`CLIENT NO-TOUCH`).
    pub no_touch: bool,
    /// The position of its latest write, for `WAIT` and `WAITAOF`.
    pub last_write: Position,
    /// Somebody takes what is delivered to it. A client of which that is not true can listen to nothing.
    pub takes_deliveries: bool,
    /// Whoever serves it serves others too, so what takes long is executed by another thread.
    pub is_one_of_many: bool,
    /// What it listens to; [`crate::Channels`] changes it.
    pub subscriptions: Subscriptions,
    /// Whether it listens to anything, or is told every command.
    listening: bool,
    /// Whether it is told every command.
    monitoring: bool,
    /// Whether it tracks what it reads.
    tracking: bool,
    /// Whether others tell it anything, by any of these: what every command looks at.
    attentive: bool,
    /// The commands since MULTI.
    pub queue: Queue,
    /// The keys that it watches, if any; what that is, is the keyspace's affair. Dropping it is enough to let them go.
    pub watch: Option<Box<dyn Any + Send>>,
}

impl Session {
    /// A fresh session of `peer`. `authenticated` is true where no password is set.
    pub fn new(peer: Arc<Peer>, authenticated: bool) -> Self {
        Self {
            peer,
            db: 0,
            version: Version::Resp2,
            authenticated,
            reply: ReplyMode::On,
            no_touch: false,
            last_write: 0,
            takes_deliveries: false,
            is_one_of_many: false,
            subscriptions: Subscriptions::default(),
            listening: false,
            monitoring: false,
            tracking: false,
            attentive: false,
            queue: Queue::default(),
            watch: None,
        }
    }

    /// Forgets what was queued since MULTI, and the watched keys.
    pub fn end_transaction(&mut self) {
        self.queue.close();
        self.unwatch();
        self.note_transaction();
    }

    /// Watches no key any more.
    pub fn unwatch(&mut self) {
        self.watch = None;
        self.peer.watches.store(0, Ordering::Relaxed);
    }

    /// Lets others see how the transaction stands.
    pub fn note_transaction(&self) {
        let queued = if self.queue.is_open() { self.queue.len() as i32 } else { -1 };
        self.peer.queued.store(queued, Ordering::Relaxed);
        if self.watch.is_none() {
            self.peer.watches.store(0, Ordering::Relaxed);
        }
    }

    /// For a session whose server empties its outbox.
    pub fn taking_deliveries(self) -> Self {
        Self { takes_deliveries: true, ..self }
    }

    /// For a session whose server has others to serve.
    pub fn among_others(self) -> Self {
        Self { is_one_of_many: true, ..self }
    }

    /// Whether others tell it anything.
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    /// Whether it is told every command.
    pub fn is_monitoring(&self) -> bool {
        self.monitoring
    }

    /// Whether it listens to a channel and speaks RESP2, in which a message cannot be told from an answer: it may ask little then.
    pub fn is_confined(&self) -> bool {
        self.listening && !self.subscriptions.is_empty() && self.version == Version::Resp2
    }

    pub(crate) fn set_listening(&mut self) {
        self.listening = self.monitoring || !self.subscriptions.is_empty();
        self.attentive = self.listening || self.tracking;
    }

    pub(crate) fn set_monitoring(&mut self, monitoring: bool) {
        self.monitoring = monitoring;
        self.peer.monitoring.store(monitoring, Ordering::Relaxed);
        self.set_listening();
    }

    pub(crate) fn set_tracking(&mut self, tracking: bool) {
        self.tracking = tracking;
        self.set_listening();
    }

    /// Whether it tracks what it reads.
    #[inline]
    pub fn is_tracking(&self) -> bool {
        self.tracking
    }

    /// Whether it is told what it does not ask for: it listens, monitors or tracks.
    #[inline]
    pub fn is_attentive(&self) -> bool {
        self.attentive
    }

    /// Tells `out` what was delivered so far.
    pub fn tell_deliveries(&self, out: &mut dyn ReplySink) {
        if self.peer.outbox.is_waiting() {
            let mut deliveries = Vec::new();
            self.peer.outbox.take(&mut deliveries);
            deliveries.iter().for_each(|delivery| delivery.tell(out));
        }
    }

    /// Back to how it began (`RESET`): everything but its identity. It has left its channels before.
    pub fn reset(&mut self, authenticated: bool) {
        debug_assert!(!self.attentive, "the tables would keep it");
        *self = Self {
            last_write: self.last_write,
            takes_deliveries: self.takes_deliveries,
            is_one_of_many: self.is_one_of_many,
            ..Self::new(Arc::clone(&self.peer), authenticated)
        };
        self.note_transaction();
        let mut text = self.peer.text.lock();
        text.name.clear();
        self.peer.no_evict.store(false, Ordering::Relaxed);
    }
}

/// Words that describe a client.
#[derive(Debug, Clone, Default)]
pub struct PeerText {
    /// `CLIENT SETNAME`.
    pub name: String,
    /// `CLIENT SETINFO LIB-NAME`.
    pub lib_name: String,
    /// `CLIENT SETINFO LIB-VER`.
    pub lib_version: String,
    /// The user it is logged in as.
    pub user: String,
}

/// What others may see of a client, and the handle by which they reach it.
pub struct Peer {
    /// A number that is never used again.
    pub id: u64,
    /// Where it connected from: `ip:port`, or the socket's path and `:0`; empty for the embedded door.
    pub address: String,
    /// Where it connected to.
    pub local_address: String,
    /// The file descriptor of its socket, -1 for none.
    pub fd: i32,
    /// When it came.
    pub created_ms: Millis,
    /// Words.
    pub text: Mutex<PeerText>,
    /// When it last sent something.
    pub active_ms: AtomicU64,
    /// The selected database.
    pub db: AtomicU32,
    /// 2 or 3.
    pub version: AtomicU8,
    /// `CLIENT NO-EVICT`.
    pub no_evict: AtomicBool,
    /// How many commands are queued since MULTI, -1 outside.
    pub queued: AtomicI32,
    /// How many keys are watched.
    pub watches: AtomicU32,
    /// The latest command, as an index of the table; `u32::MAX` for none yet.
    pub last_command: AtomicU32,
    /// Bytes waiting to be parsed.
    pub query_bytes: AtomicU64,
    /// Bytes waiting to be sent.
    pub output_bytes: AtomicU64,
    /// Bytes received in all.
    pub received_bytes: AtomicU64,
    /// Bytes sent in all.
    pub sent_bytes: AtomicU64,
    /// Commands executed in all.
    pub commands: AtomicU64,
    /// What others have for it.
    pub outbox: Outbox,
    /// What it waits for, if its latest command is parked.
    parked: Mutex<Option<Arc<Ticket>>>,
    /// Whether it is told every command.
    pub monitoring: AtomicBool,
    /// How it tracks what it reads.
    pub tracker: Tracker,
    /// How many channels, patterns and shard channels it listens to.
    pub(crate) listening: [AtomicU32; 3],
    killed: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("id", &self.id).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Peer {
    /// Asks whoever serves this client to close it.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        (self.wake)();
    }

    /// Whether somebody asked for its end.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Wakes whoever serves this client.
    pub fn wake(&self) {
        (self.wake)();
    }

    /// Gives it something, from any thread. More than `most_bytes` (0: without bound) waiting for it is its end.
    pub fn deliver(&self, delivery: Delivery, most_bytes: u64) {
        match self.outbox.put(delivery, most_bytes) {
            Put::First => self.wake(),
            Put::TooMuch => self.kill(),
            Put::Behind | Put::Nothing => {}
        }
    }

    /// Its command waits from now on, or waits no longer.
    pub fn park(&self, ticket: Option<Arc<Ticket>>) {
        *self.parked.lock() = ticket;
    }

    /// Whether its latest command waits.
    pub fn is_parked(&self) -> bool {
        self.parked.lock().is_some()
    }

    /// Ends its wait; whether it waited.
    pub fn unblock(&self, end: End) -> bool {
        let ticket = self.parked.lock().clone();
        let ended = ticket.is_some_and(|ticket| ticket.unblock(end));
        if ended {
            self.wake();
        }
        ended
    }

    /// How many of these it listens to.
    pub fn listening_to(&self, topic: Topic) -> u32 {
        self.listening[topic as usize].load(Ordering::Relaxed)
    }

    /// Whether it has a form for what it did not ask for.
    pub fn speaks_resp3(&self) -> bool {
        self.version.load(Ordering::Relaxed) == 3
    }

    /// Whether it listens to any channel.
    pub fn is_listening(&self) -> bool {
        Topic::ALL.into_iter().any(|topic| self.listening_to(topic) > 0)
    }
}

/// What `CLIENT PAUSE` holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseMode {
    /// Every command.
    All,
    /// Commands that may write.
    Writes,
}

/// All clients of a store.
#[derive(Default)]
pub struct Sessions {
    peers: Mutex<BTreeMap<u64, Arc<Peer>>>,
    next_id: AtomicU64,
    pause: Mutex<Option<(PauseMode, Millis)>>,
    /// Whether `pause` holds anything: what every turn looks at.
    pausing: AtomicBool,
    /// Clients that ever came.
    pub accepted: AtomicU64,
    /// Clients that were turned away at the limit.
    pub rejected: AtomicU64,
}

impl Sessions {
    /// Registers a client. `wake` is called, from any thread, when somebody wants its server's attention.
    pub fn register(
        &self,
        address: String,
        local_address: String,
        fd: i32,
        now_ms: Millis,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Peer> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let peer = Arc::new(Peer {
            id,
            address,
            local_address,
            fd,
            created_ms: now_ms,
            text: Mutex::new(PeerText { user: "default".into(), ..PeerText::default() }),
            active_ms: AtomicU64::new(now_ms),
            db: AtomicU32::new(0),
            version: AtomicU8::new(2),
            no_evict: AtomicBool::new(false),
            queued: AtomicI32::new(-1),
            watches: AtomicU32::new(0),
            last_command: AtomicU32::new(u32::MAX),
            query_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            outbox: Outbox::default(),
            tracker: Tracker::default(),
            parked: Mutex::default(),
            monitoring: AtomicBool::new(false),
            listening: Default::default(),
            killed: AtomicBool::new(false),
            wake,
        });
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.peers.lock().insert(id, Arc::clone(&peer));
        peer
    }

    /// Forgets a client that has gone.
    pub fn forget(&self, id: u64) {
        self.peers.lock().remove(&id);
    }

    /// The client of that number, if it is still there.
    pub fn find(&self, id: u64) -> Option<Arc<Peer>> {
        self.peers.lock().get(&id).cloned()
    }

    /// How many clients there are now.
    pub fn len(&self) -> usize {
        self.peers.lock().len()
    }

    /// True when nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that wait to be parsed or sent, of all clients.
    pub fn buffered_bytes(&self) -> u64 {
        let of =
            |peer: &Arc<Peer>| peer.query_bytes.load(Ordering::Relaxed) + peer.output_bytes.load(Ordering::Relaxed);
        self.peers.lock().values().map(of).sum()
    }

    /// How many keys are watched, and by how many clients.
    pub fn watched(&self) -> (u64, usize) {
        let peers = self.peers.lock();
        let counts =
            peers.values().map(|peer| u64::from(peer.watches.load(Ordering::Relaxed))).filter(|&keys| keys > 0);
        (counts.clone().sum(), counts.count())
    }

    /// All clients of this moment, in the order they came.
    pub fn all(&self) -> Vec<Arc<Peer>> {
        self.peers.lock().values().cloned().collect()
    }

    /// Holds commands back until `until_ms`. A later deadline and the stricter mode win over what was asked before.
    pub fn pause(&self, mode: PauseMode, until_ms: Millis) {
        let mut pause = self.pause.lock();
        *pause = Some(match *pause {
            Some((PauseMode::All, until)) => (PauseMode::All, until.max(until_ms)),
            Some((_, until)) => (mode, until.max(until_ms)),
            None => (mode, until_ms),
        });
        self.pausing.store(true, Ordering::Release);
    }

    /// Ends a pause and wakes everybody.
    pub fn unpause(&self) {
        *self.pause.lock() = None;
        self.pausing.store(false, Ordering::Release);
        for peer in self.all() {
            peer.wake();
        }
    }

    /// The pause in force at `now_ms`: what it holds back and until when.
    #[inline]
    pub fn paused(&self, now_ms: Millis) -> Option<(PauseMode, Millis)> {
        if !self.pausing.load(Ordering::Acquire) {
            return None;
        }
        self.paused_slow(now_ms)
    }

    fn paused_slow(&self, now_ms: Millis) -> Option<(PauseMode, Millis)> {
        let mut pause = self.pause.lock();
        if pause.is_some_and(|(_, until_ms)| until_ms <= now_ms) {
            *pause = None;
            self.pausing.store(false, Ordering::Release);
        }
        *pause
    }
}
