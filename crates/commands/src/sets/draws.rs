//! Members drawn at random: SPOP and SRANDMEMBER.
//!
//! Invariant: each member, and each choice of several, is as likely as every other.
//! Invariant: what is logged names the members that were chosen.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::set::Op;
use kvark_values::{Collection, IntBuffer, Set, StringRef, Type};

use super::answer_member;
use crate::row::Answer;
use crate::{args, sampling, typed};

pub(crate) const SOURCE: &str = include_str!("draws.rs");

/// `SPOP key [count]`
///
/// Removes a member of a set, any member, and answers it; nil when there is none. With a count it removes up to so many different
/// ones and answers them as a set.
///
/// ```resp
/// > SADD colors red
/// (integer) 1
/// > SPOP colors
/// "red"
/// > SPOP colors
/// (nil)
/// > SADD primes 2 3 5
/// (integer) 3
/// > SPOP primes 5
/// 1) "2"
/// 2) "3"
/// 3) "5"
/// > SPOP primes -1
/// (error) ERR value is out of range, must be positive
/// ```
pub fn spop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let count = count_of(req, not_negative)?;
    let popped = pop(w, req.arg(1), count.unwrap_or(1))?;
    if count.is_some() {
        out.set(Op::each(&popped).count());
    } else if popped.is_empty() {
        out.null();
    }
    for op in Op::each(&popped) {
        out.bulk(op.member());
    }
    Ok(Outcome::Done)
}

/// The count, if one was given.
fn count_of<T>(req: &Request, parse: impl FnOnce(&[u8]) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
    if req.len() > 3 {
        return Err(Fault::syntax());
    }
    req.get(2).map(parse).transpose()
}

fn not_negative(text: &[u8]) -> Result<usize, Fault> {
    const MESSAGE: &str = "ERR value is out of range, must be positive";
    usize::try_from(args::integer_or(text, MESSAGE)?).map_err(|_| Fault::new(MESSAGE))
}

/// Removes up to `count` members and returns the operations that did it.
fn pop(w: &mut Writer, key: &[u8], count: usize) -> Result<Vec<u8>, Fault> {
    let (mut ops, mut buffer) = (Vec::new(), IntBuffer::new());
    let Some(set) = typed::set(w, key)? else { return Ok(ops) };
    let takes_all = count >= set.len();
    let mut take = |member: StringRef<'_>| Op::Remove { member: member.text(&mut buffer) }.encode(&mut ops);
    if count == 1 {
        take(draw(w, set));
        ask_ahead(w, set);
    } else {
        sample(set, count, |bound| w.random_below(bound)).for_each(take);
    }
    if takes_all {
        w.remove_emptied(key)?;
    } else if !ops.is_empty() {
        w.change(key, Type::Set, &ops)?;
    }
    Ok(ops)
}

/// Asks the cache for the members that the next pops will draw if nothing comes between: they lie anywhere.
fn ask_ahead(w: &Writer, set: &Set) {
    let left = set.len() as u64 - 1;
    if left > 2 {
        set.ask_ahead(w.foresee([left, left - 1, left - 2]).map(|index| index as usize));
    }
}

/// A member.
fn draw<'v>(view: &View, set: &'v Set) -> StringRef<'v> {
    let index = view.random_below(set.len() as u64) as usize;
    set.at(index).expect("the index is below the length")
}

/// Up to `count` different members.
fn sample(set: &Set, count: usize, below: impl FnMut(u64) -> u64) -> impl Iterator<Item = StringRef<'_>> {
    set.select(sampling::distinct(set.len(), count, below))
}

/// `SRANDMEMBER key [count]`
///
/// A member of a set, any member; nil when there is none. With a count up to so many different ones; with a negative count as
/// many as it says, and the same may come again.
///
/// ```resp
/// > SADD colors red
/// (integer) 1
/// > SRANDMEMBER colors
/// "red"
/// > SRANDMEMBER colors 2
/// 1) "red"
/// > SRANDMEMBER colors -2
/// 1) "red"
/// 2) "red"
/// > SRANDMEMBER nobody
/// (nil)
/// ```
pub fn srandmember(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let count = count_of(req, |text| args::integer_between(text, -i64::MAX, i64::MAX))?;
    match (typed::set(view, req.arg(1))?, count) {
        (None, None) => out.null(),
        (None, Some(_)) => out.array(0),
        (Some(set), None) => answer_drawn(view, set, 1, out),
        (Some(set), Some(count)) if count < 0 => {
            let times = sampling::repeats(set, count)?;
            out.array(times);
            answer_drawn(view, set, times, out);
        }
        (Some(set), Some(count)) => {
            let chosen = sample(set, count as usize, |bound| view.random_below(bound));
            out.array(set.len().min(count as usize));
            chosen.for_each(|member| answer_member(member, out));
        }
    }
    Ok(Outcome::Done)
}

/// Answers `times` members, each drawn from all.
fn answer_drawn(view: &View, set: &Set, times: usize, out: &mut dyn ReplySink) {
    for _ in 0..times {
        answer_member(draw(view, set), out);
    }
}
