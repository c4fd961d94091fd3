//! From registers to a number: the estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches" (arXiv:1702.01284, 2017).
//!
//! Invariant: the same registers give the same number as in Redis, so the order of the floating-point operations is part
//! of the format.

use super::place::{REGISTERS, REST_BITS};

/// How many registers hold each value.
pub type Histogram = [u32; 64];

/// The most that a register can hold: the rest of a hash was zero.
const MOST: usize = REST_BITS as usize + 1;
const REGISTERS_F: f64 = REGISTERS as f64;
/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// About how many different elements have been added.
pub fn estimate(histogram: &Histogram) -> u64 {
    let full = f64::from(histogram[MOST]);
    let mut sum = REGISTERS_F * tau((REGISTERS_F - full) / REGISTERS_F);
    for &registers in histogram[1..MOST].iter().rev() {
        sum = (sum + f64::from(registers)) * 0.5;
    }
    sum += REGISTERS_F * sigma(f64::from(histogram[0]) / REGISTERS_F);
    (ALPHA * REGISTERS_F * REGISTERS_F / sum).round() as u64
}

/// The registers that hold nothing.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// The registers that hold the most they can.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
