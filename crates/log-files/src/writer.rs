//! The open batch and the segment it grows in: what the append mutex guards.
//!
//! Invariant: `at + what fits` never goes beyond `limit`; before replay, after poisoning and after closing `limit` is 0, so
//! the one comparison of an append also asks whether it may append at all.
//! Invariant: positions up to `last` are in the place of their segment; those up to `Marks::sealed` are in batches that recovery accepts.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering;

use kvark_base::{Error, Kind, Position, Result, varint};
use kvark_disk::Warmer;

use crate::parts::{Active, Live, Marks, Resume, SegmentFile, Spare, Unsynced};
use crate::place::{Gathered, Place};
use crate::{batch, segment};

/// A batch of single records is sealed when it reaches this, so that a seal never has much to sum up.
const BATCH_LEN: usize = 256 * 1024;

pub(crate) enum State {
    New,
    Open,
    Poisoned(Error),
    Closed,
}

pub(crate) struct Writer {
    pub state: State,
    place: Option<Place>,
    limit: usize,
    at: usize,
    /// Where the open batch begins, when one is open.
    open_at: Option<usize>,
    count: u32,
    last: Position,
    incarnation: u64,
    epoch: u32,
    chain: u32,
    identity: u32,
    pub active: Option<Active>,
    pub spares: VecDeque<Spare>,
    pub live: VecDeque<Live>,
}

/// Where a bracket began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    open_at: Option<usize>,
    count: u32,
    last: Position,
}

/// The most bytes that `records` records of `len_bytes` in all can take, whatever the state of the open batch.
pub(crate) fn room_for(records: usize, len_bytes: usize) -> usize {
    len_bytes + records * varint::len(len_bytes as u64) + batch::HEADER_LEN + batch::ALIGN
}

impl Writer {
    pub fn new() -> Self {
        Self {
            state: State::New,
            place: None,
            limit: 0,
            at: 0,
            open_at: None,
            count: 0,
            last: 0,
            incarnation: 0,
            epoch: 0,
            chain: 0,
            identity: 0,
            active: None,
            spares: VecDeque::new(),
            live: VecDeque::new(),
        }
    }

    /// An error unless records are accepted.
    pub fn check(&self) -> Result<()> {
        match &self.state {
            State::Open => Ok(()),
            State::Poisoned(error) => Err(error.clone()),
            State::New => Err(Error::new(Kind::Invalid, "the log must be replayed once before it takes records")),
            State::Closed => Err(Error::new(Kind::Closed, "the log was closed; open the store again")),
        }
    }

    #[inline]
    pub fn fits(&self, room: usize) -> bool {
        self.at + room <= self.limit
    }

