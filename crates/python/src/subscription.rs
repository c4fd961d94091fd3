//! A listener inside the process: what it listens to, and the messages that have come for it.
//!
//! Invariant: who waits for a message is detached; who sends one rings a bell and touches no Python.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use kvark_base::{Error, Kind};
use kvark_call::{Delivery, Peer, Session, Topic, World};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bell::{Bell, SLICE};
use crate::bytes::key as name_of;
use crate::errors::{of_error, raise};
use crate::execute::texts_of;
use crate::handle::forks;
use crate::store::Store;

/// Something that listens; `kvark.Subscription` makes messages of what comes.
#[pyclass(frozen, subclass, module = "kvark._native")]
pub(crate) struct Subscription {
    world: Arc<World>,
    peer: Arc<Peer>,
    /// Nothing once it was closed.
    session: Mutex<Option<Session>>,
    /// What was taken out of the outbox and not handed over yet.
    ready: Mutex<VecDeque<Delivery>>,
    bell: Arc<Bell>,
    born: u32,
}

/// Channel, data, and the pattern by which it came.
type Words<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>);

impl Subscription {
    /// The next message that has come.
    fn pop(&self) -> Option<Delivery> {
        let mut ready = self.ready.lock();
        if ready.is_empty() {
            let mut taken = Vec::new();
            self.peer.outbox.take(&mut taken);
            ready.extend(taken);
            if ready.len() > 1 {
                // Whoever waits beside us was called once for all of them.
                self.bell.wake_others();
            }
        }
        ready.pop_front()
    }

    fn is_closed(&self) -> bool {
        self.peer.is_killed()
    }

    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        if self.born == forks() {
            return Ok(());
        }
        let message = "the subscription was made by the parent process: open a store in this one and subscribe there";
        Err(of_error(py, &Error::new(Kind::Forked, message)))
    }

    /// Changes what is listened to. What was closed stays so.
    fn change(&self, py: Python<'_>, mut change: impl FnMut(&World, &mut Session)) -> PyResult<()> {
        self.check_fork(py)?;
        match &mut *self.session.lock() {
            Some(session) if !self.is_closed() => change(&self.world, session),
            _ => {
                let message = "the subscription is closed: make another with store.subscribe()";
                return Err(of_error(py, &Error::new(Kind::Closed, message)));
            }
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(mut session) = self.session.lock().take() {
            self.world.part(&mut session);
            self.peer.kill();
        }
    }
}

fn names<'a>(objects: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<&'a [u8]>> {
    objects.iter().map(name_of).collect()
}

fn words<'py>(py: Python<'py>, delivery: &Delivery) -> Words<'py> {
    let texts = texts_of(delivery);
    let mut words = texts.iter().map(|text| PyBytes::new(py, text));
    // What kind of message, the pattern if it came by one, the channel, the data.
    let kind = words.next();
    let pattern = if words.len() == 3 { words.next() } else { None };
    match (kind, words.next(), words.next()) {
        (Some(_), Some(channel), Some(data)) => (channel, data, pattern),
        _ => unreachable!("a message has a channel and data: {texts:?}"),
    }
}

#[pymethods]
impl Subscription {
    #[new]
    #[pyo3(signature = (store, /))]
    fn new(store: &Bound<'_, Store>) -> PyResult<Self> {
        let world = Arc::clone(store.get().handle().attached(store.py())?.world());
        let bell = Arc::new(Bell::default());
        let ringing = Arc::clone(&bell);
        let (nowhere, now_ms) = (String::new(), world.clock.now_ms());
        let peer = world.sessions.register(nowhere.clone(), nowhere, -1, now_ms, Box::new(move || ringing.ring()));
        let session = Session::new(Arc::clone(&peer), true).taking_deliveries();
        Ok(Self { world, peer, session: Mutex::new(Some(session)), ready: Mutex::default(), bell, born: forks() })
    }

    fn _listen(
        &self,
        py: Python<'_>,
        channels: Vec<Bound<'_, PyAny>>,
        patterns: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (channels, patterns) = (names(&channels)?, names(&patterns)?);
        self.change(py, |world, session| {
            channels.iter().for_each(|name| world.channels.subscribe(session, Topic::Channel, name));
            patterns.iter().for_each(|name| world.channels.subscribe(session, Topic::Pattern, name));
        })
    }

    fn _leave(&self, py: Python<'_>, channels: Vec<Bound<'_, PyAny>>, patterns: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let (channels, patterns) = (names(&channels)?, names(&patterns)?);
        self.change(py, |world, session| {
            channels.iter().for_each(|name| world.channels.unsubscribe(session, Topic::Channel, name));
            patterns.iter().for_each(|name| world.channels.unsubscribe(session, Topic::Pattern, name));
            let ended = |delivery: &Delivery| {
                channels.iter().any(|name| delivery.is_of(Topic::Channel, name))
                    || patterns.iter().any(|name| delivery.is_of(Topic::Pattern, name))
            };
            self.ready.lock().retain(|delivery| !ended(delivery));
        })
    }

    fn _names<'py>(&self, py: Python<'py>, patterns: bool) -> Vec<Bound<'py, PyBytes>> {
        let topic = if patterns { Topic::Pattern } else { Topic::Channel };
        let names = self.session.lock().as_ref().map_or_else(Vec::new, |session| session.subscriptions.names(topic));
        names.iter().map(|name| PyBytes::new(py, name)).collect()
    }

    /// The next message's words, waiting `seconds` for it (None: for ever); None when none came, or it was closed.
    fn _take<'py>(&self, py: Python<'py>, seconds: Option<f64>) -> PyResult<Option<Words<'py>>> {
        self.check_fork(py)?;
        let clock = &self.world.clock;
        let until = seconds.map(|seconds| clock.uptime() + Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
        loop {
            let heard = self.bell.heard();
            if let Some(delivery) = self.pop() {
                return Ok(Some(words(py, &delivery)));
            }
            if self.peer.outbox.is_outgrown() {
                self.end();
                let message = "more bytes of messages waited than client-output-buffer-limit allows for pubsub, so the subscription \
                               was closed: read faster, or make a new one";
                return Err(raise(py, "SlowSubscriber", message));
            }
            let left = until.map_or(SLICE, |until| until.saturating_sub(clock.uptime()).min(SLICE));
            if self.is_closed() || left.is_zero() {
                return Ok(None);
            }
            py.detach(|| self.bell.wait(heard, left));
            py.check_signals()?;
        }
    }

    /// A descriptor that has something to read once a message has come since the last that was taken.
    fn _fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.check_fork(py)?;
        Ok(self.bell.fd()?)
    }

    /// Whether it was closed: by `close`, with its store, by CLIENT KILL, or because it was too slow.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    /// Listens no more; closing again does nothing. Who waits for a message gets none.
    fn close(&self, py: Python<'_>) {
        if self.born == forks() {
            py.detach(|| self.end());
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.born == forks() {
            self.end();
        } else {
            // The tables belong to the parent, and somebody may have held them when it forked.
            std::mem::forget(self.session.get_mut().take());
        }
    }
}
