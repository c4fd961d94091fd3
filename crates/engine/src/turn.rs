//! A pipeline's way through: parse has happened; look ahead, execute, answer.
//!
//! A window of requests is resolved and hashed first and the cache is asked for what they need ([`crate::look_ahead`]); by the
//! time a command runs, that has arrived. (That is most of what separates a fast server from a plain one:
//! `docs/decisions/0005-the-turn.md`.)
//!
//! Invariant: a request is executed at most once; a held one not at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kvark_base::random::Random;
use kvark_base::{Millis, Position};
use kvark_call::fault::Parked;
use kvark_call::session::{PauseMode, ReplyMode};
use kvark_call::{Fault, Outcome, Pipeline, ReplySink, Request, Session};
use kvark_commands::long::is_long;
use kvark_commands::monitor::{self, Sender};
use kvark_commands::{Context, Flags, Handler, Row, scripting};
use kvark_keyspace::Reach;
use kvark_log::Admission;

use crate::engine::Engine;
use crate::long::TAKEN_RETRY_MS;
use crate::look_ahead::{Prepared, Window};
use crate::meter::{Measured, Meter, note_rejected};
use crate::queueing::queue;
use crate::waiting::stand_in_line;

/// How soon to ask again when the log makes room.
const ROOM_RETRY_MS: u64 = 1;

/// How a turn ended.
#[derive(Debug)]
pub enum TurnEnd {
    /// Every request was executed.
    Drained,
    /// Close the connection once the answers are out.
    Close,
    /// The last executed request waits; the rest of the pipeline comes after it is resumed.
    Parked(Parked),
    /// The next request may not run yet (a pause, or the log has no room): call again after `retry_ms` or when woken.
    Held {
        /// Try again then.
        retry_ms: u64,
    },
}

/// What a turn did.
#[derive(Debug)]
pub struct Turn {
    /// How many requests of the pipeline, from the first asked for, are done with.
    pub executed: usize,
    /// The answers depend on the log up to here: seal it before they leave, and at level `disk` keep them until it is synced.
    pub position: Position,
    /// How it ended.
    pub end: TurnEnd,
}

/// Memory that a turn needs and keeps for the next; one a thread.
pub struct Scratch {
    window: Window,
    random: Random,
    measured: Measured,
    /// It serves one request only: it is not worth a tally of its own.
    passing: bool,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::with(Random::from_system())
    }
}

impl Scratch {
    /// A scratch whose commands draw from this seed.
    pub fn from_seed(seed: u64) -> Self {
        Self::with(Random::from_seed(seed))
    }

    /// A scratch for one request.
    pub(crate) fn passing() -> Self {
        Self { passing: true, ..Self::with(Random::from_system()) }
    }

    fn with(random: Random) -> Self {
        Self { window: Window::default(), random, measured: Measured::default(), passing: false }
    }
}

/// What the commands of one turn share.
struct Moment<'t> {
    now_ms: Millis,
    random: &'t mut Random,
    /// The answers so far depend on the log up to here.
    position: Position,
    meter: Meter<'t>,
}

/// Answers to nobody.
struct Discard;

impl ReplySink for Discard {
    fn status(&mut self, _: &str) {}
    fn error(&mut self, _: &str) {}
    fn integer(&mut self, _: i64) {}
    fn bulk(&mut self, _: &[u8]) {}
    fn bulk_integer(&mut self, _: i64) {}
    fn null(&mut self) {}
    fn null_array(&mut self) {}
    fn array(&mut self, _: usize) {}
    fn map(&mut self, _: usize) {}
    fn set(&mut self, _: usize) {}
    fn push(&mut self, _: usize) {}
    fn double(&mut self, _: f64) {}
    fn boolean(&mut self, _: bool) {}
    fn verbatim(&mut self, _: &str, _: &[u8]) {}
    fn speak(&mut self, _: kvark_call::Version) {}
}

