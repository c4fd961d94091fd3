//! A log in memory: the sibling that proves the contract from outside, and the one that serves durability level `memory`.
//!
//! Invariant: a volatile log is a counter: an append is one atomic addition, nothing is kept, everything counts as sealed and synced.
//! Invariant: a log on a [`Shelf`] keeps what was sealed when it is dropped, as files keep it when a process is killed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvark_base::{Error, Kind, Position, Result};

use crate::{Admission, Bracket, Facts, Log, Replayed};

/// What outlives a [`MemoryLog`]; clones are the same shelf.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// The position before the first record.
    base: Position,
    records: Vec<Box<[u8]>>,
    /// How many of them are sealed.
    sealed: usize,
    batches: u64,
    appended_bytes: u64,
    syncs: u64,
}

/// A log in memory. See [`Log`] for what it promises.
pub struct MemoryLog {
    shelf: Option<Shelf>,
    last: AtomicU64,
    sealed: AtomicU64,
    synced: AtomicU64,
    closed: AtomicBool,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A panic between two statements leaves whole records only.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn last(&self) -> Position {
        self.base + self.records.len() as u64
    }

    fn push(&mut self, parts: &[&[u8]]) -> Position {
        self.appended_bytes += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        self.records.push(parts.concat().into());
        self.last()
    }
}

impl MemoryLog {
    /// A log that keeps nothing.
    pub fn volatile() -> Self {
        Self::new(None)
    }

    /// A log that keeps its records on `shelf`, and finds there what the one before it has sealed.
    pub fn on(shelf: &Shelf) -> Self {
        Self::new(Some(shelf.clone()))
    }

    fn new(shelf: Option<Shelf>) -> Self {
        let zero = || AtomicU64::new(0);
        Self { shelf, last: zero(), sealed: zero(), synced: zero(), closed: AtomicBool::new(false) }
    }

    #[inline]
    fn check(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(Kind::Closed, "the log was closed; open the store again"));
        }
        Ok(())
    }

    fn append_kept(&self, shelf: &Shelf, parts: &[&[u8]]) -> Position {
        let mut kept = shelf.lock();
        let position = kept.push(parts);
        self.last.store(position, Ordering::Release);
        position
    }

    fn seal_kept(&self, kept: &mut Kept) {
        if kept.sealed < kept.records.len() {
            kept.sealed = kept.records.len();
            kept.batches += 1;
        }
        self.sealed.store(kept.last(), Ordering::Release);
    }
}

impl Log for MemoryLog {
    #[inline]
    fn append(&self, parts: &[&[u8]]) -> Result<Position> {
        self.check()?;
        Ok(match &self.shelf {
            None => self.last.fetch_add(1, Ordering::AcqRel) + 1,
            Some(shelf) => self.append_kept(shelf, parts),
        })
    }

    fn bracket(&self, records: usize, len_bytes: usize) -> Result<Box<dyn Bracket + '_>> {
        self.check()?;
        let kept = self.shelf.as_ref().map(Shelf::lock);
        Ok(Box::new(MemoryBracket { log: self, kept, records, len_bytes }))
    }

    #[inline]
    fn seal(&self, upto: Position) -> Result<()> {
        match &self.shelf {
            Some(shelf) if self.sealed.load(Ordering::Acquire) < upto => {
                self.check()?;
                self.seal_kept(&mut shelf.lock());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sealed(&self) -> Position {
        if self.shelf.is_none() { self.last() } else { self.sealed.load(Ordering::Acquire) }
    }

    fn last(&self) -> Position {
        self.last.load(Ordering::Acquire)
    }

    fn synced(&self) -> Position {
        if self.shelf.is_none() { self.last() } else { self.synced.load(Ordering::Acquire) }
    }

    fn sync(&self) -> Result<Position> {
        self.check()?;
        let Some(shelf) = &self.shelf else { return Ok(self.last()) };
        let mut kept = shelf.lock();
        self.seal_kept(&mut kept);
        kept.syncs += 1;
        self.synced.store(kept.last(), Ordering::Release);
        Ok(kept.last())
    }

    fn admit(&self, _len_bytes: usize) -> Result<Admission> {
        self.check()?;
        Ok(Admission::Ready)
    }

    fn maintain(&self) -> Result<bool> {
        self.check()?;
        Ok(false)
    }

    fn cut(&self, below: Position) -> Result<()> {
        self.check()?;
        if let Some(shelf) = &self.shelf {
            let mut kept = shelf.lock();
            let count = (below.saturating_sub(kept.base + 1) as usize).min(kept.sealed);
            kept.records.drain(..count);
            kept.sealed -= count;
            kept.base += count as u64;
        }
        Ok(())
    }

    fn replay(&self, after: Position, each: &mut dyn FnMut(Position, &[u8]) -> Result<()>) -> Result<Replayed> {
        self.check()?;
        let mut replayed = Replayed { last: after, ..Replayed::default() };
        let Some(shelf) = &self.shelf else {
            self.last.store(after, Ordering::Release);
            return Ok(replayed);
        };
        let mut kept = shelf.lock();
        if kept.base > after {
            let (base, next) = (kept.base, after + 1);
            let message = format!("records from {next} on are needed, but the log was cut up to record {base}");
            return Err(Error::new(Kind::Corrupt, message));
        }
        let sealed = kept.sealed;
        kept.records.truncate(sealed);
        if kept.last() < after {
            kept.records.clear();
            (kept.base, kept.sealed) = (after, 0);
        }
        let skipped = (after - kept.base) as usize;
        for (record, position) in kept.records[skipped..].iter().zip(after + 1..) {
            each(position, record)?;
            replayed.records += 1;
            replayed.last = position;
        }
        for mark in [&self.last, &self.sealed, &self.synced] {
            mark.store(kept.last(), Ordering::Release);
        }
        Ok(replayed)
    }

    fn close(&self) -> Result<()> {
        if !self.closed.load(Ordering::Acquire) {
            self.sync()?;
            self.closed.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn facts(&self) -> Facts {
        let (last, sealed, synced) = (self.last(), self.sealed(), self.synced());
        let facts = Facts { last, sealed, synced, first: last + 1, ..Facts::default() };
        let Some(shelf) = &self.shelf else { return facts };
        let kept = shelf.lock();
        Facts {
            first: kept.base + 1,
            live_bytes: kept.records.iter().map(|record| record.len() as u64).sum(),
            appended_bytes: kept.appended_bytes,
            batches: kept.batches,
            syncs: kept.syncs,
            ..facts
        }
    }
}

struct MemoryBracket<'a> {
    log: &'a MemoryLog,
    kept: Option<MutexGuard<'a, Kept>>,
    records: usize,
    len_bytes: usize,
}

impl Bracket for MemoryBracket<'_> {
    fn reserve(&mut self, records: usize, len_bytes: usize) -> Result<()> {
        self.records = self.records.max(records);
        self.len_bytes = self.len_bytes.max(len_bytes);
        Ok(())
    }

    fn append(&mut self, parts: &[&[u8]]) -> Position {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let (records, len_bytes) = (self.records, self.len_bytes);
        assert!(
            records > 0 && len <= len_bytes,
            "a bracket with room for {records} more records of {len_bytes} bytes was given one of {len}"
        );
        self.records -= 1;
        self.len_bytes -= len;
        match &mut self.kept {
            None => self.log.last.fetch_add(1, Ordering::AcqRel) + 1,
            Some(kept) => {
                let position = kept.push(parts);
                self.log.last.store(position, Ordering::Release);
                position
            }
        }
    }
}
