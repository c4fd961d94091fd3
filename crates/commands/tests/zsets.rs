//! Sorted sets beyond the examples: both forms, refusals in the words of Redis, deadlines of members, chances.

mod common;

use std::collections::BTreeSet;

use common::{Store, replayed};
use kvark_base::random::Random;

const WRONG_TYPE: &str = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

/// Stores where small sets are packed, and where none is.
fn both_forms() -> [Store; 2] {
    let big = Store::new();
    big.keyspace.forms().zset_entries.set(0);
    [Store::new(), big]
}

fn assert_replays(store: &Store) {
    let (now_ms, log) = (store.clock.now_ms(), store.keyspace.log());
    log.seal(log.last()).unwrap();
    assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms));
}

#[test]
fn any_other_type_is_refused_by_every_word() {
    let mut store = Store::new();
    store.expect(&[("SET text hello", "OK"), ("ZADD board 1 a", "(integer) 1")]);
    for line in [
        "ZADD text 1 a",
        "ZINCRBY text 1 a",
        "ZREM text a",
        "ZSCORE text a",
        "ZMSCORE text a",
        "ZCARD text",
        "ZCOUNT text 0 1",
        "ZLEXCOUNT text - +",
        "ZRANK text a",
        "ZREVRANK text a",
        "ZRANGE text 0 1",
        "ZRANGEBYSCORE text 0 1",
        "ZREVRANGEBYLEX text + -",
        "ZRANGESTORE board text 0 1",
        "ZREMRANGEBYRANK text 0 1",
        "ZPOPMIN text",
        "ZPOPMAX text 0",
        "ZMPOP 2 nobody text MIN",
        "ZUNION 2 nobody text",
        "ZINTERCARD 2 board text",
        "ZDIFFSTORE board 2 board text",
        "ZRANDMEMBER text",
        "ZSCAN text 0",
        "ZEXPIRE text 10 MEMBERS 1 a",
        "ZTTL text MEMBERS 1 a",
        "ZPERSIST text MEMBERS 1 a",
        "GEOADD text 1 2 a",
        "GEOPOS text a",
        "GEOSEARCHSTORE board text FROMMEMBER a BYRADIUS 1 m",
    ] {
        assert_eq!(store.type_line(line), WRONG_TYPE, "{line}");
    }
    store.expect(&[("GET text", "\"hello\""), ("ZCARD board", "(integer) 1")]);
}

