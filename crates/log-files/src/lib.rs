//! `log-files`: the log in segment files of one directory.
//!
//! Read in this order: [`segment`] and [`batch`] (the bytes), `writer` (the open batch), `place` (where its bytes lie), `room`
//! (segments ahead), `survey` and `recover`.
//!
//! An append copies its record to its [place](Way) under one short mutex: no system call, no allocation. A seal puts the
//! header before the records that already lie there. A sync writes what is sealed to the disk without holding that mutex.
//!
//! Invariant: a position is promised at level `os` when its batch is sealed in a mapping, at level `disk` when a sync that
//! began afterwards has returned.
//! Invariant: whoever opens the directory owns it; its lock is taken by the store that holds it.

pub mod batch;
mod parts;
mod place;
mod recover;
mod room;
pub mod segment;
mod survey;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Position, Result, limits, varint};
use kvark_disk::Disk;
use kvark_log::{Admission, Bracket, Facts, Log, Replayed};
use parking_lot::{Mutex, MutexGuard};

use parts::{Marks, Unsynced};
use room::Room;
use writer::{Mark, State, Writer, room_for};

/// How records reach their file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through a mapping: what is sealed outlives the process. For a log that is synced now and then.
    Mapped,
    /// Gathered in memory and written by the sync, which takes half as long as one of mapped pages. What is sealed outlives the
    /// process only once it is synced, so this is for a log whose writers wait for that.
    Gathered,
}

/// How a log is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory, which is the log's own.
    pub dir: PathBuf,
    /// Bytes of a segment; a longer record gets a longer one.
    pub segment_len_bytes: u64,
    /// How records reach their file.
    pub way: Way,
    /// The random number by which a log that is made now knows its files.
    pub incarnation: u64,
}

impl Options {
    /// What a store uses: mapped segments of 64 MiB.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let incarnation = Random::from_system().next_u64();
        Self { dir: dir.into(), segment_len_bytes: 64 << 20, way: Way::Mapped, incarnation }
    }
}

/// A log in files. See [`Log`] for what it promises.
pub struct LogFiles {
    disk: Arc<dyn Disk>,
    options: Options,
    marks: Marks,
    writer: Mutex<Writer>,
    syncing: Mutex<()>,
    room: Mutex<Room>,
    /// The most room that somebody waits for, 0 when nobody does.
    wanted: AtomicU64,
    /// Why room could not be made when it was last tried.
    failing: Mutex<Option<Error>>,
    syncs: AtomicU64,
}

impl LogFiles {
    /// The log in `options.dir`, which is made when it isn't there. [`Log::replay`] comes next.
    pub fn open(disk: Arc<dyn Disk>, mut options: Options) -> Result<Self> {
        options.segment_len_bytes = options.segment_len_bytes.next_multiple_of(room::PAGE).max(room::PAGE);
        disk.create_dir(&options.dir)?;
        Ok(Self {
            disk,
            options,
            marks: Marks::default(),
            writer: Mutex::new(Writer::new()),
            syncing: Mutex::default(),
            room: Mutex::default(),
            wanted: AtomicU64::new(0),
            failing: Mutex::default(),
            syncs: AtomicU64::new(0),
        })
    }

