//! Values that leave one of several lists, perhaps for another.
//!
//! Invariant: a value that goes from one list to another is in one of them, also after a crash.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Event, Writer};
use kvark_values::list::{End, Op};
use kvark_values::{Collection, IntBuffer, Type};

use super::{OP_OVERHEAD, change, end_named, outermost, outermost_many};
use crate::events::{LPOP, LPUSH, RPOP, RPUSH};
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("transfers.rs");

fn popped(end: End) -> &'static Event {
    match end {
        End::Front => &LPOP,
        End::Back => &RPOP,
    }
}

fn pushed(end: End) -> &'static Event {
    match end {
        End::Front => &LPUSH,
        End::Back => &RPUSH,
    }
}

/// `LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>`
///
/// Moves the first (LEFT) or last (RIGHT) element of one list to the front (LEFT) or the end (RIGHT) of another, which may be the same,
/// and answers it. A missing source is nil, a missing destination is made.
///
/// ```resp
/// > RPUSH {job}waiting a b
/// (integer) 2
/// > LMOVE {job}waiting {job}running LEFT RIGHT
/// "a"
/// > LRANGE {job}running 0 -1
/// 1) "a"
/// > LMOVE {job}nothing {job}running LEFT RIGHT
/// (nil)
/// ```
pub fn lmove(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (from, to) = (end_named(req, 3)?, end_named(req, 4)?);
    transfer(w, (req.arg(1), from), (req.arg(2), to), out)?.or_null(out)
}

/// `RPOPLPUSH source destination`
///
/// Moves the last element of one list to the front of another, as LMOVE with RIGHT and LEFT does.
///
/// ```resp
/// > RPUSH ring a b c
/// (integer) 3
/// > RPOPLPUSH ring ring
/// "c"
/// > LRANGE ring 0 -1
/// 1) "c"
/// 2) "a"
/// 3) "b"
/// ```
pub fn rpoplpush(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    transfer(w, (req.arg(1), End::Back), (req.arg(2), End::Front), out)?.or_null(out)
}

/// Whether there was something to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    Answered,
    NothingThere,
}

impl Taking {
    fn or_null(self, out: &mut dyn ReplySink) -> Answer {
        if self == Self::NothingThere {
            out.null();
        }
        Ok(Outcome::Done)
    }

    fn or_null_array(self, out: &mut dyn ReplySink) -> Answer {
        if self == Self::NothingThere {
            out.null_array();
        }
        Ok(Outcome::Done)
    }
}

/// Moves a value from an end of one list to an end of another, and answers it.
pub(super) fn transfer(
    w: &mut Writer,
    from: (&[u8], End),
    to: (&[u8], End),
    out: &mut dyn ReplySink,
) -> Result<Taking, Fault> {
    let Some(value) = typed::list(w, from.0)?.and_then(|list| outermost(list, from.1)) else {
        return Ok(Taking::NothingThere);
    };
    let text = value.text(&mut IntBuffer::new()).to_vec();
    typed::list(w, to.0)?;
    let (pop, push) = (Op::Pop { end: from.1, n: 1 }, Op::Push { end: to.1, value: &text });
    if from.0 == to.0 {
        let mut ops = Vec::new();
        [pop, push].iter().for_each(|op| op.encode(&mut ops));
        w.set_event(pushed(to.1));
        w.set_second_event(Some(popped(from.1)));
        w.change(from.0, Type::List, &ops)?;
    } else {
        w.bracket(2, from.0.len() + to.0.len() + text.len() + 2 * OP_OVERHEAD)?;
        w.set_event(pushed(to.1));
        change(w, to.0, &push)?;
        w.set_event(popped(from.1));
        change(w, from.0, &pop)?;
    }
    out.bulk(&text);
    Ok(Taking::Answered)
}

/// `LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]`
///
/// Removes one or `count` elements from the front (LEFT) or the end (RIGHT) of the first of several lists that exists, and answers its key
/// and them; nil if none exists.
///
/// ```resp
/// > RPUSH {q}low a b c
/// (integer) 3
/// > LMPOP 2 {q}high {q}low LEFT COUNT 2
/// 1) "{q}low"
/// 2) 1) "a"
///    2) "b"
/// > LMPOP 1 {q}high RIGHT
/// (nil)
/// ```
pub fn lmpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    Wanted::parse(req, 1)?.take(w, req, out)?.or_null_array(out)
}

impl Wanted {
    /// Takes from the first list that exists, and answers.
    pub(super) fn take(&self, w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Result<Taking, Fault> {
        for at in self.first..self.end_at {
            let key = req.arg(at);
            let Some(list) = typed::list(w, key)? else { continue };
            let (n, texts) = (self.count.min(list.len()), outermost_many(list, self.end, self.count));
            w.set_event(popped(self.end));
            change(w, key, &Op::Pop { end: self.end, n })?;
            out.array(2);
            out.bulk(key);
            texts.answer(out);
            return Ok(Taking::Answered);
        }
        Ok(Taking::NothingThere)
    }
}

/// What LMPOP is to remove: the keys end where the end of the list is named.
pub(super) struct Wanted {
    /// Where the first key stands.
    first: usize,
    end_at: usize,
    end: End,
    count: usize,
}

impl Wanted {
    /// How many keys there are.
    pub(super) fn keys(&self) -> usize {
        self.end_at - self.first
    }

    /// What is asked for from argument `at` on, where the number of keys stands.
    pub(super) fn parse(req: &Request, at: usize) -> Result<Self, Fault> {
        let numkeys = positive(req.arg(at), "ERR numkeys should be greater than 0")?;
        let first = at + 1;
        let end_at = numkeys.checked_add(first).filter(|&at| at < req.len()).ok_or_else(Fault::syntax)?;
        let end = end_named(req, end_at)?;
        let (behind, mut count) = (req.len() - end_at - 1, 1);
        if behind >= 2 && req.is(end_at + 1, "COUNT") {
            count = positive(req.arg(end_at + 2), "ERR count should be greater than 0")?;
        } else if behind > 0 {
            return Err(Fault::syntax());
        }
        if behind > 2 { Err(Fault::syntax()) } else { Ok(Self { first, end_at, end, count }) }
    }
}

fn positive(text: &[u8], message: &'static str) -> Result<usize, Fault> {
    let number = args::integer_or(text, message)?;
    usize::try_from(number).ok().filter(|&number| number > 0).ok_or_else(|| Fault::new(message))
}
