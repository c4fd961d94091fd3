//! Listpacks: what Redis packs since 7.0, and streams since 5.0.
//!
//! ```text
//! bytes: 4, little-endian | elements: 2 (65535: count them) | element ... | ff
//!
//! element: what it is, then the length of that, seven bits a byte, the high ones first, marked from behind
//!
//! 0xxxxxxx                       an integer from 0 to 127
//! 10xxxxxx                       so many bytes
//! 110xxxxx xxxxxxxx              an integer of 13 bits, with sign, big-endian
//! 1110xxxx xxxxxxxx              so many bytes, big-endian
//! f0 and 4 bytes                 so many bytes, little-endian
//! f1, f2, f3, f4                 an integer of 2, 3, 4, 8 bytes, with sign, little-endian
//! ```
//!
//! "hi" and 300 are `0e000000 0200 82686903 c12c02 ff`.

use kvark_base::{Result, number};

use super::Item;
use crate::source::{Source, nonsense};

const HEADER_LEN: usize = 6;
const END: u8 = 0xff;
/// So many elements, or more: they have to be counted.
const MANY: u16 = u16::MAX;

/// The elements of a listpack, in order. Ends with an error where it makes no sense.
#[derive(Debug, Clone)]
pub struct Listpack<'a> {
    source: Source<'a>,
    claimed: u16,
    seen: usize,
}

impl<'a> Listpack<'a> {
    /// Over all of `bytes`.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut source = Source::new(bytes);
        let (total, claimed) = (source.unsigned_le(4)?, source.unsigned_le(2)? as u16);
        if total != bytes.len() as u64 {
            return Err(nonsense("a listpack has another length than it says"));
        }
        Ok(Self { source, claimed, seen: 0 })
    }

    /// The next element, which must be there.
    pub fn due(&mut self) -> Result<Item<'a>> {
        self.next().unwrap_or_else(|| Err(nonsense("a listpack ends early")))
    }

    /// The next element, which must be an integer.
    pub fn due_integer(&mut self) -> Result<i64> {
        self.due()?.integer()
    }

    /// That nothing is left.
    pub fn expect_end(mut self) -> Result<()> {
        self.next().map_or(Ok(()), |_| Err(nonsense("a listpack has more elements than it should")))
    }

    fn take(&mut self) -> Result<Option<Item<'a>>> {
        if self.source.peek()? == END {
            return self.end();
        }
        let before = self.source.len();
        let item = take_item(&mut self.source)?;
        let (mut expected, mut len) = ([0; 5], 0);
        put_back_length(before - self.source.len(), |byte| {
            expected[len] = byte;
            len += 1;
        });
        if self.source.take(len)? != &expected[..len] {
            return Err(nonsense("an element of a listpack has another length than it says"));
        }
        self.seen += 1;
        Ok(Some(item))
    }

    fn end(&mut self) -> Result<Option<Item<'a>>> {
        if self.source.len() != 1 || (self.claimed != MANY && self.seen != usize::from(self.claimed)) {
            return Err(nonsense("a listpack has another number of elements than it says"));
        }
        Ok(None)
    }
}

impl<'a> Iterator for Listpack<'a> {
    type Item = Result<Item<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}

fn take_item<'a>(source: &mut Source<'a>) -> Result<Item<'a>> {
    let first = source.byte()?;
    let integer = |source: &mut Source<'a>, len| source.signed_le(len).map(Item::Int);
    match first {
        0..0x80 => Ok(Item::Int(first.into())),
        0x80..0xc0 => source.take(usize::from(first & 0x3f)).map(Item::Bytes),
        0xc0..0xe0 => {
            let bits = i64::from(first & 0x1f) << 8 | i64::from(source.byte()?);
            Ok(Item::Int(bits << 51 >> 51))
        }
        0xe0..0xf0 => {
            let len = u64::from(first & 0x0f) << 8 | u64::from(source.byte()?);
            source.take_claimed(len).map(Item::Bytes)
        }
        0xf0 => {
            let len = source.unsigned_le(4)?;
            source.take_claimed(len).map(Item::Bytes)
        }
        0xf1 => integer(source, 2),
        0xf2 => integer(source, 3),
        0xf3 => integer(source, 4),
        0xf4 => integer(source, 8),
        _ => Err(nonsense("an element of a listpack begins with a byte that has no meaning")),
    }
}

/// The bytes behind an element of `len` bytes. The bounds are one below what would fit: so does Redis.
fn put_back_length(len: usize, mut put: impl FnMut(u8)) {
    let more = match len {
        0..=127 => 0,
        128..16_383 => 1,
        16_383..2_097_151 => 2,
        2_097_151..268_435_455 => 3,
        _ => 4,
    };
    put((len >> (7 * more)) as u8);
    for place in (0..more).rev() {
        put((len >> (7 * place)) as u8 & 0x7f | 0x80);
    }
}

