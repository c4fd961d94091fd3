//! Behaviour beyond the examples: refusals, edge cases, in the words of Redis.

mod common;

use common::{START_MS, Store};

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_AN_INTEGER: &str = "(error) ERR value is not an integer or out of range";
const OVERFLOW: &str = "(error) ERR increment or decrement would overflow";

#[test]
fn strangers_are_refused_in_redis_own_words() {
    Store::new().expect(&[
        ("FOO", "(error) ERR unknown command 'FOO', with args beginning with: "),
        ("foo a b", "(error) ERR unknown command 'foo', with args beginning with: 'a' 'b' "),
        ("MULT", "(error) ERR unknown command 'MULT', with args beginning with: "),
        (r#""a\r\nb" "c\nd""#, "(error) ERR unknown command 'a  b', with args beginning with: 'c d' "),
        ("GET", "(error) ERR wrong number of arguments for 'get' command"),
        ("get a b", "(error) ERR wrong number of arguments for 'get' command"),
        ("CLIENT KILL", "(error) ERR wrong number of arguments for 'client|kill' command"),
        ("client x", "(error) ERR unknown subcommand 'x'. Try CLIENT HELP."),
        ("PING a b", "(error) ERR wrong number of arguments for 'ping' command"),
    ]);
    let mut store = Store::new();
    let long = format!("foo {} b", "x".repeat(200));
    let shown = store.type_line(&long);
    let head = "(error) ERR unknown command 'foo', with args beginning with: ";
    assert_eq!(shown, format!("{head}'{}' ", "x".repeat(128)));
}

#[test]
fn a_key_that_is_too_long_is_refused_where_it_could_be_made() {
    let mut store = Store::new();
    let long = "k".repeat(65_001);
    let refusal = "(error) ERR this key has 65001 bytes, and the longest key has 65000";
    for line in [
        format!("SET {long} v"),
        format!("RENAME a {long}"),
        format!("MSET a 1 {long} 2"),
        format!("MSETEX 2 a 1 {long} 2"),
    ] {
        assert_eq!(store.type_line(&line), refusal);
    }
    assert_eq!(store.type_line(&format!("GET {long}")), "(nil)");
    assert_eq!(store.type_line(&format!("SET {} v", &long[..65_000])), "OK");
}

#[test]
fn set_takes_its_words_in_any_order_and_refuses_contradictions() {
    let mut store = Store::new();
    for line in [
        "SET k v what",
        "SET k v NX XX",
        "SET k v XX IFEQ a",
        "SET k v IFEQ",
        "SET k v IFEQ a IFNE b",
        "SET k v EX",
        "SET k v EX 10 PX 10",
        "SET k v EX 10 EXAT 10",
        "SET k v KEEPTTL EX 10",
        "SET k v PERSIST",
        "SET k v EX 10 KEEPTTL",
        "GETEX k NX",
        "GETEX k PERSIST EX 10",
        "GETEX k KEEPTTL",
        "GETEX k EX",
    ] {
        assert_eq!(store.type_line(line), SYNTAX, "{line}");
    }
    store.expect(&[
        ("SET k v EX x", NOT_AN_INTEGER),
        ("SET k v EX 0", "(error) ERR invalid expire time in 'set' command"),
        ("SET k v PX -1", "(error) ERR invalid expire time in 'set' command"),
        ("SET k v EX 9223372036854775807", "(error) ERR invalid expire time in 'set' command"),
        ("SET k v PX 9223372036854775807", "(error) ERR invalid expire time in 'set' command"),
        ("SET k v EXAT 9223372036854776", "(error) ERR invalid expire time in 'set' command"),
        ("PSETEX k 0 v", "(error) ERR invalid expire time in 'psetex' command"),
        ("EXISTS k", "(integer) 0"),
        ("set k v nx get px 10000 nx get", "(nil)"),
        ("TTL k", "(integer) 10"),
        ("SET k w GET NX", "\"v\""),
        ("GET k", "\"v\""),
        ("SET k w XX EX 5 EX 7", "OK"),
        ("TTL k", "(integer) 7"),
        ("SET k 1", "OK"),
        ("TTL k", "(integer) -1"),
        ("GETEX k EX 0", "(error) ERR invalid expire time in 'getex' command"),
        ("GETEX nobody EX 0", "(nil)"),
    ]);
}

#[test]
fn set_compares_before_it_sets() {
    let mut store = Store::new();
    store.expect(&[
        ("SET k v IFEQ v", "(nil)"),
        ("EXISTS k", "(integer) 0"),
        ("SET k v IFNE v", "OK"),
        ("SET k w IFNE v GET", "\"v\""),
        ("GET k", "\"v\""),
        ("SET k 12 IFEQ v GET", "\"v\""),
        ("SET k 13 IFEQ 12", "OK"),
        ("SET k hello", "OK"),
        ("SET k new IFDEQ 9555E8555C62DCFD", "OK"),
        ("SET k hello", "OK"),
        ("SET k new IFDNE 9555e8555c62dcfd", "(nil)"),
        ("SET k new IFDEQ abc", "(error) ERR digest must be exactly 16 hexadecimal characters"),
        ("SET k new IFDEQ +123456789abcdef", "(error) ERR digest must be exactly 16 hexadecimal characters"),
        ("SET other new IFDEQ abc", "(nil)"),
        ("SET other new IFDNE abc", "OK"),
        ("SET foo v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd", "OK"),
        ("DIGEST foo", "\"00006c38adf31777\""),
        ("DELEX k IFEQ", "(error) ERR wrong number of arguments for 'delex' command"),
        ("DELEX k IF hello", "(error) ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
        ("DELEX nobody IFNE hello", "(integer) 0"),
        ("DELEX k IFDNE 9555e8555c62dcfd", "(integer) 0"),
        ("DELIFEQ k bye", "(integer) 0"),
        ("DELIFEQ nobody hello", "(integer) 0"),
        ("DELEX k", "(integer) 1"),
    ]);
}

#[test]
fn counters_stop_at_their_bounds_and_keep_deadlines() {
    Store::new().expect(&[
        ("SET n 9223372036854775807 EX 100", "OK"),
        ("INCR n", OVERFLOW),
        ("DECRBY n -1", OVERFLOW),
        ("DECR n", "(integer) 9223372036854775806"),
        ("TTL n", "(integer) 100"),
        ("INCRBY n -9223372036854775808", "(integer) -2"),
        ("DECRBY n -9223372036854775808", "(error) ERR decrement would overflow"),
        ("INCRBY n 1.5", NOT_AN_INTEGER),
        ("SET n \" 11\"", "OK"),
        ("INCR n", NOT_AN_INTEGER),
        ("SET n 007", "OK"),
        ("INCR n", NOT_AN_INTEGER),
        ("INCRBYFLOAT n 0", "\"7\""),
        ("INCRBYFLOAT n inf", "(error) ERR increment would produce NaN or Infinity"),
        ("INCRBYFLOAT n ten", "(error) ERR value is not a valid float"),
        ("SET n ten", "OK"),
        ("INCRBYFLOAT n 1", "(error) ERR value is not a valid float"),
        ("SET n 3.0e3 EX 50", "OK"),
        ("INCRBYFLOAT n 200", "\"3200\""),
        ("OBJECT ENCODING n", "\"int\""),
        ("TTL n", "(integer) 50"),
    ]);
}

#[test]
fn ranges_grow_strings_within_the_limit() {
    Store::new().expect(&[
        ("SETRANGE k 0 \"\"", "(integer) 0"),
        ("EXISTS k", "(integer) 0"),
        ("SETRANGE k 1 foo", "(integer) 4"),
        ("GET k", "\"\\x00foo\""),
        ("SET k 1234 EX 9", "OK"),
        ("SETRANGE k 0 \"\"", "(integer) 4"),
        ("SETRANGE k 5 2", "(integer) 6"),
        ("GET k", "\"1234\\x002\""),
        ("TTL k", "(integer) 9"),
        ("SETRANGE k 536870911 ab", "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        ("SETRANGE k 9223372036854775807 a", "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        ("SETRANGE k x a", NOT_AN_INTEGER),
        ("GETRANGE k 0 x", NOT_AN_INTEGER),
        ("GETRANGE k 0 4294967297", "\"1234\\x002\""),
        ("SET n 12", "OK"),
        ("APPEND n 34", "(integer) 4"),
        ("INCR n", "(integer) 1235"),
        ("APPEND n \"\"", "(integer) 4"),
    ]);
}

#[test]
fn many_keys_are_all_or_none() {
    Store::new().expect(&[
        ("MSET a 1 a 2", "OK"),
        ("GET a", "\"2\""),
        ("MSETNX b 1 b 2", "(integer) 1"),
        ("GET b", "\"2\""),
        ("MSETNX c 1 a 2", "(integer) 0"),
        ("EXISTS c", "(integer) 0"),
        ("MSETNX c", "(error) ERR wrong number of arguments for 'msetnx' command"),
        ("MSETNX c 1 d", "(error) ERR wrong number of arguments for 'msetnx' command"),
        ("MSETEX key1 val1 ex 10", "(error) ERR invalid numkeys value"),
        ("MSETEX 0 a 1", "(error) ERR invalid numkeys value"),
        ("MSETEX 2147483648 key1 val1 ex 10", "(error) ERR invalid numkeys value"),
        ("MSETEX 2147483647 key1 val1 ex 10", "(error) ERR wrong number of key-value pairs"),
        ("MSETEX 2 key1 val1 key2", "(error) ERR wrong number of key-value pairs"),
        ("MSETEX 1 key1 val1 what", SYNTAX),
        ("MSETEX 1 key1 val1 NX XX", SYNTAX),
        ("MSETEX 1 key1 val1 GET", SYNTAX),
        ("MSETEX 1 key1 val1 EX 0", "(error) ERR invalid expire time in 'msetex' command"),
        ("MSETEX 2 a 1 c 1 XX", "(integer) 0"),
        ("MSETEX 2 a 1 b 1 XX PX 5000", "(integer) 1"),
        ("MSETEX 2 a 7 b 8 KEEPTTL", "(integer) 1"),
        ("PTTL b", "(integer) 5000"),
        ("MSETEX 2 a 7 b 8 PXAT 1000", "(integer) 1"),
        ("EXISTS a b", "(integer) 0"),
    ]);
}

#[test]
fn lcs_answers_as_asked() {
    Store::new().expect(&[
        ("MSET a ohmytext b mynewtext", "OK"),
        ("LCS a b LEN IDX", "(error) ERR If you want both the length and indexes, please just use IDX."),
        ("LCS a b MINMATCHLEN", SYNTAX),
        ("LCS a b MINMATCHLEN x", NOT_AN_INTEGER),
        ("LCS a nobody", "\"\""),
        ("LCS a nobody IDX", "1) \"matches\"\n2) (empty array)\n3) \"len\"\n4) (integer) 0"),
        (
            "LCS a b IDX",
            "1) \"matches\"\n2) 1) 1) 1) (integer) 4\n         2) (integer) 7\n      2) 1) (integer) 5\n         2) (integer) 8\n   2) 1) 1) (integer) 2\n         2) (integer) 3\n      2) 1) (integer) 0\n         2) (integer) 1\n3) \"len\"\n4) (integer) 6",
        ),
    ]);
}

#[test]
fn deadlines_are_absolute_and_past_ones_remove() {
    let mut store = Store::new();
    let past = START_MS / 1000 - 1;
    store.expect(&[
        ("SET k v", "OK"),
        ("EXPIRE k 10 what", "(error) ERR Unsupported option what"),
        ("EXPIRE k 10 NX XX", "(error) ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("EXPIRE k 10 GT LT", "(error) ERR GT and LT options at the same time are not compatible"),
        ("EXPIRE k x", NOT_AN_INTEGER),
        ("EXPIRE k 9223372036854775807", "(error) ERR invalid expire time in 'expire' command"),
        ("EXPIRE k -9223372036854775808", "(error) ERR invalid expire time in 'expire' command"),
        ("PEXPIRE k 9223372036854775807", "(error) ERR invalid expire time in 'pexpire' command"),
        ("EXPIRE k 10 XX", "(integer) 0"),
        ("EXPIRE k 10 GT", "(integer) 0"),
        ("EXPIRE k 10 XX LT", "(integer) 0"),
        ("EXPIRE k 10 LT", "(integer) 1"),
        ("EXPIRE k 20 NX", "(integer) 0"),
        ("EXPIRE k 20 LT", "(integer) 0"),
        ("EXPIRE k 20 XX GT", "(integer) 1"),
        ("TTL k", "(integer) 20"),
        ("PEXPIRE k 20001", "(integer) 1"),
        ("PTTL k", "(integer) 20001"),
        ("PEXPIREAT k 9223372036854775807", "(integer) 1"),
        ("PEXPIRETIME k", "(integer) 9223372036854775807"),
        ("PERSIST k", "(integer) 1"),
        ("EXPIRE nobody 10", "(integer) 0"),
        ("PERSIST nobody", "(integer) 0"),
        ("EXPIRETIME nobody", "(integer) -2"),
    ]);
    assert_eq!(store.type_line(&format!("EXPIREAT k {past}")), "(integer) 1");
    assert_eq!(store.type_line("EXISTS k"), "(integer) 0");
    assert_eq!(store.type_line("DBSIZE"), "(integer) 0", "removed, not hidden");
    store.type_line("SET k v");
    assert_eq!(store.type_line(&format!("SET k v EXAT {past}")), "OK");
    assert_eq!(store.type_line("DBSIZE"), "(integer) 0", "removed, not hidden");
    store.type_line("SET k v");
    assert_eq!(store.type_line(&format!("GETEX k EXAT {past}")), "\"v\"");
    assert_eq!(store.type_line("DBSIZE"), "(integer) 0", "removed, not hidden");
}

#[test]
fn an_expired_key_is_not_there_for_any_command() {
    let mut store = Store::new();
    let again = |store: &mut Store| {
        store.type_line("SET k 5 PX 100");
        store.advance(100);
    };
    for (line, reply) in [
        ("GET k", "(nil)"),
        ("GETDEL k", "(nil)"),
        ("GETEX k PERSIST", "(nil)"),
        ("STRLEN k", "(integer) 0"),
        ("EXISTS k", "(integer) 0"),
        ("DEL k", "(integer) 0"),
        ("TTL k", "(integer) -2"),
        ("TYPE k", "none"),
        ("EXPIRE k 10", "(integer) 0"),
        ("PERSIST k", "(integer) 0"),
        ("RENAME k j", "(error) ERR no such key"),
        ("COPY k j", "(integer) 0"),
        ("MOVE k 1", "(integer) 0"),
        ("SET k v XX", "(nil)"),
        ("SETNX k v", "(integer) 1"),
        ("INCR k", "(integer) 1"),
        ("APPEND k abc", "(integer) 3"),
        ("SETRANGE k 1 a", "(integer) 2"),
        ("INCRBYFLOAT k 1.5", "\"1.5\""),
        ("MSETNX k 1 l 2", "(integer) 1"),
        ("KEYS *", "(empty array)"),
        ("RANDOMKEY", "(nil)"),
        ("SCAN 0", "1) \"0\"\n2) (empty array)"),
        ("OBJECT ENCODING k", "(nil)"),
        ("MEMORY USAGE k", "(nil)"),
    ] {
        store.type_line("FLUSHALL");
        again(&mut store);
        assert_eq!(store.type_line(line), reply, "{line}");
        if reply == "(integer) 1" || line.starts_with("APPEND") {
            assert_eq!(store.type_line("TTL k"), "(integer) -1", "{line} took over an expired deadline");
        }
    }
}

#[test]
fn keys_move_with_their_deadlines() {
    Store::new().expect(&[
        ("SET a 1 PX 5000", "OK"),
        ("RENAME a a", "OK"),
        ("RENAMENX a a", "(integer) 0"),
        ("SET b 2", "OK"),
        ("RENAME a b", "OK"),
        ("PTTL b", "(integer) 5000"),
        ("COPY b b", "(error) ERR source and destination objects are the same"),
        ("COPY b b DB 3", "(integer) 1"),
        ("COPY b c DB x", NOT_AN_INTEGER),
        ("COPY b c DB 16", "(error) ERR DB index is out of range"),
        ("COPY b c DB", SYNTAX),
        ("MOVE b 0", "(error) ERR source and destination objects are the same"),
        ("MOVE b 3", "(integer) 0"),
        ("MOVE b -1", "(error) ERR DB index is out of range"),
        ("MOVE b 4", "(integer) 1"),
        ("EXISTS b", "(integer) 0"),
        ("SELECT 4", "OK"),
        ("PTTL b", "(integer) 5000"),
        ("SWAPDB 3 x", "(error) ERR invalid second DB index"),
        ("SWAPDB x 3", "(error) ERR invalid first DB index"),
        ("SWAPDB 3 44", "(error) ERR DB index is out of range"),
        ("FLUSHDB SYNC ASYNC", SYNTAX),
        ("FLUSHALL now", SYNTAX),
        ("FLUSHDB ASYNC", "OK"),
        ("SELECT 3", "OK"),
        ("DBSIZE", "(integer) 1"),
        ("SELECT x", NOT_AN_INTEGER),
        ("SELECT 99999999999", "(error) ERR value is out of range, value must between -2147483648 and 2147483647"),
    ]);
}

#[test]
fn a_scan_finds_every_key_once() {
    let mut store = Store::new();
    for number in 0..1000 {
        store.run(&["SET".to_owned(), format!("key:{number}"), "v".to_owned()]);
    }
    let (mut cursor, mut found, mut steps) = ("0".to_owned(), Vec::new(), 0);
    loop {
        let shown = store.type_line(&format!("SCAN {cursor} COUNT 25"));
        let mut words = shown.split('"').skip(1).step_by(2).map(str::to_owned);
        cursor = words.next().unwrap();
        found.extend(words);
        steps += 1;
        if cursor == "0" {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 1000);
    assert!((10..=80).contains(&steps), "{steps} steps");
    store.expect(&[
        ("SCAN 0 COUNT 0", SYNTAX),
        ("SCAN 0 COUNT x", NOT_AN_INTEGER),
        ("SCAN 0 COUNT", SYNTAX),
        ("SCAN 0 TYPE nosuch", "(error) ERR unknown type name 'nosuch'"),
        ("SCAN 0 NOVALUES", "(error) ERR NOVALUES option can only be used in HSCAN"),
        ("SCAN 0 COUNT 9999 TYPE list", "1) \"0\"\n2) (empty array)"),
        ("SCAN -1", "(error) ERR invalid cursor"),
        ("SCAN 18446744073709551616", "(error) ERR invalid cursor"),
        ("SCAN 0 COUNT 9999 MATCH key:77 TYPE STRING", "1) \"0\"\n2) 1) \"key:77\""),
    ]);
}

#[test]
fn objects_tell_how_they_are_kept() {
    let mut store = Store::new();
    let (short, long) = ("x".repeat(44), "x".repeat(45));
    store.type_line(&format!("MSET short {short} long {long} number -5"));
    store.expect(&[
        ("OBJECT ENCODING short", "\"embstr\""),
        ("OBJECT ENCODING long", "\"raw\""),
        ("OBJECT ENCODING number", "\"int\""),
        ("OBJECT FREQ nobody", "(nil)"),
        ("MEMORY USAGE short SAMPLES", SYNTAX),
        ("MEMORY USAGE short SAMPLES -1", SYNTAX),
        ("MEMORY USAGE short SAMPLES x", NOT_AN_INTEGER),
    ]);
    store.advance(7000);
    assert_eq!(store.type_line("OBJECT IDLETIME short"), "(integer) 7");
    store.type_line("CLIENT NO-TOUCH ON");
    store.type_line("GET short");
    assert_eq!(store.type_line("OBJECT IDLETIME short"), "(integer) 7");
    store.type_line("CLIENT NO-TOUCH OFF");
    store.type_line("TOUCH short");
    assert_eq!(store.type_line("OBJECT IDLETIME short"), "(integer) 0");
}
