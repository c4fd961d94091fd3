//! What counts as a change of a watched key.

mod common;

use common::Store;

const FAR: &str = "4102444800000";

/// Whether EXEC does nothing after `WATCH key` in the selected database and `lines`.
fn spoils(store: &mut Store, key: &str, lines: &[&str]) -> bool {
    assert_eq!(store.type_line(&format!("WATCH {key}")), "OK");
    for line in lines {
        let shown = store.type_line(line);
        assert!(!shown.starts_with("(error)"), "{line}: {shown}");
    }
    assert_eq!(store.type_line("MULTI"), "OK");
    store.type_line("PING");
    match store.type_line("EXEC").as_str() {
        "(nil)" => true,
        "1) PONG" => false,
        shown => panic!("EXEC answers {shown}"),
    }
}

fn store_with(lines: &[&str]) -> Store {
    let mut store = Store::new();
    for line in lines {
        let shown = store.type_line(line);
        assert!(!shown.starts_with("(error)"), "{line}: {shown}");
    }
    store
}

#[test]
fn every_way_to_change_a_key_spoils_the_transaction() {
    let ways = [
        ("SET k v", "SET k v"),
        ("SET k v", "DEL k"),
        ("SET k v", "APPEND k v"),
        ("SET k some-text-that-is-kept-outside-of-its-entry-because-it-is-long-enough-for-that", "SETRANGE k 3 x"),
        ("SET k 1", "INCR k"),
        ("SET k v", "RENAME k other"),
        ("SET other v", "RENAME other k"),
        ("SET other v", "COPY other k"),
        ("SET k v", "MOVE k 3"),
        ("SET k v", "GETDEL k"),
        ("SET k v", "GETEX k EX 100"),
        ("SET k v", "EXPIRE k 100"),
        ("SET k v PX 100", "PERSIST k"),
        ("SET k v", "EXPIRE k -1"),
        ("SADD k a b", "SREM k a"),
        ("SADD k a", "SREM k a"),
        ("SADD k a", "SMOVE k other a"),
        ("SADD other a", "SUNIONSTORE k other"),
        ("HSET k f v", "HSET k g v"),
        ("RPUSH k a b", "LPOP k"),
        ("RPUSH k a", "RPOPLPUSH k other"),
        ("RPUSH k a", "SORT nothing STORE k"),
        ("ZADD k 1 a", "ZINCRBY k 1 a"),
        ("XADD k 1-1 f v", "XDEL k 1-1"),
        ("PFADD k a", "PFADD k b"),
        ("SET k v", "MSET a 1 k 2"),
        ("SET k v", "FLUSHDB"),
        ("SET k v", "FLUSHALL"),
        ("SET k v", "SWAPDB 0 5"),
    ];
    for (before, change) in ways {
        assert!(spoils(&mut store_with(&[before]), "k", &[change]), "{change}");
    }
}

#[test]
fn what_changes_nothing_spoils_nothing() {
    let ways = [
        ("SET k v", "GET k"),
        ("SET k v", "TOUCH k"),
        ("SET k v", "SET k w NX"),
        ("SET k v", "SET other w"),
        ("SET other v", "DEL k"),
        ("SADD k a", "SADD k a"),
        ("SADD k a", "SREM k b"),
        ("HSET k f v", "HDEL k g"),
        ("SET k v", "PERSIST k"),
        ("SET other v", "FLUSHALL"),
        ("SET other v", "SWAPDB 3 5"),
        ("SET other v", "SWAPDB 0 5"),
    ];
    for (before, change) in ways {
        assert!(!spoils(&mut store_with(&[before]), "k", &[change]), "{change}");
    }
}

#[test]
fn a_key_that_expires_while_it_is_watched_has_changed() {
    for swept in [false, true] {
        let mut store = store_with(&["SET k v PX 10", "WATCH k"]);
        store.advance(11);
        if swept {
            store.keyspace.sweep(store.clock.now_ms()).unwrap();
        }
        store.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
    }
}

