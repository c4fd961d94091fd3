//! Recovery: which records are good, whether what lies behind them is a torn tail or damage, and where the log goes on.
//!
//! Invariant: only batches of this incarnation, this file, this epoch, at the next position and chained to the one before are handed over.
//! Invariant: what a later batch or header says was synced and is missing is damage, never cut; what nobody vouches for is a torn tail.
//! Invariant: nothing is changed before all of the log was found good.
//! Invariant: every opening begins an epoch in a file whose header is synced before its first batch; positions go on above all that were seen.

use std::collections::VecDeque;
use std::path::Path;

use kvark_base::{Error, Kind, Position, Result};
use kvark_disk::Disk;
use kvark_log::{Replayed, TornTail};

use crate::Options;
use crate::batch::{self, Records};
use crate::parts::{Live, Resume, SegmentFile};
use crate::place::Place;
use crate::segment::{self, FirstSector, Header};
use crate::survey::{Found, complete, last_used, start, survey};

/// What a recovered log goes on with.
pub(crate) struct Recovered {
    pub resume: Resume,
    pub replayed: Replayed,
}

/// Where the good part ends.
struct Walk {
    /// The last position passed.
    end: Position,
    chain: u32,
    epoch: u32,
    /// Which file it ends in, and where there.
    index: usize,
    at: usize,
    /// The bytes of that file.
    bytes: Vec<u8>,
    live: VecDeque<Live>,
    replayed: Replayed,
}

/// What lies behind the end.
#[derive(Default)]
struct Evidence {
    /// Somebody says that everything up to here was synced.
    vouched: Position,
    /// The highest position that was given out.
    seen: Position,
    len_bytes: u64,
    found: bool,
}

type Each<'a> = &'a mut dyn FnMut(Position, &[u8]) -> Result<()>;

/// Replays the log in `options.dir` and leaves it ready for the next record.
pub(crate) fn run(disk: &dyn Disk, options: &Options, after: Position, each: Each<'_>) -> Result<Recovered> {
    let files = survey(disk, &options.dir)?;
    let Some(start) = start(&files, after)? else { return begin(disk, options, &files, after) };
    let (older, needed) = files.split_at(start);
    complete(needed, &options.dir)?;
    let walk = walk(disk, needed, after, each)?;
    let behind = look_behind(disk, needed, &walk)?;
    if behind.vouched > walk.end {
        return Err(damaged(&needed[walk.index].path, &walk, &behind, &options.dir));
    }
    go_on(disk, options, &Files { older, needed, after }, walk, &behind)
}

/// The files of the log, divided where replay begins.
struct Files<'a> {
    older: &'a [Found],
    needed: &'a [Found],
    after: Position,
}

impl Files<'_> {
    /// The files before those that are needed, until somebody cuts them.
    fn older_live(&self) -> VecDeque<Live> {
        let begun: Vec<_> =
            self.older.iter().chain(self.needed.first()).filter(|found| found.header().is_some()).collect();
        let ended =
            begun.windows(2).filter_map(|pair| pair[0].live(pair[1].header()?.previous_end, pair[0].len, pair[0].len));
        ended.collect()
    }
}

/// Hands over the records of `files` as far as they follow one another.
fn walk(disk: &dyn Disk, files: &[Found], after: Position, each: Each<'_>) -> Result<Walk> {
    let replayed = Replayed { last: after, ..Replayed::default() };
    let mut walk = Walk { end: 0, chain: 0, epoch: 0, index: 0, at: 0, bytes: vec![], live: VecDeque::new(), replayed };
    for (index, found) in files.iter().enumerate() {
        let Some(header) = found.header() else { break };
        if index > 0 {
            if !continues(&walk, header, found)? {
                break;
            }
            walk.set_aside(&files[index - 1]);
        }
        (walk.end, walk.chain, walk.epoch) = (header.first - 1, header.chain, header.epoch);
        (walk.index, walk.at) = (index, segment::FIRST_BATCH);
        walk.bytes = disk.read_all(&found.path)?;
        walk.batches(header, after, each)?;
    }
    Ok(walk)
}

