//! Where an element belongs in a sketch: MurmurHash64A (Austin Appleby) of it, divided.
//!
//! ```text
//! hash: .... the rest, 50 bits | index of the register, 14 bits
//! ```
//!
//! Invariant: the hash and its seed are Redis', because sketches travel.

/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// Registers of a sketch.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that are left.
pub const REST_BITS: u32 = u64::BITS - INDEX_BITS;

/// What an element says: register `index` has seen at least `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The register.
    pub index: usize,
    /// The zeros that the rest of the hash ends with, and one.
    pub count: u8,
}

impl Place {
    /// Where `element` belongs.
    pub fn of(element: &[u8]) -> Self {
        let hash = murmur(element);
        let rest = hash >> INDEX_BITS | 1 << REST_BITS;
        Self { index: hash as usize % REGISTERS, count: rest.trailing_zeros() as u8 + 1 }
    }
}

const SEED: u64 = 0xadc8_3b19;
const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;

fn murmur(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(size_of::<u64>());
    let tail = words.remainder();
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    for word in words {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes")).wrapping_mul(MULTIPLIER);
        hash = (hash ^ fold(word).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !tail.is_empty() {
        let mut last = [0; size_of::<u64>()];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    fold(fold(hash).wrapping_mul(MULTIPLIER))
}

fn fold(word: u64) -> u64 {
    word ^ word >> 47
}
