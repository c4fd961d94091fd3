//! LZF, the compression of strings (after Marc Lehmann's format, 2000).
//!
//! ```text
//! 000lllll                     l + 1 bytes follow as they are
//! lllooooo oooooooo            l + 2 bytes (l from 1 to 6) that stand o + 1 bytes before
//! 111ooooo llllllll oooooooo   l + 9 bytes that stand o + 1 bytes before
//! ```
//!
//! A copy may run into itself: then it repeats.
//! Invariant: no memory is taken for a length that so few compressed bytes can't have.

use kvark_base::Result;

use crate::source::{Source, nonsense};

/// The most bytes that one copy of three bytes makes.
const LONGEST_COPY: usize = 255 + 9;
/// How far back a copy may reach.
const REACH: usize = 1 << 13;
/// The longest run of bytes as they are.
const LONGEST_RUN: usize = 32;
/// The most places that are remembered, as a power of two.
const MOST_PLACES: u32 = 12;

/// The `len` bytes that `compressed` stands for.
pub fn expand(compressed: &[u8], len: usize) -> Result<Vec<u8>> {
    if len > (compressed.len() / 3 + 1) * LONGEST_COPY {
        return Err(nonsense("a compressed string claims more bytes than it can have"));
    }
    let (mut source, mut out) = (Source::new(compressed), Vec::with_capacity(len));
    while !source.is_empty() {
        let control = usize::from(source.byte()?);
        match control >> 5 {
            0 => out.extend_from_slice(source.take(control + 1)?),
            short => copy(&mut out, &mut source, short, (control & 0x1f) << 8)?,
        }
        if out.len() > len {
            break;
        }
    }
    if out.len() == len { Ok(out) } else { Err(nonsense("a compressed string has another length than it claims")) }
}

fn copy(out: &mut Vec<u8>, source: &mut Source<'_>, short: usize, high: usize) -> Result<()> {
    let more = if short == 7 { usize::from(source.byte()?) } else { 0 };
    let back = high + usize::from(source.byte()?) + 1;
    let Some(from) = out.len().checked_sub(back) else {
        return Err(nonsense("a compressed string refers to what is before its beginning"));
    };
    for at in from..from + short + more + 2 {
        out.push(out[at]);
    }
    Ok(())
}

/// `bytes`, of which there is at least one, compressed, unless that takes as much room.
pub fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let bits = (bytes.len().ilog2() + 1).min(MOST_PLACES);
    let (mut out, mut seen) = (Vec::with_capacity(bytes.len() / 2), vec![0usize; 1 << bits]);
    let (mut at, mut plain) = (0, 0);
    while at + 3 <= bytes.len() && out.len() + (at - plain) < bytes.len() {
        let slot = &mut seen[slot_of(&bytes[at..at + 3], bits)];
        // A place is kept plus one, so that zero is none.
        let before = std::mem::replace(slot, at + 1);
        let same = if before == 0 || at + 1 - before > REACH { 0 } else { common(bytes, before - 1, at) };
        if same < 3 {
            at += 1;
            continue;
        }
        put_plain(&mut out, &bytes[plain..at]);
        put_copy(&mut out, same, at - before);
        at += same;
        plain = at;
    }
    put_plain(&mut out, &bytes[plain..]);
    (out.len() < bytes.len()).then_some(out)
}

fn slot_of(three: &[u8], bits: u32) -> usize {
    let word = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

/// How many bytes are the same from both places on, as far as one copy goes.
fn common(bytes: &[u8], before: usize, at: usize) -> usize {
    let pairs = bytes[before..].iter().zip(&bytes[at..]).take(LONGEST_COPY);
    pairs.take_while(|(old, new)| old == new).count()
}

fn put_plain(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(LONGEST_RUN) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn put_copy(out: &mut Vec<u8>, len: usize, back: usize) {
    let high = (back >> 8) as u8;
    match len - 2 {
        short @ 0..7 => out.push((short as u8) << 5 | high),
        long => out.extend_from_slice(&[7 << 5 | high, (long - 7) as u8]),
    }
    out.push(back as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;

    #[test]
    fn copies_repeat_what_came_before() {
        assert_eq!(expand(&[0, b'a', 0xe0, 90, 0], 100), Ok(vec![b'a'; 100]));
        assert_eq!(expand(&[1, b'a', b'b', 0x20, 1], 5), Ok(b"ababa".to_vec()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let damaged: [(&[u8], usize); 6] = [
            (&[0, b'a', 0x20, 1], 4),
            (&[5, b'a'], 6),
            (&[0, b'a', 0xe0, 90], 100),
            (&[0, b'a'], 2),
            (&[1, b'a', b'b'], 1),
            (&[0, b'a'], usize::MAX / 2),
        ];
        for (bytes, len) in damaged {
            assert!(expand(bytes, len).is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_was_compressed_expands_to_itself() {
        let mut random = Random::from_seed(1);
        for round in 0..2000 {
            let letters = 1 + random.below(if round % 2 == 0 { 3 } else { 40 });
            let len = 1 + random.below(if round % 50 == 0 { 30_000 } else { 300 });
            let bytes: Vec<u8> = (0..len).map(|_| random.below(letters) as u8).collect();
            if let Some(compressed) = compress(&bytes) {
                assert!(compressed.len() < bytes.len());
                assert_eq!(expand(&compressed, bytes.len()), Ok(bytes));
            }
        }
        assert!(compress(&[7; 1000]).unwrap().len() < 20);
        assert_eq!(compress(b"abcdefghijklmnopqrstuvwxyz"), None);
    }
}
