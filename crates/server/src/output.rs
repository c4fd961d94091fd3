//! The answers of one connection that have not left yet, and the positions for which some of them wait.
//!
//! ```text
//! bytes:  | sent | may leave | waits for position 7 | waits for position 9 |
//!         0      sent        gate 7                 gate 9
//! ```
//!
//! Invariant: bytes leave in the order in which they were written, so a gate holds everything behind it.

use std::collections::VecDeque;

use kvark_base::Position;

use crate::spare::Spare;

/// Sent bytes are moved out of the way once there are so many, and more of them than of others.
const COMPACT_LEN: usize = 64 * 1024;

#[derive(Debug)]
struct Gate {
    from: usize,
    position: Position,
}

#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    sent: usize,
    gates: VecDeque<Gate>,
}

impl Output {
    /// Bytes that have not left.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the next answer will begin; see [`Output::gate`].
    pub fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Where answers are appended.
    pub fn writer(&mut self, spare: &mut Spare) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = spare.take();
        }
        &mut self.bytes
    }

    /// Holds what was written from `from` on until `position` is reached.
    pub fn gate(&mut self, from: usize, position: Position) {
        if from < self.bytes.len() {
            self.gates.push_back(Gate { from, position });
        }
    }

    /// Takes back what was written from `from` on, with its gates.
    pub fn take_back(&mut self, from: usize) {
        self.bytes.truncate(from);
        self.gates.retain(|gate| gate.from < from);
    }

    /// The bytes that wait for a position begin here.
    pub fn gated_from(&self) -> Option<usize> {
        self.gates.front().map(|gate| gate.from)
    }

    /// Opens the gates up to `position`.
    pub fn open(&mut self, position: Position) {
        while self.gates.front().is_some_and(|gate| gate.position <= position) {
            self.gates.pop_front();
        }
    }

    /// What may leave now.
    pub fn sendable(&self) -> &[u8] {
        &self.bytes[self.sent..self.gated_from().unwrap_or(self.bytes.len())]
    }

    /// Notes that the first `len` bytes of [`Output::sendable`] have left.
    pub fn sent(&mut self, len: usize, spare: &mut Spare) {
        self.sent += len;
        debug_assert!(self.sent <= self.gated_from().unwrap_or(self.bytes.len()));
        if self.sent == self.bytes.len() {
            spare.give(std::mem::take(&mut self.bytes));
            self.sent = 0;
        } else if self.sent > COMPACT_LEN && self.sent > self.len() {
            self.bytes.drain(..self.sent);
            self.gates.iter_mut().for_each(|gate| gate.from -= self.sent);
            self.sent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(output: &mut Output, spare: &mut Spare, bytes: &[u8], position: Position) {
        let from = output.end();
        output.writer(spare).extend_from_slice(bytes);
        if position > 0 {
            output.gate(from, position);
        }
    }

    #[test]
    fn a_gate_holds_everything_behind_it() {
        let (mut output, mut spare) = (Output::default(), Spare::default());
        write(&mut output, &mut spare, b"a", 0);
        write(&mut output, &mut spare, b"bb", 5);
        write(&mut output, &mut spare, b"c", 0);
        write(&mut output, &mut spare, b"dd", 9);
        assert_eq!(output.sendable(), b"a");
        output.sent(1, &mut spare);
        output.open(4);
        assert_eq!(output.sendable(), b"");
        output.open(5);
        assert_eq!(output.sendable(), b"bbc");
        output.sent(2, &mut spare);
        output.open(20);
        assert_eq!((output.sendable(), output.len()), (&b"cdd"[..], 3));
        output.sent(3, &mut spare);
        assert!(output.is_empty() && output.end() == 0);
    }

    #[test]
    fn what_is_taken_back_takes_its_gates_along() {
        let (mut output, mut spare) = (Output::default(), Spare::default());
        write(&mut output, &mut spare, b"a", 3);
        let from = output.end();
        write(&mut output, &mut spare, b"bb", 5);
        output.take_back(from);
        write(&mut output, &mut spare, b"!", 0);
        output.open(3);
        assert_eq!(output.sendable(), b"a!");
    }

    #[test]
    fn gates_move_with_the_bytes_when_sent_ones_are_dropped() {
        let (mut output, mut spare) = (Output::default(), Spare::default());
        write(&mut output, &mut spare, &vec![b'x'; COMPACT_LEN + 10], 0);
        write(&mut output, &mut spare, b"yy", 7);
        output.sent(COMPACT_LEN + 4, &mut spare);
        assert_eq!((output.sendable(), output.end()), (&b"xxxxxx"[..], 8));
        output.open(7);
        assert_eq!(output.sendable(), b"xxxxxxyy");
    }
}
