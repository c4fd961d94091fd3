//! What was emptied or deleted is gone at once and freed in the background.

use std::sync::Arc;

use kvark_keyspace::{Keyspace, Options, Reach};
use kvark_log::memory::MemoryLog;
use kvark_values::{NewValue, StringRef, Value};

fn keyspace() -> Keyspace {
    Keyspace::new(Options { shards: 2, seed: 0 }, Arc::new(MemoryLog::volatile()))
}

fn put(keyspace: &Keyspace, number: u32) {
    let key = format!("key:{number}").into_bytes();
    keyspace.write_one(0, keyspace.key(&key), 0).put(&key, StringRef::Bytes(&[7; 50]), 0).unwrap();
}

#[test]
fn an_emptied_database_is_empty_at_once_and_freed_later() {
    let keyspace = keyspace();
    (0..50_000).for_each(|number| put(&keyspace, number));
    let full = keyspace.census().entry_bytes;
    keyspace.flush(0).unwrap();
    assert_eq!(keyspace.len(0), 0);
    assert_eq!(keyspace.census().entry_bytes, full, "nobody waited for it to be freed");
    assert_eq!((keyspace.census().unfreed, keyspace.census().freed), (50_000, 0));
    (0..100).for_each(|number| put(&keyspace, number));
    keyspace.free_discarded();
    assert_eq!((keyspace.census().unfreed, keyspace.census().freed), (0, 50_000));
    assert_eq!(keyspace.len(0), 100);
    let left = keyspace.census().entry_bytes;
    assert!((100 * 50..=100 * 100).contains(&left), "{left} bytes for 100 keys");
    Reach::Free(&keyspace).flush_all().unwrap();
    keyspace.free_discarded();
    assert_eq!(keyspace.census().entry_bytes, 0);
}

#[test]
fn a_store_that_goes_while_something_waits_to_be_freed_frees_it() {
    let keyspace = keyspace();
    (0..5_000).for_each(|number| put(&keyspace, number));
    let long = NewValue::Owned(Value::Bytes(vec![1; 4 << 20]));
    keyspace.write_one(0, keyspace.key(b"long"), 0).put_value(b"long", long, 0).unwrap();
    assert!(keyspace.write_one(0, keyspace.key(b"long"), 0).remove(b"long").unwrap());
    keyspace.flush(0).unwrap();
    drop(keyspace);
}
