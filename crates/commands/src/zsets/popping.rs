//! The members with the lowest or the highest scores are taken out, by who waits for them too.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::zset::Score;
use kvark_values::{Collection, IntBuffer, StringRef, Zset};

use super::leaving::Leaving;
use crate::events::{ZPOPMAX, ZPOPMIN};
use crate::row::Answer;
use crate::{args, typed, waiting};

pub(crate) const SOURCE: &str = include_str!("popping.rs");

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

/// Members that go, and the score of each.
#[derive(Default)]
struct Taken {
    leaving: Leaving,
    scores: Vec<Score>,
}

impl Taken {
    /// Up to `count` members from that end.
    fn of(zset: &Zset, end: End, count: usize) -> Self {
        let mut taken = Self { leaving: Leaving::of(Some(zset)), ..Self::default() };
        let len = zset.len();
        let count = count.min(len);
        // Who pops once will pop again, and members that are neighbours in the order lie anywhere in memory.
        match end {
            End::Min => {
                zset.range(0..count).for_each(|entry| taken.push(entry.member, entry.score));
                zset.ask_ahead(count..len, false);
            }
            End::Max => {
                zset.range(len - count..len).rev().for_each(|entry| taken.push(entry.member, entry.score));
                zset.ask_ahead(0..len - count, true);
            }
        }
        taken
    }

    fn push(&mut self, member: StringRef<'_>, score: Score) {
        self.leaving.push(member.text(&mut IntBuffer::new()));
        self.scores.push(score);
    }

    fn answer_pairs(&self, out: &mut dyn ReplySink, begin: fn(&mut dyn ReplySink)) {
        for (member, score) in self.leaving.members().zip(&self.scores) {
            begin(out);
            out.bulk(member);
            out.double(*score);
        }
    }
}

/// `ZPOPMIN key [count]`
///
/// Takes out the member with the lowest score, or `count` of them, and answers each with its score; nothing when there is none.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZPOPMIN board
/// 1) "ada"
/// 2) "10"
/// > ZPOPMIN board 5
/// 1) "bob"
/// 2) "20"
/// 3) "eve"
/// 4) "30"
/// > ZPOPMIN board
/// (empty array)
/// ```
pub fn zpopmin(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Min, out)
}

/// `ZPOPMAX key [count]`
///
/// Takes out the member with the highest score, or `count` of them, from the highest down; see ZPOPMIN.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZPOPMAX board 2
/// 1) "eve"
/// 2) "30"
/// 3) "bob"
/// 4) "20"
/// ```
pub fn zpopmax(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Max, out)
}

fn pop(w: &mut Writer, req: &Request, end: End, out: &mut dyn ReplySink) -> Answer {
    if req.len() > 3 {
        return Err(Fault::syntax());
    }
    let count =
        req.get(2).map(|text| args::count(text, 0, "ERR value is out of range, must be positive")).transpose()?;
    let taken =
        typed::zset(w, req.arg(1))?.map_or_else(Taken::default, |zset| Taken::of(zset, end, count.unwrap_or(1)));
    taken.leaving.remove(w, req.arg(1))?;
    if count.is_some() {
        out.pairs(taken.scores.len());
        taken.answer_pairs(out, |out| out.pair());
    } else {
        // Without a count it is a plain array of two, whatever the protocol.
        out.array(2 * taken.scores.len());
        taken.answer_pairs(out, |_| ());
    }
    Ok(Outcome::Done)
}

/// `ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]`
///
/// Takes out the member with the lowest or the highest score, or `count` of them, of the first of these sorted sets that is there. Answers its
/// key and each member with its score; nil when none is there.
///
/// ```resp
/// > ZADD {b}:2 10 ada 20 bob
/// (integer) 2
/// > ZMPOP 2 {b}:1 {b}:2 MAX
/// 1) "{b}:2"
/// 2) 1) 1) "bob"
///       2) "20"
/// > ZMPOP 1 {b}:1 MIN COUNT 10
/// (nil)
/// > ZMPOP 0 {b}:1 MIN
/// (error) ERR numkeys should be greater than 0
/// ```
pub fn zmpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if !Wanted::parse(req, 1)?.take(w, req, out)? {
        out.null_array();
    }
    Ok(Outcome::Done)
}

