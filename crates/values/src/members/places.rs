//! The dense array of a table: the record of each place, in pieces that never move.

use super::arena::Ref;
use crate::cache;

const PIECE: usize = 1 << 10;

/// See the module. Invariant: every piece but the last is full.
#[derive(Clone, Default)]
pub(super) struct Places {
    pieces: Vec<Vec<Ref>>,
    len: usize,
}

impl Places {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Ref {
        self.pieces[place / PIECE][place % PIECE]
    }

    /// Asks the cache for that place.
    #[inline]
    pub(super) fn ask_for(&self, place: usize) {
        cache::ask_for(&raw const self.pieces[place / PIECE][place % PIECE]);
    }

    pub(super) fn set(&mut self, place: usize, record: Ref) {
        self.pieces[place / PIECE][place % PIECE] = record;
    }

    pub(super) fn push(&mut self, record: Ref) {
        if self.len.is_multiple_of(PIECE) {
            // The first piece grows with a table that may stay small.
            let room = if self.len == 0 { 0 } else { PIECE };
            self.pieces.push(Vec::with_capacity(room));
        }
        self.pieces[self.len / PIECE].push(record);
        self.len += 1;
    }

    pub(super) fn pop(&mut self) {
        self.len -= 1;
        let piece = self.len / PIECE;
        self.pieces[piece].pop();
        self.pieces.truncate(self.len.div_ceil(PIECE));
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.capacity() * size_of::<Ref>()).sum();
        pieces + self.pieces.capacity() * size_of::<Vec<Ref>>()
    }

    pub(super) fn allocations(&self) -> usize {
        self.pieces.len()
    }
}
