//! Lengths: how many bytes or members follow.
//!
//! ```text
//! 00xxxxxx                     6 bits
//! 01xxxxxx xxxxxxxx            14 bits, the high ones first
//! 10000000 and 4 bytes         32 bits, big-endian
//! 10000001 and 8 bytes         64 bits, big-endian
//! 11xxxxxx                     no length: a string that is written in a special way, see `string.rs`
//! ```

use kvark_base::Result;

use crate::source::{Source, nonsense};

/// What stands where a length may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A length.
    Plain(u64),
    /// The number of a way to write a string.
    Special(u8),
}

impl Length {
    /// Takes it.
    pub fn take(source: &mut Source<'_>) -> Result<Self> {
        let first = source.byte()?;
        let low = first & 0x3f;
        match (first >> 6, low) {
            (0, _) => Ok(Self::Plain(low.into())),
            (1, _) => Ok(Self::Plain(u64::from(low) << 8 | u64::from(source.byte()?))),
            (2, 0) => Ok(Self::Plain(source.unsigned_be(4)?)),
            (2, 1) => Ok(Self::Plain(source.unsigned_be(8)?)),
            (3, _) => Ok(Self::Special(low)),
            _ => Err(nonsense("a length begins with a byte that has no meaning")),
        }
    }
}

/// Takes a number that is written as a length.
pub fn take(source: &mut Source<'_>) -> Result<u64> {
    match Length::take(source)? {
        Length::Plain(len) => Ok(len),
        Length::Special(_) => Err(nonsense("a string stands where a length is due")),
    }
}

/// Appends a length in as few bytes as it takes.
pub fn put(out: &mut Vec<u8>, len: u64) {
    match len {
        0..0x40 => out.push(len as u8),
        0x40..0x4000 => out.extend_from_slice(&(len as u16 | 0x4000).to_be_bytes()),
        0x4000..=0xffff_ffff => {
            out.push(0x80);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
        _ => {
            out.push(0x81);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_goes_round_in_the_fewest_bytes() {
        let sizes = [(0, 1), (63, 1), (64, 2), (0x3fff, 2), (0x4000, 5), (0xffff_ffff, 5), (1 << 32, 9), (u64::MAX, 9)];
        for (len, bytes) in sizes {
            let mut out = Vec::new();
            put(&mut out, len);
            assert_eq!(out.len(), bytes);
            assert_eq!(take(&mut Source::new(&out)), Ok(len));
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for bytes in [&[][..], &[0x40], &[0x80, 0, 0, 0], &[0x82, 0, 0, 0, 0], &[0xc0, 1]] {
            assert!(take(&mut Source::new(bytes)).is_err(), "{bytes:02x?}");
        }
    }
}
