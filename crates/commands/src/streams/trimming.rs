//! XTRIM, and the trimming that XADD does.
//!
//! Invariant: what goes is worked out before anything changes, and logged as ids.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::stream::{Id, Op, Run};
use kvark_values::{Collection, Forms, Stream};

use super::references::{References, is_referenced, put_forget_through};
use super::{change, ids};
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("trimming.rs");

/// How much of a stream stays.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// So many entries.
    Length(usize),
    /// Entries from this id on.
    From(Id),
}

impl Bound {
    /// Whether all of `run`, the first of `left` entries, goes.
    fn takes_all(self, left: usize, run: Run) -> bool {
        match self {
            Self::Length(most) => left - run.len >= most,
            Self::From(id) => run.last < id,
        }
    }

    /// Whether the entry `id`, the first of `left`, goes.
    fn takes(self, left: usize, id: Id) -> bool {
        match self {
            Self::Length(most) => left > most,
            Self::From(first) => id < first,
        }
    }
}

/// The words about trimming, as they are found among the arguments.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrimWords {
    bound: Option<Bound>,
    approximate: bool,
    limit: Option<usize>,
    references: Option<References>,
}

/// How to trim. An approximate trim removes whole runs only, and no more than the limit.
#[derive(Debug, Clone, Copy)]
pub struct Trim {
    bound: Bound,
    approximate: bool,
    limit: usize,
    references: References,
}

impl TrimWords {
    /// Takes the word at `at` with what belongs to it, if it is one about trimming; whether it was.
    pub fn take(&mut self, req: &Request, at: &mut usize) -> Result<bool, Fault> {
        let has_more = *at + 1 < req.len();
        if has_more && (req.is(*at, "MAXLEN") || req.is(*at, "MINID")) {
            self.take_bound(req, at)?;
        } else if has_more && req.is(*at, "LIMIT") {
            let limit = args::integer(req.arg(*at + 1))?;
            self.limit = Some(usize::try_from(limit).map_err(|_| Fault::new("ERR The LIMIT argument must be >= 0."))?);
            *at += 2;
        } else if let Some(references) = References::named(req, *at).filter(|_| self.references.is_none()) {
            self.references = Some(references);
            *at += 1;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_bound(&mut self, req: &Request, at: &mut usize) -> Result<(), Fault> {
        if self.bound.is_some() {
            let message = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
            return Err(Fault::new(message));
        }
        let by_length = req.is(*at, "MAXLEN");
        let has_mark = *at + 2 < req.len() && matches!(req.arg(*at + 1), b"~" | b"=");
        self.approximate = has_mark && req.arg(*at + 1) == b"~";
        *at += 1 + usize::from(has_mark);
        self.bound = Some(if by_length { length(req.arg(*at))? } else { Bound::From(ids::id(req.arg(*at))?) });
        *at += 1;
        Ok(())
    }

    /// What they ask for together.
    pub fn finish(self, forms: &Forms) -> Result<Option<Trim>, Fault> {
        let Some(bound) = self.bound else {
            return match self.limit {
                None | Some(0) => Ok(None),
                _ => Err(Fault::new("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")),
            };
        };
        if self.limit.is_some() && !self.approximate {
            return Err(Fault::new("ERR syntax error, LIMIT cannot be used without the special ~ option"));
        }
        let limit = if self.approximate { self.limit.unwrap_or_else(|| default_limit(forms)) } else { 0 };
        let limit = if limit == 0 { usize::MAX } else { limit };
        let references = self.references.unwrap_or_default();
        Ok(Some(Trim { bound, approximate: self.approximate, limit, references }))
    }
}

fn length(text: &[u8]) -> Result<Bound, Fault> {
    let length = usize::try_from(args::integer(text)?);
    length.map(Bound::Length).map_err(|_| Fault::new("ERR The MAXLEN argument must be >= 0."))
}

/// A hundred runs, within reason.
fn default_limit(forms: &Forms) -> usize {
    match forms.stream_entries.get().saturating_mul(100) {
        0 => 10_000,
        limit => limit.min(1_000_000),
    }
}

/// An entry that is added by the same command.
#[derive(Debug, Clone, Copy)]
pub struct Added {
    /// Its id.
    pub id: Id,
    /// Whether it joins the last run.
    pub joins: bool,
}

/// A stream that is to be trimmed, with the entry that is about to be added.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The stream.
    pub stream: &'a Stream,
    /// The new entry.
    pub added: Option<Added>,
}

impl<'a> Before<'a> {
    fn len(&self) -> usize {
        self.stream.len() + usize::from(self.added.is_some())
    }

