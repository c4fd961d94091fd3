//! BITFIELD: integers of any width in a bitmap.
//!
//! Invariant: every step is read before the first of them is done, and all of them are one change.

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::IntBuffer;

use super::field::{Field, Overflow};
use super::{bit_offset, checked_offset, offset_out_of_range};
use crate::args;
use crate::row::Answer;
use crate::strings::get_value;
use crate::typed::string_of;

pub(crate) const SOURCE: &str = include_str!("fields.rs");

#[derive(Debug, Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

/// One action on one integer.
#[derive(Debug, Clone, Copy)]
struct Step {
    field: Field,
    offset: u64,
    action: Action,
    overflow: Overflow,
}

impl Step {
    /// Reads the arguments from `at` on; also returns how many those are.
    fn parse(req: &Request<'_>, at: usize, overflow: Overflow) -> Result<(Self, usize), Fault> {
        let left = req.len() - at;
        let (get, set, add) = (req.is(at, "GET"), req.is(at, "SET"), req.is(at, "INCRBY"));
        let len = if get { 3 } else { 4 };
        if !(get || set || add) || left < len {
            return Err(Fault::syntax());
        }
        let field = Field::parse(req.arg(at + 1)).ok_or_else(invalid_field)?;
        let offset = offset_of(req.arg(at + 2), field)?;
        let action = match (get, set) {
            (true, _) => Action::Get,
            (_, true) => Action::Set(args::integer(req.arg(at + 3))?),
            _ => Action::Add(args::integer(req.arg(at + 3))?),
        };
        Ok((Self { field, offset, action, overflow }, len))
    }

