use std::collections::BTreeMap;

use kvark_base::random::Random;

use super::*;
use crate::wire::put_varint;

/// Members with score and deadline, kept plainly.
type Model = BTreeMap<Vec<u8>, (Score, Millis)>;

/// Members in order.
fn sorted(model: &Model) -> Vec<(Vec<u8>, Score, Millis)> {
    let mut all: Vec<_> = model.iter().map(|(member, &(score, at))| (member.clone(), score, at)).collect();
    all.sort_by(|a, b| order(a.1, &a.0, b.1, &b.0));
    all
}

fn owned(entry: Entry<'_>) -> (Vec<u8>, Score, Millis) {
    (entry.member.text(&mut IntBuffer::new()).to_vec(), entry.score, entry.deadline)
}

/// Thresholds under which no set stays packed, and some under which all sets of the tests do.
fn both_forms() -> [Forms; 2] {
    let (big, small) = (Forms::default(), Forms::default());
    big.zset_entries.set(0);
    small.zset_entries.set(1_000_000);
    small.zset_value.set(1_000_000);
    [big, small]
}

fn apply(zset: &mut Zset, ops: &[u8], forms: &Forms) {
    zset.apply(&mut Reader::new(ops, "a test"), forms).unwrap();
}

fn encoded(zset: &Zset) -> Vec<u8> {
    let mut out = Vec::new();
    zset.encode(&mut out);
    out
}

fn decoded(bytes: &[u8], forms: &Forms) -> Result<Zset> {
    Zset::decode(&mut Reader::new(bytes, "a test"), forms)
}

fn random_member(random: &mut Random) -> Vec<u8> {
    let number = random.below(400);
    match number % 4 {
        0 => number.to_string().into_bytes(),
        1 => format!("-{number}").into_bytes(),
        2 => format!("member:{number:0>60}").into_bytes(),
        _ => vec![0xff, number as u8, 0],
    }
}

fn random_score(random: &mut Random) -> Score {
    match random.below(8) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => -0.0,
        3 => random.below(3) as Score,
        4 => -(random.below(1000) as Score) / 8.0,
        _ => random.next_u64() as i64 as Score * 1e-3,
    }
}

fn change(model: &mut Model, random: &mut Random, ops: &mut Vec<u8>) {
    let (member, score) = (random_member(random), random_score(random));
    let at = if random.chance(1, 8) { random.below(1000) } else { 0 };
    match random.below(6) {
        0..3 => {
            Op::Put { member: &member, score, deadline: at }.encode(ops);
            model.insert(member, (score, at));
        }
        3 => {
            Op::Expire { member: &member, at }.encode(ops);
            model.entry(member).and_modify(|it| it.1 = at);
        }
        _ => {
            Op::Remove { member: &member }.encode(ops);
            model.remove(&member);
        }
    }
}

fn check(zset: &Zset, model: &Model, random: &mut Random) {
    let all = sorted(model);
    assert_eq!(zset.len(), all.len());
    assert_eq!(zset.iter().map(owned).collect::<Vec<_>>(), all);
    let backwards: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(zset.iter().rev().map(owned).collect::<Vec<_>>(), backwards);
    let least = model.values().map(|it| it.1).filter(|&at| at > 0).min().unwrap_or(0);
    assert!(zset.next_deadline() <= least && (least == 0 || zset.next_deadline() > 0), "the next deadline is {least}");
    check_ranks(zset, &all, random);
    check_places(zset, &all, random);
}

fn check_ranks(zset: &Zset, all: &[(Vec<u8>, Score, Millis)], random: &mut Random) {
    let (from, to) = (random.below(all.len() as u64 + 1) as usize, random.below(all.len() as u64 + 2) as usize);
    let expected = all.get(from..to.min(all.len())).unwrap_or(&[]);
    assert_eq!(zset.range(from..to).map(owned).collect::<Vec<_>>(), expected);
    assert_eq!(zset.range(from..to).len(), expected.len());
    let member = random_member(random);
    assert_eq!(zset.rank(&member), all.iter().position(|it| it.0 == member));
    assert_eq!(zset.get(&member).map(owned).as_ref(), all.iter().find(|it| it.0 == member));
}

