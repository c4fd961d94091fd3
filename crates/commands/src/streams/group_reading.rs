//! XREADGROUP.
//!
//! Invariant: each stream is planned for, then changed, then read for the answer: what was planned says which entries.

use std::collections::BTreeSet;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::stream::{Group, GroupOp, Id};
use kvark_values::{Collection, Stream};

use super::progress::{Facts, Progress};
use super::reading::{Reader, Words, answer_streams, has_from};
use super::{answer_entries, answer_entry, answer_id, change, group_of, ids, name_consumer_event, put_group_op};
use crate::dispatch::one_line;
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("group_reading.rs");

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`
///
/// Reads for a consumer of a group. With `>` as id these are entries that no consumer of the group has got yet; they are pending until XACK, unless NOACK is given. With any other id these are
/// the entries above it that are pending for this very consumer; one that was deleted meanwhile comes without fields. Where no stream has anything new, BLOCK waits for it as with XREAD.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XADD jobs 2-0 do that
/// "2-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann COUNT 1 STREAMS jobs >
/// 1) 1) "jobs"
///    2) 1) 1) "1-0"
///          2) 1) "do"
///             2) "this"
/// > XREADGROUP GROUP workers bob STREAMS jobs >
/// 1) 1) "jobs"
///    2) 1) 1) "2-0"
///          2) 1) "do"
///             2) "that"
/// > XREADGROUP GROUP workers bob STREAMS jobs >
/// (nil)
/// > XREADGROUP GROUP workers ann STREAMS jobs 0
/// 1) 1) "jobs"
///    2) 1) 1) "1-0"
/// ...
/// ```
pub fn xreadgroup(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let words = Words::parse(req, Reader::Group, w.now_ms())?;
    let Some((group, consumer)) = words.group else { return Err(Fault::syntax()) };
    let asked: Vec<Asked> =
        words.streams(req).map(|(key, id)| Asked::parse(w, key, group, id)).collect::<Result<_, _>>()?;
    let reading = Reading { group, consumer, count: words.count, no_ack: words.no_ack, now_ms: w.now_ms() };
    reserve(w, &reading, &asked)?;
    let mut served = Vec::new();
    for asked in &asked {
        let plan = reading.plan(w, asked)?;
        name_consumer_event(w, asked.key, group, consumer)?;
        change(w, asked.key, &plan.ops)?;
        served.extend(plan.served.map(|served| (asked.key, served)));
    }
    if let Some(deadline_ms) = words.block.filter(|_| served.is_empty()) {
        return Ok(words.wait(deadline_ms, None));
    }
    answer_streams(served.len(), out);
    served.iter().try_for_each(|(key, served)| answer(w, key, served, out))?;
    Ok(Outcome::Done)
}

/// Room for the changes of several streams.
fn reserve(w: &mut Writer, reading: &Reading, asked: &[Asked]) -> Result<(), Fault> {
    if asked.len() > 1 {
        let mut seen = BTreeSet::new();
        let mut room = 0;
        for it in asked {
            room += it.key.len()
                + if seen.insert(it.key) { reading.plan(w, it)?.ops.len() } else { reading.most(w, it)? };
        }
        w.bracket(asked.len(), room)?;
    }
    Ok(())
}

/// Bytes of an operation beside the names of group and consumer, at most.
const OP_OVERHEAD: usize = 96;

/// A stream, and what is wanted of it.
struct Asked<'a> {
    key: &'a [u8],
    /// `None`: what is new. Otherwise what is pending above that id.
    pending_after: Option<Id>,
}

impl<'a> Asked<'a> {
    fn parse(view: &View, key: &'a [u8], group: &[u8], id: &[u8]) -> Result<Self, Fault> {
        if group_of(typed::stream(view, key)?, group).is_none() {
            return Err(no_group(key, group));
        }
        match id {
            b">" => Ok(Self { key, pending_after: None }),
            b"$" | b"+" => Err(meaningless(char::from(id[0]))),
            id => Ok(Self { key, pending_after: Some(ids::id(id)?) }),
        }
    }
}

fn no_group(key: &[u8], group: &[u8]) -> Fault {
    let (key, group) = (one_line(key), one_line(group));
    Fault::new(format!("NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"))
}

fn meaningless(id: char) -> Fault {
    Fault::new(format!(
        "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The {id} ID would just return an empty result set."
    ))
}

/// Who reads, and how.
struct Reading<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    count: usize,
    no_ack: bool,
    now_ms: u64,
}

