//! A set does what a map from members to deadlines does, in each of its forms.

use std::collections::BTreeMap;

use kvark_base::Millis;
use kvark_base::random::Random;

use super::{Op, Set};
use crate::collection::Collection;
use crate::forms::Forms;
use crate::wire::Reader;
use crate::{IntBuffer, StringRef};

type Model = BTreeMap<Vec<u8>, Millis>;

/// Thresholds: most integers, most packed members, most bytes of a packed member.
fn forms(integers: i64, entries: i64, value: i64) -> Forms {
    let forms = Forms::default();
    forms.set_integers.set(integers);
    forms.set_entries.set(entries);
    forms.set_value.set(value);
    forms
}

/// Those of Redis, those under which sets grow out of each form, and those under which all are tables.
fn all_forms() -> [Forms; 3] {
    [Forms::default(), forms(6, 12, 20), forms(0, 0, 0)]
}

fn apply(set: &mut Set, ops: &[Op<'_>], forms: &Forms) {
    let mut bytes = Vec::new();
    ops.iter().for_each(|op| op.encode(&mut bytes));
    assert!(Op::each(&bytes).eq(ops.iter().copied()));
    set.apply(&mut Reader::new(&bytes, "a test"), forms).unwrap();
}

fn set_of(members: &[&str], forms: &Forms) -> Set {
    Set::from_members(members.iter().map(|member| StringRef::new(member.as_bytes())), forms)
}

fn text(member: StringRef<'_>) -> Vec<u8> {
    member.text(&mut IntBuffer::new()).to_vec()
}

fn encoded(set: &Set) -> Vec<u8> {
    let mut bytes = Vec::new();
    set.encode(&mut bytes);
    bytes
}

fn decoded(bytes: &[u8], forms: &Forms) -> kvark_base::Result<Set> {
    Set::decode(&mut Reader::new(bytes, "a test"), forms)
}

/// A member out of few, so that they meet again: integers, short strings, now and then a long one.
fn random_member(random: &mut Random, only_integers: bool) -> Vec<u8> {
    let number = random.below(40) as i64 - 10;
    match random.below(20) {
        0 => (number << 40).to_string().into_bytes(),
        1..12 if !only_integers => format!("member {number}").into_bytes(),
        12 if !only_integers => [b'x'; 100][..70 + number as usize % 20].to_vec(),
        _ => number.to_string().into_bytes(),
    }
}

fn random_deadline(random: &mut Random) -> Millis {
    if random.chance(1, 3) { 1 + random.below(1000) } else { 0 }
}

/// One change of both.
fn change(random: &mut Random, set: &mut Set, model: &mut Model, forms: &Forms, expiring: bool, integers: bool) {
    let (member, deadline) = (random_member(random, integers), if expiring { random_deadline(random) } else { 0 });
    match random.below(5) {
        0 | 1 => {
            apply(set, &[Op::Remove { member: &member }], forms);
            model.remove(&member);
        }
        2 if expiring => {
            apply(set, &[Op::Expire { member: &member, at: deadline }], forms);
            model.entry(member).and_modify(|at| *at = deadline);
        }
        _ => {
            apply(set, &[Op::Add { member: &member, deadline }], forms);
            model.insert(member, deadline);
        }
    }
}

fn assert_same(set: &Set, model: &Model) {
    assert_eq!(set.len(), model.len());
    let mut members: Vec<Vec<u8>> = set.iter().map(text).collect();
    assert!(set.iter().enumerate().all(|(index, member)| set.at(index) == Some(member)));
    assert_eq!(set.at(set.len()), None);
    members.sort();
    assert!(members.iter().eq(model.keys()));
    for (member, &deadline) in model {
        assert_eq!(set.deadline_of(StringRef::new(member)), Some(deadline));
    }
    let first = model.values().copied().filter(|&deadline| deadline > 0).min();
    let next = set.next_deadline();
    assert_eq!(next, first.unwrap_or(0));
}

/// Random changes under random circumstances; `look` is called after each of them.
fn random_life(seed: u64, forms: &Forms, mut look: impl FnMut(&mut Random, &mut Set, &mut Model)) {
    let mut random = Random::from_seed(seed);
    let (mut set, mut model) = (Set::default(), Model::new());
    let (expiring, integers) = (random.chance(1, 3), random.chance(1, 2));
    for _ in 0..150 {
        change(&mut random, &mut set, &mut model, forms, expiring, integers);
        look(&mut random, &mut set, &mut model);
    }
}

#[test]
fn it_does_what_a_map_does_in_each_form() {
    for forms in &all_forms() {
        for seed in 0..100 {
            random_life(seed, forms, |random, set, model| {
                assert_same(set, model);
                let member = random_member(random, false);
                assert_eq!(set.contains(StringRef::new(&member)), model.contains_key(&member));
            });
        }
    }
}

#[test]
fn what_is_due_goes_and_nothing_else() {
    for forms in &all_forms() {
        for seed in 0..100 {
            random_life(seed, forms, |random, set, model| {
                if random.chance(1, 20) {
                    let (now_ms, mut ops) = (random.below(1000), Vec::new());
                    set.expire(now_ms, usize::MAX, &mut ops);
                    let removed = Op::each(&ops).count();
                    let due = model.extract_if(.., |_, &mut deadline| deadline > 0 && deadline <= now_ms).count();
                    assert_eq!(removed, due);
                    set.apply(&mut Reader::new(&ops, "a test"), forms).unwrap();
                    assert_same(set, model);
                }
            });
        }
    }
}

#[test]
fn it_goes_round_through_its_bytes_whatever_the_form() {
    for (seed, forms) in (0..40).flat_map(|seed| all_forms().map(|forms| (seed, forms))) {
        random_life(seed, &forms, |_, set, model| {
            let bytes = encoded(set);
            for other in &all_forms() {
                let again = decoded(&bytes, other).unwrap();
                assert_same(&again, model);
                assert_eq!((&again, set.clone()), (&*set, again.clone()));
                assert_eq!(digest(&again), digest(set));
            }
        });
    }
}

/// The members as they are digested, in an order that does not depend on the form.
fn digest(set: &Set) -> Vec<Vec<u8>> {
    let mut members = Vec::new();
    set.each_for_digest(&mut |bytes| members.push(bytes.to_vec()));
    members.sort();
    members
}

#[test]
fn sets_are_different_when_a_member_or_its_deadline_is() {
    let forms = Forms::default();
    let (one, other) = (set_of(&["a", "1"], &forms), set_of(&["a", "2"], &forms));
    let mut expiring = one.clone();
    apply(&mut expiring, &[Op::Expire { member: b"a", at: 5 }], &forms);
    assert!(one != other && one != expiring && digest(&one) != digest(&other) && digest(&one) != digest(&expiring));
    apply(&mut expiring, &[Op::Expire { member: b"a", at: 0 }], &forms);
    assert_eq!((&one, digest(&one), encoded(&one).len()), (&expiring, digest(&expiring), encoded(&expiring).len()));
}

#[test]
fn the_form_is_the_one_that_redis_would_choose() {
    let forms = forms(4, 3, 6);
    for (members, form) in [
        (&["1", "2", "3", "4"][..], "intset"),
        (&["1", "2", "3", "4", "5"], "hashtable"),
        (&["1", "2", "a"], "listpack"),
        (&["1", "2", "3", "a"], "hashtable"),
        (&["a", "1", "2"], "listpack"),
        (&["a", "b", "c", "d"], "hashtable"),
        (&["1", "abcdef"], "listpack"),
        (&["1", "abcdefg"], "hashtable"),
        (&["1234567", "a"], "hashtable"),
        (&["abcdefg"], "hashtable"),
        (&["01"], "listpack"),
    ] {
        let set = set_of(members, &forms);
        assert_eq!(set.encoding(), form, "{members:?}");
        assert_eq!(set.len(), members.len());
    }
}

#[test]
fn a_form_is_not_taken_back() {
    let forms = Forms::default();
    let mut set = set_of(&["1", "a"], &forms);
    apply(&mut set, &[Op::Remove { member: b"a" }], &forms);
    assert_eq!((set.encoding(), set.len()), ("listpack", 1));
}

#[test]
fn choosing_by_place_gives_the_members_at_these_places() {
    for forms in &all_forms() {
        for seed in 0..30 {
            random_life(seed, forms, |random, set, _| {
                let places: Vec<usize> = (0..set.len()).filter(|_| random.chance(1, 3)).collect();
                let expected: Vec<_> = places.iter().map(|&place| set.at(place).unwrap()).collect();
                assert!(set.select(places).eq(expected));
            });
        }
    }
}

#[test]
fn a_walk_finds_all_that_stays_while_others_come_and_go() {
    for (seed, forms) in (0..30).flat_map(|seed| all_forms().map(|forms| (seed, forms))) {
        let (mut random, mut set) = (Random::from_seed(seed), Set::default());
        let staying: Vec<String> = (0..random.below(100)).map(|number| format!("stays {number}")).collect();
        let add =
            |set: &mut Set, member: &str| apply(set, &[Op::Add { member: member.as_bytes(), deadline: 0 }], &forms);
        staying.iter().for_each(|member| add(&mut set, member));
        let (mut found, mut cursor) = (Vec::new(), 0);
        loop {
            cursor = set.scan(cursor, 1 + random.below(10) as usize, |member| found.push(text(member)));
            if cursor == 0 {
                break;
            }
            for _ in 0..random.below(60) {
                let (name, other) = (format!("new {}", random.below(300)), format!("new {}", random.below(300)));
                add(&mut set, &name);
                apply(&mut set, &[Op::Remove { member: other.as_bytes() }], &forms);
            }
        }
        assert!(staying.iter().all(|member| found.contains(&member.clone().into_bytes())), "seed {seed}");
    }
}

#[test]
fn a_walk_over_what_does_not_change_finds_each_member_once() {
    for forms in &all_forms() {
        let names: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
        let set = set_of(&names.iter().map(String::as_str).collect::<Vec<_>>(), forms);
        let (mut found, mut cursor, mut steps) = (Vec::new(), 0, 0);
        loop {
            cursor = set.scan(cursor, 10, |member| found.push(text(member)));
            steps += 1;
            if cursor == 0 {
                break;
            }
        }
        assert!(steps == 1 || steps >= 5, "{steps}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), set.len());
    }
}

#[test]
fn the_memory_is_what_the_members_need() {
    let forms = Forms::default();
    let integers = set_of(&["1", "2", "3"], &forms);
    assert!(integers.memory_bytes() <= 40, "{}", integers.memory_bytes());
    assert_eq!(size_of::<Set>(), 16);
}

#[test]
fn no_bytes_make_it_panic() {
    let whole = encoded(&set_of(&["a", "17", "a longer member"], &Forms::default()));
    for seed in 0..3000 {
        let (mut random, mut bytes) = (Random::from_seed(seed), whole.clone());
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next_u64() as u8;
        }
        bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
        for forms in &all_forms() {
            let _ = decoded(&bytes, forms);
            let _ = Set::default().apply(&mut Reader::new(&bytes, "a test"), forms);
        }
    }
}

#[test]
fn what_no_encoder_wrote_is_refused() {
    let forms = Forms::default();
    for bytes in
        [&b""[..], b"\x03\x00", b"\x01\x02\x01a", b"\x01\x02\x01a\x01a", b"\x02\x01\x01a", b"\x01\xff\xff\xff\xff\x0f"]
    {
        assert!(decoded(bytes, &forms).is_err(), "{bytes:02x?}");
    }
    for ops in [&b"\x00\x01a"[..], b"\x05\x01a", b"\x01\x02a", b"\x02\x01a", b"\x04\x01a"] {
        assert!(Set::default().apply(&mut Reader::new(ops, "a test"), &forms).is_err(), "{ops:02x?}");
    }
}
