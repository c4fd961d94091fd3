//! One client: its socket, its session, and what came and goes and waits.
//!
//! Invariant: between turns, `parsed` bytes of the input are those of `pending`, and without that there are none.

use std::io;
use std::sync::atomic::Ordering::Relaxed;

use kvark_base::{Millis, Position};
use kvark_call::fault::Parked;
use kvark_call::{Limits, Pipeline, Protocol, Session};

use crate::output::Output;
use crate::rules::Rules;
use crate::spare::Spare;
use crate::stream::Stream;

/// Why a connection does not execute now.
#[derive(Debug)]
pub(crate) enum Wait {
    /// It does.
    Nothing,
    /// Its latest command waits: for a position, for another client, or for its deadline.
    Parked(Box<Parked>),
    /// Its next command may not run yet; try again after so many milliseconds.
    Held(Millis),
    /// Its answers have to leave first.
    Output,
}

/// Requests that were parsed and not executed; their bytes are the connection's input.
#[derive(Debug)]
pub(crate) struct Pending {
    pub pipeline: Pipeline,
    /// The request to go on with.
    pub first: usize,
    /// What to answer behind them, before closing.
    pub refusal: Option<String>,
}

pub(crate) struct Connection {
    pub stream: Stream,
    pub session: Session,
    pub protocol: Box<dyn Protocol>,
    /// Bytes that came and are not executed yet.
    pub input: Vec<u8>,
    /// How long the input must be before the request being read can be whole, if that is known (else 0).
    pub wants: usize,
    /// How much of the input was parsed.
    pub parsed: usize,
    pub pending: Option<Box<Pending>>,
    pub output: Output,
    pub wait: Wait,
    /// Its deadline among the loop's timers.
    pub deadline_ms: Option<Millis>,
    pub active_ms: Millis,
    /// Since when its output is above the soft limit.
    pub over_soft_since_ms: Option<Millis>,
    /// The rules and the login that its protocol was told.
    told: (u64, bool),
    /// There may be something to read.
    pub readable: bool,
    /// The client has closed its sending side: a short read is not the last one.
    pub hung_up: bool,
    /// Everything that it will ever send was read.
    pub ended: bool,
    /// There may be whole requests in the input.
    pub unparsed: bool,
    /// It is among those that the loop serves next.
    pub queued: bool,
    /// Nothing more is executed; it is closed when its answers are out.
    pub closing: bool,
    /// Its socket is watched for room to write.
    pub watches_writes: bool,
    /// It is among those that wait for a sync.
    pub awaits_sync: bool,
}

impl Connection {
    pub fn new(stream: Stream, session: Session, protocol: Box<dyn Protocol>, now_ms: Millis) -> Self {
        Self {
            stream,
            session,
            protocol,
            input: Vec::new(),
            wants: 0,
            parsed: 0,
            pending: None,
            output: Output::default(),
            wait: Wait::Nothing,
            deadline_ms: None,
            active_ms: now_ms,
            over_soft_since_ms: None,
            told: (0, false),
            readable: false,
            hung_up: false,
            ended: false,
            unparsed: false,
            queued: false,
            closing: false,
            watches_writes: false,
            awaits_sync: false,
        }
    }

    /// Whether it may read and execute.
    pub fn is_free(&self) -> bool {
        !self.closing && matches!(self.wait, Wait::Nothing)
    }

    /// Whether there is something to do for it without a new event.
    pub fn has_work(&self) -> bool {
        self.is_free() && (self.readable || self.unparsed || self.pending.is_some())
    }

    /// Whether nothing is left to be done for it.
    pub fn is_over(&self) -> bool {
        self.output.is_empty()
            && (self.closing || (self.ended && !self.has_work() && matches!(self.wait, Wait::Nothing)))
    }

    /// The position that its parked command waits for.
    pub fn parked_position(&self) -> Option<Position> {
        match &self.wait {
            Wait::Parked(parked) => parked.position(),
            _ => None,
        }
    }

    /// Whether it leaves more unread than it may.
    pub fn is_over_limit(&mut self, rules: &Rules, now_ms: Millis) -> bool {
        let limit = if self.session.is_listening() { rules.pubsub_output } else { rules.output };
        let waiting = self.output.len() as u64;
        if limit.hard_bytes > 0 && waiting > limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || waiting <= limit.soft_bytes {
            self.over_soft_since_ms = None;
            return false;
        }
        let since_ms = *self.over_soft_since_ms.get_or_insert(now_ms);
        now_ms.saturating_sub(since_ms) >= limit.soft_seconds * 1000
    }

    /// Tells the protocol what this client may send, if that has changed.
    #[inline]
    pub fn tell_limits(&mut self, rules: &Rules) {
        let told = (rules.generation, self.session.authenticated);
        if self.told != told {
            self.told = told;
            self.protocol.limit(Limits {
                max_bulk_len: rules.max_bulk_len,
                authenticated: self.session.authenticated,
                ..Limits::default()
            });
        }
    }

    /// Reads once into the room that `buffer` has. Errors: the connection is broken.
    pub fn receive(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let room = most.min(buffer.capacity() - buffer.len());
        match self.stream.receive(buffer, room) {
            Ok(0) => {
                self.readable = false;
                self.ended = true;
                Ok(0)
            }
            Ok(received) => {
                // Less than there was room for: the socket is drained, and what comes next is a new event.
                self.readable = received == room || self.hung_up;
                Ok(received)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Answers an error and closes once it is out.
    pub fn refuse(&mut self, message: &str, spare: &mut Spare) {
        self.protocol.answer(self.output.writer(spare), &mut |out| out.error(message));
        self.closing = true;
    }

    /// Tells those who look at this client what came.
    pub fn note_received(&self, received: usize) {
        let peer = &self.session.peer;
        peer.active_ms.store(self.active_ms, Relaxed);
        peer.received_bytes.store(peer.received_bytes.load(Relaxed) + received as u64, Relaxed);
    }

    /// Tells those who look at this client what was not a whole request yet.
    pub fn note_input(&self) {
        self.session.peer.query_bytes.store(self.input.len() as u64, Relaxed);
    }

    /// Tells those who look at this client what was executed.
    pub fn note_executed(&self, requests: usize) {
        let peer = &self.session.peer;
        peer.commands.store(peer.commands.load(Relaxed) + requests as u64, Relaxed);
        peer.db.store(self.session.db, Relaxed);
        peer.version.store(self.session.version as u8, Relaxed);
    }

    /// Tells those who look at this client what left.
    pub fn note_sent(&self, sent: usize) {
        let peer = &self.session.peer;
        peer.sent_bytes.store(peer.sent_bytes.load(Relaxed) + sent as u64, Relaxed);
        peer.output_bytes.store(self.output.len() as u64, Relaxed);
    }
}
