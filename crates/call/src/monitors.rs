//! Who is told every command that is executed (`MONITOR`).
//!
//! Invariant: while nobody is, that costs a look at a flag.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::setting::output_limit;
use crate::{Delivery, Peer, Recording, ReplySink, Session, Settings};

/// The clients that are told.
#[derive(Debug, Default)]
pub struct Monitors {
    some: AtomicBool,
    peers: Mutex<BTreeMap<u64, Arc<Peer>>>,
}

impl Monitors {
    /// Whether there are any.
    #[inline]
    pub fn are_there(&self) -> bool {
        self.some.load(Ordering::Relaxed)
    }

    /// From here on `session` is told.
    pub fn join(&self, session: &mut Session) {
        let mut peers = self.peers.lock();
        peers.insert(session.peer.id, Arc::clone(&session.peer));
        self.some.store(true, Ordering::Relaxed);
        session.set_monitoring(true);
    }

    /// From here on `session` is told no more.
    pub fn leave(&self, session: &mut Session) {
        if !session.is_monitoring() {
            return;
        }
        let mut peers = self.peers.lock();
        peers.remove(&session.peer.id);
        self.some.store(!peers.is_empty(), Ordering::Relaxed);
        drop(peers);
        session.peer.outbox.forget_commands();
        session.set_monitoring(false);
    }

    /// Tells them all. Who leaves more unread than a client may that listens to channels is closed.
    pub fn tell(&self, line: &str, settings: &Settings) {
        let most_bytes = output_limit(&settings.get("client-output-buffer-limit"), "pubsub").hard_bytes;
        let mut told = Recording::with_room(1, line.len());
        told.status(line);
        let delivery = Delivery::by_monitor(told);
        self.peers.lock().values().for_each(|peer| peer.deliver(delivery.clone(), most_bytes));
    }
}
