//! What a client is told when it can't be done, and how a command ends.

use std::borrow::Cow;
use std::sync::Arc;

use kvark_base::{Error, Kind, Millis, Position};

use crate::request::OwnedRequest;
use crate::ticket::{End, Ticket};
use crate::{ReplySink, Session, World};

/// A refusal in Redis' own words: a code in capitals, a blank, a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(Cow<'static, str>);

impl Fault {
    /// A refusal that says `message`.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }

    /// The whole message, code included.
    pub fn message(&self) -> &str {
        &self.0
    }

    /// `ERR syntax error`.
    pub fn syntax() -> Self {
        Self::new("ERR syntax error")
    }

    /// The value is of another type than the command works on.
    pub fn wrong_type() -> Self {
        Self::new("WRONGTYPE Operation against a key holding the wrong kind of value")
    }

    /// An argument is no 64-bit integer.
    pub fn not_an_integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }

    /// An argument is no float.
    pub fn not_a_float() -> Self {
        Self::new("ERR value is not a valid float")
    }

    /// Too few or too many arguments for `command` (lower case; a sub-command as `client|kill`).
    pub fn arity(command: &str) -> Self {
        Self::new(format!("ERR wrong number of arguments for '{command}' command"))
    }

    /// A deadline that does not fit.
    pub fn invalid_expire(command: &str) -> Self {
        Self::new(format!("ERR invalid expire time in '{command}' command"))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            Kind::NoSpace => "NOSPACE",
            Kind::Io | Kind::Corrupt => "IOERR",
            Kind::Poisoned | Kind::Fenced | Kind::Closed | Kind::Forked => "MISCONF",
            Kind::Busy => "BUSY",
            Kind::Invalid | Kind::Unsupported => "ERR",
        };
        Self::new(format!("{code} {}", error.message().replace(['\r', '\n'], " ")))
    }
}

/// How a command ended that did not fail.
#[derive(Debug)]
pub enum Outcome {
    /// It has answered.
    Done,
    /// It has answered; close the connection once the answer is out.
    Close,
    /// It waits without a thread; it answers when it is resumed.
    Park(Parked),
}

/// A command that waits without a thread.
#[derive(Debug)]
pub struct Parked {
    /// What it waits for.
    pub until: Until,
    /// Wait no longer than this, on the wall clock; `None` is for ever.
    pub deadline_ms: Option<Millis>,
    /// By which others end the wait.
    pub ticket: Arc<Ticket>,
}

/// What a parked command waits for.
#[derive(Debug)]
pub enum Until {
    /// For the log to be synced up to `position` (`None`: for nothing but the deadline).
    Synced {
        /// The position.
        position: Option<Position>,
        /// Gives the answer; the flag says whether the position was reached (false: the deadline came first).
        resume: fn(&World, &mut Session, bool, &mut dyn ReplySink),
    },
    /// For somebody to change one of its keys, so that the command has something to answer. The engine notes that.
    Keys(Wish),
    /// For another thread to execute it.
    Done,
}

/// What a command that waits for keys asks for.
#[derive(Debug)]
pub struct Wish {
    /// It waits for so many of the keys that its row names, from the first on.
    pub keys: usize,
    /// The request by which it is tried again, where that is not the one that came.
    pub again: Option<OwnedRequest>,
    /// The answer where nobody may wait: in a transaction.
    pub nothing: fn(&mut dyn ReplySink),
}

impl Parked {
    /// Until the log is synced up to `position`, or until `deadline_ms`, whichever comes first.
    pub fn until_synced(
        position: Option<Position>,
        deadline_ms: Option<Millis>,
        resume: fn(&World, &mut Session, bool, &mut dyn ReplySink),
    ) -> Self {
        Self { until: Until::Synced { position, resume }, deadline_ms, ticket: Arc::default() }
    }

    /// Until `wish` can be fulfilled, or until `deadline_ms`, whichever comes first.
    pub fn for_keys(wish: Wish, deadline_ms: Option<Millis>) -> Self {
        Self { until: Until::Keys(wish), deadline_ms, ticket: Arc::default() }
    }

    /// Until another thread has executed it.
    pub fn until_done(ticket: Arc<Ticket>) -> Self {
        Self { until: Until::Done, deadline_ms: None, ticket }
    }

    /// The position that it waits for.
    pub fn position(&self) -> Option<Position> {
        match self.until {
            Until::Synced { position, .. } => position,
            Until::Keys(_) | Until::Done => None,
        }
    }

    /// Answers, because the position was reached or (`false`) the time is over.
    pub fn resume(&self, reached: bool, world: &World, session: &mut Session, out: &mut dyn ReplySink) {
        match self.until {
            Until::Synced { resume, .. } => resume(world, session, reached, out),
            Until::Keys(_) | Until::Done => out.null_array(),
        }
    }

    /// Answers where nobody may wait.
    pub fn answer_at_once(&self, world: &World, session: &mut Session, out: &mut dyn ReplySink) {
        match &self.until {
            Until::Synced { resume, .. } => resume(world, session, false, out),
            Until::Keys(wish) => (wish.nothing)(out),
            Until::Done => unreachable!("only the engine hands commands to another thread"),
        }
    }

    /// Answers as `end` says. Returns the position that the answer depends on, 0 for none.
    pub fn finish(&self, end: End, world: &World, session: &mut Session, out: &mut dyn ReplySink) -> Position {
        match end {
            End::Answered { told, position, written } => {
                told.play(out);
                session.last_write = session.last_write.max(written);
                return position;
            }
            End::TimedOut => self.resume(false, world, session, out),
            End::Unblocked => out.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        }
        0
    }
}
