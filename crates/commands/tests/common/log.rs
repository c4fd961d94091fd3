//! A log that counts what a crash could keep apart.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvark_base::{Error, Kind, Position, Result};
use kvark_log::memory::MemoryLog;
use kvark_log::{Admission, Bracket, Facts, Log, Replayed};

pub struct Watched {
    inner: MemoryLog,
    units: AtomicU64,
    /// Whether brackets refuse to grow.
    pub full: AtomicBool,
}

/// A bracket that may refuse to grow.
struct Bounded<'a> {
    inner: Box<dyn Bracket + 'a>,
    log: &'a Watched,
    room: (usize, usize),
}

impl Bracket for Bounded<'_> {
    fn reserve(&mut self, records: usize, len_bytes: usize) -> Result<()> {
        if self.log.full.load(Ordering::Relaxed) && (records > self.room.0 || len_bytes > self.room.1) {
            return Err(Error::new(Kind::NoSpace, "no room"));
        }
        self.room = (self.room.0.max(records), self.room.1.max(len_bytes));
        self.inner.reserve(records, len_bytes)
    }
    fn append(&mut self, parts: &[&[u8]]) -> Position {
        self.room.0 -= 1;
        self.room.1 -= parts.iter().map(|part| part.len()).sum::<usize>();
        self.inner.append(parts)
    }
}

impl Watched {
    pub fn new(inner: MemoryLog) -> Self {
        Self { inner, units: AtomicU64::new(0), full: AtomicBool::new(false) }
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
        let inner = self.inner.bracket(records, len_bytes)?;
        Ok(Box::new(Bounded { inner, log: self, room: (records, len_bytes) }))
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
