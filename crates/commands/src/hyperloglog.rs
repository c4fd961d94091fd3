//! HyperLogLogs: strings that tell about how many different elements were added to them.
//!
//! Read on: [`sketch`] (the string), its two forms [`sparse`] and [`dense`], [`place`] (where an element belongs),
//! [`estimate`] (from registers to a number), [`debugging`].
//!
//! Invariant: a sketch is nothing but a string, byte by byte what Redis would have made of the same commands.
//! Invariant: a change writes the registers that it raises, not the whole sketch.

pub mod debugging;
pub mod dense;
pub mod estimate;
pub mod place;
pub mod sketch;
pub mod sparse;
#[cfg(test)]
mod tests;

use std::ops::Range;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::StringRef;

use crate::row::Answer;
use crate::strings::get_value;
use estimate::estimate;
use place::{Place, REGISTERS};
use sketch::{COUNT_AT, Form, HEADER_LEN, STALE_AT, Sketch, SketchRef};
use sparse::Corrupt;

pub(crate) const SOURCE: &str = include_str!("hyperloglog.rs");

impl From<Corrupt> for Fault {
    fn from(_: Corrupt) -> Self {
        Self::new("INVALIDOBJ Corrupted HLL object detected")
    }
}

/// The sketch at `key`.
fn sketch_at<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<SketchRef<'v>>, Fault> {
    let no_sketch = || Fault::new("WRONGTYPE Key is not a valid HyperLogLog string value.");
    match get_value(view, key)? {
        None => Ok(None),
        Some(StringRef::Bytes(bytes)) => SketchRef::parse(bytes).map(Some).ok_or_else(no_sketch),
        Some(StringRef::Int(_)) => Err(no_sketch()),
    }
}

/// `PFADD key [element [element ...]]`
///
/// Adds elements to the HyperLogLog at a key: 1 when that changed it, or made it, 0 when not.
///
/// ```resp
/// > PFADD visitors ada bob cleo
/// (integer) 1
/// > PFADD visitors ada
/// (integer) 0
/// > PFCOUNT visitors
/// (integer) 3
/// ```
pub fn pfadd(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let places = req.args_from(2).map(Place::of);
    let most_sparse_len = w.forms().hll_sparse_bytes.get();
    let changed = match sketch_at(w, key)? {
        None => {
            let sketch = with_all(Sketch::empty(), places, most_sparse_len)?;
            w.put(key, StringRef::new(sketch.bytes()), 0)?;
            true
        }
        Some(old) => {
            let raised = raised_by(old, places)?;
            match old.form() {
                _ if raised.is_empty() => {}
                Form::Dense if raised.len() <= FEW => raise_in_place(w, key, &raised)?,
                _ => {
                    let new = with_all(old.to_sketch(), raised.iter().copied(), most_sparse_len)?;
                    replace(w, key, new.bytes())?;
                }
            }
            !raised.is_empty()
        }
    };
    out.integer(changed.into());
    Ok(Outcome::Done)
}

fn with_all(
    mut sketch: Sketch,
    places: impl Iterator<Item = Place>,
    most_sparse_len: usize,
) -> Result<Sketch, Corrupt> {
    for place in places {
        sketch.raise(place, most_sparse_len)?;
    }
    sketch.make_stale();
    Ok(sketch)
}

/// The places where the sketch holds less.
fn raised_by(sketch: SketchRef<'_>, places: impl Iterator<Item = Place>) -> Result<Vec<Place>, Corrupt> {
    let mut raised = Vec::new();
    for place in places {
        if sketch.register(place.index)? < place.count {
            raised.push(place);
        }
    }
    Ok(raised)
}

/// As many registers are raised one by one; more are written with all that lies between.
const FEW: usize = 64;

/// Raises registers of a dense sketch where they stand. Some may have been raised further by then.
fn raise_in_place(w: &mut Writer, key: &[u8], places: &[Place]) -> Result<(), Fault> {
    let effects = places.len() + 1;
    w.bracket(effects, effects * (key.len() + size_of::<u16>()))?;
    w.tell_usual(key);
    w.silence();
    for &place in places {
        let Some(sketch) = sketch_at(w, key)? else { break };
        if sketch.register(place.index)? < place.count {
            let (at, bytes, len) = dense::patch(sketch.body(), place);
            w.splice(key, HEADER_LEN + at, &bytes[..len])?;
        }
    }
    let stale = sketch_at(w, key)?.filter(|sketch| !sketch.is_stale()).map(SketchRef::stale_byte);
    stale.map_or(Ok(()), |byte| w.splice(key, STALE_AT, &[byte]).map(drop))?;
    Ok(())
}

