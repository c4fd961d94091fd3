//! The contract as checks: every sibling passes all of them.
//!
//! A sibling calls [`contract_tests!`](crate::contract_tests) with an expression that opens an empty tier; each check
//! becomes a test of its own name. Crashes are not in here: each sibling knows best how to lose its power.

use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use kvark_base::Kind;
use kvark_base::random::Random;

use crate::{Batch, KeyRange, MAX_KEY_LEN, Snapshot, Tier};

/// Makes one `#[test]` of each check of this module. `$open` is evaluated in each; it gives `(guard, tier)`, where the
/// guard keeps alive whatever the tier needs (a temporary directory, say).
#[macro_export]
macro_rules! contract_tests {
    ($open:expr) => {
        $crate::contract_tests!(@each $open;
            reads_what_was_applied, walks_every_kind_of_range, a_walk_ends_when_asked, a_walk_passes_an_error_on,
            changes_during_a_walk_are_not_seen, a_snapshot_is_frozen, clears_a_prefix_and_nothing_else,
            clears_everything_with_an_empty_prefix, refuses_a_bad_batch_whole, takes_the_longest_key,
            tells_facts, is_closed_after_close, behaves_like_a_map, serves_many_threads);
    };
    (@each $open:expr; $($name:ident),*) => {
        $(#[test]
        fn $name() {
            let (_guard, tier) = $open;
            $crate::suite::$name(&tier);
        })*
    };
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A batch from pairs of string literals; `None` removes.
fn batch(pairs: &[(&str, Option<&str>)]) -> Batch {
    pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.map(|v| v.as_bytes().to_vec()))).collect()
}

/// Everything within `range` as `tier` walks it.
pub fn collect(tier: &dyn Tier, range: KeyRange<'_>, reverse: bool) -> Pairs {
    let mut pairs = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        pairs.push((key.to_vec(), value.to_vec()));
        Ok(true)
    };
    tier.range(range, reverse, visit).unwrap();
    pairs
}

/// Everything within `range` as `snapshot` walks it.
pub fn collect_frozen(snapshot: &dyn Snapshot, range: KeyRange<'_>, reverse: bool) -> Pairs {
    let mut pairs = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        pairs.push((key.to_vec(), value.to_vec()));
        Ok(true)
    };
    snapshot.range(range, reverse, visit).unwrap();
    pairs
}

/// Puts, overwrites and removals are seen at once, before and after a flush.
pub fn reads_what_was_applied(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1")), ("b", Some("2")), ("c", Some(""))])).unwrap();
    tier.apply(batch(&[("a", Some("3")), ("b", None), ("never", None)])).unwrap();
    for _ in 0..2 {
        assert_eq!(tier.get(b"a").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(tier.get(b"b").unwrap(), None);
        assert_eq!(tier.get(b"c").unwrap().as_deref(), Some(&b""[..]), "an empty value is a value");
        assert_eq!(tier.get(b"never").unwrap(), None);
        assert_eq!(tier.get(b"").unwrap(), None);
        tier.flush().unwrap();
    }
    tier.apply(batch(&[("a", None), ("b", Some("back"))])).unwrap();
    assert_eq!(tier.get(b"a").unwrap(), None, "a removal hides what was flushed");
    assert_eq!(tier.get(b"b").unwrap().as_deref(), Some(&b"back"[..]));
    tier.apply(Batch::new()).unwrap();
}

/// All nine pairs of bounds in both directions, over flushed and unflushed pairs at once.
pub fn walks_every_kind_of_range(tier: &dyn Tier) {
    let mut model = BTreeMap::new();
    put(tier, &mut model, &["b", "d", "f"], "flushed");
    tier.flush().unwrap();
    put(tier, &mut model, &["c", "d", "g"], "fresh");
    let keys: Vec<Vec<u8>> = ["a", "b", "c", "d", "e", "f", "g", "h"].iter().map(|k| k.as_bytes().to_vec()).collect();
    for low in &keys {
        for high in &keys {
            check_bounds(tier, &model, low, high);
        }
    }
}

fn put(tier: &dyn Tier, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, keys: &[&str], value: &str) {
    tier.apply(keys.iter().map(|k| (k.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))).collect()).unwrap();
    model.extend(keys.iter().map(|k| (k.as_bytes().to_vec(), value.as_bytes().to_vec())));
}

fn check_bounds(tier: &dyn Tier, model: &BTreeMap<Vec<u8>, Vec<u8>>, low: &[u8], high: &[u8]) {
    for low in [Included(low), Excluded(low), Unbounded] {
        for high in [Included(high), Excluded(high), Unbounded] {
            let mut expected = within(model, low, high);
            assert_eq!(collect(tier, (low, high), false), expected, "{low:?} .. {high:?}");
            expected.reverse();
            assert_eq!(collect(tier, (low, high), true), expected, "{low:?} .. {high:?}, reversed");
        }
    }
}