impl Engine {
    /// Executes the requests of `pipeline` from `first` on.
    pub fn turn(
        self: &Arc<Self>,
        session: &mut Session,
        pipeline: &Pipeline,
        buffer: &[u8],
        first: usize,
        out: &mut dyn ReplySink,
        scratch: &mut Scratch,
    ) -> Turn {
        let Scratch { window, random, measured, passing } = scratch;
        let mut moment = Moment {
            now_ms: self.clock().now_ms(),
            random,
            position: 0,
            meter: self.meter(std::mem::take(measured), *passing, out.len_bytes()),
        };
        let mut turn = Turn { executed: 0, position: 0, end: TurnEnd::Drained };
        let mut next = first;
        while next < pipeline.len() && matches!(turn.end, TurnEnd::Drained) {
            let end = window.look_ahead(&self.keyspace, session.db, pipeline, buffer, next);
            moment.meter.resume();
            for (index, ready) in (next..end).zip(window.prepared.drain(..)) {
                moment.meter.request = index;
                match self.step(session, ready, &pipeline.request(buffer, index), out, &mut moment) {
                    Ok(Outcome::Done) => {}
                    Ok(Outcome::Close) => turn.end = TurnEnd::Close,
                    Ok(Outcome::Park(parked)) => turn.end = TurnEnd::Parked(parked),
                    Err(retry_ms) => {
                        turn.end = TurnEnd::Held { retry_ms };
                        break;
                    }
                }
                turn.executed += 1;
                let served = self.serve_waiting();
                if served > 0 {
                    moment.position = served.max(moment.position);
                    moment.meter.part();
                    moment.meter.resume();
                }
                if !moment.meter.found.is_empty() {
                    self.note_slow(session, pipeline, buffer, &mut moment.meter);
                }
                if !matches!(turn.end, TurnEnd::Drained) {
                    break;
                }
            }
            moment.meter.part();
            if !moment.meter.found.is_empty() {
                self.note_slow(session, pipeline, buffer, &mut moment.meter);
            }
            next = end;
        }
        turn.position = moment.position;
        *measured = moment.meter.into_measured();
        self.counters.note_commands(turn.executed as u64);
        turn
    }

    /// Executes one request; `Err` says that it may not run yet and when to ask again.
    #[inline]
    fn step(
        self: &Arc<Self>,
        session: &mut Session,
        ready: Prepared,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        moment: &mut Moment<'_>,
    ) -> Result<Outcome, u64> {
        if session.is_attentive() {
            return self.step_of_listener(session, ready, request, out, moment);
        }
        self.answer(session, ready, request, out, moment)
    }

    /// Executes one request of a client that listens or tracks: messages from before it come before its answer, and those that it
    /// sends to itself behind that.
    #[cold]
    fn step_of_listener(
        self: &Arc<Self>,
        session: &mut Session,
        mut ready: Prepared,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        moment: &mut Moment<'_>,
    ) -> Result<Outcome, u64> {
        session.tell_deliveries(out);
        if session.is_confined()
            && let Ok(row) = ready.row
            && !row.flags.has(Flags::CONFINED)
        {
            ready = Prepared { row: Err(confined(row)), key: None };
        }
        let about_client = matches!(&ready.row, Ok(row) if row.name.starts_with("CLIENT"));
        let outcome = self.answer(session, ready, request, out, moment);
        if !about_client && !session.queue.is_open() {
            session.peer.tracker.caching.store(false, Ordering::Relaxed);
        }
        // Nothing may stand in front of the answer of one that waits for it.
        if !matches!(outcome, Ok(Outcome::Park(_))) {
            session.tell_deliveries(out);
        }
        outcome
    }

