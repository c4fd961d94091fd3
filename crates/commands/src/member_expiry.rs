//! Deadlines of members, in one form for hashes, sets and sorted sets: HEXPIRE, SEXPIRE, ZEXPIRE and their kin.
//!
//! Invariant: what is kept and logged is a moment, never a time from now. A moment that has passed removes the member.

use std::collections::BTreeMap;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::Type;

use crate::args;
use crate::expiry::When;
use crate::row::Answer;

/// The last moment that a member may expire at: Redis' own limit.
const MAX_AT_MS: i64 = (1 << 46) - 1;

/// There is no such member.
const MISSING: i64 = -2;
/// The member has no deadline.
const WITHOUT: i64 = -1;
/// The condition does not hold.
const REFUSED: i64 = 0;
/// The deadline was set, or cleared.
const DONE: i64 = 1;
/// The moment has passed: the member is gone.
const REMOVED: i64 = 2;

/// A type whose members may expire.
pub trait Expiring {
    /// Which it is.
    const TYPE: Type;
    /// What its members are called, as the word `FIELDS` or `MEMBERS` is spelled in small letters.
    const MEMBERS: &'static str;

    /// What it is told as when some go.
    const REMOVED_EVENT: &'static Event;

    /// The one at `key`.
    fn at<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<&'v Self>, Fault>;
    /// When a member that is there expires, 0 for never.
    fn deadline(&self, member: &[u8]) -> Option<Millis>;
    /// Appends the operation that sets a member's deadline (0: none).
    fn put_deadline(member: &[u8], at: Millis, ops: &mut Vec<u8>);
    /// Appends the operation that removes a member.
    fn put_removal(member: &[u8], ops: &mut Vec<u8>);
}

/// A unit of time, and where it is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Milliseconds in it.
    pub unit_ms: i64,
    /// Whether it is counted from now, or since the Unix epoch.
    pub from_now: bool,
}

impl Scale {
    /// Seconds from now.
    pub const SECONDS: Self = Self { unit_ms: 1000, from_now: true };
    /// Milliseconds from now.
    pub const MILLISECONDS: Self = Self { unit_ms: 1, from_now: true };
    /// Seconds since the Unix epoch.
    pub const UNIX_SECONDS: Self = Self { unit_ms: 1000, from_now: false };
    /// Milliseconds since the Unix epoch.
    pub const UNIX_MILLISECONDS: Self = Self { unit_ms: 1, from_now: false };

    fn base_ms(self, now_ms: Millis) -> i64 {
        if self.from_now { now_ms as i64 } else { 0 }
    }

    /// The moment that `text` means.
    pub(crate) fn parse(self, text: &[u8], now_ms: Millis, name: &str) -> Result<i64, Fault> {
        let number = args::integer(text)?;
        if number < 0 {
            return Err(Fault::new("ERR invalid expire time, must be >= 0"));
        }
        let at_ms = number.checked_mul(self.unit_ms).and_then(|ms| ms.checked_add(self.base_ms(now_ms)));
        at_ms.filter(|&at_ms| at_ms <= MAX_AT_MS).ok_or_else(|| Fault::invalid_expire(name))
    }

    /// The number that means the moment `at`, rounded up.
    fn number(self, at: Millis, now_ms: Millis) -> i64 {
        (at as i64 - self.base_ms(now_ms) + self.unit_ms - 1) / self.unit_ms
    }
}

/// The members from `FIELDS number field ...` on, which begins at argument `at`.
pub(crate) fn members<'a, T: Expiring>(
    req: &Request<'a>,
    at: usize,
    bad_number: &str,
) -> Result<impl ExactSizeIterator<Item = &'a [u8]> + use<'a, T>, Fault> {
    if !req.is(at, T::MEMBERS) {
        let word = T::MEMBERS.to_ascii_uppercase();
        return Err(Fault::new(format!("ERR Mandatory argument {word} is missing or not at the right position")));
    }
    let number = req.get(at + 1).and_then(kvark_base::number::parse_i64).filter(|&number| number > 0);
    let Some(number) = number else { return Err(Fault::new(bad_number.to_owned())) };
    let members = req.args_from(at + 2);
    if number != members.len() as i64 {
        let many = T::MEMBERS;
        return Err(Fault::new(format!("ERR The `num{many}` parameter must match the number of arguments")));
    }
    Ok(members)
}

fn members_behind_key<'a, T: Expiring>(
    req: &Request<'a>,
) -> Result<impl ExactSizeIterator<Item = &'a [u8]> + use<'a, T>, Fault> {
    members::<T>(req, 2, &format!("ERR Number of {} must be a positive integer", T::MEMBERS))
}

