//! Changes of collections: through the one door, into the log, and back out of it.

use std::sync::Arc;

use kvark_keyspace::checkpoint::Checkpoint;
use kvark_keyspace::recover::Recovery;
use kvark_keyspace::{Keyspace, Options};
use kvark_log::Log;
use kvark_log::memory::{MemoryLog, Shelf};
use kvark_values::list::{End, Op};
use kvark_values::{IntBuffer, Type, ValueRef, hash};

const KEY: &[u8] = b"queue";

fn keyspace(shelf: &Shelf) -> Keyspace {
    Keyspace::new(Options { shards: 1, seed: 0 }, Arc::new(MemoryLog::on(shelf)))
}

/// A keyspace that has replayed what lies on the shelf.
fn recovered(shelf: &Shelf) -> Keyspace {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::on(shelf));
    let keyspace = Keyspace::new(Options { shards: 1, seed: 0 }, Arc::clone(&log));
    let mut recovery = Recovery::new(&keyspace, &Checkpoint::default());
    log.replay(0, &mut |position, record| recovery.record(position, record)).unwrap();
    recovery.take_records().unwrap();
    keyspace
}

fn change(keyspace: &Keyspace, now_ms: u64, ops: &[Op<'_>]) {
    let mut bytes = Vec::new();
    ops.iter().for_each(|op| op.encode(&mut bytes));
    let mut writer = keyspace.write_one(0, keyspace.key(KEY), now_ms);
    writer.change(KEY, Type::List, &bytes).unwrap();
    drop(writer);
    keyspace.log().seal(keyspace.log().last()).unwrap();
}

fn push(value: &[u8]) -> Op<'_> {
    Op::Push { end: End::Back, value }
}

/// What the key holds at a time: values and deadline.
fn held(keyspace: &Keyspace, now_ms: u64) -> Option<(Vec<Vec<u8>>, u64)> {
    let view = keyspace.view_one(0, keyspace.key(KEY), now_ms);
    let entry = view.peek(KEY)?;
    let ValueRef::List(list) = entry.value() else { panic!("{:?}", entry.value()) };
    Some((list.iter().map(|value| value.text(&mut IntBuffer::new()).to_vec()).collect(), entry.expires_at()))
}

fn values(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn a_change_keeps_the_deadline_and_comes_back() {
    let shelf = Shelf::default();
    let store = keyspace(&shelf);
    store.log().replay(0, &mut |_, _| Ok(())).unwrap();
    change(&store, 10, &[push(b"a"), push(b"2")]);
    assert!(store.write_one(0, store.key(KEY), 10).expire_at(KEY, 1000).unwrap());
    change(&store, 20, &[push(b"c"), Op::Pop { end: End::Front, n: 1 }]);
    let expected = Some((values(&["2", "c"]), 1000));
    assert_eq!(held(&store, 20), expected);
    assert_eq!(held(&recovered(&shelf), 20), expected);
}

#[test]
fn a_collection_that_is_left_without_members_goes_with_its_key() {
    let shelf = Shelf::default();
    let store = keyspace(&shelf);
    store.log().replay(0, &mut |_, _| Ok(())).unwrap();
    change(&store, 10, &[push(b"a")]);
    change(&store, 10, &[Op::Pop { end: End::Back, n: 1 }]);
    assert_eq!((store.len(0), recovered(&shelf).len(0)), (0, 0));
}

#[test]
fn what_had_expired_does_not_shine_through() {
    let shelf = Shelf::default();
    let store = keyspace(&shelf);
    store.log().replay(0, &mut |_, _| Ok(())).unwrap();
    change(&store, 10, &[push(b"old")]);
    assert!(store.write_one(0, store.key(KEY), 10).expire_at(KEY, 100).unwrap());
    change(&store, 100, &[push(b"new")]);
    let expected = Some((values(&["new"]), 0));
    assert_eq!(held(&store, 100), expected);
    assert_eq!(held(&recovered(&shelf), 100), expected);
}

/// A store with a hash of 5,000 fields that expire at 100, and one that stays.
fn with_fields_due() -> Keyspace {
    let store = keyspace(&Shelf::default());
    store.log().replay(0, &mut |_, _| Ok(())).unwrap();
    let mut ops = Vec::new();
    for field in 0..5_001u32 {
        let (field, expires_at) = (field.to_string(), if field == 0 { 0 } else { 100 });
        hash::Op::Set { field: field.as_bytes(), value: b"v", expires_at }.encode(&mut ops);
    }
    store.write_one(0, store.key(KEY), 10).change(KEY, Type::Hash, &ops).unwrap();
    store
}

fn fields(store: &Keyspace, now_ms: u64) -> usize {
    let view = store.view_one(0, store.key(KEY), now_ms);
    view.peek(KEY).map_or(0, |entry| entry.value().members())
}

#[test]
fn who_looks_at_another_key_does_not_wait_for_members_that_are_due() {
    let store = with_fields_due();
    let before = store.log().last();
    assert!(store.view_one(0, store.key(b"other"), 100).peek(b"other").is_none());
    assert_eq!(store.log().last(), before, "members of a key that nobody asked for were removed");
    assert_eq!((fields(&store, 99), fields(&store, 100)), (5_001, 1));
}

#[test]
fn the_sweep_removes_members_in_slices() {
    let store = with_fields_due();
    let before = store.log().last();
    store.sweep(100).unwrap();
    assert_eq!(store.log().last() - before, 5, "a record of the log for each slice");
    assert_eq!(fields(&store, 100), 1);
    assert_eq!(store.log().last() - before, 5, "nothing was left to be removed");
}
