//! The words that wait for an element: what LPOP, LMOVE and LMPOP do, when there is something.
//!
//! Invariant: each does all of its work again when it is tried again; nothing is kept of the first time.

use kvark_call::{Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::IntBuffer;
use kvark_values::list::{End, Op};

use super::transfers::{Taking, Wanted, transfer};
use super::{change, end_named, outermost};
use crate::row::Answer;
use crate::{typed, waiting};

pub(crate) const SOURCE: &str = include_str!("blocking.rs");

/// `BLPOP key [key ...] timeout`
///
/// Removes the first element of the first of several lists that exists, and answers its key and the element. When none exists, the
/// connection waits until another one puts something there: who has waited longest is served first. After `timeout` seconds (0: never)
/// the answer is nil. In a transaction nobody waits.
///
/// ```resp
/// > RPUSH {q}low a b
/// (integer) 2
/// > BLPOP {q}high {q}low 1
/// 1) "{q}low"
/// 2) "a"
/// > BLPOP {q}high 0.01
/// (nil)
/// > BLPOP {q}high -1
/// (error) ERR timeout is negative
/// ```
pub fn blpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Front, out)
}

/// `BRPOP key [key ...] timeout`
///
/// As BLPOP, from the end of the list.
///
/// ```resp
/// > RPUSH queue a b
/// (integer) 2
/// > BRPOP queue 1
/// 1) "queue"
/// 2) "b"
/// ```
pub fn brpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pop(w, req, End::Back, out)
}

fn pop(w: &mut Writer, req: &Request, end: End, out: &mut dyn ReplySink) -> Answer {
    let last = req.len() - 1;
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(last))?;
    for key in (1..last).map(|at| req.arg(at)) {
        let Some(value) = typed::list(w, key)?.and_then(|list| outermost(list, end)) else { continue };
        let text = value.text(&mut IntBuffer::new()).to_vec();
        change(w, key, &Op::Pop { end, n: 1 })?;
        out.array(2);
        out.bulk(key);
        out.bulk(&text);
        return Ok(Outcome::Done);
    }
    Ok(waiting::for_keys(last - 1, deadline_ms, |out| out.null_array()))
}

/// `BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout`
///
/// As LMOVE; when the source does not exist, the connection waits for it as BLPOP does.
///
/// ```resp
/// > RPUSH {job}waiting a b
/// (integer) 2
/// > BLMOVE {job}waiting {job}running LEFT RIGHT 1
/// "a"
/// > BLMOVE {job}nothing {job}running LEFT RIGHT 0.01
/// (nil)
/// ```
pub fn blmove(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (from, to) = (end_named(req, 3)?, end_named(req, 4)?);
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(5))?;
    let taking = transfer(w, (req.arg(1), from), (req.arg(2), to), out)?;
    Ok(or_wait(taking, 1, deadline_ms, |out| out.null()))
}

/// `BRPOPLPUSH source destination timeout`
///
/// As BLMOVE with RIGHT and LEFT.
///
/// ```resp
/// > RPUSH {job}waiting a b
/// (integer) 2
/// > BRPOPLPUSH {job}waiting {job}running 1
/// "b"
/// ```
pub fn brpoplpush(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(3))?;
    let taking = transfer(w, (req.arg(1), End::Back), (req.arg(2), End::Front), out)?;
    Ok(or_wait(taking, 1, deadline_ms, |out| out.null()))
}

/// `BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]`
///
/// As LMPOP; when none of the lists exists, the connection waits as with BLPOP.
///
/// ```resp
/// > RPUSH {q}low a b c
/// (integer) 3
/// > BLMPOP 1 2 {q}high {q}low LEFT COUNT 2
/// 1) "{q}low"
/// 2) 1) "a"
///    2) "b"
/// > BLMPOP 0.01 1 {q}high RIGHT
/// (nil)
/// ```
pub fn blmpop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let wanted = Wanted::parse(req, 2)?;
    let deadline_ms = waiting::deadline(w.now_ms(), req.arg(1))?;
    let taking = wanted.take(w, req, out)?;
    Ok(or_wait(taking, wanted.keys(), deadline_ms, |out| out.null_array()))
}

fn or_wait(taking: Taking, keys: usize, deadline_ms: waiting::Deadline, nothing: fn(&mut dyn ReplySink)) -> Outcome {
    match taking {
        Taking::Answered => Outcome::Done,
        Taking::NothingThere => waiting::for_keys(keys, deadline_ms, nothing),
    }
}
