//! How a client is given something that it did not ask for just now: a [`Delivery`] in its [`Outbox`], from any thread.
//!
//! Whoever serves the client empties the outbox when it writes to that client: between two answers, never inside one.
//! What is delivered is kept in no wire format, because only the client's own server knows which version it speaks by then;
//! the first server that writes it does so for all who share it.
//!
//! Invariant: deliveries leave an outbox in the order in which they were put there.
//! Invariant: an outbox is bounded: the client that lets it grow beyond that is closed, and nobody waits for it.
//! Invariant: a client is called once for all that is put into its outbox until that is emptied.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::channels::{Name, Topic};
use crate::{Recording, ReplySink, Version};

/// Something to be told to a client, shared by all that are told it.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Parcel>);

/// By which way something comes.
#[derive(Debug)]
enum Way {
    Other,
    Subscription(Topic, Name),
    Monitor,
}

#[derive(Debug)]
struct Parcel {
    told: Recording,
    way: Way,
    /// Its bytes on the wire, in RESP2 and in RESP3.
    written: [OnceLock<Box<[u8]>>; 2],
}

impl Delivery {
    /// Delivers `told`.
    pub fn new(told: Recording) -> Self {
        Self::by(told, Way::Other)
    }

    /// Delivers `told` to those who are told every command.
    pub fn by_monitor(told: Recording) -> Self {
        Self::by(told, Way::Monitor)
    }

    fn by(told: Recording, way: Way) -> Self {
        Self(Arc::new(Parcel { told, way, written: Default::default() }))
    }

    /// Delivers `told` to those who listen to `name`.
    pub fn by_subscription(told: Recording, topic: Topic, name: Name) -> Self {
        Self::by(told, Way::Subscription(topic, name))
    }

    /// How many bytes it counts for in an outbox.
    pub fn len_bytes(&self) -> u64 {
        self.0.told.len_bytes() as u64
    }

    /// Whether it comes by this subscription.
    pub fn is_of(&self, topic: Topic, name: &[u8]) -> bool {
        matches!(&self.0.way, Way::Subscription(of, by) if *of == topic && **by == *name)
    }

    fn is_by_monitor(&self) -> bool {
        matches!(self.0.way, Way::Monitor)
    }

    /// Tells it.
    pub fn tell(&self, out: &mut dyn ReplySink) {
        self.0.told.play(out);
    }

    /// Appends its bytes in `version` to `out`. `encode` appends them to a buffer, once for all clients of that version;
    /// who is the last to hold it has them made where they go.
    pub fn write(self, version: Version, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>, &Recording)) {
        let written = &self.0.written[version as usize - Version::Resp2 as usize];
        if written.get().is_none() && Arc::strong_count(&self.0) == 1 {
            return encode(out, &self.0.told);
        }
        out.extend_from_slice(written.get_or_init(|| {
            let mut bytes = Vec::with_capacity(self.0.told.len_bytes());
            encode(&mut bytes, &self.0.told);
            bytes.into_boxed_slice()
        }));
    }
}

/// What was put into an outbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// The first since it was emptied: its client has to be called.
    First,
    /// One behind others.
    Behind,
    /// Too much: everything is gone, and its client has to go too.
    TooMuch,
    /// Nothing more, since the client is about to go.
    Nothing,
}

/// What others have for a client.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Whether there is something: what its client looks at without the lock.
    waiting: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    deliveries: Vec<Delivery>,
    len_bytes: u64,
    outgrown: bool,
}

impl Outbox {
    /// Adds `delivery`; `most_bytes` is the bound, 0 for none.
    pub(crate) fn put(&self, delivery: Delivery, most_bytes: u64) -> Put {
        let mut held = self.held.lock();
        if held.outgrown {
            return Put::Nothing;
        }
        held.len_bytes += delivery.len_bytes();
        if most_bytes > 0 && held.len_bytes > most_bytes {
            *held = Held { outgrown: true, ..Held::default() };
            return Put::TooMuch;
        }
        held.deliveries.push(delivery);
        self.waiting.store(true, Ordering::Release);
        if held.deliveries.len() == 1 { Put::First } else { Put::Behind }
    }