    #[inline]
    fn answer(
        self: &Arc<Self>,
        session: &mut Session,
        ready: Prepared,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        moment: &mut Moment<'_>,
    ) -> Result<Outcome, u64> {
        let mut discard = Discard;
        let quiet = session.reply != ReplyMode::On && !ends_silence(&ready, request);
        let out: &mut dyn ReplySink = if quiet { &mut discard } else { out };
        if self.keyspace.has_taken() && self.needs_taken(session, &ready.row, request) {
            return Err(TAKEN_RETRY_MS);
        }
        let was = session.reply;
        let in_multi = session.queue.is_open();
        let allowed = if in_multi {
            self.may_run_in_multi(session, &ready.row, request, moment.now_ms)
        } else {
            self.may_run_alone(session, &ready.row, request, moment.now_ms)
        };
        let result = match allowed {
            Err(Refusal::Later(retry_ms)) => return Err(retry_ms),
            Err(Refusal::Never(fault)) => {
                note_rejected(request, &moment.meter);
                Err(fault)
            }
            Ok(row) if in_multi && !row.flags.has(Flags::UNQUEUED) => Ok(queue(session, row, request, out)),
            Ok(row) => self.measured(session, row, &ready, request, out, moment),
        };
        if was == ReplyMode::SkipThis && session.reply == was {
            session.reply = ReplyMode::On;
        } else if session.reply == ReplyMode::SkipNext {
            session.reply = ReplyMode::SkipThis;
        }
        Ok(result.unwrap_or_else(|fault| {
            self.counters.note_error(&fault);
            out.error(fault.message());
            Outcome::Done
        }))
    }

    /// Runs a command and measures how long it takes.
    #[inline]
    fn measured(
        self: &Arc<Self>,
        session: &mut Session,
        row: &'static Row,
        ready: &Prepared,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        moment: &mut Moment<'_>,
    ) -> Result<Outcome, Fault> {
        let monitored = self.world.monitors.are_there();
        // EXEC comes behind its commands.
        let behind = monitored && row.name == "EXEC";
        if monitored && !behind {
            monitor::tell(&self.world, session, row, request, Sender::Client);
        }
        let brief = moment.meter.begins(row, request);
        let result = self.run(session, row, ready, request, out, moment);
        if behind {
            monitor::tell(&self.world, session, row, request, Sender::Client);
        }
        moment.meter.ended(row, brief, out.len_bytes());
        match result {
            Ok(Outcome::Park(_)) => moment.meter.forget(),
            Ok(_) => {}
            Err(_) => moment.meter.failed(row),
        }
        result
    }

    /// Whether a command may run now: password, pause, room in the log.
    #[inline]
    pub(crate) fn may_run(
        &self,
        session: &Session,
        flags: Flags,
        len_bytes: impl FnOnce() -> usize,
        now_ms: Millis,
    ) -> Result<(), Refusal> {
        if !session.authenticated && !flags.has(Flags::NOAUTH) {
            return Err(Refusal::Never(Fault::new("NOAUTH Authentication required.")));
        }
        if self.scripts.is_busy() && !flags.has(Flags::ALLOW_BUSY) {
            return Err(Refusal::Never(scripting::busy_fault(&self.scripts)));
        }
        let writes = flags.has(Flags::WRITE);
        if let Some((mode, until_ms)) = self.world.sessions.paused(now_ms)
            && (writes || flags.has(Flags::MAY_REPLICATE) || mode == PauseMode::All && !flags.has(Flags::ADMIN))
        {
            return Err(Refusal::Later(until_ms.saturating_sub(now_ms).max(1)));
        }
        if writes || flags.has(Flags::SCRIPT) {
            self.admit(len_bytes())?;
        }
        Ok(())
    }

    fn admit(&self, len_bytes: usize) -> Result<(), Refusal> {
        let admission = self.log.admit(len_bytes).map_err(|error| Refusal::Never(error.into()))?;
        if admission == Admission::Wait {
            self.want_room();
            return Err(Refusal::Later(ROOM_RETRY_MS));
        }
        if self.over_bound.load(Ordering::Relaxed) {
            return Err(self.over_bound());
        }
        Ok(())
    }

    /// The log is above its bound: wait for the checkpoint, unless that fails.
    #[cold]
    fn over_bound(&self) -> Refusal {
        self.bells.checkpoint.ring();
        let failed = self.checkpointer.as_ref().and_then(|checkpointer| checkpointer.facts().last_error);
        failed.map_or(Refusal::Later(ROOM_RETRY_MS), |error| Refusal::Never(error.into()))
    }

