//! A batch: the unit that is whole on disk or not there.
//!
//! Layout (little-endian; begins at a multiple of 8; `docs/format/log.md` has the page and a worked example):
//!
//! ```text
//!  0  CRC32C of what follows, continued from the segment's identity  4      16  position of the first record     8
//!  4  bytes of records                                               4      24  synced when it was sealed        8
//!  8  how many records                                               4      32  chain: checksum of batch before  4
//! 12  epoch                                                          4      36  format version 1, then 3 zeros   4
//! 40  records: each a varint of its length and its bytes
//! ```
//!
//! Invariant: `count` records fill exactly `len_bytes`; a batch of none is a statement of `synced`.
//! Invariant: zeros are never a batch (the format version isn't zero).

use std::ops::Range;

use kvark_base::checksum::crc32c_append;
use kvark_base::{Position, varint};

/// Bytes before the records.
pub const HEADER_LEN: usize = 40;
/// Batches begin at multiples of this.
pub const ALIGN: usize = 8;
const VERSION: u8 = crate::segment::VERSION as u8;

/// The header of a batch, without its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of records.
    pub len_bytes: u32,
    /// How many records.
    pub count: u32,
    /// Which opening of the log wrote it.
    pub epoch: u32,
    /// The position of its first record.
    pub first: Position,
    /// Everything up to here was synced when it was sealed.
    pub synced: Position,
    /// The checksum of the batch before it.
    pub chain: u32,
}

/// A batch that was read: its header, its checksum, and where its records stand.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What it says.
    pub header: Header,
    /// What the next batch names as its chain.
    pub checksum: u32,
    /// The bytes of its records.
    pub records: Range<usize>,
}

impl Header {
    /// Writes the header before the records that already stand behind it in `batch`; returns the checksum.
    #[inline]
    pub fn seal(&self, identity: u32, batch: &mut [u8]) -> u32 {
        let head: &mut [u8; HEADER_LEN] = batch.first_chunk_mut().expect("a batch has a header");
        head[4..8].copy_from_slice(&self.len_bytes.to_le_bytes());
        head[8..12].copy_from_slice(&self.count.to_le_bytes());
        head[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        head[16..24].copy_from_slice(&self.first.to_le_bytes());
        head[24..32].copy_from_slice(&self.synced.to_le_bytes());
        head[32..36].copy_from_slice(&self.chain.to_le_bytes());
        head[36..40].copy_from_slice(&[VERSION, 0, 0, 0]);
        let checksum = crc32c_append(identity, &batch[4..]);
        batch[..4].copy_from_slice(&checksum.to_le_bytes());
        checksum
    }

    /// What stands in the first [`HEADER_LEN`] bytes, whether or not the records agree.
    pub fn peek(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEADER_LEN)?;
        (head[36..] == [VERSION, 0, 0, 0]).then(|| Self {
            len_bytes: u32_at(head, 4),
            count: u32_at(head, 8),
            epoch: u32_at(head, 12),
            first: u64_at(head, 16),
            synced: u64_at(head, 24),
            chain: u32_at(head, 32),
        })
    }

    /// The position of the last record, or the one before `first` when there is none.
    pub fn last(&self) -> Position {
        self.first.wrapping_add(u64::from(self.count)).wrapping_sub(1)
    }
}

/// Reads the batch at `at`, or `None` when no good one stands there.
pub fn read(bytes: &[u8], at: usize, identity: u32) -> Option<Batch> {
    let header = Header::peek(bytes.get(at..)?)?;
    let start = at + HEADER_LEN;
    let end = start.checked_add(header.len_bytes as usize)?;
    let body = bytes.get(at + 4..end)?;
    let sound =
        header.count <= header.len_bytes && header.first > 0 && header.first.checked_add(header.count.into()).is_some();
    let checksum = u32_at(bytes, at);
    if !sound || crc32c_append(identity, body) != checksum {
        return None;
    }
    let exact =
        Records(&bytes[start..end]).try_fold(0u32, |count, record| record.map(|_| count + 1)) == Some(header.count);
    exact.then_some(Batch { header, checksum, records: start..end })
}

/// The records in the bytes of a batch; `None` for bytes that are not a record, after which nothing follows.
pub struct Records<'a>(pub &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = varint::decode(self.0).and_then(|(len, head)| {
            let end = head.checked_add(usize::try_from(len).ok()?)?;
            let record = self.0.get(head..end)?;
            self.0 = &self.0[end..];
            Some(record)
        });
        if record.is_none() {
            self.0 = &[];
        }
        Some(record)
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("eight bytes"))
}
