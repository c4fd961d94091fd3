//! Lists: LPUSH, RPUSH, LPOP, RPOP, the words of queues and stacks, and LLEN.
//!
//! Read on: [`indexes`] (values by their place), [`matches`] (values by what they are), [`transfers`] (values that go from one of
//! several lists, perhaps to another), [`blocking`] (the same for who would rather wait).
//!
//! Invariant: what is logged names places and values. What a command had to look for, it has found before.

pub mod blocking;
pub mod indexes;
pub mod matches;
pub mod transfers;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::list::{End, Op};
use kvark_values::{Collection, IntBuffer, List, StringRef, Type};

use crate::args;
use crate::row::Answer;
use crate::strings::answer_value;
use crate::texts::Texts;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("lists.rs");

/// Bytes of an operation beside its values, at most.
const OP_OVERHEAD: usize = 24;

/// Changes the list at `key` by one operation. Its length then.
fn change(w: &mut Writer, key: &[u8], op: &Op<'_>) -> Result<usize, Fault> {
    let mut ops = Vec::with_capacity(OP_OVERHEAD);
    op.encode(&mut ops);
    Ok(w.change(key, Type::List, &ops)?)
}

/// The end that `LEFT` or `RIGHT` names.
fn end_named(req: &Request, at: usize) -> Result<End, Fault> {
    if req.is(at, "LEFT") {
        Ok(End::Front)
    } else if req.is(at, "RIGHT") {
        Ok(End::Back)
    } else {
        Err(Fault::syntax())
    }
}

/// The value at an end.
fn outermost(list: &List, end: End) -> Option<StringRef<'_>> {
    match end {
        End::Front => list.iter().next(),
        End::Back => list.iter().next_back(),
    }
}

/// `n` values from an end inwards, or as many as there are.
fn outermost_many(list: &List, end: End, n: usize) -> Texts {
    match end {
        End::Front => list.iter().take(n).collect(),
        End::Back => list.iter().rev().take(n).collect(),
    }
}

/// `LPUSH key element [element ...]`
///
/// Puts elements in front of the list at a key, one after the other, so that the last one is the first of the list; answers the
/// list's new length. A missing key is made.
///
/// ```resp
/// > LPUSH stack a b
/// (integer) 2
/// > LRANGE stack 0 -1
/// 1) "b"
/// 2) "a"
/// ```
pub fn lpush(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    push(w, req, End::Front, Missing::Make, out)
}

/// `RPUSH key element [element ...]`
///
/// Appends elements to the list at a key and answers its new length. A missing key is made.
///
/// ```resp
/// > RPUSH queue a b
/// (integer) 2
/// > RPUSH queue c
/// (integer) 3
/// > LRANGE queue 0 -1
/// 1) "a"
/// 2) "b"
/// 3) "c"
/// ```
pub fn rpush(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    push(w, req, End::Back, Missing::Make, out)
}

/// `LPUSHX key element [element ...]`
///
/// Puts elements in front of a list as LPUSH does, if the key exists; answers the list's length, 0 if it does not.
///
/// ```resp
/// > LPUSHX stack a
/// (integer) 0
/// > LPUSH stack a
/// (integer) 1
/// > LPUSHX stack b
/// (integer) 2
/// ```
pub fn lpushx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    push(w, req, End::Front, Missing::Leave, out)
}

/// `RPUSHX key element [element ...]`
///
/// Appends elements to a list as RPUSH does, if the key exists; answers the list's length, 0 if it does not.
///
/// ```resp
/// > RPUSHX queue a
/// (integer) 0
/// > RPUSH queue a
/// (integer) 1
/// > RPUSHX queue b c
/// (integer) 3
/// ```
pub fn rpushx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    push(w, req, End::Back, Missing::Leave, out)
}

/// What becomes of a key that is not there.
#[derive(PartialEq, Eq)]
enum Missing {
    Make,
    Leave,
}

fn push(w: &mut Writer, req: &Request, end: End, missing: Missing, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let len = match typed::list(w, key)? {
        None if missing == Missing::Leave => {
            out.integer(0);
            return Ok(Outcome::Done);
        }
        list => list.map_or(0, |list| list.len()),
    };
    let values = req.args_from(2);
    let mut ops = Vec::with_capacity(values.clone().map(|value| value.len() + OP_OVERHEAD).sum());
    values.clone().for_each(|value| Op::Push { end, value }.encode(&mut ops));
    w.change(key, Type::List, &ops)?;
    out.integer((len + values.len()) as i64);
    Ok(Outcome::Done)
}

/// `LPOP key [count]`
///
/// Removes the first element of the list at a key and answers it; with a count, as many of the first as that, as a list. A missing
/// key is nil. A list without elements is gone.
///
/// ```resp
/// > RPUSH queue a b c
/// (integer) 3
/// > LPOP queue
/// "a"
/// > LPOP queue 10
/// 1) "b"
/// 2) "c"
/// > LPOP queue
/// (nil)
/// ```
pub fn lpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Front, "lpop", out)
}

/// `RPOP key [count]`
///
/// Removes the last element of the list at a key and answers it; with a count, as many of the last as that, from the last on. A
/// missing key is nil. A list without elements is gone.
///
/// ```resp
/// > RPUSH stack a b c
/// (integer) 3
/// > RPOP stack
/// "c"
/// > RPOP stack 2
/// 1) "b"
/// 2) "a"
/// > EXISTS stack
/// (integer) 0
/// ```
pub fn rpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Back, "rpop", out)
}

fn pop(w: &mut Writer, req: &Request, end: End, command: &str, out: &mut dyn ReplySink) -> Answer {
    match req.len() {
        2 => pop_one(w, req.arg(1), end, out),
        3 => {
            let count = args::integer_or(req.arg(2), OUT_OF_RANGE)?;
            let count = usize::try_from(count).map_err(|_| Fault::new(OUT_OF_RANGE))?;
            pop_many(w, req.arg(1), end, count, out)
        }
        _ => Err(Fault::arity(command)),
    }
}

const OUT_OF_RANGE: &str = "ERR value is out of range, must be positive";

fn pop_one(w: &mut Writer, key: &[u8], end: End, out: &mut dyn ReplySink) -> Answer {
    let Some(value) = typed::list(w, key)?.and_then(|list| outermost(list, end)) else {
        out.null();
        return Ok(Outcome::Done);
    };
    let text = value.text(&mut IntBuffer::new()).to_vec();
    change(w, key, &Op::Pop { end, n: 1 })?;
    out.bulk(&text);
    Ok(Outcome::Done)
}

fn pop_many(w: &mut Writer, key: &[u8], end: End, count: usize, out: &mut dyn ReplySink) -> Answer {
    let Some(list) = typed::list(w, key)? else {
        out.null_array();
        return Ok(Outcome::Done);
    };
    let (n, texts) = (count.min(list.len()), outermost_many(list, end, count));
    if n > 0 {
        change(w, key, &Op::Pop { end, n })?;
    }
    texts.answer(out);
    Ok(Outcome::Done)
}

/// `LLEN key`
///
/// How many elements the list at a key has. A missing key has none.
///
/// ```resp
/// > RPUSH queue a b
/// (integer) 2
/// > LLEN queue
/// (integer) 2
/// > LLEN nobody
/// (integer) 0
/// ```
pub fn llen(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(typed::list(view, req.arg(1))?.map_or(0, |list| list.len()) as i64);
    Ok(Outcome::Done)
}
