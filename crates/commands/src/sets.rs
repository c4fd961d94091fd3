//! Sets: members, each once, without order.
//!
//! Read on: [`draws`] (SPOP and SRANDMEMBER), [`algebra`] (what several sets have in common, or not), [`deadlines`] (of members).
//!
//! Invariant: a change names the members that it adds or removes, and only those that were not there or were.

pub mod algebra;
pub mod deadlines;
pub mod draws;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::set::Op;
use kvark_values::{Collection, Set, StringRef, Type};

use crate::events::{SADD, SREM};
use crate::member_scan::{self, MemberScan};
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("sets.rs");

/// Answers a member.
#[inline]
pub(crate) fn answer_member(member: StringRef<'_>, out: &mut dyn ReplySink) {
    match member {
        StringRef::Int(number) => out.bulk_integer(number),
        StringRef::Bytes(bytes) => out.bulk(bytes),
    }
}

/// How many members a set has; none when it is missing.
fn len_of(set: Option<&Set>) -> usize {
    set.map_or(0, Collection::len)
}

/// `SADD key member [member ...]`
///
/// Adds members to a set, which is made if it is not there, and answers how many of them are new. One that was there stays, and
/// does not expire any more.
///
/// ```resp
/// > SADD colors red green red
/// (integer) 2
/// > SADD colors green blue
/// (integer) 1
/// > SCARD colors
/// (integer) 3
/// > SET text hello
/// OK
/// > SADD text a
/// (error) WRONGTYPE Operation against a key holding the wrong kind of value
/// ```
pub fn sadd(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = typed::set(w, req.arg(1))?;
    let mut plan = Plan::new(set);
    for member in req.args_from(2) {
        match set.and_then(|set| set.deadline_of(StringRef::new(member))) {
            Some(0) => {}
            Some(_) | None => Op::Add { member, deadline: 0 }.encode(&mut plan.ops),
        }
    }
    plan.finish(w, req.arg(1), out)
}

/// `SREM key member [member ...]`
///
/// Removes members from a set and answers how many of them were there. A set without members is gone.
///
/// ```resp
/// > SADD colors red green blue
/// (integer) 3
/// > SREM colors red red pink
/// (integer) 1
/// > SREM colors green blue
/// (integer) 2
/// > EXISTS colors
/// (integer) 0
/// ```
pub fn srem(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = typed::set(w, req.arg(1))?;
    let mut plan = Plan::new(set);
    for member in req.args_from(2) {
        if set.is_some_and(|set| set.contains(StringRef::new(member))) {
            Op::Remove { member }.encode(&mut plan.ops);
        }
    }
    plan.finish(w, req.arg(1), out)
}

/// The operations of a request that is answered by how much a set grew or shrank.
struct Plan {
    ops: Vec<u8>,
    len_before: usize,
}

impl Plan {
    fn new(set: Option<&Set>) -> Self {
        Self { ops: Vec::new(), len_before: len_of(set) }
    }

    fn finish(self, w: &mut Writer, key: &[u8], out: &mut dyn ReplySink) -> Answer {
        let len = if self.ops.is_empty() { self.len_before } else { w.change(key, Type::Set, &self.ops)? };
        out.integer(self.len_before.abs_diff(len) as i64);
        Ok(Outcome::Done)
    }
}

/// `SISMEMBER key member`
///
/// Whether something is a member of a set: 1 or 0.
///
/// ```resp
/// > SADD colors red
/// (integer) 1
/// > SISMEMBER colors red
/// (integer) 1
/// > SISMEMBER colors pink
/// (integer) 0
/// ```
pub fn sismember(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = typed::set(view, req.arg(1))?;
    out.integer(set.is_some_and(|set| set.contains(StringRef::new(req.arg(2)))).into());
    Ok(Outcome::Done)
}

