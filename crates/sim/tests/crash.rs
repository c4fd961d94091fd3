//! Seeded runs: random work, faults, an end, a new beginning, over and over. `KVARK_RUNS` says how many runs,
//! `KVARK_LONG=1` many, `KVARK_SEED` where to begin: the seed in a failure's message repeats it.

use kvark_engine::Durability;
use kvark_sim::world::{End, World};

fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let long = number("KVARK_LONG").is_some_and(|long| long > 0);
    let runs = number("KVARK_RUNS").unwrap_or(if long { 10_000 } else { few });
    let first = number("KVARK_SEED").unwrap_or(1);
    first..first + runs
}

fn run(seed: u64, durability: Durability, ends: &[End]) {
    eprintln!("KVARK_SEED={seed} KVARK_RUNS=1 repeats this run ({durability:?}, {ends:?})");
    let mut world = World::new(seed, durability);
    for _ in 0..6 {
        let mut vexed = false;
        for _ in 0..150 {
            world.act(vexed);
            world.background();
            if world.random.chance(1, 60) {
                vexed = world.vex();
            }
        }
        if vexed {
            world.soothe();
        }
        world.check();
        let end = ends[world.random.below(ends.len() as u64) as usize];
        world.end(end);
    }
}

#[test]
fn a_killed_process_loses_nothing_at_level_os() {
    seeds(25).for_each(|seed| run(seed, Durability::Os, &[End::Kill]));
}

#[test]
fn a_loss_of_power_at_level_os_costs_no_more_than_the_end_since_the_last_sync() {
    seeds(25).for_each(|seed| run(seed, Durability::Os, &[End::PowerLoss, End::Kill]));
}

#[test]
fn a_loss_of_power_at_level_disk_loses_nothing() {
    seeds(25).for_each(|seed| run(seed, Durability::Disk, &[End::PowerLoss, End::Kill]));
}

#[test]
fn after_a_failed_sync_nothing_more_is_accepted_and_reads_go_on() {
    for seed in seeds(10) {
        let durability = if seed.is_multiple_of(2) { Durability::Os } else { Durability::Disk };
        let mut world = World::new(seed, durability);
        (0..50).for_each(|_| world.act(false));
        world.poison();
    }
}
