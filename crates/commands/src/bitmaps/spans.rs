//! Stretches of a bitmap, in bytes or in bits: BITCOUNT and BITPOS.

use std::ops::Range;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::IntBuffer;

use super::bits;
use crate::args;
use crate::row::Answer;
use crate::strings::get_value;

pub(crate) const SOURCE: &str = include_str!("spans.rs");

/// A stretch as it was asked for: both ends are included, negative ones count from the end.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: i64,
    end: Option<i64>,
    /// Whether the ends are bits; otherwise they are bytes.
    in_bits: bool,
}

impl Span {
    /// The arguments `start [end [BYTE | BIT]]` from `first` on. The unit is looked at before the end, as Redis does.
    fn parse(req: &Request<'_>, first: usize) -> Result<Self, Fault> {
        if req.len() > first + 3 {
            return Err(Fault::syntax());
        }
        let start = req.get(first).map_or(Ok(0), args::integer)?;
        let in_bits = match req.get(first + 2) {
            None => false,
            Some(_) if req.is(first + 2, "BIT") => true,
            Some(_) if req.is(first + 2, "BYTE") => false,
            Some(_) => return Err(Fault::syntax()),
        };
        let end = req.get(first + 1).map(args::integer).transpose()?;
        Ok(Self { start, end, in_bits })
    }

    /// The bits of a text of `len` bytes that it covers.
    fn bits(&self, len: usize) -> Range<u64> {
        let unit_bits = if self.in_bits { 1 } else { 8 };
        let units = len as i64 * 8 / unit_bits;
        let from_end = |at: i64| if at < 0 { at.saturating_add(units).max(0) } else { at };
        let (start, end) = (from_end(self.start), from_end(self.end.unwrap_or(-1)).min(units - 1));
        if start > end { 0..0 } else { (start * unit_bits) as u64..((end + 1) * unit_bits) as u64 }
    }

    /// Whether both ends count from the end, and the wrong way round.
    fn is_reversed(&self) -> bool {
        self.end.is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }
}

/// `BITCOUNT key [start end [BYTE | BIT]]`
///
/// How many bits of the string at a key are set, or of the part of it from one byte or bit to another, both included.
/// Negative offsets count from the end.
///
/// ```resp
/// > SET word foobar
/// OK
/// > BITCOUNT word
/// (integer) 26
/// > BITCOUNT word 1 1
/// (integer) 6
/// > BITCOUNT word 5 30 BIT
/// (integer) 17
/// ```
pub fn bitcount(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() == 3 {
        return Err(Fault::syntax());
    }
    let span = Span::parse(req, 2)?;
    let mut digits = IntBuffer::new();
    let text = get_value(view, req.arg(1))?.map_or(&[][..], |value| value.text(&mut digits));
    let range = if span.is_reversed() { 0..0 } else { span.bits(text.len()) };
    out.integer(bits::count_ones_between(text, range) as i64);
    Ok(Outcome::Done)
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
///
/// Where the first bit is that is set, or clear, in the string at a key or in the part of it from one byte or bit to
/// another, both included; -1 when there is none. Without an end, the first clear bit may be the one behind the string.
///
/// ```resp
/// > SET mask "\xff\xf0\x00"
/// OK
/// > BITPOS mask 0
/// (integer) 12
/// > BITPOS mask 1 2
/// (integer) -1
/// > BITPOS mask 1 7 15 BIT
/// (integer) 7
/// ```
pub fn bitpos(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let set = match args::integer(req.arg(2))? {
        0 => false,
        1 => true,
        _ => return Err(Fault::new("ERR The bit argument must be 1 or 0.")),
    };
    let span = Span::parse(req, 3)?;
    let mut digits = IntBuffer::new();
    let position = match get_value(view, req.arg(1))? {
        None => (!set).then_some(0),
        Some(value) => position(value.text(&mut digits), &span, set),
    };
    out.integer(position.map_or(-1, |position| position as i64));
    Ok(Outcome::Done)
}

fn position(text: &[u8], span: &Span, set: bool) -> Option<u64> {
    let range = span.bits(text.len());
    let behind = (!set && span.end.is_none() && !range.is_empty()).then_some(range.end);
    bits::find(text, range, set).or(behind)
}
