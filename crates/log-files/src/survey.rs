//! The files of a log as recovery finds them: by number, with what their first sectors say.
//!
//! Invariant: from where replay begins to the last file that holds something no number is missing.

use std::path::{Path, PathBuf};

use kvark_base::{Error, Kind, Position, Result};
use kvark_disk::Disk;

use crate::parts::Live;
use crate::segment::{self, FirstSector, Header};

/// A segment file.
pub(crate) struct Found {
    pub sequence: u64,
    pub path: PathBuf,
    pub len: u64,
    pub sector: FirstSector,
}

/// The segment files by number, with what their first sectors say.
pub(crate) fn survey(disk: &dyn Disk, dir: &Path) -> Result<Vec<Found>> {
    let mut files = Vec::new();
    for sequence in disk.list(dir)?.iter().filter_map(|name| segment::sequence_of(name)) {
        let path = segment::path(dir, sequence);
        let file = disk.open(&path)?;
        let mut sector = vec![0; segment::HEADER_LEN];
        let read = file.read_at(0, &mut sector)?;
        let sector = segment::read(&sector[..read], sequence, &path)?;
        files.push(Found { sequence, path, len: file.len()?, sector });
    }
    files.sort_by_key(|found| found.sequence);
    let mut begun = files.iter().filter_map(|found| Some((found, found.header()?)));
    if let Some((first, header)) = begun.next()
        && let Some((other, _)) = begun.find(|(_, other)| other.incarnation != header.incarnation)
    {
        let (a, b) = (first.path.display(), other.path.display());
        let message = format!("{a} and {b} belong to different logs: take away the file that was put there by mistake");
        return Err(Error::new(Kind::Corrupt, message));
    }
    Ok(files)
}

impl Found {
    /// The header, if the file was begun.
    pub fn header(&self) -> Option<&Header> {
        if let FirstSector::Begun(header) = &self.sector { Some(header) } else { None }
    }

    /// The file as one that can be replayed again.
    pub fn live(&self, last: Position, used: u64, len: u64) -> Option<Live> {
        let previous_end = self.header()?.previous_end;
        Some(Live { sequence: self.sequence, previous_end, last, used, len, unsynced: None, place: None })
    }
}

/// The last file before which nothing is needed, or `None` when no file was ever begun.
pub(crate) fn start(files: &[Found], after: Position) -> Result<Option<usize>> {
    let enough = |found: &Found| found.header().is_some_and(|header| header.previous_end <= after);
    if let Some(index) = files.iter().rposition(enough) {
        return Ok(Some(index));
    }
    if let Some(first) = files.iter().find(|found| found.sector != FirstSector::Blank) {
        let path = first.path.display();
        let message = match first.header() {
            Some(header) => format!(
                "the log begins in {path} with what follows record {}, but records from {} on are needed: the files before it are \
                 missing; put them back, or run `kvark repair`",
                header.previous_end,
                after + 1
            ),
            None => format!(
                "{path}: the header at offset 0 is damaged and no file before it is left: \
                 restore the file from a copy, or run `kvark repair`"
            ),
        };
        return Err(Error::new(Kind::Corrupt, message));
    }
    Ok(None)
}

/// An error when a file is missing before the last one that holds something.
pub(crate) fn complete(files: &[Found], dir: &Path) -> Result<()> {
    for pair in files[..=last_used(files)].windows(2) {
        if pair[1].sequence != pair[0].sequence + 1 {
            let missing = segment::path(dir, pair[0].sequence + 1);
            let message = format!(
                "{} is missing between {} and {}: put it back, or run `kvark repair`",
                missing.display(),
                pair[0].path.display(),
                pair[1].path.display()
            );
            return Err(Error::new(Kind::Corrupt, message));
        }
    }
    Ok(())
}

/// Where the last file stands that holds something.
pub(crate) fn last_used(files: &[Found]) -> usize {
    files.iter().rposition(|found| found.sector != FirstSector::Blank).unwrap_or(0)
}
