//! BITOP: several bitmaps become one, bit by bit.
//!
//! The result is computed piece by piece, so that a piece stays in the cache while all sources are added to it; the loops
//! over bytes are simple enough to become vectors.
//!
//! Invariant: a source that ends early goes on with zeros.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::{IntBuffer, NewValue, Value};

use crate::row::Answer;
use crate::strings::get_value;

pub(crate) const SOURCE: &str = include_str!("operations.rs");

/// What becomes of the bits that stand in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Set in all.
    And,
    /// Set in any.
    Or,
    /// Set in an odd number.
    Xor,
    /// Clear in the only one.
    Not,
    /// Set in the first and in none of the others.
    Diff,
    /// Set in any of the others, but not in the first.
    Diff1,
    /// Set in the first and in any of the others.
    AndOr,
    /// Set in exactly one.
    One,
}

impl Operation {
    const NAMED: [(&'static str, Self); 8] = [
        ("AND", Self::And),
        ("OR", Self::Or),
        ("XOR", Self::Xor),
        ("NOT", Self::Not),
        ("DIFF", Self::Diff),
        ("DIFF1", Self::Diff1),
        ("ANDOR", Self::AndOr),
        ("ONE", Self::One),
    ];

    /// Argument `at`, if the operation takes that many sources.
    fn parse(req: &Request<'_>, at: usize, sources: usize) -> Result<Self, Fault> {
        let named = Self::NAMED.iter().find(|(name, _)| req.is(at, name)).ok_or_else(Fault::syntax)?;
        let wanted = match named.1 {
            Self::Not if sources != 1 => "a single source key",
            Self::Diff | Self::Diff1 | Self::AndOr if sources < 2 => "at least two source keys",
            _ => return Ok(named.1),
        };
        Err(Fault::new(format!("ERR BITOP {} must be called with {wanted}.", named.0)))
    }
}

/// `BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]`
///
/// Combines strings bit by bit into one as long as the longest, and answers its length. NOT takes one key. Set in the result
/// are the bits that are set, with DIFF in the first key and none of the others, with DIFF1 in any of the others but not in the first,
/// with ANDOR in the first and any of the others, with ONE in exactly one key. A missing key is an empty string, and a
/// result that is empty removes the destination.
///
/// ```resp
/// > MSET {day}1 "\x0f" {day}2 "\x33\x80"
/// OK
/// > BITOP AND {day}both {day}1 {day}2
/// (integer) 2
/// > GET {day}both
/// "\x03\x00"
/// > BITOP ONE {day}once {day}1 {day}2
/// (integer) 2
/// > GET {day}once
/// "<\x80"
/// > BITOP DIFF {day}gone {day}1
/// (error) ERR BITOP DIFF must be called with at least two source keys.
/// ```
pub fn bitop(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    const FIRST_SOURCE: usize = 3;
    let operation = Operation::parse(req, 1, req.len() - FIRST_SOURCE)?;
    let keys = req.args_from(FIRST_SOURCE);
    let mut digits = vec![IntBuffer::new(); keys.len()];
    let values = keys.zip(&mut digits);
    let texts = values.map(|(key, digits)| Ok(get_value(w, key)?.map_or(&[][..], |value| value.text(digits))));
    let result = combine(operation, &texts.collect::<Result<Vec<_>, Fault>>()?);
    let len = result.len();
    if len == 0 {
        w.remove(req.arg(2))?;
    } else {
        w.put_value(req.arg(2), NewValue::Owned(Value::Bytes(result)), 0)?;
    }
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// Bytes of the result that are computed at a time.
const PIECE_LEN: usize = 8192;

fn combine(operation: Operation, texts: &[&[u8]]) -> Vec<u8> {
    let mut result = vec![0; texts.iter().map(|text| text.len()).max().unwrap_or(0)];
    for (nth, piece) in result.chunks_mut(PIECE_LEN).enumerate() {
        let (start, end) = (nth * PIECE_LEN, nth * PIECE_LEN + piece.len());
        let parts = texts.iter().map(|text| &text[start.min(text.len())..end.min(text.len())]);
        combine_piece(operation, parts, piece);
    }
    result
}

/// `piece` is full of zeros, and no part is longer.
fn combine_piece<'t>(operation: Operation, mut parts: impl Iterator<Item = &'t [u8]>, piece: &mut [u8]) {
    let first = parts.next().unwrap_or_default();
    match operation {
        Operation::And => {
            piece[..first.len()].copy_from_slice(first);
            parts.for_each(|part| meet(piece, part, |bits, part| bits & part));
        }
        Operation::Or => join_all(std::iter::once(first).chain(parts), piece),
        Operation::Xor => {
            std::iter::once(first).chain(parts).for_each(|part| join(piece, part, |bits, part| bits ^ part))
        }
        Operation::Not => {
            piece[..first.len()].copy_from_slice(first);
            piece.iter_mut().for_each(|bits| *bits = !*bits);
        }
        Operation::One => exactly_one(std::iter::once(first).chain(parts), piece),
        Operation::Diff => {
            join_all(parts, piece);
            meet(piece, first, |others, first| first & !others);
        }
        Operation::Diff1 => {
            join_all(parts, piece);
            join(piece, first, |others, first| others & !first);
        }
        Operation::AndOr => {
            join_all(parts, piece);
            meet(piece, first, |others, first| others & first);
        }
    }
}

/// Adds a part to the piece; behind the part, the piece stays as it is.
#[inline(always)]
fn join(piece: &mut [u8], part: &[u8], with: impl Fn(u8, u8) -> u8) {
    piece.iter_mut().zip(part).for_each(|(bits, &part)| *bits = with(*bits, part));
}

/// Adds a part to the piece; behind the part, nothing stays set.
#[inline(always)]
fn meet(piece: &mut [u8], part: &[u8], with: impl Fn(u8, u8) -> u8) {
    join(piece, part, with);
    piece[part.len()..].fill(0);
}

fn join_all<'t>(parts: impl Iterator<Item = &'t [u8]>, piece: &mut [u8]) {
    parts.for_each(|part| join(piece, part, |bits, part| bits | part));
}

