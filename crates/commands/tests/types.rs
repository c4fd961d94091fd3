//! Words about keys do the same for every type and every form.

mod common;

use common::{Store, replayed};

/// How a value is made, a change that makes it another one, and its type and encoding.
struct Sample {
    make: &'static [&'static str],
    change: &'static str,
    of_type: &'static str,
    encoding: &'static str,
}

const fn sample(
    of_type: &'static str,
    encoding: &'static str,
    make: &'static [&'static str],
    change: &'static str,
) -> Sample {
    Sample { make, change, of_type, encoding }
}

/// Each form of each type, where packed forms end at three members of at most ten bytes. `KEY` is the key.
const SAMPLES: [Sample; 16] = [
    sample("string", "int", &["SET KEY 42"], "INCR KEY"),
    sample("string", "embstr", &["SET KEY hello"], "APPEND KEY x"),
    sample("string", "raw", &["SETRANGE KEY 100 x"], "SETRANGE KEY 3 y"),
    sample("list", "listpack", &["RPUSH KEY a 1 a"], "LPOP KEY"),
    sample("list", "quicklist", &["RPUSH KEY a 1 a b c d e f", "LPUSH KEY z"], "LSET KEY 2 x"),
    sample("set", "intset", &["SADD KEY 1 2 70000"], "SREM KEY 2"),
    sample("set", "listpack", &["SADD KEY 1 a b"], "SADD KEY c"),
    sample("set", "hashtable", &["SADD KEY 1 a b c d"], "SREM KEY a"),
    sample(
        "set",
        "hashtable",
        &["SADD KEY a b", "SPEXPIREAT KEY 4102444800123 MEMBERS 1 a"],
        "SPERSIST KEY MEMBERS 1 a",
    ),
    sample("zset", "listpack", &["ZADD KEY 1 a 2.5 b"], "ZADD KEY 3 a"),
    sample("zset", "skiplist", &["ZADD KEY 1 a 2 b 3 c -inf d"], "ZINCRBY KEY 1 a"),
    sample("hash", "listpack", &["HSET KEY f 1 g b"], "HSET KEY f 2"),
    sample(
        "hash",
        "listpackex",
        &["HSET KEY f 1", "HPEXPIREAT KEY 4102444800123 FIELDS 1 f"],
        "HPERSIST KEY FIELDS 1 f",
    ),
    sample("hash", "hashtable", &["HSET KEY f 1 g b h 3 i 4"], "HDEL KEY f"),
    sample("stream", "stream", &["XADD KEY 1-1 f v", "XADD KEY 2-1 f w", "XGROUP CREATE KEY g 0"], "XDEL KEY 1-1"),
    sample("stream", "stream", &["XADD KEY 1-1 f v", "XDEL KEY 1-1"], "XSETID KEY 5-1"),
];

fn store() -> Store {
    let store = Store::new();
    for (_, threshold) in store.keyspace.forms().named() {
        threshold.set(3);
    }
    store
}

/// Types each line with that key.
fn make(store: &mut Store, sample: &Sample, key: &str) {
    for line in sample.make {
        let shown = store.type_line(&line.replace("KEY", key));
        assert!(!shown.starts_with("(error)"), "{line}: {shown}");
    }
}

/// A store for each sample, which is at `k`.
fn each_sample(mut look: impl FnMut(&mut Store, &Sample)) {
    for sample in &SAMPLES {
        let mut store = store();
        make(&mut store, sample, "k");
        look(&mut store, sample);
        let (now_ms, log) = (store.clock.now_ms(), store.keyspace.log());
        log.seal(log.last()).unwrap();
        assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms), "{}", sample.of_type);
    }
}

fn digest(store: &mut Store, key: &str) -> String {
    store.type_line(&format!("DEBUG DIGEST-VALUE {key}"))
}

fn number(shown: &str) -> u64 {
    shown.trim_start_matches("(integer) ").parse().unwrap()
}

#[test]
fn every_type_has_a_name_and_every_form_too() {
    each_sample(|store, sample| {
        let (name, encoding) = (sample.of_type, sample.encoding);
        store.expect(&[
            ("TYPE k", name),
            ("OBJECT ENCODING k", &format!("\"{encoding}\"")),
            ("OBJECT REFCOUNT k", "(integer) 1"),
            ("EXISTS k k nobody", "(integer) 2"),
            ("TOUCH k nobody", "(integer) 1"),
        ]);
        assert!(store.type_line("OBJECT FREQ k").starts_with("(error) ERR An LFU maxmemory policy is not selected"));
        assert!(store.type_line("DEBUG OBJECT k").contains(&format!(" encoding:{encoding} ")));
    });
}

#[test]
fn a_scan_by_type_finds_the_keys_of_that_type_alone() {
    let mut store = store();
    for (at, sample) in SAMPLES.iter().enumerate() {
        make(&mut store, sample, &format!("{}:{at}", sample.of_type));
    }
    for name in ["string", "list", "set", "zset", "hash", "stream"] {
        let shown = store.type_line(&format!("SCAN 0 COUNT 1000 TYPE {}", name.to_uppercase()));
        let found = shown.matches(&format!("\"{name}:")).count();
        assert_eq!(found, SAMPLES.iter().filter(|sample| sample.of_type == name).count(), "{shown}");
        assert_eq!(shown.matches(':').count(), found, "{shown}");
    }
}

#[test]
fn idle_time_goes_by_and_an_access_ends_it() {
    each_sample(|store, _| {
        store.advance(20_000);
        store.expect(&[
            ("OBJECT IDLETIME k", "(integer) 20"),
            ("EXISTS k", "(integer) 1"),
            ("OBJECT IDLETIME k", "(integer) 20"),
            ("TOUCH k", "(integer) 1"),
            ("OBJECT IDLETIME k", "(integer) 0"),
        ]);
    });
}

