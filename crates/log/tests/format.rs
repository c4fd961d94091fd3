//! The worked examples of `docs/format/record.md` are what the encoder writes.

use kvark_log::record::Reason;
use kvark_log::{Effect, RecordBuffer};

const PAGE: &str = include_str!("../../../docs/format/record.md");

const EXAMPLES: [(&str, Effect<'static>); 8] = [
    ("put", Effect::Put { db: 0, key: b"user:100", expires_at: 0, kind: 1, payload: b"hi" }),
    ("put, expires", Effect::Put { db: 0, key: b"k", expires_at: 1_700_000_000_000, kind: 1, payload: b"hi" }),
    ("remove", Effect::Remove { db: 15, key: b"k", reason: Reason::Expired }),
    ("expire at", Effect::ExpireAt { db: 0, key: b"k", expires_at: 1_700_000_000_000 }),
    ("splice", Effect::Splice { db: 0, key: b"k", offset: 300, bytes: b"abc" }),
    ("flush", Effect::Flush { db: 3 }),
    ("swap", Effect::Swap { a: 0, b: 1 }),
    ("change", Effect::Change { db: 0, key: b"k", of_nothing: true, kind: 3, ops: b"op" }),
];

/// The lines `name: bytes` of the page's example.
fn page() -> Vec<(String, String)> {
    let block = PAGE.split("```hex\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has examples");
    let line = |line: &str| {
        let (name, bytes) = line.split_once(": ").expect("a name");
        (name.trim().to_string(), bytes.split("  #").next().expect("bytes").trim().to_string())
    };
    block.lines().map(line).collect()
}

#[test]
fn the_page_shows_what_the_encoder_writes() {
    let mut written = Vec::new();
    for (name, effect) in EXAMPLES {
        let mut buffer = RecordBuffer::default();
        let record = effect.encode(&mut buffer).concat();
        assert_eq!(Effect::decode(&record), Ok(effect));
        let hex: Vec<String> = record.iter().map(|byte| format!("{byte:02x}")).collect();
        written.push((name.to_string(), hex.join(" ")));
    }
    assert_eq!(page(), written);
}
