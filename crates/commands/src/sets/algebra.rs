//! What several sets have in common, what they have together, and what only the first has.
//!
//! Invariant: an answer borrows the members from the sets; only a set that is stored is a copy.

use std::cmp::Reverse;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::{Collection, Forms, NewValue, Set, StringRef, Value};

use super::answer_member;
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("algebra.rs");

/// Keys come from clients, so its hashes are seeded; it is fast for short ones.
type HashSet<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;

/// The sets at some keys, `None` for a missing one.
type Sets<'v> = Vec<Option<&'v Set>>;

/// What becomes of several sets, as members to be answered.
type Members = for<'v> fn(&Sets<'v>) -> Vec<StringRef<'v>>;

/// What becomes of several sets, as a set to be stored.
type Stored = fn(&Sets<'_>, &Forms) -> Set;

fn sets_at<'v, 'k>(view: &'v View<'_>, keys: impl Iterator<Item = &'k [u8]>) -> Result<Sets<'v>, Fault> {
    keys.map(|key| typed::set(view, key)).collect()
}

/// The members that all sets have. It looks at the members of the smallest, and for each into the others from small to large.
fn common<'v>(sets: &Sets<'v>) -> impl Iterator<Item = StringRef<'v>> {
    let mut sorted: Vec<&'v Set> = sets.iter().copied().collect::<Option<_>>().unwrap_or_default();
    sorted.sort_by_key(|set| set.len());
    let mut others = sorted.into_iter();
    let smallest = others.next();
    let members = smallest.into_iter().flat_map(Set::iter);
    members.filter(move |&member| others.as_slice().iter().all(|set| set.contains(member)))
}

fn intersection<'v>(sets: &Sets<'v>) -> Vec<StringRef<'v>> {
    common(sets).collect()
}

/// The members of all sets, one set behind the other.
fn all<'v>(sets: &Sets<'v>) -> impl Iterator<Item = StringRef<'v>> {
    sets.iter().copied().flatten().flat_map(Set::iter)
}

/// The members that any of the sets has.
fn union<'v>(sets: &Sets<'v>) -> Vec<StringRef<'v>> {
    let mut found = HashSet::default();
    all(sets).filter(|&member| found.insert(member)).collect()
}

/// The members of the first set that no other has.
fn difference<'v>(sets: &Sets<'v>) -> Vec<StringRef<'v>> {
    let Some((&Some(first), others)) = sets.split_first() else { return Vec::new() };
    let mut others: Vec<&'v Set> = others.iter().copied().flatten().collect();
    // Looking into every other set for each member of the first against walking over all members of all sets: a look into a
    // set is given half the price, because many members are found in the first one already.
    let looks = first.len() * (others.len() + 1) / 2;
    let steps = first.len() + others.iter().map(|set| set.len()).sum::<usize>();
    if looks <= steps {
        others.sort_by_key(|set| Reverse(set.len()));
        return first.iter().filter(|&member| !others.iter().any(|set| set.contains(member))).collect();
    }
    let mut left: HashSet<_> = first.iter().collect();
    for member in others.into_iter().flat_map(Set::iter) {
        left.remove(&member);
    }
    first.iter().filter(|member| left.contains(member)).collect()
}

fn answer(operation: Members, view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let found = operation(&sets_at(view, req.args_from(1))?);
    out.set(found.len());
    for member in found {
        answer_member(member, out);
    }
    Ok(Outcome::Done)
}

/// Puts the result in place of whatever is at the destination; an empty one removes it.
fn store(operation: Stored, w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let destination = req.arg(1);
    let result = operation(&sets_at(w, req.args_from(2))?, w.forms());
    let len = result.len();
    if len == 0 {
        w.remove(destination)?;
    } else {
        w.put_value(destination, NewValue::Owned(Value::Set(result)), 0)?;
    }
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// `SINTER key [key ...]`
///
/// The members that all of the sets have. A missing key is an empty set.
///
/// ```resp
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SADD {n}small 1 2 3 4
/// (integer) 4
/// > SINTER {n}even {n}small
/// 1) "2"
/// 2) "4"
/// > SINTER {n}even {n}nobody
/// (empty array)
/// ```
pub fn sinter(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(intersection, view, req, out)
}

/// `SINTERSTORE destination key [key ...]`
///
/// Stores the members that all of the sets have as a set, and answers how many there are.
///
/// ```resp
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SADD {n}small 1 2 3 4
/// (integer) 4
/// > SINTERSTORE {n}both {n}even {n}small
/// (integer) 2
/// > SMEMBERS {n}both
/// 1) "2"
/// 2) "4"
/// > SINTERSTORE {n}both {n}even {n}nobody
/// (integer) 0
/// > EXISTS {n}both
/// (integer) 0
/// ```
pub fn sinterstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    store(|sets, forms| Set::from_members(common(sets), forms), w, req, out)
}

