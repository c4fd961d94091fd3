//! While a command of this loop takes too long (a script, or a shard that a script holds), the loop serves its other clients from within it.
//!
//! Invariant: commands that would take a shard are refused meanwhile; the engine sees to that before it has this called.
//! Invariant: nothing here asks for the log, which the script may have to itself: answers that depend on it stay where they are.

use std::time::Duration;

use kvark_base::meanwhile::Meanwhile;
use mio::Events;

use crate::Turns;
use crate::event_loop::EventLoop;

/// Events that are taken at a time.
const MAX_EVENTS: usize = 256;

/// Who is served in a turn, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    slots: Vec<usize>,
    next: usize,
    /// Connections that something came for while they were being served.
    missed: Vec<usize>,
}

impl Serving {
    /// Begins with those who are ready.
    pub fn begin(&mut self, ready: &mut Vec<usize>) {
        std::mem::swap(&mut self.slots, ready);
        self.next = 0;
    }

    /// The next one.
    pub fn next(&mut self) -> Option<usize> {
        let slot = self.slots.get(self.next).copied();
        self.next += usize::from(slot.is_some());
        slot
    }

    /// Gives the memory back to `ready`, which keeps who became ready meanwhile.
    pub fn end(&mut self, ready: &mut Vec<usize>) {
        self.slots.clear();
        self.missed.clear();
        std::mem::swap(&mut self.slots, ready);
        ready.append(&mut self.slots);
    }

    /// Something came for a connection that is not in its place.
    pub fn note_event(&mut self, slot: usize) {
        self.missed.push(slot);
    }

    /// Whether something came for this one.
    pub fn took_event(&mut self, slot: usize) -> bool {
        let before = self.missed.len();
        self.missed.retain(|&missed| missed != slot);
        self.missed.len() < before
    }
}

impl<E: Turns> Meanwhile for EventLoop<E> {
    fn serve(&mut self) {
        let mut events = Events::with_capacity(MAX_EVENTS);
        if self.poll.poll(&mut events, Some(Duration::ZERO)).is_err() {
            // Whatever it is, the turn after this command hears of it.
            return;
        }
        self.now_ms = self.engine.world().clock.now_ms();
        let before = self.answered.len();
        events.iter().for_each(|event| self.take_event(event));
        self.take_mail();
        self.accept();
        let rules = std::sync::Arc::clone(&self.rules);
        let ready = std::mem::take(&mut self.ready);
        for slot in std::iter::from_fn(|| self.serving.next()).chain(ready).collect::<Vec<_>>() {
            self.serve_one(slot, |this, conn| this.bench.serve(conn, &rules, this.now_ms));
        }
        self.settle_independent(before);
    }
}
