//! One string under one key: SET and GET and their kin.
//!
//! Read on: [`options`] (the words behind SET, GETEX and MSETEX), [`conditions`] (IFEQ and its kin, DIGEST, DELEX, DELIFEQ),
//! [`many`] (several keys at once), [`ranges`] (parts of a string), [`lcs`].
//!
//! Invariant: a plain SET is one look at the table and allocates nothing; so is a GET.

pub mod conditions;
pub mod lcs;
pub mod many;
pub mod options;
pub mod ranges;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::{IntBuffer, StringRef, Type};

use crate::dispatch::check_key;
use crate::row::Answer;
use crate::typed::string_of;
use conditions::Condition;
use options::{Time, Verb, Words, deadline};

pub(crate) const SOURCE: &str = include_str!("strings.rs");

/// What becomes of a key's deadline when its value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// The key never expires.
    #[default]
    Clear,
    /// It expires when it would have expired.
    Keep,
    /// It expires then, in milliseconds since the Unix epoch; a time that has passed removes the key.
    At(Millis),
}

/// How a value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetOptions<'a> {
    /// When it is set at all.
    pub condition: Condition<'a>,
    /// When it expires.
    pub expiry: Expiry,
    /// Whether the value before is wanted.
    pub return_old: bool,
}

/// What setting a value did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetOutcome {
    /// Whether the condition held, and so the value was set.
    pub written: bool,
    /// The value before, when it was asked for and there was one.
    pub old: Option<Vec<u8>>,
}

/// The string at `key`.
#[inline]
pub fn get_value<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<StringRef<'v>>, Fault> {
    view.find(key).map(|entry| string_of(&entry)).transpose()
}

/// Sets the string at `key`.
#[inline]
pub fn set_value(w: &mut Writer, key: &[u8], value: &[u8], options: &SetOptions<'_>) -> Result<SetOutcome, Fault> {
    check_key(key)?;
    if *options == SetOptions::default() {
        w.put(key, StringRef::new(value), 0)?;
        return Ok(SetOutcome { written: true, old: None });
    }
    set_with_options(w, key, value, options)
}

fn set_with_options(w: &mut Writer, key: &[u8], value: &[u8], options: &SetOptions<'_>) -> Result<SetOutcome, Fault> {
    let entry = if options.return_old { w.find(key) } else { w.peek(key) };
    let old = entry.filter(|_| options.return_old).map(|entry| string_of(&entry)).transpose()?.map(text_of);
    let written = options.condition.holds(entry)?;
    if written {
        let kept = entry.map_or(0, |entry| entry.expires_at());
        store(w, key, value, options.expiry, kept)?;
    }
    Ok(SetOutcome { written, old })
}

/// Sets `key`, whose deadline was `kept`; a deadline that has passed removes it.
fn store(w: &mut Writer, key: &[u8], value: &[u8], expiry: Expiry, kept: Millis) -> Result<(), Fault> {
    let expires_at = match expiry {
        Expiry::Clear => 0,
        Expiry::Keep => kept,
        Expiry::At(at_ms) if at_ms <= w.now_ms() => return come_and_go(w, key),
        Expiry::At(at_ms) => {
            w.set_second_event(Some(&Event::EXPIRE));
            at_ms
        }
    };
    Ok(w.put(key, StringRef::new(value), expires_at)?)
}

/// A value whose time has passed takes what was there along.
fn come_and_go(w: &mut Writer, key: &[u8]) -> Result<(), Fault> {
    let (event, before) = (w.silence(), w.held(key));
    w.remove(key)?;
    w.tell_placed(before, key, Type::String);
    [event, &Event::EXPIRE, &Event::EXPIRED].into_iter().for_each(|event| w.tell(event, key));
    w.set_event(event);
    Ok(())
}

/// The value's bytes, with memory of their own.
pub(crate) fn text_of(value: StringRef<'_>) -> Vec<u8> {
    value.text(&mut IntBuffer::new()).to_vec()
}

/// Answers a value, or that there is none.
#[inline]
pub(crate) fn answer_value(value: Option<StringRef<'_>>, out: &mut dyn ReplySink) {
    match value {
        None => out.null(),
        Some(StringRef::Int(number)) => out.bulk_integer(number),
        Some(StringRef::Bytes(bytes)) => out.bulk(bytes),
    }
}

fn answer_old(old: Option<Vec<u8>>, out: &mut dyn ReplySink) {
    match old {
        None => out.null(),
        Some(text) => out.bulk(&text),
    }
}

/// `GET key`
///
/// The string at a key. A missing key is nil.
///
/// ```resp
/// > SET greeting hello
/// OK
/// > GET greeting
/// "hello"
/// > GET nobody
/// (nil)
/// ```
#[inline]
pub fn get(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_value(get_value(view, req.arg(1))?, out);
    Ok(Outcome::Done)
}

