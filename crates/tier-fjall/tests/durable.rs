//! What is left after the process ends in any way, and after a write fails.

mod common;

use std::io::{BufRead, BufReader};
use std::ops::Bound::Unbounded;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Model, contents, model_after, numbered_batch, open, tiny};
use kvark_base::random::Random;
use kvark_base::{Error, Kind};
use kvark_tier::{Batch, Tier};
use kvark_tier_fjall::{FjallTier, Options};

fn put(key: &str, value: Vec<u8>) -> Batch {
    vec![(key.as_bytes().to_vec(), Some(value))]
}

#[test]
fn what_was_flushed_is_there_again_and_the_rest_may_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let tier = open(dir.path(), Options::default());
    tier.apply(put("flushed", vec![1])).unwrap();
    tier.flush().unwrap();
    tier.apply(put("not flushed", vec![2])).unwrap();
    drop(tier);
    let tier = open(dir.path(), Options::default());
    assert_eq!(contents(&tier), Model::from([(b"flushed".to_vec(), vec![1])]));
}

#[test]
fn close_flushes() {
    let dir = tempfile::tempdir().unwrap();
    let tier = open(dir.path(), Options::default());
    tier.apply(put("k", vec![1])).unwrap();
    tier.close().unwrap();
    assert_eq!(contents(&open(dir.path(), Options::default())).len(), 1);
}

/// The changes after a restart are newer than those before it, though all numbers begin anew.
#[test]
fn later_changes_win_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=20u8 {
        let tier = open(dir.path(), tiny());
        tier.apply(vec![(b"a".to_vec(), Some(vec![round])), (b"b".to_vec(), (round % 2 == 0).then(|| vec![round]))])
            .unwrap();
        tier.flush().unwrap();
        if round % 3 == 0 {
            while tier.maintain(100).unwrap() {}
        }
        assert_eq!(tier.get(b"a").unwrap(), Some(vec![round]));
        assert_eq!(tier.get(b"b").unwrap().is_some(), round % 2 == 0);
        assert_eq!(contents(&tier).len(), 2 - usize::from(round % 2));
    }
}

#[test]
fn large_values_are_kept_replaced_and_their_space_returned() {
    let dir = tempfile::tempdir().unwrap();
    let tier = open(dir.path(), Options::default());
    let large = |n: u8| vec![n; 8 << 20];
    for n in 1..=6 {
        tier.apply(put("large", large(n))).unwrap();
        tier.apply(put("small", vec![n])).unwrap();
        tier.flush().unwrap();
    }
    assert_eq!(tier.get(b"large").unwrap(), Some(large(6)));
    while tier.maintain(1000).unwrap() {}
    drop(tier);
    let tier = open(dir.path(), Options::default());
    assert_eq!(tier.get(b"large").unwrap(), Some(large(6)));
    let disk = tier.facts().disk_bytes;
    assert!(disk < 4 * (8 << 20), "{disk} bytes on disk for one value of 8 MiB that was replaced 5 times");
}

/// Kills a writer at any moment. What it reported as flushed is there, and as the batches go to disk in order, what is
/// there is exactly what some later batch left.
#[test]
fn a_killed_writer_leaves_a_readable_tier_with_all_that_was_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::from_seed(9);
    let mut last = 0;
    for _ in 0..6 {
        let flushed = write_until_killed(dir.path(), last, 1 + random.below(12) as usize);
        let found = contents(&open(dir.path(), tiny()));
        last = (flushed..flushed + 200)
            .find(|n| model_after(*n) == found)
            .unwrap_or_else(|| panic!("after a kill past batch {flushed} the tier has what no batch left"));
    }
    assert!(last > 6);
}

