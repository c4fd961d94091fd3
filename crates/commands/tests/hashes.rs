//! Hashes beyond the examples: fields that expire, to the millisecond and in both forms, and refusals in the words of Redis.
//! What stands here was asked of Redis 8.0.6 too.

mod common;

use common::{START_MS, Store, replayed};

const GONE: &str = "1) (integer) -2";
const FOREVER: &str = "1) (integer) -1";
const NONE: &str = "(empty array)";
const OK: &str = "(integer) 1";

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_AN_INTEGER: &str = "(error) ERR value is not an integer or out of range";
const NEGATIVE: &str = "(error) ERR invalid expire time, must be >= 0";
const NO_FIELDS: &str = "(error) ERR Mandatory argument FIELDS is missing or not at the right position";
const NO_MATCH: &str = "(error) ERR The `numfields` parameter must match the number of arguments";
const NOT_POSITIVE: &str = "(error) ERR Number of fields must be a positive integer";

/// Runs a body over small hashes and over big ones; afterwards the log says the same as the store.
fn in_both_forms(body: impl Fn(&mut Store)) {
    for entries in [512, 0] {
        let mut store = Store::new();
        store.keyspace.forms().hash_entries.set(entries);
        body(&mut store);
        let (now_ms, log) = (store.clock.now_ms(), store.keyspace.log());
        log.seal(log.last()).unwrap();
        assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms));
    }
}

fn arity(word: &str) -> String {
    format!("(error) ERR wrong number of arguments for '{word}' command")
}

fn bad_time(word: &str) -> String {
    format!("(error) ERR invalid expire time in '{word}' command")
}

#[test]
fn the_number_of_fields_must_be_that_of_the_fields() {
    in_both_forms(|store| {
        store.type_line("HSET h a 1 b 2");
        for word in ["HEXPIRE h 10", "HPEXPIRE h 10", "HEXPIREAT h 4102444800", "HPEXPIREAT h 1"] {
            let too_few = "(error) ERR Parameter `numFields` should be greater than 0";
            store.expect(&[
                (&format!("{word} FIELDS 2 a"), NO_MATCH),
                (&format!("{word} FIELDS 1 a b"), NO_MATCH),
                (&format!("{word} FIELDS 0 a"), too_few),
                (&format!("{word} FIELDS -1 a"), too_few),
                (&format!("{word} FIELDS x a"), too_few),
                (&format!("{word} NX XX FIELDS 1 a"), NO_FIELDS),
                (&format!("{word} FIELD 1 a"), NO_FIELDS),
            ]);
        }
        for word in ["HTTL h", "HPTTL h", "HEXPIRETIME h", "HPEXPIRETIME h", "HPERSIST h", "HGETDEL h", "HGETEX h"] {
            store.expect(&[
                (&format!("{word} FIELDS 2 a"), NO_MATCH),
                (&format!("{word} FIELDS 1 a b"), NO_MATCH),
                (&format!("{word} FIELDS 0 a"), NOT_POSITIVE),
                (&format!("{word} FIELDS x a"), NOT_POSITIVE),
                (&format!("{word} FIELD 1 a"), NO_FIELDS),
            ]);
        }
        store.expect(&[("HGETALL h", "1) \"a\"\n2) \"1\"\n3) \"b\"\n4) \"2\"")]);
    });
}

#[test]
fn a_number_of_fields_is_looked_at_where_no_hash_is() {
    Store::new().expect(&[
        ("HEXPIRE none 10 FIELDS 2 a", NO_MATCH),
        ("HEXPIRE none -1 FIELDS 1 a", NEGATIVE),
        ("HEXPIRE none 10 FIELDS 2 a b", "1) (integer) -2\n2) (integer) -2"),
        ("HTTL none FIELDS 1 a", GONE),
        ("HPERSIST none FIELDS 1 a", GONE),
        ("HGETEX none EX 10 FIELDS 2 a", NO_MATCH),
        ("HGETDEL none FIELDS 1 a", "1) (nil)"),
    ]);
}

#[test]
fn a_time_that_has_passed_removes_the_field_and_the_last_one_the_key() {
    in_both_forms(|store| {
        for line in ["HEXPIRE h 0 FIELDS 1 a", "HPEXPIRE h 0 FIELDS 1 a", "HEXPIREAT h 0 FIELDS 1 a"] {
            store.expect(&[("HSET h a 1 b 2", "(integer) 2"), (line, "1) (integer) 2"), ("HKEYS h", "1) \"b\"")]);
            store.expect(&[
                (&line.replace("1 a", "2 a b"), "1) (integer) -2\n2) (integer) 2"),
                ("EXISTS h", "(integer) 0"),
            ]);
        }
        let passed = format!("PXAT {START_MS}");
        store.type_line("HSET h a 1 b 2");
        store.expect(&[
            (&format!("HGETEX h {passed} FIELDS 2 a none"), "1) \"1\"\n2) (nil)"),
            ("HGETALL h", "1) \"b\"\n2) \"2\""),
            (&format!("HSETEX h {passed} FIELDS 2 b 3 c 4"), OK),
            ("EXISTS h", "(integer) 0"),
            (&format!("HSETEX none {passed} FIELDS 1 a 1"), OK),
            ("EXISTS none", "(integer) 0"),
            ("HSET h a 1", OK),
            ("HGETDEL h FIELDS 2 a a", "1) \"1\"\n2) (nil)"),
            ("EXISTS h", "(integer) 0"),
        ]);
    });
}

