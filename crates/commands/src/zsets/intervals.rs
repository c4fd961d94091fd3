//! From here to there: a stretch of a sorted set named by ranks, by scores or by members.
//!
//! Invariant: every stretch is one of ranks, so that all that is asked of it (how many, the last ten, the tenth to twentieth) is arithmetic.

use std::ops::Range;

use kvark_call::Fault;
use kvark_values::zset::Edge;
use kvark_values::{Collection, Zset};

use crate::{args, doubles};

/// What a stretch is named by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interval<'a> {
    /// The first and the last rank; negative ones count from the end.
    Ranks(i64, i64),
    /// Where it begins and ends.
    Edges(Edge<'a>, Edge<'a>),
}

impl<'a> Interval<'a> {
    /// From rank `start` to rank `stop`.
    pub fn of_ranks(start: &[u8], stop: &[u8]) -> Result<Self, Fault> {
        Ok(Self::Ranks(args::integer(start)?, args::integer(stop)?))
    }

    /// From score `min` to score `max`; a score behind `(` is left out.
    pub fn of_scores(min: &[u8], max: &[u8]) -> Result<Self, Fault> {
        let bound = |text: &[u8]| {
            let (open, number) = text.strip_prefix(b"(").map_or((false, text), |number| (true, number));
            Some((open, if number.is_empty() { 0.0 } else { doubles::parse_decimal(number)? }))
        };
        let (Some((min_open, min)), Some((max_open, max))) = (bound(min), bound(max)) else {
            return Err(Fault::new("ERR min or max is not a float"));
        };
        let edge = |behind: bool, score| if behind { Edge::AfterScore(score) } else { Edge::BeforeScore(score) };
        Ok(Self::Edges(edge(min_open, min), edge(!max_open, max)))
    }

    /// From member `min` to member `max`: `[b` with b, `(b` without, `-` and `+` are the ends.
    pub fn of_members(min: &'a [u8], max: &'a [u8]) -> Result<Self, Fault> {
        let edge = |text: &'a [u8], closed_is_behind: bool| match text {
            b"-" => Some(Edge::Start),
            b"+" => Some(Edge::End),
            [kind @ (b'[' | b'('), member @ ..] => {
                let behind = (*kind == b'[') == closed_is_behind;
                Some(if behind { Edge::AfterMember(member) } else { Edge::BeforeMember(member) })
            }
            _ => None,
        };
        match (edge(min, false), edge(max, true)) {
            (Some(min), Some(max)) => Ok(Self::Edges(min, max)),
            _ => Err(Fault::new("ERR min or max not valid string range item")),
        }
    }

    /// The ranks in `zset`. `reverse`: given ranks count from the highest score down.
    pub fn ranks(&self, zset: &Zset, reverse: bool) -> Range<usize> {
        match *self {
            Self::Ranks(start, stop) => {
                let ranks = resolve(start, stop, zset.len());
                if reverse { zset.len() - ranks.end..zset.len() - ranks.start } else { ranks }
            }
            Self::Edges(min, max) => {
                let start = zset.place(min);
                start..zset.place(max).max(start)
            }
        }
    }
}

/// The ranks from `start` to `stop`, both included, among `len`.
fn resolve(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_front = |rank: i64| if rank < 0 { rank.saturating_add(len as i64) } else { rank };
    let start = (from_front(start).max(0) as usize).min(len);
    let end = (from_front(stop).saturating_add(1).max(0) as usize).min(len);
    start..end.max(start)
}

/// `count` of the ranks (a negative number: all) behind the first `offset`, seen from the end if `reverse`; none when `offset` is negative.
pub fn limited(ranks: Range<usize>, offset: i64, count: i64, reverse: bool) -> Range<usize> {
    let Ok(offset) = usize::try_from(offset) else { return ranks.start..ranks.start };
    let skipped = offset.min(ranks.len());
    let taken = usize::try_from(count).unwrap_or(usize::MAX).min(ranks.len() - skipped);
    if reverse {
        let end = ranks.end - skipped;
        end - taken..end
    } else {
        let start = ranks.start + skipped;
        start..start + taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_from_either_end() {
        for (start, stop, ranks) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, -1, 3..5),
            (-100, 100, 0..5),
            (3, 1, 3..3),
            (5, 9, 5..5),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(resolve(start, stop, 5), ranks, "{start} {stop}");
        }
    }

    #[test]
    fn a_limit_is_seen_from_where_the_walk_begins() {
        assert_eq!(limited(2..10, 1, 3, false), 3..6);
        assert_eq!(limited(2..10, 1, 3, true), 6..9);
        assert_eq!(limited(2..10, 7, 3, true), 2..3);
        assert_eq!(limited(2..10, 9, 3, false), 10..10);
        assert_eq!(limited(2..10, 0, -1, false), 2..10);
        assert_eq!(limited(2..10, -1, 5, false), 2..2);
    }
}
