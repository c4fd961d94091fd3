//! Values of a list by what they are.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::list::{self, Op};
use kvark_values::{Collection, List, StringRef, Type};

use super::change;
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("matches.rs");

/// Where a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Front,
    Back,
}

/// Every index with its value, from one end to the other.
fn walk(list: &List, from: From) -> impl Iterator<Item = (usize, StringRef<'_>)> {
    let (mut values, len) = (list.iter(), list.len());
    (0..len).map_while(move |nth| match from {
        From::Front => Some((nth, values.next()?)),
        From::Back => Some((len - 1 - nth, values.next_back()?)),
    })
}

/// What LPOS looks for.
struct Search {
    from: From,
    /// Matches to pass over.
    skipped: usize,
    /// Matches wanted as a list; `None`: one, by itself.
    count: Option<usize>,
    /// Values to look at.
    max_len: usize,
}

impl Search {
    fn parse(req: &Request) -> Result<Self, Fault> {
        let mut search = Self { from: From::Front, skipped: 0, count: None, max_len: usize::MAX };
        for at in (3..req.len()).step_by(2) {
            let value = req.get(at + 1).ok_or_else(Fault::syntax)?;
            if req.is(at, "RANK") {
                search.set_rank(value)?;
            } else if req.is(at, "COUNT") {
                search.count = Some(all_if_zero(value, "ERR COUNT can't be negative")?);
            } else if req.is(at, "MAXLEN") {
                search.max_len = all_if_zero(value, "ERR MAXLEN can't be negative")?;
            } else {
                return Err(Fault::syntax());
            }
        }
        Ok(search)
    }

    fn set_rank(&mut self, text: &[u8]) -> Result<(), Fault> {
        let rank = args::integer_between(text, -i64::MAX, i64::MAX)?;
        if rank == 0 {
            return Err(Fault::new(RANK_ZERO));
        }
        self.from = if rank < 0 { From::Back } else { From::Front };
        self.skipped = rank.unsigned_abs() as usize - 1;
        Ok(())
    }

    /// The indexes of `wanted`.
    fn matches<'a>(&self, list: &'a List, wanted: StringRef<'a>) -> impl Iterator<Item = usize> + 'a {
        let looked_at = walk(list, self.from).take(self.max_len);
        looked_at.filter(move |(_, value)| *value == wanted).map(|(index, _)| index).skip(self.skipped)
    }
}

const RANK_ZERO: &str = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
     or use negative to start from the end of the list";

fn all_if_zero(text: &[u8], message: &'static str) -> Result<usize, Fault> {
    let number = usize::try_from(args::integer_or(text, message)?).map_err(|_| Fault::new(message))?;
    Ok(if number == 0 { usize::MAX } else { number })
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
///
/// The index of an element in the list at a key; nil if it is not there. RANK 2 asks for the second match, a negative one searches from
/// the end. COUNT answers that many matches as a list, 0 all. MAXLEN looks at that many elements only.
///
/// ```resp
/// > RPUSH letters a b c a b c
/// (integer) 6
/// > LPOS letters c
/// (integer) 2
/// > LPOS letters c RANK -1
/// (integer) 5
/// > LPOS letters a COUNT 0
/// 1) (integer) 0
/// 2) (integer) 3
/// > LPOS letters c MAXLEN 2
/// (nil)
/// ```
pub fn lpos(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let search = Search::parse(req)?;
    let wanted = StringRef::new(req.arg(2));
    let mut matches = typed::list(view, req.arg(1))?.into_iter().flat_map(|list| search.matches(list, wanted));
    match search.count {
        Some(count) => {
            let indexes: Vec<usize> = matches.take(count).collect();
            out.array(indexes.len());
            indexes.iter().for_each(|&index| out.integer(index as i64));
        }
        None => match matches.next() {
            None => out.null(),
            Some(index) => out.integer(index as i64),
        },
    }
    Ok(Outcome::Done)
}

/// `LREM key count element`
///
/// Removes the first `count` elements that are equal to the given one, the last ones if `count` is negative, all if it is 0;
/// answers how many were removed. If none is left, the key is gone.
///
/// ```resp
/// > RPUSH letters a b a c a
/// (integer) 5
/// > LREM letters -2 a
/// (integer) 2
/// > LRANGE letters 0 -1
/// 1) "a"
/// 2) "b"
/// 3) "c"
/// > LREM letters 0 nothing
/// (integer) 0
/// ```
pub fn lrem(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, wanted) = (req.arg(1), StringRef::new(req.arg(3)));
    let count = args::integer_between(req.arg(2), -i64::MAX, i64::MAX)?;
    let indexes = typed::list(w, key)?.map_or_else(Vec::new, |list| matches_of(list, count, wanted));
    if !indexes.is_empty() {
        let mut ops = Vec::new();
        list::remove_at(&indexes, &mut ops);
        w.change(key, Type::List, &ops)?;
    }
    out.integer(indexes.len() as i64);
    Ok(Outcome::Done)
}

/// The indexes of the first or last `count` values that are `wanted`, in ascending order.
fn matches_of(list: &List, count: i64, wanted: StringRef<'_>) -> Vec<usize> {
    let from = if count < 0 { From::Back } else { From::Front };
    let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let matches = walk(list, from).filter(|(_, value)| *value == wanted);
    let mut indexes: Vec<usize> = matches.map(|(index, _)| index).take(most).collect();
    if from == From::Back {
        indexes.reverse();
    }
    indexes
}

/// `LINSERT key <BEFORE | AFTER> pivot element`
///
/// Puts an element before or after the first one that is equal to the pivot and answers the list's new length; -1 if there is no
/// such element, 0 if there is no such key.
///
/// ```resp
/// > RPUSH letters a c
/// (integer) 2
/// > LINSERT letters BEFORE c b
/// (integer) 3
/// > LINSERT letters AFTER z y
/// (integer) -1
/// > LRANGE letters 0 -1
/// 1) "a"
/// 2) "b"
/// 3) "c"
/// ```
pub fn linsert(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, pivot, value) = (req.arg(1), StringRef::new(req.arg(3)), req.arg(4));
    let after = req.is(2, "AFTER");
    if !after && !req.is(2, "BEFORE") {
        return Err(Fault::syntax());
    }
    let len = match typed::list(w, key)? {
        None => 0,
        Some(list) => match list.iter().position(|value| value == pivot) {
            None => -1,
            Some(found) => {
                let len = list.len() + 1;
                change(w, key, &Op::InsertAt { index: found + usize::from(after), value })?;
                len as i64
            }
        },
    };
    out.integer(len);
    Ok(Outcome::Done)
}
