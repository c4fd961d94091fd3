//! Integers in one allocation, ascending, each once.
//!
//! ```text
//! {1, 2, 300}        01 00  02 00  2c 01                              two bytes each
//! {1, 2, 70000}      01 00 00 00  02 00 00 00  70 11 01 00            four bytes each, because one of them needs four
//! ```
//!
//! Invariant: ascending and without duplicates, so a lookup is a binary search.
//! Invariant: all have the width of the widest that was ever there: two, four or eight bytes.
//! Invariant: these bytes are in memory only. They are no format.

use std::fmt;

use crate::packed::Buffer;

/// A set of integers. Eight bytes where it stands.
#[derive(Clone, Default)]
pub struct Intset(Buffer);

/// The bytes that `value` needs.
fn width_of(value: i64) -> usize {
    match (i16::try_from(value), i32::try_from(value)) {
        (Ok(_), _) => 2,
        (_, Ok(_)) => 4,
        _ => 8,
    }
}

impl Intset {
    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.items()
    }

    /// The bytes that each takes.
    #[inline]
    fn width(&self) -> usize {
        self.0.bytes().len() / self.len().max(1)
    }

    /// Whether `value` is one of them.
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        self.find(value).is_ok()
    }

    /// The one at `index` in ascending order.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        let width = self.width();
        let bytes = self.0.bytes().get(index * width..)?;
        Some(match width {
            2 => i16::from_le_bytes(*bytes.first_chunk()?).into(),
            4 => i32::from_le_bytes(*bytes.first_chunk()?).into(),
            _ => i64::from_le_bytes(*bytes.first_chunk()?),
        })
    }

    /// All in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// Adds `value`; whether it was not there before.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(at) = self.find(value) else { return false };
        if width_of(value) > self.width() {
            *self = self.widened(width_of(value));
        }
        self.insert_at(at, value, self.width().max(width_of(value)));
        true
    }

    /// Removes `value`; whether it was there.
    pub fn remove(&mut self, value: i64) -> bool {
        let (Ok(at), width) = (self.find(value), self.width()) else { return false };
        let left = self.len() - 1;
        if left == 0 {
            *self = Self::default();
        } else {
            self.0.splice(at * width, width, 0);
            self.0.set_items(left);
        }
        true
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    /// Where `value` is (`Ok`), or where it belongs (`Err`).
    #[inline]
    fn find(&self, value: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        if self.get(high.wrapping_sub(1)).is_none_or(|last| last < value) {
            return Err(high);
        }
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle) {
                Some(found) if found < value => low = middle + 1,
                _ => high = middle,
            }
        }
        if self.get(low) == Some(value) { Ok(low) } else { Err(low) }
    }

    fn insert_at(&mut self, at: usize, value: i64, width: usize) {
        self.0.splice(at * width, 0, width).copy_from_slice(&value.to_le_bytes()[..width]);
        self.0.set_items(self.len() + 1);
    }

    /// The same integers, each in `width` bytes.
    fn widened(&self, width: usize) -> Self {
        let mut wide = Self::default();
        self.iter().enumerate().for_each(|(at, value)| wide.insert_at(at, value, width));
        wide
    }
}

impl fmt::Debug for Intset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kvark_base::random::Random;

    use super::*;

    #[test]
    fn it_is_as_wide_as_the_widest_that_was_ever_there() {
        let mut set = Intset::default();
        for (value, bytes) in [
            (i64::from(i16::MAX), 2),
            (i64::from(i16::MIN), 2),
            (i64::from(i16::MAX) + 1, 4),
            (i64::from(i32::MIN), 4),
            (i64::from(i32::MIN) - 1, 8),
            (i64::MAX, 8),
        ] {
            assert!(!set.contains(value));
            assert!(set.insert(value));
            assert!(!set.insert(value));
            assert_eq!(set.width(), bytes, "after {value}");
        }
        assert!(set.remove(i64::MAX) && set.remove(i64::from(i32::MIN) - 1));
        assert_eq!(set.width(), 8);
    }

    #[test]
    fn what_is_too_wide_to_be_there_is_not_there() {
        let mut set = Intset::default();
        set.insert(1);
        assert!(!set.contains(65537) && !set.remove(65537) && set.contains(1));
    }

    #[test]
    fn it_does_what_a_sorted_set_of_the_standard_library_does() {
        for seed in 0..60 {
            let (mut random, mut set, mut model) = (Random::from_seed(seed), Intset::default(), BTreeSet::new());
            for _ in 0..400 {
                let value = random_value(&mut random);
                match random.below(3) {
                    0 => assert_eq!(set.remove(value), model.remove(&value)),
                    1 => assert_eq!(set.contains(value), model.contains(&value)),
                    _ => assert_eq!(set.insert(value), model.insert(value)),
                }
                assert!(set.iter().eq(model.iter().copied()), "seed {seed}");
            }
            assert!((0..=set.len()).all(|index| set.get(index) == model.iter().nth(index).copied()));
        }
    }

    /// Mostly small ones that meet again, now and then a wide one.
    fn random_value(random: &mut Random) -> i64 {
        let bits = if random.chance(1, 100) { 64 } else { 4 + random.below(4) };
        (random.next_u64() as i64) >> (64 - bits)
    }
}
