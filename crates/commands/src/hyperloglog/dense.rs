//! The dense form: every register in six bits, from the lowest bit of the first byte on.
//!
//! ```text
//! byte 0 bbaaaaaa | byte 1 ccccbbbb | byte 2 ddddddcc | ...
//! ```

use super::estimate::Histogram;
use super::place::{Place, REGISTERS};

const REGISTER_BITS: usize = 6;
const MASK: u16 = (1 << REGISTER_BITS) - 1;
/// Bytes of all registers.
pub const DENSE_LEN: usize = REGISTERS * REGISTER_BITS / 8;

/// Every register in a byte of its own.
pub type Registers = [u8; REGISTERS];

/// The register `index` of `dense`.
pub fn register(dense: &[u8], index: usize) -> u8 {
    let (at, shift) = place_of(index);
    (pair(dense, at) >> shift & MASK) as u8
}

fn place_of(index: usize) -> (usize, usize) {
    (index * REGISTER_BITS / 8, index * REGISTER_BITS % 8)
}

/// Two bytes; the second is zero behind the end.
fn pair(dense: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([dense[at], dense.get(at + 1).copied().unwrap_or(0)])
}

/// The bytes that change when a register is set, and where they stand.
pub fn patch(dense: &[u8], place: Place) -> (usize, [u8; 2], usize) {
    let (at, shift) = place_of(place.index);
    let word = pair(dense, at) & !(MASK << shift) | u16::from(place.count) << shift;
    let len = if shift + REGISTER_BITS > 8 { 2 } else { 1 };
    (at, word.to_le_bytes(), len)
}

/// Sets a register.
pub fn set(dense: &mut [u8], place: Place) {
    let (at, bytes, len) = patch(dense, place);
    dense[at..at + len].copy_from_slice(&bytes[..len]);
}

fn unpack(three: &[u8]) -> [u8; 4] {
    let word = u32::from_le_bytes([three[0], three[1], three[2], 0]);
    [0, 1, 2, 3].map(|nth| (word >> (nth * REGISTER_BITS)) as u8 & MASK as u8)
}

/// Raises each of `registers` to what `dense` holds.
pub fn raise(registers: &mut Registers, dense: &[u8]) {
    for (four, three) in registers.chunks_exact_mut(4).zip(dense.chunks_exact(3)) {
        for (register, other) in four.iter_mut().zip(unpack(three)) {
            *register = (*register).max(other);
        }
    }
}

/// Writes all registers.
pub fn pack(registers: &Registers, dense: &mut [u8]) {
    for (four, three) in registers.chunks_exact(4).zip(dense.chunks_exact_mut(3)) {
        let word = four.iter().rev().fold(0, |word: u32, &register| word << REGISTER_BITS | u32::from(register));
        three.copy_from_slice(&word.to_le_bytes()[..3]);
    }
}

/// How many registers hold each value.
pub fn histogram(dense: &[u8]) -> Histogram {
    let mut histogram = [0; 64];
    for three in dense.chunks_exact(3) {
        unpack(three).iter().for_each(|&register| histogram[usize::from(register)] += 1);
    }
    histogram
}
