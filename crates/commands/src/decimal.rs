//! Decimal numbers with 17 places behind the point, added exactly: what INCRBYFLOAT counts with.
//!
//! Redis adds in the machine's `long double` and prints 17 places without an exponent, trailing zeros cut. Decimal
//! arithmetic gives the same text wherever that sum is exact to the last place, and the decimal one where it is not.
//!
//! Invariant: a number that was printed reads back as itself.

use std::fmt;

use crate::doubles;

/// Places behind the point.
const PLACES: i64 = 17;
/// The longest text that is read.
const MAX_TEXT_LEN: usize = 5 * 1024;
/// The largest power of ten that is finite, as in an 80-bit float.
const MAX_EXPONENT: i64 = 4932;

/// A number: its sign and its digits in units of 10^-17, the lowest first, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: Vec<u8>,
}

/// What a text spells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A number.
    Finite(Decimal),
    /// `inf`, with or without sign.
    Infinite,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, digits: Vec::new() };

    /// Reads `1`, `-1.5`, `.5`, `3.0e3`, `inf`; `None` when `text` is no number or one too large to be finite. Places
    /// behind the 17th are rounded, half away from zero. A number of few hexadecimal digits (`0x1F`) is one too.
    pub fn parse(text: &[u8]) -> Option<Parsed> {
        let hexadecimal = || Some(doubles::parse_hexadecimal(text)?.to_string());
        Self::parse_decimal(text).or_else(|| Self::parse_decimal(hexadecimal()?.as_bytes()))
    }

    fn parse_decimal(text: &[u8]) -> Option<Parsed> {
        if text.len() >= MAX_TEXT_LEN {
            return None;
        }
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
            return Some(Parsed::Infinite);
        }
        let (mantissa, exponent) = split_exponent(text)?;
        let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
        let behind = mantissa.get(point + 1..).unwrap_or(&[]);
        let all: Vec<u8> = [&mantissa[..point], behind].concat();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Self::from_digits(negative, &all, exponent - behind.len() as i64).map(Parsed::Finite)
    }

    /// The number that `digits` (the highest first) spell, times ten to the `exponent`.
    fn from_digits(negative: bool, digits: &[u8], exponent: i64) -> Option<Self> {
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        let digits = &digits[zeros..];
        if digits.is_empty() {
            return Some(Self::ZERO);
        }
        let len = digits.len() as i64;
        if exponent + len - 1 > MAX_EXPONENT || exponent + len < -MAX_EXPONENT {
            return None;
        }
        let shift = exponent + PLACES;
        let mut units: Vec<u8> = vec![0; shift.max(0) as usize];
        let cut = (-shift).clamp(0, len) as usize;
        units.extend(digits[..digits.len() - cut].iter().rev().map(|digit| digit - b'0'));
        let rounds_up = shift < 0 && -shift <= len && digits[digits.len() - cut] >= b'5';
        let number = Self { negative, digits: units }.trimmed();
        let unit = Self { negative, digits: vec![1] };
        Some(if rounds_up { number.plus(&unit) } else { number })
    }

    /// The sum.
    pub fn plus(&self, other: &Self) -> Self {
        if self.negative == other.negative {
            return Self { negative: self.negative, digits: add(&self.digits, &other.digits) }.trimmed();
        }
        let (large, small) = if self.is_below(other) { (other, self) } else { (self, other) };
        Self { negative: large.negative, digits: subtract(&large.digits, &small.digits) }.trimmed()
    }

    /// Whether it is nearer to zero than `other`.
    fn is_below(&self, other: &Self) -> bool {
        let (len, other_len) = (self.digits.len(), other.digits.len());
        len < other_len || len == other_len && self.digits.iter().rev().lt(other.digits.iter().rev())
    }

    fn trimmed(mut self) -> Self {
        let len = self.digits.iter().rposition(|&digit| digit != 0).map_or(0, |highest| highest + 1);
        self.digits.truncate(len);
        self.negative &= len > 0;
        self
    }
}

/// Mantissa and power of ten; an exponent of absurd size is cut to one that is as absurd.
fn split_exponent(text: &[u8]) -> Option<(&[u8], i64)> {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) else { return Some((text, 0)) };
    let (negative, digits) = match &text[at + 1..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1_000_000));
    Some((&text[..at], if negative { -size } else { size }))
}

fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digit = |digits: &[u8], at: usize| digits.get(at).copied().unwrap_or(0);
    let step = |at: usize| {
        let sum = digit(a, at) + digit(b, at) + carry;
        carry = sum / 10;
        sum % 10
    };
    (0..=a.len().max(b.len())).map(step).collect()
}

/// `large - small`, which is not below zero.
fn subtract(large: &[u8], small: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let step = |(at, &digit): (usize, &u8)| {
        let minus = small.get(at).copied().unwrap_or(0) + borrow;
        borrow = u8::from(digit < minus);
        digit + 10 * borrow - minus
    };
    large.iter().enumerate().map(step).collect()
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = PLACES as usize;
        let text: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let padded = format!("{text:0>width$}", width = places + 1);
        let (whole, behind) = padded.split_at(padded.len() - places);
        let behind = behind.trim_end_matches('0');
        let sign = if self.negative { "-" } else { "" };
        let point = if behind.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{behind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let number = |text: &str| match Decimal::parse(text.as_bytes()) {
            Some(Parsed::Finite(number)) => number,
            other => panic!("{text}: {other:?}"),
        };
        number(a).plus(&number(b)).to_string()
    }

    #[test]
    fn sums_print_as_in_redis() {
        for (a, b, both) in [
            ("10.5", "0.1", "10.6"),
            ("3.0e3", "0", "3000"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "1.1", "2.1"),
            ("1.5", "-1.5", "0"),
            ("0x10", "-0x1.8p1", "13"),
            ("-0.5", "0.25", "-0.25"),
            ("0.5", "-2", "-1.5"),
            ("17179869184", "1.5", "17179869185.5"),
            ("0", "0.1", "0.1"),
            ("1.23456789012345678", "0", "1.23456789012345678"),
            ("1e-17", "0", "0.00000000000000001"),
            ("1e-18", "0", "0"),
            ("5e-18", "0", "0.00000000000000001"),
            ("-5e-18", "0", "-0.00000000000000001"),
            ("1e20", "1", "100000000000000000001"),
            ("999999999999999999.9", "0.1", "1000000000000000000"),
            ("+.5", "1.", "1.5"),
            ("-0", "0", "0"),
            ("1e-4000", "0", "0"),
        ] {
            assert_eq!(sum(a, b), both, "{a} + {b}");
            assert_eq!(sum(b, a), both, "{b} + {a}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", ".", "-", "+", "e5", "1e", "1e+", " 1", "1 ", "1.2.3", "0x", "0x1G", "nan", "1e5000", "1-", "--1"]
        {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text:?}");
        }
        for text in ["inf", "-INF", "+Infinity"] {
            assert_eq!(Decimal::parse(text.as_bytes()), Some(Parsed::Infinite), "{text:?}");
        }
    }
}
