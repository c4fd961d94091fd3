//! Streams against a plain model, over chunks of several sizes.

mod model;

use kvark_base::Kind;
use kvark_base::random::Random;

use super::*;
use crate::StringRef;
use model::{Model, ModelGroup, Pairs};

fn texts(entry: &Entry) -> (Id, Pairs) {
    let text = |string: StringRef| string.text(&mut crate::IntBuffer::new()).to_vec();
    (entry.id, entry.fields.clone().map(|(name, value)| (text(name), text(value))).collect())
}

/// Small chunks, chunks bounded by bytes alone, Redis' own, and none but our own.
fn all_forms() -> [Forms; 4] {
    [(64, 4), (200, 0), (4096, 100), (0, 0)].map(|(bytes, entries)| {
        let forms = Forms::default();
        forms.stream_bytes.set(bytes);
        forms.stream_entries.set(entries);
        forms
    })
}

fn apply(stream: &mut Stream, op: &Op, forms: &Forms) {
    let mut bytes = Vec::new();
    op.encode(&mut bytes);
    stream.apply(&mut Reader::new(&bytes, "ops"), forms).unwrap();
}

fn encoded(stream: &Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.encode(&mut bytes);
    bytes
}

fn pick(random: &mut Random, ids: &[Id]) -> Id {
    match ids.len() {
        0 => Id::new(random.below(50), 0),
        len => ids[random.below(len as u64) as usize],
    }
}

fn random_id(random: &mut Random, last: Id) -> Id {
    match random.below(8) {
        0..3 => last.next().unwrap(),
        3..6 => Id::new(last.ms + 1 + random.below(300), 0),
        6 => Id::new(last.ms + random.below(9), last.seq + 1 + random.below(1000)),
        _ => Id::new(last.ms + 1 + random.below(1 << 40), random.next_u64() >> 1),
    }
}

fn random_pairs(random: &mut Random) -> Vec<Vec<u8>> {
    let values: [&[u8]; 7] =
        [b"", b"7", b"-9223372036854775808", b"9223372036854775807", b"007", b"text", &[b'x'; 150]];
    let names: [&[&[u8]]; 4] = [&[b"field"], &[b"a", b"b", b"12"], &[b"a", b"a"], &[b"field", b"other"]];
    let names = names[if random.chance(3, 4) { 1 } else { random.below(4) as usize }];
    names.iter().flat_map(|name| [name.to_vec(), values[random.below(7) as usize].to_vec()]).collect()
}

fn random_group_op<'a>(random: &mut Random, consumer: &'a [u8], ids: &'a [Id]) -> GroupOp<'a> {
    let (a, b) = (random.below(1000), random.below(1000));
    let (last_id, entries_read) = (Id::new(a, b), Some(a).filter(|a| a % 3 > 0));
    match random.below(20) {
        0 => GroupOp::Destroy,
        1..4 => GroupOp::Create { last_id, entries_read },
        4..7 => GroupOp::SetRead { last_id, entries_read },
        7..9 => GroupOp::SetConsumer { consumer, seen_at: a, active_at: b },
        9 => GroupOp::DeleteConsumer { consumer },
        10..16 => GroupOp::Assign { consumer, delivered_at: a, deliveries: b, ids },
        _ => GroupOp::Acknowledge { ids },
    }
}

fn random_op(random: &mut Random, known: &[Id], last: Id, run: &mut dyn FnMut(Op)) {
    let ids: Vec<Id> = (0..random.below(6)).map(|_| pick(random, known)).collect();
    let pairs = random_pairs(random);
    let pairs: Vec<&[u8]> = pairs.iter().map(Vec::as_slice).collect();
    let consumer: &[u8] = [&b"ann"[..], b"bob", b"cy"][random.below(3) as usize];
    match random.below(100) {
        0..60 => run(Op::Append { id: random_id(random, last), pairs: &pairs }),
        60..70 => run(Op::Delete { ids: &ids }),
        70 => run(Op::Delete { ids: &known[known.len() * 9 / 10..] }),
        71..73 => run(Op::Trim { through: pick(random, &known[..known.len() / 10]) }),
        73 => run(Op::SetIds { last_id: last.next().unwrap(), entries_added: 5, max_deleted_id: Id::new(1, 1) }),
        _ => {
            let name: &[u8] = if random.chance(1, 2) { b"g" } else { b"h" };
            run(Op::Group { name, op: random_group_op(random, consumer, &ids) });
        }
    }
}

