//! Strings: bytes behind their length, or one of the special ways.
//!
//! ```text
//! c0 and 1 byte        an integer that stands for its decimal spelling, little-endian, with sign
//! c1 and 2 bytes
//! c2 and 4 bytes
//! c3                   LZF: the length of what follows, the length it expands to, the compressed bytes
//! ```

use std::borrow::Cow;

use kvark_base::{Result, limits, number};

use crate::length::{self, Length};
use crate::lzf;
use crate::source::{Source, nonsense};

const INT8: u8 = 0;
const INT16: u8 = 1;
const INT32: u8 = 2;
const LZF: u8 = 3;

/// From here on compressing is tried, as Redis does.
const WORTH_COMPRESSING: usize = 21;

/// The longest spelling of an integer that has a special way.
const INT32_DIGITS: usize = 11;

/// Takes a string.
pub fn take<'a>(source: &mut Source<'a>) -> Result<Cow<'a, [u8]>> {
    match Length::take(source)? {
        Length::Plain(len) => source.take_claimed(len).map(Cow::Borrowed),
        Length::Special(INT8) => integer(source, 1),
        Length::Special(INT16) => integer(source, 2),
        Length::Special(INT32) => integer(source, 4),
        Length::Special(LZF) => compressed(source),
        Length::Special(_) => Err(nonsense("a string is written in a way that has no meaning")),
    }
}

fn integer<'a>(source: &mut Source<'a>, len: usize) -> Result<Cow<'a, [u8]>> {
    let number = source.signed_le(len)?;
    Ok(Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()))
}

fn compressed<'a>(source: &mut Source<'a>) -> Result<Cow<'a, [u8]>> {
    let compressed_len = length::take(source)?;
    let len = length::take(source)?;
    let bytes = source.take_claimed(compressed_len)?;
    let len = usize::try_from(len).ok().filter(|&len| len <= limits::MAX_VALUE_LEN);
    let len = len.ok_or_else(|| nonsense("a compressed string is longer than a value may be"))?;
    lzf::expand(bytes, len).map(Cow::Owned)
}

/// Appends a string in the way that takes the fewest bytes.
pub fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    if put_integer(out, bytes) {
        return;
    }
    let compressed = (bytes.len() >= WORTH_COMPRESSING).then(|| lzf::compress(bytes)).flatten();
    match compressed {
        Some(compressed) => {
            out.push(0xc0 | LZF);
            length::put(out, compressed.len() as u64);
            length::put(out, bytes.len() as u64);
            out.extend_from_slice(&compressed);
        }
        None => put_plain(out, bytes),
    }
}

/// Appends a string as its bytes.
pub fn put_plain(out: &mut Vec<u8>, bytes: &[u8]) {
    length::put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_integer(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let Some(number) = (bytes.len() <= INT32_DIGITS).then(|| number::parse_i64(bytes)).flatten() else { return false };
    let Ok(number) = i32::try_from(number) else { return false };
    let (way, len) = match number {
        -0x80..=0x7f => (INT8, 1),
        -0x8000..=0x7fff => (INT16, 2),
        _ => (INT32, 4),
    };
    out.push(0xc0 | way);
    out.extend_from_slice(&number.to_le_bytes()[..len]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, bytes);
        out
    }

    #[test]
    fn strings_are_written_in_the_shortest_way() {
        assert_eq!(written(b"hi"), b"\x02hi");
        assert_eq!(written(b"-1"), b"\xc0\xff");
        assert_eq!(written(b"300"), b"\xc1\x2c\x01");
        assert_eq!(written(b"-2147483648"), b"\xc2\x00\x00\x00\x80");
        assert_eq!(written(b"2147483648"), b"\x0a2147483648");
        assert_eq!(written(&[b'x'; 100])[0], 0xc3);
    }

    #[test]
    fn strings_go_round() {
        let long = b"a sentence, a sentence, and then the same sentence again".repeat(300);
        for text in [&b""[..], b"0", b"-0", b"007", b"127", b"128", b"-32769", b"99999999999", &[0xff; 70], &long] {
            let bytes = written(text);
            let mut source = Source::new(&bytes);
            assert_eq!(take(&mut source).unwrap(), text);
            assert!(source.is_empty());
        }
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for bytes in
            [&b""[..], b"\x05four", b"\xc4", b"\xc1\x00", b"\xc3\x02\x05\x00a", b"\x81\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert!(take(&mut Source::new(bytes)).is_err(), "{bytes:02x?}");
        }
    }
}
