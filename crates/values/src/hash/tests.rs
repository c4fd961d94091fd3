//! A hash does what a map from fields to values and deadlines does, in each of its forms.

use std::collections::BTreeMap;

use kvark_base::Millis;
use kvark_base::random::Random;

use super::{Hash, Op};
use crate::collection::Collection;
use crate::forms::Forms;
use crate::wire::Reader;
use crate::{IntBuffer, StringRef};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Millis)>;

/// Thresholds: most packed fields, most bytes of one or its value.
fn forms(entries: i64, value: i64) -> Forms {
    let forms = Forms::default();
    forms.hash_entries.set(entries);
    forms.hash_value.set(value);
    forms
}

/// Those of Redis, those that hashes grow out of, and those under which all are tables.
fn all_forms() -> [Forms; 3] {
    [Forms::default(), forms(12, 20), forms(0, 0)]
}

fn apply(hash: &mut Hash, ops: &[Op<'_>], forms: &Forms) {
    let mut bytes = Vec::new();
    ops.iter().for_each(|op| op.encode(&mut bytes));
    hash.apply(&mut Reader::new(&bytes, "a test"), forms).unwrap();
}

fn text(string: StringRef<'_>) -> Vec<u8> {
    string.text(&mut IntBuffer::new()).to_vec()
}

fn encoded(hash: &Hash) -> Vec<u8> {
    let mut bytes = Vec::new();
    hash.encode(&mut bytes);
    bytes
}

fn decoded(bytes: &[u8], forms: &Forms) -> kvark_base::Result<Hash> {
    Hash::decode(&mut Reader::new(bytes, "a test"), forms)
}

/// A text out of few, so that fields meet again: integers, short strings, now and then a long one.
fn random_text(random: &mut Random) -> Vec<u8> {
    let number = random.below(40);
    match random.below(40) {
        0 => vec![b'x'; 60 + number as usize],
        1..20 => format!("field {number}").into_bytes(),
        _ => number.to_string().into_bytes(),
    }
}

fn change(random: &mut Random, hash: &mut Hash, model: &mut Model, forms: &Forms) {
    let (field, value, at) = (random_text(random), random_text(random), random.below(5) * random.below(100));
    let op = match random.below(6) {
        0 | 1 => Op::Remove { field: &field },
        2 => Op::Update { field: &field, value: &value },
        3 => Op::Expire { field: &field, at },
        _ => Op::Set { field: &field, value: &value, expires_at: at },
    };
    apply(hash, &[op], forms);
    let old = model.get(&field).map(|&(_, at)| at);
    match op {
        Op::Remove { .. } => drop(model.remove(&field)),
        Op::Update { .. } => drop(model.insert(field, (value, old.unwrap_or(0)))),
        Op::Set { .. } => drop(model.insert(field, (value, at))),
        Op::Expire { .. } => drop(model.get_mut(&field).map(|it| it.1 = at)),
    }
}

fn assert_same(hash: &Hash, model: &Model) {
    let content: Model = hash.with_deadlines().map(|(field, value, at)| (text(field), (text(value), at))).collect();
    assert_eq!((hash.len(), &content), (model.len(), model));
    assert!(hash.iter().enumerate().all(|(index, pair)| hash.at(index) == Some(pair)));
    for (field, (value, at)) in model {
        let field = StringRef::new(field);
        assert_eq!((hash.get(field), hash.deadline_of(field)), (Some(StringRef::new(value)), Some(*at)));
    }
    let first = model.values().map(|&(_, at)| at).filter(|&at| at > 0).min();
    assert_eq!(hash.next_deadline(), first.unwrap_or(0));
}

/// Random changes; `look` is called after each.
fn random_lives(mut look: impl FnMut(&Forms, &mut Hash, &mut Model)) {
    for (seed, forms) in (0..60).flat_map(|seed| all_forms().map(|forms| (seed, forms))) {
        let mut random = Random::from_seed(seed);
        let (mut hash, mut model) = (Hash::default(), Model::new());
        for _ in 0..120 {
            change(&mut random, &mut hash, &mut model, &forms);
            look(&forms, &mut hash, &mut model);
        }
    }
}

#[test]
fn it_does_what_a_map_does_in_each_form() {
    random_lives(|_, hash, model| assert_same(hash, model));
}

#[test]
fn what_is_due_goes_and_nothing_else() {
    random_lives(|forms, hash, model| {
        let mut ops = Vec::new();
        hash.expire(20, usize::MAX, &mut ops);
        hash.apply(&mut Reader::new(&ops, "a test"), forms).unwrap();
        model.retain(|_, &mut (_, at)| at == 0 || at > 20);
        assert_same(hash, model);
    });
}

#[test]
fn it_goes_through_bytes_into_every_form() {
    random_lives(|_, hash, _| {
        for other in &all_forms() {
            let copy = decoded(&encoded(hash), other).unwrap();
            assert_eq!((&copy, encoded(&copy)), (&*hash, encoded(hash)));
        }
    });
}

#[test]
fn damaged_bytes_are_refused_or_make_some_hash() {
    let mut hash = Hash::default();
    for number in 0..20u64 {
        let (field, value) = (number.to_string(), "v".repeat(number as usize));
        let (field, value) = (field.as_bytes(), value.as_bytes());
        apply(&mut hash, &[Op::Set { field, value, expires_at: number }], &Forms::default());
    }
    let bytes = encoded(&hash);
    for at in 0..bytes.len() {
        assert!(decoded(&bytes[..at], &Forms::default()).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let _ = decoded(&damaged, &Forms::default());
            let _ = hash.clone().apply(&mut Reader::new(&damaged[at..], "a test"), &Forms::default());
        }
    }
    assert!(decoded(&[1, 2, 1, b'a', 0, 1, b'a', 0], &Forms::default()).is_err(), "a field twice");
}

#[test]
fn it_is_packed_up_to_the_thresholds_of_redis() {
    let (mut hash, forms) = (Hash::default(), Forms::default());
    let set = |hash: &mut Hash, field: &str, value: &str, expires_at| {
        let (field, value) = (field.as_bytes(), value.as_bytes());
        apply(hash, &[Op::Set { field, value, expires_at }], &forms);
    };
    for number in 0..512 {
        set(&mut hash, &number.to_string(), &"v".repeat(64), 0);
    }
    set(&mut hash, "7", "again", 0);
    assert_eq!(hash.encoding(), "listpack");
    set(&mut hash, "7", "again", 1);
    assert_eq!(hash.encoding(), "listpackex");
    let mut long = hash.clone();
    set(&mut hash, "one more", "", 0);
    set(&mut long, "7", &"v".repeat(65), 9);
    assert_eq!([hash.encoding(), long.encoding()], ["hashtable"; 2]);
    assert_eq!([hash.next_deadline(), long.next_deadline()], [1, 9]);
}

#[test]
fn a_scan_of_a_table_sees_what_stays() {
    let forms = forms(0, 0);
    for seed in 0..100 {
        let (mut random, mut hash, mut model) = (Random::from_seed(seed), Hash::default(), Model::new());
        (0..100).for_each(|_| change(&mut random, &mut hash, &mut model, &forms));
        let (mut seen, mut cursor) = (Vec::new(), 0);
        loop {
            cursor = hash.scan(cursor, 3, |(field, _)| seen.push(text(field)));
            if cursor == 0 {
                break;
            }
            let before = model.clone();
            change(&mut random, &mut hash, &mut model, &forms);
            model.retain(|field, _| before.contains_key(field));
        }
        assert!(model.keys().all(|field| seen.contains(field)), "seed {seed}");
    }
}

#[test]
fn a_hash_takes_little_room_where_it_stands() {
    assert!(size_of::<Hash>() <= 24, "{} bytes", size_of::<Hash>());
}
