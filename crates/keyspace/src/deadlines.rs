//! When to look for expired keys: a heap of (deadline, database, hash), sixteen bytes each.
//!
//! Invariant: every entry with a deadline has a note of that deadline here. The reverse does not hold: a note outlives a
//! changed deadline or a removed key, and is thrown away when it comes up (or when notes outnumber what is live).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kvark_base::Millis;

/// A note: deadline in the high 48 bits and the database in the low 16, then the hash.
type Note = (u64, u64);

/// See the module.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<Note>>,
}

impl Deadlines {
    /// The key of `hash` in `db` expires at `at_ms`.
    pub fn push(&mut self, at_ms: Millis, db: u8, hash: u64) {
        let at_ms = at_ms.min((1 << 48) - 1);
        self.heap.push(Reverse((at_ms << 16 | u64::from(db), hash)));
    }

    /// The earliest note.
    pub fn next_ms(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse((at, _))| at >> 16)
    }

    /// Takes the earliest note if its time has come: database and hash.
    pub fn pop_due(&mut self, now_ms: Millis) -> Option<(u8, u64)> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse((at, hash))| (at as u8, hash))
    }

    /// How many notes there are.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Begins anew with these notes: called when stale notes have piled up.
    pub fn rebuild(&mut self, notes: impl Iterator<Item = (Millis, u8, u64)>) {
        self.heap.clear();
        self.heap.shrink_to(0);
        notes.for_each(|(at_ms, db, hash)| self.push(at_ms, db, hash));
    }
}
