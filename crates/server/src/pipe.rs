//! A client without a socket: bytes in, bytes out, on the thread of whoever calls.
//!
//! It has what a connection of an event loop has: the same parser and turns, an outbox, answers that wait for their position. What must wait (a
//! parked command, a sync, a pause, what others have for it) is looked at again by [`Pipe::proceed`]: when the peer's `wake` has
//! called, or the time of [`Pipe::until_ms`] has come.
//!
//! Invariant: nothing here waits, and commands are executed by the caller's thread only.
//! Invariant: a pipe that waits for a sync is woken when the log has come further, or has failed.

use std::sync::Arc;

use kvark_base::{Error, Millis, Position};
use kvark_call::fault::Parked;
use kvark_call::ticket::End;
use kvark_call::{Delivery, Fault, Peer, Session};
use kvark_engine::Durability;
use parking_lot::Mutex;

use crate::Turns;
use crate::bench::Bench;
use crate::connection::{Connection, Wait};
use crate::listen;
use crate::output::Output;
use crate::rules::Rules;
use crate::stream::Stream;

/// Who among an engine's pipes waits for a sync.
#[derive(Debug, Default)]
pub struct Pipes {
    awaiting_sync: Mutex<Vec<Arc<Peer>>>,
}

impl Pipes {
    /// For the pipes of `engine`.
    pub fn new<E: Turns>(engine: &E) -> Arc<Self> {
        let pipes = Arc::new(Self::default());
        let told = Arc::downgrade(&pipes);
        engine.on_synced(Box::new(move || {
            if let Some(pipes) = told.upgrade() {
                std::mem::take(&mut *pipes.awaiting_sync.lock()).iter().for_each(|peer| peer.wake());
            }
        }));
        pipes
    }

    fn add(&self, peer: &Arc<Peer>) {
        let mut awaiting = self.awaiting_sync.lock();
        if !awaiting.iter().any(|waiting| waiting.id == peer.id) {
            awaiting.push(Arc::clone(peer));
        }
    }
}

/// A client inside the process. Dropping it ends it.
pub struct Pipe<E: Turns> {
    engine: Arc<E>,
    pipes: Arc<Pipes>,
    conn: Connection,
    bench: Bench<E>,
    rules: Rules,
    deliveries: Vec<Delivery>,
    /// The last position that was seen synced.
    synced: Position,
    ended: bool,
}

impl<E: Turns> Pipe<E> {
    /// A new client, who needs no password. `wake` is called, from any thread, when there may be something to [`Pipe::proceed`] with.
    /// The thread that calls may have `others` to serve: then it does not execute what takes long itself.
    pub fn open(engine: Arc<E>, pipes: Arc<Pipes>, others: bool, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let world = engine.world();
        let now_ms = world.clock.now_ms();
        let peer = world.sessions.register(String::new(), String::new(), -1, now_ms, wake);
        let session = Session::new(peer, true).taking_deliveries();
        let session = if others { session.among_others() } else { session };
        Self {
            rules: Rules::new(&world.settings),
            conn: Connection::new(Stream::Inside, session, listen::protocol(), now_ms),
            bench: Bench::for_pipe(Arc::clone(&engine)),
            deliveries: Vec::new(),
            synced: 0,
            ended: false,
            pipes,
            engine,
        }
    }