/// `SMISMEMBER key member [member ...]`
///
/// Whether each of some things is a member of a set: 1 or 0 for each.
///
/// ```resp
/// > SADD colors red green
/// (integer) 2
/// > SMISMEMBER colors red pink green
/// 1) (integer) 1
/// 2) (integer) 0
/// 3) (integer) 1
/// ```
pub fn smismember(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = typed::set(view, req.arg(1))?;
    out.array(req.len() - 2);
    for member in req.args_from(2) {
        out.integer(set.is_some_and(|set| set.contains(StringRef::new(member))).into());
    }
    Ok(Outcome::Done)
}

/// `SMEMBERS key`
///
/// All members of a set, in no order.
///
/// ```resp
/// > SADD primes 2 3 5
/// (integer) 3
/// > SMEMBERS primes
/// 1) "2"
/// 2) "3"
/// 3) "5"
/// > SMEMBERS nobody
/// (empty array)
/// ```
pub fn smembers(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = typed::set(view, req.arg(1))?;
    out.set(len_of(set));
    for member in set.into_iter().flat_map(Set::iter) {
        answer_member(member, out);
    }
    Ok(Outcome::Done)
}

/// `SCARD key`
///
/// How many members a set has; 0 when there is none.
///
/// ```resp
/// > SADD colors red green
/// (integer) 2
/// > SCARD colors
/// (integer) 2
/// ```
pub fn scard(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(len_of(typed::set(view, req.arg(1))?) as i64);
    Ok(Outcome::Done)
}

/// `SMOVE source destination member`
///
/// Takes a member out of a set and puts it into another, with its deadline if it has one: 1 when it was moved, 0 when it is
/// no member of the first.
///
/// ```resp
/// > SADD {s}todo write
/// (integer) 1
/// > SMOVE {s}todo {s}done write
/// (integer) 1
/// > SMOVE {s}todo {s}done write
/// (integer) 0
/// > SMEMBERS {s}done
/// 1) "write"
/// ```
pub fn smove(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (from, to, member) = (req.arg(1), req.arg(2), StringRef::new(req.arg(3)));
    let Some(source) = typed::set(w, from)? else {
        out.integer(0);
        return Ok(Outcome::Done);
    };
    let has_it = source.contains(member);
    let is_new = typed::set(w, to)?.is_none_or(|set| !set.contains(member));
    if has_it && from != to {
        move_member(w, req, source.deadline_of(member).unwrap_or(0), is_new)?;
    }
    out.integer(has_it.into());
    Ok(Outcome::Done)
}

fn move_member(w: &mut Writer, req: &Request, deadline: Millis, is_new: bool) -> Result<(), Fault> {
    let (from, to, member) = (req.arg(1), req.arg(2), req.arg(3));
    let (mut taken, mut put) = (Vec::new(), Vec::new());
    Op::Remove { member }.encode(&mut taken);
    Op::Add { member, deadline }.encode(&mut put);
    w.bracket(2, from.len() + to.len() + taken.len() + put.len())?;
    w.set_event(&SREM);
    w.change(from, Type::Set, &taken)?;
    if is_new {
        w.set_event(&SADD);
        w.change(to, Type::Set, &put)?;
    }
    Ok(())
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
///
/// Some members of a set, and the cursor to go on with: a walk over all members begins with cursor 0 and ends when 0 is answered.
/// A member that is there during the whole walk is found at least once. COUNT says about how many members to look at in this
/// step (10), before MATCH chooses among them. A small set is answered at once.
///
/// ```resp
/// > SADD users ada bob
/// (integer) 2
/// > SSCAN users 0 MATCH a*
/// 1) "0"
/// 2) 1) "ada"
/// > SSCAN users here
/// (error) ERR invalid cursor
/// ```
pub fn sscan(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let cursor = member_scan::cursor(req)?;
    let Some(set) = typed::set(view, req.arg(1))? else {
        member_scan::answer(0, 0, out);
        return Ok(Outcome::Done);
    };
    let (scan, mut found) = (MemberScan::parse(req, cursor, None)?, Vec::new());
    let next = set.scan(scan.cursor, scan.count, |member| {
        if scan.takes(member) {
            found.push(member);
        }
    });
    member_scan::answer(next, found.len(), out);
    found.into_iter().for_each(|member| answer_member(member, out));
    Ok(Outcome::Done)
}