/// Whether a file goes on where the walk ended. One that says it begins earlier, or after other bytes, is no torn tail.
fn continues(walk: &Walk, header: &Header, found: &Found) -> Result<bool> {
    let same = header.previous_end == walk.end && header.chain == walk.chain && header.epoch >= walk.epoch;
    if !same && header.previous_end <= walk.end {
        let message = format!(
            "{}: the header at offset 0 does not follow the file before it, which ends with record {} (chain {:08x}; it names record \
             {} and chain {:08x}): put the right file in its place, or run `kvark repair`",
            found.path.display(),
            walk.end,
            walk.chain,
            header.previous_end,
            header.chain
        );
        return Err(Error::new(Kind::Corrupt, message));
    }
    Ok(same)
}

impl Walk {
    fn batches(&mut self, header: &Header, after: Position, each: Each<'_>) -> Result<()> {
        while let Some(batch) = batch::read(&self.bytes, self.at, header.identity()) {
            let next = &batch.header;
            if next.first != self.end + 1 || next.epoch != self.epoch || next.chain != self.chain {
                break;
            }
            for (record, position) in Records(&self.bytes[batch.records.clone()]).flatten().zip(next.first..) {
                if position > after {
                    each(position, record)?;
                    self.replayed.records += 1;
                    self.replayed.last = position;
                }
            }
            self.end = next.last();
            self.chain = batch.checksum;
            self.at = batch.records.end.next_multiple_of(batch::ALIGN);
        }
        Ok(())
    }

    /// Notes the file that was walked through as one that can be replayed again.
    fn set_aside(&mut self, found: &Found) {
        self.live.extend(found.live(self.end, self.at as u64, found.len));
    }
}

/// Looks for what was written behind the end of the good part.
fn look_behind(disk: &dyn Disk, files: &[Found], walk: &Walk) -> Result<Evidence> {
    let mut evidence = Evidence { seen: walk.end, ..Evidence::default() };
    let header = files[walk.index].header().expect("the walk ends in a file that was begun");
    evidence.scan(&walk.bytes, walk.at, header.identity(), walk);
    let begun_badly = walk
        .bytes
        .get(walk.at..)
        .and_then(batch::Header::peek)
        .filter(|next| (next.first, next.epoch, next.chain) == (walk.end + 1, walk.epoch, walk.chain));
    if let Some(next) = begun_badly {
        let len = (batch::HEADER_LEN + next.len_bytes as usize).min(walk.bytes.len() - walk.at);
        evidence.note(len as u64);
    }
    for found in &files[walk.index + 1..=last_used(files).max(walk.index)] {
        let bytes = disk.read_all(&found.path)?;
        let before = evidence.len_bytes;
        evidence.scan(&bytes, segment::FIRST_BATCH, segment::identity(header.incarnation, found.sequence), walk);
        match &found.sector {
            FirstSector::Begun(later) => {
                evidence.vouched = evidence.vouched.max(later.synced);
                evidence.seen = evidence.seen.max(later.first - 1);
                evidence.note(segment::HEADER_LEN as u64);
            }
            // A killed process may leave half a header, but never one with a batch behind it.
            FirstSector::Damaged if evidence.len_bytes > before => {
                let path = found.path.display();
                let message = format!(
                    "{path}: the header at offset 0 is damaged though records stand behind it: \
                     restore the file from a copy, or run `kvark repair`"
                );
                return Err(Error::new(Kind::Corrupt, message));
            }
            FirstSector::Damaged | FirstSector::Blank => {}
        }
    }
    Ok(evidence)
}

impl Evidence {
    fn note(&mut self, len_bytes: u64) {
        self.found = true;
        self.len_bytes += len_bytes;
    }

    /// Notes every good batch of this epoch or a later one from `at` on.
    fn scan(&mut self, bytes: &[u8], mut at: usize, identity: u32, walk: &Walk) {
        while at + batch::HEADER_LEN <= bytes.len() {
            let later = batch::Header::peek(&bytes[at..]);
            let later = later.is_some_and(|header| header.epoch >= walk.epoch && header.first > walk.end);
            let Some(batch) = later.then(|| batch::read(bytes, at, identity)).flatten() else {
                at += batch::ALIGN;
                continue;
            };
            self.vouched = self.vouched.max(batch.header.synced);
            self.seen = self.seen.max(batch.header.last());
            self.note((batch.records.end - at) as u64);
            at = batch.records.end.next_multiple_of(batch::ALIGN);
        }
    }
}

