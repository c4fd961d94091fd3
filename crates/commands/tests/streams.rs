//! Streams beyond the examples: references of groups, runs of several sizes, several streams at once, replay.

mod common;

use common::{START_MS, Store, replayed};
use kvark_base::random::Random;
use kvark_call::Outcome;
use kvark_call::fault::{Parked, Until};
use kvark_commands::examples::split_line;

const OK: &str = "OK";
const NONE: &str = "(empty array)";

/// A store whose streams are cut into runs of so many entries.
fn store_with_runs_of(entries: i64) -> Store {
    let store = Store::new();
    store.keyspace.forms().stream_entries.set(entries);
    store
}

/// Adds entries with the ids 1-0 to `last`-0.
fn fill(store: &mut Store, key: &str, last: u64) {
    for ms in 1..=last {
        assert_eq!(store.type_line(&format!("XADD {key} {ms}-0 n {ms}")), format!("\"{ms}-0\""));
    }
}

/// The group `name` reads all that is new.
fn read_all(store: &mut Store, key: &str, name: &str) {
    store.type_line(&format!("XREADGROUP GROUP {name} ann STREAMS {key} >"));
}

/// Two groups that have both got entries 1-0 to 3-0.
fn store_with_groups() -> Store {
    let mut store = Store::new();
    fill(&mut store, "s", 3);
    for name in ["g", "h"] {
        store.expect(&[(&format!("XGROUP CREATE s {name} 0"), OK)]);
        read_all(&mut store, "s", name);
    }
    store
}

fn pending(store: &mut Store, name: &str) -> usize {
    let shown = store.type_line(&format!("XPENDING s {name}"));
    let count = shown.lines().next().unwrap().trim_start_matches("1) (integer) ");
    count.parse().unwrap()
}

fn assert_replays(store: &Store) {
    let (now_ms, log) = (store.clock.now_ms(), store.keyspace.log());
    log.seal(log.last()).unwrap();
    assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms));
}

#[test]
fn any_other_type_is_refused_by_every_word() {
    let mut store = Store::new();
    store.expect(&[("SET text hello", OK)]);
    for line in [
        "XADD text * a b",
        "XLEN text",
        "XRANGE text - +",
        "XREVRANGE text + -",
        "XREAD STREAMS text 0",
        "XREADGROUP GROUP g c STREAMS text >",
        "XDEL text 1-0",
        "XDELEX text IDS 1 1-0",
        "XACK text g 1-0",
        "XACKDEL text g IDS 1 1-0",
        "XTRIM text MAXLEN 1",
        "XSETID text 1-0",
        "XPENDING text g",
        "XCLAIM text g c 0 1-0",
        "XAUTOCLAIM text g c 0 -",
        "XGROUP CREATE text g 0 MKSTREAM",
        "XGROUP DESTROY text g",
        "XINFO STREAM text",
        "XINFO GROUPS text",
        "XINFO CONSUMERS text g",
    ] {
        assert!(store.type_line(line).starts_with("(error) WRONGTYPE"), "{line}");
    }
}

#[test]
fn xackdel_acknowledges_and_removes_as_it_is_told() {
    for (choice, first, second, in_h) in
        [("KEEPREF", 1, 1, 3), ("DELREF", 1, -1, 2), ("ACKED", 2, 1, 3), ("keepref", 1, 1, 3)]
    {
        let mut store = store_with_groups();
        let reply = |fate: i64| format!("1) (integer) {fate}");
        store.expect(&[(&format!("XACKDEL s g {choice} IDS 1 2-0"), &reply(first))]);
        assert_eq!((pending(&mut store, "g"), pending(&mut store, "h")), (2, in_h), "{choice}");
        store.expect(&[(&format!("XACKDEL s h IDS 1 2-0 {choice}"), &reply(second)), ("XLEN s", "(integer) 2")]);
        store.expect(&[(&format!("XACKDEL s g {choice} IDS 1 2-0"), &reply(-1))]);
        assert_replays(&store);
    }
}

#[test]
fn an_entry_that_a_group_has_yet_to_get_is_needed() {
    let mut store = Store::new();
    fill(&mut store, "s", 2);
    store.expect(&[("XGROUP CREATE s g 0", OK), ("XGROUP CREATE s h 1", OK)]);
    read_all(&mut store, "s", "g");
    store.expect(&[
        ("XACK s g 1-0 2-0", "(integer) 2"),
        ("XDELEX s ACKED IDS 3 1-0 2-0 3-0", "1) (integer) 1\n2) (integer) 2\n3) (integer) -1"),
        ("XDELEX s IDS 2 2-0 2-0", "1) (integer) 1\n2) (integer) -1"),
        ("XDELEX nobody IDS 2 2-0 3-0", "1) (integer) -1\n2) (integer) -1"),
        ("XACKDEL s nobody IDS 1 2-0", "1) (integer) -1"),
    ]);
}

#[test]
fn xdelex_forgets_what_is_pending_of_an_entry_that_is_gone_already() {
    let mut store = store_with_groups();
    store.expect(&[("XDEL s 1-0", "(integer) 1"), ("XDELEX s DELREF IDS 1 1-0", "1) (integer) -1")]);
    assert_eq!((pending(&mut store, "g"), pending(&mut store, "h")), (2, 2));
}

