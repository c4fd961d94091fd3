//! The parts that the writer is made of, and those that recovery hands to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kvark_base::{Position, Result};
use kvark_disk::File;

use crate::place::{Gathered, Place};
use crate::segment;

/// What may be read without the mutex.
#[derive(Default)]
pub(crate) struct Marks {
    pub last: AtomicU64,
    pub sealed: AtomicU64,
    pub synced: AtomicU64,
    /// Bytes left in the segment being written.
    pub free: AtomicU64,
    /// Bytes left in the spare behind it, 0 when there is none.
    pub ahead: AtomicU64,
    pub batches: AtomicU64,
    pub appended_bytes: AtomicU64,
}

/// A segment's file, number and length.
#[derive(Clone)]
pub(crate) struct SegmentFile {
    pub sequence: u64,
    pub file: Arc<dyn File>,
    pub len: u64,
}

/// Room prepared ahead. Only one with a place for its bytes can be begun by an append.
pub(crate) struct Spare {
    pub segment: SegmentFile,
    pub place: Option<Place>,
}

/// The segment being written.
pub(crate) struct Active {
    pub segment: SegmentFile,
    pub previous_end: Position,
    /// What lies before is no longer mapped in.
    pub released: usize,
}

/// A segment that holds records and is not written any more.
pub(crate) struct Live {
    pub sequence: u64,
    pub previous_end: Position,
    pub last: Position,
    /// Bytes of header and batches.
    pub used: u64,
    /// Bytes of the file.
    pub len: u64,
    /// The file, until it is synced.
    pub unsynced: Option<Arc<dyn File>>,
    /// Where its bytes lie, until the background takes that away or a sync has written them.
    pub place: Option<Place>,
}

/// Where a log goes on after recovery.
pub(crate) struct Resume {
    pub header: segment::Header,
    pub segment: SegmentFile,
    pub place: Place,
    pub live: VecDeque<Live>,
}

/// What a sync has to do for one file.
pub(crate) struct Unsynced {
    pub file: Arc<dyn File>,
    /// What the file does not hold yet.
    pub gathered: Option<Gathered>,
}

impl Unsynced {
    pub fn sync(&self) -> Result<()> {
        if let Some(gathered) = &self.gathered {
            gathered.write_to(&*self.file)?;
        }
        self.file.sync_data()
    }
}
