//! One thread's loop: wait for events, serve who has something, settle.
//!
//! Events are edge-triggered through `mio`, and a read that brings less than it had room for has drained its socket: without
//! pipelining a command costs one `recv` and one `send`, and a wait is shared by all who are ready (40,000 commands of 50
//! clients: 40,052 `recv`, 40,001 `send`, 1,745 `epoll_wait`). Bare epoll has nothing left to save.
//!
//! Invariant: a slot is freed and filled again only between two waits, so an event never reaches a stranger.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use kvark_base::{Clock, Millis, Position, background, meanwhile};
use kvark_call::Delivery;
use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::Turns;
use crate::accept::Acceptor;
use crate::bench::{Bench, Gone};
use crate::connection::{Connection, Wait};
use crate::facts::Counters;
use crate::mailbox::Mailbox;
use crate::rules::Rules;
use crate::server::Shared;
use crate::settle::Answered;
use crate::slots::Slots;
use crate::standing_in::Serving;
use crate::timers::Timers;
use crate::waits::SWEEP_MS;

/// The token of the loop's own waker.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// Events that one wait brings at most.
const MAX_EVENTS: usize = 1024;
/// How long a stopping loop tries to send what was answered.
const STOP_TIME: Duration = Duration::from_millis(1000);

pub(crate) struct EventLoop<E: Turns> {
    pub engine: Arc<E>,
    pub shared: Arc<Shared>,
    pub index: usize,
    pub poll: Poll,
    pub mailbox: Arc<Mailbox>,
    pub acceptor: Option<Acceptor>,
    pub slots: Slots,
    pub bench: Bench<E>,
    /// The bench of who stands in while a command takes too long at the other.
    pub second: Option<Bench<E>>,
    pub rules: Arc<Rules>,
    pub timers: Timers,
    /// Who is served in the coming turn, and in this one.
    pub ready: Vec<usize>,
    pub serving: Serving,
    /// Who may have something to send at the end of this turn.
    pub answered: Vec<Answered>,
    /// What one client is given, while it is.
    deliveries: Vec<Delivery>,
    /// Who waits for a sync, and the last position that was seen synced.
    pub awaiting_sync: Vec<usize>,
    pub synced: Position,
    pub now_ms: Millis,
    /// Clients that wait for something other than their own next request.
    pub waiting: usize,
    pub sent_bytes: u64,
    pub writes: u64,
    pub largest_output: usize,
    pub next_sweep_ms: Millis,
    pub stopwatch: Clock,
    pub stops_at: Option<Duration>,
}

impl<E: Turns> EventLoop<E> {
    pub fn new(engine: Arc<E>, shared: Arc<Shared>, index: usize, poll: Poll, acceptor: Option<Acceptor>) -> Self {
        let now_ms = engine.world().clock.now_ms();
        Self {
            mailbox: Arc::clone(&shared.mailboxes[index]),
            rules: Arc::new(Rules::new(&engine.world().settings)),
            second: Some(Bench::new(Arc::clone(&engine))),
            serving: Serving::default(),
            bench: Bench::new(Arc::clone(&engine)),
            engine,
            shared,
            index,
            poll,
            acceptor,
            slots: Slots::default(),
            timers: Timers::default(),
            ready: Vec::new(),
            answered: Vec::new(),
            deliveries: Vec::new(),
            awaiting_sync: Vec::new(),
            synced: 0,
            now_ms,
            waiting: 0,
            sent_bytes: 0,
            writes: 0,
            largest_output: 0,
            next_sweep_ms: now_ms + SWEEP_MS,
            stopwatch: Clock::system(),
            stops_at: None,
        }
    }

    /// Turns until the server stops.
    pub fn run(&mut self) -> io::Result<()> {
        background::attend();
        let mut events = Events::with_capacity(MAX_EVENTS);
        while !self.is_done() {
            let timeout = self.timeout();
            let polled = self.poll.poll(&mut events, timeout);
            self.mailbox.attend();
            match polled {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                result => result?,
            }
            self.turn(&events);
        }
        Ok(())
    }

    fn turn(&mut self, events: &Events) {
        self.now_ms = self.engine.world().clock.now_ms();
        if self.rules.generation != self.engine.world().settings.generation() {
            self.rules = Arc::new(Rules::new(&self.engine.world().settings));
        }
        events.iter().for_each(|event| self.take_event(event));
        self.take_mail();
        self.accept();
        self.fire_timers();
        self.release();
        self.serve();
        // What the turn's commands have for clients of this loop leaves with its answers.
        self.take_mail();
        self.settle();
        self.sweep();
        self.publish();
    }

    pub fn take_event(&mut self, event: &Event) {
        let token = event.token();
        if token == WAKER || self.is_listener(token) {
            return;
        }
        let slot = token.0;
        let Some(mut conn) = self.slots.take(slot) else { return self.serving.note_event(slot) };
        let parked = matches!(conn.wait, Wait::Parked(_));
        if (event.is_read_closed() && parked) || (event.is_error() && !conn.is_free()) {
            return self.close(slot, conn);
        }
        conn.readable |= event.is_readable() || event.is_error();
        conn.hung_up |= event.is_read_closed();
        if event.is_writable() {
            self.answered.push(Answered { slot, from: conn.output.end(), position: 0 });
        }
        self.queue(slot, &mut conn);
        self.slots.put(slot, conn);
    }