/// The condition at argument 3, if there is one, and where the members are named.
fn condition(req: &Request) -> (When, usize) {
    let mut when = When::default();
    match () {
        () if req.is(3, "NX") => when.if_none = true,
        () if req.is(3, "XX") => when.if_some = true,
        () if req.is(3, "GT") => when.if_later = true,
        () if req.is(3, "LT") => when.if_earlier = true,
        () => return (when, 3),
    }
    (when, 4)
}

/// What is to be done, gathered before anything is done.
struct Plan<'a, T> {
    held: Option<&'a T>,
    /// Members that were changed before, with their deadlines; `None` for one that is gone.
    earlier: BTreeMap<&'a [u8], Option<Millis>>,
    ops: Vec<u8>,
}

impl<'a, T: Expiring> Plan<'a, T> {
    fn new(held: Option<&'a T>) -> Self {
        Self { held, earlier: BTreeMap::new(), ops: Vec::new() }
    }

    fn deadline(&self, member: &[u8]) -> Option<Millis> {
        self.earlier.get(member).copied().unwrap_or_else(|| self.held?.deadline(member))
    }

    fn expire(&mut self, member: &'a [u8], at_ms: i64, when: When, now_ms: Millis) -> i64 {
        match self.deadline(member) {
            None => MISSING,
            Some(current) if !when.allows(current, at_ms) => REFUSED,
            Some(_) if at_ms as Millis <= now_ms => {
                T::put_removal(member, &mut self.ops);
                self.earlier.insert(member, None);
                REMOVED
            }
            Some(_) => self.set(member, at_ms as Millis),
        }
    }

    fn persist(&mut self, member: &'a [u8]) -> i64 {
        match self.deadline(member) {
            None => MISSING,
            Some(0) => WITHOUT,
            Some(_) => self.set(member, 0),
        }
    }

    fn set(&mut self, member: &'a [u8], at: Millis) -> i64 {
        T::put_deadline(member, at, &mut self.ops);
        self.earlier.insert(member, Some(at));
        DONE
    }
}

fn change<T: Expiring>(w: &mut Writer, key: &[u8], ops: &[u8], answers: &[i64], out: &mut dyn ReplySink) -> Answer {
    if !ops.is_empty() {
        w.change(key, T::TYPE, ops)?;
    }
    out.array(answers.len());
    answers.iter().for_each(|&answer| out.integer(answer));
    Ok(Outcome::Done)
}

/// `... key time [NX | XX | GT | LT] FIELDS number field ...`: sets when members expire. `name` is the command's.
pub fn expire<T: Expiring>(w: &mut Writer, req: &Request, scale: Scale, name: &str, out: &mut dyn ReplySink) -> Answer {
    T::at(w, req.arg(1))?;
    let now_ms = w.now_ms();
    let at_ms = scale.parse(req.arg(2), now_ms, name)?;
    let (when, first) = condition(req);
    let (initial, rest) = T::MEMBERS.split_at(1);
    let bad_number = format!("ERR Parameter `num{}{rest}` should be greater than 0", initial.to_ascii_uppercase());
    let members = members::<T>(req, first, &bad_number)?;
    let mut plan = Plan::new(T::at(w, req.arg(1))?);
    let answers: Vec<i64> = members.map(|member| plan.expire(member, at_ms, when, now_ms)).collect();
    let ops = plan.ops;
    if answers.contains(&REMOVED) {
        w.set_event(T::REMOVED_EVENT);
    }
    change::<T>(w, req.arg(1), &ops, &answers, out)
}

/// `... key FIELDS number field ...`: clears the deadlines of members.
pub fn persist<T: Expiring>(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    T::at(w, req.arg(1))?;
    let members = members_behind_key::<T>(req)?;
    let mut plan = Plan::new(T::at(w, req.arg(1))?);
    let answers: Vec<i64> = members.map(|member| plan.persist(member)).collect();
    let ops = plan.ops;
    change::<T>(w, req.arg(1), &ops, &answers, out)
}

/// `... key FIELDS number field ...`: when members expire.
pub fn deadlines<T: Expiring>(view: &View, req: &Request, scale: Scale, out: &mut dyn ReplySink) -> Answer {
    let held = T::at(view, req.arg(1))?;
    let members = members_behind_key::<T>(req)?;
    out.array(members.len());
    for member in members {
        out.integer(match held.and_then(|held| held.deadline(member)) {
            None => MISSING,
            Some(0) => WITHOUT,
            Some(at) => scale.number(at, view.now_ms()),
        });
    }
    Ok(Outcome::Done)
}
