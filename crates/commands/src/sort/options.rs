//! The words behind SORT and SORT_RO.

use std::ops::Range;

use kvark_call::{Fault, Request};

use super::pattern::Pattern;
use crate::args;

/// Whether STORE is one of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storing {
    /// SORT.
    Allowed,
    /// SORT_RO.
    Refused,
}

/// An order of members: by what they are, or by what a pattern says of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order<'a> {
    /// None: as they are kept.
    AsKept,
    /// As numbers.
    Numbers(Option<Pattern<'a>>),
    /// As bytes.
    Bytes(Option<Pattern<'a>>),
}

/// What is to be answered, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options<'a> {
    /// What BY says, if it leads to keys.
    by: Option<Pattern<'a>>,
    /// Whether BY leads nowhere: no order is asked for.
    unsorted: bool,
    /// What is answered of each member; nothing: the member.
    pub get: Vec<Pattern<'a>>,
    /// The last first.
    pub descending: bool,
    /// By bytes, not as numbers.
    alpha: bool,
    /// Where the answer goes.
    pub store: Option<&'a [u8]>,
    limit: Option<(i64, i64)>,
}

impl<'a> Options<'a> {
    /// The words from argument 2 on.
    pub fn parse(req: &Request<'a>, storing: Storing) -> Result<Self, Fault> {
        let (mut options, mut at) = (Self::default(), 2);
        while at < req.len() {
            at += options.take_word(req, at, storing)?;
        }
        Ok(options)
    }

    /// Takes the word at an argument and what belongs to it; how many arguments that were.
    fn take_word(&mut self, req: &Request<'a>, at: usize, storing: Storing) -> Result<usize, Fault> {
        match (req.arg(at).to_ascii_uppercase().as_slice(), req.get(at + 1), req.get(at + 2)) {
            (b"ASC", ..) => self.descending = false,
            (b"DESC", ..) => self.descending = true,
            (b"ALPHA", ..) => self.alpha = true,
            (b"LIMIT", Some(offset), Some(count)) => {
                self.limit = Some((args::integer(offset)?, args::integer(count)?));
                return Ok(3);
            }
            (b"STORE", Some(destination), _) if storing == Storing::Allowed => {
                self.store = Some(destination);
                return Ok(2);
            }
            (b"BY", Some(pattern), _) => {
                self.set_by(Pattern::parse(pattern));
                return Ok(2);
            }
            (b"GET", Some(pattern), _) => {
                self.get.push(Pattern::parse(pattern));
                return Ok(2);
            }
            _ => return Err(Fault::syntax()),
        }
        Ok(1)
    }

    fn set_by(&mut self, pattern: Pattern<'a>) {
        if pattern.leads_to_keys() {
            self.by = Some(pattern);
        } else {
            self.unsorted = true;
        }
    }

    /// Whether other keys are looked at than the one with the members.
    pub fn looks_elsewhere(&self) -> bool {
        self.by.iter().chain(&self.get).any(Pattern::leads_to_keys)
    }

    /// The order that is asked for. The members of a set are kept in none, so that what is stored of them is sorted by bytes: it must
    /// not depend on how the set is kept.
    pub fn order(&self, of_set: bool) -> Order<'a> {
        match (self.unsorted, self.alpha) {
            (true, _) if of_set && self.store.is_some() => Order::Bytes(None),
            (true, _) => Order::AsKept,
            (false, true) => Order::Bytes(self.by),
            (false, false) => Order::Numbers(self.by),
        }
    }

    /// Which of `len` members are answered.
    pub fn span(&self, len: usize) -> Range<usize> {
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(offset).unwrap_or(0).min(len);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        start..start.saturating_add(count).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_cut_to_what_is_there() {
        let cases = [
            (None, 0..5),
            (Some((1, 2)), 1..3),
            (Some((-3, 2)), 0..2),
            (Some((2, -1)), 2..5),
            (Some((0, 0)), 0..0),
            (Some((5, 5)), 5..5),
            (Some((i64::MAX, i64::MAX)), 5..5),
            (Some((1, i64::MIN)), 1..5),
        ];
        for (limit, expected) in cases {
            assert_eq!(Options { limit, ..Options::default() }.span(5), expected, "{limit:?}");
        }
    }
}