/// Runs [`the_writer_that_is_killed`] in a process of its own; returns the last batch that it called flushed.
fn write_until_killed(dir: &Path, after: u64, flushes: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_writer_that_is_killed", "--nocapture", "--quiet"])
        .env("KVARK_TEST_WRITER", dir)
        .env("KVARK_TEST_AFTER", after.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let reports = lines.filter_map(|line| line.strip_prefix("flushed ").map(|n| n.parse().unwrap()));
    let flushed = reports.take(flushes).last().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    flushed
}

/// Does nothing by itself: the other half of the test above.
#[test]
fn the_writer_that_is_killed() {
    let Some(dir) = std::env::var_os("KVARK_TEST_WRITER") else { return };
    let after: u64 = std::env::var("KVARK_TEST_AFTER").unwrap().parse().unwrap();
    let tier = open(Path::new(&dir), tiny());
    for number in after + 1..after + 100_000 {
        tier.apply(numbered_batch(number)).unwrap();
        if number % 7 == 0 {
            tier.flush().unwrap();
            println!("\nflushed {number}");
        }
        if number % 5 == 0 {
            tier.maintain(1).unwrap();
        }
    }
}

/// Fails a flush by taking away `what`, brings it back, and sees that nothing was lost and nothing left over.
fn fails_and_recovers(take: impl Fn(&Path, &FjallTier), give_back: impl Fn(&Path, &FjallTier)) {
    let dir = tempfile::tempdir().unwrap();
    let tier = open(dir.path(), Options::default());
    tier.apply(put("before", vec![1; 10])).unwrap();
    tier.flush().unwrap();
    tier.apply(put("large", vec![2; 9000])).unwrap();
    take(dir.path(), &tier);
    let error = tier.flush().unwrap_err();
    assert_ne!(error.kind(), Kind::Poisoned, "{error}");
    tier.apply(put("meanwhile", vec![3; 10])).unwrap();
    assert_eq!(contents(&tier).len(), 3, "a failed flush loses nothing");
    give_back(dir.path(), &tier);
    tier.flush().unwrap();
    assert_eq!(names(&dir.path().join("tables")).len(), 2);
    assert_eq!(names(&dir.path().join("blobs")).len(), 1);
    drop(tier);
    assert_eq!(contents(&open(dir.path(), Options::default())).len(), 3);
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_flush_that_could_not_write_its_table_succeeds_later() {
    // A directory where the next table would be: the value file is written by then.
    let next = |dir: &Path| dir.join("tables").join("1");
    fails_and_recovers(
        |dir, _| std::fs::create_dir(next(dir)).unwrap(),
        |dir, _| std::fs::remove_dir(next(dir)).unwrap(),
    );
}

#[test]
fn a_flush_that_could_not_write_its_list_succeeds_later() {
    // A directory where the next list would be: the table is complete by then.
    let next = |dir: &Path| dir.join("v2");
    fails_and_recovers(
        |dir, _| std::fs::create_dir(next(dir)).unwrap(),
        |dir, _| std::fs::remove_dir(next(dir)).unwrap(),
    );
}

/// An error came back, yet the list on disk is not the one that the tree believes in: nothing more may be written.
#[test]
fn a_list_replaced_despite_an_error_poisons() {
    let dir = tempfile::tempdir().unwrap();
    let tier = open(dir.path(), Options::default());
    tier.apply(put("k", vec![1])).unwrap();
    std::fs::create_dir(dir.path().join("v1")).unwrap();
    std::fs::write(dir.path().join("current"), [9; 25]).unwrap();
    assert_eq!(tier.flush().unwrap_err().kind(), Kind::Io);
    assert_eq!(tier.flush().unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(tier.apply(put("k", vec![2])).unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(tier.get(b"k").unwrap(), Some(vec![1]), "reads go on");
}

fn filled(dir: &Path) {
    let tier = open(dir, Options::default());
    for number in 1..50 {
        tier.apply(numbered_batch(number)).unwrap();
    }
    tier.close().unwrap();
}

fn assert_says_corrupt(error: &Error, dir: &Path) {
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.message().contains(&*dir.to_string_lossy()), "{error}");
    assert!(error.message().contains("kvark check") && error.message().contains("kvark repair"), "{error}");
}

#[test]
fn damage_within_a_table_is_found_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let table = dir.path().join("tables").join(&names(&dir.path().join("tables"))[0]);
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    let tier = open(dir.path(), Options::default());
    let error = tier.range((Unbounded, Unbounded), false, &mut |_, _| Ok(true)).unwrap_err();
    assert_says_corrupt(&error, dir.path());
}

/// Files that are gone or cut short, one at a time: the tier does not open as if nothing was missing.
#[test]
fn missing_and_short_files_are_found_when_the_tier_is_opened() {
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let empty = |path: &Path| std::fs::write(path, b"").unwrap();
    let halve = |path: &Path| std::fs::write(path, &std::fs::read(path).unwrap()[..50]).unwrap();
    for folder in ["tables", "blobs", "."] {
        for (what, damage) in [("remove", &remove as &dyn Fn(&Path)), ("empty", &empty), ("halve", &halve)] {
            let dir = tempfile::tempdir().unwrap();
            filled(dir.path());
            let name = names(&dir.path().join(folder)).into_iter().find(|name| name.parse::<u64>().is_ok());
            damage(&dir.path().join(folder).join(name.unwrap_or("v1".into())));
            let Err(error) = FjallTier::open(dir.path(), Options::default()) else { panic!("{what} in {folder}") };
            assert_says_corrupt(&error, dir.path());
        }
    }
}

/// A crash leaves tables, value files and lists that nobody names; opening removes them.
#[test]
fn leftovers_of_a_crash_go_when_the_tier_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let leftovers = ["tables/900", "blobs/900", "v900"].map(|name| dir.path().join(name));
    for leftover in &leftovers {
        std::fs::write(leftover, b"half a fi").unwrap();
    }
    assert_eq!(contents(&open(dir.path(), Options::default())), model_after(49));
    assert!(leftovers.iter().all(|leftover| !leftover.exists()));
}