/// What ZMPOP is to take out.
struct Wanted {
    first: usize,
    keys: usize,
    end: End,
    count: usize,
}

impl Wanted {
    /// Takes from the first sorted set that is there, and answers; whether one was.
    fn take(&self, w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Result<bool, Fault> {
        for key in req.args_from(self.first).take(self.keys) {
            let Some(zset) = typed::zset(w, key)? else { continue };
            let taken = Taken::of(zset, self.end, self.count);
            w.set_event(if self.end == End::Min { &ZPOPMIN } else { &ZPOPMAX });
            taken.leaving.remove(w, key)?;
            out.array(2);
            out.bulk(key);
            out.array(taken.scores.len());
            taken.answer_pairs(out, |out| out.array(2));
            return Ok(true);
        }
        Ok(false)
    }

    /// What is asked for from argument `at` on, where the number of keys stands.
    fn parse(req: &Request, at: usize) -> Result<Self, Fault> {
        let keys = args::count(req.arg(at), 1, "ERR numkeys should be greater than 0")?;
        let first = at + 1;
        let at = keys.saturating_add(first);
        let end = match () {
            () if req.is(at, "MIN") => End::Min,
            () if req.is(at, "MAX") => End::Max,
            () => return Err(Fault::syntax()),
        };
        let behind = req.len() - at - 1;
        let mut count = 1;
        if behind >= 2 && req.is(at + 1, "COUNT") {
            count = args::count(req.arg(at + 2), 1, "ERR count should be greater than 0")?;
        } else if behind > 0 {
            return Err(Fault::syntax());
        }
        if behind > 2 { Err(Fault::syntax()) } else { Ok(Self { first, keys, end, count }) }
    }
}

/// `BZPOPMIN key [key ...] timeout`
///
/// Takes out the member with the lowest score of the first of several sorted sets that is there, and answers its key, the member and the
/// score. When none is there, the connection waits for one, as with BLPOP, `timeout` seconds at most (0: for ever); then the answer is nil.
///
/// ```resp
/// > ZADD {b}:2 10 ada 20 bob
/// (integer) 2
/// > BZPOPMIN {b}:1 {b}:2 1
/// 1) "{b}:2"
/// 2) "ada"
/// 3) "10"
/// > BZPOPMIN {b}:1 0.01
/// (nil)
/// ```
pub fn bzpopmin(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop_or_wait(w, req, End::Min, out)
}

/// `BZPOPMAX key [key ...] timeout`
///
/// As BZPOPMIN, the member with the highest score.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > BZPOPMAX board 1
/// 1) "board"
/// 2) "bob"
/// 3) "20"
/// ```
pub fn bzpopmax(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop_or_wait(w, req, End::Max, out)
}

fn pop_or_wait(w: &mut Writer, req: &Request, end: End, out: &mut dyn ReplySink) -> Answer {
    let last = req.len() - 1;
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(last))?;
    for key in (1..last).map(|at| req.arg(at)) {
        let Some(zset) = typed::zset(w, key)? else { continue };
        let taken = Taken::of(zset, end, 1);
        taken.leaving.remove(w, key)?;
        out.array(3);
        out.bulk(key);
        taken.answer_pairs(out, |_| ());
        return Ok(Outcome::Done);
    }
    Ok(waiting::for_keys(last - 1, deadline_ms, |out| out.null_array()))
}

/// `BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]`
///
/// As ZMPOP; when none of the sorted sets is there, the connection waits as with BZPOPMIN.
///
/// ```resp
/// > ZADD {b}:2 10 ada 20 bob
/// (integer) 2
/// > BZMPOP 1 2 {b}:1 {b}:2 MAX
/// 1) "{b}:2"
/// 2) 1) 1) "bob"
///       2) "20"
/// > BZMPOP 0.01 1 {b}:1 MIN
/// (nil)
/// ```
pub fn bzmpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let wanted = Wanted::parse(req, 2)?;
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(1))?;
    if wanted.take(w, req, out)? {
        return Ok(Outcome::Done);
    }
    Ok(waiting::for_keys(wanted.keys, deadline_ms, |out| out.null_array()))
}
