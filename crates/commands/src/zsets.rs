//! Sorted sets: members in the order of their scores.
//!
//! Read on: [`scoring`] (ZADD, ZINCRBY), [`intervals`] (what "from here to there" means), [`stretches`] (ZRANGE and its kin), [`leaving`],
//! [`popping`], [`drawing`] (ZRANDMEMBER, ZSCAN), [`combining`] (unions, intersections, differences) of [`sources`], [`expiring`] (ZEXPIRE).
//!
//! Invariant: what is logged are members with the scores they end up with, never an increment or a range.

pub mod combining;
pub mod drawing;
pub mod expiring;
pub mod intervals;
pub mod leaving;
pub mod popping;
pub mod scoring;
pub mod sources;
pub mod stretches;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::zset::{Entry, Score};
use kvark_values::{Collection, NewValue, Value, Zset};

use crate::row::Answer;
use crate::strings::answer_value;
use crate::typed;
use intervals::Interval;

pub(crate) const SOURCE: &str = include_str!("zsets.rs");

/// Answers members in this order, each with its score if that is wanted.
pub(crate) fn answer_entries<'a>(
    entries: impl ExactSizeIterator<Item = Entry<'a>>,
    with_scores: bool,
    out: &mut dyn ReplySink,
) {
    if !with_scores {
        out.array(entries.len());
        return entries.for_each(|entry| answer_value(Some(entry.member), out));
    }
    out.pairs(entries.len());
    for entry in entries {
        out.pair();
        answer_value(Some(entry.member), out);
        out.double(entry.score);
    }
}

fn answer_score(score: Option<Score>, out: &mut dyn ReplySink) {
    match score {
        None => out.null(),
        Some(score) => out.double(score),
    }
}

/// Puts `zset` at `key` in place of whatever was there; an empty one removes the key. Answers how many members there are.
pub(crate) fn store(w: &mut Writer, key: &[u8], zset: Zset, out: &mut dyn ReplySink) -> Answer {
    let len = zset.len();
    if len == 0 {
        w.remove(key)?;
    } else {
        w.put_value(key, NewValue::Owned(Value::Zset(zset)), 0)?;
    }
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// `ZCARD key`
///
/// How many members a sorted set has.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZCARD board
/// (integer) 2
/// > ZCARD nobody
/// (integer) 0
/// ```
pub fn zcard(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(typed::zset(view, req.arg(1))?.map_or(0, Zset::len) as i64);
    Ok(Outcome::Done)
}

/// `ZSCORE key member`
///
/// The score of a member; nil when it is not there.
///
/// ```resp
/// > ZADD board 10.5 ada
/// (integer) 1
/// > ZSCORE board ada
/// "10.5"
/// > ZSCORE board bob
/// (nil)
/// ```
pub fn zscore(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let zset = typed::zset(view, req.arg(1))?;
    answer_score(zset.and_then(|zset| zset.score(req.arg(2))), out);
    Ok(Outcome::Done)
}

/// `ZMSCORE key member [member ...]`
///
/// The scores of several members, nil for each that is not there.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZMSCORE board ada eve bob
/// 1) "10"
/// 2) (nil)
/// 3) "20"
/// ```
pub fn zmscore(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let zset = typed::zset(view, req.arg(1))?;
    out.array(req.len() - 2);
    req.args_from(2).for_each(|member| answer_score(zset.and_then(|zset| zset.score(member)), out));
    Ok(Outcome::Done)
}

/// `ZCOUNT key min max`
///
/// How many members have a score from `min` to `max`; `(1` leaves 1 itself out, `-inf` and `+inf` are the ends.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZCOUNT board (10 +inf
/// (integer) 2
/// > ZCOUNT board ten 20
/// (error) ERR min or max is not a float
/// ```
pub fn zcount(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::of_scores(req.arg(2), req.arg(3))?;
    answer_count(view, req, interval, out)
}

/// `ZLEXCOUNT key min max`
///
/// How many members stand from `min` to `max` in the order of bytes, in a set where all scores are the same: `[b` from b on, `(b`
/// behind b, `-` and `+` are the ends.
///
/// ```resp
/// > ZADD names 0 ada 0 bob 0 eve
/// (integer) 3
/// > ZLEXCOUNT names [b +
/// (integer) 2
/// > ZLEXCOUNT names b +
/// (error) ERR min or max not valid string range item
/// ```
pub fn zlexcount(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::of_members(req.arg(2), req.arg(3))?;
    answer_count(view, req, interval, out)
}

fn answer_count(view: &View, req: &Request, interval: Interval<'_>, out: &mut dyn ReplySink) -> Answer {
    let zset = typed::zset(view, req.arg(1))?;
    out.integer(zset.map_or(0, |zset| interval.ranks(zset, false).len()) as i64);
    Ok(Outcome::Done)
}

/// `ZRANK key member [WITHSCORE]`
///
/// How many members come before this one, the one with the lowest score being the first; nil when it is not there. WITHSCORE
/// answers its score too.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZRANK board bob
/// (integer) 1
/// > ZRANK board bob WITHSCORE
/// 1) (integer) 1
/// 2) "20"
/// > ZRANK board eve
/// (nil)
/// ```
pub fn zrank(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_rank(view, req, out, |rank, _| rank)
}

/// `ZREVRANK key member [WITHSCORE]`
///
/// How many members come before this one, the one with the highest score being the first; see ZRANK.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZREVRANK board bob
/// (integer) 0
/// ```
pub fn zrevrank(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_rank(view, req, out, |rank, len| len - 1 - rank)
}

fn answer_rank(view: &View, req: &Request, out: &mut dyn ReplySink, turn: fn(usize, usize) -> usize) -> Answer {
    let with_score = wants_score(req)?;
    let (zset, member) = (typed::zset(view, req.arg(1))?, req.arg(2));
    let found = zset.and_then(|zset| Some((turn(zset.rank(member)?, zset.len()), zset.score(member)?)));
    match found {
        None if with_score => out.null_array(),
        None => out.null(),
        Some((rank, score)) => {
            if with_score {
                out.array(2);
            }
            out.integer(rank as i64);
            if with_score {
                out.double(score);
            }
        }
    }
    Ok(Outcome::Done)
}

fn wants_score(req: &Request) -> Result<bool, Fault> {
    match req.len() {
        3 => Ok(false),
        4 if req.is(3, "WITHSCORE") => Ok(true),
        4 => Err(Fault::syntax()),
        _ => Err(Fault::arity(&String::from_utf8_lossy(req.name()).to_ascii_lowercase())),
    }
}