    /// Serves this connection in the coming turn, if there is something to do.
    pub fn queue(&mut self, slot: usize, conn: &mut Connection) {
        if !conn.queued && conn.has_work() {
            conn.queued = true;
            self.ready.push(slot);
        }
    }

    pub fn take_mail(&mut self) {
        if !self.mailbox.has_news() {
            return;
        }
        let mail = self.mailbox.take();
        mail.arrivals.into_iter().for_each(|arrival| self.adopt(arrival));
        mail.nudged.into_iter().for_each(|slot| self.look_at(slot));
        if self.stops_at.is_none() && self.shared.stopping.load(Acquire) {
            self.begin_stop();
        }
    }

    /// Somebody wants this client gone, or has something for it, or its commands may run again.
    fn look_at(&mut self, slot: usize) {
        let Some(mut conn) = self.slots.take(slot) else { return };
        if conn.session.peer.is_killed() {
            let outgrown = u64::from(conn.session.peer.outbox.is_outgrown());
            Counters::add(&self.shared.counters[self.index].output_limit_closed, outgrown);
            return self.close(slot, conn);
        }
        if conn.session.is_tracking() {
            // What it does itself makes stale what it has read: it hears that behind its answer.
            self.take_end(slot, &mut conn);
            self.hand_over(slot, &mut conn);
        } else {
            self.hand_over(slot, &mut conn);
            self.take_end(slot, &mut conn);
        }
        self.try_again(slot, &mut conn);
        self.slots.put(slot, conn);
    }

    /// Writes what others have for this client behind its answers so far.
    fn hand_over(&mut self, slot: usize, conn: &mut Connection) {
        if conn.closing || !conn.session.peer.outbox.is_waiting() {
            return;
        }
        self.answered.push(Answered { slot, from: conn.output.end(), position: 0 });
        conn.session.peer.outbox.take(&mut self.deliveries);
        let Connection { protocol, output, session, .. } = conn;
        let output = output.writer(&mut self.bench.spare);
        for delivery in self.deliveries.drain(..) {
            delivery.write(session.version, output, |out, told| protocol.answer(out, &mut |sink| told.play(sink)));
        }
    }

    /// Reads and executes for everybody who is ready.
    fn serve(&mut self) {
        let second = self.second.take().expect("nobody stands in");
        let mut bench = std::mem::replace(&mut self.bench, second);
        let rules = Arc::clone(&self.rules);
        self.serving.begin(&mut self.ready);
        while let Some(slot) = self.serving.next() {
            self.serve_one(slot, |this, conn| {
                let now_ms = this.now_ms;
                meanwhile::with(this, || bench.serve(conn, &rules, now_ms))
            });
        }
        self.second = Some(std::mem::replace(&mut self.bench, bench));
        // Whoever has more to do waits for the next turn, in the memory of this one.
        self.serving.end(&mut self.ready);
    }

    /// Reads and executes for one, by `serve`.
    pub fn serve_one(&mut self, slot: usize, serve: impl FnOnce(&mut Self, &mut Connection) -> Result<Position, Gone>) {
        let Some(mut conn) = self.slots.take(slot) else { return };
        conn.queued = false;
        if conn.has_work() {
            let from = conn.output.end();
            let served = serve(self, &mut conn);
            // What it sent meanwhile was an event for somebody who was not in his place.
            conn.readable |= self.serving.took_event(slot);
            match served {
                Ok(position) => self.answered.push(Answered { slot, from, position }),
                Err(gone) => {
                    self.count_gone(&gone);
                    return self.close(slot, conn);
                }
            }
            self.begin_wait(slot, &mut conn);
        }
        self.slots.put(slot, conn);
    }

    fn count_gone(&self, gone: &Gone) {
        if matches!(gone, Gone::OverQueryLimit) {
            Counters::add(&self.shared.counters[self.index].query_limit_closed, 1);
        }
    }

    /// Adds this turn to the counters that others read.
    fn publish(&mut self) {
        let counters = &self.shared.counters[self.index];
        Counters::count(&counters.cycles, 1);
        Counters::count(&counters.reads, std::mem::take(&mut self.bench.reads));
        Counters::count(&counters.writes, std::mem::take(&mut self.writes));
        Counters::add(&counters.received_bytes, std::mem::take(&mut self.bench.received_bytes));
        Counters::add(&counters.sent_bytes, std::mem::take(&mut self.sent_bytes));
        Counters::raise(&counters.largest_input, std::mem::take(&mut self.bench.largest_input));
        Counters::raise(&counters.largest_output, std::mem::take(&mut self.largest_output));
        if counters.waiting.load(Relaxed) != self.waiting {
            counters.waiting.store(self.waiting, Relaxed);
        }
    }

    /// Nobody new comes in, nothing more is executed; what was answered may still leave.
    fn begin_stop(&mut self) {
        self.acceptor = None;
        self.stops_at = Some(self.stopwatch.uptime() + STOP_TIME);
        for slot in self.slots.all() {
            if let Some(conn) = self.slots.get(slot) {
                conn.closing = true;
                self.answered.push(Answered { slot, from: conn.output.end(), position: 0 });
            }
        }
    }

    fn is_done(&self) -> bool {
        self.stops_at.is_some_and(|at| self.slots.is_empty() || self.stopwatch.uptime() >= at)
    }
}

impl<E: Turns> Drop for EventLoop<E> {
    fn drop(&mut self) {
        for slot in self.slots.all() {
            if let Some(conn) = self.slots.take(slot) {
                self.close(slot, conn);
            }
        }
    }
}
