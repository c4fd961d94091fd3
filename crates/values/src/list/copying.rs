//! A list that is copied in parts, from the front, and what the copy must hear of a change.
//!
//! The copy is the front of the list: indexes of the one are indexes of the other as far as it reaches. So what happens within
//! reach is followed, and what happens behind is met later.

use super::op::Op;
use super::{End, List, remove_at};
use crate::IntBuffer;
use crate::collection::Collection;
use crate::copying::{Copying, Place};
use crate::wire::Reader;

/// See [`Collection::copy_part`].
pub(super) fn copy_part(list: &List, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
    let (end, mut copied) = (out.len() + len_bytes, reach(copying));
    for value in list.range(copied, list.len() - copied) {
        Op::Push { end: End::Back, value: value.text(&mut IntBuffer::new()) }.encode(out);
        copied += 1;
        if out.len() >= end {
            break;
        }
    }
    copying.0 = Place::Front(copied);
    copied < list.len() || copying.end()
}

/// How many values the copy has.
fn reach(copying: &Copying) -> usize {
    match copying.0 {
        Place::Front(copied) => copied,
        _ => 0,
    }
}

/// See [`Collection::follow`].
pub(super) fn follow(list: &List, copying: &mut Copying, ops: &[u8], out: &mut Vec<u8>) {
    let (mut front, mut reader) = (Front { copied: reach(copying), len: list.len() }, Reader::new(ops, "a list"));
    while !reader.is_empty() {
        // Whoever applies the operations refuses what makes no sense.
        let Ok(op) = Op::decode(&mut reader) else { return };
        front.follow(op, out);
    }
    copying.0 = Place::Front(front.copied);
}

/// A copy of the first values of a list.
struct Front {
    copied: usize,
    len: usize,
}

impl Front {
    fn follow(&mut self, op: Op<'_>, out: &mut Vec<u8>) {
        match op {
            Op::Push { end: End::Front, .. } => {
                op.encode(out);
                self.grow();
            }
            Op::Push { end: End::Back, .. } => self.len += 1,
            Op::Pop { end: End::Front, n } => self.keep(n, usize::MAX, out),
            Op::Pop { end: End::Back, n } => self.keep(0, self.len.saturating_sub(n), out),
            Op::Trim { start, len } => self.keep(start, len, out),
            Op::Set { index, .. } if index < self.copied => op.encode(out),
            Op::InsertAt { index, .. } if index < self.copied => {
                op.encode(out);
                self.grow();
            }
            Op::InsertAt { index, .. } if index <= self.len => self.len += 1,
            Op::Set { .. } | Op::InsertAt { .. } => {}
            Op::RemoveAt(indexes) => self.remove(indexes.collect(), out),
        }
    }

    fn grow(&mut self) {
        self.copied += 1;
        self.len += 1;
    }

    /// `len` values from `start` on stay.
    fn keep(&mut self, start: usize, len: usize, out: &mut Vec<u8>) {
        let left = |of: usize| of.saturating_sub(start).min(len);
        if left(self.copied) < self.copied {
            Op::Trim { start, len }.encode(out);
        }
        (self.copied, self.len) = (left(self.copied), left(self.len));
    }

    fn remove(&mut self, mut indexes: Vec<usize>, out: &mut Vec<u8>) {
        indexes.retain(|&index| index < self.len);
        self.len -= indexes.len();
        indexes.retain(|&index| index < self.copied);
        self.copied -= indexes.len();
        if !indexes.is_empty() {
            remove_at(&indexes, out);
        }
    }
}
