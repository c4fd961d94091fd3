//! XINFO: what is known of a stream, its groups and their consumers.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::stream::{Consumer, Entry, Group, Id};
use kvark_values::{Collection, Stream};

use super::groups::no_group;
use super::progress::{Facts, first_id};
use super::{answer_entries, answer_entry, answer_id, misused};
use crate::context::Context;
use crate::row::Answer;
use crate::{args, help, typed};

pub(crate) const SOURCE: &str = include_str!("info.rs");

/// `XINFO subcommand [argument ...]`
///
/// What is known of a stream. XINFO HELP lists the sub-commands.
///
/// ```resp
/// > XINFO
/// (error) ERR wrong number of arguments for 'xinfo' command
/// ```
pub fn xinfo(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    xinfo_help(ctx, req, out)
}

/// `XINFO HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > XINFO HELP
/// ...XINFO <subcommand> ...
/// ```
pub fn xinfo_help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("XINFO", out)
}

/// `XINFO CONSUMERS key group`
///
/// The consumers of a group: how many entries are pending for each, and how many milliseconds ago it last asked (`idle`) and last got something (`inactive`, -1 for never).
///
/// ```resp
/// > XGROUP CREATE jobs workers $ MKSTREAM
/// OK
/// > XGROUP CREATECONSUMER jobs workers ann
/// (integer) 1
/// > XINFO CONSUMERS jobs workers
/// 1) 1) "name"
///    2) "ann"
///    3) "pending"
///    4) (integer) 0
///    5) "idle"
///    6) (integer) ...
///    7) "inactive"
///    8) (integer) -1
/// ```
pub fn consumers(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let stream = existing(view, req)?;
    let group = stream.group(req.arg(3)).ok_or_else(|| no_group(req.arg(2), req.arg(3)))?;
    let ago = |then: u64| view.now_ms().saturating_sub(then) as i64;
    out.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        out.map(4);
        put_bytes("name", name, out);
        put_integer("pending", consumer.pending_len() as i64, out);
        put_integer("idle", ago(consumer.seen_at), out);
        put_integer("inactive", if consumer.active_at == 0 { -1 } else { ago(consumer.active_at) }, out);
    }
    Ok(Outcome::Done)
}

/// `XINFO GROUPS key`
///
/// The groups of a stream: how many consumers and pending entries each has, how far it has read, and how many entries it has yet to get (`lag`, nil where deleted entries make that
/// uncertain).
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XINFO GROUPS jobs
/// 1)  1) "name"
///     2) "workers"
///     3) "consumers"
///     4) (integer) 0
///     5) "pending"
///     6) (integer) 0
///     7) "last-delivered-id"
///     8) "0-0"
///     9) "entries-read"
///    10) (nil)
///    11) "lag"
///    12) (integer) 1
/// ```
pub fn groups(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let stream = existing(view, req)?;
    let facts = Facts::of(stream);
    out.array(stream.groups().len());
    for (name, group) in stream.groups() {
        out.map(6);
        put_bytes("name", name, out);
        put_integer("consumers", group.consumers().len() as i64, out);
        put_integer("pending", group.pending_len() as i64, out);
        answer_progress(group, &facts, out);
    }
    Ok(Outcome::Done)
}

/// `XINFO STREAM key [FULL [COUNT count]]`
///
/// How long a stream is, its ids, and its first and last entry; with FULL all entries, groups, consumers and what is pending, of each COUNT at most (10 if not given, 0
/// for all).
///
/// ```resp
/// > XADD log 1-0 level info
/// "1-0"
/// > XINFO STREAM log
///  1) "length"
///  2) (integer) 1
/// ...
/// ```
pub fn stream(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let stream = existing(view, req)?;
    let full = full_count(req)?;
    out.map(if full.is_some() { 9 } else { 10 });
    answer_head(stream, out);
    match full {
        None => answer_ends(stream, out),
        Some(count) => answer_full(stream, count, out),
    }
    Ok(Outcome::Done)
}

fn existing<'v>(view: &'v View, req: &Request) -> Result<&'v Stream, Fault> {
    typed::stream(view, req.arg(2))?.ok_or_else(|| Fault::new("ERR no such key"))
}