    fn writes(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    fn last_byte(&self) -> usize {
        self.field.last_byte(self.offset)
    }

    /// What is in the integer afterwards, and what is answered. `None` where the number does not fit and must not be made to.
    fn outcome(&self, before: i64) -> Option<(i64, i64)> {
        match self.action {
            Action::Get => Some((before, before)),
            Action::Set(value) => Some((self.field.fit(self.field.given(value), self.overflow)?, before)),
            Action::Add(by) => {
                let sum = self.field.fit(i128::from(before) + i128::from(by), self.overflow)?;
                Some((sum, sum))
            }
        }
    }
}

fn invalid_field() -> Fault {
    Fault::new("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
}

/// A place in bits, or with `#` in integers of that width.
fn offset_of(text: &[u8], field: Field) -> Result<u64, Fault> {
    let Some(nth) = text.strip_prefix(b"#") else { return bit_offset(text) };
    let offset = number::parse_i64(nth).and_then(|nth| nth.checked_mul(field.bits().into()));
    offset.and_then(checked_offset).ok_or_else(offset_out_of_range)
}

fn parse_steps(req: &Request<'_>) -> Result<Vec<Step>, Fault> {
    let mut steps = Vec::new();
    let mut overflow = Overflow::default();
    let mut at = 2;
    while at < req.len() {
        if req.is(at, "OVERFLOW") && at + 1 < req.len() {
            overflow = parse_overflow(req, at + 1)?;
            at += 2;
        } else {
            let (step, len) = Step::parse(req, at, overflow)?;
            steps.push(step);
            at += len;
        }
    }
    Ok(steps)
}

fn parse_overflow(req: &Request<'_>, at: usize) -> Result<Overflow, Fault> {
    let named = [("WRAP", Overflow::Wrap), ("SAT", Overflow::Saturate), ("FAIL", Overflow::Fail)];
    let found = named.iter().find(|(name, _)| req.is(at, name));
    found.map(|&(_, overflow)| overflow).ok_or_else(|| Fault::new("ERR Invalid OVERFLOW type specified"))
}

/// `BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> ...]`
///
/// Reads and writes integers of any width in the string at a key: `u1` to `u63` without and `i1` to `i64` with sign, at an
/// offset in bits, or with `#` in integers of that width. GET answers the integer, SET the one before, INCRBY the new one.
/// OVERFLOW says of the steps behind it what happens to a number that does not fit: it goes round, stops at the bound, or is
/// refused, which answers nil.
///
/// ```resp
/// > BITFIELD stats SET u8 #1 200 GET u8 8 INCRBY u8 #1 100
/// 1) (integer) 0
/// 2) (integer) 200
/// 3) (integer) 44
/// > BITFIELD stats OVERFLOW SAT INCRBY i5 0 99 OVERFLOW FAIL INCRBY i5 0 1
/// 1) (integer) 15
/// 2) (nil)
/// > BITFIELD stats GET u64 0
/// (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
/// ```
pub fn bitfield(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let steps = parse_steps(req)?;
    let key = req.arg(1);
    let last_byte = steps.iter().filter(|step| step.writes()).map(Step::last_byte).max();
    let answers = match last_byte {
        None => {
            w.tell_misses();
            read_all(w, key, &steps)?
        }
        Some(last_byte) if last_byte >= MAX_VALUE_LEN => return Err(offset_out_of_range()),
        Some(last_byte) => write_all(w, key, &steps, last_byte)?,
    };
    answer(&answers, out);
    Ok(Outcome::Done)
}

/// `BITFIELD_RO key [GET encoding offset ...]`
///
/// Reads integers of any width in the string at a key, as BITFIELD does.
///
/// ```resp
/// > SET letter a
/// OK
/// > BITFIELD_RO letter GET u8 0 GET i4 #0
/// 1) (integer) 97
/// 2) (integer) 6
/// > BITFIELD_RO letter SET u8 0 98
/// (error) ERR BITFIELD_RO only supports the GET subcommand
/// ```
pub fn bitfield_ro(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let steps = parse_steps(req)?;
    if steps.iter().any(Step::writes) {
        return Err(Fault::new("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    answer(&read_all(view, req.arg(1), &steps)?, out);
    Ok(Outcome::Done)
}

fn answer(answers: &[Option<i64>], out: &mut dyn ReplySink) {
    out.array(answers.len());
    for answer in answers {
        match answer {
            Some(value) => out.integer(*value),
            None => out.null(),
        }
    }
}

fn read_all(view: &View, key: &[u8], steps: &[Step]) -> Result<Vec<Option<i64>>, Fault> {
    let mut digits = IntBuffer::new();
    let text = get_value(view, key)?.map_or(&[][..], |value| value.text(&mut digits));
    Ok(steps.iter().map(|step| Some(step.field.read(text, step.offset))).collect())
}

/// Does the steps one after the other. The string reaches `last_byte` afterwards, even if no number fits.
fn write_all(w: &mut Writer, key: &[u8], steps: &[Step], last_byte: usize) -> Result<Vec<Option<i64>>, Fault> {
    // Another type is refused before anything is begun.
    get_value(w, key)?;
    let writing = steps.iter().filter(|step| step.writes()).count();
    if writing > 1 {
        let effects = writing + 1;
        w.bracket(effects, effects * (key.len() + size_of::<u128>()) + last_byte)?;
    }
    let (event, begun) = (w.silence(), w.written());
    let answers = steps.iter().map(|step| write_one(w, key, step)).collect::<Result<_, Fault>>()?;
    let changed = w.written() > begun;
    let len = get_value(w, key)?.map_or(0, |value| value.text_len());
    if len <= last_byte {
        w.splice(key, last_byte, &[0])?;
    }
    // That it has grown for what overflowed is told by nobody.
    if changed {
        w.tell(event, key);
    }
    Ok(answers)
}

fn write_one(w: &mut Writer, key: &[u8], step: &Step) -> Result<Option<i64>, Fault> {
    let mut digits = IntBuffer::new();
    let text = w.peek(key).map(|entry| string_of(&entry)).transpose()?;
    let text = text.as_ref().map_or(&[][..], |value| value.text(&mut digits));
    let before = step.field.read(text, step.offset);
    let Some((after, answer)) = step.outcome(before) else { return Ok(None) };
    let grows = step.writes() && text.len() <= step.last_byte();
    if after != before || grows {
        let patch = step.field.patch(text, step.offset, after);
        w.splice(key, (step.offset / 8) as usize, patch.as_ref())?;
    }
    Ok(Some(answer))
}
