//! Many chunks in a row.
//!
//! Invariant: no chunk is empty, and `counts` says how many values each has.
//! Invariant: a chunk beyond the limit has one value only, or was within the limit when it was filled.

use std::collections::VecDeque;
use std::iter::Peekable;

use super::End;
use super::counts::Counts;
use super::limit::Limit;
use crate::StringRef;
use crate::packed::Packed;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Chunks {
    chunks: VecDeque<Packed>,
    counts: Counts,
}

impl From<Packed> for Chunks {
    fn from(chunk: Packed) -> Self {
        let mut chunks = Self::default();
        if !chunk.is_empty() {
            chunks.put(0, chunk);
        }
        chunks
    }
}

impl Chunks {
    /// How many values.
    pub(super) fn len(&self) -> usize {
        self.counts.total()
    }

    /// How many chunks.
    pub(super) fn count(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn chunk(&self, nth: usize) -> Option<&Packed> {
        self.chunks.get(nth)
    }

    /// Bytes of memory on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        let index_bytes = self.chunks.capacity() * size_of::<Packed>() + self.counts.memory_bytes();
        index_bytes + self.chunks.iter().map(Packed::memory_bytes).sum::<usize>()
    }

    /// See [`Counts::locate`].
    pub(super) fn locate(&self, index: usize) -> (usize, usize) {
        self.counts.locate(index)
    }

    #[inline]
    pub(super) fn push(&mut self, end: End, value: StringRef<'_>, limit: Limit) {
        let nth = self.outermost(end);
        match self.chunks.get_mut(nth) {
            Some(chunk) if limit.takes(chunk, value) => {
                push(chunk, end, value);
                self.recount(nth);
            }
            _ => self.push_chunk(end, value, limit),
        }
    }

    fn outermost(&self, end: End) -> usize {
        match end {
            End::Front => 0,
            End::Back => self.count().saturating_sub(1),
        }
    }

    /// Adds a chunk, with room for as much as the one beside it has.
    #[cold]
    fn push_chunk(&mut self, end: End, value: StringRef<'_>, limit: Limit) {
        let room = self.chunks.get(self.outermost(end)).map_or(0, |beside| limit.room_beside(beside));
        let others = room.saturating_sub(Packed::bytes_of(value));
        match end {
            End::Front => self.put(0, Packed::with_room(value, others, 0)),
            End::Back => self.put(self.count(), Packed::with_room(value, 0, others)),
        }
    }

    #[inline]
    pub(super) fn pop(&mut self, end: End, mut n: usize) {
        while n > 0 && self.len() > 0 {
            let nth = self.outermost(end);
            let count = self.counts.of(nth);
            if n < count {
                pop(&mut self.chunks[nth], end, n);
                return self.recount(nth);
            }
            self.take(nth);
            n -= count;
        }
    }

    /// Puts `value` in place of the one at `index`, which is there.
    pub(super) fn set(&mut self, index: usize, value: StringRef<'_>, limit: Limit) {
        let (nth, within) = self.locate(index);
        let chunk = &mut self.chunks[nth];
        let place = chunk.place(within).expect("the value is in the chunk");
        let freed = Packed::bytes_of(chunk.at(place));
        if chunk.len() == 1 || limit.allows(chunk.byte_len() - freed + Packed::bytes_of(value), chunk.len()) {
            chunk.replace_at(place, value);
            self.merge_around(nth, limit);
        } else {
            chunk.remove_at(place, 1);
            self.recount(nth);
            self.insert(index, value, limit);
        }
    }

    /// Puts `value` before the one at `index`, or at the end.
    pub(super) fn insert(&mut self, index: usize, value: StringRef<'_>, limit: Limit) {
        if index == self.len() {
            return self.push(End::Back, value, limit);
        }
        let (nth, within) = self.locate(index);
        let before = nth.checked_sub(1).filter(|_| within == 0);
        let roomy = [Some(nth), before].into_iter().flatten().find(|&nth| limit.takes(&self.chunks[nth], value));
        match roomy {
            Some(roomy) => {
                let chunk = &mut self.chunks[roomy];
                chunk.insert(if roomy == nth { within } else { chunk.len() }, value);
                self.recount(roomy);
            }
            None => self.insert_chunk(nth, within, value, limit),
        }
    }

    /// Puts a chunk of its own for `value` into the chunk `nth`, which it splits.
    #[cold]
    fn insert_chunk(&mut self, nth: usize, within: usize, value: StringRef<'_>, limit: Limit) {
        let at = self.split(nth, within);
        self.put(at, Packed::with_room(value, 0, 0));
        self.merge_around(at, limit);
    }

