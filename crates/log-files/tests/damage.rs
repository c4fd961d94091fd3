//! Damage is told from a torn tail, and nothing wrong is ever handed over.

mod world;

use std::path::{Path, PathBuf};

use kvark_base::Kind;
use kvark_base::random::Random;
use kvark_disk::{Disk, Faulty, Loss};
use kvark_log::Log;
use world::{Records, open, reopen, seeds};

const SEGMENT_LEN: u64 = 4096;

fn record(number: u64) -> Vec<u8> {
    (0..40 + number % 60).map(|at| (number * 7 + at) as u8).collect()
}

/// A disk whose log holds `count` records in batches of two, all synced; a batch behind them says so.
fn written(count: u64) -> (Faulty, Records) {
    let disk = Faulty::new(7);
    let (log, _, mut records) = reopen(&disk, 0).unwrap();
    for number in 1..=count {
        records.push((log.append(&[&record(number)]).unwrap(), record(number)));
        if number % 2 == 0 {
            log.seal(number).unwrap();
        }
    }
    log.sync().unwrap();
    log.append(&[b"the witness"]).unwrap();
    log.seal(count + 1).unwrap();
    (disk.after(Loss::Kill), records)
}

fn path(sequence: u64) -> PathBuf {
    Path::new("/log").join(format!("{sequence:012}.log"))
}

