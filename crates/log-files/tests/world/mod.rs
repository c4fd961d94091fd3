//! What the tests of this room share.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Position, Result};
use kvark_disk::Disk;
use kvark_log::{Log, Replayed};
use kvark_log_files::{LogFiles, Options, Way};

/// A directory that goes when it is dropped.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        let name = format!("kvark-log-{}-{:016x}", std::process::id(), Random::from_system().next_u64());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn options(dir: PathBuf, segment_len_bytes: u64) -> Options {
    Options { segment_len_bytes, incarnation: 0x1122_3344_5566_7788, ..Options::new(dir) }
}

pub type Records = Vec<(Position, Vec<u8>)>;

/// Opens the log in `/log` of `disk` with the smallest segments.
pub fn open(disk: &(impl Disk + Clone + 'static)) -> LogFiles {
    open_in(Way::Mapped, disk)
}

fn open_in(way: Way, disk: &(impl Disk + Clone + 'static)) -> LogFiles {
    LogFiles::open(Arc::new(disk.clone()), Options { way, ..options("/log".into(), 4096) }).unwrap()
}

/// Opens and replays.
pub fn reopen(disk: &(impl Disk + Clone + 'static), after: Position) -> Result<(LogFiles, Replayed, Records)> {
    reopen_in(Way::Mapped, disk, after)
}

/// Opens and replays a log that is written in that way.
pub fn reopen_in(
    way: Way,
    disk: &(impl Disk + Clone + 'static),
    after: Position,
) -> Result<(LogFiles, Replayed, Records)> {
    let log = open_in(way, disk);
    let mut records = Vec::new();
    let replayed = log.replay(after, &mut |position, record| {
        records.push((position, record.to_vec()));
        Ok(())
    })?;
    Ok((log, replayed, records))
}

/// The seeds to run: `few` of them, or as many as the environment asks for.
pub fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let long = number("KVARK_LONG").is_some_and(|long| long > 0);
    let runs = number("KVARK_RUNS").unwrap_or(if long { 20_000 } else { few });
    let first = number("KVARK_SEED").unwrap_or(1);
    first..first + runs
}