fn check(stream: &Stream, model: &Model, random: &mut Random) {
    assert_eq!((stream.last_id(), stream.entries_added(), stream.max_deleted_id()), model.ids);
    assert_eq!(stream.len(), model.entries.len());
    let known: Vec<Id> = model.entries.keys().copied().collect();
    let (a, b) = (pick(random, &known), pick(random, &known));
    for (start, end) in [
        (Id::MIN, Id::MAX),
        (a.min(b), a.max(b)),
        (a.next().unwrap(), Id::MAX),
        (Id::MIN, a.previous().unwrap_or_default()),
    ] {
        let expected =
            || model.entries.iter().filter(|(id, _)| (start..=end).contains(id)).map(|(&id, it)| (id, it.clone()));
        assert!(stream.range(start, end).map(|entry| texts(&entry)).eq(expected()));
        let mut backwards: Vec<_> = stream.range_back(start, end).map(|entry| texts(&entry)).collect();
        backwards.reverse();
        assert!(backwards.into_iter().eq(expected()));
    }
    assert_eq!(stream.runs().map(|run| run.len).sum::<usize>(), stream.len());
    assert_eq!(stream.get(a).map(|entry| entry.id), known.contains(&a).then_some(a));
    assert!(stream.groups().map(|(name, _)| name).eq(model.groups.keys()));
    stream.groups().for_each(|(name, group)| check_group(group, &model.groups[name]));
}

fn check_group(group: &Group, model: &ModelGroup) {
    assert_eq!((group.last_id(), group.entries_read()), model.read);
    let consumers = group.consumers().map(|(name, it)| (name.to_vec(), (it.seen_at, it.active_at)));
    assert!(consumers.eq(model.consumers.clone()));
    let pending =
        group.pending_from(Id::MIN).map(|(id, it)| (id, (it.consumer().to_vec(), it.delivered_at, it.deliveries)));
    assert!(pending.eq(model.pending.clone()));
    for (name, consumer) in group.consumers() {
        let expected = model.pending.iter().filter(|(_, pending)| pending.0 == name).map(|(&id, _)| id);
        assert!(consumer.pending_from(Id::MIN).eq(expected));
    }
}

#[test]
fn a_stream_behaves_as_its_model_in_chunks_of_any_size() {
    for (seed, forms) in all_forms().into_iter().enumerate() {
        let (mut random, mut model, mut stream) = (Random::from_seed(seed as u64), Model::default(), Stream::default());
        for _ in 0..2000 {
            let known: Vec<Id> = model.entries.keys().copied().collect();
            let last = model.ids.0;
            random_op(&mut random, &known, last, &mut |op| {
                apply(&mut stream, &op, &forms);
                model.apply(&op);
            });
            check(&stream, &model, &mut random);
        }
        assert!(stream.len() > 100, "the run has made a stream worth the name");
    }
}

