//! Arguments that are numbers, refused in Redis' own words.

use kvark_base::limits::DATABASES;
use kvark_base::number;
use kvark_call::Fault;

/// A 64-bit integer.
pub fn integer(text: &[u8]) -> Result<i64, Fault> {
    number::parse_i64(text).ok_or_else(Fault::not_an_integer)
}

/// A 64-bit integer, refused as `message` says.
pub fn integer_or(text: &[u8], message: &'static str) -> Result<i64, Fault> {
    number::parse_i64(text).ok_or_else(|| Fault::new(message))
}

/// An integer from `least` to `most`.
pub fn integer_between(text: &[u8], least: i64, most: i64) -> Result<i64, Fault> {
    let value = integer(text)?;
    if value < least || value > most {
        return Err(Fault::new(format!("ERR value is out of range, value must between {least} and {most}")));
    }
    Ok(value)
}

/// The number of a database.
pub fn database(text: &[u8]) -> Result<u32, Fault> {
    database_of(integer_between(text, i32::MIN.into(), i32::MAX.into())?)
}

/// The database of that number.
pub fn database_of(number: i64) -> Result<u32, Fault> {
    let db = u32::try_from(number).ok().filter(|&db| (db as usize) < DATABASES);
    db.ok_or_else(|| Fault::new("ERR DB index is out of range"))
}

/// Milliseconds to wait; 0 is for ever.
pub fn timeout_ms(text: &[u8], now_ms: u64) -> Result<u64, Fault> {
    let timeout_ms = integer_or(text, "ERR timeout is not an integer or out of range")?;
    if timeout_ms < 0 {
        return Err(Fault::new("ERR timeout is negative"));
    }
    if timeout_ms.checked_add_unsigned(now_ms).is_none() {
        return Err(Fault::new("ERR timeout is out of range"));
    }
    Ok(timeout_ms as u64)
}

/// A number of things, at least `least`; anything else is refused as `message` says.
pub fn count(text: &[u8], least: usize, message: &'static str) -> Result<usize, Fault> {
    let number = integer_or(text, message)?;
    usize::try_from(number).ok().filter(|&number| number >= least).ok_or_else(|| Fault::new(message))
}
