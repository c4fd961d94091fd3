//! Sets beyond the examples: every form, refusals in the words of Redis, chances.

mod common;

use std::collections::{BTreeSet, HashMap};

use common::{Store, replayed};
use kvark_base::random::Random;

const WRONG_TYPE: &str = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

/// Sets of up to so many integers, packed members, bytes of a packed member.
type Thresholds = [i64; 3];

/// Redis' own; those under which sets grow out of each form; those under which all are tables.
const THRESHOLDS: [Thresholds; 3] = [[512, 128, 64], [8, 16, 64], [0, 0, 0]];

fn store_with([integers, entries, value]: Thresholds) -> Store {
    let store = Store::new();
    let forms = store.keyspace.forms();
    forms.set_integers.set(integers);
    forms.set_entries.set(entries);
    forms.set_value.set(value);
    store
}

/// The members of a reply of several lines.
fn members(shown: &str) -> Vec<String> {
    if shown == "(empty array)" {
        return Vec::new();
    }
    shown.lines().map(|line| line.split_once(") ").unwrap().1.trim_matches('"').to_owned()).collect()
}

fn set_of(shown: &str) -> BTreeSet<String> {
    let members = members(shown);
    let set: BTreeSet<_> = members.iter().cloned().collect();
    assert_eq!(set.len(), members.len(), "a member was answered twice");
    set
}

fn assert_replays(store: &Store) {
    let (now_ms, log) = (store.clock.now_ms(), store.keyspace.log());
    log.seal(log.last()).unwrap();
    assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms));
}

#[test]
fn any_other_type_is_refused_by_every_word() {
    let mut store = Store::new();
    store.expect(&[("SET text hello", "OK"), ("SADD set a", "(integer) 1")]);
    for line in [
        "SADD text a",
        "SREM text a",
        "SISMEMBER text a",
        "SMISMEMBER text a b",
        "SMEMBERS text",
        "SCARD text",
        "SPOP text",
        "SPOP text 0",
        "SRANDMEMBER text",
        "SRANDMEMBER text 0",
        "SSCAN text 0",
        "SMOVE text set a",
        "SMOVE set text a",
        "SMOVE set text b",
        "SINTER nobody text",
        "SINTER text nobody",
        "SINTERCARD 2 nobody text",
        "SINTERSTORE set nobody text",
        "SUNION set text",
        "SUNIONSTORE set set text",
        "SDIFF nobody text",
        "SDIFFSTORE set set text",
    ] {
        assert_eq!(store.type_line(line), WRONG_TYPE, "{line}");
    }
    store.expect(&[("GET text", "\"hello\""), ("SMEMBERS set", "1) \"a\""), ("SMOVE nobody text a", "(integer) 0")]);
}

