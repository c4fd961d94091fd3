//! The pages in `docs/format` say what the encoders write.

use std::sync::Arc;

use kvark_keyspace::parts::{Written, part_at};
use kvark_keyspace::tier_entry::{TierEntry, TierValue};
use kvark_keyspace::{Keyspace, Options};
use kvark_log::Log;
use kvark_log::memory::MemoryLog;
use kvark_tier::Batch;
use kvark_values::{Forms, NewValue, StringRef, Type, ValueRef, codec, set};

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
fn the_page_of_values_says_what_the_codec_writes() {
    let encoded = |text: &[u8]| {
        let mut scratch = codec::Scratch::default();
        let (kind, payload) = codec::encode(ValueRef::string(text), &mut scratch);
        [&[kind], payload].concat()
    };
    let page = include_str!("../../../docs/format/value.md");
    // The examples of collections are compared in `values`.
    assert_eq!(examples(page)[..2], [encoded(b"hello"), encoded(b"-2")]);
}

#[test]
fn the_page_of_the_tier_says_what_a_pass_writes() {
    let log = Arc::new(MemoryLog::volatile());
    let keyspace = Keyspace::new(Options { shards: 1, seed: 0 }, log.clone());
    while log.last() < 41 {
        log.append(&[b"x"]).unwrap();
    }
    let mut writer = keyspace.write_one(0, keyspace.key(b"user:100"), 0);
    writer.put(b"user:100", StringRef::new(b"hello"), 1_700_000_000_123).unwrap();
    drop(writer);
    let (mut pass, mut batch) = (keyspace.begin_pass(), Batch::new());
    while keyspace.continue_pass(&mut pass, &mut batch, usize::MAX) {}
    let (key, value) = batch.pop().unwrap();
    let value = value.unwrap();
    let page = include_str!("../../../docs/format/tier.md");
    assert_eq!(examples(page)[0], [key.as_slice(), &value].concat());
    let entry = TierEntry::decode(&key, &value, &Forms::default()).unwrap();
    assert_eq!(
        (entry.version, entry.expires_at, entry.value),
        (42, 1_700_000_000_123, TierValue::Whole(NewValue::String(StringRef::Bytes(b"hello"))))
    );
    for len in 0..value.len() - 5 {
        assert!(
            TierEntry::decode(&key, &value[..len], &Forms::default()).is_err(),
            "an entry cut to {len} bytes is refused"
        );
    }
}

#[test]
fn the_page_of_the_tier_says_how_parts_are_written() {
    let example = &examples(include_str!("../../../docs/format/tier.md"))[1];
    let (entry_key, rest) = example.split_at(2);
    let (entry, rest) = rest.split_at(8 + 1 + 1 + 28);
    let (part_key, ops) = rest.split_at(13);
    let written = Written { id: 5, parts: 2, copied_bytes: 100, changed_bytes: 0 };
    assert_eq!(entry[10..], written.encode());
    let decoded = TierEntry::decode(entry_key, entry, &Forms::default()).unwrap();
    assert_eq!((decoded.key, decoded.version), (&b"s"[..], 9));
    assert_eq!(decoded.value, TierValue::InParts(Type::Set, written));
    assert_eq!(part_at(part_key), Some((0, 5, 1)));
    let mut red = Vec::new();
    set::Op::Add { member: b"red", deadline: 0 }.encode(&mut red);
    assert_eq!(ops, red);
    for len in 0..entry.len() {
        assert!(TierEntry::decode(entry_key, &entry[..len], &Forms::default()).is_err(), "cut to {len} bytes");
    }
}
