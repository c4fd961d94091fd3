//! A walk over slots, from either end.

use std::ops::Range;

use super::{Index, Slot};

/// The slots of a range of ranks. Each leaf is looked up from the root: once in a hundred steps.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    index: &'a Index,
    ranks: Range<usize>,
    /// What follows in the leaf where the front is; empty: not looked up yet.
    front: &'a [Slot],
    /// What comes before in the leaf where the back is.
    back: &'a [Slot],
}

impl<'a> Iter<'a> {
    /// The slots of `ranks`, as far as they are there.
    pub fn new(index: &'a Index, ranks: Range<usize>) -> Self {
        let end = ranks.end.min(index.len());
        Self { index, ranks: ranks.start.min(end)..end, front: &[], back: &[] }
    }
}

impl Iterator for Iter<'_> {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        let rank = self.ranks.next()?;
        if self.front.is_empty() {
            let (leaf, at) = self.index.leaf(rank);
            self.front = &leaf[at..];
        }
        let (&slot, rest) = self.front.split_first()?;
        self.front = rest;
        Some(slot)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Slot> {
        let rank = self.ranks.next_back()?;
        if self.back.is_empty() {
            let (leaf, at) = self.index.leaf(rank);
            self.back = &leaf[..=at];
        }
        let (&slot, rest) = self.back.split_last()?;
        self.back = rest;
        Some(slot)
    }
}

impl ExactSizeIterator for Iter<'_> {}