#[test]
fn what_makes_no_sense_is_refused_in_the_words_of_redis() {
    let mut store = Store::new();
    store.expect(&[
        ("SADD set", "(error) ERR wrong number of arguments for 'sadd' command"),
        ("SPOP set 1 2", "(error) ERR syntax error"),
        ("SPOP set -1", "(error) ERR value is out of range, must be positive"),
        ("SPOP set x", "(error) ERR value is out of range, must be positive"),
        ("SRANDMEMBER set 1 2", "(error) ERR syntax error"),
        ("SRANDMEMBER set x", "(error) ERR value is not an integer or out of range"),
        (
            "SRANDMEMBER set -9223372036854775808",
            "(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("SINTERCARD 0 set", "(error) ERR numkeys should be greater than 0"),
        ("SINTERCARD x set", "(error) ERR numkeys should be greater than 0"),
        ("SINTERCARD 2 set", "(error) ERR Number of keys can't be greater than number of args"),
        ("SINTERCARD 1 set LIMIT", "(error) ERR syntax error"),
        ("SINTERCARD 1 set MOST 1", "(error) ERR syntax error"),
        ("SINTERCARD 1 set LIMIT -1", "(error) ERR LIMIT can't be negative"),
        ("SINTERCARD 1 set LIMIT x", "(error) ERR LIMIT can't be negative"),
        ("SSCAN set x", "(error) ERR invalid cursor"),
    ]);
}

#[test]
fn a_missing_key_is_an_empty_set() {
    Store::new().expect(&[
        ("SREM nobody a", "(integer) 0"),
        ("SISMEMBER nobody a", "(integer) 0"),
        ("SMISMEMBER nobody a b", "1) (integer) 0\n2) (integer) 0"),
        ("SPOP nobody", "(nil)"),
        ("SPOP nobody 3", "(empty array)"),
        ("SRANDMEMBER nobody", "(nil)"),
        ("SRANDMEMBER nobody -3", "(empty array)"),
        ("SSCAN nobody 0", "1) \"0\"\n2) (empty array)"),
        ("SUNION nobody nothing", "(empty array)"),
        ("SDIFF nobody nothing", "(empty array)"),
        ("SINTERCARD 2 nobody nothing", "(integer) 0"),
        ("SUNIONSTORE into nobody", "(integer) 0"),
        ("EXISTS nobody into", "(integer) 0"),
    ]);
}

#[test]
fn what_changes_nothing_is_not_logged() {
    let mut store = Store::new();
    store.expect(&[("SADD set a b", "(integer) 2")]);
    let before = store.keyspace.log().last();
    store.expect(&[
        ("SADD set a b a", "(integer) 0"),
        ("SREM set c", "(integer) 0"),
        ("SPOP set 0", "(empty array)"),
        ("SPOP nobody", "(nil)"),
        ("SMOVE set set a", "(integer) 1"),
        ("SMOVE set other c", "(integer) 0"),
        ("SINTERSTORE nobody set nobody", "(integer) 0"),
    ]);
    assert_eq!(store.keyspace.log().last(), before);
}

#[test]
fn a_move_has_both_ends_or_none_and_keeps_what_is_there() {
    let mut store = Store::new();
    store.expect(&[
        ("SADD from a b", "(integer) 2"),
        ("SADD to b c", "(integer) 2"),
        ("SMOVE from to b", "(integer) 1"),
        ("SCARD to", "(integer) 2"),
        ("SMEMBERS from", "1) \"a\""),
        ("SMOVE from to a", "(integer) 1"),
        ("EXISTS from", "(integer) 0"),
        ("SCARD to", "(integer) 3"),
    ]);
    assert_replays(&store);
}

#[test]
fn the_key_keeps_its_deadline_while_it_has_members() {
    let mut store = Store::new();
    store.expect(&[
        ("SADD set a b", "(integer) 2"),
        ("EXPIRE set 100", "(integer) 1"),
        ("SADD set c", "(integer) 1"),
        ("SREM set a", "(integer) 1"),
    ]);
    store.type_line("SPOP set");
    assert_eq!(store.type_line("TTL set"), "(integer) 100");
    store.expect(&[
        ("SINTERSTORE set set", "(integer) 1"),
        ("TTL set", "(integer) -1"),
        ("EXPIRE set 100", "(integer) 1"),
    ]);
    store.advance(100_000);
    store.expect(&[("SCARD set", "(integer) 0"), ("SADD set z", "(integer) 1"), ("SMEMBERS set", "1) \"z\"")]);
    assert_replays(&store);
}

#[test]
fn a_stored_result_takes_the_place_of_anything() {
    let mut store = Store::new();
    store.expect(&[
        ("SADD a 1 2 3", "(integer) 3"),
        ("SADD b 2 3 4", "(integer) 3"),
        ("SET into text", "OK"),
        ("SUNIONSTORE into a b", "(integer) 4"),
        ("OBJECT ENCODING into", "\"intset\""),
        ("SDIFFSTORE a a b", "(integer) 1"),
        ("SMEMBERS a", "1) \"1\""),
        ("SET into text", "OK"),
        ("SINTERSTORE into a b", "(integer) 0"),
        ("TYPE into", "none"),
    ]);
    assert_replays(&store);
}

#[test]
fn the_form_of_a_stored_result_is_that_of_its_members() {
    let mut store = Store::new();
    let many: String = (0..200).map(|number| format!(" m{number}")).collect();
    store.type_line(&format!("SADD big 1 2{many}"));
    store.expect(&[
        ("OBJECT ENCODING big", "\"hashtable\""),
        ("SADD small 1 2 m1", "(integer) 3"),
        ("OBJECT ENCODING small", "\"listpack\""),
        ("SADD integers 1 2", "(integer) 2"),
        ("SINTERSTORE into big integers", "(integer) 2"),
        ("OBJECT ENCODING into", "\"intset\""),
        ("SINTERSTORE into big small", "(integer) 3"),
        ("OBJECT ENCODING into", "\"listpack\""),
        ("SUNIONSTORE into small integers big", "(integer) 202"),
        ("OBJECT ENCODING into", "\"hashtable\""),
    ]);
}

/// Some of few members: integers only, or any.
fn random_members(random: &mut Random) -> BTreeSet<String> {
    let (span, only_integers) = (1 + random.below(60), random.chance(1, 3));
    let names = (0..random.below(60)).map(|_| (random.below(span), only_integers || random.chance(1, 2)));
    names.map(|(number, integer)| if integer { number.to_string() } else { format!("m{number}") }).collect()
}

#[test]
fn algebra_is_what_it_is_in_mathematics() {
    for (thresholds, seed) in THRESHOLDS.into_iter().flat_map(|thresholds| (0..60).map(move |seed| (thresholds, seed)))
    {
        let (mut store, mut random) = (store_with(thresholds), Random::from_seed(seed));
        let sets: Vec<BTreeSet<String>> = (0..1 + random.below(5)).map(|_| random_members(&mut random)).collect();
        for (at, set) in sets.iter().enumerate().filter(|(_, set)| !set.is_empty()) {
            let members = set.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
            assert_eq!(store.type_line(&format!("SADD s{at} {members}")), format!("(integer) {}", set.len()));
        }
        let keys = (0..sets.len()).map(|at| format!("s{at}")).collect::<Vec<_>>().join(" ");
        let reduce = |how: fn(&BTreeSet<String>, &BTreeSet<String>) -> BTreeSet<String>| {
            sets.iter().cloned().reduce(|a, b| how(&a, &b)).unwrap()
        };
        for (word, expected) in
            [("SINTER", reduce(|a, b| a & b)), ("SUNION", reduce(|a, b| a | b)), ("SDIFF", reduce(|a, b| a - b))]
        {
            let shown = store.type_line(&format!("{word} {keys}"));
            assert_eq!(set_of(&shown), expected, "{word} {keys}, seed {seed}");
            let stored = store.type_line(&format!("{word}STORE into {keys}"));
            assert_eq!(stored, format!("(integer) {}", expected.len()));
            assert_eq!(set_of(&store.type_line("SMEMBERS into")), expected);
        }
        let common = reduce(|a, b| a & b).len();
        for limit in 0..4 {
            let shown = store.type_line(&format!("SINTERCARD {} {keys} LIMIT {limit}", sets.len()));
            assert_eq!(shown, format!("(integer) {}", if limit == 0 { common } else { common.min(limit) }));
        }
        assert_replays(&store);
    }
}

/// How far counts are from equal shares, as a sum of squares (Pearson 1900).
fn chi_square(counts: &HashMap<String, u32>, kinds: usize) -> f64 {
    let expected = f64::from(counts.values().sum::<u32>()) / kinds as f64;
    assert!(counts.len() <= kinds);
    let unseen = (kinds - counts.len()) as f64 * expected;
    unseen + counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum::<f64>()
}

/// What 19 degrees of freedom exceed once in a hundred thousand times.
const MOST: f64 = 58.7;

/// A set of twenty members that is left of a hundred.
fn refill(store: &mut Store, prefix: &str) {
    let name = |number: usize| format!(" {prefix}{number}");
    store.type_line(&format!("SADD set{}", (0..100).map(name).collect::<String>()));
    store.type_line(&format!("SREM set{}", (0..100).filter(|number| number % 5 != 2).map(name).collect::<String>()));
    assert_eq!(store.type_line("SCARD set"), "(integer) 20");
}

#[test]
fn every_member_is_as_likely_to_be_drawn_as_any_other_also_after_many_have_gone() {
    for (thresholds, prefix) in [([512, 128, 64], ""), ([512, 128, 64], "m"), ([0, 0, 0], "m")] {
        let mut store = store_with(thresholds);
        let mut counts = [0; 4].map(|_| HashMap::<String, u32>::new());
        for _ in 0..400 {
            refill(&mut store, prefix);
            for _ in 0..5 {
                let one = store.type_line("SRANDMEMBER set").trim_matches('"').to_owned();
                *counts[0].entry(one).or_default() += 1;
            }
            for (at, line) in [(1, "SRANDMEMBER set 5"), (2, "SRANDMEMBER set -5"), (3, "SPOP set 5")] {
                members(&store.type_line(line))
                    .into_iter()
                    .for_each(|member| *counts[at].entry(member).or_default() += 1);
            }
        }
        for (at, counts) in counts.iter().enumerate() {
            let chi_square = chi_square(counts, 20);
            assert!(chi_square < MOST, "{chi_square} for way {at} with {prefix:?} under {thresholds:?}");
        }
    }
}

#[test]
fn popping_one_by_one_comes_in_every_order_alike() {
    for thresholds in [[512, 128, 64], [0, 0, 0]] {
        let (mut store, mut counts) = (store_with(thresholds), HashMap::new());
        for _ in 0..2400 {
            store.type_line("SADD set a b c d");
            let order: String = (0..4).map(|_| store.type_line("SPOP set")).collect();
            *counts.entry(order).or_default() += 1;
        }
        // 23 degrees of freedom exceed this once in a hundred thousand times.
        assert!(chi_square(&counts, 24) < 65.0, "{counts:?}");
    }
}

#[test]
fn a_pop_takes_what_it_answers_and_a_draw_takes_nothing() {
    for (thresholds, count) in THRESHOLDS.into_iter().flat_map(|it| (0..30).map(move |count| (it, count))) {
        let mut store = store_with(thresholds);
        let all: BTreeSet<String> = (0..25).map(|number| format!("m{number}")).collect();
        store.type_line(&format!("SADD set {}", all.iter().map(String::as_str).collect::<Vec<_>>().join(" ")));
        let drawn = set_of(&store.type_line(&format!("SRANDMEMBER set {count}")));
        assert!(drawn.len() == count.min(25) && drawn.is_subset(&all));
        let with_repeats = members(&store.type_line(&format!("SRANDMEMBER set {}", -(count as i64))));
        assert!(with_repeats.len() == count && with_repeats.iter().all(|member| all.contains(member)));
        let popped = set_of(&store.type_line(&format!("SPOP set {count}")));
        assert_eq!(popped.len(), count.min(25));
        assert_eq!(set_of(&store.type_line("SMEMBERS set")), &all - &popped);
        assert_eq!(store.type_line("EXISTS set"), format!("(integer) {}", u8::from(count < 25)));
        assert_replays(&store);
    }
}

#[test]
fn a_walk_meets_what_stays_while_the_set_grows_and_shrinks() {
    for thresholds in THRESHOLDS {
        let mut store = store_with(thresholds);
        let stays: BTreeSet<String> = (0..60).map(|number| format!("s{number}")).collect();
        store.type_line(&format!("SADD set {}", stays.iter().map(String::as_str).collect::<Vec<_>>().join(" ")));
        let (mut random, mut found, mut cursor) = (Random::from_seed(3), BTreeSet::new(), "0".to_owned());
        loop {
            let shown = store.type_line(&format!("SSCAN set {cursor} MATCH s* COUNT 7"));
            let mut lines = shown.lines();
            cursor = lines.next().unwrap().trim_start_matches("1) ").trim_matches('"').to_owned();
            let names = lines.filter_map(|line| line.split('"').nth(1));
            found.extend(names.map(str::to_owned));
            if cursor == "0" {
                break;
            }
            for _ in 0..20 {
                store.type_line(&format!("SADD set n{}", random.below(200)));
                store.type_line(&format!("SREM set n{}", random.below(200)));
            }
        }
        assert_eq!(found, stays);
    }
}

#[test]
fn members_go_when_their_time_comes_and_take_their_deadlines_along() {
    for thresholds in THRESHOLDS {
        let mut store = store_with(thresholds);
        store.expect(&[
            ("SADD set a b c 1", "(integer) 4"),
            ("SEXPIRE set 10 MEMBERS 2 a b", "1) (integer) 1\n2) (integer) 1"),
            ("SEXPIRE set 20 MEMBERS 1 c", "1) (integer) 1"),
            ("SADD set b d", "(integer) 1"),
            ("STTL set MEMBERS 3 a b d", "1) (integer) 10\n2) (integer) -1\n3) (integer) -1"),
            ("SMOVE set other c", "(integer) 1"),
            ("STTL other MEMBERS 1 c", "1) (integer) 20"),
            ("COPY set copy", "(integer) 1"),
            ("SUNIONSTORE all set other", "(integer) 5"),
        ]);
        assert_replays(&store);
        store.advance(9_999);
        store.expect(&[("SISMEMBER set a", "(integer) 1"), ("SCARD set", "(integer) 4")]);
        store.advance(1);
        store.expect(&[
            ("SISMEMBER set a", "(integer) 0"),
            ("SISMEMBER copy a", "(integer) 0"),
            ("SCARD set", "(integer) 3"),
            ("SCARD all", "(integer) 5"),
        ]);
        assert_eq!(set_of(&store.type_line("SINTER set copy all")), ["1", "b", "d"].map(str::to_owned).into());
        store.advance(10_000);
        store.expect(&[("EXISTS other", "(integer) 0"), ("SMEMBERS other", "(empty array)")]);
        assert_replays(&store);
    }
}