/// A stream after some random operations.
fn some_stream(seed: u64, forms: &Forms) -> Stream {
    let (mut random, mut stream) = (Random::from_seed(seed), Stream::default());
    for _ in 0..600 {
        let known: Vec<Id> = stream.range(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
        let last = stream.last_id();
        random_op(&mut random, &known, last, &mut |op| apply(&mut stream, &op, forms));
    }
    stream
}

#[test]
fn the_bytes_of_a_stream_do_not_depend_on_its_chunks_and_bring_it_back() {
    for seed in 0..20 {
        let streams = all_forms().map(|forms| some_stream(seed, &forms));
        for (stream, forms) in streams.iter().zip(all_forms()) {
            assert_eq!(stream, &streams[0]);
            assert_eq!(encoded(stream), encoded(&streams[0]));
            let bytes = encoded(stream);
            let mut reader = Reader::new(&bytes, "stream");
            assert_eq!(&Stream::decode(&mut reader, &forms).unwrap(), stream);
            assert!(reader.is_empty());
        }
    }
}

#[test]
fn the_digest_sees_every_part() {
    let digest = |stream: &Stream| {
        let mut parts = Vec::new();
        stream.each_for_digest(&mut |part| parts.push(part.to_vec()));
        parts.sort();
        parts
    };
    let forms = Forms::default();
    let stream = some_stream(1, &forms);
    assert_eq!(digest(&stream), digest(&some_stream(1, &all_forms()[0])));
    let ids: Vec<Id> = stream.range(Id::MIN, Id::MAX).map(|entry| entry.id).take(1).collect();
    let assign = GroupOp::Assign { consumer: b"new", delivered_at: 1, deliveries: 1, ids: &ids };
    let ops = [
        Op::Append { id: stream.last_id().next().unwrap(), pairs: &[b"a", b"b"] },
        Op::Trim { through: ids[0] },
        Op::SetIds { last_id: stream.last_id().next().unwrap(), entries_added: 1, max_deleted_id: Id::MIN },
        Op::Group { name: b"new", op: GroupOp::Create { last_id: Id::MIN, entries_read: None } },
        Op::Group { name: b"g", op: GroupOp::SetRead { last_id: Id::MAX, entries_read: None } },
        Op::Group { name: b"g", op: assign },
    ];
    for op in ops {
        let mut changed = stream.clone();
        apply(&mut changed, &op, &forms);
        assert_ne!(digest(&changed), digest(&stream), "{op:?}");
        assert_ne!(changed, stream);
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let (mut random, forms) = (Random::from_seed(3), &all_forms()[0]);
    let whole = encoded(&some_stream(2, forms));
    for _ in 0..3000 {
        let mut bytes = whole[..random.below(whole.len() as u64) as usize].to_vec();
        assert_eq!(Stream::decode(&mut Reader::new(&bytes, "stream"), forms).unwrap_err().kind(), Kind::Corrupt);
        let at = random.below(bytes.len() as u64 + 1) as usize;
        bytes.get_mut(at..(at + 4)).into_iter().for_each(|some| random.fill(some));
        bytes.truncate(2000);
        let decoded = Stream::decode(&mut Reader::new(&bytes, "stream"), forms).unwrap_or_default();
        decoded.clone().apply(&mut Reader::new(&bytes, "ops"), forms).ok();
        assert_eq!(decoded.range(Id::MIN, Id::MAX).count(), decoded.len());
    }
    for _ in 0..20_000 {
        let mut ops = vec![0; random.below(40) as usize];
        random.fill(&mut ops);
        ops.iter_mut().for_each(|byte| *byte %= 24);
        let mut stream = some_small_stream(forms);
        stream.apply(&mut Reader::new(&ops, "ops"), forms).ok();
        assert_eq!(stream.range(Id::MIN, Id::MAX).count(), stream.len());
    }
}

fn some_small_stream(forms: &Forms) -> Stream {
    let mut stream = Stream::default();
    for ms in 1..9 {
        apply(&mut stream, &Op::Append { id: Id::new(ms, 0), pairs: &[b"a", b"1"] }, forms);
    }
    stream
}

#[test]
fn deleted_entries_leave_no_lasting_cost() {
    let forms = Forms::default();
    let mut stream = Stream::default();
    for ms in 1..=20_000 {
        apply(&mut stream, &Op::Append { id: Id::new(ms, 0), pairs: &[b"field", &[b'v'; 30]] }, &forms);
    }
    let full = stream.memory_bytes();
    let ids: Vec<Id> = (1..=20_000).filter(|ms| ms % 50 > 0).map(|ms| Id::new(ms, 0)).collect();
    ids.chunks(7).for_each(|ids| apply(&mut stream, &Op::Delete { ids }, &forms));
    assert_eq!(stream.len(), 400);
    assert!(stream.memory_bytes() < full / 40, "{} of {full} bytes", stream.memory_bytes());
    for ms in 20_001..100_000 {
        apply(&mut stream, &Op::Append { id: Id::new(ms, 0), pairs: &[b"field", &[b'v'; 30]] }, &forms);
        apply(&mut stream, &Op::Trim { through: Id::new(ms - 50, 0) }, &forms);
    }
    assert!(stream.memory_bytes() < 20_000, "{} bytes", stream.memory_bytes());
}

#[test]
fn small_entries_are_small() {
    assert!(size_of::<Stream>() <= 16);
    let (mut stream, forms) = (Stream::default(), Forms::default());
    for number in 0..100_000u64 {
        let value = number.to_string();
        let id = Id::new(1_700_000_000_000 + number / 3, number % 3 + 1);
        apply(&mut stream, &Op::Append { id, pairs: &[b"temperature", value.as_bytes()] }, &forms);
    }
    let bytes = stream.memory_bytes() / 100_000;
    assert!(bytes <= 9, "{bytes} bytes an entry");
}
