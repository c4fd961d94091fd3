//! How other threads reach a loop: they leave a note and wake it, once however many notes there are.

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
    woken: AtomicBool,
    /// Whether this loop has answers that wait for a sync: only then the end of a sync wakes it.
    pub awaits_sync: AtomicBool,
    mail: Mutex<Mail>,
}

impl Mailbox {
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self {
            waker: Waker::new(registry, token)?,
            woken: AtomicBool::new(false),
            awaits_sync: AtomicBool::new(false),
            mail: Mutex::default(),
        })
    }

    /// Wakes the loop; one system call until it has looked.
    pub fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
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

    /// Everything that was left, for a loop that was woken.
    pub fn take(&self) -> Mail {
        self.woken.store(false, Ordering::Release);
        std::mem::take(&mut self.mail.lock())
    }
}
