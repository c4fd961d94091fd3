//! Bits of a string: counted and found. Bit 0 is the highest of the first byte.
//!
//! Counting adds the bits of sixteen words with carry-save adders, so that only one word in sixteen is counted digit by
//! digit (Harley and Seal; see Muła, Kurz and Lemire, "Faster population counts", 2018). Eight words go side by side, which
//! the compiler turns into vectors.

use std::ops::Range;

/// Words that go side by side.
const LANES: usize = 8;
type Lanes = [u64; LANES];
const LANES_LEN: usize = LANES * size_of::<u64>();
/// How many lanes are added up before some of them are counted.
const GROUP: usize = 16;

/// How many bits of `text` are set.
pub fn count_ones(text: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has what the function is made for.
        return unsafe { count_ones_wide(text) };
    }
    count_ones_anywhere(text)
}

/// The same code, made for wider vectors than every processor has.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn count_ones_wide(text: &[u8]) -> u64 {
    count_ones_anywhere(text)
}

#[inline(always)]
fn count_ones_anywhere(text: &[u8]) -> u64 {
    let (groups, rest) = text.split_at(text.len() - text.len() % (GROUP * LANES_LEN));
    let words = rest.chunks_exact(size_of::<u64>());
    let tail: u64 = words.remainder().iter().map(|byte| u64::from(byte.count_ones())).sum();
    count_groups(groups) + words.map(|word| u64::from(word_of(word).count_ones())).sum::<u64>() + tail
}

#[inline(always)]
fn word_of(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// `sums[n]` holds the digits of weight 2^n of how many bits were set in each column.
#[inline(always)]
fn count_groups(groups: &[u8]) -> u64 {
    let mut sums = [[0; LANES]; 4];
    let mut sixteens = 0;
    for group in groups.chunks_exact(GROUP * LANES_LEN) {
        let mut carries = [[0; LANES]; GROUP];
        for (lanes, bytes) in carries.iter_mut().zip(group.chunks_exact(LANES_LEN)) {
            *lanes = lanes_of(bytes);
        }
        let mut left = GROUP;
        for sum in &mut sums {
            left /= 2;
            for pair in 0..left {
                carries[pair] = add(sum, &carries[2 * pair], &carries[2 * pair + 1]);
            }
        }
        sixteens += ones_in(&carries[0]);
    }
    sums.iter().enumerate().map(|(weight, sum)| ones_in(sum) << weight).sum::<u64>() + (sixteens << sums.len())
}

#[inline(always)]
fn lanes_of(bytes: &[u8]) -> Lanes {
    let mut lanes = [0; LANES];
    for (lane, word) in lanes.iter_mut().zip(bytes.chunks_exact(size_of::<u64>())) {
        *lane = word_of(word);
    }
    lanes
}

/// Adds two digits to `sum` in every column; returns the carries.
#[inline(always)]
fn add(sum: &mut Lanes, a: &Lanes, b: &Lanes) -> Lanes {
    let mut carries = [0; LANES];
    for lane in 0..LANES {
        let half = sum[lane] ^ a[lane];
        carries[lane] = sum[lane] & a[lane] | half & b[lane];
        sum[lane] = half ^ b[lane];
    }
    carries
}

#[inline(always)]
fn ones_in(lanes: &Lanes) -> u64 {
    lanes.iter().map(|lane| u64::from(lane.count_ones())).sum()
}

/// How many of the bits in `range` are set.
pub fn count_ones_between(text: &[u8], range: Range<u64>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (first, last) = ((range.start / 8) as usize, ((range.end - 1) / 8) as usize);
    let before = text[first] & !from(range.start);
    let after = text[last] & !until(range.end);
    count_ones(&text[first..=last]) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

/// The bits of its byte from that bit on.
fn from(bit: u64) -> u8 {
    0xff >> (bit % 8)
}

/// The bits of the byte that ends with or after bit `end`, up to there.
fn until(end: u64) -> u8 {
    !(0xff_u16 >> ((end - 1) % 8 + 1)) as u8
}

/// The first bit in `range` that is set, or that is clear.
pub fn find(text: &[u8], range: Range<u64>, set: bool) -> Option<u64> {
    if range.is_empty() {
        return None;
    }
    let flip = if set { 0 } else { 0xff };
    let (first, last) = ((range.start / 8) as usize, ((range.end - 1) / 8) as usize);
    let head = (text[first] ^ flip) & from(range.start);
    let found = if head != 0 {
        Some(first as u64 * 8 + u64::from(head.leading_zeros()))
    } else {
        find_byte(&text[first + 1..=last], flip)
            .map(|(at, byte)| (first + 1 + at) as u64 * 8 + u64::from((byte ^ flip).leading_zeros()))
    };
    found.filter(|&bit| bit < range.end)
}

/// The first byte that is not `dull`, and where it stands.
fn find_byte(text: &[u8], dull: u8) -> Option<(usize, u8)> {
    const BLOCK: usize = 64;
    let dull_block = [dull; BLOCK];
    let skipped = text.chunks_exact(BLOCK).take_while(|block| **block == dull_block).count() * BLOCK;
    let at = skipped + text[skipped..].iter().position(|&byte| byte != dull)?;
    Some((at, text[at]))
}

#[cfg(test)]
mod tests {
    use kvark_base::random::Random;

    use super::*;

    fn bit(text: &[u8], at: u64) -> bool {
        text[(at / 8) as usize] & (0x80 >> (at % 8)) != 0
    }

    /// Texts of all lengths around the sizes that are treated apart, from nearly empty to nearly full.
    fn texts(random: &mut Random) -> Vec<Vec<u8>> {
        let sizes = [0, 1, 7, 8, 9, 63, 64, 65, 127, 200, 1023, 1024, 1025, 3100];
        let of = |len: usize, kind: u64, random: &mut Random| {
            let byte = |random: &mut Random| match kind {
                0 => {
                    if random.below(400) == 0 {
                        1 << random.below(8)
                    } else {
                        0
                    }
                }
                1 => random.below(256) as u8,
                _ => {
                    if random.below(400) == 0 {
                        !(1 << random.below(8))
                    } else {
                        0xff
                    }
                }
            };
            (0..len).map(|_| byte(random)).collect::<Vec<u8>>()
        };
        sizes.iter().flat_map(|&len| [of(len, 0, random), of(len, 1, random), of(len, 2, random)]).collect()
    }

    #[test]
    fn bits_are_counted_and_found_as_one_by_one() {
        let mut random = Random::from_seed(3);
        for text in texts(&mut random) {
            let len = text.len() as u64 * 8;
            for _ in 0..50 {
                let start = random.below(len + 1);
                let range = start..start + random.below(len + 1 - start);
                let ones = range.clone().filter(|&at| bit(&text, at)).count() as u64;
                assert_eq!(count_ones_between(&text, range.clone()), ones, "{range:?} of {text:?}");
                for set in [true, false] {
                    let first = range.clone().find(|&at| bit(&text, at) == set);
                    assert_eq!(find(&text, range.clone(), set), first, "{set} {range:?} of {text:?}");
                }
            }
            assert_eq!(count_ones(&text), count_ones_anywhere(&text));
            assert_eq!(count_ones(&text), (0..len).filter(|&at| bit(&text, at)).count() as u64);
        }
    }
}