/// Changes bytes of a file in place.
fn change(disk: &Faulty, path: &Path, at: u64, edit: impl FnOnce(&mut [u8])) {
    let mut bytes = disk.read_all(path).unwrap();
    edit(&mut bytes[at as usize..]);
    disk.open(path).unwrap().write_at(0, &bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_what_was_synced_is_an_error_that_says_where() {
    let (disk, records) = written(90);
    let segments = disk.list(Path::new("/log")).unwrap().len() as u64;
    assert!(segments >= 3, "the log should go over several files");
    let mut refused = 0;
    for sequence in 1..=segments {
        for at in (0..SEGMENT_LEN).step_by(3) {
            let disk = disk.after(Loss::Kill);
            change(&disk, &path(sequence), at, |bytes| bytes[0] ^= 1 << (at % 8));
            match reopen(&disk, 0) {
                Ok((_, _, found)) => assert_eq!(found[..90], records, "byte {at} of file {sequence} was not looked at"),
                Err(error) => {
                    let expected = if (8..12).contains(&at) { Kind::Unsupported } else { Kind::Corrupt };
                    assert_eq!(error.kind(), expected, "{error}");
                    assert!(error.message().contains("/log/0000000000"), "{error}");
                    assert!(expected == Kind::Unsupported || error.message().contains("offset"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused * 3 > 7000, "of 7 KiB of header and batches only {refused} thirds were guarded");
}

#[test]
fn a_closed_log_vouches_for_its_last_record() {
    let disk = Faulty::new(1);
    let (log, _, _) = reopen(&disk, 0).unwrap();
    log.append(&[b"the only one"]).unwrap();
    log.close().unwrap();
    assert_eq!(reopen(&disk.after(Loss::Kill), 0).unwrap().2.len(), 1);
    change(&disk, &path(1), 512 + 42, |bytes| bytes[0] ^= 1);
    let error = reopen(&disk, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("000000000001.log: the log is damaged at offset 512: record 1 "), "{error}");
}

#[test]
fn a_torn_tail_is_cut_reported_once_and_its_positions_are_not_given_out_again() {
    let (disk, records) = written(20);
    let (log, _, _) = reopen(&disk, 0).unwrap();
    for number in 0..6 {
        let position = log.append(&[b"not synced"]).unwrap();
        assert_eq!(position, 22 + number);
        log.seal(position).unwrap();
    }
    let disk = disk.after(Loss::Kill);
    change(&disk, &path(2), 512 + 2 * 56 + 45, |bytes| bytes[0] ^= 1);
    let (log, replayed, found) = reopen(&disk, 0).unwrap();
    assert_eq!(found[..20], records);
    assert_eq!(found.last().unwrap().0, 23);
    let torn = replayed.torn.expect("the tail is reported");
    assert_eq!(torn.place, "/log/000000000002.log at offset 624");
    assert!(torn.len_bytes >= 3 * 51, "{torn:?}");
    assert_eq!(log.append(&[b"new"]), Ok(28), "22 to 27 were given out");
    log.close().unwrap();
    let (_, replayed, found) = reopen(&disk, 0).unwrap();
    assert_eq!(replayed.torn, None);
    assert_eq!(found.iter().map(|record| record.0).skip(20).collect::<Vec<_>>(), [21, 22, 23, 28]);
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let (disk, _) = written(90);
    let first = disk.after(Loss::Kill);
    first.remove(&path(1)).unwrap();
    let error = reopen(&first, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("the log begins in /log/000000000002.log"), "{error}");
    disk.remove(&path(2)).unwrap();
    let error = reopen(&disk, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().starts_with("/log/000000000002.log is missing between"), "{error}");
}

#[test]
fn files_of_another_log_or_in_the_wrong_place_are_refused() {
    let (disk, _) = written(90);
    let mixed = disk.after(Loss::Kill);
    let other = Faulty::new(8);
    let options = kvark_log_files::Options { incarnation: 99, ..world::options("/log".into(), SEGMENT_LEN) };
    let log = kvark_log_files::LogFiles::open(std::sync::Arc::new(other.clone()), options).unwrap();
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    mixed.open(&path(1)).unwrap().write_at(0, &other.read_all(&path(1)).unwrap()).unwrap();
    let error = reopen(&mixed, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("belong to different logs"), "{error}");
    let (one, two) = (disk.read_all(&path(1)).unwrap(), disk.read_all(&path(2)).unwrap());
    disk.open(&path(1)).unwrap().write_at(0, &two).unwrap();
    disk.open(&path(2)).unwrap().write_at(0, &one).unwrap();
    assert_eq!(reopen(&disk, 0).map(|_| ()).unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn another_format_version_is_named() {
    let (disk, _) = written(4);
    change(&disk, &path(1), 8, |bytes| bytes[0] = 9);
    let error = reopen(&disk, 0).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("version 9 of the log format and this build reads version 1"), "{error}");
}

/// One random change to the files of a log.
fn mutate(disk: &Faulty, random: &mut Random) {
    let names = disk.list(Path::new("/log")).unwrap();
    if names.is_empty() {
        return;
    }
    let pick = |random: &mut Random| Path::new("/log").join(&names[random.below(names.len() as u64) as usize]);
    let target = pick(random);
    let mut bytes = disk.read_all(&target).unwrap();
    let source = disk.read_all(&pick(random)).unwrap();
    if bytes.is_empty() || source.is_empty() {
        return;
    }
    let at = random.below(bytes.len() as u64) as usize;
    let from = random.below(source.len() as u64) as usize;
    match random.below(7) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next_u64() as u8,
        2 => bytes.truncate(at),
        3 => bytes[at..].iter_mut().take(512).for_each(|byte| *byte = 0),
        4 => random.fill(&mut bytes[at..]),
        5 => {
            let (at, from) = (at / 8 * 8, from / 8 * 8);
            let len = (bytes.len() - at).min(source.len() - from);
            bytes[at..at + len].copy_from_slice(&source[from..from + len]);
        }
        _ => return disk.remove(&target).unwrap(),
    }
    let file = disk.open(&target).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_at(0, &bytes).unwrap();
}

#[test]
fn recovery_of_mutated_files_never_hands_over_a_wrong_record() {
    for seed in seeds(300) {
        println!("seed {seed}");
        let mut random = Random::from_seed(seed);
        let (disk, mut records) = written(20 + random.below(80));
        if random.chance(1, 2) {
            // A second epoch, recycled files and a gap in the positions make the stale bytes more tempting.
            let (log, _, found) = reopen(&disk, records.len() as u64 / 2).unwrap();
            records.extend(found.last().cloned());
            log.cut(log.last() / 2).unwrap();
            for number in 0..random.below(100) {
                records.push((log.append(&[&record(number)]).unwrap(), record(number)));
                log.seal(log.last()).unwrap();
            }
        } else {
            records.push((records.len() as u64 + 1, b"the witness".to_vec()));
        }
        let disk = disk.after(Loss::Kill);
        (0..1 + random.below(3)).for_each(|_| mutate(&disk, &mut random));
        let after = random.below(records.len() as u64 + 1);
        let log = open(&disk);
        let mut last = after;
        let result = log.replay(after, &mut |position, found| {
            assert!(position > last, "record {position} came after {last}");
            last = position;
            let known = records.iter().find(|record| record.0 == position);
            assert_eq!(known.map(|record| &record.1[..]), Some(found), "record {position}");
            Ok(())
        });
        if result.is_ok() {
            let position = log.append(&[b"on"]).unwrap();
            log.seal(position).unwrap();
            assert_eq!(reopen(&disk.after(Loss::Kill), position - 1).unwrap().2, [(position, b"on".to_vec())]);
        }
    }
}
