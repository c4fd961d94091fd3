//! When keys go away by themselves.
//!
//! Invariant: a relative time becomes a moment at once, and that moment is what is kept and logged.
//! Invariant: a moment that has passed removes the key.

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};

use crate::args;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("expiry.rs");

/// When a deadline is set at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// `NX`: the key has none.
    pub if_none: bool,
    /// `XX`: the key has one.
    pub if_some: bool,
    /// `GT`: the new one is later; none counts as never, which nothing is later than.
    pub if_later: bool,
    /// `LT`: the new one is earlier; none counts as never.
    pub if_earlier: bool,
}

impl When {
    fn parse(req: &Request, first: usize) -> Result<Self, Fault> {
        let mut when = Self::default();
        for at in first..req.len() {
            match req.arg(at).to_ascii_uppercase().as_slice() {
                b"NX" => when.if_none = true,
                b"XX" => when.if_some = true,
                b"GT" => when.if_later = true,
                b"LT" => when.if_earlier = true,
                _ => {
                    let option = crate::dispatch::one_line(req.arg(at));
                    return Err(Fault::new(format!("ERR Unsupported option {option}")));
                }
            }
        }
        when.check()
    }

    fn check(self) -> Result<Self, Fault> {
        if self.if_none && (self.if_some || self.if_later || self.if_earlier) {
            return Err(Fault::new("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if self.if_later && self.if_earlier {
            return Err(Fault::new("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(self)
    }

    /// Whether a deadline at `at_ms` may take the place of `current` (0: none).
    pub(crate) fn allows(self, current: Millis, at_ms: i64) -> bool {
        let earlier = current == 0 || at_ms < current as i64;
        let later = current != 0 && at_ms > current as i64;
        !(self.if_none && current != 0
            || self.if_some && current == 0
            || self.if_later && !later
            || self.if_earlier && !earlier)
    }
}

/// Sets when `key` expires, in milliseconds since the Unix epoch, if `when` allows it; whether it was set. A moment that
/// has passed removes the key.
pub fn expire_at(w: &mut Writer, key: &[u8], at_ms: i64, when: When) -> Result<bool, Fault> {
    let Some(entry) = w.peek(key) else { return Ok(false) };
    if !when.allows(entry.expires_at(), at_ms) {
        return Ok(false);
    }
    match u64::try_from(at_ms) {
        Ok(at_ms) if at_ms > w.now_ms() => Ok(w.expire_at(key, at_ms)?),
        _ => Ok(w.remove(key)?),
    }
}

/// Clears the deadline of `key`; whether it had one.
pub fn persist_key(w: &mut Writer, key: &[u8]) -> Result<bool, Fault> {
    let has_one = w.peek(key).is_some_and(|entry| entry.expires_at() != 0);
    Ok(has_one && w.expire_at(key, 0)?)
}

/// When `key` expires, in milliseconds since the Unix epoch: `None` for a missing key, `Some(0)` for never.
pub fn deadline_of(view: &View, key: &[u8]) -> Option<Millis> {
    view.glance(key).map(|entry| entry.expires_at())
}

/// `EXPIRE key seconds [NX | XX | GT | LT]`
///
/// Lets a key expire in so many seconds: 1 when that was set, 0 when there is no such key or the condition does not hold.
/// NX wants no deadline before, XX wants one, GT a new one that is later, LT one that is earlier.
///
/// ```resp
/// > SET session ada
/// OK
/// > EXPIRE session 60
/// (integer) 1
/// > EXPIRE session 30 GT
/// (integer) 0
/// > TTL session
/// (integer) 60
/// > EXPIRE session -1
/// (integer) 1
/// > EXISTS session
/// (integer) 0
/// ```
pub fn expire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_deadline(w, req, 1000, true, "expire", out)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
///
/// Lets a key expire in so many milliseconds, as EXPIRE does.
///
/// ```resp
/// > SET session ada
/// OK
/// > PEXPIRE session 60000
/// (integer) 1
/// > TTL session
/// (integer) 60
/// ```
pub fn pexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_deadline(w, req, 1, true, "pexpire", out)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
///
/// Lets a key expire at a moment, in seconds since the Unix epoch, as EXPIRE does.
///
/// ```resp
/// > SET session ada
/// OK
/// > EXPIREAT session 4102444800
/// (integer) 1
/// > EXPIRETIME session
/// (integer) 4102444800
/// ```
pub fn expireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_deadline(w, req, 1000, false, "expireat", out)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
///
/// Lets a key expire at a moment, in milliseconds since the Unix epoch, as EXPIRE does.
///
/// ```resp
/// > SET session ada
/// OK
/// > PEXPIREAT session 4102444800123
/// (integer) 1
/// > PEXPIRETIME session
/// (integer) 4102444800123
/// ```
pub fn pexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_deadline(w, req, 1, false, "pexpireat", out)
}

fn set_deadline(
    w: &mut Writer,
    req: &Request,
    unit_ms: i64,
    relative: bool,
    command: &str,
    out: &mut dyn ReplySink,
) -> Answer {
    let when = When::parse(req, 3)?;
    let given = args::integer(req.arg(2))?;
    let from = if relative { w.now_ms() as i64 } else { 0 };
    let at_ms = given.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from));
    let at_ms = at_ms.ok_or_else(|| Fault::invalid_expire(command))?;
    out.integer(expire_at(w, req.arg(1), at_ms, when)?.into());
    Ok(Outcome::Done)
}

/// `PERSIST key`
///
/// Clears a key's deadline: 1 when it had one, 0 when not.
///
/// ```resp
/// > SET session ada EX 60
/// OK
/// > PERSIST session
/// (integer) 1
/// > PERSIST session
/// (integer) 0
/// ```
pub fn persist(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(persist_key(w, req.arg(1))?.into());
    Ok(Outcome::Done)
}

/// `TTL key`
///
/// In how many seconds a key expires, rounded: -1 when never, -2 when there is no such key.
///
/// ```resp
/// > SET session ada EX 60
/// OK
/// > TTL session
/// (integer) 60
/// > TTL nobody
/// (integer) -2
/// ```
pub fn ttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_deadline(view, req, out, |at_ms| (at_ms - view.now_ms() + 500) / 1000)
}

/// `PTTL key`
///
/// In how many milliseconds a key expires: -1 when never, -2 when there is no such key.
///
/// ```resp
/// > SET session ada
/// OK
/// > PTTL session
/// (integer) -1
/// > PTTL nobody
/// (integer) -2
/// ```
pub fn pttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_deadline(view, req, out, |at_ms| at_ms - view.now_ms())
}

/// `EXPIRETIME key`
///
/// The moment a key expires, in seconds since the Unix epoch, rounded: -1 when never, -2 when there is no such key.
///
/// ```resp
/// > SET session ada EXAT 4102444800
/// OK
/// > EXPIRETIME session
/// (integer) 4102444800
/// ```
pub fn expiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_deadline(view, req, out, |at_ms| (at_ms + 500) / 1000)
}

/// `PEXPIRETIME key`
///
/// The moment a key expires, in milliseconds since the Unix epoch: -1 when never, -2 when there is no such key.
///
/// ```resp
/// > SET session ada PXAT 4102444800123
/// OK
/// > PEXPIRETIME session
/// (integer) 4102444800123
/// ```
pub fn pexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_deadline(view, req, out, |at_ms| at_ms)
}

fn answer_deadline(view: &View, req: &Request, out: &mut dyn ReplySink, show: impl Fn(Millis) -> Millis) -> Answer {
    out.integer(match deadline_of(view, req.arg(1)) {
        None => -2,
        Some(0) => -1,
        Some(at_ms) => show(at_ms) as i64,
    });
    Ok(Outcome::Done)
}
