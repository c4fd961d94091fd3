//! What a client is told when it can't be done, and how a command ends.

use std::borrow::Cow;

use kvark_base::{Error, Kind, Millis, Position};

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

/// A command that waits: until `position` is synced, or until `deadline_ms`, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Parked {
    /// Wait for the log to be synced up to here.
    pub position: Option<Position>,
    /// Wait no longer than this, on the wall clock; `None` is for ever.
    pub deadline_ms: Option<Millis>,
    /// Gives the answer; the flag says whether the position was reached (false: the deadline came first).
    pub resume: fn(&World, &mut Session, bool, &mut dyn ReplySink),
}
