//! What the tier costs: `cargo run --release -p kvark-tier-fjall --example tier_cost -- [keys] [name=value ...]`.
//!
//! Fills a tier with `keys` pairs of a 16-byte key and a 64-byte value in sorted batches that interleave in key space,
//! changes as many again, and prints CPU time per key for each part, the size on disk and in memory, and a digest of what
//! was walked, so that two runs can be seen to have done the same work. Options of the tier are given as `name=value`.

use std::ops::Bound::{Included, Unbounded};
use std::path::Path;
use std::time::Duration;

use kvark_base::Clock;
use kvark_base::random::{Random, splitmix64};
use kvark_tier::{Batch, Tier};
use kvark_tier_fjall::{FjallTier, Options};

const VALUE_LEN: usize = 64;

struct Plan {
    keys: u64,
    batch: u64,
    gets: u64,
    options: Options,
}

fn main() {
    let plan = plan(std::env::args().skip(1));
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    run(&plan, dir.path());
}

fn plan(args: impl Iterator<Item = String>) -> Plan {
    let mut plan = Plan { keys: 1_000_000, batch: 10_000, gets: 100_000, options: Options::default() };
    for arg in args {
        let (name, value) = arg.split_once('=').unwrap_or(("keys", &arg));
        let number: f64 = value.parse().unwrap_or_else(|_| panic!("{arg:?} has no number"));
        match name {
            "keys" => plan.keys = number as u64,
            "batch" => plan.batch = number as u64,
            "gets" => plan.gets = number as u64,
            "memory_bytes" => plan.options.memory_bytes = number as usize,
            "cache_bytes" => plan.options.cache_bytes = number as u64,
            "table_bytes" => plan.options.table_bytes = number as u64,
            "block_bytes" => plan.options.block_bytes = number as u32,
            "filter_bits" => plan.options.filter_bits = number as f32,
            "compress" => plan.options.compress = number != 0.0,
            "unmerged_tables" => plan.options.unmerged_tables = number as usize,
            _ => panic!("{name:?} is no option of the tier or of this program"),
        }
    }
    plan
}

fn run(plan: &Plan, dir: &Path) {
    let tier = FjallTier::open(dir, plan.options.clone()).expect("an empty directory opens");
    measure("making the batches (in the rows below)", plan.keys, || apply_all(plan, drop));
    for round in ["fill", "change"] {
        let applied = measure(&format!("{round}: apply + flush"), plan.keys, || {
            apply_all(plan, |batch| tier.apply(batch).expect("applies"));
            tier.flush().expect("flushes");
        });
        println!("{:38} {:9.1} s of the clock", "", applied.as_secs_f64());
        let mut longest = Duration::ZERO;
        measure(&format!("{round}: maintain until done"), plan.keys, || longest = maintain(&tier));
        println!("{:38} {:9.3} s for its longest step", "", longest.as_secs_f64());
    }
    measure("get, cold and random", plan.gets, || get_some(plan, &tier));
    tier.close().expect("closes");
    drop(tier);
    let mut reopened = None;
    measure("open", 1, || reopened = Some(FjallTier::open(dir, plan.options.clone()).expect("opens again")));
    let tier = reopened.expect("was just opened");
    let mut digest = 0;
    measure("walk everything", plan.keys, || digest = walk(&tier, false));
    measure("walk everything, reversed", plan.keys, || assert_eq!(walk(&tier, true), digest));
    measure("walk 100 from anywhere", 1000, || walk_short(plan, &tier, 1000));
    let facts = tier.facts();
    println!(
        "disk {:.1} bytes per key, memory {} KiB, resident {} KiB",
        facts.disk_bytes as f64 / plan.keys as f64,
        facts.memory_bytes >> 10,
        resident_kib()
    );
    println!("digest {digest:016x}");
}

/// Does all the upkeep there is; returns how long its longest step took.
fn maintain(tier: &FjallTier) -> Duration {
    let clock = Clock::system();
    let mut longest = Duration::ZERO;
    loop {
        let start = clock.uptime();
        let more = tier.maintain(0).expect("merges");
        longest = longest.max(clock.uptime() - start);
        if !more {
            return longest;
        }
    }
}

/// Runs `work` and prints its CPU time by `count`; returns the time on the clock.
fn measure(what: &str, count: u64, work: impl FnOnce()) -> Duration {
    let clock = Clock::system();
    let before = cpu_ns();
    work();
    let cpu = cpu_ns() - before;
    println!("{what:38} {:9} ns each", cpu / count);
    clock.uptime()
}

fn key(n: u64) -> Vec<u8> {
    let mut state = n;
    let mut key = splitmix64(&mut state).to_be_bytes().to_vec();
    key.extend(n.to_be_bytes());
    key
}

/// Batches of keys from all over the key space, each sorted, as a checkpoint hands them over.
fn apply_all(plan: &Plan, apply: impl Fn(Batch)) {
    let mut random = Random::from_seed(plan.keys);
    for first in (0..plan.keys).step_by(plan.batch as usize) {
        let numbers = first..plan.keys.min(first + plan.batch);
        let mut batch: Batch = numbers.map(|n| (key(n), Some(value(&mut random)))).collect();
        batch.sort();
        apply(batch);
    }
}

fn value(random: &mut Random) -> Vec<u8> {
    let mut value = vec![0; VALUE_LEN];
    random.fill(&mut value[..VALUE_LEN / 2]);
    value
}

fn get_some(plan: &Plan, tier: &FjallTier) {
    let mut random = Random::from_seed(1);
    for _ in 0..plan.gets {
        let key = key(random.below(plan.keys));
        assert!(tier.get(&key).expect("reads").is_some(), "a key is missing");
    }
}

/// A digest of all pairs that does not depend on the direction.
fn walk(tier: &FjallTier, reverse: bool) -> u64 {
    let mut digest = 0u64;
    let visit = &mut |key: &[u8], value: &[u8]| {
        let word = |bytes: &[u8]| u64::from_le_bytes(*bytes.first_chunk().expect("8 bytes at least"));
        digest = digest.wrapping_add(word(key) ^ word(value));
        Ok(true)
    };
    tier.range((Unbounded, Unbounded), reverse, visit).expect("walks");
    digest
}

fn walk_short(plan: &Plan, tier: &FjallTier, times: u64) {
    let mut random = Random::from_seed(2);
    for _ in 0..times {
        let mut left = 100;
        let from = key(random.below(plan.keys));
        let visit = &mut |_: &[u8], _: &[u8]| {
            left -= 1;
            Ok(left > 0)
        };
        tier.range((Included(&from), Unbounded), false, visit).expect("walks");
    }
}

/// CPU time of this process, user and system.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

#[test]
fn runs_small() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["keys=3000", "batch=500", "gets=100", "memory_bytes=100000", "table_bytes=50000"];
    run(&plan(args.map(String::from).into_iter()), dir.path());
}