/// `twice` has the bits that were seen more than once.
fn exactly_one<'t>(parts: impl Iterator<Item = &'t [u8]>, piece: &mut [u8]) {
    let mut twice = [0; PIECE_LEN];
    for part in parts {
        for ((once, twice), &part) in piece.iter_mut().zip(&mut twice).zip(part) {
            *twice |= *once & part;
            *once |= part;
        }
    }
    join(piece, &twice[..piece.len()], |once, twice| once & !twice);
}

#[cfg(test)]
mod tests {
    use kvark_base::random::Random;

    use super::*;

    /// What becomes of one bit.
    fn expected(operation: Operation, bits: &[bool]) -> bool {
        let ones = bits.iter().filter(|&&bit| bit).count();
        let in_others = bits[1..].contains(&true);
        match operation {
            Operation::And => ones == bits.len(),
            Operation::Or => ones > 0,
            Operation::Xor => ones % 2 == 1,
            Operation::Not => ones == 0,
            Operation::Diff => bits[0] && !in_others,
            Operation::Diff1 => !bits[0] && in_others,
            Operation::AndOr => bits[0] && in_others,
            Operation::One => ones == 1,
        }
    }

    #[test]
    fn every_bit_is_combined_as_its_operation_says() {
        let mut random = Random::from_seed(8);
        for (name, operation) in Operation::NAMED {
            for round in 0..12 {
                let count = if operation == Operation::Not { 1 } else { 2 + random.below(4) as usize };
                let longest = if round < 8 { 40 } else { 2 * PIECE_LEN as u64 + 99 };
                let mut text = || {
                    let mut text = vec![0; random.below(longest) as usize];
                    random.fill(&mut text);
                    text
                };
                let texts: Vec<Vec<u8>> = (0..count).map(|_| text()).collect();
                let result = combine(operation, &texts.iter().map(Vec::as_slice).collect::<Vec<_>>());
                assert_eq!(result.len(), texts.iter().map(Vec::len).max().unwrap());
                for (at, byte) in result.iter().enumerate() {
                    for bit in 0..8 {
                        let bit_of = |text: &Vec<u8>| text.get(at).is_some_and(|byte| byte >> bit & 1 == 1);
                        let bits: Vec<bool> = texts.iter().map(bit_of).collect();
                        assert_eq!(byte >> bit & 1 == 1, expected(operation, &bits), "{name} {at} {bits:?}");
                    }
                }
            }
        }
    }
}