    /// The runs, each with the highest id that comes before it.
    fn runs(self) -> impl Iterator<Item = (Id, Run)> + 'a {
        let count = self.stream.runs().len();
        let joined = self.added.filter(|added| added.joins && count > 0);
        let alone = self.added.filter(|_| joined.is_none()).map(|added| Run { last: added.id, len: 1 });
        let runs = self.stream.runs().enumerate().map(move |(place, run)| match joined {
            Some(added) if place + 1 == count => Run { last: added.id, len: run.len + 1 },
            _ => run,
        });
        runs.chain(alone).scan(Id::MIN, |before, run| Some((std::mem::replace(before, run.last), run)))
    }

    /// The ids above `before` up to the last of a run.
    fn ids(self, before: Id, last: Id) -> impl Iterator<Item = Id> + 'a {
        let start = before.next().unwrap_or(Id::MAX);
        let added = self.added.map(|added| added.id).filter(|id| (start..=last).contains(id));
        self.stream.range(start, last).map(|entry| entry.id).chain(added)
    }
}

impl Trim {
    /// Appends the operations that trim `before`; how many entries go.
    pub fn put_ops(&self, before: Before, ops: &mut Vec<u8>) -> usize {
        if self.references == References::Acked {
            return self.put_acked(before, ops);
        }
        let (count, through) = self.front(before);
        let Some(through) = through else { return 0 };
        if self.references == References::Delete {
            put_forget_through(before.stream, through, ops);
        }
        Op::Trim { through }.encode(ops);
        count
    }

    /// How many entries go from the front, and the last of them.
    fn front(&self, before: Before) -> (usize, Option<Id>) {
        let (len, mut gone, mut through) = (before.len(), 0, None);
        for (lower, run) in before.runs() {
            if run.len > self.limit - gone {
                break;
            } else if self.bound.takes_all(len - gone, run) {
                (gone, through) = (gone + run.len, Some(run.last));
            } else if self.approximate {
                break;
            } else {
                let ids = before.ids(lower, run.last).enumerate();
                let some = ids.take_while(|&(place, id)| self.bound.takes(len - gone - place, id)).last();
                return some.map_or((gone, through), |(place, id)| (gone + place + 1, Some(id)));
            }
        }
        (gone, through)
    }

    /// As [`Trim::put_ops`], sparing the entries that a group waits for.
    fn put_acked(&self, before: Before, ops: &mut Vec<u8>) -> usize {
        let (len, mut gone, mut spared) = (before.len(), Vec::new(), 0);
        for (lower, run) in before.runs() {
            let too_many = run.len > self.limit - gone.len();
            if too_many || self.approximate && !self.bound.takes_all(len - gone.len(), run) {
                break;
            }
            for id in before.ids(lower, run.last) {
                if !self.bound.takes(len - gone.len(), id) {
                    return put_gone(&gone, spared, ops);
                } else if is_referenced(before.stream, id, None) {
                    spared += 1;
                } else {
                    gone.push(id);
                }
            }
        }
        put_gone(&gone, spared, ops)
    }
}

/// Nothing that was spared lies between: it is as good as trimmed.
fn put_gone(gone: &[Id], spared: usize, ops: &mut Vec<u8>) -> usize {
    match gone.last() {
        Some(&through) if spared == 0 => Op::Trim { through }.encode(ops),
        Some(_) => Op::Delete { ids: gone }.encode(ops),
        None => {}
    }
    gone.len()
}

/// `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]`
///
/// Removes the oldest entries of a stream until it has no more than MAXLEN of them, or none with an id below MINID; answers how many went. With `~` only
/// whole runs of entries go, as they are kept in memory, and no more than LIMIT entries. What is pending in groups stays so (KEEPREF), or is forgotten (DELREF); with ACKED entries
/// are spared that a group has not got or not acknowledged.
///
/// ```resp
/// > XADD log 1-0 n 1
/// "1-0"
/// > XADD log 2-0 n 2
/// "2-0"
/// > XADD log 3-0 n 3
/// "3-0"
/// > XTRIM log MAXLEN 2
/// (integer) 1
/// > XTRIM log MINID = 3
/// (integer) 1
/// > XTRIM log MAXLEN ~ 0 LIMIT 100
/// (integer) 1
/// ```
pub fn xtrim(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, trim) = (req.arg(1), parse(w, req)?);
    let mut ops = Vec::new();
    let count = match typed::stream(w, key)? {
        Some(stream) => trim.put_ops(Before { stream, added: None }, &mut ops),
        None => 0,
    };
    change(w, key, &ops)?;
    out.integer(count as i64);
    Ok(Outcome::Done)
}

fn parse(view: &View, req: &Request) -> Result<Trim, Fault> {
    let (mut words, mut at) = (TrimWords::default(), 2);
    while at < req.len() {
        if !words.take(req, &mut at)? {
            return Err(Fault::syntax());
        }
    }
    let none = || Fault::new("ERR syntax error, XTRIM must be called with a trimming strategy");
    words.finish(view.forms())?.ok_or_else(none)
}
