//! Room ahead of the writers: segments are prepared before they are needed, from files that the log has given up where
//! there are some.
//!
//! Invariant: a spare's name is durable before the spare can be begun, and every byte of it has a block on the disk.
//! Invariant: spares follow the written segment in number without a gap.
//! Invariant: the locks are taken in the order `room`, `syncing`, `writer`; only `writer` is ever wanted by an append that finds room.
//! A bracket that grows holds `writer` and only tries `room`.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use kvark_base::{Error, Kind, Position, Result};
use kvark_log::{Admission, Log};
use parking_lot::MutexGuard;

use crate::parts::{Live, SegmentFile, Spare};
use crate::place::Place;
use crate::writer::Writer;
use crate::{LogFiles, Way, segment};

/// Files are whole pages.
pub(crate) const PAGE: u64 = 4096;
/// Written bytes stay mapped in until there are so many.
const RELEASE_LEN: usize = 1024 * 1024;
/// The least pace, in bytes between two calls, for which pages are made ready, and the most bytes of them.
const WARM_LEN: std::ops::Range<usize> = 64 * 1024..8 * 1024 * 1024;
/// Bytes of zeros that are written between two syncs.
const ZEROS_LEN: usize = 256 * 1024;
/// Bytes of them that are made ready at a time.
const WARM_STEP: usize = 256 * 1024;
/// The fewest and the most given-up files that wait to be written again.
const KEPT: std::ops::RangeInclusive<u64> = 2..=16;

/// How a file that was never written before is made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// Written with zeros: a later sync finds every block initialized and has no metadata to write.
    Zeros,
    /// Reserved. The first writer of a page pays for it (about 3 us).
    Later,
}

impl Fill {
    /// Ahead of time, zeros are worth their price only for a log that is synced all the time.
    fn of(way: Way) -> Self {
        match way {
            Way::Gathered => Self::Zeros,
            Way::Mapped => Self::Later,
        }
    }
}

/// What the preparation of room knows; its mutex is held while files are made.
#[derive(Default)]
pub(crate) struct Room {
    /// The number of the next file.
    pub next_sequence: u64,
    /// The number of the written file when records were last given up.
    begun_at_cut: u64,
    /// Bytes appended until the pages ahead were last made ready.
    warmed_at: u64,
}

