//! What connections wait for without a thread: a deadline, a position, a pause, or their client.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use kvark_base::{Millis, Position};
use kvark_call::fault::Parked;
use kvark_call::{ReplySink, Session, World};

use crate::Turns;
use crate::accept::Acceptor;
use crate::connection::{Connection, Wait};
use crate::event_loop::EventLoop;
use crate::settle::Answered;

/// How often a loop looks at clients that do nothing, and at settings that were changed through another loop.
pub(crate) const SWEEP_MS: Millis = 1000;

impl<E: Turns> EventLoop<E> {
    /// Notes for what a connection waits now, or that it goes on in the next turn.
    pub fn begin_wait(&mut self, slot: usize, conn: &mut Connection) {
        match &conn.wait {
            Wait::Nothing => return self.queue(slot, conn),
            Wait::Output => return,
            Wait::Held(retry_ms) => {
                conn.deadline_ms = Some(self.now_ms + retry_ms);
                self.waiting += 1;
            }
            Wait::Parked(parked) => {
                // The client will not wait for the answer.
                if conn.hung_up {
                    parked.ticket.give_up();
                    conn.wait = Wait::Nothing;
                    conn.closing = true;
                    return;
                }
                conn.session.peer.park(Some(Arc::clone(&parked.ticket)));
                conn.deadline_ms = parked.deadline_ms;
                let position = parked.position();
                self.waiting += 1;
                if let Some(position) = position {
                    if self.engine.synced() >= position {
                        return self.resume(slot, conn, true);
                    }
                    self.engine.want_sync(position);
                    if !std::mem::replace(&mut conn.awaits_sync, true) {
                        self.awaiting_sync.push(slot);
                    }
                }
            }
        }
        if let Some(deadline_ms) = conn.deadline_ms {
            self.timers.add(deadline_ms, slot);
        }
    }

    /// Gives the answer of a parked command, because its position was reached or its time is over, and goes on.
    pub fn resume(&mut self, slot: usize, conn: &mut Connection, reached: bool) {
        let Some(parked) = self.unpark(slot, conn) else { return };
        let end = parked.ticket.give_up();
        self.answer_parked(slot, conn, |world, session, out| match end {
            Some(end) => parked.finish(end, world, session, out),
            None => {
                parked.resume(reached, world, session, out);
                0
            }
        });
    }

    /// Gives the answer of a parked command, if another client has ended its wait, and goes on.
    pub fn take_end(&mut self, slot: usize, conn: &mut Connection) {
        let Wait::Parked(parked) = &conn.wait else { return };
        let Some(end) = parked.ticket.take() else { return };
        let Some(parked) = self.unpark(slot, conn) else { return };
        self.answer_parked(slot, conn, |world, session, out| parked.finish(end, world, session, out));
    }

    /// Writes what `answer` tells, which depends on the log up to what it returns, and goes on.
    fn answer_parked(
        &mut self,
        slot: usize,
        conn: &mut Connection,
        answer: impl FnOnce(&World, &mut Session, &mut dyn ReplySink) -> Position,
    ) {
        let (from, mut position, mut answer) = (conn.output.end(), 0, Some(answer));
        let world = self.engine.world();
        let Connection { protocol, output, session, .. } = conn;
        protocol.answer(output.writer(&mut self.bench.spare), &mut |out| {
            let answer = answer.take().expect("a protocol calls once");
            position = answer(world, session, out);
        });
        self.answered.push(Answered { slot, from, position });
        self.queue(slot, conn);
    }

    /// The command that the connection waited with, which it does no longer.
    pub fn unpark(&mut self, slot: usize, conn: &mut Connection) -> Option<Box<Parked>> {
        let parked = match std::mem::replace(&mut conn.wait, Wait::Nothing) {
            Wait::Parked(parked) => parked,
            other => {
                conn.wait = other;
                return None;
            }
        };
        if let Some(deadline_ms) = conn.deadline_ms.take() {
            self.timers.remove(deadline_ms, slot);
        }
        conn.session.peer.park(None);
        self.waiting -= 1;
        Some(parked)
    }

    /// Ends the wait of a held connection.
    pub fn try_again(&mut self, slot: usize, conn: &mut Connection) {
        if matches!(conn.wait, Wait::Held(_)) {
            conn.wait = Wait::Nothing;
            self.waiting -= 1;
            if let Some(deadline_ms) = conn.deadline_ms.take() {
                self.timers.remove(deadline_ms, slot);
            }
            self.queue(slot, conn);
        }
    }

    /// Goes on with those whose deadline has come.
    pub fn fire_timers(&mut self) {
        while let Some(slot) = self.timers.pop_due(self.now_ms) {
            let Some(mut conn) = self.slots.take(slot) else { continue };
            conn.deadline_ms = None;
            self.answered.push(Answered { slot, from: conn.output.end(), position: 0 });
            self.resume(slot, &mut conn, false);
            self.try_again(slot, &mut conn);
            self.slots.put(slot, conn);
        }
    }

    /// How long to wait for events: not at all while there is work, else until the next deadline.
    pub fn timeout(&self) -> Option<Duration> {
        let awaits_sync = !self.awaiting_sync.is_empty();
        if awaits_sync {
            self.mailbox.awaits_sync.store(true, SeqCst);
        }
        let accepts = self.acceptor.as_ref().is_some_and(Acceptor::has_work);
        let works = accepts || !self.ready.is_empty() || (awaits_sync && self.engine.synced() > self.synced);
        if works || !self.mailbox.rest() {
            return Some(Duration::ZERO);
        }
        let stop = self.stops_at.map(|at| at.saturating_sub(self.stopwatch.uptime()));
        let retry_ms = self.acceptor.as_ref().and_then(|acceptor| acceptor.retry_ms);
        let sweep_ms = (!self.slots.is_empty()).then_some(self.next_sweep_ms);
        let deadline_ms = [self.timers.next_ms(), retry_ms, sweep_ms].into_iter().flatten().min();
        let deadline = deadline_ms.map(|ms| Duration::from_millis(ms.saturating_sub(self.now_ms)));
        [stop, deadline].into_iter().flatten().min()
    }

    /// Closes clients that were silent for too long or too slow for too long.
    pub fn sweep(&mut self) {
        if self.now_ms < self.next_sweep_ms {
            return;
        }
        self.next_sweep_ms = self.now_ms + SWEEP_MS;
        let soft_bytes = self.rules.output.soft_bytes.max(self.rules.pubsub_output.soft_bytes);
        if self.rules.idle_ms == 0 && soft_bytes == 0 {
            return;
        }
        for slot in self.slots.all() {
            let Some(mut conn) = self.slots.take(slot) else { continue };
            let idle_ms = self.now_ms.saturating_sub(conn.active_ms);
            let waits = matches!(conn.wait, Wait::Parked(_)) || conn.session.is_listening();
            let silent = self.rules.idle_ms > 0 && idle_ms >= self.rules.idle_ms && !waits;
            if silent || self.is_too_slow(&mut conn) { self.close(slot, conn) } else { self.slots.put(slot, conn) }
        }
    }
}
