//! Several fields at once, with a word about their time: HGETDEL, HGETEX, HSETEX.
//!
//! Invariant: a deadline that has passed removes the field.

use std::collections::BTreeSet;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Event, Writer};
use kvark_values::hash::Op;
use kvark_values::{Hash, StringRef, Type};

use crate::dispatch::check_key;
use crate::events::{HDEL, HEXPIRE, HPERSIST};
use crate::member_expiry::{Scale, members};
use crate::row::Answer;
use crate::strings::{answer_value, text_of};
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("fields.rs");

/// What becomes of the deadlines of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// The word's own: HGETEX leaves them, HSETEX takes them away.
    Unsaid,
    /// They stay (`KEEPTTL`).
    Keep,
    /// They go (`PERSIST`).
    Persist,
    /// All are this one.
    At(Millis),
}

impl Time {
    /// The deadline that `word` and the number behind it mean, if it is such a word.
    fn parse(word: &[u8], number: Option<&[u8]>, now_ms: Millis, command: &str) -> Result<Option<Self>, Fault> {
        let scale = match word.to_ascii_uppercase().as_slice() {
            b"EX" => Scale::SECONDS,
            b"PX" => Scale::MILLISECONDS,
            b"EXAT" => Scale::UNIX_SECONDS,
            b"PXAT" => Scale::UNIX_MILLISECONDS,
            _ => return Ok(None),
        };
        let number = number.ok_or_else(|| Fault::new("ERR missing expire time"))?;
        Ok(Some(Self::At(scale.parse(number, now_ms, command)? as Millis)))
    }

    fn has_passed(self, now_ms: Millis) -> bool {
        matches!(self, Self::At(at_ms) if at_ms <= now_ms)
    }
}

/// Where the fields begin that `FIELDS numfields field ...` at `at` names; all arguments behind belong to it.
fn fields_from(req: &Request, at: usize, command: &str) -> Result<usize, Fault> {
    if at + 1 >= req.len() {
        return Err(Fault::arity(command));
    }
    let fields = members::<Hash>(req, at, "ERR Number of fields must be a positive integer")?;
    Ok(req.len() - fields.len())
}

/// The values of the fields from argument `first` on, kept for the answer behind a change. One that is named again is missing by then
/// if fields `go`.
fn values_of(hash: Option<&Hash>, req: &Request, first: usize, go: bool) -> Vec<Option<Vec<u8>>> {
    let mut named = BTreeSet::new();
    let value = |field| {
        let gone = go && !named.insert(field);
        hash.filter(|_| !gone).and_then(|hash| hash.get(StringRef::new(field))).map(text_of)
    };
    req.args_from(first).map(value).collect()
}

fn answer_values(values: &[Option<Vec<u8>>], out: &mut dyn ReplySink) {
    out.array(values.len());
    values.iter().for_each(|value| answer_value(value.as_deref().map(StringRef::Bytes), out));
}

/// `HGETDEL key FIELDS numfields field [field ...]`
///
/// The values of fields, which are removed. A missing one is nil.
///
/// ```resp
/// > HSET job:1 state done result 42
/// (integer) 2
/// > HGETDEL job:1 FIELDS 2 result owner
/// 1) "42"
/// 2) (nil)
/// > HLEN job:1
/// (integer) 1
/// ```
pub fn hgetdel(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, mut ops) = (req.arg(1), Vec::new());
    typed::hash(w, key)?;
    let first = fields_from(req, 2, "hgetdel")?;
    let hash = typed::hash(w, key)?;
    for field in req.args_from(first).filter(|field| hash.is_some_and(|hash| hash.contains(StringRef::new(field)))) {
        Op::Remove { field }.encode(&mut ops);
    }
    let values = values_of(hash, req, first, true);
    if !ops.is_empty() {
        w.change(key, Type::Hash, &ops)?;
    }
    answer_values(&values, out);
    Ok(Outcome::Done)
}

/// `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]`
///
/// The values of fields, and sets or takes away when they expire. A missing one is nil.
///
/// ```resp
/// > HSET session:1 token abc
/// (integer) 1
/// > HGETEX session:1 EX 60 FIELDS 2 token owner
/// 1) "abc"
/// 2) (nil)
/// > HGETEX session:1 PERSIST FIELDS 1 token
/// 1) "abc"
/// ```
pub fn hgetex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, now_ms) = (req.arg(1), w.now_ms());
    typed::hash(w, key)?;
    let (time, at) = match Time::parse(req.arg(2), req.get(3), now_ms, "hgetex")? {
        Some(time) => (time, 4),
        None if req.arg(2).eq_ignore_ascii_case(b"PERSIST") => (Time::Persist, 3),
        None => (Time::Unsaid, 2),
    };
    let first = fields_from(req, at, "hgetex")?;
    let (hash, mut ops) = (typed::hash(w, key)?, Vec::new());
    for field in req.args_from(first) {
        if let Some(deadline) = hash.and_then(|hash| hash.deadline_of(StringRef::new(field))) {
            expire_op(field, deadline, time, now_ms).into_iter().for_each(|op| op.encode(&mut ops));
        }
    }
    let values = values_of(hash, req, first, time.has_passed(now_ms));
    if !ops.is_empty() {
        w.set_event(match time {
            Time::Persist => &HPERSIST,
            time if time.has_passed(now_ms) => &HDEL,
            _ => &HEXPIRE,
        });
        w.change(key, Type::Hash, &ops)?;
    }
    answer_values(&values, out);
    Ok(Outcome::Done)
}

