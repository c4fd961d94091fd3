//! The workbench of a loop: reads, parses and executes for one connection at a time, with memory that all share.
//!
//! ```text
//! a short rest of the input + what is read now -> the shared buffer -> requests as places in it -> answers
//! a long rest (a big argument on its way) stays where it is, and what is read now goes behind it
//! ```

use std::io;
use std::sync::Arc;

use kvark_base::{Millis, Position};
use kvark_call::Pipeline;
use kvark_engine::TurnEnd;

use crate::Turns;
use crate::connection::{Connection, Pending, Wait};
use crate::rules::Rules;
use crate::spare::Spare;

/// What one read brings at most through the shared buffer.
const SHARED_LEN: usize = 64 * 1024;
/// A rest of the input up to here is moved into the shared buffer; a longer one costs more than its own read.
const SHORT_LEN: usize = 16 * 1024;
/// What one read brings at most into a connection's own buffer.
const MAX_READ_LEN: usize = 1024 * 1024;
/// Requests that are executed before the answers are looked at: a bound for what a pipeline of large reads piles up.
const MAX_REQUESTS: usize = 128;

/// Why a connection has to go at once.
#[derive(Debug)]
pub(crate) enum Gone {
    /// Its socket is broken.
    Broken,
    /// It has sent too much that is not a request yet.
    OverQueryLimit,
}

pub(crate) struct Bench<E: Turns> {
    engine: Arc<E>,
    scratch: E::Scratch,
    shared: Vec<u8>,
    pipeline: Pipeline,
    pub spare: Spare,
    pub received_bytes: u64,
    pub reads: u64,
    pub largest_input: usize,
}

impl<E: Turns> Bench<E> {
    pub fn new(engine: Arc<E>) -> Self {
        Self { shared: Vec::with_capacity(SHARED_LEN), ..Self::for_pipe(engine) }
    }

    /// For a client whose bytes are given, so that nothing is read.
    pub fn for_pipe(engine: Arc<E>) -> Self {
        Self {
            engine,
            scratch: E::Scratch::default(),
            shared: Vec::new(),
            pipeline: Pipeline::default(),
            spare: Spare::default(),
            received_bytes: 0,
            reads: 0,
            largest_input: 0,
        }
    }

    /// Reads once and executes what has come. Returns the position that the new answers depend on, 0 for none.
    pub fn serve(&mut self, conn: &mut Connection, rules: &Rules, now_ms: Millis) -> Result<Position, Gone> {
        let reads = conn.readable && conn.pending.is_none();
        let shares = reads && conn.input.len() <= SHORT_LEN && conn.wants <= SHARED_LEN;
        let mut buffer = if shares { self.shared_with(conn) } else { std::mem::take(&mut conn.input) };
        let read = if reads { self.read(conn, &mut buffer, shares, now_ms) } else { Ok(()) };
        let position = if read.is_ok() { self.execute(conn, rules, &mut buffer) } else { 0 };
        let rest = buffer.len() - conn.parsed;
        self.put_away(conn, buffer, shares);
        conn.note_input();
        match read {
            Err(_) => Err(Gone::Broken),
            Ok(()) if rest > rules.query_len => Err(Gone::OverQueryLimit),
            Ok(()) => Ok(position),
        }
    }

