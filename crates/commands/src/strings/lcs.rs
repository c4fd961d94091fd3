//! The longest common subsequence of two strings, by the table of all prefixes (Wagner and Fischer, 1974).
//!
//! Invariant: the table is computed on copies, with no shard held.

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_base::number;
use kvark_call::{Fault, Outcome, ReplySink, Request};

use super::{get_value, text_of};
use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("lcs.rs");

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`
///
/// The longest common subsequence of two strings; LEN answers its length only, IDX the matching ranges in both strings
/// from the last to the first, those of at least MINMATCHLEN bytes, each with its length if WITHMATCHLEN is given.
///
/// ```resp
/// > MSET {pair}1 ohmytext {pair}2 mynewtext
/// OK
/// > LCS {pair}1 {pair}2
/// "mytext"
/// > LCS {pair}1 {pair}2 LEN
/// (integer) 6
/// > LCS {pair}1 {pair}2 IDX MINMATCHLEN 4 WITHMATCHLEN
/// 1) "matches"
/// 2) 1) 1) 1) (integer) 4
///          2) (integer) 7
///       2) 1) (integer) 5
///          2) (integer) 8
///       3) (integer) 4
/// 3) "len"
/// 4) (integer) 6
/// ```
pub fn lcs(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (a, b) = both_texts(ctx, req)?;
    let options = Options::parse(req)?;
    let table = Table::new(&a, &b)?;
    match options.form {
        Form::Length => out.integer(table.length().into()),
        Form::Text => out.bulk(&table.text(&a, &b)),
        Form::Ranges => answer_ranges(&table, &table.ranges(&a, &b), &options, out),
    }
    Ok(Outcome::Done)
}

fn both_texts(ctx: &mut Context, req: &Request) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let (a, b) = (req.arg(1), req.arg(2));
    let (texts, seen) = ctx.keys.read(ctx.session.db, [a, b].into_iter(), ctx.now_ms, |view| {
        let text = |key: &[u8]| match get_value(view, key) {
            Ok(value) => Ok(value.map_or_else(Vec::new, text_of)),
            Err(_) => Err(Fault::new("ERR The specified keys must contain string values")),
        };
        (text(a).and_then(|a| Ok((a, text(b)?))), view.seen())
    });
    ctx.position = ctx.position.max(seen);
    texts
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Length,
    Ranges,
}

struct Options {
    form: Form,
    min_len: i64,
    with_len: bool,
}

impl Options {
    fn parse(req: &Request) -> Result<Self, Fault> {
        let (mut len, mut ranges, mut with_len, mut min_len) = (false, false, false, 0);
        let mut at = 3;
        while at < req.len() {
            if req.is(at, "IDX") {
                ranges = true;
            } else if req.is(at, "LEN") {
                len = true;
            } else if req.is(at, "WITHMATCHLEN") {
                with_len = true;
            } else if req.is(at, "MINMATCHLEN") && at + 1 < req.len() {
                at += 1;
                min_len = number::parse_i64(req.arg(at)).ok_or_else(Fault::not_an_integer)?;
            } else {
                return Err(Fault::syntax());
            }
            at += 1;
        }
        let form = match (len, ranges) {
            (true, true) => {
                let message = "ERR If you want both the length and indexes, please just use IDX.";
                return Err(Fault::new(message));
            }
            (true, false) => Form::Length,
            (false, true) => Form::Ranges,
            (false, false) => Form::Text,
        };
        Ok(Self { form, min_len, with_len })
    }
}

/// A stretch of `len` bytes that both strings have, at `a` in the one and at `b` in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    a: usize,
    b: usize,
    len: usize,
}

/// The length of the longest common subsequence of each pair of prefixes.
struct Table {
    cells: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Result<Self, Fault> {
        let width = b.len() + 1;
        let len = (a.len() + 1).saturating_mul(width);
        if len.saturating_mul(size_of::<u32>()) > MAX_VALUE_LEN {
            let message = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
            return Err(Fault::new(message));
        }
        let mut cells = vec![0u32; len];
        for (i, byte) in a.iter().enumerate() {
            let (above, row) = cells[i * width..(i + 2) * width].split_at_mut(width);
            for (j, other) in b.iter().enumerate() {
                row[j + 1] = if byte == other { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
        Ok(Self { cells, width })
    }

    fn length(&self) -> u32 {
        self.cells[self.cells.len() - 1]
    }

    /// Walks back from the end; calls `each` with the places of every matching byte, the last one first.
    fn walk_back(&self, a: &[u8], b: &[u8], mut each: impl FnMut(usize, usize)) {
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                each(i - 1, j - 1);
                (i, j) = (i - 1, j - 1);
            } else if self.cells[(i - 1) * self.width + j] > self.cells[i * self.width + j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    fn text(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.length() as usize);
        self.walk_back(a, b, |i, _| text.push(a[i]));
        text.reverse();
        text
    }

    fn ranges(&self, a: &[u8], b: &[u8]) -> Vec<Stretch> {
        let mut ranges: Vec<Stretch> = Vec::new();
        self.walk_back(a, b, |i, j| match ranges.last_mut() {
            Some(last) if last.a == i + 1 && last.b == j + 1 => *last = Stretch { a: i, b: j, len: last.len + 1 },
            _ => ranges.push(Stretch { a: i, b: j, len: 1 }),
        });
        ranges
    }
}

fn answer_ranges(table: &Table, ranges: &[Stretch], options: &Options, out: &mut dyn ReplySink) {
    let wanted = || ranges.iter().filter(|range| range.len as i64 >= options.min_len);
    out.map(2);
    out.bulk(b"matches");
    out.array(wanted().count());
    for &Stretch { a, b, len } in wanted() {
        out.array(if options.with_len { 3 } else { 2 });
        for start in [a, b] {
            out.array(2);
            out.integer(start as i64);
            out.integer((start + len - 1) as i64);
        }
        if options.with_len {
            out.integer(len as i64);
        }
    }
    out.bulk(b"len");
    out.integer(table.length().into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;

    fn by_trying_all(a: &[u8], b: &[u8]) -> usize {
        match (a, b) {
            ([x, a_rest @ ..], [y, b_rest @ ..]) if x == y => 1 + by_trying_all(a_rest, b_rest),
            ([_, a_rest @ ..], [_, b_rest @ ..]) => by_trying_all(a_rest, b).max(by_trying_all(a, b_rest)),
            _ => 0,
        }
    }

    fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
        let mut rest = whole.iter();
        part.iter().all(|byte| rest.any(|other| other == byte))
    }

    #[test]
    fn the_table_agrees_with_trying_all() {
        let mut random = Random::from_seed(7);
        let mut text = |max: u64| -> Vec<u8> {
            let len = random.below(max);
            (0..len).map(|_| b'a' + random.below(3) as u8).collect()
        };
        for _ in 0..300 {
            let (a, b) = (text(9), text(9));
            let table = Table::new(&a, &b).unwrap();
            let found = table.text(&a, &b);
            assert_eq!(found.len(), by_trying_all(&a, &b));
            assert!(is_subsequence(&found, &a) && is_subsequence(&found, &b));
            let from_ranges: Vec<u8> =
                table.ranges(&a, &b).iter().rev().flat_map(|range| &a[range.a..range.a + range.len]).copied().collect();
            assert_eq!(from_ranges, found);
        }
    }

    #[test]
    fn a_table_that_is_too_large_is_refused() {
        let long = vec![b'x'; 20_000];
        assert!(Table::new(&long, &long).is_err());
    }
}
