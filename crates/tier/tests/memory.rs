//! The sibling in memory meets the contract, and loses its power in the ways it promises.

use std::ops::Bound::Unbounded;

use kvark_base::random::Random;
use kvark_tier::memory::MemoryTier;
use kvark_tier::suite::collect;
use kvark_tier::{Batch, Tier};

kvark_tier::contract_tests!(((), MemoryTier::new()));

fn put(key: &str, value: &str) -> Batch {
    vec![(key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))]
}

fn all(tier: &MemoryTier) -> Vec<(String, String)> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    collect(tier, (Unbounded, Unbounded), false).into_iter().map(|(k, v)| (text(k), text(v))).collect()
}

#[test]
fn a_crash_leaves_what_was_flushed_and_nothing_else() {
    let tier = MemoryTier::new();
    tier.apply(put("kept", "1")).unwrap();
    tier.apply(put("removed later", "1")).unwrap();
    tier.flush().unwrap();
    tier.apply(put("kept", "2")).unwrap();
    tier.apply(put("kept", "3")).unwrap();
    tier.apply(put("fresh", "2")).unwrap();
    tier.clear_prefix(b"removed").unwrap();
    let after = tier.crash();
    assert_eq!(all(&after), [("kept".into(), "1".into()), ("removed later".into(), "1".into())]);
    assert_eq!(all(&tier), [("fresh".into(), "2".into()), ("kept".into(), "3".into())], "the crash is a copy");
}

#[test]
fn a_crash_may_keep_the_first_of_what_was_not_flushed() {
    let tier = MemoryTier::new();
    tier.apply(put("k", "flushed")).unwrap();
    tier.flush().unwrap();
    tier.apply(put("k", "first")).unwrap();
    tier.apply(put("k", "second")).unwrap();
    let outcome = |seed| all(&tier.crash_keeping(&mut Random::from_seed(seed), 50))[0].1.clone();
    let outcomes: std::collections::BTreeSet<String> = (0..40).map(outcome).collect();
    assert_eq!(outcomes, ["first", "flushed", "second"].map(String::from).into());
    assert_eq!(outcome(7), outcome(7), "the same seed loses the same changes");
}

#[test]
fn a_batch_survives_whole_and_not_without_those_before_it() {
    let tier = MemoryTier::new();
    tier.apply(put("a", "1")).unwrap();
    tier.apply(vec![(b"a".to_vec(), None), (b"b".to_vec(), Some(b"2".to_vec()))]).unwrap();
    tier.apply(put("c", "3")).unwrap();
    let outcome = |seed| {
        let left: String =
            all(&tier.crash_keeping(&mut Random::from_seed(seed), 60)).into_iter().map(|it| it.0).collect();
        left
    };
    let outcomes: std::collections::BTreeSet<String> = (0..60).map(outcome).collect();
    assert_eq!(outcomes, ["", "a", "b", "bc"].map(String::from).into());
}

#[test]
fn memory_is_counted_back_when_pairs_go() {
    let tier = MemoryTier::new();
    tier.apply(put("k", "some value")).unwrap();
    tier.apply(put("k", "v")).unwrap();
    tier.clear_prefix(b"").unwrap();
    assert_eq!(tier.facts().memory_bytes, 0);
}
