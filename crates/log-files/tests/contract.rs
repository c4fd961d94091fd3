//! The log in files meets the contract of a log, on the machine's disk and in memory.

mod world;

use std::sync::Arc;

use kvark_disk::{Disk, Memory, Real};
use kvark_log::suite;
use kvark_log_files::{LogFiles, Options, Way};
use world::{TempDir, options};

#[test]
fn on_the_machines_disk() {
    suite::run(&|| {
        let dir = TempDir::new();
        suite::Place::sealed(move || {
            Box::new(LogFiles::open(Arc::new(Real), options(dir.path().join("log"), 8192)).unwrap())
        })
    });
}

#[test]
fn in_memory() {
    suite::run(&|| {
        let disk: Arc<dyn Disk> = Arc::new(Memory::new());
        suite::Place::sealed(move || Box::new(LogFiles::open(disk.clone(), options("/log".into(), 4096)).unwrap()))
    });
}

#[test]
fn gathered_on_the_machines_disk() {
    suite::run(&|| {
        let dir = TempDir::new();
        let gathered = Options { way: Way::Gathered, ..options(dir.path().join("log"), 8192) };
        suite::Place::synced(move || {
            let _ = &dir;
            Box::new(LogFiles::open(Arc::new(Real), gathered.clone()).unwrap())
        })
    });
}
