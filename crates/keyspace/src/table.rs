//! The map of one database in one shard: a hash table of 64-byte buckets that grows in small steps and never stops.
//!
//! ```text
//! hash 64:  | directory index: the top bits ...              ... | tag: the low 19 bits |
//! slot 64:  | tag 19 | entry address >> 3, 45 |                   zero is an empty slot
//! bucket:   eight slots, one cache line
//! segment:  1 to 512 buckets; the tag alone says which one is home: home = tag * buckets >> 19
//! directory: 2^depth segment references; a segment of smaller depth stands in it several times
//! ```
//!
//! A full home bucket spills into the next one (linear probing by buckets, round the segment's end). A segment above
//! 13/16 of its slots grows by about an eighth, which needs no key: the tag is in the slot. At 512 buckets it splits in
//! two by the next bit of the hash (extendible hashing, Fagin et al. 1979). So the load stays between 0.7 and 0.82
//! (about ten bytes a key), nothing is ever rehashed as a whole, and the longest pause is one segment's.
//!
//! Invariant: an entry away from its home has only full buckets between home and where it is; removal restores this.
//! Invariant: `len` of a segment is kept at the first of its directory places.
//! Invariant: buckets and directories are retired through an epoch, so that [`Table::prefetch_bucket`] may look at them
//! without the shard's lock. What it sees may be out of date; it is used as a hint to the cache and for nothing else.

mod segment;

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crossbeam_epoch::{self as epoch, Guard};

use kvark_base::random::Random;

use crate::entry::EntryPtr;
use segment::{
    ADDRESS_BITS, ADDRESS_MASK, LAST_CLASS, SLOTS, Segment, TAG_BITS, TAG_MASK, address_of, class_for, prefetch,
    retire, slot_of, tag_of,
};

const MAX_DEPTH: u32 = 64 - TAG_BITS;

struct Directory {
    depth: u32,
    segments: Box<[AtomicU64]>,
}

#[derive(Clone, Copy, Default)]
struct Meta {
    len: u32,
    depth: u32,
}

/// See the module.
pub struct Table {
    directory: AtomicPtr<Directory>,
    metas: Vec<Meta>,
    len: usize,
    bucket_bytes: usize,
}

/// A place in a walk over a table: everything before it, in the order of (prefix, tag), has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// How many top bits `prefix` has.
    pub depth: u32,
    /// The directory part.
    pub prefix: u64,
    /// The least tag not yet seen.
    pub tag: u64,
}

#[inline]
fn index_of(hash: u64, depth: u32) -> usize {
    // A shift by 64 would be no shift at all.
    if depth == 0 { 0 } else { (hash >> (64 - depth)) as usize }
}

/// Where an entry was found.
#[derive(Clone, Copy)]
pub struct Found {
    segment: Segment,
    first: usize,
    bucket: usize,
    slot: usize,
    /// The entry.
    pub entry: EntryPtr,
}

impl Default for Table {
    fn default() -> Self {
        let directory = Directory { depth: 0, segments: Box::new([AtomicU64::new(0)]) };
        Self {
            directory: AtomicPtr::new(Box::into_raw(Box::new(directory))),
            metas: vec![Meta::default()],
            len: 0,
            bucket_bytes: 0,
        }
    }
}

impl Table {
    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory the table itself takes.
    pub fn memory_bytes(&self) -> usize {
        self.bucket_bytes + self.metas.capacity() * size_of::<Meta>() + self.directory().segments.len() * 8
    }

    #[inline]
    fn directory(&self) -> &Directory {
        // SAFETY: replaced only with `&mut self`, retired through an epoch.
        unsafe { &*self.directory.load(Ordering::Acquire) }
    }

    #[inline]
    fn segment(&self, index: usize) -> Segment {
        Segment(self.directory().segments[index].load(Ordering::Acquire))
    }

    /// Asks the cache for the bucket that `hash` calls home, without the shard's lock.
    ///
    /// # Safety
    /// `this` points to a table that outlives the call; it may be changed meanwhile by whoever holds its shard.
    #[inline]
    pub unsafe fn prefetch_bucket(this: *const Self, hash: u64, _pinned: &Guard) {
        // SAFETY: directory and segments read here are alive: they are retired through the epoch we are pinned in.
        unsafe {
            let directory = &*(*this).directory.load(Ordering::Acquire);
            let segment = Segment(directory.segments[index_of(hash, directory.depth)].load(Ordering::Acquire));
            if segment.0 != 0 {
                prefetch(segment.bucket(segment.home(hash & TAG_MASK)).as_ptr().cast());
            }
        }
    }

