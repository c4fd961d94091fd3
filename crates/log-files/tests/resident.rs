//! What was written doesn't stay in memory: the log counts little, however much went through it.
#![cfg(target_os = "linux")]

mod world;

use std::sync::Arc;

use kvark_disk::Real;
use kvark_log::Log;
use kvark_log_files::LogFiles;
use world::{TempDir, options};

/// How many of `dir`'s files are mapped, and how many KiB of them are resident.
fn mapped(dir: &std::path::Path) -> (usize, u64) {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut files, mut kib, mut ours) = (0, 0, false);
    for line in smaps.lines() {
        if line.split_whitespace().next().is_some_and(|word| word.contains('-')) {
            ours = line.contains(dir.to_str().unwrap());
            files += usize::from(ours);
        } else if let Some(rest) = line.strip_prefix("Rss:").filter(|_| ours) {
            kib += rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
        }
    }
    (files, kib)
}

#[test]
fn the_log_keeps_two_files_mapped_and_little_of_them_resident() {
    let dir = TempDir::new();
    let log = LogFiles::open(Arc::new(Real), options(dir.path().to_path_buf(), 8 << 20)).unwrap();
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    let (mut most_files, mut most_kib) = (0, 0);
    for number in 0..40 {
        for _ in 0..512 {
            log.append(&[&[7; 1000]]).unwrap();
        }
        log.seal(log.last()).unwrap();
        log.maintain().unwrap();
        if number % 10 == 9 {
            log.cut(log.last() - 5000).unwrap();
        }
        let (files, kib) = mapped(dir.path());
        (most_files, most_kib) = (most_files.max(files), most_kib.max(kib));
    }
    assert!((1..=2).contains(&most_files), "{most_files} files are mapped");
    assert!((1..=4096).contains(&most_kib), "{most_kib} KiB of the log are resident");
    let names = std::fs::read_dir(dir.path()).unwrap().count();
    assert!(names <= 8, "{names} files for 5,000 records of 1,000 bytes in segments of 8 MiB");
}
