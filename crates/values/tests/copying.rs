//! A copy in parts is the original, whatever happens to that between two parts.
//!
//! `KVARK_TEST_RUNS` makes the run longer.

use kvark_base::random::Random;
use kvark_values::list::{self, End, remove_at};
use kvark_values::stream::{GroupOp, Id};
use kvark_values::{Copying, Forms, Type, Value, hash, set, stream, zset};

fn runs() -> u64 {
    std::env::var("KVARK_TEST_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1)
}

fn name(random: &mut Random) -> Vec<u8> {
    format!("m{}", random.below(400)).into_bytes()
}

fn deadline(random: &mut Random) -> u64 {
    if random.chance(1, 5) { 1 + random.below(1000) } else { 0 }
}

fn change(value: &Value, random: &mut Random) -> Vec<u8> {
    let mut ops = Vec::new();
    for _ in 0..1 + random.below(3) {
        match value {
            Value::List(_) => change_list(value.as_ref().members(), random, &mut ops),
            Value::Set(_) => change_set(random, &mut ops),
            Value::Zset(_) => change_zset(random, &mut ops),
            Value::Hash(_) => change_hash(random, &mut ops),
            Value::Stream(stream) => change_stream(stream.last_id(), random, &mut ops),
            Value::Bytes(_) => unreachable!("a string has no members"),
        }
    }
    ops
}

fn change_list(len: usize, random: &mut Random, ops: &mut Vec<u8>) {
    let index = random.below(len as u64 + 2) as usize;
    let value = &name(random)[..];
    let end = if random.chance(1, 2) { End::Front } else { End::Back };
    match random.below(30) {
        0..10 => list::Op::Push { end, value }.encode(ops),
        10..18 => list::Op::Pop { end, n: random.below(6) as usize }.encode(ops),
        18..21 => list::Op::Set { index, value }.encode(ops),
        21..25 => list::Op::InsertAt { index, value }.encode(ops),
        25..29 => remove_at(&[index, index + 3, index + 40], ops),
        _ => list::Op::Trim { start: random.below(10) as usize, len: len.saturating_sub(20) }.encode(ops),
    }
}

fn change_set(random: &mut Random, ops: &mut Vec<u8>) {
    let member = &name(random)[..];
    match random.below(5) {
        0..2 => set::Op::Add { member, deadline: deadline(random) },
        2..4 => set::Op::Remove { member },
        _ => set::Op::Expire { member, at: deadline(random) },
    }
    .encode(ops);
}

fn change_zset(random: &mut Random, ops: &mut Vec<u8>) {
    let member = &name(random)[..];
    match random.below(5) {
        0..2 => zset::Op::Put { member, score: random.below(20) as f64 - 9.0, deadline: deadline(random) },
        2..4 => zset::Op::Remove { member },
        _ => zset::Op::Expire { member, at: deadline(random) },
    }
    .encode(ops);
}

fn change_hash(random: &mut Random, ops: &mut Vec<u8>) {
    let (field, value) = (&name(random)[..], &name(random)[..]);
    match random.below(6) {
        0..2 => hash::Op::Set { field, value, expires_at: deadline(random) },
        2 => hash::Op::Update { field, value },
        3..5 => hash::Op::Remove { field },
        _ => hash::Op::Expire { field, at: deadline(random) },
    }
    .encode(ops);
}

fn change_stream(last: Id, random: &mut Random, ops: &mut Vec<u8>) {
    let group = [&b"g"[..], b"h", b"i"][random.below(3) as usize];
    let consumer = [&b"c"[..], b"d"][random.below(2) as usize];
    let id = Id::new(random.below(last.ms + 1), 0);
    let (ids, at) = (&[id, Id::new(id.ms + 1, 0)], random.below(1000));
    let in_group = |op| stream::Op::Group { name: group, op };
    let pairs: [&[u8]; 4] = [b"f", &name(random), &name(random), b"v"];
    match random.below(40) {
        0..16 => stream::Op::Append {
            id: Id::new(last.ms + 1 + random.below(3), 0),
            pairs: &pairs[..2 + 2 * (at as usize % 2)],
        },
        16..20 => stream::Op::Delete { ids },
        20 => stream::Op::Trim { through: Id::new(last.ms / 8, 0) },
        21 => stream::Op::SetIds { last_id: Id::new(last.ms + 5, 0), entries_added: at, max_deleted_id: id },
        22 => in_group(GroupOp::Create { last_id: id, entries_read: None }),
        23 => in_group(GroupOp::Destroy),
        24 => in_group(GroupOp::DeleteConsumer { consumer }),
        25 => in_group(GroupOp::SetConsumer { consumer, seen_at: at, active_at: 0 }),
        26 => in_group(GroupOp::SetRead { last_id: id, entries_read: Some(at) }),
        27..30 => in_group(GroupOp::Acknowledge { ids }),
        _ => in_group(GroupOp::Assign { consumer, delivered_at: at, deliveries: 1 + at % 3, ids }),
    }
    .encode(ops);
}

fn forms(small: bool) -> Forms {
    let forms = Forms::default();
    if small {
        return forms;
    }
    for threshold in [&forms.hash_entries, &forms.set_entries, &forms.zset_entries, &forms.set_integers] {
        threshold.set(4);
    }
    forms
}

fn copy_while_it_changes(of_type: Type, seed: u64) {
    let mut random = Random::from_seed(seed);
    let forms = forms(random.chance(1, 6));
    let (mut original, mut copy) = (Value::empty(of_type), Value::empty(of_type));
    for _ in 0..random.below(600) {
        let ops = change(&original, &mut random);
        original.apply(&ops, &forms).unwrap();
    }
    let (mut copying, mut more, mut parts) = (Copying::default(), true, 0);
    let (part_bytes, most) = (20 + random.below(300) as usize, random.below(12));
    while more {
        // Whoever writes faster than it is copied is not caught up with.
        let changes = if parts < 200 { random.below(most + 1) } else { 0 };
        for _ in 0..changes {
            let (ops, mut heard) = (change(&original, &mut random), Vec::new());
            original.as_ref().follow(&mut copying, &ops, &mut heard);
            original.apply(&ops, &forms).unwrap();
            copy.apply(&heard, &forms).unwrap();
        }
        let mut part = Vec::new();
        more = original.as_ref().copy_part(&mut copying, part_bytes, &mut part);
        copy.apply(&part, &forms).unwrap();
        parts += 1;
        assert!(parts < 10_000, "{of_type:?}, seed {seed}: the copy does not end");
    }
    assert_eq!(copy, original, "{of_type:?}, seed {seed}");
}

#[test]
fn a_copy_in_parts_follows_the_original() {
    for of_type in [Type::List, Type::Set, Type::Zset, Type::Hash, Type::Stream] {
        (0..200 * runs()).for_each(|seed| copy_while_it_changes(of_type, seed));
    }
}

#[test]
fn a_part_is_about_as_long_as_asked_for() {
    let forms = forms(false);
    for of_type in [Type::List, Type::Set, Type::Zset, Type::Hash, Type::Stream] {
        let (mut random, mut value) = (Random::from_seed(5), Value::empty(of_type));
        for _ in 0..2000 {
            let ops = change(&value, &mut random);
            value.apply(&ops, &forms).unwrap();
        }
        let (mut copying, mut part, mut more) = (Copying::default(), Vec::new(), true);
        while more {
            part.clear();
            more = value.as_ref().copy_part(&mut copying, 100, &mut part);
            assert!(part.len() < 250 && (!more || part.len() >= 100), "{of_type:?}: {}", part.len());
        }
    }
}