#[test]
fn the_words_about_ids_are_refused_as_redis_does() {
    let mut store = store_with_groups();
    let syntax = "(error) ERR syntax error";
    for head in ["XDELEX s", "XACKDEL s g"] {
        for (rest, refusal) in [
            ("IDS abc 1-1", "(error) ERR Number of IDs must be a positive integer"),
            ("IDS 0 1-1", "(error) ERR Number of IDs must be a positive integer"),
            ("IDS -5 1-1", "(error) ERR Number of IDs must be a positive integer"),
            ("IDS 3 1-1 2-2", "(error) ERR The `numids` parameter must match the number of arguments"),
            ("IDS 1 1-1 2-2", syntax),
            ("KEEPREF DELREF IDS 1 1-1", syntax),
            ("DELREF ACKED IDS 1 1-1", syntax),
            ("IDS 1 x", "(error) ERR Invalid stream ID specified as stream command argument"),
        ] {
            assert_eq!(store.type_line(&format!("{head} {rest}")), refusal, "{head} {rest}");
        }
    }
}

#[test]
fn a_trim_keeps_forgets_or_spares_what_is_pending() {
    for (choice, left, in_g) in [("", 1, 3), ("KEEPREF", 1, 3), ("DELREF", 1, 1), ("ACKED", 3, 3)] {
        let mut store = store_with_groups();
        store.expect(&[(&format!("XTRIM s MAXLEN 1 {choice}"), &format!("(integer) {}", 3 - left))]);
        store.expect(&[("XLEN s", &format!("(integer) {left}"))]);
        assert_eq!(pending(&mut store, "g"), in_g, "{choice}");
        assert_replays(&store);
    }
}

#[test]
fn a_trim_that_spares_entries_takes_later_ones() {
    let mut store = store_with_groups();
    store.expect(&[
        ("XACK s g 2-0 3-0", "(integer) 2"),
        ("XACK s h 2-0 3-0", "(integer) 2"),
        ("XADD s MAXLEN = 2 ACKED 4-0 n 4", "\"4-0\""),
        ("XLEN s", "(integer) 2"),
        ("XRANGE s - 3", "1) 1) \"1-0\"\n   2) 1) \"n\"\n      2) \"1\""),
    ]);
    assert_replays(&store);
}

#[test]
fn an_approximate_trim_takes_whole_runs() {
    let mut store = store_with_runs_of(10);
    fill(&mut store, "s", 45);
    store.expect(&[
        ("XTRIM s MAXLEN ~ 40", "(integer) 0"),
        ("XTRIM s MAXLEN ~ 34", "(integer) 10"),
        ("XTRIM s MINID ~ 30", "(integer) 10"),
        ("XTRIM s MAXLEN ~ 0 LIMIT 14", "(integer) 10"),
        ("XTRIM s MAXLEN ~ 0 LIMIT 0", "(integer) 15"),
        ("XADD s MAXLEN ~ 0 90-0 n 1", "\"90-0\""),
        ("XLEN s", "(integer) 0"),
    ]);
}

#[test]
fn a_stream_may_be_empty() {
    let mut store = Store::new();
    store.expect(&[
        ("XADD s MAXLEN 0 5-0 n 1", "\"5-0\""),
        ("EXISTS s", "(integer) 1"),
        ("XLEN s", "(integer) 0"),
        ("XRANGE s - +", NONE),
        ("XADD s 5-0 n 1", "(error) ERR The ID specified in XADD is equal or smaller than the target stream top item"),
        ("XADD s 5-* n 1", "\"5-1\""),
    ]);
    assert_replays(&store);
}

#[test]
fn a_stream_that_is_named_twice_is_read_twice_within_its_room() {
    let mut store = Store::new();
    fill(&mut store, "s", 40);
    store.expect(&[("XGROUP CREATE s g 0", OK)]);
    let shown = store.type_line("XREADGROUP GROUP g ann STREAMS s s s > 0 0");
    assert_eq!(shown.matches("\"40-0\"").count(), 3);
    assert!(store.type_line("XPENDING s g 40 40 1").ends_with("4) (integer) 3"), "each look counts as a delivery");
    assert_replays(&store);
}

#[test]
fn keys_stand_behind_streams() {
    let mut store = Store::new();
    let (both, none) = ("1) \"a\"\n2) \"b\"", "(error) ERR Invalid arguments specified for command");
    store.expect(&[
        ("COMMAND GETKEYS XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0", both),
        ("COMMAND GETKEYS XREADGROUP GROUP streams streams NOACK COUNT 1 STREAMS a b > >", both),
        ("COMMAND GETKEYS XREAD STREAMS a b 0", none),
        ("COMMAND GETKEYS XREAD COUNT 1 a 0", none),
        ("COMMAND GETKEYS XGROUP CREATE a g $", "1) \"a\""),
    ]);
}

