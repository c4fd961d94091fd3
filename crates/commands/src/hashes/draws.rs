//! Some fields of a hash: drawn at random, or step by step.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::{Collection, Hash};

use crate::member_scan::{self, MemberScan};
use crate::row::Answer;
use crate::strings::answer_value;
use crate::{args, sampling, typed};

pub(crate) const SOURCE: &str = include_str!("draws.rs");

/// `HRANDFIELD key [count [WITHVALUES]]`
///
/// A field drawn at random, each as likely as any other; with a count, so many different ones, or with a negative count so many
/// that may repeat. A missing key is nil, or with a count an empty list.
///
/// ```resp
/// > HSET coin side heads
/// (integer) 1
/// > HRANDFIELD coin
/// "side"
/// > HRANDFIELD coin -2
/// 1) "side"
/// 2) "side"
/// > HRANDFIELD nobody
/// (nil)
/// ```
pub fn hrandfield(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let hash = typed::hash(view, req.arg(1));
    if req.len() == 2 {
        let drawn = hash?
            .map(|hash| hash.at(view.random_below(hash.len() as u64) as usize).expect("a place below the length").0);
        answer_value(drawn, out);
        return Ok(Outcome::Done);
    }
    let (count, with_values) = count_of(req)?;
    let Some(hash) = hash? else {
        out.array(0);
        return Ok(Outcome::Done);
    };
    let places: Vec<usize> = match usize::try_from(count) {
        Ok(count) => sampling::distinct(hash.len(), count, |bound| view.random_below(bound)),
        Err(_) => {
            let times = sampling::repeats(hash, count)?;
            (0..times).map(|_| view.random_below(hash.len() as u64) as usize).collect()
        }
    };
    answer_places(hash, &places, with_values, out);
    Ok(Outcome::Done)
}

fn count_of(req: &Request) -> Result<(i64, bool), Fault> {
    let count = args::integer_between(req.arg(2), -i64::MAX, i64::MAX)?;
    let with_values = match req.get(3) {
        None => false,
        Some(word) if req.len() == 4 && word.eq_ignore_ascii_case(b"WITHVALUES") => true,
        Some(_) => return Err(Fault::syntax()),
    };
    if with_values && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(Fault::new("ERR value is out of range"));
    }
    Ok((count, with_values))
}

fn answer_places(hash: &Hash, places: &[usize], with_values: bool, out: &mut dyn ReplySink) {
    if with_values {
        out.pairs(places.len())
    } else {
        out.array(places.len())
    }
    for &place in places {
        let (field, value) = hash.at(place).expect("a place below the length");
        if with_values {
            out.pair();
        }
        answer_value(Some(field), out);
        if with_values {
            answer_value(Some(value), out);
        }
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
///
/// A step of a walk over the fields and values of a hash: the next cursor (0 when it is over) and what was found. A field that is there
/// during the whole walk is found at least once.
///
/// ```resp
/// > HSET user:100 name Ada role engineer
/// (integer) 2
/// > HSCAN user:100 0 MATCH n*
/// 1) "0"
/// 2) 1) "name"
///    2) "Ada"
/// > HSCAN user:100 0 MATCH n* NOVALUES
/// 1) "0"
/// 2) 1) "name"
/// ```
pub fn hscan(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let cursor = member_scan::cursor(req)?;
    let Some(hash) = typed::hash(view, req.arg(1))? else {
        member_scan::answer(0, 0, out);
        return Ok(Outcome::Done);
    };
    let (scan, mut found) = (MemberScan::parse(req, cursor, Some("NOVALUES"))?, Vec::new());
    let next = hash.scan(scan.cursor, scan.count, |pair| {
        if scan.takes(pair.0) {
            found.push(pair);
        }
    });
    member_scan::answer(next, if scan.members_only { found.len() } else { 2 * found.len() }, out);
    for (field, value) in found {
        answer_value(Some(field), out);
        if !scan.members_only {
            answer_value(Some(value), out);
        }
    }
    Ok(Outcome::Done)
}
