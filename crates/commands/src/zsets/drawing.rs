//! Members at random, and all of them in small steps.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::zset::Entry;
use kvark_values::{Collection, Zset};

use super::answer_entries;
use crate::member_scan::{self, MemberScan};
use crate::row::Answer;
use crate::sampling::{distinct, repeats};
use crate::strings::answer_value;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("drawing.rs");

/// `ZRANDMEMBER key [count [WITHSCORES]]`
///
/// A member of a sorted set, any member; nil when there is none. With a count up to so many different ones; with a negative count as many
/// as it says, and the same may come again. Each is as likely as any other.
///
/// ```resp
/// > ZADD board 10 ada
/// (integer) 1
/// > ZRANDMEMBER board
/// "ada"
/// > ZRANDMEMBER board 2 WITHSCORES
/// 1) "ada"
/// 2) "10"
/// > ZRANDMEMBER board -2
/// 1) "ada"
/// 2) "ada"
/// > ZRANDMEMBER nobody
/// (nil)
/// ```
pub fn zrandmember(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let wanted = Wanted::parse(req)?;
    match (typed::zset(view, req.arg(1))?, wanted) {
        (None, None) => out.null(),
        (None, Some(_)) => out.array(0),
        (Some(zset), None) => answer_value(Some(any(view, zset).member), out),
        (Some(zset), Some(wanted)) => return wanted.answer(view, zset, out),
    }
    Ok(Outcome::Done)
}

/// How many, and whether with scores.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    count: i64,
    with_scores: bool,
}

impl Wanted {
    fn parse(req: &Request) -> Result<Option<Self>, Fault> {
        let Some(count) = req.get(2) else { return Ok(None) };
        let count = args::integer_between(count, -i64::MAX, i64::MAX)?;
        let with_scores = req.len() == 4 && req.is(3, "WITHSCORES");
        if req.len() > 3 && !with_scores {
            return Err(Fault::syntax());
        }
        if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
            return Err(Fault::new("ERR value is out of range"));
        }
        Ok(Some(Self { count, with_scores }))
    }

    fn answer(&self, view: &View, zset: &Zset, out: &mut dyn ReplySink) -> Answer {
        if let Ok(count) = usize::try_from(self.count) {
            let ranks = distinct(zset.len(), count, |bound| view.random_below(bound));
            answer_entries(ranks.into_iter().map(|rank| at(zset, rank)), self.with_scores, out);
        } else {
            let times = repeats(zset, self.count)?;
            answer_entries((0..times).map(|_| any(view, zset)), self.with_scores, out);
        }
        Ok(Outcome::Done)
    }
}

fn any<'v>(view: &View, zset: &'v Zset) -> Entry<'v> {
    at(zset, view.random_below(zset.len() as u64) as usize)
}

fn at(zset: &Zset, rank: usize) -> Entry<'_> {
    zset.range(rank..rank + 1).next().expect("the rank is below the length")
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]`
///
/// Some members with their scores, and the cursor to go on with: a walk over all of them in small steps begins with cursor 0 and ends when 0
/// is answered. A member that is there during the whole walk is found at least once. COUNT says how many members to look at in this step (10), before
/// MATCH chooses among them; a small set is answered whole. NOSCORES answers members alone, as in Valkey.
///
/// ```resp
/// > ZADD board 10 ada 20.5 bob
/// (integer) 2
/// > ZSCAN board 0 MATCH b*
/// 1) "0"
/// 2) 1) "bob"
///    2) "20.5"
/// > ZSCAN board 0 MATCH b* NOSCORES
/// 1) "0"
/// 2) 1) "bob"
/// ```
pub fn zscan(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let cursor = member_scan::cursor(req)?;
    let Some(zset) = typed::zset(view, req.arg(1))? else {
        member_scan::answer(0, 0, out);
        return Ok(Outcome::Done);
    };
    let (scan, mut found) = (MemberScan::parse(req, cursor, Some("NOSCORES"))?, Vec::new());
    let next = zset.scan(scan.cursor, scan.count, |entry| {
        if scan.takes(entry.member) {
            found.push(entry);
        }
    });
    member_scan::answer(next, if scan.members_only { found.len() } else { 2 * found.len() }, out);
    for entry in found {
        answer_value(Some(entry.member), out);
        if !scan.members_only {
            // Text in every protocol, as all that a scan answers.
            out.bulk(kvark_base::double::Text::new(entry.score).as_bytes());
        }
    }
    Ok(Outcome::Done)
}