/// How many of everything, if all is to be told.
fn full_count(req: &Request) -> Result<Option<usize>, Fault> {
    let is_known = req.len() == 3 || req.is(3, "FULL") && (req.len() == 4 || req.len() == 6 && req.is(4, "COUNT"));
    match req.len() {
        _ if !is_known => Err(misused(req)),
        3 => Ok(None),
        4 => Ok(Some(10)),
        _ => Ok(Some(match args::integer(req.arg(5))? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(10),
        })),
    }
}

fn answer_head(stream: &Stream, out: &mut dyn ReplySink) {
    let runs = stream.runs().len() as i64;
    put_integer("length", stream.len() as i64, out);
    put_integer("radix-tree-keys", runs, out);
    put_integer("radix-tree-nodes", runs + 1, out);
    put_id("last-generated-id", stream.last_id(), out);
    put_id("max-deleted-entry-id", stream.max_deleted_id(), out);
    put_integer("entries-added", stream.entries_added() as i64, out);
    put_id("recorded-first-entry-id", first_id(stream), out);
}

fn answer_ends(stream: &Stream, out: &mut dyn ReplySink) {
    put_integer("groups", stream.groups().len() as i64, out);
    let mut put = |name: &str, entry: Option<Entry>| {
        out.bulk(name.as_bytes());
        match entry {
            Some(entry) => answer_entry(entry, out),
            None => out.null(),
        }
    };
    put("first-entry", stream.first());
    put("last-entry", stream.last());
}

fn answer_full(stream: &Stream, count: usize, out: &mut dyn ReplySink) {
    out.bulk(b"entries");
    answer_entries(stream.range(Id::MIN, Id::MAX).take(count), out);
    out.bulk(b"groups");
    out.array(stream.groups().len());
    let facts = Facts::of(stream);
    for (name, group) in stream.groups() {
        out.map(7);
        put_bytes("name", name, out);
        answer_progress(group, &facts, out);
        put_integer("pel-count", group.pending_len() as i64, out);
        answer_group_pending(group, count, out);
        out.bulk(b"consumers");
        out.array(group.consumers().len());
        group.consumers().for_each(|(name, consumer)| answer_consumer(group, name, consumer, count, out));
    }
}

fn answer_progress(group: &Group, facts: &Facts, out: &mut dyn ReplySink) {
    put_id("last-delivered-id", group.last_id(), out);
    put_known("entries-read", group.entries_read().map(|read| read as i64), out);
    put_known("lag", facts.lag(group), out);
}

fn answer_group_pending(group: &Group, count: usize, out: &mut dyn ReplySink) {
    out.bulk(b"pending");
    out.array(group.pending_len().min(count));
    for (id, pending) in group.pending_from(Id::MIN).take(count) {
        out.array(4);
        answer_id(id, out);
        out.bulk(pending.consumer());
        out.integer(pending.delivered_at as i64);
        out.integer(pending.deliveries as i64);
    }
}

fn answer_consumer(group: &Group, name: &[u8], consumer: &Consumer, count: usize, out: &mut dyn ReplySink) {
    out.map(5);
    put_bytes("name", name, out);
    put_integer("seen-time", consumer.seen_at as i64, out);
    put_integer("active-time", if consumer.active_at == 0 { -1 } else { consumer.active_at as i64 }, out);
    put_integer("pel-count", consumer.pending_len() as i64, out);
    out.bulk(b"pending");
    out.array(consumer.pending_len().min(count));
    for (id, pending) in consumer.pending_from(Id::MIN).take(count).filter_map(|id| Some((id, group.pending(id)?))) {
        out.array(3);
        answer_id(id, out);
        out.integer(pending.delivered_at as i64);
        out.integer(pending.deliveries as i64);
    }
}

fn put_bytes(name: &str, value: &[u8], out: &mut dyn ReplySink) {
    out.bulk(name.as_bytes());
    out.bulk(value);
}

fn put_integer(name: &str, value: i64, out: &mut dyn ReplySink) {
    out.bulk(name.as_bytes());
    out.integer(value);
}

fn put_known(name: &str, value: Option<i64>, out: &mut dyn ReplySink) {
    out.bulk(name.as_bytes());
    match value {
        Some(value) => out.integer(value),
        None => out.null(),
    }
}

fn put_id(name: &str, id: Id, out: &mut dyn ReplySink) {
    out.bulk(name.as_bytes());
    answer_id(id, out);
}
