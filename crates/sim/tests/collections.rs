//! Seeded runs of words about collections: random work, an end, a new beginning, over and over. `KVARK_RUNS` says how many runs,
//! `KVARK_LONG=1` many, `KVARK_SEED` where to begin.

use kvark_base::random::Random;
use kvark_engine::Durability;
use kvark_sim::twin::Pair;
use kvark_sim::world::End;

fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let long = number("KVARK_LONG").is_some_and(|long| long > 0);
    let runs = number("KVARK_RUNS").unwrap_or(if long { 3_000 } else { few });
    let first = number("KVARK_SEED").unwrap_or(1);
    first..first + runs
}

fn run(seed: u64, durability: Durability, ends: &[End]) {
    eprintln!("KVARK_SEED={seed} KVARK_RUNS=1 repeats this run ({durability:?}, {ends:?})");
    let (mut pair, mut random) = (Pair::new(seed, durability), Random::from_seed(!seed));
    for _ in 0..4 {
        (0..random.below(150)).for_each(|_| pair.act());
        pair.check();
        pair.end(ends[random.below(ends.len() as u64) as usize]);
    }
}

#[test]
fn a_killed_process_loses_no_change_of_a_collection() {
    seeds(15).for_each(|seed| run(seed, Durability::Os, &[End::Kill]));
}

#[test]
fn a_loss_of_power_costs_no_more_than_the_end_since_the_last_sync() {
    seeds(15).for_each(|seed| run(seed, Durability::Os, &[End::PowerLoss, End::Kill]));
}

#[test]
fn a_loss_of_power_at_level_disk_loses_nothing() {
    seeds(15).for_each(|seed| run(seed, Durability::Disk, &[End::PowerLoss, End::Kill]));
}
