//! One integer of 1 to 64 bits anywhere in a bitmap: read, written, and counted up within its bounds.
//!
//! Invariant: the integer and its neighbours fit into nine bytes, wherever it begins.

use kvark_base::number;

/// The width of an integer, and whether it has a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    signed: bool,
    bits: u32,
}

/// What happens to a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It goes round.
    #[default]
    Wrap,
    /// It stops at the bound.
    Saturate,
    /// It is refused.
    Fail,
}

/// The bytes that an integer touches.
const WINDOW_LEN: usize = 9;
const WORD_BITS: u32 = u128::BITS;

impl Field {
    /// `i8`, `u63`; unsigned ones end at 63 bits, because an answer is a signed integer.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (&sign, digits) = text.split_first()?;
        let signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let most = if signed { 64 } else { 63 };
        let bits = number::parse_i64(digits).filter(|bits| (1..=most).contains(bits))?;
        Some(Self { signed, bits: bits as u32 })
    }

    /// How many bits it has.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The last byte that it touches when it begins at bit `offset`.
    pub fn last_byte(self, offset: u64) -> usize {
        ((offset + u64::from(self.bits) - 1) / 8) as usize
    }

    /// The integer that begins at bit `offset` of `text`, behind whose end there are zeros.
    pub fn read(self, text: &[u8], offset: u64) -> i64 {
        let word = window(text, offset) << (offset % 8);
        if self.signed {
            (word as i128 >> (WORD_BITS - self.bits)) as i64
        } else {
            (word >> (WORD_BITS - self.bits)) as i64
        }
    }

    /// The bytes that it touches when it begins at bit `offset` of `text`, with `value` in it. They begin at the byte of `offset`.
    pub fn patch(self, text: &[u8], offset: u64, value: i64) -> impl AsRef<[u8]> + use<> {
        let shift = WORD_BITS - self.bits - (offset % 8) as u32;
        let mask = (u128::MAX >> (WORD_BITS - self.bits)) << shift;
        let word = window(text, offset) & !mask | (value as u128) << shift & mask;
        let len = self.last_byte(offset) - (offset / 8) as usize + 1;
        Patch { bytes: word.to_be_bytes(), len }
    }

    /// `value` as it fits into the integer; `None` where it does not and must not be made to.
    pub fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.bounds();
        let fitting = match overflow {
            _ if (least..=most).contains(&value) => value,
            Overflow::Wrap => return Some(self.read(&(value << (WORD_BITS - self.bits)).to_be_bytes(), 0)),
            Overflow::Saturate => value.clamp(least, most),
            Overflow::Fail => return None,
        };
        Some(fitting as i64)
    }

    /// What is to be written, as it was given; an unsigned integer takes it without sign.
    pub fn given(self, value: i64) -> i128 {
        if self.signed { value.into() } else { (value as u64).into() }
    }

    fn bounds(self) -> (i128, i128) {
        if self.signed { (-1 << (self.bits - 1), (1 << (self.bits - 1)) - 1) } else { (0, (1 << self.bits) - 1) }
    }
}

/// A few bytes to be written.
struct Patch {
    bytes: [u8; size_of::<u128>()],
    len: usize,
}

impl AsRef<[u8]> for Patch {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The bytes from that of `offset` on, at the top of a word; zeros behind the end of `text`.
fn window(text: &[u8], offset: u64) -> u128 {
    let rest = text.get((offset / 8) as usize..).unwrap_or_default();
    let mut bytes = [0; size_of::<u128>()];
    let len = rest.len().min(WINDOW_LEN);
    bytes[..len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use kvark_base::random::Random;

    use super::*;

    fn field(text: &str) -> Field {
        Field::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn widths_end_where_an_answer_can_hold_them() {
        for text in ["i1", "i64", "u1", "u63"] {
            field(text);
        }
        for text in ["", "i", "i0", "i65", "u64", "u0", "x8", "8", "I8", "i-1", "i08", "i8 "] {
            assert_eq!(Field::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_anywhere_is_read_again_and_nothing_else_changes() {
        let mut random = Random::from_seed(5);
        for _ in 0..4000 {
            let signed = random.chance(1, 2);
            let bits = 1 + random.below(if signed { 64 } else { 63 }) as u32;
            let field = Field { signed, bits };
            let mut text = vec![0; 24];
            random.fill(&mut text);
            let offset = random.below(80);
            let before: Vec<bool> = bits_of(&text);
            let value = field.fit(random.next_u64() as i64 as i128, Overflow::Wrap).unwrap();
            let patch = field.patch(&text, offset, value);
            let start = (offset / 8) as usize;
            text[start..start + patch.as_ref().len()].copy_from_slice(patch.as_ref());
            assert_eq!(field.read(&text, offset), value, "{field:?} {offset}");
            for (at, bit) in bits_of(&text).into_iter().enumerate() {
                let inside = (offset..offset + u64::from(bits)).contains(&(at as u64));
                assert!(inside || bit == before[at], "{field:?} {offset}: bit {at}");
            }
        }
    }

    fn bits_of(text: &[u8]) -> Vec<bool> {
        text.iter().flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0)).collect()
    }

    #[test]
    fn what_does_not_fit_wraps_stops_or_fails() {
        for (name, value, wrapped, stopped) in [
            ("u8", 256, 0, 255),
            ("u8", -1, 255, 0),
            ("i8", 128, -128, 127),
            ("i8", -129, 127, -128),
            ("i1", 1, -1, 0),
            ("u63", 1 << 63, 0, i64::MAX),
            ("i64", i128::from(i64::MAX) + 1, i64::MIN, i64::MAX),
            ("i64", i128::from(i64::MIN) * 2, 0, i64::MIN),
        ] {
            let field = field(name);
            assert_eq!(field.fit(value, Overflow::Wrap), Some(wrapped), "{name} {value}");
            assert_eq!(field.fit(value, Overflow::Saturate), Some(stopped), "{name} {value}");
            assert_eq!(field.fit(value, Overflow::Fail), None, "{name} {value}");
            assert_eq!(field.fit(stopped.into(), Overflow::Fail), Some(stopped), "{name} {stopped}");
        }
    }
}
