//! What HSCAN, SSCAN and ZSCAN have in common: their arguments, and the beginning of their answer.

use kvark_base::glob;
use kvark_call::{Fault, ReplySink, Request};
use kvark_values::{IntBuffer, StringRef};

use crate::args;

/// One step of a walk over the members of a collection.
#[derive(Debug)]
pub struct MemberScan<'a> {
    /// Where to go on; 0 is the beginning.
    pub cursor: u64,
    /// How many members to look at, about.
    pub count: usize,
    /// NOVALUES, NOSCORES: members only.
    pub members_only: bool,
    pattern: Option<&'a [u8]>,
}

impl<'a> MemberScan<'a> {
    /// From `[MATCH pattern] [COUNT count] [NOVALUES]` behind key and cursor; the last word is `members_only`, where there is one.
    pub fn parse(req: &Request<'a>, cursor: u64, members_only: Option<&str>) -> Result<Self, Fault> {
        let mut scan = Self { cursor, count: 10, members_only: false, pattern: None };
        let mut at = 3;
        while at < req.len() {
            at += match (req.arg(at).to_ascii_uppercase().as_slice(), req.get(at + 1)) {
                (b"COUNT", Some(count)) => {
                    scan.count = above_zero(count)?;
                    2
                }
                (b"MATCH", Some(pattern)) => {
                    scan.pattern = Some(pattern).filter(|&pattern| pattern != b"*");
                    2
                }
                (word, _) if members_only.is_some_and(|known| known.as_bytes() == word) => {
                    scan.members_only = true;
                    1
                }
                (b"NOVALUES", _) => return Err(Fault::new("ERR NOVALUES option can only be used in HSCAN")),
                _ => return Err(Fault::syntax()),
            };
        }
        Ok(scan)
    }

    /// Whether the pattern, if there is one, matches `member`.
    pub fn takes(&self, member: StringRef<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, member.text(&mut IntBuffer::new()), false))
    }
}

/// Begins the answer: where to go on, and that `replies` follow.
pub fn answer(next: u64, replies: usize, out: &mut dyn ReplySink) {
    out.array(2);
    out.bulk(next.to_string().as_bytes());
    out.array(replies);
}

/// The cursor of `key cursor ...`. Where there is nothing at the key, the words behind it may be anything.
pub fn cursor(req: &Request) -> Result<u64, Fault> {
    let number = std::str::from_utf8(req.arg(2)).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Fault::new("ERR invalid cursor"))
}

fn above_zero(text: &[u8]) -> Result<usize, Fault> {
    usize::try_from(args::integer(text)?).ok().filter(|&count| count > 0).ok_or_else(Fault::syntax)
}

#[cfg(test)]
mod tests {
    use kvark_call::request::OwnedRequest;

    use super::*;

    /// What becomes of `SSCAN key` (or of a word where `members_only` is one) with these words: cursor, count, whether members only
    /// are wanted, and whether a member `ab` is taken.
    fn parsed(words: &str, members_only: Option<&str>) -> Result<(u64, usize, bool, bool), String> {
        let request = OwnedRequest::new(["SCAN", "key"].into_iter().chain(words.split(' ')));
        let request = request.as_request();
        let scan = cursor(&request).and_then(|cursor| MemberScan::parse(&request, cursor, members_only));
        let scan = scan.map_err(|fault| fault.message().to_owned())?;
        Ok((scan.cursor, scan.count, scan.members_only, scan.takes(StringRef::Bytes(b"ab"))))
    }

    #[test]
    fn the_words_may_come_in_any_order_and_case() {
        assert_eq!(parsed("0", None), Ok((0, 10, false, true)));
        assert_eq!(parsed("18446744073709551615 count 3 MATCH a?", None), Ok((u64::MAX, 3, false, true)));
        assert_eq!(parsed("7 MATCH b* COUNT 3 COUNT 4", None), Ok((7, 4, false, false)));
        assert_eq!(parsed("7 novalues MATCH *", Some("NOVALUES")), Ok((7, 10, true, true)));
        assert_eq!(parsed("7 NoScores", Some("NOSCORES")), Ok((7, 10, true, true)));
    }

    #[test]
    fn a_pattern_is_compared_with_the_digits_of_a_number() {
        let request = OwnedRequest::new(["SSCAN", "key", "0", "MATCH", "1?"]);
        let scan = MemberScan::parse(&request.as_request(), 0, None).unwrap();
        assert!(scan.takes(StringRef::Int(17)) && !scan.takes(StringRef::Int(170)));
    }

    #[test]
    fn nonsense_is_refused_in_the_words_of_redis() {
        for (words, members_only, message) in [
            ("x", None, "ERR invalid cursor"),
            ("-1", None, "ERR invalid cursor"),
            ("0 COUNT 0", None, "ERR syntax error"),
            ("0 COUNT x", None, "ERR value is not an integer or out of range"),
            ("0 COUNT", None, "ERR syntax error"),
            ("0 MATCH", Some("NOVALUES"), "ERR syntax error"),
            ("0 TYPE set", None, "ERR syntax error"),
            ("0 NOSCORES", Some("NOVALUES"), "ERR syntax error"),
            ("0 NOVALUES", Some("NOSCORES"), "ERR NOVALUES option can only be used in HSCAN"),
            ("0 NOVALUES", None, "ERR NOVALUES option can only be used in HSCAN"),
        ] {
            assert_eq!(parsed(words, members_only), Err(message.to_owned()), "{words}");
        }
    }
}
