//! The table of a big hash, set or sorted set: each member once, with a payload (nothing, a score, a value).
//!
//! ```text
//! index:   hash of a member -> its place            (members/index.rs, members/segment.rs)
//! places:  0, 1, 2 ... -> where the record is       (members/places.rs)
//! records: member and payload, one behind another   (members/arena.rs, members/record.rs)
//! ```
//!
//! A new member gets the next place. When one goes, the last member moves into its place. So a random place is a random member, all equally
//! likely. What one call does is bounded: nothing is ever built anew as a whole. Deadlines are kept beside it, by place: [`Deadlines`].
//!
//! Invariant: places are 0 to `len` - 1, and the index holds each of them once.
//! Invariant: a scan goes from the last place to the first. A member that is there from its beginning to its end is seen at least once:
//! members only ever move to a smaller place, and only the last one moves, so one that was not seen stays before the cursor.
//! Invariant: the order of places depends on the changes alone, not on the seed of the hashes.

mod approach;
mod arena;
mod deadlines;
mod index;
mod places;
mod record;
mod segment;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::quality::FixedState;
use kvark_base::random::Random;

pub use approach::Approach;
pub use deadlines::Deadlines;

use arena::{Arena, Ref};
use index::Index;
use places::Places;
use record::Record;

/// Payloads of this length have each a length of their own.
pub const VARIABLE: usize = usize::MAX;

/// Members alone.
pub type Names = Members<0>;
/// Members with eight bytes each.
pub type Scored = Members<8>;
/// Members with a byte string each.
pub type Pairs = Members<VARIABLE>;

/// How many records are moved at a change while there is waste: more than enough to keep up with it.
const MOVES: usize = 4;

/// Seeded anew in every process, so that nobody outside can aim at one segment.
static HASHER: LazyLock<FixedState> = LazyLock::new(|| FixedState::with_seed(Random::from_system().next_u64()));

/// See the module. `PAYLOAD` is the length of each payload, or [`VARIABLE`].
#[derive(Clone, Default)]
pub struct Members<const PAYLOAD: usize> {
    index: Index,
    places: Places,
    records: Arena,
}

#[inline]
fn hash_of(member: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(member);
    hasher.finish()
}

/// The hashes of the members at `wanted`. Their records lie anywhere, so all are asked for before the first is read.
fn hashes<const PAYLOAD: usize>(places: &Places, records: &Arena, wanted: &[u32]) -> Vec<u64> {
    let refs: Vec<Ref> = wanted.iter().map(|&place| places.get(place as usize)).collect();
    refs.iter().for_each(|&at| records.ask_for(at));
    refs.iter().map(|&at| hash_of(record::read::<PAYLOAD>(records.at(at)).member)).collect()
}