#[test]
fn a_key_that_had_expired_when_it_was_watched_counts_as_missing() {
    let expired = || {
        let store = store_with(&["SET k v PX 10", "SELECT 1", "SET k w PX 10", "SELECT 0"]);
        store.advance(11);
        store
    };
    assert!(!spoils(&mut expired(), "k", &[]));
    assert!(!spoils(&mut expired(), "k", &["GET k", "DEL k"]));
    assert!(!spoils(&mut expired(), "k", &["FLUSHDB"]));
    assert!(!spoils(&mut expired(), "k", &["SWAPDB 0 1"]), "another expired key takes its place");
    assert!(!spoils(&mut expired(), "k", &["SWAPDB 0 7"]), "nothing takes its place");
    assert!(!spoils(&mut expired(), "k", &["SWAPDB 0 7", "SWAPDB 0 7"]), "and it comes back as expired as before");
    assert!(spoils(&mut expired(), "k", &["SET k new"]));
    assert!(spoils(&mut expired(), "k", &["FLUSHDB", "SET k new"]));
    assert!(spoils(&mut expired(), "k", &["SELECT 7", "SET k new", "SELECT 0", "SWAPDB 0 7"]));
    let mut store = expired();
    store.expect(&[("WATCH k", "OK")]);
    store.keyspace.sweep(store.clock.now_ms()).unwrap();
    store.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "1) PONG")]);
}

#[test]
fn a_missing_key_in_whose_place_comes_an_expired_one_has_not_changed() {
    let mut store = store_with(&["SELECT 1", "SET k w PX 10", "SELECT 0"]);
    store.advance(11);
    assert!(!spoils(&mut store, "k", &["SWAPDB 0 1"]));
    assert!(spoils(&mut store, "k", &["SET k new"]));
}

#[test]
fn a_watch_stays_with_the_name_of_its_database() {
    let mut store = store_with(&["SELECT 5", "SET k v", "WATCH k", "SELECT 1", "SET k other"]);
    store.expect(&[("MULTI", "OK"), ("GET k", "QUEUED"), ("EXEC", "1) \"other\"")]);
    // Both names hold nothing at k; the watch is on database 2, whatever table that is.
    let mut store = store_with(&["SELECT 2", "WATCH k", "SWAPDB 2 3", "SELECT 3", "SET k v", "SELECT 2"]);
    store.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "1) PONG")]);
    let mut store = store_with(&["SELECT 2", "WATCH k", "SWAPDB 2 3", "SET k v"]);
    store.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
}

#[test]
fn a_watch_ends_with_exec_discard_unwatch_reset_and_with_its_client() {
    for end in [&["MULTI", "EXEC"][..], &["MULTI", "DISCARD"], &["UNWATCH"], &["RESET"]] {
        let mut store = store_with(&["WATCH k", "SET k 1"]);
        end.iter().for_each(|line| drop(store.type_line(line)));
        assert!(!spoils(&mut store, "another", &["SET k 2"]), "{end:?}");
    }
    let mut store = store_with(&["WATCH k j"]);
    let watch = store.session.watch.take();
    drop(watch);
    store.expect(&[("SET k 1", "OK"), ("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "1) PONG")]);
}

#[test]
fn many_watch_one_key_and_each_hears_of_it() {
    let mut store = store_with(&["WATCH k"]);
    let first = store.session.watch.take();
    store.expect(&[("WATCH k other", "OK")]);
    let second = std::mem::replace(&mut store.session.watch, first);
    store.expect(&[("MULTI", "OK"), ("SET k 1", "QUEUED"), ("EXEC", "1) OK")]);
    store.session.watch = second;
    store.expect(&[("MULTI", "OK"), ("SET k 2", "QUEUED"), ("EXEC", "(nil)"), ("GET k", "\"1\"")]);
}

#[test]
fn a_field_whose_time_comes_changes_its_hash() {
    let mut store = store_with(&[
        "HSET k f v g w",
        &format!("HPEXPIREAT k {FAR} FIELDS 1 f"),
        "HPEXPIRE k 10 FIELDS 1 g",
        "WATCH k",
    ]);
    store.advance(11);
    store.expect(&[("MULTI", "OK"), ("HLEN k", "QUEUED"), ("EXEC", "(nil)"), ("HLEN k", "(integer) 1")]);
}
