//! Ids and bounds of ids, as they are written.

use kvark_call::Fault;
use kvark_values::stream::Id;

/// An unsigned integer, leading zeros allowed.
fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|_| text.iter().all(u8::is_ascii_digit));
    digits.and_then(|digits| digits.parse().ok())
}

/// Milliseconds, and what stands behind the hyphen.
fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == b'-') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn invalid() -> Fault {
    Fault::new("ERR Invalid stream ID specified as stream command argument")
}

/// An id, if `text` is one: `ms-seq`, or `ms` alone with `missing_seq` behind it.
pub fn parse(text: &[u8], missing_seq: u64) -> Option<Id> {
    let (ms, seq) = split(text);
    Some(Id { ms: number(ms)?, seq: seq.map_or(Some(missing_seq), number)? })
}

/// An id; `ms` alone is the first of its millisecond.
pub fn id(text: &[u8]) -> Result<Id, Fault> {
    parse(text, 0).ok_or_else(invalid)
}

/// Several ids.
pub fn all<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Id>, Fault> {
    texts.map(id).collect()
}

/// An id, or `-` and `+` for the lowest and the highest.
pub fn id_or_edge(text: &[u8], missing_seq: u64) -> Result<Id, Fault> {
    match text {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        _ => parse(text, missing_seq).ok_or_else(invalid),
    }
}

/// The first id of an interval that begins at `text`.
pub fn start(text: &[u8]) -> Result<Id, Fault> {
    match text {
        [b'(', excluded @ ..] if !excluded.is_empty() => {
            id(excluded)?.next().ok_or_else(|| Fault::new("ERR invalid start ID for the interval"))
        }
        _ => id_or_edge(text, 0),
    }
}

/// The last id of an interval that ends at `text`.
pub fn end(text: &[u8]) -> Result<Id, Fault> {
    match text {
        [b'(', excluded @ ..] if !excluded.is_empty() => {
            let excluded = parse(excluded, u64::MAX).ok_or_else(invalid)?;
            excluded.previous().ok_or_else(|| Fault::new("ERR invalid end ID for the interval"))
        }
        _ => id_or_edge(text, u64::MAX),
    }
}

/// Ids from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The first.
    pub start: Id,
    /// The last.
    pub end: Id,
}

impl Interval {
    /// From `first` to `last` as they are written.
    pub fn parse(first: &[u8], last: &[u8]) -> Result<Self, Fault> {
        Ok(Self { start: start(first)?, end: end(last)? })
    }
}

/// The id that an entry shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewId {
    /// `*`: by the clock.
    Next,
    /// `ms-*`: the next of that millisecond.
    Of(u64),
    /// This one.
    Exactly(Id),
}

impl NewId {
    /// As XADD takes it.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        match split(text) {
            (b"*", None) => Ok(Self::Next),
            (ms, Some(b"*")) => number(ms).map(Self::Of).ok_or_else(invalid),
            _ => id(text).map(Self::Exactly),
        }
    }

    /// The id, above `last`; `None` if there is none.
    pub fn after(self, last: Id, now_ms: u64) -> Option<Id> {
        let id = match self {
            Self::Next if now_ms > last.ms => Id::new(now_ms, 0),
            Self::Next => last.next()?,
            Self::Of(ms) if ms == last.ms => Id::new(ms, last.seq.checked_add(1)?),
            Self::Of(ms) => Id::new(ms, 0),
            Self::Exactly(id) => id,
        };
        (id > last).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_redis_takes_for_one() {
        for text in [&b""[..], b"-", b"+", b"*", b"-5", b"5-", b"5-5-5", b"5-x", b"x-5", b"18446744073709551616", b"+5"]
        {
            assert_eq!(parse(text, 0), None, "{}", text.escape_ascii());
        }
        assert_eq!(parse(b"18446744073709551615-007", 0), Some(Id::new(u64::MAX, 7)));
        assert_eq!((parse(b"5", 9), parse(b"5-1", 9)), (Some(Id::new(5, 9)), Some(Id::new(5, 1))));
    }

    #[test]
    fn a_new_id_is_above_the_last_or_there_is_none() {
        let last = Id::new(7, u64::MAX);
        assert_eq!(NewId::Next.after(last, 3), Some(Id::new(8, 0)));
        assert_eq!(NewId::Next.after(last, 9), Some(Id::new(9, 0)));
        assert_eq!(NewId::Of(7).after(last, 9), None);
        assert_eq!(NewId::Of(0).after(Id::MIN, 9), Some(Id::new(0, 1)));
        assert_eq!(NewId::Exactly(last).after(last, 9), None);
        assert_eq!(NewId::Next.after(Id::MAX, 9), None);
    }

    #[test]
    fn bounds_leave_out_what_a_bracket_excludes() {
        assert_eq!((start(b"(5").unwrap(), end(b"(5").unwrap()), (Id::new(5, 1), Id::new(5, u64::MAX - 1)));
        assert_eq!((start(b"5").unwrap(), end(b"5").unwrap()), (Id::new(5, 0), Id::new(5, u64::MAX)));
        assert!(start(b"(+").is_err() && end(b"(0-0").is_err() && start(b"(").is_err());
    }
}