/// `SET key value [NX | XX | IFEQ old-value | IFNE old-value | IFDEQ digest | IFDNE digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]`
///
/// Sets a key to a string, whatever it held before, and clears its deadline unless told otherwise. A condition that does
/// not hold leaves the key alone and answers nil: NX wants it missing, XX wants it there, IFEQ and IFNE compare its value,
/// IFDEQ and IFDNE its DIGEST. GET answers the value before instead of OK.
///
/// ```resp
/// > SET user:100 ada EX 60
/// OK
/// > TTL user:100
/// (integer) 60
/// > SET user:100 bob NX
/// (nil)
/// > SET user:100 bob IFEQ ada GET KEEPTTL
/// "ada"
/// > GET user:100
/// "bob"
/// ```
#[inline]
pub fn set(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() == 3 {
        w.put(req.arg(1), StringRef::new(req.arg(2)), 0)?;
        out.status("OK");
        return Ok(Outcome::Done);
    }
    set_with_words(w, req, out)
}

fn set_with_words(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let words = Words::parse(req, 3, Verb::Set)?;
    let options = words.set_options(w.now_ms(), "set")?;
    let outcome = set_value(w, req.arg(1), req.arg(2), &options)?;
    if options.return_old {
        answer_old(outcome.old, out);
    } else if outcome.written {
        out.status("OK");
    } else {
        out.null();
    }
    Ok(Outcome::Done)
}

/// `SETNX key value`
///
/// Sets a key to a string unless the key exists: 1 when it was set, 0 when it was not. SET with NX says the same.
///
/// ```resp
/// > SETNX lock me
/// (integer) 1
/// > SETNX lock you
/// (integer) 0
/// > GET lock
/// "me"
/// ```
pub fn setnx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let options = SetOptions { condition: Condition::IfMissing, ..SetOptions::default() };
    let outcome = set_value(w, req.arg(1), req.arg(2), &options)?;
    out.integer(outcome.written.into());
    Ok(Outcome::Done)
}

/// `SETEX key seconds value`
///
/// Sets a key to a string that expires in so many seconds.
///
/// ```resp
/// > SETEX session 60 ada
/// OK
/// > TTL session
/// (integer) 60
/// > SETEX session 0 ada
/// (error) ERR invalid expire time in 'setex' command
/// ```
pub fn setex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_for(w, req, Time::seconds(req.arg(2)), "setex", out)
}

/// `PSETEX key milliseconds value`
///
/// Sets a key to a string that expires in so many milliseconds.
///
/// ```resp
/// > PSETEX session 60000 ada
/// OK
/// > TTL session
/// (integer) 60
/// ```
pub fn psetex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    set_for(w, req, Time::milliseconds(req.arg(2)), "psetex", out)
}

fn set_for(w: &mut Writer, req: &Request, time: Time<'_>, command: &str, out: &mut dyn ReplySink) -> Answer {
    let at_ms = deadline(time, w.now_ms(), command)?;
    store(w, req.arg(1), req.arg(3), Expiry::At(at_ms), 0)?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `GETSET key value`
///
/// Sets a key to a string and answers the one before. SET with GET says the same.
///
/// ```resp
/// > GETSET door open
/// (nil)
/// > GETSET door shut
/// "open"
/// ```
pub fn getset(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let options = SetOptions { return_old: true, ..SetOptions::default() };
    answer_old(set_value(w, req.arg(1), req.arg(2), &options)?.old, out);
    Ok(Outcome::Done)
}

/// `GETDEL key`
///
/// The string at a key, which is removed. A missing key is nil.
///
/// ```resp
/// > SET once "only this time"
/// OK
/// > GETDEL once
/// "only this time"
/// > GETDEL once
/// (nil)
/// ```
pub fn getdel(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let old = get_value(w, req.arg(1))?.map(text_of);
    if old.is_some() {
        w.remove(req.arg(1))?;
    }
    answer_old(old, out);
    Ok(Outcome::Done)
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]`
///
/// The string at a key, whose deadline is set or, with PERSIST, cleared. Without a word it is GET.
///
/// ```resp
/// > SET session ada
/// OK
/// > GETEX session EX 60
/// "ada"
/// > TTL session
/// (integer) 60
/// > GETEX session PERSIST
/// "ada"
/// > TTL session
/// (integer) -1
/// ```
pub fn getex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let words = Words::parse(req, 2, Verb::Get)?;
    let Some(entry) = w.find(key) else {
        out.null();
        return Ok(Outcome::Done);
    };
    let value = string_of(&entry)?;
    match words.time {
        Time::None | Time::Keep => {}
        Time::Persist if entry.expires_at() == 0 => {}
        Time::Persist => drop(w.expire_at(key, 0)?),
        time => {
            let at_ms = deadline(time, w.now_ms(), "getex")?;
            if at_ms <= w.now_ms() {
                let old = text_of(value);
                w.remove(key)?;
                out.bulk(&old);
                return Ok(Outcome::Done);
            }
            w.expire_at(key, at_ms)?;
        }
    }
    answer_value(w.peek(key).map(|entry| string_of(&entry)).transpose()?, out);
    Ok(Outcome::Done)
}
