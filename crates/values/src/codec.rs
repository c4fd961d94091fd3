//! A value as bytes: a kind and a payload. The page is `docs/format/value.md`.
//!
//! ```text
//! kind 1  string   payload: its bytes
//! kind 2  integer  payload: 8 bytes, little-endian, two's complement
//! ```

use kvark_base::{Error, Kind, Result};

use crate::ValueRef;

/// A string of bytes.
pub const BYTES: u8 = 1;
/// A string that spells an integer.
pub const INT: u8 = 2;

/// Kind and payload of `value`; a payload that is not there already is written to `scratch`.
#[inline]
pub fn encode<'a>(value: ValueRef<'a>, scratch: &'a mut [u8; 8]) -> (u8, &'a [u8]) {
    match value {
        ValueRef::Bytes(bytes) => (BYTES, bytes),
        ValueRef::Int(number) => {
            *scratch = number.to_le_bytes();
            (INT, scratch)
        }
    }
}

/// The value of `kind` and `payload`. Errors with [`Kind::Corrupt`] when there is no such value.
pub fn decode(kind: u8, payload: &[u8]) -> Result<ValueRef<'_>> {
    match (kind, payload) {
        (BYTES, bytes) => Ok(ValueRef::Bytes(bytes)),
        (INT, &[a, b, c, d, e, f, g, h]) => Ok(ValueRef::Int(i64::from_le_bytes([a, b, c, d, e, f, g, h]))),
        _ => Err(Error::new(
            Kind::Corrupt,
            format!(
                "a value of kind {kind} with {} bytes makes no sense: was it written by a newer kvark?",
                payload.len()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_goes_round() {
        let texts: [&[u8]; 8] =
            [b"", b"hello", b"0", b"-1", b"007", b"9223372036854775807", b"-9223372036854775808", &[0xff; 300]];
        for text in texts {
            let (value, mut scratch) = (ValueRef::string(text), [0; 8]);
            let (kind, payload) = encode(value, &mut scratch);
            assert_eq!(kind == INT, text != b"007" && kvark_base::number::parse_i64(text).is_some());
            assert_eq!(decode(kind, payload), Ok(value));
            assert_eq!(value.text(&mut crate::IntBuffer::new()), text);
        }
    }

    #[test]
    fn what_no_encoder_wrote_is_refused() {
        for (kind, payload) in [(0, &b"x"[..]), (2, b"1234567"), (3, b"")] {
            assert_eq!(decode(kind, payload).unwrap_err().kind(), Kind::Corrupt);
        }
    }
}