#[test]
fn what_makes_no_sense_is_refused_in_the_words_of_redis() {
    let mut store = Store::new();
    store.expect(&[
        ("ZADD board", "(error) ERR wrong number of arguments for 'zadd' command"),
        ("ZADD board NX 1", "(error) ERR syntax error"),
        ("ZADD board 1 a 2", "(error) ERR syntax error"),
        ("ZADD board nan a", "(error) ERR value is not a valid float"),
        ("ZADD board GT NX 1 a", "(error) ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("ZADD board INCR 1 a 2 b", "(error) ERR INCR option supports a single increment-element pair"),
        ("ZRANGE board 0 x", "(error) ERR value is not an integer or out of range"),
        ("ZRANGE board a b BYLEX", "(error) ERR min or max not valid string range item"),
        (
            "ZRANGE board - + BYLEX WITHSCORES",
            "(error) ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        ),
        ("ZREVRANGE board 0 1 REV", "(error) ERR syntax error"),
        ("ZPOPMIN board -1", "(error) ERR value is out of range, must be positive"),
        ("ZMPOP 1 board MIN COUNT 0", "(error) ERR count should be greater than 0"),
        ("ZMPOP 2 board MIN", "(error) ERR syntax error"),
        ("ZUNION 2 board", "(error) ERR syntax error"),
        ("ZUNION 1 board WEIGHTS x", "(error) ERR weight value is not a float"),
        ("ZUNION 1 board AGGREGATE avg", "(error) ERR syntax error"),
        ("ZDIFF 1 board WEIGHTS 1", "(error) ERR syntax error"),
        ("ZINTERCARD 1 board LIMIT -1", "(error) ERR LIMIT can't be negative"),
        ("ZRANDMEMBER board 1 x", "(error) ERR syntax error"),
        ("ZRANDMEMBER board -9223372036854775807 WITHSCORES", "(error) ERR value is out of range"),
        (
            "ZEXPIRE board 1 FIELDS 1 a",
            "(error) ERR Mandatory argument MEMBERS is missing or not at the right position",
        ),
        ("ZEXPIRE board -1 MEMBERS 1 a", "(error) ERR invalid expire time, must be >= 0"),
        ("ZEXPIRE board 1 MEMBERS 0 a", "(error) ERR Parameter `numMembers` should be greater than 0"),
        ("ZTTL board MEMBERS 2 a", "(error) ERR The `nummembers` parameter must match the number of arguments"),
        ("ZPEXPIRE board 70368744177664 MEMBERS 1 a", "(error) ERR invalid expire time in 'zpexpire' command"),
        ("EXISTS board", "(integer) 0"),
    ]);
    assert_replays(&store);
}

fn random_line(random: &mut Random) -> String {
    let key = ["{z}1", "{z}2", "{z}3"][random.below(3) as usize];
    let other = ["{z}1", "{z}2", "{z}3"][random.below(3) as usize];
    let mut member = || match random.below(40) {
        number @ 0..20 => number.to_string(),
        number => format!("m{number}"),
    };
    let (a, b) = (member(), member());
    let (x, y) = (random.below(20) as f64 / 4.0, random.below(20) as i64 - 10);
    match random.below(20) {
        0..4 => format!("ZADD {key} {x} {a} {y} {b} {y} {a}"),
        4 => format!("ZADD {key} XX GT CH {x} {a} {y} {b}"),
        5 => format!("ZADD {key} NX {x} {a}"),
        6 => format!("ZADD {key} LT INCR {y} {a}"),
        7 => format!("ZINCRBY {key} {x} {a}"),
        8 => format!("ZREM {key} {a} {b} {a}"),
        9 => format!("ZPOPMIN {key} 2"),
        10 => format!("ZREMRANGEBYSCORE {key} ({x} 3"),
        11 => format!("ZREMRANGEBYRANK {key} {y} -6"),
        12 => format!("ZUNIONSTORE {key} 2 {key} {other} WEIGHTS 1 -0.5"),
        13 => format!("ZRANGESTORE {key} {other} {y} -2 REV"),
        14 => format!("ZINTER 2 {key} {other} AGGREGATE MAX WITHSCORES"),
        15 => format!("ZDIFF 2 {key} {other} WITHSCORES"),
        16 => format!("ZRANGE {key} {x} -inf BYSCORE REV LIMIT 1 3 WITHSCORES"),
        17 => format!("ZEXPIRE {{z}}1 {} MEMBERS 2 {a} {b}", random.below(3)),
        18 => format!("ZMPOP 2 {key} {other} MAX COUNT 2"),
        _ => format!("ZREVRANK {key} {a} WITHSCORE"),
    }
}

#[test]
fn both_forms_answer_the_same_whatever_is_said() {
    for seed in 0..4 {
        let ([mut small, mut big], mut random) = (both_forms(), Random::from_seed(seed));
        for step in 0..1500 {
            let line = random_line(&mut random);
            assert_eq!(small.type_line(&line), big.type_line(&line), "{line}");
            let all = format!("ZRANGE {{z}}{} 0 -1 WITHSCORES", 1 + step % 3);
            assert_eq!(small.type_line(&all), big.type_line(&all), "after {line}");
            if step % 100 == 0 {
                for store in [&mut small, &mut big] {
                    store.advance(1000);
                    // What is due goes with an effect of its own, before the next word is counted.
                    store.type_line("ZCARD {z}1");
                }
            }
        }
        assert_eq!(big.type_line("OBJECT ENCODING {z}1"), "\"skiplist\"");
        assert_eq!(small.type_line("OBJECT ENCODING {z}1"), "\"listpack\"");
        [small, big].iter().for_each(assert_replays);
    }
}

#[test]
fn members_expire_to_the_millisecond() {
    for mut store in both_forms() {
        store.expect(&[
            ("ZADD board 1 ada 2 bob 3 eve", "(integer) 3"),
            ("ZPEXPIRE board 100 MEMBERS 2 ada bob", "1) (integer) 1\n2) (integer) 1"),
        ]);
        store.advance(99);
        store.expect(&[("ZPTTL board MEMBERS 1 ada", "1) (integer) 1"), ("ZCARD board", "(integer) 3")]);
        store.advance(1);
        store.expect(&[("ZRANGE board 0 -1", "1) \"eve\""), ("ZRANK board eve", "(integer) 0")]);
        store.expect(&[("ZPEXPIRE board 5 MEMBERS 1 eve", "1) (integer) 1")]);
        store.advance(5);
        store.expect(&[("EXISTS board", "(integer) 0"), ("ZADD board XX 1 eve", "(integer) 0")]);
        assert_replays(&store);
    }
}

#[test]
fn a_score_that_is_set_has_no_deadline_and_one_that_is_counted_keeps_it() {
    for mut store in both_forms() {
        store.expect(&[
            ("ZADD board 1 ada 1 bob 1 eve", "(integer) 3"),
            ("ZEXPIRE board 10 MEMBERS 3 ada bob eve", "1) (integer) 1\n2) (integer) 1\n3) (integer) 1"),
            ("ZINCRBY board 5 ada", "\"6\""),
            ("ZADD board 1 bob", "(integer) 0"),
            ("ZADD board NX 7 eve", "(integer) 0"),
            ("ZTTL board MEMBERS 3 ada bob eve", "1) (integer) 10\n2) (integer) -1\n3) (integer) 10"),
        ]);
        assert_replays(&store);
    }
}

#[test]
fn a_member_named_twice_meets_what_was_done_to_it() {
    let mut store = Store::new();
    store.expect(&[
        ("ZADD board CH 1 ada 2 ada 2 ada", "(integer) 2"),
        ("ZREM board ada ada", "(integer) 1"),
        ("ZADD board 1 ada", "(integer) 1"),
        ("ZEXPIRE board 0 MEMBERS 2 ada ada", "1) (integer) 2\n2) (integer) -2"),
    ]);
    assert_replays(&store);
}

#[test]
fn every_member_is_as_likely_to_be_drawn() {
    for mut store in both_forms() {
        store.type_line("ZADD board 1 a 1 b 1 c 1 d 2 e 3 f");
        for (line, draws, least) in
            [("ZRANDMEMBER board", 1, 800), ("ZRANDMEMBER board 2", 2, 1700), ("ZRANDMEMBER board -3", 3, 2600)]
        {
            let mut counts = std::collections::BTreeMap::<String, u32>::new();
            for _ in 0..6000 {
                let shown = store.type_line(line);
                let members: Vec<_> = shown.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
                assert_eq!(members.len(), draws);
                assert!(draws != 2 || members[0] != members[1], "the same came twice");
                members.into_iter().for_each(|member| *counts.entry(member).or_default() += 1);
            }
            let most = draws as u32 * 1000 + 400;
            assert!(
                counts.len() == 6 && counts.values().all(|count| (least..most).contains(count)),
                "{line}: {counts:?}"
            );
        }
    }
}

#[test]
fn a_walk_in_steps_meets_every_member_with_its_score() {
    for mut store in both_forms() {
        for number in 0..100 {
            store.type_line(&format!("ZADD board {number} m{number}"));
        }
        let (mut met, mut cursor) = (BTreeSet::new(), "0".to_owned());
        loop {
            let shown = store.type_line(&format!("ZSCAN board {cursor} COUNT 7"));
            let texts: Vec<_> = shown.split('"').skip(1).step_by(2).map(str::to_owned).collect();
            met.extend(texts[1..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())));
            cursor = texts[0].clone();
            if cursor == "0" {
                break;
            }
        }
        assert!((0..100).all(|number| met.contains(&(format!("m{number}"), number.to_string()))));
    }
}

#[test]
fn a_search_finds_what_is_near_and_nothing_else() {
    let (mut store, mut random) = (Store::new(), Random::from_seed(2));
    let mut degrees = |most: f64| (random.below(2_000_000) as f64 / 1_000_000.0 - 1.0) * most;
    for number in 0..300 {
        let (longitude, latitude) = (degrees(179.0), degrees(60.0));
        store.type_line(&format!("GEOADD world {longitude} {latitude} m{number}"));
    }
    for (center, radius_km) in [(0, 500.0), (1, 1000.0), (2, 2000.0), (3, 3000.0), (4, 0.0), (5, 1500.0)] {
        let shown = store.type_line(&format!("GEOSEARCH world FROMMEMBER m{center} BYRADIUS {radius_km} km"));
        let found: BTreeSet<_> = shown.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        let mut is_near = |member: &String| {
            let distance = store.type_line(&format!("GEODIST world m{center} {member} km"));
            distance.trim_matches('"').parse::<f64>().unwrap() <= radius_km
        };
        let near: BTreeSet<_> = (0..300).map(|number| format!("m{number}")).filter(|member| is_near(member)).collect();
        assert_eq!(found, near, "around m{center}");
    }
}
