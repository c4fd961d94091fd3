//! Random histories against a sorted map, with restarts and crashes in between.

mod common;

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use common::{Model, change, contents, open, tiny};
use kvark_tier::{Batch, Tier, is_empty, suite};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Apply(Batch),
    Flush,
    Maintain,
    ClearPrefix(Vec<u8>),
    Walk(Bound<Vec<u8>>, Bound<Vec<u8>>),
    Reopen,
    Crash,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0u8), Just(1), Just(b'a'), Just(255)], 1..5)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![key().prop_map(Included), key().prop_map(Excluded), Just(Unbounded)]
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 90..2000)];
    prop_oneof![
        12 => btree_map(key(), option::weighted(0.7, value), 0..60).prop_map(|batch| Step::Apply(batch.into_iter().collect())),
        3 => Just(Step::Flush),
        3 => Just(Step::Maintain),
        1 => vec(prop_oneof![Just(0u8), Just(b'a'), Just(255)], 0..3).prop_map(Step::ClearPrefix),
        5 => (bound(), bound()).prop_map(|(low, high)| Step::Walk(low, high)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

fn walk(tier: &dyn Tier, model: &Model, low: &Bound<Vec<u8>>, high: &Bound<Vec<u8>>) {
    let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
    let pairs = (!is_empty(&range)).then(|| model.range::<[u8], _>(range));
    let mut expected: Vec<_> = pairs.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let snapshot = tier.snapshot();
    assert_eq!(suite::collect(tier, range, false), expected);
    expected.reverse();
    assert_eq!(suite::collect_frozen(&*snapshot, range, true), expected);
}

/// Replays the steps; `moments` holds what a crash may leave: the state of the last flush and of each batch since.
fn replay(steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let mut tier = open(dir.path(), tiny());
    let mut model = Model::new();
    let mut moments = vec![Model::new()];
    for step in steps {
        match step {
            Step::Apply(batch) => {
                change(&mut model, &batch);
                tier.apply(batch).unwrap();
            }
            Step::Flush => {
                tier.flush().unwrap();
                moments.clear();
            }
            Step::Maintain => drop(tier.maintain(1).unwrap()),
            Step::ClearPrefix(prefix) => {
                tier.clear_prefix(&prefix).unwrap();
                model.retain(|key, _| !key.starts_with(&prefix));
            }
            Step::Walk(low, high) => walk(&tier, &model, &low, &high),
            Step::Reopen => {
                tier.close().unwrap();
                tier = open(dir.path(), tiny());
                moments.clear();
            }
            Step::Crash => {
                drop(tier);
                tier = open(dir.path(), tiny());
                model = contents(&tier);
                assert!(moments.contains(&model), "a crash left what was never there");
                moments.clear();
            }
        }
        moments.push(model.clone());
        for key in [&b"a"[..], b"\x00\x01", b"\xff"] {
            assert_eq!(tier.get(key).unwrap().as_ref(), model.get(key));
        }
    }
    assert_eq!(contents(&tier), model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_like_a_map(steps in vec(step(), 1..80)) {
        replay(steps);
    }
}