/// Which entries are to be answered.
enum Served {
    /// Those of the stream from one id to another.
    New(Id, Id),
    /// Those with these ids, as far as they are there.
    Pending(Vec<Id>),
}

struct Plan {
    ops: Vec<u8>,
    served: Option<Served>,
}

impl Reading<'_> {
    fn plan(&self, view: &View, asked: &Asked) -> Result<Plan, Fault> {
        let found = group_of(typed::stream(view, asked.key)?, self.group);
        let (stream, group) = found.ok_or_else(|| no_group(asked.key, self.group))?;
        Ok(match asked.pending_after {
            None => self.plan_new(stream, group),
            Some(after) => self.plan_pending(stream, group, after),
        })
    }

    /// Bytes that a plan may take, at most, for a key that stands there twice: what is asked for first changes what comes later.
    fn most(&self, view: &View, asked: &Asked) -> Result<usize, Fault> {
        let found = group_of(typed::stream(view, asked.key)?, self.group);
        let (stream, group) = found.ok_or_else(|| no_group(asked.key, self.group))?;
        let ids = self.count.min(stream.len() + group.pending_len());
        Ok((ids + 3) * (OP_OVERHEAD + self.group.len() + self.consumer.len()))
    }

    fn plan_new(&self, stream: &Stream, group: &Group) -> Plan {
        let (facts, mut progress) = (Facts::of(stream), Progress::of(group));
        let start = group.last_id().next().filter(|&start| has_from(stream, start));
        let new = start.map(|start| stream.range(start, Id::MAX).take(self.count).map(|entry| entry.id));
        let ids: Vec<Id> = new.into_iter().flatten().collect();
        ids.iter().for_each(|&id| progress.advance(&facts, id));
        let pending = if self.no_ack { &[][..] } else { &ids };
        let mut ops = self.seen_ops(group, !pending.is_empty());
        if !pending.is_empty() {
            self.put_assign(pending, 1, &mut ops);
        }
        let Some((&first, &last)) = ids.first().zip(ids.last()) else { return Plan { ops, served: None } };
        let Progress { last_id, entries_read } = progress;
        put_group_op(&mut ops, self.group, GroupOp::SetRead { last_id, entries_read });
        Plan { ops, served: Some(Served::New(first, last)) }
    }

    fn plan_pending(&self, stream: &Stream, group: &Group, after: Id) -> Plan {
        let mut ops = self.seen_ops(group, false);
        let start = after.next().zip(group.consumer(self.consumer));
        let pending = start.map(|(start, consumer)| consumer.pending_from(start).take(self.count));
        let ids: Vec<Id> = pending.into_iter().flatten().collect();
        for &id in ids.iter().filter(|&&id| stream.get(id).is_some()) {
            let deliveries = group.pending(id).map_or(0, |pending| pending.deliveries);
            self.put_assign(&[id], deliveries.saturating_add(1), &mut ops);
        }
        Plan { ops, served: Some(Served::Pending(ids)) }
    }

    /// The consumer was seen, and perhaps gets something.
    fn seen_ops(&self, group: &Group, is_active: bool) -> Vec<u8> {
        let mut ops = Vec::new();
        let active_at = group.consumer(self.consumer).map_or(0, |consumer| consumer.active_at);
        let active_at = if is_active { self.now_ms } else { active_at };
        let op = GroupOp::SetConsumer { consumer: self.consumer, seen_at: self.now_ms, active_at };
        put_group_op(&mut ops, self.group, op);
        ops
    }

    fn put_assign(&self, ids: &[Id], deliveries: u64, ops: &mut Vec<u8>) {
        let op = GroupOp::Assign { consumer: self.consumer, delivered_at: self.now_ms, deliveries, ids };
        put_group_op(ops, self.group, op);
    }
}

fn answer(view: &View, key: &[u8], served: &Served, out: &mut dyn ReplySink) -> Result<(), Fault> {
    let Some(stream) = typed::stream(view, key)? else { return Ok(()) };
    out.keyed_pair();
    out.bulk(key);
    match served {
        Served::New(first, last) => answer_entries(stream.range(*first, *last), out),
        Served::Pending(ids) => {
            out.array(ids.len());
            ids.iter().for_each(|&id| answer_pending(stream, id, out));
        }
    }
    Ok(())
}

/// An entry that may have been deleted.
fn answer_pending(stream: &Stream, id: Id, out: &mut dyn ReplySink) {
    match stream.get(id) {
        Some(entry) => answer_entry(entry, out),
        None => {
            out.array(2);
            answer_id(id, out);
            out.null_array();
        }
    }
}
