//! The header of a segment file: who it is and where the log stood when it was begun.
//!
//! Layout (little-endian; `docs/format/log.md` has the page and a worked example):
//!
//! ```text
//!  0  magic "KVARKLOG"      8    24  sequence           8    48  synced        8
//!  8  format version        4    32  first position     8    56  epoch         4
//! 12  CRC32C of the rest    4    40  previous end       8    60  chain         4
//! 16  incarnation           8
//! ```
//!
//! Invariant: the header lies within the first sector, so a loss of power leaves it old or new, never mixed.
//! Invariant: magic and format version stay where they are in every version to come.

use std::path::{Path, PathBuf};

use kvark_base::checksum::{crc32c, crc32c_append};
use kvark_base::{Error, Kind, Position, Result};

/// What every segment begins with.
pub const MAGIC: [u8; 8] = *b"KVARKLOG";
/// The format that this build reads and writes.
pub const VERSION: u32 = 1;
/// Bytes of the encoded header.
pub const HEADER_LEN: usize = 64;
/// Where the first batch begins: after the sector of the header.
pub const FIRST_BATCH: usize = 512;

const _: () = assert!(HEADER_LEN <= FIRST_BATCH && FIRST_BATCH.is_multiple_of(8));

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Random number of the log that the file belongs to.
    pub incarnation: u64,
    /// The file's place among the log's files.
    pub sequence: u64,
    /// The position of the first record that may stand here.
    pub first: Position,
    /// The position where the good part of the log before this file ends. Positions between it and `first` belong to nobody.
    pub previous_end: Position,
    /// Everything up to here was synced when the file was begun.
    pub synced: Position,
    /// Which opening of the log wrote the file.
    pub epoch: u32,
    /// The checksum of the last batch before this file, 0 when there was none.
    pub chain: u32,
}

/// What the first sector of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstSector {
    /// The file holds records.
    Begun(Header),
    /// The file is room prepared ahead: zeros, or what an earlier life under a lower number left.
    Blank,
    /// Bytes that no writer leaves there.
    Damaged,
}

impl Header {
    /// The bytes of the header.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.incarnation.to_le_bytes());
        out[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        out[32..40].copy_from_slice(&self.first.to_le_bytes());
        out[40..48].copy_from_slice(&self.previous_end.to_le_bytes());
        out[48..56].copy_from_slice(&self.synced.to_le_bytes());
        out[56..60].copy_from_slice(&self.epoch.to_le_bytes());
        out[60..64].copy_from_slice(&self.chain.to_le_bytes());
        let checksum = checksum(&out);
        out[12..16].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Mixed into the checksum of every batch, so that a batch is good only in the file it was written for.
    pub fn identity(&self) -> u32 {
        identity(self.incarnation, self.sequence)
    }
}

/// The identity of a segment of this log with this number.
pub fn identity(incarnation: u64, sequence: u64) -> u32 {
    crc32c_append(crc32c(&incarnation.to_le_bytes()), &sequence.to_le_bytes())
}

fn checksum(header: &[u8]) -> u32 {
    crc32c_append(crc32c(&header[..12]), &header[16..HEADER_LEN])
}

/// Reads the first sector of the file called `path` with the number `sequence`. An error when another format version wrote it.
pub fn read(sector: &[u8], sequence: u64, path: &Path) -> Result<FirstSector> {
    let Some(header) = sector.get(..HEADER_LEN) else { return Ok(FirstSector::Blank) };
    if header.iter().all(|&byte| byte == 0) {
        return Ok(FirstSector::Blank);
    }
    let (u64_at, u32_at) = (|at| crate::batch::u64_at(header, at), |at| crate::batch::u32_at(header, at));
    if header[..8] != MAGIC {
        return Ok(FirstSector::Damaged);
    }
    let version = u32_at(8);
    if version != VERSION && version != 0 {
        let path = path.display();
        let message = format!(
            "{path} was written in version {version} of the log format and this build reads version {VERSION}: \
             open the store with the release that wrote it"
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    let intact = version == VERSION && checksum(header) == u32_at(12);
    let found = Header {
        incarnation: u64_at(16),
        sequence: u64_at(24),
        first: u64_at(32),
        previous_end: u64_at(40),
        synced: u64_at(48),
        epoch: u32_at(56),
        chain: u32_at(60),
    };
    Ok(match found.sequence.cmp(&sequence) {
        _ if !intact || found.first <= found.previous_end => FirstSector::Damaged,
        std::cmp::Ordering::Equal => FirstSector::Begun(found),
        std::cmp::Ordering::Less => FirstSector::Blank,
        std::cmp::Ordering::Greater => FirstSector::Damaged,
    })
}

/// The name of the file with this number.
pub fn path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join(format!("{sequence:012}.log"))
}

/// The number in a file's name, if it is one of ours.
pub fn sequence_of(name: &str) -> Option<u64> {
    let sequence = name.strip_suffix(".log")?.parse().ok().filter(|&sequence| sequence > 0)?;
    (name == format!("{sequence:012}.log")).then_some(sequence)
}