    /// Asks the cache for the entries that may belong to `hash`, without the shard's lock.
    ///
    /// # Safety
    /// As [`Table::prefetch_bucket`].
    #[inline]
    pub unsafe fn prefetch_entries(this: *const Self, hash: u64, _pinned: &Guard) {
        // SAFETY: as above; addresses of entries are handed to the cache, never read.
        unsafe {
            let directory = &*(*this).directory.load(Ordering::Acquire);
            let segment = Segment(directory.segments[index_of(hash, directory.depth)].load(Ordering::Acquire));
            if segment.0 == 0 {
                return;
            }
            for slot in segment.bucket(segment.home(hash & TAG_MASK)) {
                let slot = slot.load(Ordering::Relaxed);
                if (slot ^ hash << ADDRESS_BITS) >> ADDRESS_BITS == 0 && slot != 0 {
                    let entry = address_of(slot) as *const u8;
                    prefetch(entry);
                    prefetch(entry.wrapping_add(64));
                }
            }
        }
    }

    /// The entry of `hash` for which `is_it` says yes.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(EntryPtr) -> bool) -> Option<Found> {
        let directory = self.directory();
        let index = index_of(hash, directory.depth);
        let segment = Segment(directory.segments[index].load(Ordering::Acquire));
        if segment.0 == 0 {
            return None;
        }
        let tag = hash & TAG_MASK;
        let mut bucket_index = segment.home(tag);
        for _ in 0..segment.size() {
            // SAFETY: `&self` is had under the shard's lock.
            let bucket = unsafe { segment.bucket(bucket_index) };
            let mut full = true;
            for (at, slot) in bucket.iter().enumerate() {
                let slot = slot.load(Ordering::Relaxed);
                full &= slot != 0;
                if tag_of(slot) == tag && slot != 0 {
                    // SAFETY: a slot in use holds a live entry.
                    let entry = unsafe { EntryPtr::from_address(address_of(slot)) };
                    if is_it(entry) {
                        return Some(Found { segment, first: index, bucket: bucket_index, slot: at, entry });
                    }
                }
            }
            if !full {
                return None;
            }
            bucket_index = segment.next(bucket_index);
        }
        None
    }

    /// Puts an entry that is known not to be there. `hash_of` is asked for the hashes of entries when a segment splits.
    #[inline]
    pub fn insert(&mut self, hash: u64, entry: EntryPtr, hash_of: impl Fn(EntryPtr) -> u64) {
        loop {
            let index = index_of(hash, self.directory().depth);
            let segment = self.segment(index);
            let first = self.first(index);
            if segment.0 != 0 && !segment.is_crowded(self.metas[first].len + 1) {
                segment.place(slot_of(hash, entry));
                self.metas[first].len += 1;
                self.len += 1;
                return;
            }
            self.make_room(index, &hash_of);
        }
    }

    /// The entry at `found` is now `entry`, with the same key.
    #[inline]
    pub fn replace(&mut self, found: &Found, entry: EntryPtr) {
        // SAFETY: under the shard's lock; `found` was made from this state.
        let slot = unsafe { &found.segment.bucket(found.bucket)[found.slot] };
        let tag = slot.load(Ordering::Relaxed) & !ADDRESS_MASK;
        slot.store(tag | entry.address() >> 3, Ordering::Relaxed);
    }

    /// Takes an entry out; freeing it is the caller's.
    pub fn remove(&mut self, found: &Found) {
        let segment = found.segment;
        let first = self.first(found.first);
        self.metas[first].len -= 1;
        self.len -= 1;
        let (mut bucket, mut hole) = (found.bucket, found.slot);
        loop {
            // SAFETY: under the shard's lock.
            let slots = unsafe { segment.bucket(bucket) };
            let was_full = slots.iter().all(|slot| slot.load(Ordering::Relaxed) != 0);
            slots[hole].store(0, Ordering::Relaxed);
            if !was_full {
                return;
            }
            match self.displaced(segment, bucket) {
                None => return,
                Some((from, at, slot)) => {
                    slots[hole].store(slot, Ordering::Relaxed);
                    (bucket, hole) = (from, at);
                }
            }
        }
    }

    /// An entry behind `bucket` that may move into it: its home is not behind `bucket`.
    fn displaced(&self, segment: Segment, bucket: usize) -> Option<(usize, usize, u64)> {
        let size = segment.size();
        let mut index = segment.next(bucket);
        while index != bucket {
            // SAFETY: under the shard's lock.
            let slots = unsafe { segment.bucket(index) };
            let mut full = true;
            for (at, slot) in slots.iter().enumerate() {
                let slot = slot.load(Ordering::Relaxed);
                full &= slot != 0;
                let from_home = (index + size - segment.home(tag_of(slot))) % size;
                let from_hole = (index + size - bucket) % size;
                if slot != 0 && from_home >= from_hole {
                    return Some((index, at, slot));
                }
            }
            if !full {
                return None;
            }
            index = segment.next(index);
        }
        None
    }

    /// The first directory place of the segment at `index`.
    #[inline]
    fn first(&self, index: usize) -> usize {
        let shift = self.directory().depth - self.metas[index].depth;
        index >> shift << shift
    }

    #[cold]
    fn make_room(&mut self, index: usize, hash_of: &impl Fn(EntryPtr) -> u64) {
        let (segment, first) = (self.segment(index), self.first(index));
        if segment.0 == 0 {
            self.point(first, Segment::new(0));
        } else if segment.class() < LAST_CLASS {
            // Classes 7 and 8 have the same size: step over the twin.
            let class = segment.class() + if segment.class() == 7 { 2 } else { 1 };
            let larger = Segment::new(class);
            segment.slots().for_each(|slot| larger.place(slot));
            self.point(first, larger);
            retire(segment);
        } else {
            self.split(first, segment, hash_of);
        }
    }

    /// Points every place of the segment that begins at `first` to `segment`.
    fn point(&mut self, first: usize, segment: Segment) {
        let directory = self.directory();
        let old = Segment(directory.segments[first].load(Ordering::Relaxed));
        let places = 1 << (directory.depth - self.metas[first].depth);
        for place in &directory.segments[first..first + places] {
            place.store(segment.0, Ordering::Release);
        }
        let freed = if old.0 == 0 { 0 } else { Segment::layout(old.class()).size() };
        self.bucket_bytes = self.bucket_bytes + Segment::layout(segment.class()).size() - freed;
    }

    fn split(&mut self, first: usize, segment: Segment, hash_of: &impl Fn(EntryPtr) -> u64) {
        let depth = self.metas[first].depth;
        assert!(depth < MAX_DEPTH, "more than {} entries share {depth} bits of their hash", self.metas[first].len);
        let first = if depth == self.directory().depth { self.double(first) } else { first };
        let entries: Vec<u64> = segment.slots().collect();
        let mut slots = entries.as_slice();
        let (mut low, mut high) = (Vec::with_capacity(slots.len() / 2 + 64), Vec::with_capacity(slots.len() / 2 + 64));
        while let Some((&slot, rest)) = slots.split_first() {
            if let Some(&ahead) = rest.get(8) {
                prefetch(address_of(ahead) as *const u8);
                prefetch((address_of(ahead) as *const u8).wrapping_add(64));
            }
            // SAFETY: a slot in use holds a live entry.
            let hash = hash_of(unsafe { EntryPtr::from_address(address_of(slot)) });
            let half = if hash >> (63 - depth) & 1 == 0 { &mut low } else { &mut high };
            half.push(slot);
            slots = rest;
        }
        let half_places = 1 << (self.directory().depth - depth - 1);
        for place in first..first + 2 * half_places {
            self.metas[place].depth = depth + 1;
        }
        self.bucket_bytes += Segment::layout(segment.class()).size(); // `point` takes it off twice
        for (place, half) in [(first, low), (first + half_places, high)] {
            let class = class_for(half.len() as u32);
            let part = Segment::new(class);
            half.iter().for_each(|&slot| part.place(slot));
            self.metas[place].len = half.len() as u32;
            self.point(place, part);
        }
        retire(segment);
    }

    /// Doubles the directory; returns where place `first` now begins.
    fn double(&mut self, first: usize) -> usize {
        let old = self.directory.load(Ordering::Relaxed);
        let segments = self.directory().segments.iter();
        let twice = segments.flat_map(|place| [place.load(Ordering::Relaxed); 2]).map(AtomicU64::new).collect();
        let new = Box::new(Directory { depth: self.directory().depth + 1, segments: twice });
        self.metas = self.metas.iter().flat_map(|&meta| [meta, meta]).collect();
        self.directory.store(Box::into_raw(new), Ordering::Release);
        // SAFETY: nobody finds the old directory any more; whoever does now is pinned.
        unsafe { epoch::pin().defer_unchecked(move || drop(Box::from_raw(old))) };
        first * 2
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = EntryPtr> {
        (0..self.parts()).flat_map(|part| self.part(part))
    }

    /// In how many parts the table can be gone through, each of some thousand entries at most.
    pub fn parts(&self) -> usize {
        self.directory().segments.len()
    }

    /// The entries of one part. Every entry is in exactly one, as long as the table does not change.
    pub fn part(&self, part: usize) -> impl Iterator<Item = EntryPtr> {
        let segment = Some(self.segment(part)).filter(|segment| self.first(part) == part && segment.0 != 0);
        // SAFETY: a slot in use holds a live entry.
        segment.into_iter().flat_map(Segment::slots).map(|slot| unsafe { EntryPtr::from_address(address_of(slot)) })
    }

    /// A random entry: a random slot of a random segment is drawn until one is in use. Segments are chosen by their share of
    /// the hash, so a key's chance does not depend on its neighbours but for the segment's own load.
    pub fn random(&self, random: &mut Random) -> Option<EntryPtr> {
        if self.is_empty() {
            return None;
        }
        loop {
            let segment = self.segment(random.below(self.metas.len() as u64) as usize);
            if segment.0 == 0 {
                continue;
            }
            let place = random.below((segment.size() * SLOTS) as u64) as usize;
            // SAFETY: under the shard's lock.
            let slot = unsafe { segment.bucket(place / SLOTS) }[place % SLOTS].load(Ordering::Relaxed);
            if slot != 0 {
                // SAFETY: a slot in use holds a live entry.
                return Some(unsafe { EntryPtr::from_address(address_of(slot)) });
            }
        }
    }

    /// Hands over every entry of one step of a walk, then says where the next step begins; `None` when the walk is over.
    /// An entry that is there during a whole walk is handed over at least once, however the table grows meanwhile.
    pub fn walk(&self, place: Place, mut each: impl FnMut(EntryPtr)) -> Option<Place> {
        let depth = self.directory().depth;
        let place =
            if place.depth == 0 && depth > 0 && place == Place::default() { Place { depth, ..place } } else { place };
        let mut end = TAG_MASK + 1;
        for index in self.places(place) {
            let segment = self.segment(index);
            if segment.0 != 0 {
                end = end.min(segment.end_of_home(place.tag));
            }
        }
        for index in self.places(place) {
            let segment = self.segment(index);
            if segment.0 != 0 {
                segment.entries_between(place.tag, end, &mut each);
            }
        }
        if end <= TAG_MASK {
            return Some(Place { tag: end, ..place });
        }
        let prefix = place.prefix + 1;
        (prefix >> place.depth == 0).then_some(Place { depth: place.depth, prefix, tag: 0 })
    }

    /// The first directory places of the segments that hold hashes of `place`'s prefix.
    fn places(&self, place: Place) -> impl Iterator<Item = usize> {
        let depth = self.directory().depth;
        let range = if depth >= place.depth {
            let shift = depth - place.depth;
            (place.prefix as usize) << shift..(place.prefix as usize + 1) << shift
        } else {
            let index = (place.prefix >> (place.depth - depth)) as usize;
            index..index + 1
        };
        let start = range.start;
        range.filter(move |&index| index == start || self.first(index) == index)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for index in 0..self.directory().segments.len() {
            if self.first(index) == index && self.segment(index).0 != 0 {
                retire(self.segment(index));
            }
        }
        let directory = *self.directory.get_mut();
        // SAFETY: nobody finds the directory any more; whoever does now is pinned.
        unsafe { epoch::pin().defer_unchecked(move || drop(Box::from_raw(directory))) };
    }
}

#[cfg(test)]
mod tests;
