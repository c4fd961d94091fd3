//! XCLAIM and XAUTOCLAIM: pending entries get another consumer.

use std::collections::BTreeMap;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::Stream;
use kvark_values::stream::{Group, GroupOp, Id, Pending};

use super::claim_words::{Options, Scan};
use super::pending::idle_ms;
use super::{answer_entry, answer_id, answer_ids, change, ids, known_group, name_consumer_event, put_group_op};
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("claiming.rs");

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID last-id]`
///
/// Gives pending entries that were delivered at least `min-idle-time` milliseconds ago to another consumer, and answers them; with JUSTID only their ids, and the deliveries are not counted.
/// IDLE or TIME say when they count as delivered, RETRYCOUNT how often. FORCE makes entries pending that are not. LASTID raises the last id of the group. Entries that were deleted meanwhile
/// are pending no more.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XCLAIM jobs workers bob 0 1-0
/// 1) 1) "1-0"
///    2) 1) "do"
///       2) "this"
/// > XCLAIM jobs workers bob 3600000 1-0 JUSTID
/// (empty array)
/// ```
pub fn xclaim(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name) = (req.arg(1), req.arg(2));
    let (stream, group) = known_group(w, key, name)?;
    let options = Options::parse(req, w.now_ms())?;
    let mut claim = Claim::new(group, options.how(req, w));
    options.raise_last_id(group, name, &mut claim.ops);
    for at in 5..options.ids_end {
        let id = ids::id(req.arg(at))?;
        match group.pending(id) {
            pending if stream.get(id).is_none() => claim.drop_deleted(id, pending.is_some()),
            Some(pending) => claim.take(id, pending),
            None if options.force => claim.force(id),
            None => {}
        }
    }
    let done = claim.finish();
    name_consumer_event(w, key, name, req.arg(3))?;
    change(w, key, &done.ops)?;
    answer_claimed(w, key, &done.claimed, options.just_id, out)?;
    Ok(Outcome::Done)
}

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
///
/// Looks through what is pending in a group, from an id on, and claims what XCLAIM would, COUNT entries at most (100 if not given). Answers the id where to go on (`0-0` at the end), the
/// entries (with JUSTID their ids), and the ids of those that are pending no more because they were deleted.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XADD jobs 2-0 do that
/// "2-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XAUTOCLAIM jobs workers bob 0 - COUNT 1 JUSTID
/// 1) "2-0"
/// 2) 1) "1-0"
/// 3) (empty array)
/// ```
pub fn xautoclaim(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, scan) = (req.arg(1), Scan::parse(req)?);
    let (stream, group) = known_group(w, key, req.arg(2))?;
    let mut claim = Claim::new(group, how_now(req, w, scan.min_idle, scan.just_id));
    let (next, deleted) = scan.run(stream, group, &mut claim);
    let done = claim.finish();
    name_consumer_event(w, key, req.arg(2), req.arg(3))?;
    change(w, key, &done.ops)?;
    out.array(3);
    answer_id(next, out);
    answer_claimed(w, key, &done.claimed, scan.just_id, out)?;
    answer_ids(&deleted, out);
    Ok(Outcome::Done)
}

/// So many pending entries are looked at for each that may be claimed.
const ATTEMPTS: usize = 10;

fn answer_claimed(view: &View, key: &[u8], ids: &[Id], just_id: bool, out: &mut dyn ReplySink) -> Result<(), Fault> {
    if just_id {
        answer_ids(ids, out);
    } else if let Some(stream) = typed::stream(view, key)? {
        out.array(ids.len());
        ids.iter().filter_map(|&id| stream.get(id)).for_each(|entry| answer_entry(entry, out));
    }
    Ok(())
}

/// Who claims, and what of.
struct How<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    now_ms: u64,
    min_idle: i64,
    delivered_at: u64,
    retry_count: Option<u64>,
    /// Whether this is a delivery that counts.
    counts: bool,
}

fn how_now<'a>(req: &Request<'a>, view: &View, min_idle: i64, just_id: bool) -> How<'a> {
    let now_ms = view.now_ms();
    How {
        group: req.arg(2),
        consumer: req.arg(3),
        now_ms,
        min_idle,
        delivered_at: now_ms,
        retry_count: None,
        counts: !just_id,
    }
}

