//! Parts of a string: read, written, appended.

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::{IntBuffer, StringRef};

use super::get_value;
use crate::row::Answer;
use crate::typed::string_of;

pub(crate) const SOURCE: &str = include_str!("ranges.rs");

/// `STRLEN key`
///
/// How many bytes the string at a key has. A missing key has none.
///
/// ```resp
/// > SET greeting hello
/// OK
/// > STRLEN greeting
/// (integer) 5
/// > STRLEN nobody
/// (integer) 0
/// ```
pub fn strlen(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let len = get_value(view, req.arg(1))?.map_or(0, |value| value.text_len());
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// `APPEND key value`
///
/// Appends to the string at a key and answers its new length. A missing key is made.
///
/// ```resp
/// > APPEND log "one "
/// (integer) 4
/// > APPEND log two
/// (integer) 7
/// > GET log
/// "one two"
/// ```
pub fn append(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, bytes) = (req.arg(1), req.arg(2));
    let len = match len_at(w, key)? {
        None => {
            w.put(key, StringRef::new(bytes), 0)?;
            bytes.len()
        }
        Some(len) if bytes.is_empty() => {
            w.tell_usual(key);
            len
        }
        Some(len) => {
            check_len(len, bytes.len())?;
            w.splice(key, len, bytes)?
        }
    };
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// `SETRANGE key offset value`
///
/// Overwrites the string at a key from an offset on, filling up with zero bytes, and answers its new length. A missing
/// key is an empty string.
///
/// ```resp
/// > SET greeting "hello world"
/// OK
/// > SETRANGE greeting 6 kvark
/// (integer) 11
/// > GET greeting
/// "hello kvark"
/// > SETRANGE greeting -1 x
/// (error) ERR offset is out of range
/// ```
pub fn setrange(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, bytes) = (req.arg(1), req.arg(3));
    let offset = number::parse_i64(req.arg(2)).ok_or_else(Fault::not_an_integer)?;
    let offset = usize::try_from(offset).map_err(|_| Fault::new("ERR offset is out of range"))?;
    let len = if bytes.is_empty() {
        len_at(w, key)?.unwrap_or(0)
    } else {
        len_at(w, key)?;
        check_len(offset, bytes.len())?;
        w.splice(key, offset, bytes)?
    };
    out.integer(len as i64);
    Ok(Outcome::Done)
}

/// How long the string at `key` is.
fn len_at(w: &Writer, key: &[u8]) -> Result<Option<usize>, Fault> {
    w.peek(key).map(|entry| Ok(string_of(&entry)?.text_len())).transpose()
}

fn check_len(len: usize, more: usize) -> Result<(), Fault> {
    match len.checked_add(more) {
        Some(total) if total <= MAX_VALUE_LEN => Ok(()),
        _ => Err(Fault::new("ERR string exceeds maximum allowed size (proto-max-bulk-len)")),
    }
}

/// `GETRANGE key start end`
///
/// The bytes of the string at a key from one offset to another, both included. Negative offsets count from the end.
///
/// ```resp
/// > SET greeting "hello world"
/// OK
/// > GETRANGE greeting 0 4
/// "hello"
/// > GETRANGE greeting -5 -1
/// "world"
/// > GETRANGE nobody 0 -1
/// ""
/// ```
pub fn getrange(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let start = number::parse_i64(req.arg(2)).ok_or_else(Fault::not_an_integer)?;
    let end = number::parse_i64(req.arg(3)).ok_or_else(Fault::not_an_integer)?;
    let mut digits = IntBuffer::new();
    let text = match get_value(view, req.arg(1))? {
        None => &[],
        Some(value) => value.text(&mut digits),
    };
    out.bulk(slice(text, start, end));
    Ok(Outcome::Done)
}

/// `SUBSTR key start end`
///
/// The older name of GETRANGE.
///
/// ```resp
/// > SET greeting "hello world"
/// OK
/// > SUBSTR greeting 0 4
/// "hello"
/// ```
pub fn substr(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    getrange(view, req, out)
}

fn slice(text: &[u8], start: i64, end: i64) -> &[u8] {
    let len = text.len() as i64;
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let from_end = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    if start > end { &[] } else { &text[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use super::slice;

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        let text = b"Hello World";
        for (start, end, cut) in [
            (0, 3, "Hell"),
            (0, -1, "Hello World"),
            (-4, -1, "orld"),
            (5, 3, ""),
            (5, 5000, " World"),
            (-5000, 10000, "Hello World"),
            (0, -100, "H"),
            (1, -100, ""),
            (-1, -100, ""),
            (-100, -99, "H"),
            (i64::MIN, i64::MAX, "Hello World"),
            (i64::MAX, i64::MIN, ""),
        ] {
            assert_eq!(slice(text, start, end), cut.as_bytes(), "{start} {end}");
        }
        assert_eq!(slice(b"", 0, -1), b"");
    }
}