#[test]
fn who_waits_for_a_stream_says_how_long_and_from_where() {
    let mut store = Store::new();
    store.resumes = false;
    store.expect(&[
        ("XREAD BLOCK -1 STREAMS s $", "(error) ERR timeout is negative"),
        ("XREAD BLOCK x STREAMS s $", "(error) ERR timeout is not an integer or out of range"),
        (
            "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
            "(error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
        ),
        ("XADD s 5-1 f v", "\"5-1\""),
    ]);
    let mut wish = |words: &str| match store.collect(&split_line(words)).1 {
        Some(Outcome::Park(Parked { until: Until::Keys(wish), deadline_ms, .. })) => {
            let again = wish.again.map(|request| request.as_request().arg(5).to_vec());
            (wish.keys, again, deadline_ms)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(wish("XREAD BLOCK 0 STREAMS s $"), (1, Some(b"5-1".to_vec()), None));
    assert_eq!(wish("XREAD BLOCK 250 STREAMS nothing +"), (1, Some(b"0-0".to_vec()), Some(START_MS + 250)));
}

#[test]
fn the_times_of_a_consumer_are_those_of_its_reads() {
    let mut store = Store::new();
    fill(&mut store, "s", 1);
    store.expect(&[("XGROUP CREATE s g 0", OK)]);
    read_all(&mut store, "s", "g");
    store.advance(30);
    read_all(&mut store, "s", "g");
    store.advance(12);
    let shown = store.type_line("XINFO CONSUMERS s g");
    assert!(shown.contains("6) (integer) 12\n") && shown.ends_with("(integer) 42"), "{shown}");
    store.expect(&[
        ("XPENDING s g IDLE 43 - + 9", NONE),
        ("XCLAIM s g bob 43 1-0 JUSTID", NONE),
        ("XCLAIM s g bob 42 1-0 JUSTID", "1) \"1-0\""),
        ("XPENDING s g IDLE 1 - + 9", NONE),
    ]);
    assert_replays(&store);
}

#[test]
fn a_group_cannot_have_read_more_than_there_was() {
    let mut store = Store::new();
    fill(&mut store, "s", 2);
    store.expect(&[("XGROUP CREATE s g $ ENTRIESREAD 99", OK)]);
    let shown = store.type_line("XINFO GROUPS s");
    assert!(shown.contains("10) (integer) 2\n") && shown.ends_with("(integer) 0"), "{shown}");
}

/// Some word about one of two streams.
fn any_word(random: &mut Random) -> String {
    let key = ["s", "t"][random.below(2) as usize];
    let (n, ms) = (random.below(9), random.below(90));
    match random.below(16) {
        0..4 => format!("XADD {key} * a {n} b {ms}"),
        4 => format!("XADD {key} MAXLEN ~ {n} DELREF * a {n}"),
        5 => format!("XADD {key} MAXLEN {n} ACKED * c {n}"),
        6 => format!("XTRIM {key} MAXLEN {n}"),
        7 => format!("XGROUP CREATE {key} g 0"),
        8..11 => format!("XREADGROUP GROUP g c{n} COUNT {} STREAMS s t > >", 1 + n),
        11 => format!("XREADGROUP GROUP g c{n} STREAMS {key} 0"),
        12 => format!("XAUTOCLAIM {key} g c{n} {ms} - COUNT 3"),
        13 => format!("XGROUP DELCONSUMER {key} g c{n}"),
        14 => format!("XSETID {key} 99999999999999-{ms}"),
        _ => format!("XINFO STREAM {key} FULL"),
    }
}

#[test]
fn what_is_logged_makes_the_same_streams_again() {
    for seed in 0..6 {
        let (mut store, mut random) = (store_with_runs_of(5), Random::from_seed(seed));
        store.expect(&[("XGROUP CREATE s g 0 MKSTREAM", OK), ("XGROUP CREATE t g 0 MKSTREAM", OK)]);
        for _ in 0..400 {
            store.type_line(&any_word(&mut random));
            store.advance(random.below(20));
        }
        assert_replays(&store);
    }
}

/// An entry that is named twice is claimed twice, if it may be: it has waited since it was claimed before.
#[test]
fn an_id_that_is_given_twice_is_claimed_as_often() {
    let mut store = store_with_groups();
    let twice = "1) \"1-0\"\n2) \"1-0\"";
    store.expect(&[
        ("XCLAIM s g bob 0 1-0 1-0 JUSTID", twice),
        ("XCLAIM s g bob 1 1-0 1-0 IDLE 5000 JUSTID", "(empty array)"),
    ]);
    store.advance(10);
    store.expect(&[
        ("XCLAIM s g bob 5 1-0 1-0 JUSTID", "1) \"1-0\""),
        ("XCLAIM s g bob 0 1-0 1-0 IDLE 5000 JUSTID", twice),
        ("XCLAIM s g bob 1000 1-0 1-0 IDLE 5000 JUSTID", twice),
    ]);
    store.type_line("XCLAIM s g bob 0 1-0 1-0");
    store.expect(&[("XPENDING s g 1-0 1-0 1", "1) 1) \"1-0\"\n   2) \"bob\"\n   3) (integer) 0\n   4) (integer) 3")]);
}