fn check_places(zset: &Zset, all: &[(Vec<u8>, Score, Millis)], random: &mut Random) {
    let score = all.first().map_or(0.0, |_| all[random.below(all.len() as u64) as usize].1);
    for score in [score, score + 0.5, random_score(random)] {
        for edge in [Edge::BeforeScore(score), Edge::AfterScore(score), Edge::Start, Edge::End] {
            assert_eq!(zset.place(edge), all.iter().take_while(|it| edge.is_above(it.1, &it.0)).count(), "{edge:?}");
        }
    }
}

#[test]
fn each_form_agrees_with_a_map() {
    for forms in both_forms() {
        for seed in 0..4 {
            let (mut zset, mut model, mut random) = (Zset::default(), Model::new(), Random::from_seed(seed));
            for _ in 0..500 {
                let mut ops = Vec::new();
                (0..=random.below(9)).for_each(|_| change(&mut model, &mut random, &mut ops));
                apply(&mut zset, &ops, &forms);
                check(&zset, &model, &mut random);
            }
            let due: Vec<u8> = due_ops(&model, 500);
            let mut ops = Vec::new();
            zset.expire(500, usize::MAX, &mut ops);
            assert_eq!(ops.len(), due.len(), "what is due goes");
            apply(&mut zset, &ops, &forms);
            model.retain(|_, it| it.1 == 0 || it.1 > 500);
            check(&zset, &model, &mut random);
        }
    }
}

fn due_ops(model: &Model, now_ms: Millis) -> Vec<u8> {
    let mut ops = Vec::new();
    let due = model.iter().filter(|(_, it)| it.1 > 0 && it.1 <= now_ms);
    due.for_each(|(member, _)| Op::Remove { member }.encode(&mut ops));
    ops
}

#[test]
fn members_of_one_score_are_found_by_their_bytes() {
    for forms in both_forms() {
        let (mut zset, mut random) = (Zset::default(), Random::from_seed(3));
        let mut members: Vec<Vec<u8>> = (0..300).map(|_| random_member(&mut random)).collect();
        members.iter().for_each(|member| zset.put(member, 7.0, 0, &forms));
        members.sort();
        members.dedup();
        for _ in 0..300 {
            let member = random_member(&mut random);
            for edge in [Edge::BeforeMember(&member), Edge::AfterMember(&member)] {
                let below = members.iter().filter(|&it| edge.is_above(7.0, it)).count();
                assert_eq!(zset.place(edge), below, "{edge:?}");
            }
        }
    }
}

#[test]
fn a_set_goes_round_whatever_its_form() {
    let [big, small] = both_forms();
    let (mut model, mut random, mut ops) = (Model::new(), Random::from_seed(5), Vec::new());
    (0..900).for_each(|_| change(&mut model, &mut random, &mut ops));
    let (mut one, mut other) = (Zset::default(), Zset::default());
    apply(&mut one, &ops, &big);
    apply(&mut other, &ops, &small);
    assert_eq!((one.encoding(), other.encoding()), ("skiplist", "listpack"));
    assert_eq!(one, other);
    assert_eq!(encoded(&one), encoded(&other));
    assert_eq!(decoded(&encoded(&one), &small).unwrap(), other);
    assert_eq!(decoded(&encoded(&other), &big).unwrap(), one.clone());
    other.put(b"one more", 1.0, 0, &small);
    assert_ne!(one, other);
}

#[test]
fn equality_sees_member_score_and_deadline() {
    let forms = Forms::default();
    let with = |member: &[u8], score, deadline| {
        let mut zset = Zset::default();
        zset.put(member, score, deadline, &forms);
        zset
    };
    assert_eq!(with(b"1", 1.0, 9), with(b"1", 1.0, 9));
    for other in [with(b"2", 1.0, 9), with(b"1", 2.0, 9), with(b"1", 1.0, 0)] {
        assert_ne!(with(b"1", 1.0, 9), other);
    }
}

