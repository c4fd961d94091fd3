//! Seeded randomness: xoshiro256++ (Blackman and Vigna, 2019), seeded through SplitMix64.
//!
//! Invariant: the same seed gives the same run. Only [`Random::from_system`] asks the machine for entropy.

use std::hash::{BuildHasher, Hasher};

/// A generator; cheap to make, not for secrets.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

/// One step of SplitMix64: also a good mixer of a counter into a seed.
pub fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// A generator that repeats for the same `seed`.
    pub fn from_seed(mut seed: u64) -> Self {
        Self(std::array::from_fn(|_| splitmix64(&mut seed)))
    }

    /// A generator that differs in every process and call.
    #[allow(clippy::disallowed_methods, clippy::disallowed_types)]
    pub fn from_system() -> Self {
        Self::from_seed(std::collections::hash_map::RandomState::new().build_hasher().finish())
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..bound`, uniform (Lemire's method without the rejection: the bias is below 2^-32 for our bounds).
    /// Panics when `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a random number below zero was asked for");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// What [`Random::below`] will answer when it is asked for these bounds next.
    pub fn foresee<const N: usize>(&self, bounds: [u64; N]) -> [u64; N] {
        let mut ahead = self.clone();
        bounds.map(|bound| ahead.below(bound))
    }

    /// True in `numerator` of `denominator` cases.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_foreseen_is_what_comes_and_nothing_is_used_up() {
        let mut random = Random::from_seed(1);
        let (foreseen, again) = (random.foresee([1000, 999, 998]), random.foresee([1000, 999, 998]));
        assert_eq!(foreseen, again);
        assert_eq!(foreseen, [1000, 999, 998].map(|bound| random.below(bound)));
        assert_ne!(foreseen, random.foresee([1000, 999, 998]));
    }
}
