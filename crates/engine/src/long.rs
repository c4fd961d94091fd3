//! Requests that take long, executed by a thread of their own, so that nobody waits behind them who needs none of their shards.
//!
//! ```text
//! a turn comes to a request whose row may be long, holds its shards, finds that it is -> lets them go, parks the client, hands it over
//! kvark-long: announces the shards -> a moment later takes them -> executes, records -> completes the client's ticket, wakes its server
//! other turns meanwhile: a request that needs an announced shard is held back, any other goes on
//! ```
//!
//! A caller inside the process executes its own long requests, announced the same way. In a transaction nothing is handed over.
//!
//! Invariant: one long request of clients at a time; they queue here, and not for shards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kvark_base::Position;
use kvark_call::fault::Parked;
use kvark_call::request::OwnedRequest;
use kvark_call::ticket::{End, Ticket};
use kvark_call::{Fault, Peer, Recording, ReplySink, Request, Session};
use kvark_commands::row::Answer;
use kvark_commands::{Flags, Handler, Row};
use parking_lot::Mutex;

use crate::engine::Engine;

/// How soon to ask again for a shard that is taken for long.
pub(crate) const TAKEN_RETRY_MS: u64 = 5;
/// In this time whoever was about to take a shard has taken it and let it go.
const NOTICE: Duration = Duration::from_micros(500);

/// A request that was handed over, and for whom.
pub(crate) struct Job {
    row: &'static Row,
    request: OwnedRequest,
    db: u32,
    touching: bool,
    ticket: Arc<Ticket>,
    peer: Arc<Peer>,
}

/// What is to be executed, in the order in which it came.
#[derive(Default)]
pub(crate) struct LongWork(Mutex<VecDeque<Job>>);

/// How far a long request depends on the log, and how far it has written.
#[derive(Default)]
struct Positions {
    depends: Position,
    written: Position,
}

impl Engine {
    /// Executes a request that is long: here, or by the thread that has time for it.
    #[cold]
    pub(crate) fn run_long(
        &self,
        session: &mut Session,
        row: &'static Row,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        position: &mut Position,
    ) -> Answer {
        // What a client has read may change before another thread's answer has come to it, and it would hear that first.
        if session.is_one_of_many && self.has_background && !session.is_tracking() {
            return Ok(self.hand_over(session, row, request));
        }
        let mut positions = Positions::default();
        let answer =
            self.execute_long(row, request, (session.db, !session.no_touch, &session.peer), out, &mut positions);
        session.last_write = session.last_write.max(positions.written);
        *position = positions.depends.max(*position);
        answer
    }

    fn hand_over(&self, session: &Session, row: &'static Row, request: &Request<'_>) -> kvark_call::Outcome {
        let ticket = Arc::new(Ticket::default());
        self.long_work.0.lock().push_back(Job {
            row,
            request: OwnedRequest::new(request.args_from(0)),
            db: session.db,
            touching: !session.no_touch,
            ticket: Arc::clone(&ticket),
            peer: Arc::clone(&session.peer),
        });
        self.bells.long.ring();
        kvark_call::Outcome::Park(Parked::until_done(ticket))
    }

    /// Executes what was handed over, until there is no more.
    pub(crate) fn do_long_work(&self) {
        loop {
            let job = self.long_work.0.lock().pop_front();
            let Some(job) = job else { return };
            if job.ticket.begin() {
                self.do_job(&job);
            }
        }
    }

    fn do_job(&self, job: &Job) {
        let (request, mut told, mut positions) = (job.request.as_request(), Recording::default(), Positions::default());
        let began = self.clock().ticks();
        let answer = self.execute_long(job.row, &request, (job.db, job.touching, &job.peer), &mut told, &mut positions);
        let ticks = self.clock().ticks().saturating_sub(began);
        // That it was called was counted when it came.
        self.note_run(&job.peer, job.row, &request, 0, ticks, answer.is_err());
        if let Err(fault) = answer {
            told = Recording::default();
            self.counters.note_error(&fault);
            told.error(fault.message());
        }
        let position = self.serve_waiting().max(positions.depends);
        job.ticket.complete(End::Answered { told, position, written: positions.written });
        job.peer.wake();
    }

    fn execute_long(
        &self,
        row: &'static Row,
        request: &Request<'_>,
        (db, touching, peer): (u32, bool, &Peer),
        out: &mut dyn ReplySink,
        positions: &mut Positions,
    ) -> Answer {
        let _announced = self.keyspace.announce(row.keys(request));
        std::thread::sleep(NOTICE);
        let now_ms = self.clock().now_ms();
        match row.handler {
            Handler::Read(handler) => {
                let mut view = self.keyspace.view_many(db, row.keys(request), now_ms);
                view.set_touching(touching);
                if row.is_tracked() {
                    self.world.remember(peer, row.keys(request));
                }
                let answer = handler(&view, request, out);
                positions.depends = view.seen();
                answer
            }
            Handler::Write(handler) => {
                let mut writer = self.keyspace.write_many(db, row.keys(request), now_ms);
                row.prepare(&mut writer, touching, peer.id);
                let answer = handler(&mut writer, request, out);
                positions.written = writer.written();
                positions.depends = writer.seen().max(positions.written);
                answer
            }
            Handler::Ask(_) => unreachable!("a request that may be long names its keys, and holds them"),
        }
    }

    /// Whether a request needs a shard that is taken for long.
    #[cold]
    pub(crate) fn needs_taken(
        &self,
        session: &Session,
        row: &Result<&'static Row, Fault>,
        request: &Request<'_>,
    ) -> bool {
        let Ok(row) = row else { return false };
        if session.queue.is_open() && !row.flags.has(Flags::UNQUEUED) {
            return false;
        }
        // What finds its keys on its way may come to any shard.
        row.flags.has_any(Flags::ANY_KEY.and(Flags::FACTS).and(Flags::SCRIPT))
            || row.name == "EXEC"
            || self.keyspace.has_taken_one_of(row.keys(request))
    }
}
