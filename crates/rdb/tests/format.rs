//! The page `docs/format/dump.md` says what is written.

mod common;

use common::{parts, written};
use kvark_rdb::Part;
use kvark_values::Type;

/// The bytes of each `hex` block of a page: the pairs of digits before the first wide gap of each line.
fn examples(page: &str) -> Vec<Vec<u8>> {
    let blocks = page.split("```hex\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let line = |line: &str| -> Vec<u8> {
        let digits = line.split("  ").next().unwrap().split(' ');
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    blocks.map(|block| block.lines().flat_map(line).collect()).collect()
}

#[test]
fn the_page_of_dumps_says_what_is_written() {
    let member = |member, expires_at| Part::Member { member, expires_at };
    let values = [
        (Type::String, vec![Part::Text(b"hello")]),
        (Type::List, vec![Part::Element(b"a"), Part::Element(b"300")]),
        (Type::Set, vec![member(b"a", 0), member(b"b", 1_700_000_000_123)]),
    ];
    let page = examples(include_str!("../../../docs/format/dump.md"));
    for ((of_type, value), example) in values.into_iter().zip(page) {
        assert_eq!(format!("{:02x?}", written(of_type, &value)), format!("{example:02x?}"));
        assert_eq!(parts(&example), Ok(value));
    }
}

#[test]
fn sorted_sets_with_deadlines_go_round() {
    let scored = |member, score, expires_at| Part::Scored { member, score, expires_at };
    let value = vec![scored(b"a", -0.5, 0), scored(b"b", f64::INFINITY, 5), scored(b"c", 3.0, 70_000)];
    let payload = written(Type::Zset, &value);
    assert_eq!((payload[0], parts(&payload)), (201, Ok(value)));
}