/// What `time` means for a field that has this deadline.
fn expire_op(field: &[u8], deadline: Millis, time: Time, now_ms: Millis) -> Option<Op<'_>> {
    match time {
        Time::Unsaid | Time::Keep => None,
        Time::Persist => (deadline != 0).then_some(Op::Expire { field, at: 0 }),
        _ if time.has_passed(now_ms) => Some(Op::Remove { field }),
        Time::At(at) => Some(Op::Expire { field, at }),
    }
}

/// When HSETEX sets at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Always,
    /// All fields are there (`FXX`).
    IfPresent,
    /// None of them is (`FNX`).
    IfMissing,
}

/// The words of HSETEX, and where its pairs begin.
struct SetWords {
    only: Only,
    time: Time,
    first: usize,
}

impl SetWords {
    fn parse(req: &Request, now_ms: Millis) -> Result<Self, Fault> {
        let mut words = Self { only: Only::Always, time: Time::Unsaid, first: 0 };
        let mut at = 2;
        while at < req.len() {
            let word = req.arg(at).to_ascii_uppercase();
            match word.as_slice() {
                b"FIELDS" => {
                    words.first = pairs_from(req, at)?;
                    return Ok(words);
                }
                b"FXX" => words.condition(Only::IfPresent)?,
                b"FNX" => words.condition(Only::IfMissing)?,
                b"KEEPTTL" => words.time(Time::Keep)?,
                _ => at += words.take_time(req, at, now_ms)?,
            }
            at += 1;
        }
        Err(Fault::arity("hsetex"))
    }

    fn condition(&mut self, only: Only) -> Result<(), Fault> {
        if self.only != Only::Always {
            return Err(Fault::new("ERR Only one of FXX or FNX arguments can be specified"));
        }
        self.only = only;
        Ok(())
    }

    fn time(&mut self, time: Time) -> Result<(), Fault> {
        if self.time != Time::Unsaid {
            return Err(Fault::new("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"));
        }
        self.time = time;
        Ok(())
    }

    /// Takes a word that says a time; how many arguments belong to it besides.
    fn take_time(&mut self, req: &Request, at: usize, now_ms: Millis) -> Result<usize, Fault> {
        let said = self.time != Time::Unsaid;
        match Time::parse(req.arg(at), req.get(at + 1).or(said.then_some(b"0")), now_ms, "hsetex")? {
            Some(time) => self.time(time).map(|()| 1),
            None => {
                let word = String::from_utf8_lossy(req.arg(at)).into_owned();
                Err(Fault::new(format!("ERR unknown argument: {word}")))
            }
        }
    }
}

/// Where the pairs begin that `FIELDS numfields field value ...` at `at` names.
fn pairs_from(req: &Request, at: usize) -> Result<usize, Fault> {
    if at + 3 >= req.len() {
        return Err(Fault::arity("hsetex"));
    }
    let fault = "ERR invalid number of fields";
    let count = args::integer_or(req.arg(at + 1), fault)?;
    if !(1..=i64::from(i32::MAX)).contains(&count) {
        return Err(Fault::new(fault));
    }
    if req.len() - at - 2 != 2 * count as usize {
        return Err(Fault::arity("hsetex"));
    }
    Ok(at + 2)
}

/// `HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]`
///
/// Sets fields and when they expire: 1 when they were set, 0 when a condition did not hold. FNX asks that none of them is there, FXX
/// that all are.
///
/// ```resp
/// > HSETEX session:1 EX 60 FIELDS 2 token abc user ada
/// (integer) 1
/// > HSETEX session:1 FNX FIELDS 1 token xyz
/// (integer) 0
/// > HSETEX session:1 FXX KEEPTTL FIELDS 1 token xyz
/// (integer) 1
/// > HGET session:1 token
/// "xyz"
/// ```
pub fn hsetex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, now_ms) = (req.arg(1), w.now_ms());
    check_key(key)?;
    let words = SetWords::parse(req, now_ms)?;
    let hash = typed::hash(w, key)?;
    let fields = || (words.first..req.len()).step_by(2);
    let there = |at: usize| hash.is_some_and(|hash| hash.contains(StringRef::new(req.arg(at))));
    let holds = match words.only {
        Only::Always => true,
        Only::IfPresent => fields().all(there),
        Only::IfMissing => !fields().any(there),
    };
    if holds {
        let mut ops = Vec::new();
        for at in fields() {
            match words.time {
                time if time.has_passed(now_ms) => {
                    if there(at) {
                        Op::Remove { field: req.arg(at) }.encode(&mut ops);
                    }
                }
                time => set_op(req.arg(at), req.arg(at + 1), time).encode(&mut ops),
            }
        }
        if let Time::At(_) = words.time {
            w.set_second_event(Some(if words.time.has_passed(now_ms) { &HDEL } else { &HEXPIRE }));
        }
        if ops.is_empty() {
            tell_come_and_gone(w, key);
        } else {
            w.change(key, Type::Hash, &ops)?;
        }
    }
    out.integer(holds.into());
    Ok(Outcome::Done)
}

/// Fields were set to values whose time has passed: nothing is different now, not even whether there is a hash.
fn tell_come_and_gone(w: &mut Writer, key: &[u8]) {
    let missing = w.peek(key).is_none();
    if missing {
        w.tell_placed(w.held(key), key, Type::Hash);
    }
    w.tell_usual(key);
    w.tell(&HDEL, key);
    if missing {
        w.tell(&Event::DEL, key);
    }
}

fn set_op<'a>(field: &'a [u8], value: &'a [u8], time: Time) -> Op<'a> {
    match time {
        Time::Unsaid | Time::Persist => Op::Set { field, value, expires_at: 0 },
        Time::Keep => Op::Update { field, value },
        Time::At(at) => Op::Set { field, value, expires_at: at },
    }
}
