//! The words behind SET, GETEX and MSETEX: conditions, deadlines, GET.
//!
//! Invariant: all words are read, and contradictions refused, before anything else is looked at.

use kvark_base::{Millis, number};
use kvark_call::{Fault, Request};

use super::conditions::Condition;
use super::{Expiry, SetOptions};

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GETEX.
    Get,
    /// SET.
    Set,
    /// MSETEX.
    SetMany,
}

/// What was said about the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time<'a> {
    /// Nothing.
    #[default]
    None,
    /// `KEEPTTL`.
    Keep,
    /// `PERSIST`.
    Persist,
    /// A number: of seconds or milliseconds, from now or since the Unix epoch.
    Given {
        /// The number as it came.
        number: &'a [u8],
        /// Milliseconds in its unit.
        unit_ms: i64,
        /// Whether it counts from now.
        relative: bool,
    },
}

impl<'a> Time<'a> {
    /// So many seconds from now.
    pub fn seconds(number: &'a [u8]) -> Self {
        Self::Given { number, unit_ms: 1000, relative: true }
    }

    /// So many milliseconds from now.
    pub fn milliseconds(number: &'a [u8]) -> Self {
        Self::Given { number, unit_ms: 1, relative: true }
    }

    /// Whether the same thing may be said twice, with another number: as in Redis the later one counts.
    fn is_said_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Given { unit_ms, relative, .. }, Self::Given { unit_ms: other_ms, relative: other, .. }) => {
                unit_ms == other_ms && relative == other
            }
            _ => self == other,
        }
    }
}

/// All words of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'a> {
    /// When to set at all.
    pub condition: Condition<'a>,
    /// The deadline.
    pub time: Time<'a>,
    /// `GET`.
    pub get: bool,
}

impl<'a> Words<'a> {
    /// Reads the arguments from `first` on.
    pub fn parse(req: &Request<'a>, first: usize, verb: Verb) -> Result<Self, Fault> {
        let mut words = Self::default();
        let mut at = first;
        while at < req.len() {
            at += words.take(req.arg(at), req.get(at + 1), verb)?;
        }
        Ok(words)
    }

    /// Takes one word, perhaps with the argument behind it; returns how many arguments those were.
    fn take(&mut self, word: &[u8], next: Option<&'a [u8]>, verb: Verb) -> Result<usize, Fault> {
        let mut folded = [0; 7];
        let sets = verb != Verb::Get;
        let compares = verb == Verb::Set;
        match (fold(word, &mut folded), next) {
            (b"NX", _) if sets => self.condition(Condition::IfMissing, 1),
            (b"XX", _) if sets => self.condition(Condition::IfPresent, 1),
            (b"IFEQ", Some(value)) if compares => self.condition(Condition::IfEqual(value), 2),
            (b"IFNE", Some(value)) if compares => self.condition(Condition::IfNotEqual(value), 2),
            (b"IFDEQ", Some(digest)) if compares => self.condition(Condition::IfDigest(digest), 2),
            (b"IFDNE", Some(digest)) if compares => self.condition(Condition::IfNotDigest(digest), 2),
            (b"GET", _) if compares => {
                self.get = true;
                Ok(1)
            }
            (b"KEEPTTL", _) if sets => self.time(Time::Keep, 1),
            (b"PERSIST", _) if !sets => self.time(Time::Persist, 1),
            (b"EX", Some(number)) => self.time(Time::seconds(number), 2),
            (b"PX", Some(number)) => self.time(Time::milliseconds(number), 2),
            (b"EXAT", Some(number)) => self.time(Time::Given { number, unit_ms: 1000, relative: false }, 2),
            (b"PXAT", Some(number)) => self.time(Time::Given { number, unit_ms: 1, relative: false }, 2),
            _ => Err(Fault::syntax()),
        }
    }

    fn condition(&mut self, condition: Condition<'a>, taken: usize) -> Result<usize, Fault> {
        if self.condition != Condition::Always && self.condition != condition {
            return Err(Fault::syntax());
        }
        self.condition = condition;
        Ok(taken)
    }

    fn time(&mut self, time: Time<'a>, taken: usize) -> Result<usize, Fault> {
        if self.time != Time::None && !self.time.is_said_like(time) {
            return Err(Fault::syntax());
        }
        self.time = time;
        Ok(taken)
    }

    /// The words as options of a set; `command` is named when the deadline is refused.
    pub fn set_options(&self, now_ms: Millis, command: &str) -> Result<SetOptions<'a>, Fault> {
        let expiry = match self.time {
            Time::None | Time::Persist => Expiry::Clear,
            Time::Keep => Expiry::Keep,
            time => Expiry::At(deadline(time, now_ms, command)?),
        };
        Ok(SetOptions { condition: self.condition, expiry, return_old: self.get })
    }
}

/// The moment that `time` means, in milliseconds since the Unix epoch.
pub fn deadline(time: Time<'_>, now_ms: Millis, command: &str) -> Result<Millis, Fault> {
    let Time::Given { number, unit_ms, relative } = time else { return Err(Fault::syntax()) };
    let given = number::parse_i64(number).ok_or_else(Fault::not_an_integer)?;
    let from = if relative { now_ms as i64 } else { 0 };
    let at_ms = given.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from)).filter(|_| given > 0);
    at_ms.map(|at_ms| at_ms as Millis).ok_or_else(|| Fault::invalid_expire(command))
}

/// `word` in capitals; empty when it is longer than every word there is.
fn fold<'b>(word: &[u8], buffer: &'b mut [u8; 7]) -> &'b [u8] {
    let Some(folded) = buffer.get_mut(..word.len()) else { return &[] };
    folded.copy_from_slice(word);
    folded.make_ascii_uppercase();
    folded
}
