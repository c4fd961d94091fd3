//! Members get scores: ZADD and ZINCRBY.
//!
//! A score that is set anew is without a deadline, as a field of a hash is; one that is counted up keeps it.

use std::collections::BTreeMap;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::zset::{Op, Score};
use kvark_values::{Type, Zset};

use super::answer_score;
use crate::events::ZINCR;
use crate::row::Answer;
use crate::{doubles, typed};

pub(crate) const SOURCE: &str = include_str!("scoring.rs");

/// When a member's score is set, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words {
    /// Only members that are not there.
    pub nx: bool,
    /// Only members that are there.
    pub xx: bool,
    /// Only to a greater score, where there is one.
    pub gt: bool,
    /// Only to a lesser score, where there is one.
    pub lt: bool,
    /// Members whose score changed are counted too.
    pub ch: bool,
    /// The score is added to the one that is there.
    pub incr: bool,
}

impl Words {
    /// Reads the arguments from `first` on; where the first one stands that is none of these words.
    fn parse(req: &Request, first: usize) -> (Self, usize) {
        let (mut words, mut at) = (Self::default(), first);
        while at < req.len() && words.take(req.arg(at)) {
            at += 1;
        }
        (words, at)
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let set = match word.to_ascii_uppercase().as_slice() {
            b"NX" => &mut self.nx,
            b"XX" => &mut self.xx,
            b"GT" => &mut self.gt,
            b"LT" => &mut self.lt,
            b"CH" => &mut self.ch,
            b"INCR" => &mut self.incr,
            _ => return false,
        };
        *set = true;
        true
    }

    /// Refuses words that contradict each other.
    pub fn check(&self, pairs: usize) -> Result<(), Fault> {
        if self.nx && self.xx {
            return Err(Fault::new("ERR XX and NX options at the same time are not compatible"));
        }
        if self.nx && (self.gt || self.lt) || self.gt && self.lt {
            return Err(Fault::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.incr && pairs > 1 {
            return Err(Fault::new("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The score that a member has afterwards; `None` when it is left alone.
    fn decide(&self, old: Option<Score>, given: Score) -> Result<Option<Score>, Fault> {
        let Some(old) = old else { return Ok((!self.xx).then_some(given)) };
        let new = if self.incr { old + given } else { given };
        if self.nx {
            return Ok(None);
        }
        if new.is_nan() {
            return Err(Fault::new("ERR resulting score is not a number (NaN)"));
        }
        let refused = self.lt && new >= old || self.gt && new <= old;
        Ok((!refused).then_some(new))
    }
}

/// What adding did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Added {
    /// Members that were not there.
    pub new: usize,
    /// Members that have another score now.
    pub changed: usize,
    /// The score of the last member that was not left alone.
    pub score: Option<Score>,
}

impl Added {
    /// What ZADD answers.
    pub fn count(&self, words: &Words) -> i64 {
        (if words.ch { self.new + self.changed } else { self.new }) as i64
    }
}

/// A member as it will be: score and deadline.
type State = (Score, Millis);

/// What is to be done to one sorted set, gathered before anything is done.
struct Plan<'a> {
    zset: Option<&'a Zset>,
    words: &'a Words,
    /// Members that were spoken of before, where there are several.
    earlier: BTreeMap<&'a [u8], State>,
    added: Added,
    ops: Vec<u8>,
}

impl<'a> Plan<'a> {
    fn state(&self, member: &[u8]) -> Option<State> {
        let earlier = self.earlier.get(member).copied();
        earlier.or_else(|| self.zset?.get(member).map(|entry| (entry.score, entry.deadline)))
    }

    fn put(&mut self, member: &'a [u8], given: Score, is_last: bool) -> Result<(), Fault> {
        let old = self.state(member);
        let Some(score) = self.words.decide(old.map(|state| state.0), given)? else { return Ok(()) };
        self.added.new += usize::from(old.is_none());
        self.added.changed += usize::from(old.is_some_and(|state| state.0 != score));
        self.added.score = Some(score);
        let deadline = old.map_or(0, |state| if self.words.incr { state.1 } else { 0 });
        if old != Some((score, deadline)) {
            Op::Put { member, score, deadline }.encode(&mut self.ops);
            if !is_last {
                self.earlier.insert(member, (score, deadline));
            }
        }
        Ok(())
    }
}

/// Gives members scores, as `words` say.
pub fn add(w: &mut Writer, key: &[u8], words: &Words, pairs: &[(Score, &[u8])]) -> Result<Added, Fault> {
    let zset = typed::zset(w, key)?;
    let mut plan = Plan { zset, words, earlier: BTreeMap::new(), added: Added::default(), ops: Vec::new() };
    for (at, &(score, member)) in pairs.iter().enumerate() {
        plan.put(member, score, at + 1 == pairs.len())?;
    }
    let Plan { added, ops, .. } = plan;
    if words.incr {
        w.set_event(&ZINCR);
    }
    if !ops.is_empty() {
        w.change(key, Type::Zset, &ops)?;
    }
    Ok(added)
}

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
///
/// Gives members scores, and adds those that are not there: how many were added, with CH also those whose score changed. NX
/// leaves members alone that are there, XX those that are not; GT and LT those whose score would not become greater, or lesser. INCR
/// adds to the score of one member and answers the new score, nil when the member was left alone.
///
/// A member whose score is set has no deadline any more; INCR lets it be.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZADD board XX CH 15 ada 30 eve
/// (integer) 1
/// > ZADD board GT 12 ada
/// (integer) 0
/// > ZADD board INCR 0.5 ada
/// "15.5"
/// > ZADD board NX INCR 1 ada
/// (nil)
/// > ZADD board NX XX 1 ada
/// (error) ERR XX and NX options at the same time are not compatible
/// ```
pub fn zadd(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (words, first) = Words::parse(req, 2);
    let pairs = pairs(req, first, &words)?;
    let added = add(w, req.arg(1), &words, &pairs)?;
    if words.incr {
        answer_score(added.score, out)
    } else {
        out.integer(added.count(&words))
    }
    Ok(Outcome::Done)
}

fn pairs<'a>(req: &Request<'a>, first: usize, words: &Words) -> Result<Vec<(Score, &'a [u8])>, Fault> {
    let count = req.len() - first;
    if count == 0 || !count.is_multiple_of(2) {
        return Err(Fault::syntax());
    }
    words.check(count / 2)?;
    (first..req.len()).step_by(2).map(|at| Ok((doubles::double(req.arg(at))?, req.arg(at + 1)))).collect()
}

/// `ZINCRBY key increment member`
///
/// Adds to the score of a member, 0 when it is not there, and answers the new score.
///
/// ```resp
/// > ZADD board 10 ada
/// (integer) 1
/// > ZINCRBY board 2.5 ada
/// "12.5"
/// > ZINCRBY board -1 bob
/// "-1"
/// > ZINCRBY board much bob
/// (error) ERR value is not a valid float
/// ```
pub fn zincrby(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let words = Words { incr: true, ..Words::default() };
    let added = add(w, req.arg(1), &words, &[(doubles::double(req.arg(2))?, req.arg(3))])?;
    answer_score(added.score, out);
    Ok(Outcome::Done)
}