    /// Splits the chunk `nth` before its value `within`. The number of the chunk that begins there now, or would.
    fn split(&mut self, nth: usize, within: usize) -> usize {
        if within == 0 {
            return nth;
        }
        let tail = self.chunks[nth].split_off(within);
        self.recount(nth);
        if !tail.is_empty() {
            self.put(nth + 1, tail);
        }
        nth + 1
    }

    /// Removes the values at `indexes`, which ascend; those beyond the end are not there.
    pub(super) fn remove(&mut self, indexes: impl Iterator<Item = usize>, limit: Limit) {
        let changed = self.remove_within(&mut indexes.peekable());
        // From the back, so that the numbers of those before stay.
        changed.into_iter().rev().for_each(|nth| self.settle(nth, limit));
    }

    /// Removes the values and leaves chunks behind that may be empty; says which chunks were changed.
    fn remove_within(&mut self, indexes: &mut Peekable<impl Iterator<Item = usize>>) -> Vec<usize> {
        let (mut changed, mut first) = (Vec::new(), 0);
        for nth in 0..self.count() {
            let Some(&next) = indexes.peek() else { break };
            let behind = first + self.counts.of(nth);
            if next < behind {
                retain_others(&mut self.chunks[nth], first, indexes);
                self.recount(nth);
                changed.push(nth);
            }
            first = behind;
        }
        changed
    }

    /// Removes the chunk if it is empty, and merges it with what is beside it if they are small.
    fn settle(&mut self, nth: usize, limit: Limit) {
        if self.counts.of(nth) == 0 {
            self.take(nth);
        }
        self.merge_around(nth, limit);
    }

    fn merge_around(&mut self, nth: usize, limit: Limit) {
        self.merge_with_next(nth, limit);
        if nth > 0 {
            self.merge_with_next(nth - 1, limit);
        }
    }

    fn merge_with_next(&mut self, nth: usize, limit: Limit) {
        let (Some(chunk), Some(next)) = (self.chunks.get(nth), self.chunks.get(nth + 1)) else { return };
        if limit.merged().takes_both(chunk, next) {
            let next = self.take(nth + 1);
            self.chunks[nth].append(&next);
            self.recount(nth);
        }
    }

    /// What there is, as one chunk, if it is one or none, and small enough to be all of a list.
    pub(super) fn take_only(&mut self, limit: Limit) -> Option<Packed> {
        match self.count() {
            0 => Some(Packed::new()),
            1 if limit.packed_again().allows(self.chunks[0].byte_len(), self.len()) => Some(self.take(0)),
            _ => None,
        }
    }

    /// The chunk has more or fewer values than before.
    #[inline]
    fn recount(&mut self, nth: usize) {
        self.counts.set(nth, self.chunks[nth].len());
    }

    fn put(&mut self, nth: usize, chunk: Packed) {
        self.counts.insert(nth, chunk.len());
        self.chunks.insert(nth, chunk);
    }

    fn take(&mut self, nth: usize) -> Packed {
        let chunk = self.chunks.remove(nth).expect("the chunk is there");
        self.counts.remove(nth);
        chunk
    }
}

/// Puts a value at an end of a chunk.
#[inline]
pub(super) fn push(chunk: &mut Packed, end: End, value: StringRef<'_>) {
    match end {
        End::Front => chunk.push_front(value),
        End::Back => chunk.push(value),
    }
}

/// Removes `n` values at an end of a chunk, or as many as there are.
#[inline]
pub(super) fn pop(chunk: &mut Packed, end: End, n: usize) {
    match end {
        End::Front => chunk.remove(0, n),
        End::Back => chunk.remove(chunk.len().saturating_sub(n), n),
    }
}

/// Removes those values of a chunk that are named; the list's value `first` is its first.
pub(super) fn retain_others(chunk: &mut Packed, first: usize, indexes: &mut Peekable<impl Iterator<Item = usize>>) {
    let mut index = first;
    chunk.retain(|_| {
        let mut named = false;
        while indexes.next_if(|&next| next <= index).is_some() {
            named = true;
        }
        index += 1;
        !named
    });
}

#[cfg(test)]
impl Chunks {
    /// The invariants of the module.
    pub(super) fn check(&self, limit: Limit) {
        self.counts.check(self.chunks.iter().map(Packed::len));
        for chunk in &self.chunks {
            assert!(chunk.len() == 1 || !chunk.is_empty() && limit.allows(chunk.byte_len(), chunk.len()));
        }
    }
}
