//! Unions, intersections and differences, of sorted sets and of plain ones.

use kvark_call::{Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::zset::Score;
use kvark_values::{Forms, IntBuffer, StringRef, Zset};

use super::sources::{Aggregate, Query, Source, Takes, number_or_zero};
use super::{answer_entries, store};
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("combining.rs");

/// What becomes of several.
type Combine = fn(Vec<Source<'_>>, Aggregate, &Forms) -> Zset;

/// All members of any of them.
fn union(mut sources: Vec<Source<'_>>, aggregate: Aggregate, forms: &Forms) -> Zset {
    let (mut result, mut text) = (Zset::default(), IntBuffer::new());
    sources.sort_by_key(Source::count);
    for source in &sources {
        source.try_each(&mut |member, score| {
            let (member, score) = (member.text(&mut text), number_or_zero(source.weight * score));
            let score = result.score(member).map_or(score, |before| aggregate.of_two(before, score));
            result.put(member, score, 0, forms);
            true
        });
    }
    result
}

/// The members that all of them have.
fn intersection(mut sources: Vec<Source<'_>>, aggregate: Aggregate, forms: &Forms) -> Zset {
    let (mut result, mut text) = (Zset::default(), IntBuffer::new());
    each_common(&mut sources, aggregate, |member, score| {
        result.put(member.text(&mut text), score, 0, forms);
        true
    });
    result
}

/// Hands over each member that all of them have, until `each` says that it is enough. The smallest is walked through.
fn each_common(sources: &mut [Source<'_>], aggregate: Aggregate, mut each: impl FnMut(StringRef<'_>, Score) -> bool) {
    sources.sort_by_key(Source::count);
    let Some((smallest, others)) = sources.split_first() else { return };
    let mut text = IntBuffer::new();
    smallest.try_each(&mut |member, score| {
        let (bytes, first) = (member.text(&mut text), number_or_zero(smallest.weight * score));
        let common = others.iter().try_fold(first, |score, other| {
            other.score(bytes).map(|found| aggregate.of_two(score, found * other.weight))
        });
        common.is_none_or(|score| each(member, score))
    });
}

/// The members of the first that no other has, with their scores.
fn difference(sources: Vec<Source<'_>>, _: Aggregate, forms: &Forms) -> Zset {
    let (mut result, mut text) = (Zset::default(), IntBuffer::new());
    let Some((first, others)) = sources.split_first() else { return result };
    first.try_each(&mut |member, score| {
        let member = member.text(&mut text);
        if others.iter().all(|other| other.score(member).is_none()) {
            result.put(member, score, 0, forms);
        }
        true
    });
    result
}

fn answer(view: &View, req: &Request, combine: Combine, weighs: bool, out: &mut dyn ReplySink) -> Answer {
    let query = Query::parse(view, req, 1, Takes { scores: weighs, with_scores: true, limit: false })?;
    let result = combine(query.sources, query.aggregate, view.forms());
    answer_entries(result.iter(), query.with_scores, out);
    Ok(Outcome::Done)
}

fn keep(w: &mut Writer, req: &Request, combine: Combine, weighs: bool, out: &mut dyn ReplySink) -> Answer {
    let query = Query::parse(w, req, 2, Takes { scores: weighs, with_scores: false, limit: false })?;
    let result = combine(query.sources, query.aggregate, w.forms());
    store(w, req.arg(1), result, out)
}

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]`
///
/// The members that any of these sorted sets has. Scores are multiplied by the weight of their set, and those of one member become
/// their sum, the least or the greatest of them. A plain set will do too: its members have the score 1.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob
/// (integer) 1
/// > ZUNION 2 {b}:1 {b}:2 WEIGHTS 1 0.5 WITHSCORES
/// 1) "ada"
/// 2) "1"
/// 3) "bob"
/// 4) "7"
/// > ZUNION 0 {b}:1
/// (error) ERR at least 1 input key is needed for 'zunion' command
/// ```
pub fn zunion(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, union, true, out)
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]`
///
/// Puts what ZUNION would answer at `destination`, in place of whatever is there: how many members it has.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob
/// (integer) 1
/// > ZUNIONSTORE {b}:all 2 {b}:1 {b}:2 AGGREGATE MAX
/// (integer) 2
/// > ZSCORE {b}:all bob
/// "10"
/// > COMMAND GETKEYS ZUNIONSTORE all 2 one two
/// 1) "all"
/// 2) "one"
/// 3) "two"
/// ```
pub fn zunionstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    keep(w, req, union, true, out)
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]`
///
/// The members that all of these sorted sets have; see ZUNION.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob
/// (integer) 1
/// > ZINTER 2 {b}:1 {b}:2 WITHSCORES
/// 1) "bob"
/// 2) "12"
/// ```
pub fn zinter(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, intersection, true, out)
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]`
///
/// Puts what ZINTER would answer at `destination`, in place of whatever is there: how many members it has.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob
/// (integer) 1
/// > ZINTERSTORE {b}:both 2 {b}:1 {b}:2
/// (integer) 1
/// ```
pub fn zinterstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    keep(w, req, intersection, true, out)
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
///
/// How many members all of these sorted sets have. LIMIT stops counting there; 0 is no limit.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob 20 ada
/// (integer) 2
/// > ZINTERCARD 2 {b}:1 {b}:2
/// (integer) 2
/// > ZINTERCARD 2 {b}:1 {b}:2 LIMIT 1
/// (integer) 1
/// ```
pub fn zintercard(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mut query = Query::parse(view, req, 1, Takes { limit: true, ..Takes::default() })?;
    let mut count = 0;
    each_common(&mut query.sources, Aggregate::Sum, |_, _| {
        count += 1;
        count != query.limit
    });
    out.integer(count as i64);
    Ok(Outcome::Done)
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
///
/// The members of the first of these sorted sets that none of the others has.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZADD {b}:2 10 bob
/// (integer) 1
/// > ZDIFF 2 {b}:1 {b}:2 WITHSCORES
/// 1) "ada"
/// 2) "1"
/// ```
pub fn zdiff(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(view, req, difference, false, out)
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
///
/// Puts what ZDIFF would answer at `destination`, in place of whatever is there: how many members it has.
///
/// ```resp
/// > ZADD {b}:1 1 ada 2 bob
/// (integer) 2
/// > ZDIFFSTORE {b}:rest 2 {b}:1 {b}:2
/// (integer) 2
/// ```
pub fn zdiffstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    keep(w, req, difference, false, out)
}
