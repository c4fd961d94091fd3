//! The pages in `docs/format` say what collections write.

use kvark_values::list::{self, End};
use kvark_values::stream::{self, GroupOp, Id};
use kvark_values::wire::Reader;
use kvark_values::{Collection, Copying, Forms, hash, set};

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

fn bytes_of(ops: &[stream::Op]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ops.iter().for_each(|op| op.encode(&mut bytes));
    bytes
}

#[test]
fn streams() {
    let ids = [Id::new(1000, 0), Id::new(1003, 0)];
    let in_group = |op| stream::Op::Group { name: b"g", op };
    let ops = [
        stream::Op::Append { id: ids[0], pairs: &[b"t", b"21"] },
        stream::Op::Append { id: ids[1], pairs: &[b"t", b"hot"] },
        stream::Op::Append { id: Id::new(1003, 1), pairs: &[b"u", b""] },
        in_group(GroupOp::Create { last_id: ids[1], entries_read: Some(2) }),
        in_group(GroupOp::Assign { consumer: b"c", delivered_at: 5000, deliveries: 1, ids: &ids }),
        in_group(GroupOp::SetConsumer { consumer: b"c", seen_at: 5000, active_at: 5000 }),
    ];
    assert_eq!(example(VALUES, "Streams"), encoded::<kvark_values::Stream>(&bytes_of(&ops)));
}

/// The operation that appends all entries of a stream with one, without those that follow it in a copy.
fn appended(op: &stream::Op) -> Vec<u8> {
    let (mut stream, mut part) = (kvark_values::Stream::default(), Vec::new());
    let ops = bytes_of(std::slice::from_ref(op));
    stream.apply(&mut Reader::new(&ops, "a stream"), &Forms::default()).unwrap();
    stream.copy_part(&mut Copying::default(), 1, &mut part);
    part
}

#[test]
fn changes_of_streams() {
    let ids = [Id::new(1000, 0), Id::new(1003, 1)];
    let in_group = |op| stream::Op::Group { name: b"g", op };
    let ops = [
        stream::Op::Append { id: ids[0], pairs: &[b"t", b"21"] },
        stream::Op::Delete { ids: &ids },
        stream::Op::Trim { through: ids[1] },
        stream::Op::SetIds { last_id: ids[1], entries_added: 2, max_deleted_id: ids[0] },
        in_group(GroupOp::Create { last_id: Id::MIN, entries_read: None }),
        in_group(GroupOp::SetRead { last_id: ids[1], entries_read: Some(2) }),
        in_group(GroupOp::Destroy),
        in_group(GroupOp::SetConsumer { consumer: b"c", seen_at: 300, active_at: 0 }),
        in_group(GroupOp::DeleteConsumer { consumer: b"c" }),
        in_group(GroupOp::Assign { consumer: b"c", delivered_at: 300, deliveries: 1, ids: &ids }),
        in_group(GroupOp::Acknowledge { ids: &ids[..1] }),
    ];
    let mut bytes = bytes_of(&ops);
    bytes.extend(appended(&ops[0]));
    assert_eq!(example(CHANGES, "Streams"), bytes);
}

const DEADLINE: u64 = 1_700_000_000_000;

#[test]
fn sets() {
    let mut ops = Vec::new();
    set::Op::Add { member: b"red", deadline: DEADLINE }.encode(&mut ops);
    set::Op::Add { member: b"17", deadline: 0 }.encode(&mut ops);
    assert_eq!(example(VALUES, "Sets"), encoded::<kvark_values::Set>(&ops));
}

#[test]
fn changes_of_sets() {
    let mut ops = Vec::new();
    set::Op::Add { member: b"red", deadline: 0 }.encode(&mut ops);
    set::Op::Add { member: b"blue", deadline: DEADLINE }.encode(&mut ops);
    set::Op::Expire { member: b"red", at: DEADLINE }.encode(&mut ops);
    set::Op::Remove { member: b"17" }.encode(&mut ops);
    assert_eq!(example(CHANGES, "Sets"), ops);
}

#[test]
fn hashes() {
    let mut ops = Vec::new();
    hash::Op::Set { field: b"name", value: b"ada", expires_at: 0 }.encode(&mut ops);
    hash::Op::Set { field: b"17", value: b"", expires_at: 1_700_000_000_000 }.encode(&mut ops);
    assert_eq!(example(VALUES, "Hashes"), encoded::<kvark_values::Hash>(&ops));
}

#[test]
fn changes_of_hashes() {
    let mut ops = Vec::new();
    hash::Op::Set { field: b"name", value: b"ada", expires_at: 0 }.encode(&mut ops);
    hash::Op::Set { field: b"17", value: b"", expires_at: 1_700_000_000_000 }.encode(&mut ops);
    hash::Op::Update { field: b"17", value: b"42" }.encode(&mut ops);
    hash::Op::Expire { field: b"17", at: 0 }.encode(&mut ops);
    hash::Op::Remove { field: b"17" }.encode(&mut ops);
    assert_eq!(example(CHANGES, "Hashes"), ops);
}