/// Makes `key` hold `new`, writing only the part that differs if nothing gets shorter. Its deadline stays.
fn replace(w: &mut Writer, key: &[u8], new: &[u8]) -> Result<(), Fault> {
    let old = get_value(w, key)?;
    let differing = match old {
        Some(StringRef::Bytes(old)) if old.len() <= new.len() => difference(old, new),
        _ => {
            let expires_at = w.peek(key).map_or(0, |entry| entry.expires_at());
            return Ok(w.update(key, StringRef::new(new), expires_at)?);
        }
    };
    if !differing.is_empty() {
        w.splice(key, differing.start, &new[differing])?;
    } else {
        w.tell_usual(key);
    }
    Ok(())
}

/// Where `new` differs from `old`, which is not longer.
fn difference(old: &[u8], new: &[u8]) -> Range<usize> {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = old.iter().zip(new).take_while(same).count();
    let behind = if old.len() == new.len() {
        old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count()
    } else {
        0
    };
    start..new.len() - behind
}

/// `PFCOUNT key [key ...]`
///
/// About how many different elements were added to the HyperLogLog at a key, or to those at several keys together. The
/// standard error is 0.81 %. The sketch remembers the number until it changes.
///
/// ```resp
/// > PFADD {visitors}1 ada bob
/// (integer) 1
/// > PFADD {visitors}2 bob cleo
/// (integer) 1
/// > PFCOUNT {visitors}1
/// (integer) 2
/// > PFCOUNT {visitors}1 {visitors}2
/// (integer) 3
/// ```
pub fn pfcount(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let count = if req.len() == 2 {
        count_one(w, req.arg(1))?
    } else {
        let mut registers = [0; REGISTERS];
        raise_all(w, req, &mut registers)?;
        let mut histogram = [0; 64];
        registers.iter().for_each(|&register| histogram[usize::from(register)] += 1);
        estimate(&histogram)
    };
    out.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

fn count_one(w: &mut Writer, key: &[u8]) -> Result<u64, Fault> {
    let Some(sketch) = sketch_at(w, key)? else { return Ok(0) };
    if let Some(count) = sketch.count() {
        return Ok(count);
    }
    let count = estimate(&sketch.histogram()?);
    // The number is right even where the log has no room to remember it.
    drop(w.splice(key, COUNT_AT, &count.to_le_bytes()));
    Ok(count)
}

/// Raises `registers` to what the sketches at all keys hold; whether one of them is dense.
fn raise_all(view: &View, req: &Request, registers: &mut dense::Registers) -> Result<bool, Fault> {
    let mut any_dense = false;
    for key in req.args_from(1) {
        if let Some(sketch) = sketch_at(view, key)? {
            any_dense |= sketch.form() == Form::Dense;
            sketch.raise(registers)?;
        }
    }
    Ok(any_dense)
}

/// `PFMERGE destkey [sourcekey [sourcekey ...]]`
///
/// Adds to the HyperLogLog at a key everything that was added to others. A missing key is made.
///
/// ```resp
/// > PFADD {visitors}1 ada bob
/// (integer) 1
/// > PFADD {visitors}2 bob cleo
/// (integer) 1
/// > PFMERGE {visitors} {visitors}1 {visitors}2
/// OK
/// > PFCOUNT {visitors}
/// (integer) 3
/// ```
pub fn pfmerge(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let mut registers = [0; REGISTERS];
    let any_dense = raise_all(w, req, &mut registers)?;
    let mut sketch = sketch_at(w, key)?.map_or_else(Sketch::empty, SketchRef::to_sketch);
    if any_dense {
        sketch.make_dense()?;
        sketch.set_registers(&registers);
        sketch.make_stale();
    } else {
        let places = registers.iter().enumerate().map(|(index, &count)| Place { index, count });
        let held = places.filter(|place| place.count > 0);
        sketch = with_all(sketch, held, w.forms().hll_sparse_bytes.get())?;
    }
    replace(w, key, sketch.bytes())?;
    out.status("OK");
    Ok(Outcome::Done)
}
