//! One item of a packed sequence as bytes; the drawing is in [`super`].

use crate::StringRef;

const SMALL_INT: u8 = 0x80;
const MIDDLE: u8 = 0xc0;
const LONG: u8 = 0xe0;
const INT: u8 = 0xf0;

const SHORT_MAX: usize = 0x7f;
const MIDDLE_MAX: usize = 0x1fff;

/// An item that is to be written or looked for.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    head: [u8; 9],
    head_len: usize,
    body: &'a [u8],
}

impl<'a> Item<'a> {
    #[inline]
    pub(super) fn new(string: StringRef<'a>) -> Self {
        match string {
            StringRef::Int(value) => Self::int(value),
            StringRef::Bytes(bytes) => Self::bytes(bytes),
        }
    }

    fn int(value: i64) -> Self {
        let mut head = [0; 9];
        if (0..0x40).contains(&value) {
            head[0] = SMALL_INT | value as u8;
            return Self { head, head_len: 1, body: &[] };
        }
        let sign_bits = if value < 0 { value.leading_ones() } else { value.leading_zeros() };
        let len = (64 - sign_bits as usize + 1).div_ceil(8);
        head[0] = INT | (len - 1) as u8;
        head[1..].copy_from_slice(&value.to_le_bytes());
        Self { head, head_len: 1 + len, body: &[] }
    }

    fn bytes(body: &'a [u8]) -> Self {
        let (mut head, len) = ([0; 9], body.len());
        let head_len = if len <= SHORT_MAX {
            1
        } else if len <= MIDDLE_MAX {
            2
        } else {
            5
        };
        match head_len {
            1 => head[0] = len as u8,
            2 => head[..2].copy_from_slice(&[MIDDLE | (len >> 8) as u8, len as u8]),
            _ => {
                head[0] = LONG;
                head[1..5].copy_from_slice(&(len as u32).to_le_bytes());
            }
        }
        Self { head, head_len, body }
    }

    fn span(&self) -> usize {
        self.head_len + self.body.len()
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.span() + tail_len(self.span())
    }

    /// Fills `out`, which is [`Item::len`] bytes long.
    pub(super) fn write(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(self.head_len);
        head.copy_from_slice(&self.head[..self.head_len]);
        let (body, tail) = rest.split_at_mut(self.body.len());
        body.copy_from_slice(self.body);
        write_tail(self.span(), tail);
    }

    /// Whether `bytes` begin with it.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        bytes[0] == self.head[0]
            && bytes[..].starts_with(&self.head[..self.head_len])
            && bytes[self.head_len..].starts_with(self.body)
    }
}

/// Bytes of head and body of the item with which `bytes` begin.
#[inline]
fn span_at(bytes: &[u8]) -> usize {
    let head = bytes[0];
    match head {
        0..SMALL_INT => 1 + usize::from(head),
        SMALL_INT..MIDDLE => 1,
        MIDDLE..LONG => 2 + (usize::from(head & 0x1f) << 8 | usize::from(bytes[1])),
        LONG => 5 + u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize,
        _ => 2 + usize::from(head & 7),
    }
}

/// Bytes of the whole item with which `bytes` begin.
#[inline]
pub(super) fn len_at(bytes: &[u8]) -> usize {
    let span = span_at(bytes);
    span + tail_len(span)
}

/// Bytes of the whole item with which `bytes` end.
#[inline]
pub(super) fn len_before(bytes: &[u8]) -> usize {
    let (mut span, mut shift) = (0, 0);
    for &byte in bytes.iter().rev() {
        span |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    span + tail_len(span)
}

/// The item with which `bytes` begin.
#[inline]
pub(super) fn read(bytes: &[u8]) -> StringRef<'_> {
    read_with_len(bytes).0
}

/// The item with which `bytes` begin, and how many bytes it takes.
#[inline]
pub(super) fn read_with_len(bytes: &[u8]) -> (StringRef<'_>, usize) {
    let (head, span) = (bytes[0], span_at(bytes));
    let head_len = match head {
        0..SMALL_INT => 1,
        SMALL_INT..MIDDLE => return (StringRef::Int(i64::from(head & 0x3f)), 2),
        MIDDLE..LONG => 2,
        LONG => 5,
        _ => return (StringRef::Int(read_int(&bytes[1..span])), span + 1),
    };
    (StringRef::Bytes(&bytes[head_len..span]), span + tail_len(span))
}

fn read_int(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - bytes.len()..].copy_from_slice(bytes);
    // The sign is in the highest byte: an arithmetic shift brings it down.
    i64::from_le_bytes(wide) >> (64 - 8 * bytes.len())
}

#[inline]
fn tail_len(span: usize) -> usize {
    match span {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

fn write_tail(mut span: usize, tail: &mut [u8]) {
    for at in (0..tail.len()).rev() {
        let more = if at == 0 { 0 } else { 0x80 };
        tail[at] = (span & 0x7f) as u8 | more;
        span >>= 7;
    }
}