/// What a walk must give, said in the plainest way.
fn within(model: &BTreeMap<Vec<u8>, Vec<u8>>, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Pairs {
    let above = |key: &[u8]| match low {
        Included(low) => key >= low,
        Excluded(low) => key > low,
        Unbounded => true,
    };
    let below = |key: &[u8]| match high {
        Included(high) => key <= high,
        Excluded(high) => key < high,
        Unbounded => true,
    };
    model.iter().filter(|(k, _)| above(k) && below(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// `false` from the visitor ends a walk.
pub fn a_walk_ends_when_asked(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1")), ("b", Some("2")), ("c", Some("3"))])).unwrap();
    for reverse in [false, true] {
        let mut seen = Vec::new();
        let visit = &mut |key: &[u8], _: &[u8]| {
            seen.push(key.to_vec());
            Ok(seen.len() < 2)
        };
        tier.range((Unbounded, Unbounded), reverse, visit).unwrap();
        let expected: [&[u8]; 2] = if reverse { [b"c", b"b"] } else { [b"a", b"b"] };
        assert_eq!(seen, expected);
    }
}

/// An error of the visitor ends a walk and is its result.
pub fn a_walk_passes_an_error_on(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1"))])).unwrap();
    let failing = &mut |_: &[u8], _: &[u8]| Err(kvark_base::Error::new(Kind::Busy, "no"));
    let error = tier.range((Unbounded, Unbounded), false, failing).unwrap_err();
    assert_eq!(error.kind(), Kind::Busy);
}

/// The visitor may change the tier; the walk goes on over what was there when it began.
pub fn changes_during_a_walk_are_not_seen(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1")), ("b", Some("1"))])).unwrap();
    let mut seen = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        seen.push((key.to_vec(), value.to_vec()));
        tier.apply(batch(&[("a", None), ("b", Some("2")), ("c", Some("2"))]))?;
        tier.flush()?;
        Ok(true)
    };
    tier.range((Unbounded, Unbounded), false, visit).unwrap();
    assert_eq!(seen, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"1".to_vec())]);
}

/// A snapshot keeps its moment through changes, flushes, clearing and upkeep.
pub fn a_snapshot_is_frozen(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1")), ("b", Some("1"))])).unwrap();
    tier.flush().unwrap();
    tier.apply(batch(&[("b", Some("2")), ("c", Some("2"))])).unwrap();
    let snapshot = tier.snapshot();
    let all: Pairs = collect(tier, (Unbounded, Unbounded), false);
    for value in ["3", "4", "5", "6", "7", "8"] {
        tier.apply(batch(&[("a", Some(value)), ("b", None), ("d", Some(value))])).unwrap();
        tier.flush().unwrap();
        tier.maintain(1000).unwrap();
    }
    tier.clear_prefix(b"").unwrap();
    tier.flush().unwrap();
    while tier.maintain(1000).unwrap() {}
    assert_eq!(collect_frozen(&*snapshot, (Unbounded, Unbounded), false), all);
    assert_eq!(collect_frozen(&*snapshot, (Unbounded, Excluded(b"c")), true).len(), 2);
    assert_eq!(snapshot.get(b"b").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(snapshot.get(b"d").unwrap(), None);
    assert_eq!(collect(tier, (Unbounded, Unbounded), false), []);
}

/// Neighbours of the prefix stay, shorter and longer ones too, wherever the pairs are.
pub fn clears_a_prefix_and_nothing_else(tier: &dyn Tier) {
    for flushed in [true, false] {
        let keys: [&[u8]; 8] = [b"a", b"p", b"p\xfe", b"p\xff", b"p\xff\x01", b"p\xff\xff", b"p\xff\xff\xff", b"q"];
        tier.apply(keys.iter().map(|k| (k.to_vec(), Some(b"v".to_vec()))).collect()).unwrap();
        if flushed {
            tier.flush().unwrap();
        }
        tier.clear_prefix(b"p\xff").unwrap();
        let left: Vec<_> = collect(tier, (Unbounded, Unbounded), false).into_iter().map(|(key, _)| key).collect();
        assert_eq!(left, [b"a".to_vec(), b"p".to_vec(), b"p\xfe".to_vec(), b"q".to_vec()], "flushed: {flushed}");
    }
}

/// The empty prefix is everyone's prefix; the tier can be filled again afterwards.
pub fn clears_everything_with_an_empty_prefix(tier: &dyn Tier) {
    let many = (0..3000u32).map(|n| (n.to_be_bytes().to_vec(), Some(vec![1; 20]))).collect();
    tier.apply(many).unwrap();
    tier.flush().unwrap();
    tier.apply(batch(&[("fresh", Some("1"))])).unwrap();
    tier.clear_prefix(b"").unwrap();
    assert_eq!(collect(tier, (Unbounded, Unbounded), false), []);
    tier.apply(batch(&[("after", Some("1"))])).unwrap();
    tier.flush().unwrap();
    assert_eq!(collect(tier, (Unbounded, Unbounded), true).len(), 1);
}

/// Unsorted batches, doubled keys, empty and too long keys: an error, and nothing of the batch is there.
pub fn refuses_a_bad_batch_whole(tier: &dyn Tier) {
    let long = vec![b'x'; MAX_KEY_LEN + 1];
    let bad: [Batch; 4] = [
        batch(&[("b", Some("1")), ("a", Some("1"))]),
        batch(&[("a", Some("1")), ("a", Some("2"))]),
        batch(&[("", Some("1")), ("a", Some("1"))]),
        vec![(b"a".to_vec(), Some(vec![])), (long, None)],
    ];
    for batch in bad {
        assert_eq!(tier.apply(batch).unwrap_err().kind(), Kind::Invalid);
        assert_eq!(collect(tier, (Unbounded, Unbounded), false), []);
    }
}

/// A key of the full length is stored, found, walked and removed.
pub fn takes_the_longest_key(tier: &dyn Tier) {
    let key = vec![0xff; MAX_KEY_LEN];
    tier.apply(vec![(key.clone(), Some(b"v".to_vec()))]).unwrap();
    tier.flush().unwrap();
    assert_eq!(tier.get(&key).unwrap().as_deref(), Some(&b"v"[..]));
    assert_eq!(collect(tier, (Included(&key), Included(&key)), true).len(), 1);
    tier.clear_prefix(&key).unwrap();
    assert_eq!(tier.get(&key).unwrap(), None);
}

/// Facts name the engine and count what was applied.
pub fn tells_facts(tier: &dyn Tier) {
    assert!(!tier.facts().engine.is_empty());
    let before = tier.facts();
    tier.apply(batch(&[("key", Some("value")), ("other", None)])).unwrap();
    let after = tier.facts();
    assert_eq!(after.applied_bytes - before.applied_bytes, 13);
    assert!(after.memory_bytes > before.memory_bytes, "{before:?} -> {after:?}");
}

/// After `close` every call says so; a snapshot taken before still reads.
pub fn is_closed_after_close(tier: &dyn Tier) {
    tier.apply(batch(&[("a", Some("1"))])).unwrap();
    let snapshot = tier.snapshot();
    tier.close().unwrap();
    tier.close().unwrap();
    let results = [
        tier.get(b"a").map(drop),
        tier.range((Unbounded, Unbounded), false, &mut |_, _| Ok(true)),
        tier.apply(batch(&[("a", Some("2"))])),
        tier.flush(),
        tier.clear_prefix(b"a"),
        tier.maintain(1).map(drop),
    ];
    for result in results {
        assert_eq!(result.unwrap_err().kind(), Kind::Closed);
    }
    assert_eq!(snapshot.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
}

/// Some hundred random steps against a sorted map, with a few keys so that they meet often.
pub fn behaves_like_a_map(tier: &dyn Tier) {
    let mut random = Random::from_seed(0x7135);
    let mut model = BTreeMap::new();
    for step in 0..400 {
        let changes = random_batch(&mut random);
        for (key, value) in &changes {
            match value {
                Some(value) => model.insert(key.clone(), value.clone()),
                None => model.remove(key),
            };
        }
        tier.apply(changes).unwrap();
        match random.below(20) {
            0 => tier.flush().unwrap(),
            1 => drop(tier.maintain(10).unwrap()),
            2 => {
                let prefix = random.below(250).to_string().into_bytes();
                tier.clear_prefix(&prefix).unwrap();
                model.retain(|key, _| !key.starts_with(&prefix));
            }
            _ => {}
        }
        let key = random_key(&mut random);
        assert_eq!(tier.get(&key).unwrap(), model.get(&key).cloned(), "step {step}");
        if step % 25 == 0 {
            check_bounds(tier, &model, &key, &random_key(&mut random));
        }
    }
    let all: Pairs = model.into_iter().collect();
    assert_eq!(collect(tier, (Unbounded, Unbounded), false), all);
}

fn random_key(random: &mut Random) -> Vec<u8> {
    random.below(400).to_string().into_bytes()
}

fn random_batch(random: &mut Random) -> Batch {
    let mut changes = BTreeMap::new();
    for _ in 0..random.below(30) {
        let value = (!random.chance(1, 3)).then(|| vec![random.next_u64() as u8; random.below(300) as usize]);
        changes.insert(random_key(random), value);
    }
    changes.into_iter().collect()
}

/// Readers beside a writer always see a whole batch: both of its keys with one number.
pub fn serves_many_threads(tier: &dyn Tier) {
    const ROUNDS: u32 = 300;
    let pair = |n: u32| {
        vec![(b"left".to_vec(), Some(n.to_be_bytes().to_vec())), (b"right".to_vec(), Some(n.to_be_bytes().to_vec()))]
    };
    tier.apply(pair(0)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=ROUNDS {
                tier.apply(pair(n)).unwrap();
                if n % 60 == 0 {
                    tier.flush().unwrap();
                    tier.maintain(1).unwrap();
                }
            }
        });
        scope.spawn(|| {
            loop {
                let seen = collect(tier, (Unbounded, Unbounded), false);
                assert_eq!(seen[0].1, seen[1].1, "a walk saw half of a batch");
                if seen[0].1 == ROUNDS.to_be_bytes() {
                    break;
                }
            }
        });
    });
}