fn damaged(path: &Path, walk: &Walk, behind: &Evidence, dir: &Path) -> Error {
    let Walk { at, end, .. } = walk;
    let message = format!(
        "{}: the log is damaged at offset {at}: record {} should follow, and what stands behind says that everything up to record {} \
         was synced; nothing was changed. Restore the file from a copy, or run `kvark repair {}` to give up what follows",
        path.display(),
        end + 1,
        behind.vouched,
        dir.display()
    );
    Error::new(Kind::Corrupt, message)
}

/// Begins a log where there was none.
fn begin(disk: &dyn Disk, options: &Options, blank: &[Found], after: Position) -> Result<Recovered> {
    remove(disk, &options.dir, blank)?;
    let header = Header {
        incarnation: options.incarnation,
        sequence: 1,
        first: after + 1,
        previous_end: after,
        synced: after,
        epoch: 1,
        chain: 0,
    };
    let resume = begin_segment(disk, options, header, VecDeque::new())?;
    Ok(Recovered { resume, replayed: Replayed { last: after, ..Replayed::default() } })
}

/// Cuts what is torn and begins the next epoch.
fn go_on(
    disk: &dyn Disk,
    options: &Options,
    files: &Files<'_>,
    mut walk: Walk,
    behind: &Evidence,
) -> Result<Recovered> {
    let (walked, rest) = files.needed.split_at(walk.index + 1);
    let last = &walked[walk.index];
    let header = last.header().expect("the walk ends in a file that was begun");
    if behind.found {
        let place = format!("{} at offset {}", last.path.display(), walk.at);
        walk.replayed.torn = Some(TornTail { place, len_bytes: behind.len_bytes });
    }
    remove(disk, &options.dir, rest)?;
    let epochs = files.needed.iter().filter_map(|found| Some(found.header()?.epoch)).max().unwrap_or(0);
    let first = walk.end.max(files.after).max(behind.seen) + 1;
    let mut next = Header { first, synced: walk.end, epoch: epochs + 1, ..*header };
    let mut live = files.older_live();
    live.append(&mut walk.live);
    if walk.at > segment::FIRST_BATCH {
        // A file with records ends here for good; an empty one is replaced under its number.
        disk.open(&last.path)?.set_len(walk.at as u64)?;
        live.extend(last.live(walk.end, walk.at as u64, walk.at as u64));
        next = Header { sequence: header.sequence + 1, previous_end: walk.end, chain: walk.chain, ..next };
    }
    // The next header says that all of this is synced.
    walked.iter().try_for_each(|found| disk.open(&found.path)?.sync_data())?;
    let resume = begin_segment(disk, options, next, live)?;
    Ok(Recovered { resume, replayed: walk.replayed })
}

/// Removes files, the last one first: what a crash leaves of them is without a gap.
fn remove(disk: &dyn Disk, dir: &Path, files: &[Found]) -> Result<()> {
    files.iter().rev().try_for_each(|found| disk.remove(&found.path))?;
    if files.is_empty() { Ok(()) } else { disk.sync_dir(dir) }
}

/// Makes the file of `header`, in place of an empty one that has its name. It gets the name when its header is synced.
fn begin_segment(disk: &dyn Disk, options: &Options, header: Header, live: VecDeque<Live>) -> Result<Resume> {
    let fresh = options.dir.join("begun.new");
    let file = disk.create(&fresh)?;
    file.allocate(options.segment_len_bytes)?;
    file.write_at(0, &header.encode())?;
    file.sync_data()?;
    disk.rename(&fresh, &segment::path(&options.dir, header.sequence))?;
    disk.sync_dir(&options.dir)?;
    let len = options.segment_len_bytes;
    let segment = SegmentFile { sequence: header.sequence, file, len };
    let place = Place::of(&segment, options.way)?;
    Ok(Resume { header, segment, place, live })
}
