//! Asking the cache for members ahead of time: who is asked, and who is not kept waiting.

use std::sync::Arc;

use kvark_keyspace::{Keyspace, Options};
use kvark_log::memory::MemoryLog;
use kvark_values::set::Op;
use kvark_values::{Approach, NewValue, Set, StringRef, Type, Value};

/// One with a big set at `big`, a small one at `small` and a string at `text`.
fn keyspace(shards: usize) -> Keyspace {
    let keyspace = Keyspace::new(Options { shards, seed: 0 }, Arc::new(MemoryLog::volatile()));
    let members: Vec<String> = (0..1000).map(|number| format!("member:{number}")).collect();
    let mut ops = Vec::new();
    members.iter().for_each(|member| Op::Add { member: member.as_bytes(), deadline: 0 }.encode(&mut ops));
    keyspace.write_one(0, keyspace.key(b"big"), 0).change(b"big", Type::Set, &ops).unwrap();
    let small = NewValue::Owned(Value::Set(Set::from_members([StringRef::Bytes(b"member:1")], keyspace.forms())));
    keyspace.write_one(0, keyspace.key(b"small"), 0).put_value(b"small", small, 0).unwrap();
    keyspace.write_one(0, keyspace.key(b"text"), 0).put(b"text", StringRef::Bytes(b"member:1"), 0).unwrap();
    keyspace
}

fn step(keyspace: &Keyspace, db: u32, key: &[u8], approach: &mut Approach) {
    keyspace.step(db).towards(&keyspace.key(key), b"member:1", approach);
}

#[test]
fn members_of_big_collections_are_approached_and_nothing_else() {
    let keyspace = keyspace(4);
    for (db, key) in [(1, "big"), (0, "small"), (0, "text"), (0, "nobody")] {
        let mut approach = Approach::default();
        step(&keyspace, db, key.as_bytes(), &mut approach);
        assert_eq!(approach, Approach::Begins, "{key} in database {db}");
    }
    let mut approach = Approach::default();
    (0..Approach::STEPS).for_each(|_| step(&keyspace, 0, b"big", &mut approach));
    assert_eq!(approach, Approach::Arrived);
}

#[test]
fn a_shard_that_somebody_holds_is_passed_over() {
    let keyspace = keyspace(4);
    let mut approach = Approach::default();
    let view = keyspace.view_one(0, keyspace.key(b"big"), 0);
    step(&keyspace, 0, b"big", &mut approach);
    assert_eq!(approach, Approach::Begins);
    drop(view);
    step(&keyspace, 0, b"big", &mut approach);
    assert_ne!(approach, Approach::Begins);
}

#[test]
fn a_step_holds_one_shard_at_a_time() {
    let keyspace = keyspace(4);
    let (big, other) = (keyspace.key(b"big"), keyspace.key(b"small"));
    assert_ne!(big.shard, other.shard, "the keys were chosen so");
    let mut step = keyspace.step(0);
    step.towards(&big, b"member:1", &mut Approach::default());
    step.towards(&other, b"member:1", &mut Approach::default());
    assert!(keyspace.view_one(0, big, 0).peek(b"big").is_some(), "it has let go of the first one");
}
