//! Walks over a list from both ends.

use std::iter::FusedIterator;

use super::List;
use crate::packed::{self, Packed};
use crate::{Collection, StringRef};

/// Some neighbouring values of a list. It steps over whole chunks to get to them.
#[derive(Clone)]
pub struct Iter<'a> {
    list: &'a List,
    left: usize,
    /// What is left of the chunk in front, and the number of the chunk after it.
    front: packed::Iter<'a>,
    next_chunk: usize,
    back: Back<'a>,
}

/// Where a walk from the back is; it begins when it is asked for, as most walks go forward.
#[derive(Clone)]
enum Back<'a> {
    /// Before the value at this index.
    Before(usize),
    /// What is left of a chunk, and its number.
    Within(packed::Iter<'a>, usize),
}

impl<'a> Iter<'a> {
    pub(super) fn new(list: &'a List, index: usize, len: usize) -> Self {
        let start = index.min(list.len());
        let left = len.min(list.len() - start);
        let (nth, within) = list.locate(start);
        let front = list.chunk(nth).map_or_else(Default::default, |chunk| chunk.iter_from(within));
        Self { list, left, front, next_chunk: nth + 1, back: Back::Before(start + left) }
    }

    fn next_front_chunk(&mut self) -> Option<&'a Packed> {
        self.next_chunk += 1;
        self.list.chunk(self.next_chunk - 1)
    }

    /// The values that end before `index`, in its chunk.
    fn ending_before(&self, index: usize) -> (packed::Iter<'a>, usize) {
        let (nth, within) = self.list.locate(index);
        let Some(chunk) = self.list.chunk(nth) else { return Default::default() };
        (chunk.iter_to(within), nth)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some(value) = self.front.next() {
                return Some(value);
            }
            self.front = self.next_front_chunk()?.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<StringRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        if let Back::Before(index) = self.back {
            let (values, nth) = self.ending_before(index);
            self.back = Back::Within(values, nth);
        }
        let Back::Within(values, nth) = &mut self.back else { unreachable!("it was begun above") };
        loop {
            if let Some(value) = values.next_back() {
                return Some(value);
            }
            *nth = nth.checked_sub(1)?;
            *values = self.list.chunk(*nth)?.iter();
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}