    /// The shared buffer with what the connection has of its next request.
    fn shared_with(&mut self, conn: &mut Connection) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.shared);
        buffer.extend_from_slice(&conn.input);
        conn.input.clear();
        buffer
    }

    fn read(&mut self, conn: &mut Connection, buffer: &mut Vec<u8>, shared: bool, now_ms: Millis) -> io::Result<()> {
        if !shared {
            // Grows with what has come, so that an announced length costs nothing, and ends where the request ends.
            let len = (buffer.len() + SHARED_LEN).max(conn.wants.min(buffer.len() * 2));
            buffer.reserve_exact(len - buffer.len());
        }
        let received = conn.receive(buffer, MAX_READ_LEN)?;
        if received > 0 {
            conn.unparsed = true;
            conn.active_ms = now_ms;
            conn.note_received(received);
            self.received_bytes += received as u64;
            self.reads += 1;
            self.largest_input = self.largest_input.max(buffer.len());
        }
        Ok(())
    }

    /// Executes what is pending, then what can be parsed, until the connection has to wait or there is no more.
    /// Returns the position that the answers depend on.
    fn execute(&mut self, conn: &mut Connection, rules: &Rules, buffer: &mut [u8]) -> Position {
        let mut position = 0;
        if let Some(pending) = conn.pending.take() {
            let Pending { pipeline, first, refusal } = *pending;
            self.pipeline = pipeline;
            position = self.run(conn, buffer, first, refusal);
        }
        while conn.unparsed && conn.pending.is_none() && conn.is_free() {
            let refusal = self.parse(conn, rules, buffer);
            position = self.run(conn, buffer, 0, refusal).max(position);
            if conn.output.len() > rules.backlog_len && conn.is_free() {
                conn.wait = Wait::Output;
            }
        }
        position
    }

    /// Fills the pipeline with the next requests. Returns what to answer behind them, before closing.
    fn parse(&mut self, conn: &mut Connection, rules: &Rules, buffer: &mut [u8]) -> Option<String> {
        conn.tell_limits(rules);
        self.pipeline.clear();
        // What may come behind an AUTH is known when that was answered.
        let limit = if conn.session.authenticated { MAX_REQUESTS } else { 1 };
        let (parsed, refusal) = match conn.protocol.parse(buffer, limit, &mut self.pipeline) {
            Ok(parsed) => (parsed, None),
            Err((parsed, text)) => (parsed, Some(text)),
        };
        conn.parsed = parsed.consumed;
        conn.wants = parsed.wants;
        conn.unparsed = self.pipeline.len() == limit && refusal.is_none();
        refusal
    }

    /// Executes the pipeline from `first` on, then answers `refusal`.
    fn run(&mut self, conn: &mut Connection, buffer: &[u8], first: usize, refusal: Option<String>) -> Position {
        let (done, position) = match first < self.pipeline.len() {
            true => self.turn(conn, buffer, first),
            false => (first, 0),
        };
        if conn.closing {
            return position;
        }
        if done < self.pipeline.len() || (refusal.is_some() && !conn.is_free()) {
            let pipeline = std::mem::take(&mut self.pipeline);
            conn.pending = Some(Box::new(Pending { pipeline, first: done, refusal }));
        } else if let Some(text) = refusal {
            conn.refuse(&text, &mut self.spare);
        }
        position
    }

    /// One turn of the engine. Returns the request to go on with, and the position that the answers depend on.
    fn turn(&mut self, conn: &mut Connection, buffer: &[u8], first: usize) -> (usize, Position) {
        let Self { engine, scratch, pipeline, spare, .. } = self;
        let Connection { session, protocol, output, .. } = conn;
        let mut turn = None;
        protocol.answer(output.writer(spare), &mut |out| {
            turn = Some(engine.turn(session, pipeline, buffer, first, out, scratch));
        });
        let turn = turn.expect("a protocol calls once");
        match turn.end {
            TurnEnd::Drained => {}
            TurnEnd::Close => conn.closing = true,
            TurnEnd::Parked(parked) => conn.wait = Wait::Parked(Box::new(parked)),
            TurnEnd::Held { retry_ms } => conn.wait = Wait::Held(retry_ms.max(1)),
        }
        conn.note_executed(turn.executed);
        (first + turn.executed, turn.position)
    }

    /// Keeps the bytes that are still needed with the connection, and the memory where it is of use.
    fn put_away(&mut self, conn: &mut Connection, mut buffer: Vec<u8>, shared: bool) {
        let done = if conn.pending.is_some() { 0 } else { std::mem::take(&mut conn.parsed) };
        if conn.closing {
            conn.unparsed = false;
            buffer.clear();
        } else if done > 0 {
            conn.protocol.dropped(done);
            conn.wants = conn.wants.saturating_sub(done);
        }
        if shared {
            self.keep(conn, buffer.get(done..).unwrap_or_default());
            buffer.clear();
            self.shared = buffer;
            return;
        }
        buffer.drain(..done.min(buffer.len()));
        if buffer.is_empty() {
            return self.spare.give(buffer);
        }
        if buffer.capacity() > SHARED_LEN && buffer.len() < buffer.capacity() / 4 && conn.wants == 0 {
            buffer.shrink_to(SHARED_LEN);
        }
        conn.input = buffer;
    }

    /// Copies what is left of the shared buffer to the connection.
    fn keep(&mut self, conn: &mut Connection, rest: &[u8]) {
        if rest.is_empty() {
            return self.spare.give(std::mem::take(&mut conn.input));
        }
        if conn.input.capacity() == 0 {
            conn.input = self.spare.take();
        }
        conn.input.extend_from_slice(rest);
    }
}
