//! Where the records of a written segment lie until a sync.
//!
//! A mapping is the file: the operating system has every byte at once, and a sync has only to write it back. But a sync of
//! mapped pages takes twice as long as one of written pages and spends half as much processor time again (decision 0008).
//! A log that somebody waits for therefore gathers its bytes in memory of its own, and the sync writes them.
//!
//! Invariant: the bytes gathered begin at a page, so the file is only ever written in whole pages and never read for that.

use std::ops::Range;

use kvark_base::Result;
use kvark_disk::{File, Mapping};

use crate::Way;
use crate::parts::SegmentFile;
use crate::room::PAGE;

/// Where the writer puts its bytes.
pub(crate) enum Place {
    Mapped(Mapping),
    Gathered(Gathered),
}

/// Bytes of a segment that its file does not hold yet.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Where they begin in the segment, a multiple of the page.
    start: usize,
    bytes: Vec<u8>,
    /// Memory that an earlier sync is done with.
    spare: Vec<u8>,
}

impl Place {
    pub fn of(segment: &SegmentFile, way: Way) -> Result<Self> {
        Ok(match way {
            Way::Mapped => Self::Mapped(segment.file.map(segment.len as usize)?),
            Way::Gathered => Self::Gathered(Gathered::default()),
        })
    }

    /// The bytes of `range` of the segment, to be written. Of those gathered, the ones before the last sync's page are gone.
    #[inline]
    pub fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        match self {
            Self::Mapped(map) => &mut map.bytes_mut()[range],
            Self::Gathered(gathered) => gathered.bytes_mut(range),
        }
    }

    /// The mapping, if it is one.
    pub fn mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Mapped(map) => Some(map),
            Self::Gathered(_) => None,
        }
    }

    /// Takes what a sync has to write, where `end` is the end of what the segment holds.
    pub fn take_unwritten(&mut self, end: usize) -> Option<Gathered> {
        match self {
            Self::Mapped(_) => None,
            Self::Gathered(gathered) => gathered.take(end),
        }
    }

    /// Takes memory back that a sync is done with.
    pub fn reuse(&mut self, written: Gathered) {
        if let Self::Gathered(gathered) = self {
            gathered.spare = written.bytes;
        }
    }
}

impl Gathered {
    #[inline]
    fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        let within = range.start - self.start..range.end - self.start;
        if self.bytes.len() < within.end {
            self.bytes.resize(within.end, 0);
        }
        &mut self.bytes[within]
    }

    /// Everything up to `end`, in whole pages; the last page is gathered on, and written again when it has grown.
    fn take(&mut self, end: usize) -> Option<Self> {
        if self.bytes.is_empty() {
            return None;
        }
        let page = PAGE as usize;
        let kept = end / page * page;
        let mut next = std::mem::take(&mut self.spare);
        next.clear();
        next.extend_from_slice(&self.bytes[(kept - self.start).min(self.bytes.len())..]);
        let mut bytes = std::mem::replace(&mut self.bytes, next);
        bytes.resize(bytes.len().next_multiple_of(page), 0);
        let start = std::mem::replace(&mut self.start, kept);
        Some(Self { start, bytes, spare: Vec::new() })
    }

    /// Hands the bytes to the operating system.
    pub fn write_to(&self, file: &dyn File) -> Result<()> {
        file.write_at(self.start as u64, &self.bytes)
    }
}
