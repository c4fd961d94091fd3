//! What is said first where several things are wrong, or nothing is there to be asked: as Redis and Valkey say it.

mod common;

use common::Store;

const NO_MEMBER: &str = "(error) ERR could not decode requested zset member";
const NO_STEP: &str = "1) \"0\"\n2) (empty array)";
const OUT_OF_RANGE: &str = "(error) ERR value is out of range";
const SYNTAX: &str = "(error) ERR syntax error";
const WRONG_TYPE: &str = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn the_member_that_a_search_is_around_is_looked_for_before_the_words_behind_it_are_read() {
    let mut store = Store::new();
    store.type_line("GEOADD sicily 13.361389 38.115556 Palermo");
    store.type_line("SET text x");
    store.expect(&[
        ("GEORADIUSBYMEMBER sicily Atlantis -1 km", NO_MEMBER),
        ("GEORADIUSBYMEMBER sicily Palermo -1 km", "(error) ERR radius cannot be negative"),
        ("GEOSEARCH sicily FROMMEMBER Atlantis BYRADIUS x y", NO_MEMBER),
        ("GEOSEARCH text BYBOX x BYBOX x x", WRONG_TYPE),
        ("GEORADIUS text 0 0 -1 km", WRONG_TYPE),
        ("GEORADIUSBYMEMBER_RO text x -1 km", WRONG_TYPE),
    ]);
}

#[test]
fn around_a_member_of_nothing_there_is_nothing_however_far() {
    Store::new().expect(&[
        ("GEORADIUSBYMEMBER none Palermo -1 parsec", "(empty array)"),
        ("GEORADIUSBYMEMBER none Palermo -1 parsec STORE other", "(integer) 0"),
        ("GEORADIUSBYMEMBER none Palermo -1 parsec ANY", "(error) ERR the ANY argument requires COUNT argument"),
        ("GEOSEARCH none FROMMEMBER Palermo BYRADIUS 1 km", "(empty array)"),
        ("GEOSEARCH none FROMMEMBER Palermo BYRADIUS -1 km", "(error) ERR radius cannot be negative"),
    ]);
}

#[test]
fn a_walk_over_nothing_is_over_whatever_it_is_to_find() {
    let mut store = Store::new();
    for word in ["HSCAN", "SSCAN", "ZSCAN"] {
        store.expect(&[
            (&format!("{word} none 0 nonsense"), NO_STEP),
            (&format!("{word} none x COUNT 1"), "(error) ERR invalid cursor"),
        ]);
    }
    store.type_line("SADD set a");
    store.expect(&[("SSCAN set 0 nonsense", SYNTAX), ("HSCAN set 0 nonsense", WRONG_TYPE)]);
}

#[test]
fn a_word_of_a_stretch_that_says_what_was_said_is_refused() {
    Store::new().expect(&[
        ("ZRANGE none 0 -1 REV REV", SYNTAX),
        ("ZRANGE none - + BYLEX BYLEX", SYNTAX),
        ("ZRANGESTORE to none 0 -1 REV REV", SYNTAX),
    ]);
}

#[test]
fn another_type_is_refused_before_the_words_behind_the_key_are_read() {
    let mut store = Store::new();
    store.type_line("SET text x");
    for line in [
        "HEXPIRE text -1 FIELDS 0 a",
        "HPERSIST text FIELDS 0 a",
        "HTTL text FIELDS 2 a",
        "ZUNION 2 none text nonsense",
        "ZINTERSTORE to 1 text WEIGHTS x",
        "ZINTERCARD 1 text LIMIT -1",
    ] {
        assert_eq!(store.type_line(line), WRONG_TYPE, "{line}");
    }
}

#[test]
fn subsequences_and_claims_are_refused_in_the_words_of_redis() {
    let mut store = Store::new();
    store.type_line("XADD s 1-0 a b");
    store.type_line("XGROUP CREATE s g 0");
    store.expect(&[
        (
            "XGROUP CREATE s h 0 MKSTREAM ENTRIESREAD 0 MKSTREAM",
            "(error) ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
        ),
        ("LCS s none", "(error) ERR The specified keys must contain string values"),
        ("LMPOP 1 none LEFT COUNT x y", "(error) ERR count should be greater than 0"),
        ("LMPOP 1 none LEFT COUNT 1 y", SYNTAX),
        ("ZMPOP 1 none MIN COUNT x y", "(error) ERR count should be greater than 0"),
        ("ZMPOP 1 none MIN COUNT 1 y", SYNTAX),
        ("XAUTOCLAIM s g c 0 - COUNT x", "(error) ERR COUNT must be > 0"),
        ("XAUTOCLAIM s g c 0 - COUNT 9223372036854775807", "(error) ERR COUNT must be > 0"),
    ]);
}

/// Redis announces any number of members and goes on until memory ends.
#[test]
fn draws_whose_answer_no_memory_holds_are_refused() {
    let mut store = Store::new();
    store.type_line("SADD s a");
    store.type_line("ZADD z 1 a");
    store.type_line("HSET h a 1");
    for word in ["SRANDMEMBER s", "ZRANDMEMBER z", "HRANDFIELD h"] {
        store.expect(&[
            (&format!("{word} -9223372036854775807"), OUT_OF_RANGE),
            (&format!("{word} -1000000000"), OUT_OF_RANGE),
        ]);
        assert_eq!(store.type_line(&format!("{word} -100000")).lines().count(), 100_000);
    }
    store.type_line(&format!("SADD long {}", "x".repeat(1_000_000)));
    store.expect(&[
        ("SRANDMEMBER long -1001", OUT_OF_RANGE),
        ("SRANDMEMBER none -9223372036854775807", "(empty array)"),
    ]);
}
