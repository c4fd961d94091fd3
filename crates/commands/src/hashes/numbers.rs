//! Fields that count.

use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::hash::Op;
use kvark_values::{IntBuffer, StringRef, Type};

use crate::decimal::{Decimal, Parsed};
use crate::dispatch::check_key;
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("numbers.rs");

/// The value of the field that a request names.
fn value_of<'w>(w: &'w Writer, req: &Request) -> Result<Option<StringRef<'w>>, Fault> {
    check_key(req.arg(1))?;
    Ok(typed::hash(w, req.arg(1))?.and_then(|hash| hash.get(StringRef::new(req.arg(2)))))
}

/// Sets that field; its deadline stays.
fn set(w: &mut Writer, req: &Request, value: &[u8]) -> Result<(), Fault> {
    let mut ops = Vec::new();
    Op::Update { field: req.arg(2), value }.encode(&mut ops);
    w.change(req.arg(1), Type::Hash, &ops)?;
    Ok(())
}

/// `HINCRBY key field increment`
///
/// Adds to the integer in a field and answers the sum. A missing field is 0.
///
/// ```resp
/// > HINCRBY page:1 visits 1
/// (integer) 1
/// > HINCRBY page:1 visits 41
/// (integer) 42
/// > HSET page:1 title Home
/// (integer) 1
/// > HINCRBY page:1 title 1
/// (error) ERR hash value is not an integer
/// ```
pub fn hincrby(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let by = number::parse_i64(req.arg(3)).ok_or_else(Fault::not_an_integer)?;
    let value = match value_of(w, req)? {
        None => 0,
        Some(StringRef::Int(value)) => value,
        Some(StringRef::Bytes(_)) => return Err(Fault::new("ERR hash value is not an integer")),
    };
    let sum = value.checked_add(by).ok_or_else(|| Fault::new("ERR increment or decrement would overflow"))?;
    set(w, req, IntBuffer::new().format(sum).as_bytes())?;
    out.integer(sum);
    Ok(Outcome::Done)
}

/// `HINCRBYFLOAT key field increment`
///
/// Adds to the decimal number in a field and answers the sum, exact to 17 places behind the point. A missing field is 0.
///
/// ```resp
/// > HINCRBYFLOAT item:1 price 10.5
/// "10.5"
/// > HINCRBYFLOAT item:1 price 0.1
/// "10.6"
/// > HINCRBYFLOAT item:1 price cheap
/// (error) ERR value is not a valid float
/// ```
pub fn hincrbyfloat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let by = match Decimal::parse(req.arg(3)).ok_or_else(Fault::not_a_float)? {
        Parsed::Finite(by) => by,
        _ => return Err(Fault::new("ERR value is NaN or Infinity")),
    };
    let mut digits = IntBuffer::new();
    let value = match value_of(w, req)? {
        None => Parsed::Finite(Decimal::ZERO),
        Some(value) => {
            Decimal::parse(value.text(&mut digits)).ok_or_else(|| Fault::new("ERR hash value is not a float"))?
        }
    };
    let Parsed::Finite(value) = value else {
        return Err(Fault::new("ERR increment would produce NaN or Infinity"));
    };
    let sum = value.plus(&by).to_string();
    set(w, req, sum.as_bytes())?;
    out.bulk(sum.as_bytes());
    Ok(Outcome::Done)
}
