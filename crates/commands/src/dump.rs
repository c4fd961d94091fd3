//! DUMP and RESTORE: values go to other stores and servers, and come back, in Redis' own format. The page is
//! `docs/format/dump.md`.
//!
//! Invariant: a payload is looked at as a whole before anything happens; what makes no sense changes nothing.

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::entry::ACCESS_MASK;
use kvark_keyspace::{View, Writer};
use kvark_rdb::{Payload, Refusal};
use kvark_values::{NewValue, Value};

use crate::args;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("dump.rs");

/// `DUMP key`
///
/// The value at a key as bytes that RESTORE takes, here or in a Redis: everything but the name and the deadline of the key. A missing
/// key is nil.
///
/// The bytes are of the oldest form that holds the value. Redis 7.0 takes nearly all of them; deadlines of fields ask for 7.4, and
/// members of sets and sorted sets that have deadlines can be restored here only.
///
/// ```resp
/// > SET greeting hello
/// OK
/// > DUMP greeting
/// "\x00\x05hello\t\x00\xb3\x80\x8e\xba1\xb2C\xbb"
/// > DUMP nobody
/// (nil)
/// ```
pub fn dump(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match view.find(req.arg(1)) {
        None => out.null(),
        Some(entry) => out.bulk(&kvark_rdb::dump(entry.value())),
    }
    Ok(Outcome::Done)
}

fn put(w: &mut Writer, key: &[u8], value: Value, expires_at: Millis) -> Result<(), Fault> {
    let (db, of_type) = (w.db(), value.as_ref().of_type());
    let before = w.put_anew_in(db, key, NewValue::Owned(value), expires_at)?;
    w.tell_usual(key);
    w.tell_overwritten(before, db, key, of_type);
    Ok(())
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
///
/// Puts a value that DUMP answered, here or in a Redis, at a key. It expires after `ttl` milliseconds, with ABSTTL so many after the Unix
/// epoch; 0 is never. A key that exists is refused unless REPLACE is given. IDLETIME says how long nobody has accessed it; FREQ says
/// how often somebody did, which is not kept.
///
/// ```resp
/// > RESTORE greeting 0 "\x00\x05hello\t\x00\xb3\x80\x8e\xba1\xb2C\xbb"
/// OK
/// > GET greeting
/// "hello"
/// > RESTORE greeting 0 "\x00\x05hello\t\x00\xb3\x80\x8e\xba1\xb2C\xbb"
/// (error) BUSYKEY Target key name already exists.
/// > RESTORE other 0 "\x00\x05HELLO\t\x00\xb3\x80\x8e\xba1\xb2C\xbb"
/// (error) ERR DUMP payload version or checksum are wrong
/// ```
pub fn restore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, options) = (req.arg(1), Options::parse(req)?);
    if !options.replace && w.peek(key).is_some() {
        return Err(Fault::new("BUSYKEY Target key name already exists."));
    }
    let expires_at = deadline(req.arg(2), &options, w.now_ms())?;
    let value = value_of(req.arg(3), w)?;
    let is_past = expires_at != 0 && expires_at <= w.now_ms();
    match value.filter(|_| !is_past) {
        Some(value) => put(w, key, value, expires_at)?,
        None => drop(w.remove(key)?),
    }
    if let Some(idle_seconds) = options.idle_seconds {
        w.note_access(key, (w.now_ms() / 1000).saturating_sub(idle_seconds.min(ACCESS_MASK)));
    }
    out.status("OK");
    Ok(Outcome::Done)
}

#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<u64>,
    has_frequency: bool,
}

impl Options {
    fn parse(req: &Request) -> Result<Self, Fault> {
        let (mut options, mut at) = (Self::default(), 4);
        while at < req.len() {
            at += options.take(req, at)?;
        }
        Ok(options)
    }

    /// Takes one word, perhaps with its number; returns how many arguments those were.
    fn take(&mut self, req: &Request, at: usize) -> Result<usize, Fault> {
        let number = req.get(at + 1);
        match number {
            _ if req.is(at, "REPLACE") => self.replace = true,
            _ if req.is(at, "ABSTTL") => self.absolute = true,
            Some(seconds) if req.is(at, "IDLETIME") && !self.has_frequency => {
                let seconds = u64::try_from(args::integer(seconds)?);
                self.idle_seconds = Some(seconds.map_err(|_| Fault::new("ERR Invalid IDLETIME value, must be >= 0"))?);
                return Ok(2);
            }
            Some(frequency) if req.is(at, "FREQ") && self.idle_seconds.is_none() => {
                if !(0..=255).contains(&args::integer(frequency)?) {
                    return Err(Fault::new("ERR Invalid FREQ value, must be >= 0 and <= 255"));
                }
                self.has_frequency = true;
                return Ok(2);
            }
            _ => return Err(Fault::syntax()),
        }
        Ok(1)
    }
}

fn deadline(ttl: &[u8], options: &Options, now_ms: Millis) -> Result<Millis, Fault> {
    let from = if options.absolute { 0 } else { now_ms };
    match u64::try_from(args::integer(ttl)?) {
        Ok(0) => Ok(0),
        Ok(ttl) if ttl <= i64::MAX as u64 - from => Ok(ttl + from),
        _ => Err(Fault::new("ERR Invalid TTL value, must be >= 0")),
    }
}

/// The value of a payload; `None` when all its members have expired.
fn value_of(payload: &[u8], view: &View) -> Result<Option<Value>, Fault> {
    let bad = || Fault::new("ERR Bad data format");
    let payload = Payload::open(payload).map_err(|refusal| match refusal {
        Refusal::Frame => Fault::new("ERR DUMP payload version or checksum are wrong"),
        Refusal::Kind => bad(),
    })?;
    kvark_rdb::restore(&payload, view.now_ms(), view.forms()).map_err(|_| bad())
}
