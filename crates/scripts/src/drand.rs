//! The numbers of `math.random`: the 48-bit linear congruential generator that POSIX describes for `drand48`, one an
//! interpreter.

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drand(u64);

const MASK: u64 = (1 << 48) - 1;

impl Drand {
    /// As `srand48(seed)`.
    pub fn from_seed(seed: u32) -> Self {
        Self(u64::from(seed) << 16 | 0x330e)
    }

    /// As `lrand48()`: 31 bits.
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(0x5_deec_e66d).wrapping_add(0xb) & MASK;
        (self.0 >> 17) as u32
    }

    /// From 0 up to, not including, 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.next()) / f64::from(1u32 << 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_posix() {
        let mut drand = Drand::from_seed(0);
        assert_eq!([drand.next(), drand.next(), drand.next()], [366_850_414, 1_610_402_240, 206_956_554]);
    }
}