    /// The writer with room for records of that size.
    #[inline]
    fn writer_with(&self, room: usize) -> Result<MutexGuard<'_, Writer>> {
        let mut writer = self.writer.lock();
        if writer.fits(room) || writer.roll(room, &self.marks) {
            return Ok(writer);
        }
        drop(writer);
        self.make_room(room)
    }

    /// Writes and syncs; when that fails the log takes nothing more.
    fn sync_files(&self, files: &[Unsynced]) -> Result<()> {
        let result = files.iter().try_for_each(Unsynced::sync);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        result.map_err(|cause| {
            let message = format!(
                "the log could not be synced ({cause}), so nobody knows whether its last records will survive: nothing more is \
                 accepted, reads go on; look after the disk, then open the store again"
            );
            let error = Error::new(Kind::Poisoned, message);
            self.writer.lock().stop(State::Poisoned(error.clone()), &self.marks);
            error
        })
    }

    /// Seals, and takes what a sync has to write, up to the position that comes with it.
    fn seal_for_sync(&self) -> Result<(Vec<Unsynced>, Position)> {
        let mut writer = self.writer.lock();
        writer.check()?;
        let files = writer.take_unsynced(&self.marks);
        Ok((files, self.sealed()))
    }

    /// Notes that everything up to `position`, which `files` held, is synced.
    fn note_synced(&self, files: Vec<Unsynced>, position: Position) {
        self.marks.synced.store(position, Ordering::Release);
        let mut writer = self.writer.lock();
        files.into_iter().filter_map(|file| file.gathered).for_each(|gathered| writer.reuse(gathered));
        let synced = writer.live.iter_mut().take_while(|live| live.last <= position);
        let done: Vec<_> = synced.map(|live| (live.unsynced.take(), live.place.take())).collect();
        drop(writer);
        drop(done);
    }

    fn sync_holding(&self, _syncing: &MutexGuard<'_, ()>) -> Result<Position> {
        let (files, position) = self.seal_for_sync()?;
        if position > self.synced() {
            self.sync_files(&files)?;
            self.note_synced(files, position);
        }
        Ok(position)
    }
}

impl Log for LogFiles {
    fn append(&self, parts: &[&[u8]]) -> Result<Position> {
        let len = parts.iter().map(|part| part.len()).sum();
        if len > limits::MAX_RECORD_LEN {
            return Err(too_long(len));
        }
        let mut writer = self.writer_with(room_for(1, len))?;
        let position = writer.push(parts, len, &self.marks);
        writer.seal_when_long(&self.marks);
        Ok(position)
    }