#[test]
fn a_field_that_expires_is_gone_to_the_millisecond_and_takes_an_empty_key_along() {
    in_both_forms(|store| {
        store.type_line("HSET h a 1 b 2");
        store.expect(&[
            ("HPEXPIRE h 100 FIELDS 1 a", "1) (integer) 1"),
            ("HPEXPIRE h 200 FIELDS 2 b b", "1) (integer) 1\n2) (integer) 1"),
        ]);
        store.advance(99);
        store.expect(&[("HPTTL h FIELDS 1 a", "1) (integer) 1"), ("HLEN h", "(integer) 2")]);
        store.advance(1);
        store.expect(&[("HPTTL h FIELDS 1 a", GONE), ("HLEN h", "(integer) 1"), ("HSETNX h a 3", OK)]);
        store.expect(&[("HTTL h FIELDS 1 a", FOREVER), ("HDEL h a", OK)]);
        store.advance(100);
        store.expect(&[("EXISTS h", "(integer) 0"), ("HRANDFIELD h", "(nil)"), ("DBSIZE", "(integer) 0")]);
    });
}

#[test]
fn conditions_compare_with_the_deadline_that_is_there() {
    in_both_forms(|store| {
        store.type_line("HSET h a 1");
        store.expect(&[
            ("HEXPIRE h 100 XX FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 100 GT FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 100 LT FIELDS 1 a", "1) (integer) 1"),
            ("HEXPIRE h 200 NX FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 100 GT FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 101 GT FIELDS 1 a", "1) (integer) 1"),
            ("HEXPIRE h 101 LT FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 0 GT FIELDS 1 a", "1) (integer) 0"),
            ("HEXPIRE h 50 xx FIELDS 2 a none", "1) (integer) 1\n2) (integer) -2"),
            ("HTTL h FIELDS 1 a", "1) (integer) 50"),
        ]);
    });
}

#[test]
fn what_sets_a_field_ends_its_deadline_and_what_changes_it_does_not() {
    in_both_forms(|store| {
        for (line, remains) in [
            ("HSET h a 2", false),
            ("HMSET h a 2", false),
            ("HSETEX h FIELDS 1 a 2", false),
            ("HGETEX h PERSIST FIELDS 1 a", false),
            ("HSETEX h KEEPTTL FIELDS 1 a 2", true),
            ("HSETNX h a 2", true),
            ("HINCRBY h a 2", true),
            ("HINCRBYFLOAT h a 0.5", true),
            ("HGETEX h FIELDS 1 a", true),
        ] {
            store.type_line("DEL h");
            store.type_line("HSETEX h EX 100 FIELDS 1 a 1");
            store.type_line(line);
            let left = if remains { "1) (integer) 100" } else { FOREVER };
            assert_eq!(store.type_line("HTTL h FIELDS 1 a"), left, "{line}");
        }
        store.expect(&[("HSETEX h EX 7 FIELDS 1 b 1", OK), ("HSETEX h KEEPTTL FIELDS 2 b 2 c 3", OK)]);
        store.expect(&[("HTTL h FIELDS 2 b c", "1) (integer) 7\n2) (integer) -1")]);
    });
}

#[test]
fn fields_are_set_if_all_or_none_of_them_are_there() {
    in_both_forms(|store| {
        store.expect(&[
            ("HSETEX h FXX FIELDS 1 a 1", "(integer) 0"),
            ("EXISTS h", "(integer) 0"),
            ("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2", OK),
            ("HSETEX h FNX FIELDS 2 b 3 c 3", "(integer) 0"),
            ("HSETEX h FXX FIELDS 2 b 3 c 3", "(integer) 0"),
            ("HSETEX h FXX EXAT 1 FIELDS 2 b 3 c 3", "(integer) 0"),
            ("HGETALL h", "1) \"a\"\n2) \"1\"\n3) \"b\"\n4) \"2\""),
            ("HSETEX h fxx keepttl FIELDS 2 a 3 b 4", OK),
            ("HMGET h a b", "1) \"3\"\n2) \"4\""),
        ]);
    });
}

