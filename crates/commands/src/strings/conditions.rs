//! Compare, then act: what SET and DELEX may ask of the value that is there.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{EntryRef, View, Writer};
use kvark_values::{IntBuffer, StringRef};
use xxhash_rust::xxh3::xxh3_64;

use super::get_value;
use crate::row::Answer;
use crate::typed::string_of;

pub(crate) const SOURCE: &str = include_str!("conditions.rs");

/// What must hold of a key before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition<'a> {
    /// Nothing.
    #[default]
    Always,
    /// It does not exist.
    IfMissing,
    /// It exists.
    IfPresent,
    /// It holds this string.
    IfEqual(&'a [u8]),
    /// It does not hold this string; a missing key does not.
    IfNotEqual(&'a [u8]),
    /// Its string has this digest, in hexadecimal.
    IfDigest(&'a [u8]),
    /// Its string does not have this digest, in hexadecimal; a missing key has none.
    IfNotDigest(&'a [u8]),
}

impl Condition<'_> {
    /// Whether it holds of a key, or of a missing one. Errors when a digest is none, or what it compares with is no string.
    pub fn holds(&self, entry: Option<EntryRef<'_>>) -> Result<bool, Fault> {
        let Some(entry) = entry else {
            return Ok(matches!(self, Self::Always | Self::IfMissing | Self::IfNotEqual(_) | Self::IfNotDigest(_)));
        };
        let mut digits = IntBuffer::new();
        Ok(match self {
            Self::Always | Self::IfPresent => true,
            Self::IfMissing => false,
            Self::IfEqual(other) => string_of(&entry)?.text(&mut digits) == *other,
            Self::IfNotEqual(other) => string_of(&entry)?.text(&mut digits) != *other,
            Self::IfDigest(hex) => digest_of(string_of(&entry)?) == parse_digest(hex)?,
            Self::IfNotDigest(hex) => digest_of(string_of(&entry)?) != parse_digest(hex)?,
        })
    }
}

/// XXH3, 64 bits, of a string.
pub fn digest_of(value: StringRef<'_>) -> u64 {
    xxh3_64(value.text(&mut IntBuffer::new()))
}

const DIGEST_LEN: usize = 16;

fn parse_digest(hex: &[u8]) -> Result<u64, Fault> {
    let text =
        std::str::from_utf8(hex).ok().filter(|_| hex.len() == DIGEST_LEN && hex.iter().all(u8::is_ascii_hexdigit));
    text.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| Fault::new("ERR digest must be exactly 16 hexadecimal characters"))
}

/// `DIGEST key`
///
/// The XXH3 digest of the string at a key, as 16 hexadecimal digits, for IFDEQ and IFDNE. A missing key is nil.
///
/// ```resp
/// > SET greeting hello
/// OK
/// > DIGEST greeting
/// "9555e8555c62dcfd"
/// > DIGEST nobody
/// (nil)
/// ```
pub fn digest(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match get_value(view, req.arg(1))? {
        None => out.null(),
        Some(value) => out.bulk(format!("{:016x}", digest_of(value)).as_bytes()),
    }
    Ok(Outcome::Done)
}

/// `DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]`
///
/// Removes a key if the string in it compares as asked: 1 when it was removed, 0 when not. Without a condition it is DEL of
/// one key.
///
/// ```resp
/// > SET lock me
/// OK
/// > DELEX lock IFEQ you
/// (integer) 0
/// > DELEX lock IFEQ me
/// (integer) 1
/// > EXISTS lock
/// (integer) 0
/// ```
pub fn delex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    if req.len() != 2 && req.len() != 4 {
        return Err(Fault::arity("delex"));
    }
    let holds = match w.peek(key) {
        None => false,
        Some(_) if req.len() == 2 => true,
        Some(entry) => delex_condition(req)?.holds(Some(entry))?,
    };
    let removed = holds && w.remove(key)?;
    out.integer(removed.into());
    Ok(Outcome::Done)
}

/// `DELIFEQ key value`
///
/// Removes a key if the string in it is `value`: 1 when it was removed, 0 when not. Valkey's word for DELEX with IFEQ.
///
/// ```resp
/// > SET lock me
/// OK
/// > DELIFEQ lock you
/// (integer) 0
/// > DELIFEQ lock me
/// (integer) 1
/// > EXISTS lock
/// (integer) 0
/// ```
pub fn delifeq(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let holds = Condition::IfEqual(req.arg(2)).holds(w.peek(key))?;
    let removed = holds && w.remove(key)?;
    out.integer(removed.into());
    Ok(Outcome::Done)
}

fn delex_condition<'a>(req: &Request<'a>) -> Result<Condition<'a>, Fault> {
    let value = req.arg(3);
    match req.arg(2).to_ascii_uppercase().as_slice() {
        b"IFEQ" => Ok(Condition::IfEqual(value)),
        b"IFNE" => Ok(Condition::IfNotEqual(value)),
        b"IFDEQ" => Ok(Condition::IfDigest(value)),
        b"IFDNE" => Ok(Condition::IfNotDigest(value)),
        _ => Err(Fault::new("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")),
    }
}