/// Writes a listpack.
#[derive(Debug)]
pub struct ListpackWriter {
    bytes: Vec<u8>,
    elements: usize,
}

impl Default for ListpackWriter {
    fn default() -> Self {
        Self { bytes: vec![0; HEADER_LEN], elements: 0 }
    }
}

impl ListpackWriter {
    /// How many bytes it takes so far.
    pub fn len(&self) -> usize {
        self.bytes.len() + 1
    }

    /// Appends a string, as an integer where it spells one.
    pub fn push(&mut self, bytes: &[u8]) {
        match number::parse_i64(bytes) {
            Some(number) => self.push_integer(number),
            None => self.element(|out| put_bytes(out, bytes)),
        }
    }

    /// Appends an integer.
    pub fn push_integer(&mut self, number: i64) {
        self.element(|out| put_integer(out, number));
    }

    /// Appends the elements of another listpack.
    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes[HEADER_LEN..]);
        self.elements += other.elements;
    }

    /// The whole.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let total = u32::try_from(self.bytes.len()).expect("a listpack is begun anew long before 4 GiB");
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        let elements = u16::try_from(self.elements).unwrap_or(MANY);
        self.bytes[4..HEADER_LEN].copy_from_slice(&elements.to_le_bytes());
        self.bytes
    }

    fn element(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        put(&mut self.bytes);
        put_back_length(self.bytes.len() - before, |byte| self.bytes.push(byte));
        self.elements += 1;
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        len @ 0..64 => out.push(0x80 | len as u8),
        len @ 64..4096 => out.extend_from_slice(&(0xe000 | len as u16).to_be_bytes()),
        len => {
            out.push(0xf0);
            out.extend_from_slice(&(len as u32).to_le_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn put_integer(out: &mut Vec<u8>, number: i64) {
    let (first, len) = match number {
        0..128 => return out.push(number as u8),
        -0x1000..0x1000 => return out.extend_from_slice(&(0xc000 | number as u16 & 0x1fff).to_be_bytes()),
        -0x8000..0x8000 => (0xf1, 2),
        -0x80_0000..0x80_0000 => (0xf2, 3),
        -0x8000_0000..0x8000_0000 => (0xf3, 4),
        _ => (0xf4, 8),
    };
    out.push(first);
    out.extend_from_slice(&number.to_le_bytes()[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_page() {
        let mut writer = ListpackWriter::default();
        writer.push(b"hi");
        writer.push(b"300");
        assert_eq!(writer.finish(), b"\x0e\0\0\0\x02\0\x82hi\x03\xc1\x2c\x02\xff"[..]);
    }

    #[test]
    fn every_size_goes_round() {
        let mut writer = ListpackWriter::default();
        let mut integers = vec![0, 127, i64::MIN, i64::MAX];
        integers.extend((7..63).flat_map(|bit| [1 << bit, (1 << bit) - 1, -(1 << bit), -(1 << bit) - 1]));
        let texts: Vec<Vec<u8>> =
            [0, 1, 63, 64, 4095, 4096, 16_380, 16_381, 2_097_200].map(|len| vec![b'x'; len]).to_vec();
        integers.iter().for_each(|&number| writer.push_integer(number));
        texts.iter().for_each(|text| writer.push(text));
        let bytes = writer.finish();
        let read: Vec<Item<'_>> = Listpack::open(&bytes).unwrap().map(Result::unwrap).collect();
        let integers = integers.into_iter().map(Item::Int);
        let expected: Vec<Item<'_>> = integers.chain(texts.iter().map(|text| Item::Bytes(text))).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn more_elements_than_the_header_can_say_are_counted() {
        let mut writer = ListpackWriter::default();
        (0..70_000).for_each(|number| writer.push_integer(number & 63));
        let bytes = writer.finish();
        assert_eq!(Listpack::open(&bytes).unwrap().filter(Result::is_ok).count(), 70_000);
    }

    #[test]
    fn any_damage_of_what_frames_the_elements_is_noticed() {
        let good = b"\x0e\0\0\0\x02\0\x82hi\x03\xc1\x2c\x02\xff";
        for at in [0, 1, 2, 3, 4, 5, 6, 9, 12, 13] {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            let read = Listpack::open(&bad).and_then(|items| items.collect::<Result<Vec<_>>>());
            assert!(read.is_err(), "byte {at}");
        }
        assert!(Listpack::open(&good[..9]).is_err());
    }
}
