//! The bytes of encoded values and of their changes: integers as unsigned LEB128, byte strings behind their length.

use kvark_base::{Error, Kind, Result, varint};

/// The most bytes of an operation before the member that it is about: its number and a length.
pub const MAX_HEAD_LEN: usize = 1 + varint::MAX_LEN;

/// Appends an unsigned integer.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, number: u64) {
    let mut buffer = [0; varint::MAX_LEN];
    let len = varint::encode(number, &mut buffer);
    out.extend_from_slice(&buffer[..len]);
}

/// Appends a signed integer, so that small ones are short whatever their sign.
#[inline]
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, (number << 1 ^ number >> 63) as u64);
}

/// Appends a byte string behind its length.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends the eight bytes of a number, little-endian.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends the eight bytes of a float.
#[inline]
pub fn put_f64(out: &mut Vec<u8>, number: f64) {
    put_u64(out, number.to_bits());
}

/// Takes bytes apart. Every method errors with [`Kind::Corrupt`] when what it should take is not there.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Over all of `bytes`; `what` they are is named in errors.
    #[inline]
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Whether everything was taken.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes were not taken yet.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// What was not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// One byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// So many bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else { return Err(self.corrupt()) };
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned integer.
    #[inline]
    pub fn varint(&mut self) -> Result<u64> {
        let Some((number, len)) = varint::decode(self.rest) else { return Err(self.corrupt()) };
        self.rest = &self.rest[len..];
        Ok(number)
    }

    /// A signed integer.
    #[inline]
    pub fn signed(&mut self) -> Result<i64> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A byte string behind its length.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.varint()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Eight bytes.
    #[inline]
    pub fn u64(&mut self) -> Result<u64> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    /// A float.
    #[inline]
    pub fn f64(&mut self) -> Result<f64> {
        self.u64().map(f64::from_bits)
    }

    /// The error that what is read makes no sense.
    #[cold]
    pub fn corrupt(&self) -> Error {
        let (what, shown) = (self.what, &self.rest[..self.rest.len().min(16)]);
        let message =
            format!("{what} makes no sense where it goes on with {shown:02x?}: was it written by a newer kvark?");
        Error::new(Kind::Corrupt, message)
    }
}
