//! DUMP and RESTORE: refusals in Redis' own words, deadlines, accesses.

mod common;

use common::{START_MS, Store, replayed};
use kvark_commands::examples::Reply;

const HELLO: &str = r#""\x00\x05hello\t\x00\xb3\x80\x8e\xba1\xb2C\xbb""#;
const BAD: &str = "(error) ERR Bad data format";
const WRONG: &str = "(error) ERR DUMP payload version or checksum are wrong";

fn dumped(store: &mut Store, key: &str) -> Vec<u8> {
    match store.collect(&["DUMP", key]).0.replies.pop() {
        Some(Reply::Bulk(bytes)) => bytes,
        other => panic!("DUMP {key} answered {other:?}"),
    }
}

#[test]
fn restore_refuses_in_redis_own_words() {
    let mut store = Store::new();
    store.expect(&[("SET taken 1", "OK")]);
    for (line, refusal) in [
        ("RESTORE k 0 xyz NONSENSE", "ERR syntax error"),
        ("RESTORE k 0 xyz IDLETIME", "ERR syntax error"),
        ("RESTORE k 0 xyz IDLETIME 1 FREQ 1", "ERR syntax error"),
        ("RESTORE k 0 xyz FREQ 1 IDLETIME 1", "ERR syntax error"),
        ("RESTORE k 0 xyz IDLETIME x", "ERR value is not an integer or out of range"),
        ("RESTORE k 0 xyz IDLETIME -1", "ERR Invalid IDLETIME value, must be >= 0"),
        ("RESTORE k 0 xyz FREQ 256", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ("RESTORE k 0 xyz FREQ -1", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ("RESTORE taken x xyz", "BUSYKEY Target key name already exists."),
        ("RESTORE taken x xyz REPLACE", "ERR value is not an integer or out of range"),
        ("RESTORE k -1 xyz", "ERR Invalid TTL value, must be >= 0"),
        ("RESTORE k 9223372036854775807 xyz", "ERR Invalid TTL value, must be >= 0"),
        ("RESTORE k 0 xyz", "ERR DUMP payload version or checksum are wrong"),
        ("RESTORE k 0", "ERR wrong number of arguments for 'restore' command"),
    ] {
        assert_eq!(store.type_line(line), format!("(error) {refusal}"), "{line}");
    }
    assert_eq!(store.type_line("KEYS *"), r#"1) "taken""#);
}

#[test]
fn a_payload_that_makes_no_sense_changes_nothing() {
    let mut store = Store::new();
    store.expect(&[("SET k before", "OK")]);
    let framed = |value: &[u8]| kvark_rdb::payload::framed(value.to_vec(), 9);
    for value in [&b""[..], b"\x00", b"\x07\x01", b"\x63\x01", b"\x01\x00", b"\x01\x02\x01a", b"\x00\xc3\x01\x7fa"] {
        let shown = store.run(&[&b"RESTORE"[..], b"k", b"0", &framed(value), b"REPLACE"]);
        assert_eq!(shown, BAD, "{value:02x?}");
    }
    store.expect(&[
        (&format!("RESTORE k 0 {} REPLACE", HELLO.replace("hello", "hullo")), WRONG),
        ("GET k", "\"before\""),
    ]);
}

#[test]
fn restore_sets_the_deadline_that_is_asked_for() {
    let mut store = Store::new();
    store.expect(&[
        (&format!("RESTORE a 0 {HELLO}"), "OK"),
        (&format!("RESTORE b 5000 {HELLO}"), "OK"),
        (&format!("RESTORE c {} {HELLO} absttl", START_MS + 7000), "OK"),
        ("PTTL a", "(integer) -1"),
        ("PTTL b", "(integer) 5000"),
        ("PTTL c", "(integer) 7000"),
        (&format!("RESTORE b 0 {HELLO} REPLACE"), "OK"),
        ("PTTL b", "(integer) -1"),
    ]);
}

#[test]
fn what_is_past_already_only_removes() {
    let mut store = Store::new();
    store.expect(&[
        ("SET old 1", "OK"),
        (&format!("RESTORE old {} {HELLO} ABSTTL REPLACE", START_MS), "OK"),
        ("EXISTS old", "(integer) 0"),
        (&format!("RESTORE new 1 {HELLO} ABSTTL"), "OK"),
        ("EXISTS new", "(integer) 0"),
    ]);
}

#[test]
fn restore_may_say_how_long_nobody_has_accessed_it() {
    let mut store = Store::new();
    store.expect(&[
        (&format!("RESTORE a 0 {HELLO} IDLETIME 1000"), "OK"),
        ("OBJECT IDLETIME a", "(integer) 1000"),
        (&format!("RESTORE b 0 {HELLO} IDLETIME 9223372036854775807"), "OK"),
        ("OBJECT IDLETIME b", "(integer) 262143"),
        (&format!("RESTORE c 0 {HELLO} FREQ 255"), "OK"),
        ("OBJECT IDLETIME c", "(integer) 0"),
    ]);
}

#[test]
fn every_type_comes_back_and_is_there_after_a_crash() {
    let lines = [
        "SET k 12",
        "SETRANGE k 100000 x",
        "RPUSH k a 1 b 300",
        "SADD k 3 -1 70000",
        "SADD k 3 a b",
        "SADD k 3 a b; SPEXPIREAT k 1700000500000 MEMBERS 1 a",
        "ZADD k 3 a 0.1 b -inf 7",
        "ZADD k 3 a 4 b; ZPEXPIREAT k 1700000500000 MEMBERS 1 a",
        "HSET k a 1 b two",
        "XADD k 1-1 f v g 300; XADD k 2-1 f w g 4; XDEL k 1-1",
        "XADD k 1-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g ann STREAMS k >; XGROUP CREATECONSUMER k g bob",
    ];
    for line in lines {
        let mut store = Store::new();
        for line in line.split("; ") {
            let shown = store.type_line(line);
            assert!(!shown.contains("(error)"), "{line}: {shown}");
        }
        let (payload, digest) = (dumped(&mut store, "k"), store.keyspace.digest(START_MS));
        store.type_line("DEL k");
        assert_eq!(store.run(&[&b"RESTORE"[..], b"k", b"0", &payload]), "OK", "{line}");
        assert_eq!(store.keyspace.digest(START_MS), digest, "{line}");
        store.keyspace.log().sync().unwrap();
        assert_eq!(replayed(&store.shelf, START_MS), digest, "{line}");
        assert_eq!(dumped(&mut store, "k"), payload, "{line}");
    }
}

#[test]
fn members_keep_their_deadlines_and_those_that_are_past_stay_away() {
    let mut store = Store::new();
    store.expect(&[("ZADD k 1 a 2 b", "(integer) 2"), ("ZPEXPIRE k 1000 MEMBERS 1 a", "1) (integer) 1")]);
    let payload = dumped(&mut store, "k");
    assert_eq!(store.run(&[&b"RESTORE"[..], b"before", b"0", &payload]), "OK");
    store.expect(&[("ZPTTL before MEMBERS 2 a b", "1) (integer) 1000\n2) (integer) -1")]);
    store.advance(1000);
    assert_eq!(store.run(&[&b"RESTORE"[..], b"after", b"0", &payload]), "OK");
    store.expect(&[("ZRANGE before 0 -1", "1) \"b\""), ("ZRANGE after 0 -1", "1) \"b\"")]);
}

#[test]
fn a_value_whose_members_are_all_past_only_removes() {
    let mut store = Store::new();
    store.expect(&[("ZADD k 1 a", "(integer) 1"), ("ZPEXPIRE k 1000 MEMBERS 1 a", "1) (integer) 1")]);
    let payload = dumped(&mut store, "k");
    store.advance(1000);
    store.expect(&[("EXISTS k", "(integer) 0"), ("SET k other", "OK")]);
    assert_eq!(store.run(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]), "OK");
    store.expect(&[("EXISTS k", "(integer) 0")]);
}
