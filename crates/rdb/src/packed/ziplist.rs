//! Ziplists: what Redis packed before 7.0. They are read, never written.
//!
//! ```text
//! bytes: 4, little-endian | place of the last element: 4 | elements: 2 (65535: count them) | element ... | ff
//!
//! element: the length of the one before (1 byte, or fe and 4), then what it is
//!
//! 00xxxxxx                       so many bytes
//! 01xxxxxx xxxxxxxx              so many bytes, big-endian
//! 80 and 4 bytes                 so many bytes, big-endian
//! c0, d0, e0                     an integer of 2, 4, 8 bytes, with sign, little-endian
//! f0, fe                         an integer of 3 bytes, of 1
//! f1 to fd                       an integer from 0 to 12
//! ```

use kvark_base::Result;

use super::Item;
use crate::source::{Source, nonsense};

const HEADER_LEN: usize = 10;
const END: u8 = 0xff;
const LONG: u8 = 0xfe;
/// So many elements, or more: they have to be counted.
const MANY: u16 = u16::MAX;

/// The elements of a ziplist, in order. Ends with an error where it makes no sense.
#[derive(Debug, Clone)]
pub struct Ziplist<'a> {
    source: Source<'a>,
    total: usize,
    tail: u64,
    claimed: u16,
    seen: usize,
    /// How many bytes the element before took.
    before: usize,
}

impl<'a> Ziplist<'a> {
    /// Over all of `bytes`.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut source = Source::new(bytes);
        let (total, tail) = (source.unsigned_le(4)?, source.unsigned_le(4)?);
        let claimed = source.unsigned_le(2)? as u16;
        if total != bytes.len() as u64 {
            return Err(nonsense("a ziplist has another length than it says"));
        }
        Ok(Self { source, total: bytes.len(), tail, claimed, seen: 0, before: 0 })
    }

    fn take(&mut self) -> Result<Option<Item<'a>>> {
        if self.source.peek()? == END {
            return self.end();
        }
        let left = self.source.len();
        if take_length_before(&mut self.source)? != self.before as u64 {
            return Err(nonsense("an element of a ziplist says another length of the one before"));
        }
        let item = take_item(&mut self.source)?;
        self.before = left - self.source.len();
        self.seen += 1;
        Ok(Some(item))
    }

    fn end(&mut self) -> Result<Option<Item<'a>>> {
        let last = if self.seen == 0 { HEADER_LEN } else { self.total - 1 - self.before };
        let counted = self.claimed == MANY || self.seen == usize::from(self.claimed);
        if self.source.len() != 1 || !counted || self.tail != last as u64 {
            return Err(nonsense("a ziplist has other elements than it says"));
        }
        Ok(None)
    }
}

impl<'a> Iterator for Ziplist<'a> {
    type Item = Result<Item<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}

fn take_length_before(source: &mut Source<'_>) -> Result<u64> {
    match source.byte()? {
        LONG => source.unsigned_le(4),
        short => Ok(short.into()),
    }
}

fn take_item<'a>(source: &mut Source<'a>) -> Result<Item<'a>> {
    let first = source.byte()?;
    let integer = |source: &mut Source<'a>, len| source.signed_le(len).map(Item::Int);
    match first {
        0..0x40 => source.take(first.into()).map(Item::Bytes),
        0x40..0x80 => {
            let len = u64::from(first & 0x3f) << 8 | u64::from(source.byte()?);
            source.take_claimed(len).map(Item::Bytes)
        }
        0x80 => {
            let len = source.unsigned_be(4)?;
            source.take_claimed(len).map(Item::Bytes)
        }
        0xc0 => integer(source, 2),
        0xd0 => integer(source, 4),
        0xe0 => integer(source, 8),
        0xf0 => integer(source, 3),
        0xfe => integer(source, 1),
        0xf1..=0xfd => Ok(Item::Int(i64::from(first & 0x0f) - 1)),
        _ => Err(nonsense("an element of a ziplist begins with a byte that has no meaning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Item<'_>>> {
        Ziplist::open(bytes)?.collect()
    }

    /// A ziplist of elements that are written out, each without the length of the one before.
    fn ziplist(elements: &[&[u8]]) -> Vec<u8> {
        let (mut body, mut before, mut last) = (Vec::new(), 0usize, 0);
        for element in elements {
            last = body.len();
            match u8::try_from(before).ok().filter(|&before| before < LONG) {
                Some(before) => body.push(before),
                None => {
                    body.push(LONG);
                    body.extend_from_slice(&(before as u32).to_le_bytes());
                }
            }
            body.extend_from_slice(element);
            before = body.len() - last;
        }
        let mut bytes = ((HEADER_LEN + body.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&((HEADER_LEN + last) as u32).to_le_bytes());
        bytes.extend_from_slice(&(elements.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.push(END);
        bytes
    }

    #[test]
    fn every_kind_of_element_is_read() {
        let long = [&[0x41, 0x2c][..], &[b'y'; 300]].concat();
        let elements: [&[u8]; 9] = [
            b"\x02hi",
            b"\xf1",
            b"\xfd",
            b"\xfe\x80",
            b"\xc0\xff\x7f",
            b"\xf0\xff\xff\x7f",
            b"\xd0\0\0\0\x80",
            &long,
            b"\xe0\xff\xff\xff\xff\xff\xff\xff\x7f",
        ];
        let integers = [0, 12, -128, 32767, 0x7f_ffff, -0x8000_0000];
        let mut expected = vec![Item::Bytes(b"hi")];
        expected.extend(integers.map(Item::Int));
        expected.extend([Item::Bytes(&[b'y'; 300]), Item::Int(i64::MAX)]);
        assert_eq!(read(&ziplist(&elements)), Ok(expected));
        assert_eq!(read(&ziplist(&[])), Ok(vec![]));
    }

    #[test]
    fn any_damage_of_what_frames_the_elements_is_noticed() {
        let good = ziplist(&[b"\x02hi", b"\xf1"]);
        for at in [0, 1, 4, 5, 8, 9, 10, 11, 14, 16] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(read(&bad).is_err(), "byte {at}");
        }
    }
}
