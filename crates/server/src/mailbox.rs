//! How a loop is reached, by other threads and by what it does itself: a note is left, and the loop is woken if it sleeps,
//! once however many notes there are.
//!
//! Invariant: a loop that has said it rests is woken for every note left since; one that is awake looks before it rests.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token, Waker};
use parking_lot::Mutex;

use crate::accept::Arrival;

/// What was left for a loop.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Connections that it shall serve.
    pub arrivals: Vec<Arrival>,
    /// Connections, by their slot, that somebody wants looked at. A slot may have passed to another client meanwhile.
    pub nudged: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Mailbox {
    waker: Waker,
    /// The loop will look before it sleeps: nobody has to wake it.
    awake: AtomicBool,
    /// There is something to look at.
    news: AtomicBool,
    /// Whether this loop has answers that wait for a sync: only then the end of a sync wakes it.
    pub awaits_sync: AtomicBool,
    mail: Mutex<Mail>,
}

impl Mailbox {
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self {
            waker: Waker::new(registry, token)?,
            awake: AtomicBool::new(false),
            news: AtomicBool::new(false),
            awaits_sync: AtomicBool::new(false),
            mail: Mutex::default(),
        })
    }

    /// Makes the loop look; a system call if it sleeps and nobody has woken it yet.
    pub fn wake(&self) {
        self.news.store(true, Ordering::Release);
        if !self.awake.swap(true, Ordering::AcqRel) {
            // It fails only when the loop is gone.
            let _ = self.waker.wake();
        }
    }

    pub fn send(&self, arrival: Arrival) {
        self.mail.lock().arrivals.push(arrival);
        self.wake();
    }

    pub fn nudge(&self, slot: usize) {
        self.mail.lock().nudged.push(slot);
        self.wake();
    }

    /// The loop is about to sleep, unless this says that there is something to look at.
    pub fn rest(&self) -> bool {
        // Both sides exchange first and look then, so one of them sees the other.
        self.awake.swap(false, Ordering::AcqRel);
        !self.has_news()
    }

    /// The loop has slept.
    pub fn attend(&self) {
        self.awake.store(true, Ordering::Release);
    }

    /// Whether there is something to look at.
    pub fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire)
    }

    /// Everything that was left.
    pub fn take(&self) -> Mail {
        self.news.swap(false, Ordering::AcqRel);
        std::mem::take(&mut self.mail.lock())
    }
}