    fn bracket(&self, records: usize, len_bytes: usize) -> Result<Box<dyn Bracket + '_>> {
        let room = room_for(records, len_bytes);
        if room > u32::MAX as usize - room::PAGE as usize {
            return Err(too_long(room));
        }
        let writer = self.writer_with(room)?;
        let mark = writer.mark();
        Ok(Box::new(FilesBracket { log: self, writer, mark, records, len_bytes, carried: 0 }))
    }

    fn seal(&self, upto: Position) -> Result<()> {
        if self.sealed() >= upto {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        writer.check()?;
        writer.seal(&self.marks);
        Ok(())
    }

    fn sealed(&self) -> Position {
        self.marks.sealed.load(Ordering::Acquire)
    }

    fn last(&self) -> Position {
        self.marks.last.load(Ordering::Acquire)
    }

    fn synced(&self) -> Position {
        self.marks.synced.load(Ordering::Acquire)
    }

    fn sync(&self) -> Result<Position> {
        let wanted = self.last();
        let syncing = self.syncing.lock();
        // Whoever held the lock may have synced for us.
        if self.synced() >= wanted {
            return Ok(self.synced());
        }
        self.sync_holding(&syncing)
    }

    fn admit(&self, len_bytes: usize) -> Result<Admission> {
        self.admission(len_bytes)
    }

    fn maintain(&self) -> Result<bool> {
        let mut room = self.room.lock();
        self.writer.lock().check()?;
        let unmapped = self.unmap_written();
        self.warm_ahead(&mut room);
        Ok(self.prepare_ahead(&mut room)? || unmapped)
    }

    fn cut(&self, below: Position) -> Result<()> {
        let mut room = self.room.lock();
        self.give_up(&mut room, below)
    }

    fn replay(&self, after: Position, each: &mut dyn FnMut(Position, &[u8]) -> Result<()>) -> Result<Replayed> {
        let mut room = self.room.lock();
        if !matches!(self.writer.lock().state, State::New) {
            return Err(Error::new(Kind::Invalid, "the log can be replayed only once, before the first append"));
        }
        let recovered = recover::run(&*self.disk, &self.options, after, each)?;
        room.next_sequence = recovered.resume.segment.sequence + 1;
        self.writer.lock().resume(recovered.resume, &self.marks);
        Ok(recovered.replayed)
    }

    fn close(&self) -> Result<()> {
        let _room = self.room.lock();
        let syncing = self.syncing.lock();
        let mut writer = loop {
            let writer = self.writer.lock();
            if !matches!(writer.state, State::Open) || self.synced() >= self.last() {
                break writer;
            }
            drop(writer);
            self.sync_holding(&syncing)?;
        };
        let before = std::mem::replace(&mut writer.state, State::Closed);
        let mut last_words = Vec::new();
        if matches!(before, State::Open) {
            writer.state_synced(&self.marks);
            last_words = writer.take_unsynced(&self.marks);
        }
        writer.stop(State::Closed, &self.marks);
        let written = writer.let_go();
        let spares = std::mem::take(&mut writer.spares);
        drop(writer);
        last_words.iter().try_for_each(Unsynced::sync)?;
        if let (State::Open, Some((active, end))) = (&before, written) {
            // A closed log takes no more room than its records; the next opening copes with what could not be given back.
            let _ = active.segment.file.set_len(end);
            for spare in spares.iter().rev() {
                let _ = self.disk.remove(&segment::path(&self.options.dir, spare.segment.sequence));
            }
        }
        match before {
            State::Poisoned(error) => Err(error),
            _ => Ok(()),
        }
    }

    fn facts(&self) -> Facts {
        let writer = self.writer.lock();
        Facts {
            last: self.last(),
            sealed: self.sealed(),
            synced: self.synced(),
            first: writer.first(),
            live_bytes: writer.live_bytes(),
            appended_bytes: self.marks.appended_bytes.load(Ordering::Relaxed),
            batches: self.marks.batches.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

struct FilesBracket<'a> {
    log: &'a LogFiles,
    writer: MutexGuard<'a, Writer>,
    /// Where it began.
    mark: Mark,
    /// Room that is left.
    records: usize,
    len_bytes: usize,
    /// Bytes appended.
    carried: usize,
}

impl FilesBracket<'_> {
    #[cold]
    fn grow(&mut self, records: usize, len_bytes: usize) -> Result<()> {
        let room = room_for(records, len_bytes);
        if self.carried + room > u32::MAX as usize - room::PAGE as usize {
            return Err(too_long(self.carried + room));
        }
        let log = self.log;
        if self.writer.fits(room) || self.writer.carry_over(&mut self.mark, room, &log.marks) {
            return Ok(());
        }
        log.make_room_for(&mut self.writer, self.carried + room)?;
        assert!(self.writer.carry_over(&mut self.mark, room, &log.marks), "room was just made");
        Ok(())
    }
}

impl Bracket for FilesBracket<'_> {
    fn reserve(&mut self, records: usize, len_bytes: usize) -> Result<()> {
        let (records, len_bytes) = (records.max(self.records), len_bytes.max(self.len_bytes));
        if (records, len_bytes) != (self.records, self.len_bytes) {
            self.grow(records, len_bytes)?;
            (self.records, self.len_bytes) = (records, len_bytes);
        }
        Ok(())
    }

    fn append(&mut self, parts: &[&[u8]]) -> Position {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        assert!(
            self.records > 0 && len <= self.len_bytes,
            "a bracket with room for {} more records of {} bytes was given one of {len}",
            self.records,
            self.len_bytes
        );
        self.records -= 1;
        self.len_bytes -= len;
        self.carried += len + varint::len(len as u64);
        self.writer.push(parts, len, &self.log.marks)
    }
}

fn too_long(len: usize) -> Error {
    let most = limits::MAX_RECORD_LEN;
    Error::new(
        Kind::Invalid,
        format!("{len} bytes are too many for the log: a record has at most {most}, a bracket 4 GiB"),
    )
}
