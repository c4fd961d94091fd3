//! A look inside a sketch, and a check of the machinery.

use kvark_base::random::Random;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;

use super::dense::{self, DENSE_LEN};
use super::estimate::estimate;
use super::place::{Place, REGISTERS};
use super::sketch::{Form, Sketch};
use super::sparse::{Run, runs};
use super::{replace, sketch_at};
use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("debugging.rs");

/// `PFDEBUG <GETREG | DECODE | ENCODING | TODENSE | SIMD> key`
///
/// A look inside a HyperLogLog: GETREG makes it dense and answers all registers, DECODE the runs of a sparse one (`z:` and
/// `Z:` hold nothing, `v:value,length`), ENCODING its form; TODENSE makes it dense. SIMD takes ON or OFF for a key and
/// answers that there is one way to compute.
///
/// ```resp
/// > PFADD visitors ada
/// (integer) 1
/// > PFDEBUG DECODE visitors
/// "Z:10035 v:1,1 Z:6348"
/// > PFDEBUG TODENSE visitors
/// (integer) 1
/// > PFDEBUG ENCODING visitors
/// dense
/// ```
pub fn pfdebug(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.is(1, "SIMD") {
        return simd(req, out);
    }
    let key = req.arg(2);
    let Some(sketch) = sketch_at(w, key)? else { return Err(Fault::new("ERR The specified key does not exist")) };
    let form = sketch.form();
    if req.is(1, "ENCODING") {
        out.status(form.name());
    } else if req.is(1, "DECODE") && form == Form::Dense {
        return Err(Fault::new("ERR HLL encoding is not sparse"));
    } else if req.is(1, "DECODE") {
        out.bulk(runs(sketch.body()).map(shown).collect::<Vec<_>>().join(" ").as_bytes());
    } else if req.is(1, "TODENSE") {
        out.integer(make_dense(w, key)?.into());
    } else if req.is(1, "GETREG") {
        make_dense(w, key)?;
        answer_registers(w, key, out)?;
    } else {
        let word = crate::dispatch::one_line(req.arg(1));
        return Err(Fault::new(format!("ERR Unknown PFDEBUG subcommand '{word}'")));
    }
    Ok(Outcome::Done)
}

fn simd(req: &Request<'_>, out: &mut dyn ReplySink) -> Answer {
    if !req.is(2, "ON") && !req.is(2, "OFF") {
        return Err(Fault::new("ERR Argument must be ON or OFF"));
    }
    out.status("disabled");
    Ok(Outcome::Done)
}

fn shown(run: Run) -> String {
    match run {
        Run::Values { value, len } => format!("v:{value},{len}"),
        Run::Zeros(len) if len > 64 => format!("Z:{len}"),
        Run::Zeros(len) => format!("z:{len}"),
    }
}

/// Whether it was sparse.
fn make_dense(w: &mut Writer, key: &[u8]) -> Result<bool, Fault> {
    let sparse = sketch_at(w, key)?.filter(|sketch| sketch.form() == Form::Sparse);
    let Some(mut sketch) = sparse.map(|sketch| sketch.to_sketch()) else { return Ok(false) };
    sketch.make_dense()?;
    replace(w, key, sketch.bytes())?;
    Ok(true)
}

fn answer_registers(w: &Writer, key: &[u8], out: &mut dyn ReplySink) -> Result<(), Fault> {
    let mut registers = [0; REGISTERS];
    if let Some(sketch) = sketch_at(w, key)? {
        sketch.raise(&mut registers)?;
    }
    out.array(REGISTERS);
    registers.iter().for_each(|&register| out.integer(register.into()));
    Ok(())
}

/// `PFSELFTEST`
///
/// Checks the machinery of HyperLogLogs with random elements.
///
/// ```resp
/// > PFSELFTEST
/// OK
/// ```
pub fn pfselftest(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    check_registers(ctx.random)?;
    check_estimates(ctx.random, ctx.keys.forms().hll_sparse_bytes.get())?;
    out.status("OK");
    Ok(Outcome::Done)
}

fn failed(what: String) -> Fault {
    Fault::new(format!("TESTFAILED {what}"))
}

/// Registers keep what was written, and leave their neighbours alone.
fn check_registers(random: &mut Random) -> Result<(), Fault> {
    let counts: Vec<u8> = (0..REGISTERS).map(|_| random.below(64) as u8).collect();
    let mut registers = vec![0; DENSE_LEN];
    for (index, &count) in counts.iter().enumerate() {
        dense::set(&mut registers, Place { index, count });
    }
    match counts.iter().enumerate().find(|&(index, &count)| dense::register(&registers, index) != count) {
        None => Ok(()),
        Some((index, count)) => Err(failed(format!("register {index} should be {count}"))),
    }
}

/// Both forms estimate the same, and never off by more than six times the standard error.
fn check_estimates(random: &mut Random, most_sparse_len: usize) -> Result<(), Fault> {
    const ELEMENTS: u64 = 100_000;
    let standard_error = 1.04 / (REGISTERS as f64).sqrt();
    let seed = random.next_u64();
    let (mut one, mut other) = (Sketch::empty(), Sketch::empty());
    other.make_dense()?;
    for nth in 1..=ELEMENTS {
        let place = Place::of(&(nth ^ seed).to_le_bytes());
        one.raise(place, most_sparse_len)?;
        other.raise(place, most_sparse_len)?;
        if nth.is_power_of_two() || nth == ELEMENTS {
            let count = estimate(&one.as_ref().histogram()?);
            let most_off = (standard_error * 6.0 * nth as f64).ceil() as u64;
            if count.abs_diff(nth) > most_off || count != estimate(&other.as_ref().histogram()?) {
                return Err(failed(format!("{nth} elements were estimated as {count}")));
            }
        }
    }
    Ok(())
}
