//! Commands between MULTI and EXEC: they answer what they answer alone, under one hold, in one piece of the log.

mod common;

use common::{START_MS, Store, replayed};
use kvark_call::request::OwnedRequest;
use kvark_commands::examples::{Reply, examples};
use kvark_commands::{Flags, find, resolve};

/// The answers of one EXEC.
fn exec(store: &mut Store, requests: &[Vec<Vec<u8>>]) -> Vec<Reply> {
    assert_eq!(store.type_line("MULTI"), "OK");
    for request in requests {
        assert_eq!(store.run(request), "QUEUED");
    }
    match store.collect(&[b"EXEC"]).0.replies.pop().expect("an answer") {
        Reply::Array(replies) => replies,
        reply => panic!("EXEC answers {}", reply.show()),
    }
}

fn may_be_queued(request: &[Vec<u8>]) -> bool {
    let owned = OwnedRequest::new(request);
    resolve(&owned.as_request()).is_ok_and(|row| !row.flags.has(Flags::NO_MULTI) && !row.flags.has(Flags::UNQUEUED))
}

#[test]
fn every_example_is_true_inside_multi() {
    let mut queued = std::collections::BTreeSet::new();
    for example in examples() {
        let mut store = Store::new();
        // What is refused at once is tested without MULTI, and so is what MULTI itself is about. Nobody waits in a transaction.
        if example.command == "WAITAOF" || example.steps.iter().any(|step| !may_be_queued(&step.request)) {
            continue;
        }
        let requests: Vec<_> = example.steps.iter().map(|step| step.request.clone()).collect();
        let replies = exec(&mut store, &requests);
        assert_eq!(replies.len(), requests.len(), "{}", example.command);
        for (step, reply) in example.steps.iter().zip(&replies) {
            let shown = reply.show();
            assert!(
                step.is_answered_by(&shown),
                "{}\n> {}\nthe page says:\n{}\nthe answer is:\n{shown}",
                example.command,
                step.request.concat().escape_ascii(),
                step.reply
            );
        }
        store.keyspace.log().sync().unwrap();
        let now_ms = store.clock.now_ms();
        assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms), "{}", example.command);
        queued.insert(example.command);
    }
    for name in
        ["COPY", "SUNIONSTORE", "SORT", "LCS", "FLUSHALL", "SWAPDB", "SCAN", "INFO", "DEBUG|DIGEST", "RANDOMKEY"]
    {
        assert!(queued.contains(name), "{name} was not tried");
    }
}

#[test]
fn whatever_reaches_for_any_key_says_so() {
    // A row without keys whose function looks at keys would panic inside EXEC unless it asks for every shard.
    for name in
        ["DBSIZE", "KEYS", "SCAN", "RANDOMKEY", "FLUSHDB", "FLUSHALL", "SWAPDB", "SORT", "SORT_RO", "DEBUG|DIGEST"]
    {
        assert!(find(name.as_bytes()).unwrap().flags.has(Flags::ANY_KEY), "{name}");
    }
}

#[test]
fn databases_may_change_on_the_way() {
    let mut store = Store::new();
    store.expect(&[
        ("SET a zero", "OK"),
        ("MULTI", "OK"),
        ("SELECT 1", "QUEUED"),
        ("SET a one", "QUEUED"),
        ("DBSIZE", "QUEUED"),
        ("SWAPDB 0 1", "QUEUED"),
        ("GET a", "QUEUED"),
        ("FLUSHDB", "QUEUED"),
        ("SELECT 0", "QUEUED"),
        ("KEYS *", "QUEUED"),
        ("EXEC", "1) OK\n2) OK\n3) (integer) 1\n4) OK\n5) \"zero\"\n6) OK\n7) OK\n8) 1) \"a\""),
        ("GET a", "\"one\""),
    ]);
    store.keyspace.log().sync().unwrap();
    assert_eq!(store.keyspace.digest(START_MS), replayed(&store.shelf, START_MS));
}

#[test]
fn an_error_is_an_element_and_the_others_go_on() {
    Store::new().expect(&[
        ("MULTI", "OK"),
        ("SET a text", "QUEUED"),
        ("INCR a", "QUEUED"),
        ("LPUSH a x", "QUEUED"),
        ("APPEND a s", "QUEUED"),
        (
            "EXEC",
            "1) OK\n2) (error) ERR value is not an integer or out of range\n\
             3) (error) WRONGTYPE Operation against a key holding the wrong kind of value\n4) (integer) 5",
        ),
    ]);
}

#[test]
fn a_command_that_the_log_has_no_room_for_is_refused_and_the_others_go_on() {
    let mut store = Store::new();
    let long = "x".repeat(200);
    store.expect(&[(&format!("RPUSH long {long} {long}"), "(integer) 2"), ("MULTI", "OK")]);
    store.expect(&[("SET a 1", "QUEUED"), ("COPY long copy", "QUEUED"), ("SET b 2", "QUEUED")]);
    store.refuse_growth(true);
    store.expect(&[("EXEC", "1) OK\n2) (error) NOSPACE no room\n3) OK"), ("EXISTS a copy b", "(integer) 2")]);
    store.refuse_growth(false);
    store.keyspace.log().sync().unwrap();
    assert_eq!(store.keyspace.digest(START_MS), replayed(&store.shelf, START_MS));
}

#[test]
fn who_waits_does_not_wait_in_a_transaction() {
    let mut store = Store::new();
    store.expect(&[("SET a 1", "OK"), ("MULTI", "OK"), ("WAITAOF 1 0 0", "QUEUED"), ("WAIT 0 0", "QUEUED")]);
    store.expect(&[("EXEC", "1) 1) (integer) 0\n   2) (integer) 0\n2) (integer) 0")]);
}

#[test]
fn reset_forgets_the_transaction() {
    Store::new().expect(&[
        ("WATCH a", "OK"),
        ("MULTI", "OK"),
        ("SET a 1", "QUEUED"),
        ("RESET", "RESET"),
        ("EXEC", "(error) ERR EXEC without MULTI"),
        ("EXISTS a", "(integer) 0"),
    ]);
}

#[test]
fn a_transaction_is_seen_in_client_list() {
    let mut store = Store::new();
    store.expect(&[("WATCH a b", "OK"), ("WATCH a", "OK"), ("MULTI", "OK"), ("CLIENT INFO", "QUEUED")]);
    let shown = store.type_line("EXEC");
    assert!(shown.contains("flags=x ") && shown.contains("watch=0"), "{shown}");
    store.expect(&[("WATCH a b", "OK"), ("WATCH b a", "OK")]);
    let shown = store.type_line("CLIENT INFO");
    assert!(shown.contains("multi=-1 watch=2"), "{shown}");
}
