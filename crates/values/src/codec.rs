//! A value as bytes: a kind and a payload. The page is `docs/format/value.md`.
//!
//! ```text
//! kind 1  string      payload: its bytes
//! kind 2  integer     payload: 8 bytes, little-endian, two's complement
//! kind 3  list        payload: as the type encodes itself
//! kind 4  set
//! kind 5  sorted set
//! kind 6  hash
//! kind 7  stream
//! ```

use kvark_base::{Error, Kind, Result};

use crate::wire::Reader;
use crate::{Collection, Forms, Hash, List, NewValue, Set, Stream, StringRef, Type, Value, ValueRef, Zset};

/// A string of bytes.
pub const BYTES: u8 = 1;
/// A string that spells an integer.
pub const INT: u8 = 2;
/// A list.
pub const LIST: u8 = 3;
/// A set.
pub const SET: u8 = 4;
/// A sorted set.
pub const ZSET: u8 = 5;
/// A hash.
pub const HASH: u8 = 6;
/// A stream.
pub const STREAM: u8 = 7;

/// Room for a payload that is not there already.
#[derive(Debug, Default)]
pub struct Scratch {
    number: [u8; 8],
    bytes: Vec<u8>,
}

/// The number of a type of collection, as changes of it are logged; of a string, that of bytes.
pub fn kind_of(of_type: Type) -> u8 {
    match of_type {
        Type::String => BYTES,
        Type::List => LIST,
        Type::Set => SET,
        Type::Zset => ZSET,
        Type::Hash => HASH,
        Type::Stream => STREAM,
    }
}

/// The type that goes by this number, if it is a collection.
pub fn collection_of(kind: u8) -> Option<Type> {
    Type::ALL.into_iter().find(|&of_type| of_type != Type::String && kind_of(of_type) == kind)
}

/// Kind and payload of `value`.
#[inline]
pub fn encode<'a>(value: ValueRef<'a>, scratch: &'a mut Scratch) -> (u8, &'a [u8]) {
    match value {
        ValueRef::String(StringRef::Bytes(bytes)) => (BYTES, bytes),
        ValueRef::String(StringRef::Int(number)) => {
            scratch.number = number.to_le_bytes();
            (INT, &scratch.number)
        }
        ValueRef::List(it) => encode_collection(it, scratch),
        ValueRef::Set(it) => encode_collection(it, scratch),
        ValueRef::Zset(it) => encode_collection(it, scratch),
        ValueRef::Hash(it) => encode_collection(it, scratch),
        ValueRef::Stream(it) => encode_collection(it, scratch),
    }
}

fn encode_collection<'a, C: Collection>(it: &C, scratch: &'a mut Scratch) -> (u8, &'a [u8]) {
    scratch.bytes.clear();
    it.encode(&mut scratch.bytes);
    (kind_of(C::TYPE), &scratch.bytes)
}

/// The value of `kind` and `payload`. Errors with [`Kind::Corrupt`] when there is no such value.
pub fn decode<'a>(kind: u8, payload: &'a [u8], forms: &Forms) -> Result<NewValue<'a>> {
    let owned = match kind {
        BYTES => return Ok(NewValue::String(StringRef::Bytes(payload))),
        INT => {
            let number = payload.try_into().map_err(|_| unknown(kind, payload))?;
            return Ok(NewValue::String(StringRef::Int(i64::from_le_bytes(number))));
        }
        LIST => Value::List(decode_collection::<List>(payload, forms)?),
        SET => Value::Set(decode_collection::<Set>(payload, forms)?),
        ZSET => Value::Zset(decode_collection::<Zset>(payload, forms)?),
        HASH => Value::Hash(decode_collection::<Hash>(payload, forms)?),
        STREAM => Value::Stream(decode_collection::<Stream>(payload, forms)?),
        _ => return Err(unknown(kind, payload)),
    };
    Ok(NewValue::Owned(owned))
}

fn decode_collection<C: Collection>(payload: &[u8], forms: &Forms) -> Result<C> {
    let mut reader = Reader::new(payload, C::TYPE.name());
    let decoded = C::decode(&mut reader, forms)?;
    if reader.is_empty() { Ok(decoded) } else { Err(reader.corrupt()) }
}

fn unknown(kind: u8, payload: &[u8]) -> Error {
    let len = payload.len();
    Error::new(
        Kind::Corrupt,
        format!("a value of kind {kind} with {len} bytes makes no sense: was it written by a newer kvark?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_goes_round() {
        let texts: [&[u8]; 8] =
            [b"", b"hello", b"0", b"-1", b"007", b"9223372036854775807", b"-9223372036854775808", &[0xff; 300]];
        for text in texts {
            let (value, mut scratch) = (StringRef::new(text), Scratch::default());
            let (kind, payload) = encode(ValueRef::String(value), &mut scratch);
            assert_eq!(kind == INT, text != b"007" && kvark_base::number::parse_i64(text).is_some());
            assert_eq!(decode(kind, payload, &Forms::default()), Ok(NewValue::String(value)));
            assert_eq!(value.text(&mut crate::IntBuffer::new()), text);
        }
    }

    #[test]
    fn what_no_encoder_wrote_is_refused() {
        for (kind, payload) in [(0, &b"x"[..]), (2, b"1234567"), (99, b"")] {
            assert_eq!(decode(kind, payload, &Forms::default()).unwrap_err().kind(), Kind::Corrupt);
        }
    }

    #[test]
    fn each_collection_has_its_number() {
        for of_type in Type::ALL {
            assert_eq!(collection_of(kind_of(of_type)), (of_type != Type::String).then_some(of_type));
        }
    }
}
