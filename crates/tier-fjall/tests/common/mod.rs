//! What the tests of this room share.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ops::Bound::Unbounded;
use std::path::Path;

use kvark_base::random::Random;
use kvark_tier::{Batch, Tier, suite};
use kvark_tier_fjall::{FjallTier, Options};

pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything reaches tables at once, tables are tiny, and many values live in files of their own.
pub fn tiny() -> Options {
    Options {
        memory_bytes: 12 << 10,
        table_bytes: 2 << 10,
        block_bytes: 512,
        separate_values_from: 100,
        unmerged_tables: 5,
        ..Options::default()
    }
}

pub fn open(dir: &Path, options: Options) -> FjallTier {
    FjallTier::open(dir, options).unwrap()
}

pub fn contents(tier: &dyn Tier) -> Model {
    suite::collect(tier, (Unbounded, Unbounded), false).into_iter().collect()
}

pub fn change(model: &mut Model, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

/// The batch that `number` stands for: 20 changes among 200 keys, a third of them removals, some values large.
pub fn numbered_batch(number: u64) -> Batch {
    let mut random = Random::from_seed(number);
    let mut changes = BTreeMap::new();
    for _ in 0..20 {
        let len = if random.chance(1, 8) { 5000 } else { 30 };
        let value = (!random.chance(1, 3)).then(|| [&number.to_be_bytes()[..], &vec![7; len]].concat());
        changes.insert(format!("key {}", random.below(200)).into_bytes(), value);
    }
    changes.into_iter().collect()
}

/// What is stored after the batches `1..=number`.
pub fn model_after(number: u64) -> Model {
    let mut model = Model::new();
    for n in 1..=number {
        change(&mut model, &numbered_batch(n));
    }
    model
}
