//! What unions, intersections and differences are made of: sorted sets and plain ones, whose members all have the score 1.

use kvark_call::{Fault, Request};
use kvark_keyspace::View;
use kvark_values::zset::Score;
use kvark_values::{Collection, Set, StringRef, ValueRef, Zset};

use crate::{args, doubles};

/// What one of the keys holds.
#[derive(Debug, Clone, Copy)]
enum Held<'v> {
    Nothing,
    Set(&'v Set),
    Zset(&'v Zset),
}

/// One of the keys.
#[derive(Debug, Clone, Copy)]
pub struct Source<'v> {
    held: Held<'v>,
    /// What its scores are multiplied by.
    pub weight: Score,
}

impl<'v> Source<'v> {
    /// What `key` holds, which is no other type.
    fn of(view: &'v View<'_>, key: &[u8]) -> Result<Self, Fault> {
        let held = match view.find(key).map(|entry| entry.value()) {
            None => Held::Nothing,
            Some(ValueRef::Set(set)) => Held::Set(set),
            Some(ValueRef::Zset(zset)) => Held::Zset(zset),
            Some(_) => return Err(Fault::wrong_type()),
        };
        Ok(Self { held, weight: 1.0 })
    }

    /// How many members it has.
    pub fn count(&self) -> usize {
        match self.held {
            Held::Nothing => 0,
            Held::Set(set) => set.len(),
            Held::Zset(zset) => zset.len(),
        }
    }

    /// The score of a member, not weighed.
    pub fn score(&self, member: &[u8]) -> Option<Score> {
        match self.held {
            Held::Nothing => None,
            Held::Set(set) => set.contains(StringRef::new(member)).then_some(1.0),
            Held::Zset(zset) => zset.score(member),
        }
    }

    /// Each member with its score, not weighed, until `each` says that it is enough.
    pub fn try_each(&self, each: &mut dyn FnMut(StringRef<'v>, Score) -> bool) {
        match self.held {
            Held::Nothing => {}
            Held::Set(set) => drop(set.iter().all(|member| each(member, 1.0))),
            Held::Zset(zset) => drop(zset.iter().all(|entry| each(entry.member, entry.score))),
        }
    }
}

/// How scores become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregate {
    /// Their sum; of opposite infinities 0.
    #[default]
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Aggregate {
    fn of(word: &[u8]) -> Result<Self, Fault> {
        match word.to_ascii_uppercase().as_slice() {
            b"SUM" => Ok(Self::Sum),
            b"MIN" => Ok(Self::Min),
            b"MAX" => Ok(Self::Max),
            _ => Err(Fault::syntax()),
        }
    }

    /// One of two.
    pub fn of_two(self, a: Score, b: Score) -> Score {
        match self {
            Self::Sum => number_or_zero(a + b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

/// What is no number (infinity times zero, say) counts as zero.
pub fn number_or_zero(score: Score) -> Score {
    if score.is_nan() { 0.0 } else { score }
}

/// Which words a command takes behind its keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct Takes {
    /// WEIGHTS and AGGREGATE.
    pub scores: bool,
    /// WITHSCORES.
    pub with_scores: bool,
    /// LIMIT.
    pub limit: bool,
}

/// What the keys hold, and the words behind them.
#[derive(Debug)]
pub struct Query<'v> {
    /// What the keys hold, in their order.
    pub sources: Vec<Source<'v>>,
    /// How scores become one.
    pub aggregate: Aggregate,
    /// Whether scores are wanted.
    pub with_scores: bool,
    /// At most so many; 0 is any number.
    pub limit: usize,
}

impl<'v> Query<'v> {
    /// Reads the arguments from the number of keys on, which stands at `count_at`. A key of another type is refused before the words
    /// behind the keys are read.
    pub fn parse(view: &'v View<'_>, req: &Request, count_at: usize, takes: Takes) -> Result<Self, Fault> {
        let count = key_count(req, count_at)?;
        let keys = req.args_from(count_at + 1).take(count);
        let sources = keys.map(|key| Source::of(view, key)).collect::<Result<_, _>>()?;
        let mut query = Self { sources, aggregate: Aggregate::Sum, with_scores: false, limit: 0 };
        let mut at = count_at + 1 + count;
        while at < req.len() {
            at += query.take(req, at, takes)?;
        }
        Ok(query)
    }

    /// Takes the word at `at`, perhaps with the arguments behind it; returns how many arguments those were.
    fn take(&mut self, req: &Request, at: usize, takes: Takes) -> Result<usize, Fault> {
        let behind = req.len() - at - 1;
        if takes.scores && behind >= self.sources.len() && req.is(at, "WEIGHTS") {
            for (source, text) in self.sources.iter_mut().zip(req.args_from(at + 1)) {
                source.weight = doubles::double_or(text, "ERR weight value is not a float")?;
            }
            return Ok(1 + self.sources.len());
        }
        if takes.scores && behind >= 1 && req.is(at, "AGGREGATE") {
            self.aggregate = Aggregate::of(req.arg(at + 1))?;
            return Ok(2);
        }
        if takes.limit && behind >= 1 && req.is(at, "LIMIT") {
            self.limit = args::count(req.arg(at + 1), 0, "ERR LIMIT can't be negative")?;
            return Ok(2);
        }
        if takes.with_scores && req.is(at, "WITHSCORES") {
            self.with_scores = true;
            return Ok(1);
        }
        Err(Fault::syntax())
    }
}

fn key_count(req: &Request, count_at: usize) -> Result<usize, Fault> {
    let count = args::integer(req.arg(count_at))?;
    let Some(count) = usize::try_from(count).ok().filter(|&count| count > 0) else {
        let name = String::from_utf8_lossy(req.name()).to_ascii_lowercase();
        return Err(Fault::new(format!("ERR at least 1 input key is needed for '{name}' command")));
    };
    if count > req.len() - count_at - 1 { Err(Fault::syntax()) } else { Ok(count) }
}
