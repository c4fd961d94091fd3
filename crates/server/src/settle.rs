//! After a turn's requests were executed: the log is sealed, answers leave or wait for their position, and connections
//! that are done with are closed.
//!
//! When the seal fails, nobody knows whether the turn's writes would survive: their answers are taken back, an error is
//! answered in their place and those connections are closed; so no client takes an unknown fate for success. The same
//! holds for answers that wait for a sync when the log fails.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use kvark_base::{Error, Position};
use kvark_call::Fault;
use kvark_engine::Durability;
use mio::Token;

use crate::Turns;
use crate::connection::{Connection, Wait};
use crate::event_loop::EventLoop;
use crate::facts::Counters;

/// A connection that may have something to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub slot: usize,
    /// Where this turn's answers begin in its output.
    pub from: usize,
    /// The position that they depend on; 0 for none.
    pub position: Position,
}

impl<E: Turns> EventLoop<E> {
    /// Ends the turn for everybody who was answered in it.
    pub fn settle(&mut self) {
        let mut answered = std::mem::take(&mut self.answered);
        let upto = answered.iter().map(|answer| answer.position).max().unwrap_or(0);
        if upto > 0 {
            match self.engine.seal(upto) {
                Err(error) => self.take_back(&answered, &error),
                Ok(()) if self.engine.durability() == Durability::Disk => self.gate(&answered, upto),
                Ok(()) => {}
            }
        }
        answered.iter().for_each(|answer| self.send(answer.slot));
        answered.clear();
        self.answered = answered;
    }

    /// Sends what was answered from number `first` on to those who have nothing that waits for the log.
    pub fn settle_independent(&mut self, first: usize) {
        let waits = |slot| self.answered.iter().any(|answer| answer.slot == slot && answer.position > 0);
        let free: Vec<usize> =
            self.answered[first..].iter().map(|answer| answer.slot).filter(|&slot| !waits(slot)).collect();
        free.into_iter().for_each(|slot| self.send(slot));
    }

    /// Puts an error in the place of every answer of this turn that depends on the log.
    fn take_back(&mut self, answered: &[Answered], error: &Error) {
        let fault = Fault::from(error.clone());
        for answer in answered.iter().filter(|answer| answer.position > 0) {
            if let Some(conn) = self.slots.get(answer.slot) {
                conn.output.take_back(answer.from);
                conn.refuse(fault.message(), &mut self.bench.spare);
            }
        }
    }

    /// Holds this turn's answers until their positions are synced.
    fn gate(&mut self, answered: &[Answered], upto: Position) {
        let synced = self.engine.synced();
        for answer in answered.iter().filter(|answer| answer.position > synced) {
            if let Some(conn) = self.slots.get(answer.slot) {
                conn.output.gate(answer.from, answer.position);
                if !std::mem::replace(&mut conn.awaits_sync, true) {
                    self.awaiting_sync.push(answer.slot);
                }
            }
        }
        if upto > synced {
            self.engine.want_sync(upto);
        }
    }

    /// Lets go what waited for the log, if that has come further or has failed.
    pub fn release(&mut self) {
        if self.awaiting_sync.is_empty() {
            return;
        }
        let synced = self.engine.synced();
        let failure = if synced > self.synced { None } else { self.engine.failure() };
        if synced <= self.synced && failure.is_none() {
            return;
        }
        self.synced = self.synced.max(synced);
        for slot in std::mem::take(&mut self.awaiting_sync) {
            let Some(mut conn) = self.slots.take(slot) else { continue };
            self.release_one(slot, &mut conn, failure.as_ref());
            conn.awaits_sync = conn.output.gated_from().is_some() || conn.parked_position().is_some();
            if conn.awaits_sync {
                self.awaiting_sync.push(slot);
            }
            self.slots.put(slot, conn);
            self.answered.push(Answered { slot, from: 0, position: 0 });
        }
        self.mailbox.awaits_sync.store(!self.awaiting_sync.is_empty(), SeqCst);
    }

    fn release_one(&mut self, slot: usize, conn: &mut Connection, failure: Option<&Error>) {
        if let Some(error) = failure {
            let from = conn.output.gated_from().unwrap_or(conn.output.end());
            conn.output.take_back(from);
            conn.refuse(Fault::from(error.clone()).message(), &mut self.bench.spare);
            self.unpark(slot, conn);
            conn.wait = Wait::Nothing;
            return;
        }
        conn.output.open(self.synced);
        if conn.parked_position().is_some_and(|position| position <= self.synced) {
            self.resume(slot, conn, true);
        }
    }

    /// One write, and what follows from it.
    fn send(&mut self, slot: usize) {
        let Some(mut conn) = self.slots.take(slot) else { return };
        let kept =
            self.send_some(&mut conn).is_some() && self.watch_writes(slot, &mut conn).is_some() && !conn.is_over();
        if !kept {
            return self.close(slot, conn);
        }
        if matches!(conn.wait, Wait::Output) && conn.output.len() <= self.rules.backlog_len {
            conn.wait = Wait::Nothing;
            self.queue(slot, &mut conn);
        }
        self.slots.put(slot, conn);
    }

    /// Sends what may leave; `None` when the client has gone or is too slow.
    fn send_some(&mut self, conn: &mut Connection) -> Option<()> {
        self.largest_output = self.largest_output.max(conn.output.len());
        if self.is_too_slow(conn) {
            return None;
        }
        let bytes = conn.output.sendable();
        if bytes.is_empty() {
            return Some(());
        }
        let sent = match conn.stream.send(bytes) {
            Ok(sent) => sent,
            Err(error) if is_full(&error) => 0,
            Err(_) => return None,
        };
        conn.output.sent(sent, &mut self.bench.spare);
        conn.note_sent(sent);
        self.sent_bytes += sent as u64;
        self.writes += 1;
        Some(())
    }

    /// Whether the client leaves more unread than it may, and is to be closed for that.
    pub fn is_too_slow(&self, conn: &mut Connection) -> bool {
        let over = conn.is_over_limit(&self.rules, self.now_ms);
        Counters::add(&self.shared.counters[self.index].output_limit_closed, u64::from(over));
        over
    }

    /// Asks for an event when there is room to write, as long as there is something that did not fit.
    fn watch_writes(&mut self, slot: usize, conn: &mut Connection) -> Option<()> {
        let wanted = !conn.output.sendable().is_empty();
        if wanted != conn.watches_writes {
            conn.stream.watch(self.poll.registry(), Token(slot), wanted, true).ok()?;
            conn.watches_writes = wanted;
        }
        Some(())
    }

    /// Closes a connection that was taken out of its slot.
    pub fn close(&mut self, slot: usize, mut conn: Box<Connection>) {
        if let Some(parked) = self.unpark(slot, &mut conn) {
            // Nothing is done for it any more.
            parked.ticket.give_up();
        }
        if matches!(conn.wait, Wait::Held(_)) {
            self.waiting -= 1;
        }
        if let Some(deadline_ms) = conn.deadline_ms {
            self.timers.remove(deadline_ms, slot);
        }
        if conn.awaits_sync {
            self.awaiting_sync.retain(|&waiting| waiting != slot);
        }
        // Whoever sees its end finds it gone from every list.
        self.engine.world().part(&mut conn.session);
        self.shared.connected.fetch_sub(1, Relaxed);
        self.slots.free(slot);
        conn.stream.end(self.poll.registry());
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted)
}
