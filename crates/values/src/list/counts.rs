//! How many values each chunk of a list has.
//!
//! Whoever looks for an index walks over these numbers, which are close together, and touches no chunk but the one it wants.

use std::collections::VecDeque;

/// So many numbers are added up at once.
const BLOCK: usize = 32;

/// See the module. Invariant: `total` is the sum of all.
#[derive(Clone, Default)]
pub(super) struct Counts {
    counts: VecDeque<u32>,
    total: usize,
}

impl Counts {
    /// How many values there are in all chunks.
    #[inline]
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// How many values a chunk has.
    #[inline]
    pub(super) fn of(&self, nth: usize) -> usize {
        self.counts[nth] as usize
    }

    /// A chunk has so many values now.
    #[inline]
    pub(super) fn set(&mut self, nth: usize, count: usize) {
        let before = std::mem::replace(&mut self.counts[nth], count as u32);
        self.total = self.total - before as usize + count;
    }

    /// There is one more chunk, before the `nth`.
    pub(super) fn insert(&mut self, nth: usize, count: usize) {
        self.counts.insert(nth, count as u32);
        self.total += count;
    }

    /// The `nth` chunk is gone.
    pub(super) fn remove(&mut self, nth: usize) {
        self.set(nth, 0);
        self.counts.remove(nth);
    }

    /// Bytes of memory on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
    }

    /// The chunk with the value at `index`, and the value's place in it, looked for from the nearer end. At the end of the list, the
    /// place behind the last value.
    pub(super) fn locate(&self, index: usize) -> (usize, usize) {
        if index <= self.total / 2 { self.locate_from_front(index) } else { self.locate_from_back(self.total - index) }
    }

    fn locate_from_front(&self, index: usize) -> (usize, usize) {
        let (mut nth, mut left) = (0, index);
        let (first, second) = self.counts.as_slices();
        for block in first.chunks(BLOCK).chain(second.chunks(BLOCK)) {
            if let Some(rest) = left.checked_sub(sum(block)) {
                (nth, left) = (nth + block.len(), rest);
                continue;
            }
            for &count in block {
                let Some(rest) = left.checked_sub(count as usize) else { return (nth, left) };
                (nth, left) = (nth + 1, rest);
            }
        }
        (nth, 0)
    }

    /// `behind` values are from there to the end of the list.
    fn locate_from_back(&self, behind: usize) -> (usize, usize) {
        let (mut nth, mut left) = (self.counts.len(), behind);
        let (first, second) = self.counts.as_slices();
        for block in second.rchunks(BLOCK).chain(first.rchunks(BLOCK)) {
            if sum(block) < left {
                (nth, left) = (nth - block.len(), left - sum(block));
                continue;
            }
            for &count in block.iter().rev() {
                nth -= 1;
                if count as usize >= left {
                    return (nth, count as usize - left);
                }
                left -= count as usize;
            }
        }
        (0, 0)
    }

    #[cfg(test)]
    pub(super) fn check(&self, counts: impl Iterator<Item = usize>) {
        assert!(self.counts.iter().map(|&count| count as usize).eq(counts));
        assert_eq!(self.counts.iter().map(|&count| count as usize).sum::<usize>(), self.total);
    }
}

fn sum(block: &[u32]) -> usize {
    block.iter().sum::<u32>() as usize
}