    /// How others see it.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.conn.session.peer
    }

    /// Takes `bytes` and executes what they complete, up to a command that waits. False when it has ended and takes nothing more.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        if self.has_ended() || self.conn.closing {
            return false;
        }
        if self.conn.input.capacity() == 0 {
            self.conn.input = self.bench.spare.take();
        }
        self.conn.input.extend_from_slice(bytes);
        self.conn.unparsed = true;
        self.conn.active_ms = self.engine.world().clock.now_ms();
        self.conn.note_received(bytes.len());
        if self.conn.pending.is_some() && self.conn.input.len() > self.rules.query_len {
            self.end();
        }
        self.proceed();
        true
    }

    /// Goes on with what waited and does not have to any more, and takes what others have for it.
    pub fn proceed(&mut self) {
        if self.peer().is_killed() {
            self.end();
        }
        if self.ended {
            return;
        }
        let world = self.engine.world();
        let now_ms = world.clock.now_ms();
        if self.rules.generation != world.settings.generation() {
            self.rules = Rules::new(&world.settings);
        }
        self.release();
        self.hand_over();
        self.end_wait(now_ms);
        while self.conn.has_work() {
            self.execute(now_ms);
        }
        self.hand_over();
        if self.peer().is_killed() || self.conn.is_over_limit(&self.rules, now_ms) {
            self.end();
        }
    }

    /// Whether [`Pipe::proceed`] may find something to do before the time of [`Pipe::until_ms`].
    pub fn has_news(&self) -> bool {
        let peer = self.peer();
        peer.is_killed()
            || peer.outbox.is_waiting()
            || !matches!(self.conn.wait, Wait::Nothing)
            || self.conn.awaits_sync
    }

    /// Whether there is something to read, or will be as soon as somebody proceeds, or an end.
    pub fn has_come(&self) -> bool {
        let peer = self.peer();
        !self.readable().is_empty() || peer.outbox.is_waiting() || peer.is_killed() || self.has_ended()
    }

    /// When to proceed without having been woken, if it waits for a time.
    pub fn until_ms(&self) -> Option<Millis> {
        self.conn.deadline_ms
    }

    /// The bytes of its answers that may be read now.
    pub fn readable(&self) -> &[u8] {
        self.conn.output.sendable()
    }

    /// The first `len` bytes of [`Pipe::readable`] were read.
    pub fn consume(&mut self, len: usize) {
        self.conn.output.sent(len, &mut self.bench.spare);
        self.conn.note_sent(len);
    }

    /// Whether nothing more will come of it.
    pub fn has_ended(&self) -> bool {
        self.ended || self.conn.is_over()
    }

    /// Ends it: nobody finds it any more, and what was not read is lost.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            if let Some(parked) = self.unpark() {
                // Nothing is done for it any more.
                parked.ticket.give_up();
            }
            self.engine.world().part(&mut self.conn.session);
            self.conn.closing = true;
            self.conn.output = Output::default();
        }
    }

    fn execute(&mut self, now_ms: Millis) {
        let from = self.conn.output.end();
        match self.bench.serve(&mut self.conn, &self.rules, now_ms) {
            Ok(position) => self.settle(from, position),
            Err(_) => return self.end(),
        }
        self.begin_wait(now_ms);
    }

    /// Seals the log up to `position`, on which what was answered from `from` on depends; at level `disk` that waits.
    fn settle(&mut self, from: usize, position: Position) {
        if position == 0 {
            return;
        }
        match self.engine.seal(position) {
            Err(error) => self.take_back(from, error),
            Ok(()) if self.engine.durability() == Durability::Disk && position > self.engine.synced() => {
                self.conn.output.gate(from, position);
                self.await_sync(position);
            }
            Ok(()) => {}
        }
    }

    /// Nobody knows whether these answers are true: an error is told in their place.
    fn take_back(&mut self, from: usize, error: Error) {
        self.unpark();
        self.conn.output.take_back(from);
        self.conn.refuse(Fault::from(error).message(), &mut self.bench.spare);
        self.conn.wait = Wait::Nothing;
    }

    fn await_sync(&mut self, position: Position) {
        self.conn.awaits_sync = true;
        // Entered before the look: a sync that ends in between calls it.
        self.pipes.add(&self.conn.session.peer);
        self.engine.want_sync(position);
        self.release();
    }

    /// Lets go what waited for the log, if that has come further or has failed.
    fn release(&mut self) {
        if !self.conn.awaits_sync {
            return;
        }
        let synced = self.engine.synced();
        let failure = if synced > self.synced { None } else { self.engine.failure() };
        self.synced = synced;
        self.conn.awaits_sync = false;
        if let Some(error) = failure {
            let from = self.conn.output.gated_from().unwrap_or(self.conn.output.end());
            return self.take_back(from, error);
        }
        self.conn.output.open(synced);
        if self.conn.parked_position().is_some_and(|position| position <= synced) {
            self.resume(true);
        }
        if self.conn.output.gated_from().is_some() || self.conn.parked_position().is_some() {
            self.conn.awaits_sync = true;
            self.pipes.add(&self.conn.session.peer);
        }
    }

    fn begin_wait(&mut self, now_ms: Millis) {
        match &self.conn.wait {
            Wait::Nothing | Wait::Output => {}
            Wait::Held(retry_ms) => self.conn.deadline_ms = Some(now_ms + retry_ms),
            Wait::Parked(parked) => {
                self.peer().park(Some(Arc::clone(&parked.ticket)));
                let (deadline_ms, position) = (parked.deadline_ms, parked.position());
                self.conn.deadline_ms = deadline_ms;
                if let Some(position) = position {
                    self.await_sync(position);
                }
            }
        }
    }

    /// Ends a wait whose time has come, that somebody has ended, or that is worth another try.
    fn end_wait(&mut self, now_ms: Millis) {
        let due = self.conn.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms);
        match &self.conn.wait {
            Wait::Parked(parked) => match parked.ticket.take() {
                Some(end) => self.finish(Some(end), false),
                None if due => self.resume(false),
                None => {}
            },
            Wait::Held(_) => {
                self.conn.deadline_ms = None;
                self.conn.wait = Wait::Nothing;
            }
            Wait::Output if self.conn.output.len() <= self.rules.backlog_len => self.conn.wait = Wait::Nothing,
            _ => {}
        }
    }

    /// Ends the wait of its parked command, because its position was reached or its time is over, unless somebody was first.
    fn resume(&mut self, reached: bool) {
        if let Wait::Parked(parked) = &self.conn.wait {
            let end = parked.ticket.give_up();
            self.finish(end, reached);
        }
    }

    /// Gives the answer of its parked command: what others have ended it with, else by its position or its time.
    fn finish(&mut self, mut end: Option<End>, reached: bool) {
        let Some(parked) = self.unpark() else { return };
        let (from, mut position) = (self.conn.output.end(), 0);
        let world = self.engine.world();
        let Connection { protocol, output, session, .. } = &mut self.conn;
        let output = output.writer(&mut self.bench.spare);
        protocol.answer(output, &mut |out| match end.take() {
            Some(end) => position = parked.finish(end, world, session, out),
            None => parked.resume(reached, world, session, out),
        });
        self.settle(from, position);
    }

    /// The command that it waited with, which it does no longer.
    fn unpark(&mut self) -> Option<Box<Parked>> {
        match std::mem::replace(&mut self.conn.wait, Wait::Nothing) {
            Wait::Parked(parked) => {
                self.conn.deadline_ms = None;
                self.peer().park(None);
                Some(parked)
            }
            other => {
                self.conn.wait = other;
                None
            }
        }
    }

    /// Writes what others have for it behind its answers so far.
    fn hand_over(&mut self) {
        if self.conn.closing || !self.peer().outbox.is_waiting() {
            return;
        }
        self.conn.session.peer.outbox.take(&mut self.deliveries);
        let Connection { protocol, output, session, .. } = &mut self.conn;
        let output = output.writer(&mut self.bench.spare);
        for delivery in self.deliveries.drain(..) {
            delivery.write(session.version, output, |out, told| protocol.answer(out, &mut |sink| told.play(sink)));
        }
    }
}

impl<E: Turns> Drop for Pipe<E> {
    fn drop(&mut self) {
        self.end();
    }
}
