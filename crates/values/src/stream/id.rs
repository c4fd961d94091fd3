//! The id of an entry.

use std::fmt;

/// A moment in milliseconds, and a number among the entries of that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    /// Milliseconds since the epoch, or whatever the client counts.
    pub ms: u64,
    /// Which of the entries of that moment.
    pub seq: u64,
}

/// Room for the text of an id.
#[derive(Debug)]
pub struct IdBuffer([u8; IdBuffer::LEN]);

impl IdBuffer {
    const LEN: usize = 2 * 20 + 1;
}

impl Default for IdBuffer {
    fn default() -> Self {
        Self([0; Self::LEN])
    }
}

impl Id {
    /// The lowest, which no entry has.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The highest.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// The id of that moment and number.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The one after it.
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => self.ms.checked_add(1).map(|ms| Self { ms, seq: 0 }),
        }
    }

    /// The one before it.
    pub fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => self.ms.checked_sub(1).map(|ms| Self { ms, seq: u64::MAX }),
        }
    }

    /// As it is shown: `ms-seq`.
    pub fn text(self, buffer: &mut IdBuffer) -> &[u8] {
        let mut len = 0;
        let mut push = |text: &[u8]| {
            buffer.0[len..len + text.len()].copy_from_slice(text);
            len += text.len();
        };
        push(itoa::Buffer::new().format(self.ms).as_bytes());
        push(b"-");
        push(itoa::Buffer::new().format(self.seq).as_bytes());
        &buffer.0[..len]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_cross_the_border_of_a_moment() {
        let (end, start) = (Id::new(7, u64::MAX), Id::new(8, 0));
        assert_eq!((end.next(), start.previous()), (Some(start), Some(end)));
        assert_eq!((Id::MAX.next(), Id::MIN.previous()), (None, None));
        assert!(end < start);
    }

    #[test]
    fn the_text_of_the_longest_id_fits() {
        for id in [Id::MIN, Id::new(12, 3), Id::MAX] {
            assert_eq!(id.text(&mut IdBuffer::default()), id.to_string().as_bytes());
        }
    }
}