    /// Appends a record that fits.
    #[inline]
    pub fn push(&mut self, parts: &[&[u8]], len: usize, marks: &Marks) -> Position {
        if self.open_at.is_none() {
            self.open_at = Some(self.at);
            self.at += batch::HEADER_LEN;
        }
        let end = self.at + varint::len(len as u64) + len;
        assert!(end <= self.limit, "a record of {len} bytes does not fit");
        let place = self.place.as_mut().expect("there is room only in a place");
        let out = place.bytes_mut(self.at..end);
        let mut at = varint::encode(len as u64, out);
        for part in parts {
            out[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.at = end;
        self.count += 1;
        self.last += 1;
        marks.last.store(self.last, Ordering::Release);
        marks.free.store((self.limit - self.at) as u64, Ordering::Relaxed);
        self.last
    }

    /// Seals a batch that has grown long enough.
    #[inline]
    pub fn seal_when_long(&mut self, marks: &Marks) {
        if self.open_at.is_some_and(|open_at| self.at - open_at >= BATCH_LEN) {
            self.seal(marks);
        }
    }

    /// Closes the open batch, if there is one.
    pub fn seal(&mut self, marks: &Marks) {
        if let Some(open_at) = self.open_at.take() {
            self.seal_from(open_at, marks);
        }
    }

    /// Writes a batch without records, which says how far the log is synced. Does nothing where there is no room or no need: the
    /// header of a segment says it too.
    pub fn state_synced(&mut self, marks: &Marks) {
        self.seal(marks);
        if self.at > segment::FIRST_BATCH && self.fits(batch::HEADER_LEN) {
            let open_at = self.at;
            self.at += batch::HEADER_LEN;
            self.seal_from(open_at, marks);
        }
    }

    fn seal_from(&mut self, open_at: usize, marks: &Marks) {
        let header = batch::Header {
            len_bytes: (self.at - open_at - batch::HEADER_LEN) as u32,
            count: self.count,
            epoch: self.epoch,
            first: self.last + 1 - u64::from(self.count),
            synced: marks.synced.load(Ordering::Relaxed),
            chain: self.chain,
        };
        let place = self.place.as_mut().expect("an open batch lies in a place");
        self.chain = header.seal(self.identity, place.bytes_mut(open_at..self.at));
        let appended = marks.appended_bytes.load(Ordering::Relaxed) + (self.at - open_at) as u64;
        marks.appended_bytes.store(appended, Ordering::Relaxed);
        marks.batches.store(marks.batches.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.count = 0;
        self.at = self.at.next_multiple_of(batch::ALIGN).min(self.limit);
        marks.sealed.store(self.last, Ordering::Release);
    }

    /// Goes on in the first spare, if it is ready and has `room`. No system call.
    pub fn roll(&mut self, room: usize, marks: &Marks) -> bool {
        let ready = self.spares.front().filter(|spare| spare.place.is_some());
        let fits = ready.is_some_and(|spare| segment::FIRST_BATCH + room <= spare.segment.len as usize);
        if !matches!(self.state, State::Open) || !fits {
            return false;
        }
        self.seal(marks);
        self.retire();
        let Some(Spare { segment, place: Some(place) }) = self.spares.pop_front() else {
            unreachable!("looked at above")
        };
        let header = segment::Header {
            incarnation: self.incarnation,
            sequence: segment.sequence,
            first: self.last + 1,
            previous_end: self.last,
            synced: marks.synced.load(Ordering::Relaxed),
            epoch: self.epoch,
            chain: self.chain,
        };
        self.begin(&header, segment, place, marks);
        true
    }

    /// Where things stand.
    pub fn mark(&self) -> Mark {
        Mark { at: self.at, open_at: self.open_at, count: self.count, last: self.last }
    }

    /// Goes on in the first spare, if it is ready and has `room`, and takes along what was appended since `mark`. Those records
    /// were in no batch yet, so they are in one batch still.
    pub fn carry_over(&mut self, mark: &mut Mark, room: usize, marks: &Marks) -> bool {
        let carried = self.since(mark);
        let (count, last) = (self.count - mark.count, self.last);
        let here = self.mark();
        (self.at, self.open_at, self.count, self.last) = (mark.at, mark.open_at, mark.count, mark.last);
        if !self.roll(carried.len() + room, marks) {
            (self.at, self.open_at, self.count, self.last) = (here.at, here.open_at, here.count, here.last);
            return false;
        }
        *mark = self.mark();
        if count > 0 {
            let start = self.at + batch::HEADER_LEN;
            let end = start + carried.len();
            self.place.as_mut().expect("just begun").bytes_mut(start..end).copy_from_slice(&carried);
            (self.at, self.open_at, self.count, self.last) = (end, Some(mark.at), count, last);
            marks.free.store((self.limit - self.at) as u64, Ordering::Relaxed);
        }
        true
    }

    /// The bytes of the records that were appended since `mark`.
    fn since(&mut self, mark: &Mark) -> Vec<u8> {
        let start = if mark.open_at.is_some() { mark.at } else { mark.at + batch::HEADER_LEN };
        match &mut self.place {
            Some(place) if self.count > mark.count => place.bytes_mut(start..self.at).to_vec(),
            _ => Vec::new(),
        }
    }

    /// Sets the written segment aside.
    fn retire(&mut self) {
        let Some(Active { segment, previous_end, .. }) = self.active.take() else { return };
        self.live.push_back(Live {
            sequence: segment.sequence,
            previous_end,
            last: self.last,
            used: self.at as u64,
            len: segment.len,
            unsynced: Some(segment.file),
            place: self.place.take(),
        });
    }

    fn begin(&mut self, header: &segment::Header, segment: SegmentFile, mut place: Place, marks: &Marks) {
        self.identity = header.identity();
        self.at = segment::FIRST_BATCH;
        self.limit = segment.len as usize;
        place.bytes_mut(0..segment::HEADER_LEN).copy_from_slice(&header.encode());
        self.place = Some(place);
        self.active = Some(Active { segment, previous_end: header.previous_end, released: 0 });
        marks.free.store((self.limit - self.at) as u64, Ordering::Relaxed);
        self.mark_ahead(marks);
    }

    /// Tells the readers of [`Marks`] how much room lies ready behind the written segment.
    pub fn mark_ahead(&self, marks: &Marks) {
        let ready = self.spares.front().filter(|spare| spare.place.is_some());
        let ahead = ready.map_or(0, |spare| spare.segment.len - segment::FIRST_BATCH as u64);
        marks.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Opens for appending where recovery ended.
    pub fn resume(&mut self, resume: Resume, marks: &Marks) {
        let Resume { header, segment, place, live } = resume;
        self.incarnation = header.incarnation;
        self.epoch = header.epoch;
        self.chain = header.chain;
        self.last = header.first - 1;
        self.live = live;
        marks.last.store(self.last, Ordering::Release);
        marks.synced.store(self.last, Ordering::Release);
        marks.sealed.store(self.last, Ordering::Release);
        self.state = State::Open;
        self.begin(&header, segment, place, marks);
    }

    /// Accepts nothing from now on.
    pub fn stop(&mut self, state: State, marks: &Marks) {
        self.state = state;
        self.limit = 0;
        marks.free.store(0, Ordering::Relaxed);
        marks.ahead.store(0, Ordering::Relaxed);
    }

    /// Lets go of the written segment and of everything set aside, for closing; returns where the written one ends.
    pub fn let_go(&mut self) -> Option<(Active, u64)> {
        self.place = None;
        self.live.iter_mut().for_each(|live| live.place = None);
        self.active.take().map(|active| (active, self.at as u64))
    }

    /// Seals, and takes what was never synced, oldest first.
    pub fn take_unsynced(&mut self, marks: &Marks) -> Vec<Unsynced> {
        self.seal(marks);
        let mut unsynced = Vec::new();
        for live in &mut self.live {
            if let Some(file) = live.unsynced.clone() {
                let gathered = live.place.as_mut().and_then(|place| place.take_unwritten(live.used as usize));
                unsynced.push(Unsynced { file, gathered });
            }
        }
        if let Some(active) = &self.active {
            let gathered = self.place.as_mut().and_then(|place| place.take_unwritten(self.at));
            unsynced.push(Unsynced { file: active.segment.file.clone(), gathered });
        }
        unsynced
    }

    /// Takes memory back that a sync is done with.
    pub fn reuse(&mut self, written: Gathered) {
        if let Some(place) = &mut self.place {
            place.reuse(written);
        }
    }

    /// No longer counts as resident what lies well before the open batch.
    pub fn release_written(&mut self, at_least: usize) -> bool {
        let sealed_end = self.open_at.unwrap_or(self.at);
        let map = self.place.as_ref().and_then(Place::mapping);
        let (Some(active), Some(map)) = (&mut self.active, map) else { return false };
        if sealed_end - active.released < at_least {
            return false;
        }
        map.release(active.released..sealed_end);
        active.released = sealed_end;
        true
    }

    /// The next `len` bytes to be written, with the handle to make their pages ready.
    pub fn ahead(&self, len: usize) -> Option<(Warmer, Range<usize>)> {
        let map = self.place.as_ref()?.mapping()?;
        Some((map.warmer(), self.at..(self.at + len).min(self.limit)))
    }

    /// Bytes from the oldest live segment to the end of what is written.
    pub fn live_bytes(&self) -> u64 {
        self.live.iter().map(|live| live.used).sum::<u64>() + self.at as u64
    }

    /// The oldest position that can be replayed.
    pub fn first(&self) -> Position {
        let previous_end = self.live.front().map(|live| live.previous_end);
        previous_end.or(self.active.as_ref().map(|active| active.previous_end)).unwrap_or(self.last) + 1
    }
}
