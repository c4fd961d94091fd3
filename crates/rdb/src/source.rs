//! Takes the bytes of a value apart.
//!
//! Invariant: what is not there is an error, never a panic; a number that the bytes claim is believed only as far as bytes follow.

use kvark_base::{Error, Kind, Result};

/// What was not taken yet.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    rest: &'a [u8],
}

/// The refusal of bytes that make no sense.
#[cold]
pub fn nonsense(what: &'static str) -> Error {
    Error::new(Kind::Corrupt, what)
}

impl<'a> Source<'a> {
    /// Over all of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes were not taken yet.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte, which is not taken.
    pub fn peek(&self) -> Result<u8> {
        self.rest.first().copied().ok_or_else(|| nonsense("the value ends early"))
    }

    /// So many bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else { return Err(nonsense("the value ends early")) };
        self.rest = rest;
        Ok(taken)
    }

    /// As many bytes as `len` says, which was read from somewhere.
    pub fn take_claimed(&mut self, len: u64) -> Result<&'a [u8]> {
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// So many bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("that many bytes were taken"))
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// A little-endian number of up to eight bytes, with its sign.
    pub fn signed_le(&mut self, len: usize) -> Result<i64> {
        let mut bytes = [0; 8];
        bytes[8 - len..].copy_from_slice(self.take(len)?);
        Ok(i64::from_le_bytes(bytes) >> (64 - 8 * len))
    }

    /// A little-endian number of up to eight bytes, without sign.
    pub fn unsigned_le(&mut self, len: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(self.take(len)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A big-endian number of up to eight bytes, without sign.
    pub fn unsigned_be(&mut self, len: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes[8 - len..].copy_from_slice(self.take(len)?);
        Ok(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_an_order_of_bytes_and_a_sign() {
        let bytes = [0xfe, 0xff, 0x01, 0x02, 0xff, 0xff, 0x7f];
        let mut source = Source::new(&bytes);
        assert_eq!(source.signed_le(2), Ok(-2));
        assert_eq!(source.unsigned_be(2), Ok(0x0102));
        assert_eq!(source.clone().unsigned_le(3), Ok(0x7f_ffff));
        assert_eq!(source.signed_le(3), Ok(0x7f_ffff));
        assert!(source.byte().is_err() && source.is_empty());
    }
}
