//! Streams: XLEN, XRANGE, XREVRANGE, and what all words about streams share.
//!
//! Read on: [`ids`] (ids and bounds as they are written), [`adding`] (XADD, XSETID), [`trimming`], [`removing`], [`reading`] (XREAD); of groups:
//! [`groups`], [`group_reading`] (XREADGROUP), [`pending`], [`claiming`], [`progress`] (how far a group has read); [`info`].
//!
//! Invariant: an answer that needs what is changed is given after the change, from what was planned before it.

pub mod adding;
mod claim_words;
pub mod claiming;
pub mod group_reading;
pub mod groups;
pub mod ids;
pub mod info;
pub mod pending;
pub mod progress;
pub mod reading;
pub mod references;
pub mod removing;
pub mod trimming;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::stream::{Entry, Group, GroupOp, Id, IdBuffer, Op};
use kvark_values::{Collection, IntBuffer, Stream, Type};

use crate::dispatch::one_line;
use crate::events::CREATECONSUMER;
use crate::row::Answer;
use crate::{args, typed};
use ids::Interval;

pub(crate) const SOURCE: &str = include_str!("streams.rs");

/// Changes the stream at `key`, if there is anything to change.
fn change(w: &mut Writer, key: &[u8], ops: &[u8]) -> Result<(), Fault> {
    if !ops.is_empty() {
        w.change(key, Type::Stream, ops)?;
    }
    Ok(())
}

/// The next change is told only if it makes the consumer.
fn name_consumer_event(w: &mut Writer, key: &[u8], group: &[u8], consumer: &[u8]) -> Result<(), Fault> {
    w.silence();
    let held = if w.is_told() { group_of(typed::stream(w, key)?, group) } else { None };
    if held.is_some_and(|(_, group)| group.consumer(consumer).is_none()) {
        w.set_event(&CREATECONSUMER);
    }
    Ok(())
}

/// Appends an operation on a group.
fn put_group_op(ops: &mut Vec<u8>, name: &[u8], op: GroupOp) {
    Op::Group { name, op }.encode(ops);
}

fn answer_id(id: Id, out: &mut dyn ReplySink) {
    out.bulk(id.text(&mut IdBuffer::default()));
}

fn answer_ids(ids: &[Id], out: &mut dyn ReplySink) {
    out.array(ids.len());
    ids.iter().for_each(|&id| answer_id(id, out));
}

/// The id, and the fields with their values in one list.
fn answer_entry(entry: Entry<'_>, out: &mut dyn ReplySink) {
    out.array(2);
    answer_id(entry.id, out);
    out.array(2 * entry.fields.len());
    for (name, value) in entry.fields {
        out.bulk(name.text(&mut IntBuffer::new()));
        out.bulk(value.text(&mut IntBuffer::new()));
    }
}

/// All of `entries`; they are walked twice, because their number comes first.
fn answer_entries<'v>(entries: impl Iterator<Item = Entry<'v>> + Clone, out: &mut dyn ReplySink) {
    out.array(entries.clone().count());
    entries.for_each(|entry| answer_entry(entry, out));
}

/// That a sub-command was not given what it takes.
fn misused(req: &Request) -> Fault {
    let (family, word) = (one_line(req.name()).to_ascii_uppercase(), one_line(req.arg(1)));
    Fault::new(format!("ERR unknown subcommand or wrong number of arguments for '{word}'. Try {family} HELP."))
}

/// The group `name` of a stream that may be missing.
fn group_of<'v>(stream: Option<&'v Stream>, name: &[u8]) -> Option<(&'v Stream, &'v Group)> {
    stream.and_then(|stream| Some((stream, stream.group(name)?)))
}

/// As [`group_of`], refused if there is none.
fn known_group<'v>(view: &'v View, key: &[u8], name: &[u8]) -> Result<(&'v Stream, &'v Group), Fault> {
    group_of(typed::stream(view, key)?, name).ok_or_else(|| {
        let (key, name) = (one_line(key), one_line(name));
        Fault::new(format!("NOGROUP No such key '{key}' or consumer group '{name}'"))
    })
}

/// `XLEN key`
///
/// How many entries the stream at a key has, 0 if it is missing.
///
/// ```resp
/// > XADD log 1-0 level info
/// "1-0"
/// > XLEN log
/// (integer) 1
/// > XLEN nobody
/// (integer) 0
/// ```
pub fn xlen(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(typed::stream(view, req.arg(1))?.map_or(0, |stream| stream.len() as i64));
    Ok(Outcome::Done)
}

/// `XRANGE key start end [COUNT count]`
///
/// The entries of a stream with ids from `start` to `end`, each with its fields and values; COUNT of them at most. `-` and `+` are the
/// lowest and the highest id, an id without a number is all of its millisecond, and `(` before an id leaves that id out.
///
/// ```resp
/// > XADD log 1-0 level info
/// "1-0"
/// > XADD log 2-0 level warning code 7
/// "2-0"
/// > XRANGE log - +
/// 1) 1) "1-0"
///    2) 1) "level"
///       2) "info"
/// 2) 1) "2-0"
///    2) 1) "level"
///       2) "warning"
///       3) "code"
///       4) "7"
/// > XRANGE log (1 + COUNT 1
/// 1) 1) "2-0"
/// ...
/// > XRANGE log (2-0 +
/// (empty array)
/// ```
pub fn xrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::parse(req.arg(2), req.arg(3))?;
    let Some((stream, count)) = ranged(view, req, out)? else { return Ok(Outcome::Done) };
    answer_entries(stream.range(interval.start, interval.end).take(count), out);
    Ok(Outcome::Done)
}

/// `XREVRANGE key end start [COUNT count]`
///
/// The entries of a stream from `end` back to `start`, the last one first; otherwise as XRANGE.
///
/// ```resp
/// > XADD log 1-0 level info
/// "1-0"
/// > XADD log 2-0 level warning
/// "2-0"
/// > XREVRANGE log + - COUNT 1
/// 1) 1) "2-0"
///    2) 1) "level"
///       2) "warning"
/// ```
pub fn xrevrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::parse(req.arg(3), req.arg(2))?;
    let Some((stream, count)) = ranged(view, req, out)? else { return Ok(Outcome::Done) };
    answer_entries(stream.range_back(interval.start, interval.end).take(count), out);
    Ok(Outcome::Done)
}

/// The stream to be read and how many entries at most; `None` if that is answered already.
fn ranged<'v>(view: &'v View, req: &Request, out: &mut dyn ReplySink) -> Result<Option<(&'v Stream, usize)>, Fault> {
    let count = range_count(req)?;
    match typed::stream(view, req.arg(1))? {
        None => out.array(0),
        Some(_) if count == Some(0) => out.null_array(),
        Some(stream) => return Ok(Some((stream, count.unwrap_or(usize::MAX)))),
    }
    Ok(None)
}

fn range_count(req: &Request) -> Result<Option<usize>, Fault> {
    let mut count = None;
    for at in (4..req.len()).step_by(2) {
        if !req.is(at, "COUNT") || at + 1 == req.len() {
            return Err(Fault::syntax());
        }
        count = Some(args::integer(req.arg(at + 1))?.max(0) as usize);
    }
    Ok(count)
}
