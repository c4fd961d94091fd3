//! Stretches of a sorted set: ZRANGE, the older words that it replaces, and ZRANGESTORE.

use std::ops::Range;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::{IntBuffer, Zset};

use super::intervals::{Interval, limited};
use super::{answer_entries, store};
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("stretches.rs");

/// What a stretch is named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What a word may say, and what it means from the first.
#[derive(Debug, Clone, Copy)]
struct Verb {
    /// Where the key stands; the bounds follow.
    key_at: usize,
    /// `None`: BYSCORE or BYLEX say it.
    by: Option<By>,
    /// `None`: REV says it.
    reverse: Option<bool>,
    /// Whether WITHSCORES may be said.
    answers: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Query<'a> {
    interval: Interval<'a>,
    reverse: bool,
    /// Offset and count; a negative count is all.
    limit: (i64, i64),
    with_scores: bool,
}

/// The words behind the bounds.
struct Words {
    by: Option<By>,
    reverse: Option<bool>,
    limit: (i64, i64),
    with_scores: bool,
}

impl Words {
    fn parse(req: &Request, verb: Verb) -> Result<Self, Fault> {
        let mut words = Self { by: verb.by, reverse: verb.reverse, limit: (0, -1), with_scores: false };
        let mut at = verb.key_at + 3;
        while at < req.len() {
            at += words.take(req, at, verb)?;
        }
        Ok(words)
    }

    /// Takes the word at `at`, perhaps with the arguments behind it; returns how many arguments those were.
    fn take(&mut self, req: &Request, at: usize, verb: Verb) -> Result<usize, Fault> {
        if verb.answers && req.is(at, "WITHSCORES") {
            self.with_scores = true;
        } else if req.is(at, "LIMIT") && at + 2 < req.len() {
            self.limit = (args::integer(req.arg(at + 1))?, args::integer(req.arg(at + 2))?);
            return Ok(3);
        } else if self.reverse.is_none() && req.is(at, "REV") {
            self.reverse = Some(true);
        } else if self.by.is_none() && req.is(at, "BYLEX") {
            self.by = Some(By::Lex);
        } else if self.by.is_none() && req.is(at, "BYSCORE") {
            self.by = Some(By::Score);
        } else {
            return Err(Fault::syntax());
        }
        Ok(1)
    }