impl<const PAYLOAD: usize> Members<PAYLOAD> {
    /// How many members.
    #[inline]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn record(&self, place: usize) -> Record<'_> {
        record::read::<PAYLOAD>(self.records.at(self.places.get(place)))
    }

    /// The member at `place`, which is below [`Members::len`].
    #[inline]
    pub fn member(&self, place: usize) -> &[u8] {
        self.record(place).member
    }

    /// What belongs to the member at `place`.
    #[inline]
    pub fn payload(&self, place: usize) -> &[u8] {
        self.record(place).payload
    }

    /// The member at `place` and what belongs to it.
    #[inline]
    pub fn pair(&self, place: usize) -> (&[u8], &[u8]) {
        let Record { member, payload, .. } = self.record(place);
        (member, payload)
    }

    #[inline]
    fn hash_at(&self, place: usize) -> u64 {
        hash_of(self.member(place))
    }

    /// Asks the cache for members that will be removed one after another: those at `soon`, the next one first. Each call brings each of
    /// them one step nearer: the place, the record, what the index has. It is a hint; places that are not there are passed over.
    #[inline]
    pub fn ask_ahead(&self, soon: [usize; 3]) {
        let [next, second, third] = soon;
        if third < self.len() {
            self.places.ask_for(third);
        }
        if second < self.len() {
            self.records.ask_for(self.places.get(second));
        }
        if next < self.len() {
            self.index.ask_for(self.hash_at(next));
        }
    }

    #[inline]
    fn find_hashed(&self, member: &[u8], hash: u64) -> Option<usize> {
        self.index.find(hash, |place| self.member(place as usize) == member).map(|place| place as usize)
    }

    /// The place of `member`.
    #[inline]
    pub fn find(&self, member: &[u8]) -> Option<usize> {
        self.find_hashed(member, hash_of(member))
    }

    /// What belongs to `member`.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<&[u8]> {
        self.find(member).map(|place| self.payload(place))
    }

    /// Puts `member` with `payload` in, or `payload` in place of what belonged to it. Returns its place and whether it is new.
    pub fn insert(&mut self, member: &[u8], payload: &[u8]) -> (usize, bool) {
        let hash = hash_of(member);
        if let Some(place) = self.find_hashed(member, hash) {
            self.set_payload(place, payload);
            return (place, false);
        }
        let place = self.len();
        self.insert_in_index(hash, place);
        let record = self.new_record(member, payload);
        self.places.push(record);
        (place, true)
    }

    fn insert_in_index(&mut self, hash: u64, place: usize) {
        assert!(place < 1 << 30, "a collection has more than {place} members");
        let Self { index, places, records } = self;
        index.insert(hash, place as u32, |wanted| hashes::<PAYLOAD>(places, records, wanted));
    }

    fn new_record(&mut self, member: &[u8], payload: &[u8]) -> Ref {
        debug_assert!(PAYLOAD == VARIABLE || PAYLOAD == payload.len());
        let len = record::len_of::<PAYLOAD>(member, payload);
        self.records.push(len, |out| record::write::<PAYLOAD>(out, member, payload))
    }

    /// Puts `payload` in place of what belonged to the member at `place`.
    pub fn set_payload(&mut self, place: usize, payload: &[u8]) {
        let (old, at) = (self.record(place), self.places.get(place));
        if old.payload.len() == payload.len() {
            let from = old.len - payload.len();
            self.records.at_mut(at)[from..from + payload.len()].copy_from_slice(payload);
            return;
        }
        let (member, len) = (old.member.to_vec(), old.len);
        let new = self.new_record(&member, payload);
        self.places.set(place, new);
        self.records.free(at, len);
        self.tidy();
    }

    /// Removes `member`; returns the place that it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<usize> {
        let hash = hash_of(member);
        self.records.ask_for(self.places.get(self.len().checked_sub(1)?));
        let place = self.find_hashed(member, hash)?;
        self.remove_hashed(place, hash);
        Some(place)
    }

    /// Removes the member at `place`. The one that was at [`Members::len`] (as it is now) is at `place` then.
    pub fn remove_at(&mut self, place: usize) {
        self.remove_hashed(place, self.hash_at(place));
    }

    fn remove_hashed(&mut self, place: usize, hash: u64) {
        let last = self.len() - 1;
        let hash_of_moved = self.hash_at(last);
        let Self { index, places, records } = self;
        index.ask_for(hash_of_moved);
        index.remove(hash, place as u32, places.len(), |wanted| hashes::<PAYLOAD>(places, records, wanted));
        if place != last {
            index.relocate(hash_of_moved, last as u32, place as u32);
        }
        self.close_hole(place);
        self.tidy();
        // The next one to move into a hole.
        if let Some(last) = self.len().checked_sub(1) {
            self.index.ask_for(self.hash_at(last));
        }
    }

    /// The last member moves to `place`, whose record goes. Where they are equally long its record moves too, so that no waste comes from
    /// members that are all alike.
    fn close_hole(&mut self, place: usize) {
        let (last, len) = (self.len() - 1, self.record(place).len);
        let (hole, moved) = (self.places.get(place), self.places.get(last));
        if place != last && self.record(last).len == len {
            self.records.fill(hole, moved, len);
        } else {
            self.places.set(place, moved);
            self.records.free(hole, len);
        }
        self.places.pop();
    }

    /// Appends a few records anew that stand among waste, until their chunk can be given back.
    fn tidy(&mut self) {
        for _ in 0..MOVES {
            let Some(at) = self.records.next_to_move::<PAYLOAD>() else { return };
            let Record { member, payload, len, .. } = record::read::<PAYLOAD>(self.records.at(at));
            let place = self.index.find(hash_of(member), |place| self.places.get(place as usize) == at);
            let place = place.expect("a record that is not dead has a place") as usize;
            let (member, payload) = (member.to_vec(), payload.to_vec());
            let new = self.new_record(&member, &payload);
            self.places.set(place, new);
            self.records.free(at, len);
        }
    }

    /// Every member with what belongs to it, in the order of places.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + ExactSizeIterator {
        (0..self.len()).map(|place| self.pair(place))
    }

    /// The places that a scan sees next, about `count` of them, and the cursor to go on with: 0 begins and 0 ends.
    pub fn scan(&self, cursor: u64, count: usize) -> (impl Iterator<Item = usize>, u64) {
        let len = self.len();
        let upper = if cursor == 0 { len } else { usize::try_from(cursor).unwrap_or(len).min(len) };
        let lower = upper.saturating_sub(count.max(1));
        ((lower..upper).rev(), lower as u64)
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.places.memory_bytes() + self.records.memory_bytes()
    }

    /// About how many allocations go when it is dropped.
    pub fn allocations(&self) -> usize {
        self.index.allocations() + self.places.allocations() + self.records.allocations()
    }
}

impl<const PAYLOAD: usize> fmt::Debug for Members<PAYLOAD> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<const PAYLOAD: usize> PartialEq for Members<PAYLOAD> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(member, payload)| other.get(member) == Some(payload))
    }
}