#[test]
fn the_words_of_hsetex_are_refused_as_redis_does() {
    let arity = arity("hsetex");
    let (two_times, two_conditions, no_number) = (
        "(error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        "(error) ERR Only one of FXX or FNX arguments can be specified",
        "(error) ERR invalid number of fields",
    );
    Store::new().expect(&[
        ("HSETEX h FNX FXX FIELDS 1 a 1", two_conditions),
        ("HSETEX h EX 10 PX 10 FIELDS 1 a 1", two_times),
        ("HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", two_times),
        ("HSETEX h EX -1 FIELDS 1 a 1", NEGATIVE),
        ("HSETEX h EX FIELDS 1 a 1", NOT_AN_INTEGER),
        ("HSETEX h EX 10 NX FIELDS 1 a 1", "(error) ERR unknown argument: NX"),
        ("HSETEX h FIELDS 0 a 1", no_number),
        ("HSETEX h FIELDS -1 a 1", no_number),
        ("HSETEX h FIELDS x a 1", no_number),
        ("HSETEX h FIELDS 2 a 1", &arity),
        ("HSETEX h FIELDS 1 a 1 b 2", &arity),
        ("HSETEX h FIELDS 1 a 1 FNX", &arity),
        ("HSETEX h FIELDS 1", &arity),
        ("HSETEX h a 1", &arity),
        ("EXISTS h", "(integer) 0"),
    ]);
}

#[test]
fn no_deadline_is_beyond_the_46th_bit() {
    in_both_forms(|store| {
        store.type_line("HSET h a 1");
        for (word, line) in [
            ("hpexpireat", "HPEXPIREAT h 70368744177664 FIELDS 1 a"),
            ("hexpireat", "HEXPIREAT h 70368744178 FIELDS 1 a"),
            ("hexpire", "HEXPIRE h 9223372036854775807 FIELDS 1 a"),
            ("hpexpire", "HPEXPIRE h 9223372036854775807 FIELDS 1 a"),
            ("hsetex", "HSETEX h PXAT 70368744177664 FIELDS 1 a 1"),
            ("hsetex", "HSETEX h EX 9223372036854775807 FIELDS 1 a 1"),
            ("hgetex", "HGETEX h PXAT 70368744177664 FIELDS 1 a"),
        ] {
            assert_eq!(store.type_line(line), bad_time(word), "{line}");
        }
        store.expect(&[
            ("HTTL h FIELDS 1 a", FOREVER),
            ("HPEXPIREAT h 70368744177663 FIELDS 1 a", "1) (integer) 1"),
            ("HPEXPIRETIME h FIELDS 1 a", "1) (integer) 70368744177663"),
        ]);
    });
}

#[test]
fn sums_are_refused_where_they_are_none_and_keep_the_deadline() {
    in_both_forms(|store| {
        store.type_line("HSETEX h EX 100 FIELDS 3 n 10 f 1.5 t x");
        store.expect(&[
            ("HINCRBYFLOAT h f 0.1", "\"1.6\""),
            ("HINCRBY h n 1", "(integer) 11"),
            ("HINCRBY h n 9223372036854775807", "(error) ERR increment or decrement would overflow"),
            ("HINCRBY h f 1", "(error) ERR hash value is not an integer"),
            ("HINCRBY h t 1", "(error) ERR hash value is not an integer"),
            ("HINCRBYFLOAT h t 1", "(error) ERR hash value is not a float"),
            ("HINCRBYFLOAT h f inf", "(error) ERR value is NaN or Infinity"),
            ("HINCRBYFLOAT h f nan", "(error) ERR value is not a valid float"),
            ("HTTL h FIELDS 2 n f", "1) (integer) 100\n2) (integer) 100"),
        ]);
        store.advance(100_000);
        store.expect(&[
            ("EXISTS h", "(integer) 0"),
            ("HINCRBYFLOAT h f 0.1", "\"0.1\""),
            ("HTTL h FIELDS 1 f", FOREVER),
        ]);
    });
}

#[test]
fn draws_take_fields_that_are_there_as_often_as_they_are_asked_to() {
    in_both_forms(|store| {
        store.type_line("HSETEX h PX 10 FIELDS 3 x 1 y 2 z 3");
        store.type_line("HSET h a 1 b 2");
        store.advance(10);
        let fields = |shown: &str| shown.matches("\"a\"").count() + shown.matches("\"b\"").count();
        let drawn = store.type_line("HRANDFIELD h -100");
        assert_eq!((drawn.lines().count(), fields(&drawn)), (100, 100));
        let drawn = store.type_line("HRANDFIELD h -100 WITHVALUES");
        assert_eq!((drawn.lines().count(), fields(&drawn)), (200, 100));
        assert_eq!(fields(&store.type_line("HRANDFIELD h 100")), 2);
        store.expect(&[
            ("HRANDFIELD h 0", NONE),
            ("HRANDFIELD h 0 WITHVALUES", NONE),
            ("HRANDFIELD h 5 x", SYNTAX),
            ("HRANDFIELD h 1 WITHVALUES x", SYNTAX),
            ("HRANDFIELD none x", NOT_AN_INTEGER),
            ("HRANDFIELD h -4611686018427387905 WITHVALUES", "(error) ERR value is out of range"),
            (
                "HRANDFIELD h -9223372036854775808",
                "(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
        ]);
    });
}
