//! Strings that count.

use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::{IntBuffer, StringRef};

use crate::decimal::{Decimal, Parsed};
use crate::dispatch::check_key;
use crate::events::INCRBY;
use crate::row::Answer;
use crate::typed::string_of;

pub(crate) const SOURCE: &str = include_str!("counters.rs");

/// Adds `by` to the integer at `key`, a missing one being 0, and returns the sum. The deadline stays.
pub fn increment(w: &mut Writer, key: &[u8], by: i64) -> Result<i64, Fault> {
    check_key(key)?;
    w.set_event(&INCRBY);
    let (value, expires_at) = match w.peek(key) {
        None => (0, 0),
        Some(entry) => match string_of(&entry)? {
            StringRef::Int(value) => (value, entry.expires_at()),
            StringRef::Bytes(_) => return Err(Fault::not_an_integer()),
        },
    };
    let sum = value.checked_add(by).ok_or_else(|| Fault::new("ERR increment or decrement would overflow"))?;
    w.update(key, StringRef::Int(sum), expires_at)?;
    Ok(sum)
}

fn increment_and_answer(w: &mut Writer, req: &Request, by: i64, out: &mut dyn ReplySink) -> Answer {
    out.integer(increment(w, req.arg(1), by)?);
    Ok(Outcome::Done)
}

/// `INCR key`
///
/// Adds 1 to the integer at a key and answers the sum. A missing key is 0.
///
/// ```resp
/// > INCR visits
/// (integer) 1
/// > INCR visits
/// (integer) 2
/// > SET visits many
/// OK
/// > INCR visits
/// (error) ERR value is not an integer or out of range
/// ```
pub fn incr(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    increment_and_answer(w, req, 1, out)
}

/// `DECR key`
///
/// Takes 1 from the integer at a key and answers the difference. A missing key is 0.
///
/// ```resp
/// > SET stock 10
/// OK
/// > DECR stock
/// (integer) 9
/// ```
pub fn decr(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    increment_and_answer(w, req, -1, out)
}

/// `INCRBY key increment`
///
/// Adds to the integer at a key and answers the sum. A missing key is 0.
///
/// ```resp
/// > INCRBY visits 10
/// (integer) 10
/// > INCRBY visits 9223372036854775807
/// (error) ERR increment or decrement would overflow
/// > GET visits
/// "10"
/// ```
pub fn incrby(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let by = number::parse_i64(req.arg(2)).ok_or_else(Fault::not_an_integer)?;
    increment_and_answer(w, req, by, out)
}

/// `DECRBY key decrement`
///
/// Takes from the integer at a key and answers the difference. A missing key is 0.
///
/// ```resp
/// > SET stock 10
/// OK
/// > DECRBY stock 3
/// (integer) 7
/// ```
pub fn decrby(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let by = number::parse_i64(req.arg(2)).ok_or_else(Fault::not_an_integer)?;
    let by = by.checked_neg().ok_or_else(|| Fault::new("ERR decrement would overflow"))?;
    increment_and_answer(w, req, by, out)
}

/// `INCRBYFLOAT key increment`
///
/// Adds to the decimal number at a key and answers the sum, exact to 17 places behind the point. A missing key is 0.
///
/// ```resp
/// > SET price 10.50
/// OK
/// > INCRBYFLOAT price 0.1
/// "10.6"
/// > INCRBYFLOAT price -5
/// "5.6"
/// > SET price 5.0e3
/// OK
/// > INCRBYFLOAT price 2.0e2
/// "5200"
/// ```
pub fn incrbyfloat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let mut digits = IntBuffer::new();
    let (value, expires_at) = match w.peek(key) {
        None => (Parsed::Finite(Decimal::ZERO), 0),
        Some(entry) => (parse_decimal(string_of(&entry)?.text(&mut digits))?, entry.expires_at()),
    };
    let (Parsed::Finite(value), Parsed::Finite(by)) = (value, parse_decimal(req.arg(2))?) else {
        return Err(Fault::new("ERR increment would produce NaN or Infinity"));
    };
    let sum = value.plus(&by).to_string();
    w.update(key, StringRef::new(sum.as_bytes()), expires_at)?;
    out.bulk(sum.as_bytes());
    Ok(Outcome::Done)
}

fn parse_decimal(text: &[u8]) -> Result<Parsed, Fault> {
    Decimal::parse(text).ok_or_else(Fault::not_a_float)
}
