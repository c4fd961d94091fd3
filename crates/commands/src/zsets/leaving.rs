//! Members go: one by one, or a stretch of them.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::zset::Op;
use kvark_values::{Collection, IntBuffer, Type, Zset};

use super::intervals::Interval;
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("leaving.rs");

/// `ZREM key member [member ...]`
///
/// Removes members: how many of them were there.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZREM board ada eve
/// (integer) 1
/// > ZREM board bob
/// (integer) 1
/// > EXISTS board
/// (integer) 0
/// ```
pub fn zrem(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let zset = typed::zset(w, req.arg(1))?;
    let is_there = |member: &&[u8]| zset.is_some_and(|zset| zset.score(member).is_some());
    let mut members: Vec<&[u8]> = req.args_from(2).filter(is_there).collect();
    members.sort_unstable();
    members.dedup();
    let mut leaving = Leaving::of(zset);
    members.iter().for_each(|member| leaving.push(member));
    leaving.remove(w, req.arg(1))?;
    out.integer(members.len() as i64);
    Ok(Outcome::Done)
}

/// Members that are to go.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    ops: Vec<u8>,
    /// How many they are.
    pub(super) count: usize,
    len: usize,
}

impl Leaving {
    /// None yet, of the members of `zset`.
    pub(super) fn of(zset: Option<&Zset>) -> Self {
        Self { len: zset.map_or(0, Zset::len), ..Self::default() }
    }

    /// Those that were named, in that order.
    pub(super) fn members(&self) -> impl Iterator<Item = &[u8]> {
        Op::each(&self.ops).map(|op| op.member())
    }

    /// One more, which is there and was not named before.
    pub(super) fn push(&mut self, member: &[u8]) {
        Op::Remove { member }.encode(&mut self.ops);
        self.count += 1;
    }

    /// Removes them. Where all go, so does the key, which is less to do and to log.
    pub(super) fn remove(&self, w: &mut Writer, key: &[u8]) -> Result<(), Fault> {
        if self.count > 0 && self.count == self.len {
            w.remove_emptied(key)?;
        } else if self.count > 0 {
            w.change(key, Type::Zset, &self.ops)?;
        }
        Ok(())
    }
}

/// `ZREMRANGEBYRANK key start stop`
///
/// Removes the members from rank `start` to rank `stop`, both included; negative ranks count from the end. Answers how many there were.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZREMRANGEBYRANK board 0 -2
/// (integer) 2
/// > ZRANGE board 0 -1
/// 1) "eve"
/// ```
pub fn zremrangebyrank(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::of_ranks(req.arg(2), req.arg(3))?;
    remove(w, req, interval, out)
}

/// `ZREMRANGEBYSCORE key min max`
///
/// Removes the members with a score from `min` to `max` (see ZCOUNT): how many there were.
///
/// ```resp
/// > ZADD board 10 ada 20 bob 30 eve
/// (integer) 3
/// > ZREMRANGEBYSCORE board -inf (30
/// (integer) 2
/// ```
pub fn zremrangebyscore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::of_scores(req.arg(2), req.arg(3))?;
    remove(w, req, interval, out)
}

/// `ZREMRANGEBYLEX key min max`
///
/// Removes the members from `min` to `max` in the order of bytes (see ZLEXCOUNT): how many there were.
///
/// ```resp
/// > ZADD names 0 ada 0 bob 0 eve
/// (integer) 3
/// > ZREMRANGEBYLEX names [ada [bob
/// (integer) 2
/// ```
pub fn zremrangebylex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let interval = Interval::of_members(req.arg(2), req.arg(3))?;
    remove(w, req, interval, out)
}

/// How many members ZREMRANGEBYRANK or its kin names; none where it is refused.
pub(crate) fn named(name: &str, view: &View, req: &Request) -> usize {
    let interval = match name {
        "ZREMRANGEBYRANK" => Interval::of_ranks(req.arg(2), req.arg(3)),
        "ZREMRANGEBYSCORE" => Interval::of_scores(req.arg(2), req.arg(3)),
        _ => Interval::of_members(req.arg(2), req.arg(3)),
    };
    let zset = typed::zset(view, req.arg(1)).ok().flatten();
    interval.ok().zip(zset).map_or(0, |(interval, zset)| interval.ranks(zset, false).len())
}

fn remove(w: &mut Writer, req: &Request, interval: Interval<'_>, out: &mut dyn ReplySink) -> Answer {
    let (zset, mut text) = (typed::zset(w, req.arg(1))?, IntBuffer::new());
    let mut leaving = Leaving::of(zset);
    if let Some(zset) = zset {
        zset.range(interval.ranks(zset, false)).for_each(|entry| leaving.push(entry.member.text(&mut text)));
    }
    leaving.remove(w, req.arg(1))?;
    out.integer(leaving.count as i64);
    Ok(Outcome::Done)
}
