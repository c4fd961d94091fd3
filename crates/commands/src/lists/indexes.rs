//! Values of a list by their place. A negative index counts from the end: -1 is the last value.

use std::ops::Range;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::Collection;
use kvark_values::list::Op;

use super::{answer_value, change};
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("indexes.rs");

/// The place that `index` means in a list of `len` values, if there is such a place.
fn place(index: i64, len: usize) -> Option<usize> {
    let place = if index < 0 { index + len as i64 } else { index };
    usize::try_from(place).ok().filter(|&place| place < len)
}

/// The places from `start` to `stop`, both included, as far as a list of `len` values has them.
fn places(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_front = |index: i64| if index < 0 { index + len as i64 } else { index };
    let start = from_front(start).max(0) as usize;
    let end = (from_front(stop).max(-1).saturating_add(1) as usize).min(len);
    start.min(end)..end
}

/// How many values LRANGE or LTRIM name; none where they are refused.
pub(crate) fn named(view: &View, req: &Request) -> usize {
    let bounds = args::integer(req.arg(2)).and_then(|start| Ok((start, args::integer(req.arg(3))?)));
    let list = typed::list(view, req.arg(1)).ok().flatten();
    bounds.ok().zip(list).map_or(0, |((start, stop), list)| places(start, stop, list.len()).len())
}

/// `LINDEX key index`
///
/// The element at an index of the list at a key, counted from 0, or from -1 backwards; nil where there is none.
///
/// ```resp
/// > RPUSH queue a b c
/// (integer) 3
/// > LINDEX queue 0
/// "a"
/// > LINDEX queue -1
/// "c"
/// > LINDEX queue 3
/// (nil)
/// ```
pub fn lindex(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let value = match typed::list(view, req.arg(1))? {
        None => None,
        Some(list) => place(args::integer(req.arg(2))?, list.len()).and_then(|place| list.get(place)),
    };
    answer_value(value, out);
    Ok(Outcome::Done)
}

/// `LSET key index element`
///
/// Puts an element in place of the one at an index.
///
/// ```resp
/// > RPUSH queue a b c
/// (integer) 3
/// > LSET queue -2 x
/// OK
/// > LRANGE queue 0 -1
/// 1) "a"
/// 2) "x"
/// 3) "c"
/// > LSET queue 3 y
/// (error) ERR index out of range
/// > LSET nobody 0 y
/// (error) ERR no such key
/// ```
pub fn lset(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, value) = (req.arg(1), req.arg(3));
    let list = typed::list(w, key)?.ok_or_else(|| Fault::new("ERR no such key"))?;
    let index = place(args::integer(req.arg(2))?, list.len());
    let index = index.ok_or_else(|| Fault::new("ERR index out of range"))?;
    change(w, key, &Op::Set { index, value })?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `LRANGE key start stop`
///
/// The elements from one index to another, both included, as far as there are any. Negative indexes count from the end.
///
/// ```resp
/// > RPUSH queue a b c d
/// (integer) 4
/// > LRANGE queue 1 2
/// 1) "b"
/// 2) "c"
/// > LRANGE queue -2 100
/// 1) "c"
/// 2) "d"
/// > LRANGE queue 3 1
/// (empty array)
/// ```
pub fn lrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (start, stop) = (args::integer(req.arg(2))?, args::integer(req.arg(3))?);
    let Some(list) = typed::list(view, req.arg(1))? else {
        out.array(0);
        return Ok(Outcome::Done);
    };
    let places = places(start, stop, list.len());
    out.array(places.len());
    list.range(places.start, places.len()).for_each(|value| answer_value(Some(value), out));
    Ok(Outcome::Done)
}

/// `LTRIM key start stop`
///
/// Removes all elements but those from one index to another, both included. Negative indexes count from the end. If none is left,
/// the key is gone.
///
/// ```resp
/// > RPUSH log a b c d
/// (integer) 4
/// > LTRIM log -3 -2
/// OK
/// > LRANGE log 0 -1
/// 1) "b"
/// 2) "c"
/// > LTRIM log 5 9
/// OK
/// > EXISTS log
/// (integer) 0
/// ```
pub fn ltrim(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (start, stop) = (args::integer(req.arg(2))?, args::integer(req.arg(3))?);
    if let Some(len) = typed::list(w, req.arg(1))?.map(|list| list.len()) {
        let stay = places(start, stop, len);
        if stay.len() < len {
            change(w, req.arg(1), &Op::Trim { start: stay.start, len: stay.len() })?;
        } else {
            w.tell_usual(req.arg(1));
        }
    }
    out.status("OK");
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_beyond_both_ends_are_cut_off() {
        let cases = [
            (0, -1, 0..3),
            (-100, 1, 0..2),
            (1, i64::MAX, 1..3),
            (-1, -2, 2..2),
            (3, 5, 3..3),
            (i64::MIN, i64::MIN, 0..0),
            (i64::MAX, i64::MAX, 3..3),
            (0, -4, 0..0),
        ];
        for (start, stop, expected) in cases {
            assert_eq!(places(start, stop, 3), expected, "{start} {stop}");
        }
        assert_eq!(
            [0, 2, 3, -1, -3, -4].map(|index| place(index, 3)),
            [Some(0), Some(2), None, Some(2), Some(0), None]
        );
    }
}