    /// Whether there is something in it.
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Whether it has grown beyond its bound.
    pub fn is_outgrown(&self) -> bool {
        self.held.lock().outgrown
    }

    /// Exchanges everything in it for the memory of `into`, which must be empty.
    pub fn take(&self, into: &mut Vec<Delivery>) {
        debug_assert!(into.is_empty());
        let mut held = self.held.lock();
        std::mem::swap(&mut held.deliveries, into);
        held.len_bytes = 0;
        self.waiting.store(false, Ordering::Release);
    }

    /// Takes out what came by a subscription that has ended.
    pub fn forget(&self, topic: Topic, name: &[u8]) {
        self.keep(|delivery| !delivery.is_of(topic, name));
    }

    /// Takes out the commands, for a client that wants to be told no more of them.
    pub fn forget_commands(&self) {
        self.keep(|delivery| !delivery.is_by_monitor());
    }

    fn keep(&self, wanted: impl Fn(&Delivery) -> bool) {
        if !self.is_waiting() {
            return;
        }
        let mut held = self.held.lock();
        held.deliveries.retain(wanted);
        held.len_bytes = held.deliveries.iter().map(Delivery::len_bytes).sum();
        self.waiting.store(!held.deliveries.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(text: &[u8]) -> Delivery {
        let mut told = Recording::default();
        told.bulk(text);
        Delivery::new(told)
    }

    fn written(delivery: Delivery, version: Version, encoded: &mut usize) -> Vec<u8> {
        let mut out = b"before ".to_vec();
        delivery.write(version, &mut out, |out, told| {
            *encoded += 1;
            out.extend_from_slice(format!("{version:?} {}", told.len_bytes()).as_bytes());
        });
        out
    }

    #[test]
    fn what_many_share_is_encoded_once_a_version() {
        let (shared, mut encoded) = (delivery(b"x"), 0);
        for _ in 0..3 {
            assert_eq!(written(shared.clone(), Version::Resp2, &mut encoded), b"before Resp2 10");
            assert_eq!(written(shared.clone(), Version::Resp3, &mut encoded), b"before Resp3 10");
        }
        assert_eq!(encoded, 2);
        assert_eq!(written(delivery(b"y"), Version::Resp3, &mut encoded), b"before Resp3 10");
    }

    #[test]
    fn only_the_first_delivery_calls_and_the_order_is_kept() {
        let outbox = Outbox::default();
        assert!(!outbox.is_waiting());
        assert_eq!(outbox.put(delivery(b"a"), 0), Put::First);
        assert_eq!(outbox.put(delivery(b"bb"), 0), Put::Behind);
        let mut taken = Vec::new();
        outbox.take(&mut taken);
        let lens: Vec<u64> = taken.iter().map(Delivery::len_bytes).collect();
        assert_eq!((lens, outbox.is_waiting()), (vec![10, 11], false));
        assert_eq!(outbox.put(delivery(b"c"), 0), Put::First);
    }

    #[test]
    fn a_bound_counts_bytes_and_ends_the_outbox() {
        let outbox = Outbox::default();
        assert_eq!(outbox.put(delivery(b"a"), 20), Put::First);
        assert_eq!(outbox.put(delivery(b"b"), 20), Put::Behind);
        outbox.take(&mut Vec::new());
        assert_eq!(outbox.put(delivery(b"a"), 20), Put::First);
        assert_eq!(outbox.put(delivery(b"b"), 20), Put::Behind);
        assert_eq!((outbox.put(delivery(b"c"), 20), outbox.is_outgrown()), (Put::TooMuch, true));
        assert_eq!(outbox.put(delivery(b"c"), 20), Put::Nothing);
    }

    #[test]
    fn what_came_by_an_ended_subscription_is_taken_out() {
        let outbox = Outbox::default();
        for name in ["a", "b", "a"] {
            let told = Recording::default();
            let name = Name::from(name.as_bytes());
            outbox.put(Delivery::by_subscription(told, Topic::Channel, name), 0);
        }
        outbox.forget(Topic::Pattern, b"a");
        outbox.forget(Topic::Channel, b"a");
        let mut taken = Vec::new();
        outbox.take(&mut taken);
        assert!(taken.len() == 1 && taken[0].is_of(Topic::Channel, b"b"));
    }
}
