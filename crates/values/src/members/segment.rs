//! A part of the index: the places of the members whose hashes begin with the same bits.
//!
//! ```text
//! slot 32:  | hash: its low 32 bits, the upper ones of them | place + 1: as many bits as places need |
//! bucket:   sixteen slots, one cache line
//! ```
//!
//! A full home bucket spills into the next one. A slot that was emptied in a full bucket is marked as used, since the search
//! for others goes on behind it.
//!
//! Invariant: a member away from its home has only buckets without an empty slot between home and where it is.

use crate::cache;

const SLOTS: usize = 16;
const EMPTY: u32 = 0;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket([u32; SLOTS]);

/// See the module.
#[derive(Clone)]
pub(super) struct Segment {
    buckets: Box<[Bucket]>,
    live: u32,
    /// Slots of members that have gone.
    left: u32,
    place_bits: u8,
    /// How many first bits of the hash are the same for all its members.
    pub(super) depth: u8,
}

impl Segment {
    /// With so many buckets, for places up to about `places`.
    pub(super) fn new(buckets: usize, places: u32, depth: u8) -> Self {
        // Twice as many places may come before the bits are too few: then the segment is built anew.
        let place_bits = (u32::BITS - places.leading_zeros() + 2).min(u32::BITS - 1) as u8;
        Self { buckets: vec![Bucket([EMPTY; SLOTS]); buckets].into(), live: 0, left: 0, place_bits, depth }
    }

    /// The buckets that so many members should have: they fill about two thirds.
    pub(super) fn buckets_for(members: usize) -> usize {
        (members * 3 / 2).div_ceil(SLOTS).max(1)
    }

    pub(super) fn len(&self) -> usize {
        self.live as usize
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// Whether one more member at `place` asks for it to be built anew.
    #[inline]
    pub(super) fn is_full(&self, place: u32) -> bool {
        (self.live + self.left) as usize >= self.buckets.len() * (SLOTS - 2) || place + 2 >= self.mask()
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.buckets.len() > 1 && self.len() < self.buckets.len() * 2
    }

    #[inline]
    fn mask(&self) -> u32 {
        (1 << self.place_bits) - 1
    }

    /// What marks the slot of a member that has gone; no member's slot equals it.
    #[inline]
    fn gone(&self) -> u32 {
        self.mask()
    }

    #[inline]
    fn slot(&self, hash: u64, place: u32) -> u32 {
        hash as u32 & !self.mask() | (place + 1)
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        let bits = (hash << self.depth) >> 32;
        ((bits * self.buckets.len() as u64) >> 32) as usize
    }

    /// The buckets to search, each with its number.
    #[inline]
    fn probe(&self, hash: u64) -> impl Iterator<Item = (usize, &Bucket)> {
        let home = self.home(hash);
        let (before, after) = self.buckets.split_at(home);
        after.iter().chain(before).enumerate().map(move |(step, bucket)| {
            let at = home + step;
            (if at < self.buckets.len() { at } else { at - self.buckets.len() }, bucket)
        })
    }

    /// The place of a member with this hash that `is` the one.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let (mask, tag) = (self.mask(), hash as u32 & !self.mask());
        for (_, bucket) in self.probe(hash) {
            let mut hits = bits_where(bucket, |slot| slot & !mask == tag);
            while hits != 0 {
                let place = bucket.0[hits.trailing_zeros() as usize] & mask;
                if place != EMPTY && place != mask && is(place - 1) {
                    return Some(place - 1);
                }
                hits &= hits - 1;
            }
            if bits_where(bucket, |slot| slot == EMPTY) != 0 {
                break;
            }
        }
        None
    }

    /// The first place in the home bucket that may be that of a member with this hash.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> Option<u32> {
        let (mask, tag) = (self.mask(), hash as u32 & !self.mask());
        let bucket = &self.buckets[self.home(hash)];
        let hits = bits_where(bucket, |slot| slot & !mask == tag && slot != EMPTY && slot & mask != mask);
        (hits != 0).then(|| (bucket.0[hits.trailing_zeros() as usize] & mask) - 1)
    }

    /// Adds a member that is not there.
    pub(super) fn insert(&mut self, hash: u64, place: u32) {
        let (gone, new) = (self.gone(), self.slot(hash, place));
        let free = self.probe(hash).find_map(|(at, bucket)| {
            let hits = bits_where(bucket, |slot| slot == EMPTY || slot == gone);
            (hits != 0).then_some((at, hits.trailing_zeros() as usize))
        });
        let (bucket, slot) = free.expect("a segment that is full was built anew");
        let old = std::mem::replace(&mut self.buckets[bucket].0[slot], new);
        self.left -= u32::from(old == gone);
        self.live += 1;
    }

    fn locate(&self, hash: u64, place: u32) -> (usize, usize) {
        let wanted = self.slot(hash, place);
        let found = self.probe(hash).find_map(|(at, bucket)| {
            let hits = bits_where(bucket, |slot| slot == wanted);
            (hits != 0).then_some((at, hits.trailing_zeros() as usize))
        });
        found.expect("every member is in the index")
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        let (at, slot) = self.locate(hash, place);
        let gone = self.gone();
        let bucket = &mut self.buckets[at];
        let was_full = bits_where(bucket, |slot| slot == EMPTY) == 0;
        bucket.0[slot] = if was_full { gone } else { EMPTY };
        self.left += u32::from(was_full);
        self.live -= 1;
    }

    /// The member at `from`, which is there, is now at `to`, which is before.
    pub(super) fn relocate(&mut self, hash: u64, from: u32, to: u32) {
        let (at, slot) = self.locate(hash, from);
        self.buckets[at].0[slot] = self.slot(hash, to);
    }

    /// Asks the cache for the bucket where a search for this hash begins.
    #[inline]
    pub(super) fn ask_for(&self, hash: u64) {
        cache::ask_for(&raw const self.buckets[self.home(hash)]);
    }

    /// The hashes and places of all its members.
    pub(super) fn hashed(&self, hashes_of: impl Fn(&[u32]) -> Vec<u64>) -> impl Iterator<Item = (u64, u32)> {
        let places: Vec<u32> = self.places().collect();
        hashes_of(&places).into_iter().zip(places)
    }

    /// The places of all its members.
    fn places(&self) -> impl Iterator<Item = u32> {
        let (mask, gone) = (self.mask(), self.gone());
        let slots = self.buckets.iter().flat_map(|bucket| bucket.0);
        slots.filter(move |&slot| slot != EMPTY && slot != gone).map(move |slot| (slot & mask) - 1)
    }
}

/// A bit for each slot of which `is` holds.
#[inline]
fn bits_where(bucket: &Bucket, is: impl Fn(u32) -> bool) -> u32 {
    bucket.0.iter().enumerate().fold(0, |bits, (at, &slot)| bits | u32::from(is(slot)) << at)
}
