//! From the hash of a member to its place: a directory over small segments (extendible hashing, Fagin et al. 1979).
//!
//! A segment that is full is built anew with half as many buckets more, or in two when it has the most that one may have. So what a call
//! does is bounded by one segment, however many members there are.
//!
//! Invariant: the directory has 2^depth places; a segment of smaller depth stands in it several times.

use super::segment::Segment;

/// The most buckets of a segment, so that building one anew is a matter of microseconds.
const MOST_BUCKETS: usize = 64;
/// Where hashes agree in so many bits, dividing does not help any more.
const MAX_DEPTH: u8 = 28;

/// See the module.
#[derive(Clone)]
pub(super) struct Index {
    depth: u8,
    directory: Vec<u32>,
    segments: Vec<Segment>,
}

impl Default for Index {
    fn default() -> Self {
        Self { depth: 0, directory: vec![0], segments: vec![Segment::new(1, 0, 0)] }
    }
}

impl Index {
    #[inline]
    fn id(&self, hash: u64) -> usize {
        // A shift by 64 would be no shift at all.
        let at = if self.depth == 0 { 0 } else { hash >> (64 - self.depth) };
        self.directory[at as usize] as usize
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let buckets: usize = self.segments.iter().map(Segment::memory_bytes).sum();
        buckets + self.segments.capacity() * size_of::<Segment>() + self.directory.capacity() * size_of::<u32>()
    }

    pub(super) fn allocations(&self) -> usize {
        self.segments.len()
    }

    /// Asks the cache for what [`Index::find`] looks at.
    #[inline]
    pub(super) fn ask_for(&self, hash: u64) {
        self.segments[self.id(hash)].ask_for(hash);
    }

    /// Where a member with this hash may be.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> Option<u32> {
        self.segments[self.id(hash)].guess(hash)
    }

    /// The place of a member with this hash that `is` the one.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.segments[self.id(hash)].find(hash, is)
    }

    /// Adds a member that is not there. `hashes_of` tells the hashes of the members at some places.
    pub(super) fn insert(&mut self, hash: u64, place: u32, hashes_of: impl Fn(&[u32]) -> Vec<u64>) {
        while self.segments[self.id(hash)].is_full(place) {
            self.make_room(self.id(hash), place, &hashes_of);
        }
        let id = self.id(hash);
        self.segments[id].insert(hash, place);
    }

    fn make_room(&mut self, id: usize, place: u32, hashes_of: impl Fn(&[u32]) -> Vec<u64>) {
        let segment = &self.segments[id];
        let (buckets, wanted) = (segment.buckets(), Segment::buckets_for(segment.len() + 1));
        if wanted > MOST_BUCKETS && segment.depth < MAX_DEPTH && buckets >= MOST_BUCKETS {
            return self.split(id, place, hashes_of);
        }
        let most = if segment.depth < MAX_DEPTH { MOST_BUCKETS } else { usize::MAX };
        self.rebuild(id, wanted.min(most), place, hashes_of);
    }

    fn rebuild(&mut self, id: usize, buckets: usize, place: u32, hashes_of: impl Fn(&[u32]) -> Vec<u64>) {
        let old = &self.segments[id];
        let mut new = Segment::new(buckets, place, old.depth);
        old.hashed(hashes_of).for_each(|(hash, place)| new.insert(hash, place));
        self.segments[id] = new;
    }

    fn split(&mut self, id: usize, place: u32, hashes_of: impl Fn(&[u32]) -> Vec<u64>) {
        let old = &self.segments[id];
        let depth = old.depth + 1;
        let members: Vec<_> = old.hashed(hashes_of).collect();
        let is_upper = |&&(hash, _): &&(u64, u32)| hash >> (64 - depth) & 1 == 1;
        let upper = members.iter().filter(is_upper).count();
        let mut halves = [members.len() - upper, upper]
            .map(|members| Segment::new(Segment::buckets_for(members + 1).min(MOST_BUCKETS), place, depth));
        for member in &members {
            halves[usize::from(is_upper(&member))].insert(member.0, member.1);
        }
        self.replace_by_halves(id, halves);
    }

    fn replace_by_halves(&mut self, id: usize, halves: [Segment; 2]) {
        let depth = halves[0].depth;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|&id| [id, id]).collect();
            self.depth = depth;
        }
        let upper_id = self.segments.len() as u32;
        let places = self.directory.iter_mut().enumerate().filter(|(_, it)| **it == id as u32);
        for (at, it) in places {
            if at >> (self.depth - depth) & 1 == 1 {
                *it = upper_id;
            }
        }
        let [lower, upper] = halves;
        self.segments[id] = lower;
        self.segments.push(upper);
    }

    /// Removes a member that is there, one of so many `places`.
    pub(super) fn remove(&mut self, hash: u64, place: u32, places: usize, hashes_of: impl Fn(&[u32]) -> Vec<u64>) {
        let id = self.id(hash);
        self.segments[id].remove(hash, place);
        if self.segments[id].is_sparse() {
            let buckets = Segment::buckets_for(self.segments[id].len());
            self.rebuild(id, buckets, places as u32, hashes_of);
        }
    }

    /// The member at `from`, which is there, is now at `to`, which is before.
    pub(super) fn relocate(&mut self, hash: u64, from: u32, to: u32) {
        let id = self.id(hash);
        self.segments[id].relocate(hash, from, to);
    }
}