    fn check(&self) -> Result<(), Fault> {
        let by = self.by.unwrap_or(By::Rank);
        if by == By::Rank && self.limit.1 != -1 {
            let message = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
            return Err(Fault::new(message));
        }
        if by == By::Lex && self.with_scores {
            return Err(Fault::new("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        Ok(())
    }
}

impl<'a> Query<'a> {
    fn parse(req: &Request<'a>, verb: Verb) -> Result<Self, Fault> {
        let words = Words::parse(req, verb)?;
        words.check()?;
        let (first, second) = (req.arg(verb.key_at + 1), req.arg(verb.key_at + 2));
        let reverse = words.reverse.unwrap_or(false);
        // Whoever walks down names the upper bound first.
        let (min, max) = if reverse { (second, first) } else { (first, second) };
        let interval = match words.by.unwrap_or(By::Rank) {
            By::Rank => Interval::of_ranks(first, second)?,
            By::Score => Interval::of_scores(min, max)?,
            By::Lex => Interval::of_members(min, max)?,
        };
        Ok(Self { interval, reverse, limit: words.limit, with_scores: words.with_scores })
    }

    fn ranks(&self, zset: &Zset) -> Range<usize> {
        let ranks = self.interval.ranks(zset, self.reverse);
        match self.interval {
            Interval::Ranks(..) => ranks,
            Interval::Edges(..) => limited(ranks, self.limit.0, self.limit.1, self.reverse),
        }
    }
}

/// How many members a word of this file names; none where it is refused.
pub(crate) fn named(name: &str, view: &View, req: &Request) -> usize {
    let (key_at, by, reverse) = match name {
        "ZRANGEBYSCORE" => (1, Some(By::Score), Some(false)),
        "ZREVRANGEBYSCORE" => (1, Some(By::Score), Some(true)),
        "ZRANGEBYLEX" => (1, Some(By::Lex), Some(false)),
        "ZREVRANGEBYLEX" => (1, Some(By::Lex), Some(true)),
        "ZREVRANGE" => (1, Some(By::Rank), Some(true)),
        "ZRANGESTORE" => (2, None, None),
        _ => (1, None, None),
    };
    let query = Query::parse(req, Verb { key_at, by, reverse, answers: true }).ok();
    let zset = typed::zset(view, req.arg(key_at)).ok().flatten();
    query.zip(zset).map_or(0, |(query, zset)| query.ranks(zset).len())
}

fn answer(view: &View, req: &Request, by: Option<By>, reverse: Option<bool>, out: &mut dyn ReplySink) -> Answer {
    let query = Query::parse(req, Verb { key_at: 1, by, reverse, answers: true })?;
    match typed::zset(view, req.arg(1))? {
        None => out.array(0),
        Some(zset) => {
            let entries = zset.range(query.ranks(zset));
            if query.reverse {
                answer_entries(entries.rev(), query.with_scores, out);
            } else {
                answer_entries(entries, query.with_scores, out);
            }
        }
    }
    Ok(Outcome::Done)
}

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
///
/// The members from rank `start` to rank `stop`, both included; negative ranks count from the end. BYSCORE: those with a score from
/// `start` to `stop`; `(1` leaves 1 itself out, `-inf` and `+inf` are the ends. BYLEX: those between two members, where all scores are the
/// same; `[b` from b on, `(b` behind b, `-` and `+` are the ends. REV walks down, and the upper bound is named first. LIMIT
/// passes over `offset` members and answers at most `count` (negative: all).
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZRANGE board 0 -2
/// 1) "ada"
/// 2) "bob"
/// > ZRANGE board +inf (10 BYSCORE REV LIMIT 0 1 WITHSCORES
/// 1) "eve"
/// 2) "30"
/// > ZRANGE board [b + BYLEX
/// 1) "bob"
/// 2) "eve"
/// > ZRANGE board 0 1 LIMIT 0 1
/// (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
/// ```
pub fn zrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, None, None, out)
}

/// `ZREVRANGE key start stop [WITHSCORES]`
///
/// The members from rank `start` to rank `stop`, counted from the highest score down; the older form of ZRANGE with REV.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZREVRANGE board 0 1
/// 1) "eve"
/// 2) "bob"
/// ```
pub fn zrevrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, Some(By::Rank), Some(true), out)
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
///
/// The members with a score from `min` to `max`; the older form of ZRANGE with BYSCORE.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZRANGEBYSCORE board (10 +inf LIMIT 1 5 WITHSCORES
/// 1) "eve"
/// 2) "30"
/// ```
pub fn zrangebyscore(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, Some(By::Score), Some(false), out)
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
///
/// The members with a score from `max` down to `min`; the older form of ZRANGE with BYSCORE and REV.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZREVRANGEBYSCORE board 20 -inf
/// 1) "bob"
/// 2) "ada"
/// ```
pub fn zrevrangebyscore(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, Some(By::Score), Some(true), out)
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
///
/// The members from `min` to `max` in the order of bytes, where all scores are the same; the older form of ZRANGE with BYLEX.
///
/// ```resp
/// > ZADD names 0 ada 0 bob 0 eve
/// (integer) 3
/// > ZRANGEBYLEX names - (bob
/// 1) "ada"
/// ```
pub fn zrangebylex(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, Some(By::Lex), Some(false), out)
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
///
/// The members from `max` down to `min` in the order of bytes; the older form of ZRANGE with BYLEX and REV.
///
/// ```resp
/// > ZADD names 0 ada 0 bob 0 eve
/// (integer) 3
/// > ZREVRANGEBYLEX names + [bob LIMIT 0 1
/// 1) "eve"
/// ```
pub fn zrevrangebylex(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, Some(By::Lex), Some(true), out)
}

/// `ZRANGESTORE destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
///
/// Puts the members that ZRANGE would answer at `destination`, in place of whatever is there: how many they are. None removes the key.
///
/// ```resp
/// > ZADD {board} 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZRANGESTORE {board}:top {board} 0 1 REV
/// (integer) 2
/// > ZRANGE {board}:top 0 -1 WITHSCORES
/// 1) "bob"
/// 2) "20"
/// 3) "eve"
/// 4) "30"
/// ```
pub fn zrangestore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let query = Query::parse(req, Verb { key_at: 2, by: None, reverse: None, answers: false })?;
    let (mut stored, mut text) = (Zset::default(), IntBuffer::new());
    if let Some(zset) = typed::zset(w, req.arg(2))? {
        let entries = zset.range(query.ranks(zset));
        entries.for_each(|entry| stored.put(entry.member.text(&mut text), entry.score, 0, w.forms()));
    }
    store(w, req.arg(1), stored, out)
}