impl LogFiles {
    /// The writer with `room` bytes free in a segment; makes a segment when it must.
    #[cold]
    pub(crate) fn make_room(&self, needed: usize) -> Result<MutexGuard<'_, Writer>> {
        let mut room = self.room.lock();
        loop {
            let mut writer = self.writer.lock();
            writer.check()?;
            if writer.fits(needed) || writer.roll(needed, &self.marks) {
                return Ok(writer);
            }
            drop(writer);
            self.prepare(&mut room, needed, Fill::Later)?;
        }
    }

    /// Puts a ready spare with room for `needed` in front while the writer is held, for a bracket that grows.
    ///
    /// Errors: there is no such room, or somebody else makes room at this moment and waits for the writer.
    #[cold]
    pub(crate) fn make_room_for(&self, writer: &mut Writer, needed: usize) -> Result<()> {
        let Some(mut room) = self.room.try_lock() else { return Err(busy(needed)) };
        writer.check()?;
        self.remove_spares(&mut room, std::mem::take(&mut writer.spares));
        writer.mark_ahead(&self.marks);
        let len = ((needed + segment::FIRST_BATCH) as u64).next_multiple_of(PAGE).max(self.options.segment_len_bytes);
        let segment = self.create_segment(room.next_sequence, len, Fill::Later).map_err(|e| no_room(len, &e))?;
        room.next_sequence += 1;
        let place = Place::of(&segment, self.options.way).map_err(|e| no_room(len, &e));
        let (place, failed) = place.map_or_else(|error| (None, Some(error)), |place| (Some(place), None));
        writer.spares.push_back(Spare { segment, place });
        writer.mark_ahead(&self.marks);
        failed.map_or(Ok(()), Err)
    }

    pub(crate) fn admission(&self, len_bytes: usize) -> Result<Admission> {
        let margin = (self.options.segment_len_bytes / 8).min(1 << 20);
        let wanted = crate::writer::room_for(1, len_bytes) as u64 + margin;
        let marks = &self.marks;
        if marks.free.load(Ordering::Relaxed) >= wanted || marks.ahead.load(Ordering::Relaxed) >= wanted {
            return Ok(Admission::Ready);
        }
        self.writer.lock().check()?;
        self.wanted.fetch_max(wanted, Ordering::Relaxed);
        self.failing.lock().clone().map_or(Ok(Admission::Wait), Err)
    }

    /// Makes the pages ready that will be written until the next call, if it goes on as it went since the last one. The first
    /// write to a page may wait for the file system's journal, and an event loop must not.
    pub(crate) fn warm_ahead(&self, room: &mut Room) {
        let appended = self.marks.appended_bytes.load(Ordering::Relaxed);
        let pace = (appended - std::mem::replace(&mut room.warmed_at, appended)) as usize;
        // A page made ready is written by the next sync, used or not: a slow log does better without.
        if pace < WARM_LEN.start {
            return;
        }
        let ahead = self.writer.lock().ahead((2 * pace).min(WARM_LEN.end));
        if let Some((warmer, range)) = ahead {
            for start in range.clone().step_by(WARM_STEP) {
                warmer.warm(start..range.end.min(start + WARM_STEP));
                // A page costs a microsecond or more, and this thread has the priority of the writers.
                std::thread::yield_now();
            }
        }
    }

    /// Sees to it that a spare lies ready once a good part of the written segment is used, or somebody waits.
    pub(crate) fn prepare_ahead(&self, room: &mut Room) -> Result<bool> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        let used = self.options.segment_len_bytes.saturating_sub(self.marks.free.load(Ordering::Relaxed));
        let idle = wanted == 0 && self.failing.lock().is_none() && used < self.options.segment_len_bytes / 4;
        let ahead = self.marks.ahead.load(Ordering::Relaxed);
        if idle || (ahead > 0 && ahead >= wanted) {
            self.wanted.store(0, Ordering::Relaxed);
            return Ok(false);
        }
        self.prepare(room, wanted as usize, Fill::of(self.options.way))?;
        self.wanted.store(0, Ordering::Relaxed);
        Ok(true)
    }

    /// Puts a ready spare with room for `needed` in front; remembers a failure for those who ask to come in.
    fn prepare(&self, room: &mut Room, needed: usize, fill: Fill) -> Result<()> {
        let result = self.prepare_front(room, needed, fill);
        *self.failing.lock() = result.as_ref().err().cloned();
        result
    }

    fn prepare_front(&self, room: &mut Room, needed: usize, fill: Fill) -> Result<()> {
        let len = (needed + segment::FIRST_BATCH) as u64;
        let front = self.writer.lock().spares.front().map(|spare| (spare.segment.clone(), spare.place.is_some()));
        match front {
            Some((segment, true)) if segment.len >= len => return Ok(()),
            Some((segment, false)) if segment.len >= len => return self.place_front(&segment),
            Some(_) => self.discard_spares(room),
            None => {}
        }
        let len = len.next_multiple_of(PAGE).max(self.options.segment_len_bytes);
        let segment = self.create_segment(room.next_sequence, len, fill).map_err(|e| no_room(len, &e))?;
        self.writer.lock().spares.push_back(Spare { segment: segment.clone(), place: None });
        room.next_sequence += 1;
        self.place_front(&segment)
    }

    /// Makes the first spare ready. It stays the first: only a ready one is ever begun, and `room` is held.
    fn place_front(&self, segment: &SegmentFile) -> Result<()> {
        let place = Place::of(segment, self.options.way).map_err(|e| no_room(segment.len, &e))?;
        let mut writer = self.writer.lock();
        if let Some(spare) = writer.spares.front_mut() {
            spare.place = Some(place);
        }
        writer.mark_ahead(&self.marks);
        Ok(())
    }

    fn create_segment(&self, sequence: u64, len: u64, fill: Fill) -> Result<SegmentFile> {
        let path = segment::path(&self.options.dir, sequence);
        let file = self.disk.create(&path)?;
        let made = file.allocate(len).and_then(|()| match fill {
            Fill::Zeros => write_zeros(&*file, len),
            Fill::Later => Ok(()),
        });
        if let Err(error) = made.and_then(|()| self.disk.sync_dir(&self.options.dir)) {
            // What is left of it is emptied when the number is used; removing it now only gives the space back sooner.
            let _ = file.set_len(0);
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        Ok(SegmentFile { sequence, file, len })
    }

    /// Gives up the spares, for a record that needs a file of its own size in their place.
    fn discard_spares(&self, room: &mut Room) {
        let mut writer = self.writer.lock();
        let spares = std::mem::take(&mut writer.spares);
        writer.mark_ahead(&self.marks);
        drop(writer);
        self.remove_spares(room, spares);
    }

    fn remove_spares(&self, room: &mut Room, spares: VecDeque<Spare>) {
        for spare in spares.iter().rev() {
            room.next_sequence = spare.segment.sequence;
            // A file that stays is emptied when its number is used.
            let _ = self.disk.remove(&segment::path(&self.options.dir, spare.segment.sequence));
        }
    }

    /// Unmaps what is no longer written. Returns whether there was something.
    pub(crate) fn unmap_written(&self) -> bool {
        let mut writer = self.writer.lock();
        let is_mapped = |live: &Live| live.place.as_ref().is_some_and(|place| place.mapping().is_some());
        let written = writer.live.iter_mut().rev().take_while(|live| is_mapped(live));
        let places: Vec<_> = written.map(|live| live.place.take()).collect();
        let released = writer.release_written(RELEASE_LEN);
        drop(writer);
        released || !places.is_empty()
    }

    /// Gives up whole segments below `below`: some become spares, the others go.
    pub(crate) fn give_up(&self, room: &mut Room, below: Position) -> Result<()> {
        let Some(mut given_up) = self.take_below(below)? else { return Ok(()) };
        let (begun, spares) = {
            let writer = self.writer.lock();
            (writer.active.as_ref().map_or(0, |active| active.segment.sequence), writer.spares.len())
        };
        let keep = (begun - room.begun_at_cut.min(begun)).clamp(*KEPT.start(), *KEPT.end()) as usize;
        room.begun_at_cut = begun;
        let mut recycled = Vec::new();
        let result = loop {
            let Some(live) = given_up.front() else { break self.disk.sync_dir(&self.options.dir) };
            let done = if spares + recycled.len() < keep && live.len == self.options.segment_len_bytes {
                let sequence = room.next_sequence + recycled.len() as u64;
                self.recycle(live, sequence).map(|spare| recycled.push(spare))
            } else {
                self.disk.remove(&segment::path(&self.options.dir, live.sequence))
            };
            if let Err(error) = done {
                break Err(error);
            }
            given_up.pop_front();
        };
        let mut writer = self.writer.lock();
        if result.is_ok() {
            room.next_sequence += recycled.len() as u64;
            writer.spares.extend(recycled);
        }
        given_up.append(&mut writer.live);
        writer.live = given_up;
        result
    }

    /// Takes the segments below `below` off the list, once the header of the first one that stays is synced: recovery begins there.
    fn take_below(&self, below: Position) -> Result<Option<VecDeque<Live>>> {
        let syncing = self.syncing.lock();
        let mut writer = self.writer.lock();
        writer.check()?;
        let count = writer.live.iter().take_while(|live| live.last < below).count();
        if count == 0 {
            return Ok(None);
        }
        let first = writer.live.get(count).map(|live| live.previous_end);
        let previous_end = first.or(writer.active.as_ref().map(|active| active.previous_end));
        if previous_end.is_some_and(|previous_end| self.synced() <= previous_end) {
            let unsynced = writer.take_unsynced(&self.marks);
            drop(writer);
            self.sync_files(&unsynced)?;
            writer = self.writer.lock();
        }
        drop(syncing);
        let stay = writer.live.split_off(count);
        Ok(Some(std::mem::replace(&mut writer.live, stay)))
    }

    /// Gives a file that nobody reads any more the number of a segment to come.
    fn recycle(&self, live: &Live, sequence: u64) -> Result<Spare> {
        let path = segment::path(&self.options.dir, sequence);
        self.disk.rename(&segment::path(&self.options.dir, live.sequence), &path)?;
        let segment = SegmentFile { sequence, file: self.disk.open(&path)?, len: live.len };
        Ok(Spare { segment, place: None })
    }
}

/// Syncs as it goes: a sync of the log that meets many megabytes on their way to the disk waits for all of them.
fn write_zeros(file: &dyn kvark_disk::File, len: u64) -> Result<()> {
    let zeros = vec![0; ZEROS_LEN.min(len as usize)];
    let mut at = 0;
    while at < len {
        let step = zeros.len().min((len - at) as usize);
        file.write_at(at, &zeros[..step])?;
        file.sync_data()?;
        at += step as u64;
    }
    Ok(())
}

fn busy(len: usize) -> Error {
    let message = format!(
        "the log has no room ready for {len} bytes that belong together, and makes some: nothing was written; try again"
    );
    Error::new(Kind::Busy, message)
}

fn no_room(len: u64, cause: &Error) -> Error {
    let message = format!(
        "the log could not reserve {len} bytes for its next segment ({cause}): nothing was written; \
         free some space, writes are taken again as soon as there is room"
    );
    let kind = if cause.kind() == Kind::NoSpace { Kind::NoSpace } else { Kind::Io };
    Error::new(kind, message)
}
