//! Commands that wait for keys: noted when they find nothing, tried again when a key has something for them.
//!
//! Whoever's command made a key ready serves those who wait for it, when that command is done and its shards are let go, before its
//! next one: one after the other in the order in which they came, each by its own command, executed as if it had come just now.
//!
//! Invariant: a command that might wait lets those go first who wait already.
//! Invariant: who gives up (its time is over, it has gone) is not served, and nothing is done for it.

use std::sync::Arc;

use kvark_base::Position;
use kvark_call::fault::{Parked, Until, Wish};
use kvark_call::request::OwnedRequest;
use kvark_call::ticket::{End, Ticket};
use kvark_call::{Fault, Outcome, Peer, Recording, ReplySink, Request, Session};
use kvark_commands::row::Answer;
use kvark_commands::{Flags, Handler, Row};
use kvark_keyspace::waiting::Ready;
use kvark_keyspace::{View, Waiter, Wants};
use kvark_log::Admission;

use crate::engine::Engine;

/// How often a command that might wait lets another thread go on with serving those who came first.
const PATIENCE: usize = 100;

/// A client that waits, and what it asked for.
struct Client {
    row: &'static Row,
    request: OwnedRequest,
    db: u32,
    touching: bool,
    ticket: Arc<Ticket>,
    peer: Arc<Peer>,
}

/// Notes a command that has found nothing, if it waits for keys. Their shards are still held.
pub(crate) fn stand_in_line(
    answer: &mut Answer,
    view: &mut View<'_>,
    session: &Session,
    row: &'static Row,
    request: &Request<'_>,
) {
    let Ok(Outcome::Park(Parked { until: Until::Keys(wish), ticket, .. })) = answer else { return };
    let Wish { keys, again, .. } = wish;
    let client = Arc::new(Client {
        row,
        request: again.take().unwrap_or_else(|| OwnedRequest::new(request.args_from(0))),
        db: session.db,
        touching: !session.no_touch,
        ticket: Arc::clone(ticket),
        peer: Arc::clone(&session.peer),
    });
    let of_type = row.group.of_type().expect("a command that waits for keys is about one type");
    let wants = Wants { of_type, or_nothing: row.flags.has(Flags::WAITS_FOR_END) };
    ticket.stand_in(Box::new(view.wait(row.keys(request).take(*keys), wants, client)));
}

impl Engine {
    /// Serves those who waited for keys that are ready now. Returns the position of what they wrote, 0 for nothing.
    #[inline]
    pub(crate) fn serve_waiting(&self) -> Position {
        // A script that takes too long holds shards: who waits is served when it has ended.
        if self.keyspace.has_ready() && !self.scripts.is_busy() { self.serve_ready() } else { 0 }
    }

    #[cold]
    fn serve_ready(&self) -> Position {
        let mut position = 0;
        while let Some(ready) = self.keyspace.next_ready() {
            match self.serve(&ready) {
                Ok(written) => position = position.max(written),
                Err(written) => {
                    // The keeper makes room, and goes on when there is.
                    self.keyspace.put_back(ready);
                    self.want_room();
                    return position.max(written);
                }
            }
            self.keyspace.served();
        }
        position
    }

    /// Serves those who wait for one key; `Err` when the log has no room for that now, or a shard is taken for long.
    fn serve(&self, ready: &Ready) -> Result<Position, Position> {
        let mut position = 0;
        let mut last: Option<Arc<Waiter>> = None;
        while let Some(waiter) = self.keyspace.next_waiter(ready, last.as_deref()) {
            let client = waiter.client.downcast_ref::<Client>().expect("only clients wait");
            let request = client.request.as_request();
            let no_room = client.row.writes() && matches!(self.log.admit(request.len_bytes()), Ok(Admission::Wait));
            if no_room || self.keyspace.has_taken_one_of(client.row.keys(&request)) {
                return Err(position);
            }
            position = self.try_again(client).max(position);
            last = Some(waiter);
        }
        Ok(position)
    }

    /// Executes the command of one who waits, and tells it if that had something to answer. Returns what was written.
    fn try_again(&self, client: &Client) -> Position {
        let (request, now_ms) = (client.request.as_request(), self.clock().now_ms());
        let (mut written, mut failed) = (0, false);
        let began = self.clock().ticks();
        let served = match client.row.handler {
            Handler::Read(handler) => {
                let mut view = self.keyspace.view_many(client.db, client.row.keys(&request), now_ms);
                view.set_touching(client.touching);
                if client.row.is_tracked() {
                    self.world.remember(&client.peer, client.row.keys(&request));
                }
                client.ticket.answer(|| {
                    let told = self.told(&mut failed, |out| handler(&view, &request, out))?;
                    Some(End::Answered { told, position: view.seen(), written: 0 })
                })
            }
            Handler::Write(handler) => {
                let mut writer = self.keyspace.write_many(client.db, client.row.keys(&request), now_ms);
                client.row.prepare(&mut writer, client.touching, client.peer.id);
                client.ticket.answer(|| {
                    let told = self.told(&mut failed, |out| handler(&mut writer, &request, out));
                    written = writer.written();
                    Some(End::Answered { told: told?, position: written.max(writer.seen()), written })
                })
            }
            Handler::Ask(_) => unreachable!("a command that waits for keys holds them"),
        };
        if served {
            // That it was called was counted when it came.
            let ticks = self.clock().ticks().saturating_sub(began);
            self.note_run(&client.peer, client.row, &request, 0, ticks, failed);
            client.peer.wake();
        }
        written
    }

    /// What a command answers; `None` when it still has to wait.
    fn told(&self, failed: &mut bool, run: impl FnOnce(&mut dyn ReplySink) -> Answer) -> Option<Recording> {
        let mut told = Recording::default();
        match run(&mut told) {
            Ok(Outcome::Park(_)) => return None,
            Ok(_) => {}
            Err(fault) => {
                *failed = true;
                self.refuse(&fault, &mut told);
            }
        }
        Some(told)
    }

    fn refuse(&self, fault: &Fault, out: &mut Recording) {
        self.counters.note_error(fault);
        *out = Recording::default();
        out.error(fault.message());
    }

    /// Lets those be served first who wait for keys that are ready. Returns the position of what they wrote.
    #[cold]
    pub(crate) fn after_those_who_wait(&self) -> Position {
        let position = self.serve_waiting();
        for _ in 0..PATIENCE {
            if !self.keyspace.has_ready() {
                break;
            }
            std::thread::yield_now();
        }
        position
    }
}