/// What is claimed, while it is worked out.
struct Claim<'a> {
    how: How<'a>,
    /// When the consumer got something last, before this.
    active_at: u64,
    claimed: Vec<Id>,
    /// How often each of them has been delivered now: an id may be given twice.
    taken: BTreeMap<Id, u64>,
    ops: Vec<u8>,
}

/// What was claimed, and the operations for it.
struct Claimed {
    claimed: Vec<Id>,
    ops: Vec<u8>,
}

impl<'a> Claim<'a> {
    fn new(group: &Group, how: How<'a>) -> Self {
        let active_at = group.consumer(how.consumer).map_or(0, |consumer| consumer.active_at);
        Self { how, active_at, claimed: Vec::new(), taken: BTreeMap::new(), ops: Vec::new() }
    }

    /// Claims a pending entry, if it has waited long enough.
    fn take(&mut self, id: Id, pending: &Pending) {
        if self.taken.contains_key(&id) {
            self.take_again(id);
        } else if self.waits(idle_ms(pending, self.how.now_ms)) {
            self.assign(id, pending.deliveries);
        }
    }

    /// Claims an entry that was not pending.
    fn force(&mut self, id: Id) {
        if self.taken.contains_key(&id) {
            self.take_again(id);
        } else {
            self.assign(id, 1);
        }
    }

    /// An entry that was claimed by this command waits since then.
    fn take_again(&mut self, id: Id) {
        if self.waits(self.how.now_ms.saturating_sub(self.how.delivered_at) as i64) {
            self.assign(id, self.taken[&id]);
        }
    }

    fn waits(&self, idle_ms: i64) -> bool {
        self.how.min_idle == 0 || idle_ms >= self.how.min_idle
    }

    /// Claims an entry that was delivered so often before.
    fn assign(&mut self, id: Id, deliveries: u64) {
        let counted = deliveries.saturating_add(self.how.counts.into());
        let deliveries = self.how.retry_count.unwrap_or(counted);
        let How { consumer, delivered_at, .. } = self.how;
        let op = GroupOp::Assign { consumer, delivered_at, deliveries, ids: &[id] };
        put_group_op(&mut self.ops, self.how.group, op);
        self.taken.insert(id, deliveries);
        self.claimed.push(id);
    }

    /// An entry that is gone is pending no more.
    fn drop_deleted(&mut self, id: Id, is_pending: bool) {
        if is_pending {
            put_group_op(&mut self.ops, self.how.group, GroupOp::Acknowledge { ids: &[id] });
        }
    }

    /// The consumer was seen, and has got what it has.
    fn finish(mut self) -> Claimed {
        let active_at = if self.claimed.is_empty() { self.active_at } else { self.how.now_ms };
        let op = GroupOp::SetConsumer { consumer: self.how.consumer, seen_at: self.how.now_ms, active_at };
        put_group_op(&mut self.ops, self.how.group, op);
        Claimed { claimed: self.claimed, ops: self.ops }
    }
}

impl Options {
    /// A time that makes no sense is now.
    fn how<'a>(&self, req: &Request<'a>, view: &View) -> How<'a> {
        let now = how_now(req, view, self.min_idle, self.just_id);
        let given = self.delivered_at.and_then(|at| u64::try_from(at).ok()).filter(|&at| at <= now.now_ms);
        How { delivered_at: given.unwrap_or(now.now_ms), retry_count: self.retry_count, ..now }
    }

    fn raise_last_id(&self, group: &Group, name: &[u8], ops: &mut Vec<u8>) {
        if self.last_id > group.last_id() {
            let (last_id, entries_read) = (self.last_id, group.entries_read());
            put_group_op(ops, name, GroupOp::SetRead { last_id, entries_read });
        }
    }
}

impl Scan {
    /// Claims what may be claimed; where to go on, and what was deleted.
    fn run(&self, stream: &Stream, group: &Group, claim: &mut Claim) -> (Id, Vec<Id>) {
        let (mut attempts, mut deleted) = (self.count.saturating_mul(ATTEMPTS), Vec::new());
        let mut pending = group.pending_from(self.start).peekable();
        while attempts > 0 && claim.claimed.len() + deleted.len() < self.count {
            let Some((id, pending)) = pending.next() else { break };
            attempts -= 1;
            if stream.get(id).is_some() {
                claim.take(id, pending);
            } else {
                claim.drop_deleted(id, true);
                deleted.push(id);
            }
        }
        (pending.peek().map_or(Id::MIN, |&(id, _)| id), deleted)
    }
}
