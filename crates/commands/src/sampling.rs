//! Choosing at random, for the words that answer or remove some members of a collection.

use std::collections::BTreeSet;

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_call::Fault;
use kvark_values::Collection;

/// Up to so many draws nobody asks how long the answer will be.
const FEW: u64 = 1000;
/// What a member takes in an answer besides its own bytes, about.
const FRAME_LEN: u64 = 16;

/// How often is drawn for a negative `count`, where members may come again. Refused if the answer would be longer than the longest
/// value is allowed to be: Redis goes on until memory ends.
pub fn repeats<T: Collection>(held: &T, count: i64) -> Result<usize, Fault> {
    let times = count.unsigned_abs();
    if times > FEW {
        let member_len = (held.memory_bytes() / held.len()) as u64;
        if times > MAX_VALUE_LEN as u64 / (member_len + FRAME_LEN) {
            return Err(Fault::new("ERR value is out of range"));
        }
    }
    Ok(times as usize)
}

/// When more than one in so many are chosen, walking over all is cheaper than remembering the chosen ones in a tree.
const SPARSE: usize = 16;

/// `count` different numbers below `len` (all of them if it has no more), ascending. Every choice is as likely as every
/// other. `below` answers a random number below its argument.
pub fn distinct(len: usize, count: usize, mut below: impl FnMut(u64) -> u64) -> Vec<usize> {
    if count >= len {
        (0..len).collect()
    } else if count == 1 {
        vec![below(len as u64) as usize]
    } else if count > len / SPARSE {
        walk(len, count, below)
    } else {
        draw(len, count, below)
    }
}

/// Looks at every number and takes it as likely as it must be for `count` to be reached (Knuth's algorithm S).
fn walk(len: usize, count: usize, mut below: impl FnMut(u64) -> u64) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    for number in 0..len {
        let wanted = (count - chosen.len()) as u64;
        if below((len - number) as u64) < wanted {
            chosen.push(number);
        }
    }
    chosen
}

/// Draws `count` times; the number that takes the place of one drawn already is new (Floyd's algorithm).
fn draw(len: usize, count: usize, mut below: impl FnMut(u64) -> u64) -> Vec<usize> {
    let mut chosen = BTreeSet::new();
    for last in len - count..len {
        if !chosen.insert(below(last as u64 + 1) as usize) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kvark_base::random::Random;

    use super::*;

    type Way = fn(usize, usize, &mut dyn FnMut(u64) -> u64) -> Vec<usize>;
    const WAYS: [Way; 2] = [|len, count, below| walk(len, count, below), |len, count, below| draw(len, count, below)];

    #[test]
    fn as_many_different_ones_as_were_asked_for_ascending() {
        let mut random = Random::from_seed(1);
        for _ in 0..2000 {
            let (len, count) = (random.below(200) as usize, random.below(220) as usize);
            let chosen = distinct(len, count, |bound| random.below(bound));
            assert_eq!(chosen.len(), count.min(len));
            assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|&number| number < len));
        }
    }

    #[test]
    fn every_choice_is_as_likely_as_every_other() {
        for (way, (len, count, choices)) in
            WAYS.into_iter().flat_map(|way| [(6, 3, 20), (8, 1, 8)].map(|case| (way, case)))
        {
            let (mut random, mut seen, rounds) = (Random::from_seed(7), HashMap::<_, f64>::new(), 20_000);
            for _ in 0..rounds {
                *seen.entry(way(len, count, &mut |bound| random.below(bound))).or_default() += 1.0;
            }
            let expected = f64::from(rounds) / f64::from(choices);
            let chi_square: f64 = seen.values().map(|times| (times - expected).powi(2) / expected).sum();
            assert_eq!(seen.len(), choices as usize);
            // For 19 degrees of freedom 43.8 is exceeded once in a thousand times.
            assert!(chi_square < 43.8, "{chi_square} for {count} of {len}");
        }
    }
}