#[test]
fn memory_counts_the_members() {
    each_sample(|store, sample| {
        let before = number(&store.type_line("MEMORY USAGE k"));
        assert!(before > 16 && before < 8192, "{before} for {} {}", sample.of_type, sample.encoding);
        let long = "x".repeat(10_000);
        let line = match sample.of_type {
            "string" => format!("SET k {long}"),
            "list" => format!("RPUSH k {long}"),
            "set" => format!("SADD k {long}"),
            "zset" => format!("ZADD k 1 {long}"),
            "hash" => format!("HSET k {long} v"),
            _ => format!("XADD k * f {long}"),
        };
        store.type_line(&line);
        assert!(number(&store.type_line("MEMORY USAGE k SAMPLES 0")) > 10_000);
    });
}

#[test]
fn a_digest_says_whether_values_are_equal() {
    each_sample(|store, sample| {
        make(store, sample, "other");
        let before = digest(store, "k");
        assert_eq!(before, digest(store, "other"));
        assert!(!before.ends_with("0000000000000000"));
        store.type_line(&sample.change.replace("KEY", "k"));
        assert_ne!(before, digest(store, "k"), "{}", sample.change);
        store.expect(&[("EXPIRE other 100", "(integer) 1")]);
        assert_ne!(before, digest(store, "other"));
    });
}

#[test]
fn a_digest_knows_nothing_of_the_form() {
    for [grown, fresh] in [
        [&["SADD grown 1 a b c d", "SREM grown c d"][..], &["SADD fresh b a 1"]],
        [&["RPUSH grown a b c d e f", "LTRIM grown 0 1"], &["RPUSH fresh a b"]],
        [&["ZADD grown 1 a 2 b 3 c 4 d", "ZREM grown c d"], &["ZADD fresh 2 b 1 a"]],
        [&["HSET grown a 1 b 2 c 3 d 4", "HDEL grown c d"], &["HSET fresh b 2 a 1"]],
    ] {
        let mut store = store();
        for line in grown.iter().chain(fresh) {
            store.type_line(line);
        }
        assert_eq!(digest(&mut store, "grown"), digest(&mut store, "fresh"), "{grown:?}");
    }
    let mut store = store();
    store.expect(&[
        ("SADD grown 1 a b c d", "(integer) 5"),
        ("SREM grown c d", "(integer) 2"),
        ("SADD fresh b a 1", "(integer) 3"),
    ]);
    assert_ne!(store.type_line("OBJECT ENCODING grown"), store.type_line("OBJECT ENCODING fresh"));
}

#[test]
fn a_copy_is_equal_and_stands_alone() {
    each_sample(|store, sample| {
        let before = digest(store, "k");
        store.expect(&[
            ("EXPIRE k 100", "(integer) 1"),
            ("SET taken x", "OK"),
            ("COPY k copy", "(integer) 1"),
            ("COPY k taken", "(integer) 0"),
            ("COPY k taken REPLACE", "(integer) 1"),
            ("COPY k k DB 3", "(integer) 1"),
            ("TTL copy", "(integer) 100"),
            ("TTL taken", "(integer) 100"),
            ("PERSIST copy", "(integer) 1"),
            ("PERSIST taken", "(integer) 1"),
        ]);
        assert_eq!((&before, &before), (&digest(store, "copy"), &digest(store, "taken")));
        store.type_line(&sample.change.replace("KEY", "copy"));
        assert_eq!(before, digest(store, "taken"), "the change of one copy changed another");
        store.expect(&[("PERSIST k", "(integer) 1"), ("SELECT 3", "OK"), ("PERSIST k", "(integer) 1")]);
        assert_eq!(before, digest(store, "k"));
    });
}

#[test]
fn a_value_goes_to_another_name_and_another_database_as_it_is() {
    each_sample(|store, sample| {
        let before = digest(store, "k");
        store.expect(&[
            ("SADD taken z", "(integer) 1"),
            ("RENAMENX k taken", "(integer) 0"),
            ("RENAME k taken", "OK"),
            ("EXISTS k", "(integer) 0"),
            ("OBJECT ENCODING taken", &format!("\"{}\"", sample.encoding)),
            ("RENAMENX taken free", "(integer) 1"),
            ("MOVE free 5", "(integer) 1"),
            ("EXISTS free taken", "(integer) 0"),
            ("SELECT 5", "OK"),
        ]);
        assert_eq!(before, digest(store, "free"));
    });
}

#[test]
fn a_value_goes_when_its_time_comes_and_when_it_is_removed() {
    each_sample(|store, sample| {
        store.expect(&[("EXPIRE k 10", "(integer) 1"), ("TTL k", "(integer) 10")]);
        store.advance(10_000);
        store.expect(&[("EXISTS k", "(integer) 0"), ("TYPE k", "none")]);
        make(store, sample, "k");
        store.expect(&[("TTL k", "(integer) -1"), ("DEL k", "(integer) 1"), ("TYPE k", "none")]);
        make(store, sample, "k");
        store.expect(&[("UNLINK k", "(integer) 1"), ("OBJECT ENCODING k", "(nil)")]);
    });
}

#[test]
fn a_string_takes_the_place_of_any_value_and_its_own_words_refuse_others() {
    each_sample(|store, sample| {
        if sample.of_type != "string" {
            for line in ["GET k", "APPEND k x", "INCR k", "GETRANGE k 0 1", "SETRANGE k 0 x", "GETDEL k", "STRLEN k"] {
                let shown = store.type_line(line);
                assert_eq!(
                    shown, "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
                    "{line}"
                );
            }
        }
        store.expect(&[("SET k x", "OK"), ("TYPE k", "string"), ("GET k", "\"x\"")]);
    });
}
