//! The pages in `docs/format` say what collections write.

use kvark_values::list::{self, End};
use kvark_values::wire::Reader;
use kvark_values::{Collection, Forms};

const VALUES: &str = include_str!("../../../docs/format/value.md");
const CHANGES: &str = include_str!("../../../docs/format/change.md");

/// The bytes of the first `hex` block under a heading of a page: the pairs of digits before the first wide gap of each line.
fn example(page: &str, heading: &str) -> Vec<u8> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("the page has the heading");
    let block = section.split("```hex\n").nth(1).expect("the section has an example").split("```").next().unwrap();
    let line = |line: &str| -> Vec<u8> {
        let digits = line.split("  ").next().unwrap().split(' ');
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    block.lines().flat_map(line).collect()
}

/// What `ops` make of an empty collection, as bytes.
fn encoded<C: Collection>(ops: &[u8]) -> Vec<u8> {
    let (mut collection, mut bytes) = (C::default(), Vec::new());
    collection.apply(&mut Reader::new(ops, "operations"), &Forms::default()).unwrap();
    collection.encode(&mut bytes);
    bytes
}

#[test]
fn lists() {
    let mut ops = Vec::new();
    for value in [&b"a"[..], b"", b"12"] {
        list::Op::Push { end: End::Back, value }.encode(&mut ops);
    }
    assert_eq!(example(VALUES, "Lists"), encoded::<kvark_values::List>(&ops));
}

#[test]
fn changes_of_lists() {
    let mut ops = Vec::new();
    list::Op::Push { end: End::Back, value: b"hi" }.encode(&mut ops);
    list::Op::Push { end: End::Front, value: b"7" }.encode(&mut ops);
    list::Op::Pop { end: End::Front, n: 2 }.encode(&mut ops);
    list::Op::Set { index: 0, value: b"a" }.encode(&mut ops);
    list::Op::InsertAt { index: 3, value: b"b" }.encode(&mut ops);
    list::remove_at(&[2, 3, 8], &mut ops);
    list::Op::Trim { start: 1, len: 10 }.encode(&mut ops);
    assert_eq!(example(CHANGES, "Lists"), ops);
}