/// `SUNION key [key ...]`
///
/// The members that any of the sets has.
///
/// ```resp
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SADD {n}small 1 2 3
/// (integer) 3
/// > SUNION {n}even {n}small {n}nobody
/// 1) "2"
/// 2) "4"
/// 3) "6"
/// 4) "1"
/// 5) "3"
/// ```
pub fn sunion(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(union, view, req, out)
}

/// `SUNIONSTORE destination key [key ...]`
///
/// Stores the members that any of the sets has as a set, and answers how many there are.
///
/// ```resp
/// > SADD {n}even 2 4
/// (integer) 2
/// > SADD {n}odd 1 3
/// (integer) 2
/// > SUNIONSTORE {n}all {n}even {n}odd
/// (integer) 4
/// > SMEMBERS {n}all
/// 1) "1"
/// 2) "2"
/// 3) "3"
/// 4) "4"
/// ```
pub fn sunionstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    store(|sets, forms| Set::from_members(all(sets), forms), w, req, out)
}

/// `SDIFF key [key ...]`
///
/// The members of the first set that none of the others has.
///
/// ```resp
/// > SADD {n}small 1 2 3 4
/// (integer) 4
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SDIFF {n}small {n}even
/// 1) "1"
/// 2) "3"
/// ```
pub fn sdiff(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer(difference, view, req, out)
}

/// `SDIFFSTORE destination key [key ...]`
///
/// Stores the members of the first set that none of the others has as a set, and answers how many there are.
///
/// ```resp
/// > SADD {n}small 1 2 3 4
/// (integer) 4
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SDIFFSTORE {n}small {n}small {n}even
/// (integer) 2
/// > SMEMBERS {n}small
/// 1) "1"
/// 2) "3"
/// ```
pub fn sdiffstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    store(|sets, forms| Set::from_members(difference(sets), forms), w, req, out)
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
///
/// How many members all of the sets have. It stops counting at a limit; 0 is none.
///
/// ```resp
/// > SADD {n}even 2 4 6
/// (integer) 3
/// > SADD {n}small 1 2 3 4
/// (integer) 4
/// > SINTERCARD 2 {n}even {n}small
/// (integer) 2
/// > SINTERCARD 2 {n}even {n}small LIMIT 1
/// (integer) 1
/// > SINTERCARD 3 {n}even {n}small
/// (error) ERR Number of keys can't be greater than number of args
/// ```
pub fn sintercard(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let end = end_of_keys(req)?;
    let limit = limit_of(req, end)?;
    let sets = sets_at(view, (2..end).map(|at| req.arg(at)))?;
    out.integer(common(&sets).take(limit).count() as i64);
    Ok(Outcome::Done)
}

fn end_of_keys(req: &Request) -> Result<usize, Fault> {
    const TOO_FEW: &str = "ERR numkeys should be greater than 0";
    let count = args::integer_or(req.arg(1), TOO_FEW)?;
    let count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or_else(|| Fault::new(TOO_FEW))?;
    if count > req.len() - 2 {
        return Err(Fault::new("ERR Number of keys can't be greater than number of args"));
    }
    Ok(2 + count)
}

/// Where to stop counting, from the words behind the keys.
fn limit_of(req: &Request, mut at: usize) -> Result<usize, Fault> {
    const NEGATIVE: &str = "ERR LIMIT can't be negative";
    let mut limit = 0;
    while at < req.len() {
        if !req.is(at, "LIMIT") || at + 1 == req.len() {
            return Err(Fault::syntax());
        }
        limit = usize::try_from(args::integer_or(req.arg(at + 1), NEGATIVE)?).map_err(|_| Fault::new(NEGATIVE))?;
        at += 2;
    }
    Ok(if limit == 0 { usize::MAX } else { limit })
}
