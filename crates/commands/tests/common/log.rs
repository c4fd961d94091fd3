//! A log that counts what a crash could keep apart.

use std::sync::atomic::{AtomicU64, Ordering};

use kvark_base::{Position, Result};
use kvark_log::memory::MemoryLog;
use kvark_log::{Admission, Bracket, Facts, Log, Replayed};

pub struct Watched {
    inner: MemoryLog,
    units: AtomicU64,
}

impl Watched {
    pub fn new(inner: MemoryLog) -> Self {
        Self { inner, units: AtomicU64::new(0) }
    }

    /// Single records and brackets so far: each is there as a whole after a crash, or not at all.
    pub fn units(&self) -> u64 {
        self.units.load(Ordering::Relaxed)
    }
}

impl Log for Watched {
    fn append(&self, parts: &[&[u8]]) -> Result<Position> {
        self.units.fetch_add(1, Ordering::Relaxed);
        self.inner.append(parts)
    }
    fn bracket(&self, records: usize, len_bytes: usize) -> Result<Box<dyn Bracket + '_>> {
        self.units.fetch_add(1, Ordering::Relaxed);
        self.inner.bracket(records, len_bytes)
    }
    fn seal(&self, upto: Position) -> Result<()> {
        self.inner.seal(upto)
    }
    fn sealed(&self) -> Position {
        self.inner.sealed()
    }
    fn last(&self) -> Position {
        self.inner.last()
    }
    fn synced(&self) -> Position {
        self.inner.synced()
    }
    fn sync(&self) -> Result<Position> {
        self.inner.sync()
    }
    fn admit(&self, len_bytes: usize) -> Result<Admission> {
        self.inner.admit(len_bytes)
    }
    fn maintain(&self) -> Result<bool> {
        self.inner.maintain()
    }
    fn cut(&self, below: Position) -> Result<()> {
        self.inner.cut(below)
    }
    fn replay(&self, after: Position, each: &mut dyn FnMut(Position, &[u8]) -> Result<()>) -> Result<Replayed> {
        self.inner.replay(after, each)
    }
    fn close(&self) -> Result<()> {
        self.inner.close()
    }
    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}