#[test]
fn it_is_unpacked_over_either_threshold() {
    let forms = Forms::default();
    let filled = |count: u32| {
        let mut zset = Zset::default();
        (0..count).for_each(|number| zset.put(format!("m{number}").as_bytes(), 1.0, 0, &forms));
        zset
    };
    let mut zset = filled(128);
    assert_eq!(zset.encoding(), "listpack");
    zset.put(b"m5", 2.0, 0, &forms);
    assert_eq!(zset.encoding(), "listpack", "a member that is there already needs no more room");
    assert_eq!(filled(129).encoding(), "skiplist");
    zset = filled(3);
    zset.put(&[b'x'; 64], 0.0, 0, &forms);
    assert_eq!(zset.encoding(), "listpack");
    zset.put(&[b'x'; 65], 0.0, 77, &forms);
    assert_eq!(zset.encoding(), "skiplist");
    assert_eq!((zset.len(), zset.next_deadline()), (5, 77));
}

/// A walk in small steps while other members come and go.
#[test]
fn a_walk_meets_all_that_stay() {
    for forms in both_forms() {
        for seed in 0..10 {
            let (mut zset, mut random) = (Zset::default(), Random::from_seed(seed));
            let name = |number: u64| format!("{number}").into_bytes();
            (0..200).for_each(|number| zset.put(&name(number), number as Score, 0, &forms));
            let (mut met, mut cursor) = (std::collections::BTreeSet::new(), 0);
            loop {
                cursor = zset.scan(cursor, 7, |entry| {
                    met.insert(owned(entry).0);
                });
                if cursor == 0 {
                    break;
                }
                let mut ops = Vec::new();
                Op::Remove { member: &name(100 + random.below(200)) }.encode(&mut ops);
                let added = name(200 + random.below(100));
                Op::Put { member: &added, score: 0.0, deadline: 0 }.encode(&mut ops);
                apply(&mut zset, &ops, &forms);
            }
            assert!((0..100).all(|number| met.contains(&name(number))), "seed {seed}");
        }
    }
}

#[test]
fn what_no_encoder_wrote_is_refused_and_nothing_panics() {
    let mut random = Random::from_seed(8);
    for forms in both_forms() {
        let mut zset = Zset::default();
        let mut ops = Vec::new();
        Op::Put { member: b"m", score: f64::NAN, deadline: 0 }.encode(&mut ops);
        assert!(zset.apply(&mut Reader::new(&ops, "a test"), &forms).is_err(), "NaN is no score");
        assert!(zset.apply(&mut Reader::new(&[9], "a test"), &forms).is_err(), "there is no operation 9");
        for _ in 0..3000 {
            let (mut model, mut ops) = (Model::new(), Vec::new());
            (0..4).for_each(|_| change(&mut model, &mut random, &mut ops));
            let at = random.below(ops.len() as u64) as usize;
            ops[at] = random.next_u64() as u8;
            ops.truncate(at + random.below(30) as usize);
            let _ = zset.apply(&mut Reader::new(&ops, "a test"), &forms);
            let mut bytes = encoded(&zset);
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next_u64() as u8;
            let _ = decoded(&bytes, &forms);
        }
    }
    let mut huge = Vec::new();
    put_varint(&mut huge, u64::MAX);
    assert!(decoded(&huge, &Forms::default()).is_err());
}

/// The bytes of each `hex` block of the part of a page under `heading`.
fn examples(page: &str, heading: &str) -> Vec<Vec<u8>> {
    let part = page.split(heading).nth(1).expect("the heading is there").split("\n## ").next().unwrap();
    let blocks = part.split("```hex\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let digits = |line: &str| line.split("  ").next().unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>();
    let bytes = |line: &str| digits(line).iter().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect::<Vec<_>>();
    blocks.map(|block| block.lines().flat_map(bytes).collect()).collect()
}

#[test]
fn the_pages_say_what_is_written() {
    let mut zset = Zset::default();
    zset.put(b"bo", 2.5, 0, &Forms::default());
    zset.put(b"al", -1.0, 1000, &Forms::default());
    let page = include_str!("../../../../docs/format/value.md");
    assert_eq!(examples(page, "\n## Sorted sets\n"), [encoded(&zset)]);
    let mut ops = Vec::new();
    Op::Put { member: b"al", score: -1.0, deadline: 0 }.encode(&mut ops);
    Op::Expire { member: b"al", at: 1000 }.encode(&mut ops);
    Op::Remove { member: b"bo" }.encode(&mut ops);
    let page = include_str!("../../../../docs/format/change.md");
    assert_eq!(examples(page, "\n## Sorted sets\n"), [ops]);
}
