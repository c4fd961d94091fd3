//! XPENDING.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::stream::{Group, Id, Pending};

use super::ids::{self, Interval};
use super::{answer_id, known_group};
use crate::args;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("pending.rs");

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
///
/// What a group got and has not acknowledged: how many entries, the lowest and the highest id, and how many each consumer has. With a range of ids, up to `count` of these entries: the id, the
/// consumer, the milliseconds since it was delivered last, and how often it was delivered; only those that wait for at least IDLE milliseconds, or for one consumer.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XPENDING jobs workers
/// 1) (integer) 1
/// 2) "1-0"
/// 3) "1-0"
/// 4) 1) 1) "ann"
///       2) "1"
/// > XPENDING jobs workers - + 10
/// 1) 1) "1-0"
///    2) "ann"
///    3) (integer) ...
///    4) (integer) 1
/// > XPENDING jobs workers - + 10 bob
/// (empty array)
/// ```
pub fn xpending(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let range = Range::parse(req)?;
    let (_, group) = known_group(view, req.arg(1), req.arg(2))?;
    match range {
        None => answer_summary(group, out),
        Some(range) => range.answer(group, view.now_ms(), out),
    }
    Ok(Outcome::Done)
}

fn answer_summary(group: &Group, out: &mut dyn ReplySink) {
    out.array(4);
    out.integer(group.pending_len() as i64);
    let mut ids = group.pending_from(Id::MIN).map(|(id, _)| id);
    let Some(first) = ids.next() else {
        out.null();
        out.null();
        return out.null_array();
    };
    answer_id(first, out);
    answer_id(ids.next_back().unwrap_or(first), out);
    let busy = || group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0);
    out.array(busy().count());
    for (name, consumer) in busy() {
        out.array(2);
        out.bulk(name);
        out.bulk_integer(consumer.pending_len() as i64);
    }
}

/// Which of the pending entries are to be told.
struct Range<'a> {
    interval: Interval,
    count: usize,
    min_idle: i64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Range<'a> {
    fn parse(req: &Request<'a>) -> Result<Option<Self>, Fault> {
        match req.len() {
            3 => return Ok(None),
            6..=9 => {}
            _ => return Err(Fault::syntax()),
        }
        let has_idle = req.is(3, "IDLE");
        let min_idle = if has_idle { args::integer(req.arg(4))? } else { 0 };
        let at = if has_idle { 5 } else { 3 };
        if req.len() < at + 3 {
            return Err(Fault::syntax());
        }
        let count = args::integer(req.arg(at + 2))?.max(0) as usize;
        let interval = Interval { start: ids::start(req.arg(at))?, end: ids::end(req.arg(at + 1))? };
        Ok(Some(Self { interval, count, min_idle, consumer: req.get(at + 3) }))
    }

    fn answer(&self, group: &Group, now_ms: u64, out: &mut dyn ReplySink) {
        let found = self.find(group, now_ms);
        out.array(found.len());
        for (id, pending) in found {
            out.array(4);
            answer_id(id, out);
            out.bulk(pending.consumer());
            out.integer(idle_ms(pending, now_ms));
            out.integer(pending.deliveries as i64);
        }
    }

    fn find<'g>(&self, group: &'g Group, now_ms: u64) -> Vec<(Id, &'g Pending)> {
        let idles = |&(_, pending): &(Id, &Pending)| self.min_idle == 0 || idle_ms(pending, now_ms) >= self.min_idle;
        let ends = |&id: &Id| id <= self.interval.end;
        let start = self.interval.start;
        match self.consumer.map(|name| group.consumer(name)) {
            None => {
                let all = group.pending_from(start).take_while(|(id, _)| ends(id));
                all.filter(idles).take(self.count).collect()
            }
            Some(consumer) => {
                let ids = consumer.into_iter().flat_map(|it| it.pending_from(start)).take_while(ends);
                let all = ids.filter_map(|id| Some((id, group.pending(id)?)));
                all.filter(idles).take(self.count).collect()
            }
        }
    }
}

/// Milliseconds since it was delivered last.
pub(super) fn idle_ms(pending: &Pending, now_ms: u64) -> i64 {
    now_ms.saturating_sub(pending.delivered_at) as i64
}