    #[inline]
    fn may_run_alone(
        &self,
        session: &Session,
        row: &Result<&'static Row, Fault>,
        request: &Request<'_>,
        now_ms: Millis,
    ) -> Result<&'static Row, Refusal> {
        let row = *row.as_ref().map_err(|fault| Refusal::Never(fault.clone()))?;
        self.may_run(session, row.flags, || request.len_bytes(), now_ms)?;
        Ok(row)
    }

    #[inline]
    fn run(
        self: &Arc<Self>,
        session: &mut Session,
        row: &'static Row,
        ready: &Prepared,
        request: &Request<'_>,
        out: &mut dyn ReplySink,
        moment: &mut Moment<'_>,
    ) -> Result<Outcome, Fault> {
        let Moment { now_ms, random, position, .. } = moment;
        let now_ms = *now_ms;
        session.peer.last_command.store(kvark_commands::index(row), Ordering::Relaxed);
        if row.flags.has(Flags::BLOCKING) {
            *position = self.after_those_who_wait().max(*position);
        }
        match row.handler {
            Handler::Read(handler) => {
                let mut view = match (ready.key, row.keys(request).next()) {
                    (Some(hashed), Some(bytes)) => self.keyspace.view_one(session.db, hashed.with(bytes), now_ms),
                    _ => self.keyspace.view_many(session.db, row.keys(request), now_ms),
                };
                if row.flags.has(Flags::MAY_BE_LONG) && is_long(row, &view, request) {
                    drop(view);
                    return self.run_long(session, row, request, out, position);
                }
                view.set_touching(!session.no_touch);
                self.remember(session, row, request);
                let mut result = handler(&view, request, out);
                stand_in_line(&mut result, &mut view, session, row, request);
                *position = view.seen().max(*position);
                result
            }
            Handler::Write(handler) => {
                let mut writer = match (ready.key, row.keys(request).next()) {
                    (Some(hashed), Some(bytes)) => self.keyspace.write_one(session.db, hashed.with(bytes), now_ms),
                    _ => self.keyspace.write_many(session.db, row.keys(request), now_ms),
                };
                if row.flags.has(Flags::MAY_BE_LONG) && is_long(row, &writer, request) {
                    drop(writer);
                    return self.run_long(session, row, request, out, position);
                }
                row.prepare(&mut writer, !session.no_touch, session.peer.id);
                self.remember(session, row, request);
                let mut result = handler(&mut writer, request, out);
                stand_in_line(&mut result, writer.view_mut(), session, row, request);
                session.last_write = writer.written().max(session.last_write);
                *position = writer.written().max(writer.seen()).max(*position);
                result
            }
            Handler::Ask(handler) => {
                // It takes the shards itself. Before: no change is missed. Behind: it is still remembered, if it had changed meanwhile.
                self.remember(session, row, request);
                let mut context = Context {
                    world: &self.world,
                    scripts: &self.scripts,
                    session,
                    keys: Reach::Free(&self.keyspace),
                    upkeep: &**self,
                    now_ms,
                    random,
                    facts: None,
                    position: 0,
                    written: 0,
                };
                let result = handler(&mut context, request, out);
                let (depends, written) = (context.position, context.written);
                session.last_write = written.max(session.last_write);
                *position = depends.max(*position);
                self.remember(session, row, request);
                result
            }
        }
    }
}

impl Engine {
    /// A client that tracks wants to hear of the keys that a command reads.
    #[inline]
    fn remember(&self, session: &Session, row: &Row, request: &Request<'_>) {
        if session.is_tracking() && row.is_tracked() {
            self.world.remember(&session.peer, row.keys(request));
        }
    }
}

/// Why a command does not run.
pub(crate) enum Refusal {
    /// Ask again after so many milliseconds.
    Later(u64),
    /// This is the answer.
    Never(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Never(fault)
    }
}

/// The refusal of a command that a client of RESP2 may not send while it listens.
fn confined(row: &Row) -> Fault {
    let name = row.name.to_ascii_lowercase();
    Fault::new(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    ))
}

/// `CLIENT REPLY ON`, `RESET` and what is answered by pushes are answered whatever the client wanted before.
#[cold]
fn ends_silence(ready: &Prepared, request: &Request<'_>) -> bool {
    match &ready.row {
        Ok(row) if row.name == "CLIENT|REPLY" => request.is(2, "ON"),
        Ok(row) => row.name == "RESET" || row.flags.has(Flags::PUSHES),
        Err(_) => false,
    }
}
