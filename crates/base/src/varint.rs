//! Unsigned LEB128: seven bits a byte, lowest first, the high bit says "more".
//!
//! `300` is `ac 02`. Invariant: the encoder writes the shortest form and the decoder refuses any other.

/// The most bytes a `u64` takes.
pub const MAX_LEN: usize = 10;

/// How many bytes `value` takes.
pub fn len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Writes `value` at the start of `out`, which must hold [`len`]`(value)` bytes; returns how many were written.
pub fn encode(mut value: u64, out: &mut [u8]) -> usize {
    let mut at = 0;
    while value >= 0x80 {
        out[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8;
    at + 1
}

/// Appends `value` to `out`.
pub fn push(value: u64, out: &mut Vec<u8>) {
    let mut buffer = [0; MAX_LEN];
    let len = encode(value, &mut buffer);
    out.extend_from_slice(&buffer[..len]);
}

/// Reads one value from the start of `bytes`: the value and the bytes it took, or `None` when `bytes` ends early or the
/// form is not the shortest one.
pub fn decode(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().take(MAX_LEN).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if at == MAX_LEN - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return (byte != 0 || at == 0).then_some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_goes_round() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, !0 >> shift] {
                let mut out = Vec::new();
                push(value, &mut out);
                assert_eq!(out.len(), len(value));
                assert_eq!(decode(&out), Some((value, out.len())));
                assert_eq!(decode(&out[..out.len() - 1]), None, "a cut varint is refused");
            }
        }
    }

    #[test]
    fn a_form_that_is_not_the_shortest_is_refused() {
        assert_eq!(decode(&[0x80, 0x00]), None);
        assert_eq!(decode(&[0xff; 11]), None);
    }
}
