//! Payloads that were damaged behind the back of the checksum: nothing panics, and no memory is taken for what is only claimed.
//!
//! `KVARK_LONG=1` damages a hundred times as many; the seed in a failure's message repeats it.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::cell::Cell;

use common::cases;
use kvark_base::random::Random;
use kvark_rdb::part::{Consumer, Counters, Group, Pending};
use kvark_rdb::payload::{Refusal, framed};
use kvark_rdb::{Dumper, Part, Payload, dump, restore};
use kvark_values::stream::Id;
use kvark_values::{Forms, Type};

/// Counts the bytes that a thread has, and the most it had.
struct Counting;

thread_local! {
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (held, most) = HELD.get();
        let held = held.saturating_add(layout.size());
        HELD.set((held, most.max(held)));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let (held, most) = HELD.get();
        HELD.set((held.saturating_sub(layout.size()), most));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What compressed bytes may expand to, and some for what is kept of each.
fn justified(payload: &[u8]) -> usize {
    payload.len() * 88 + (64 << 10)
}

/// Whether the payload is whole.
fn read(payload: &[u8]) -> bool {
    HELD.set((0, 0));
    let whole = Payload::open(payload).is_ok_and(|payload| payload.read(&mut |_: Part<'_>| Ok(())).is_ok());
    let (_, most) = HELD.get();
    assert!(most <= justified(payload), "{most} bytes of memory for {} bytes: {payload:02x?}", payload.len());
    whole
}

/// Makes a value of it; what comes of that can be dumped and read again.
fn made(payload: &[u8]) {
    let Ok(payload) = Payload::open(payload) else { return };
    for forms in [Forms::default(), small()] {
        if let Ok(Some(value)) = restore(&payload, 0, &forms) {
            let again = dump(value.as_ref());
            let again = restore(&Payload::open(&again).expect("framed by us"), 0, &forms);
            assert_eq!(again.expect("written by us").as_ref(), Some(&value));
        }
    }
}

/// Thresholds that nothing stays below.
fn small() -> Forms {
    let forms = Forms::default();
    forms.named().for_each(|(_, threshold)| threshold.set(1));
    forms
}

/// Changes, cuts or doubles some bytes of a value, which is then framed as if it had always been so.
fn damaged(payload: &[u8], random: &mut Random) -> Vec<u8> {
    let (value, version) = (&payload[..payload.len() - 10], payload[payload.len() - 10]);
    let mut value = value.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(value.len() as u64) as usize;
        match random.below(8) {
            0 => value.truncate(at.max(1)),
            1 => value.insert(at, random.next_u64() as u8),
            2 => value[at] = 0xff,
            3 => value[at] = value[at].wrapping_add(1),
            4 => value[at] ^= 1 << random.below(8),
            5 if at > 0 => value.splice(at..at, [0x81, 0, 0, 0, 0, 0x20, 0, 0, 0]).for_each(drop),
            _ => value[at] = random.next_u64() as u8,
        }
    }
    framed(value, version.into())
}

#[test]
fn damage_behind_the_checksum_is_survived() {
    let rounds = if std::env::var_os("KVARK_LONG").is_some() { 200_000 } else { 2000 };
    let first = std::env::var("KVARK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (cases, mut refused) = (cases(), 0);
    for seed in first..first + rounds {
        let mut random = Random::from_seed(seed);
        for case in &cases {
            let bad = damaged(&case.payload, &mut random);
            let whole = std::panic::catch_unwind(|| {
                made(&bad);
                read(&bad)
            });
            let whole = whole.unwrap_or_else(|_| panic!("KVARK_SEED={seed} {}: {bad:02x?}", case.name));
            refused += u64::from(!whole);
        }
    }
    let all = rounds * cases.len() as u64;
    assert!(refused > all / 3, "{refused} of {all} were refused: is anything looked at?");
}

#[test]
fn damage_that_the_checksum_sees_is_refused() {
    for case in cases() {
        for at in 0..case.payload.len() {
            let mut bad = case.payload.clone();
            bad[at] ^= 0x10;
            assert_eq!(Payload::open(&bad).err(), Some(Refusal::Frame), "{}: byte {at}", case.name);
        }
    }
}

#[test]
fn versions_and_kinds_that_nobody_wrote_are_refused() {
    for version in [0, 13, 79, 81, u16::MAX] {
        assert_eq!(Payload::open(&framed(b"\0\x01a".to_vec(), version)).err(), Some(Refusal::Frame));
    }
    for version in [1, 12, 80] {
        assert!(Payload::open(&framed(b"\0\x01a".to_vec(), version)).is_ok());
    }
    for kind in [6, 7, 8, 26, 255] {
        assert_eq!(Payload::open(&framed(vec![kind, 1, 1], 9)).err(), Some(Refusal::Kind));
    }
    assert_eq!(Payload::open(&framed(vec![], 9)).err(), Some(Refusal::Kind));
    assert_eq!(Payload::open(b"short").err(), Some(Refusal::Frame));
}

#[test]
fn empty_collections_are_refused() {
    for kind in [1, 2, 3, 4, 5, 14, 18, 22] {
        assert!(!read(&framed(vec![kind, 0], 9)), "kind {kind}");
    }
    assert!(read(&framed(vec![0, 0], 9)), "an empty string is one");
}

/// A stream of one entry, in a group of one consumer who has it.
fn stream(last_id: Id) -> Vec<u8> {
    let fields: [Cow<'static, [u8]>; 2] = [Cow::Borrowed(b"f"), Cow::Borrowed(b"v")];
    let consumer = Consumer { name: Cow::Borrowed(b"ann"), seen_at: 5, active_at: Some(5) };
    let pending = Pending { id: Id::new(3, 1), consumer: 0, delivered_at: 5, deliveries: 1 };
    let group = Group { consumers: vec![consumer], pending: vec![pending], ..Group::default() };
    let mut dumper = Dumper::new(Type::Stream, 1, 0);
    dumper.put(Part::Entry { id: Id::new(3, 1), fields: &fields });
    dumper.put(Part::Counters(Counters { last_id, max_deleted_id: Id::MIN, entries_added: 1 }));
    dumper.put(Part::Group(group));
    dumper.finish()
}

#[test]
fn a_stream_that_contradicts_itself_is_refused() {
    let good = stream(Id::new(3, 1));
    assert!(read(&good));
    assert!(!read(&stream(Id::new(3, 0))), "its last id is before its last entry");
    let value = &good[..good.len() - 10];
    let without_owner = [&value[..value.len() - 17], &[0]].concat();
    assert!(!read(&framed(without_owner, 10)), "nobody has what is pending");
    let twice = [&value[..value.len() - 17], &[2], &value[value.len() - 16..], &value[value.len() - 16..]].concat();
    assert!(!read(&framed(twice, 10)), "somebody has it twice");
    let at = value.windows(4).position(|bytes| bytes == [1, 3, 1, 3]).expect("one entry, the last id, the first");
    let mut longer = value.to_vec();
    longer[at] = 2;
    assert!(!read(&framed(longer, 10)), "it says two entries and has one");
}
