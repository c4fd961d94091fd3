//! A small sorted set: its members in order, packed into one allocation.
//!
//! ```text
//! member | score | member | score | ...                           while no member has a deadline
//! member | score | deadline | member | score | deadline | ...     once one had
//! ```
//!
//! A score is an integer where one says the same; otherwise the eight bytes of the float.

use std::cmp::Ordering;
use std::ops::Range;

use kvark_base::Millis;

use super::{Edge, Entry, Score, order};
use crate::packed::{self, Packed, Place};
use crate::{IntBuffer, StringRef};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Small {
    items: Packed,
    has_deadlines: bool,
}

impl Small {
    /// How many items a member takes.
    fn stride(&self) -> usize {
        if self.has_deadlines { 3 } else { 2 }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.items.len() / self.stride()
    }

    /// Bytes of all members, as they are packed.
    pub fn byte_len(&self) -> usize {
        self.items.byte_len()
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.items.memory_bytes()
    }

    /// The member, if it is there.
    pub fn find(&self, member: &[u8]) -> Option<Entry<'_>> {
        self.place_of(member).map(|place| self.entry_at(place))
    }

    /// How many members come before it.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        self.place_of(member).map(|place| self.items.index_of(place) / self.stride())
    }

    /// How many members are below `edge`.
    pub fn place(&self, edge: Edge<'_>) -> usize {
        let mut text = IntBuffer::new();
        let is_below = |entry: &Entry<'_>| edge.is_above(entry.score, entry.member.text(&mut text));
        self.range(0..self.len()).take_while(is_below).count()
    }

    /// The members of these ranks, which are there.
    pub fn range(&self, ranks: Range<usize>) -> Entries<'_> {
        let (stride, len) = (self.stride(), self.len());
        let mut items = self.items.iter_from(ranks.start * stride);
        if ranks.end < len {
            items.nth_back((len - ranks.end) * stride - 1);
        }
        Entries { items, has_deadlines: self.has_deadlines }
    }

    /// Gives a member this score and this deadline, whether it was there or not.
    pub fn put(&mut self, member: &[u8], score: Score, deadline: Millis) {
        self.remove(member);
        self.allow_deadline(deadline);
        let (place, mut bytes) = (self.place_for(member, score), [0; 8]);
        let entry = [StringRef::new(member), pack_score(score, &mut bytes), StringRef::Int(deadline as i64)];
        self.items.splice(place, 0, &entry[..self.stride()]);
    }

    /// Removes a member, if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        if let Some(place) = self.place_of(member) {
            self.items.remove_at(place, self.stride());
        }
    }

    /// Gives a member this deadline, if it is there.
    pub fn expire(&mut self, member: &[u8], at: Millis) {
        if let Some(score) = self.find(member).map(|entry| entry.score) {
            self.put(member, score, at);
        }
    }

    /// When the first of its members expires, 0 for never.
    pub fn next_deadline(&self) -> Millis {
        let deadlines = self.range(0..self.len()).map(|entry| entry.deadline);
        if self.has_deadlines { deadlines.filter(|&at| at > 0).min().unwrap_or(0) } else { 0 }
    }

    /// Hands over each member whose time has come.
    pub fn each_due(&self, now_ms: Millis, most: usize, each: &mut dyn FnMut(&[u8])) {
        let is_due = |entry: &Entry<'_>| entry.deadline > 0 && entry.deadline <= now_ms;
        let due = self.range(0..self.len()).filter(is_due).take(most);
        due.for_each(|entry| each(entry.member.text(&mut IntBuffer::new())));
    }

    fn place_of(&self, member: &[u8]) -> Option<Place> {
        self.items.find(StringRef::new(member), self.stride())
    }

    fn entry_at(&self, place: Place) -> Entry<'_> {
        let score = self.items.next(place).expect("a score follows each member");
        let deadline = self.items.next(score).filter(|_| self.has_deadlines);
        entry(self.items.at(place), self.items.at(score), deadline.map(|place| self.items.at(place)))
    }

    /// Where a member belongs that is not there.
    fn place_for(&self, member: &[u8], score: Score) -> Place {
        let (mut text, mut rank) = (IntBuffer::new(), 0);
        for entry in self.range(0..self.len()) {
            if order(entry.score, entry.member.text(&mut text), score, member) == Ordering::Greater {
                break;
            }
            rank += 1;
        }
        self.items.place(rank * self.stride()).unwrap_or(self.items.end())
    }

    /// Makes room for deadlines, if this is one and none was there before.
    fn allow_deadline(&mut self, deadline: Millis) {
        if deadline == 0 || self.has_deadlines {
            return;
        }
        let mut wider = Packed::new();
        for (index, item) in self.items.iter().enumerate() {
            wider.push(item);
            if index % 2 == 1 {
                wider.push(StringRef::Int(0));
            }
        }
        *self = Self { items: wider, has_deadlines: true };
    }
}

fn pack_score(score: Score, bytes: &mut [u8; 8]) -> StringRef<'_> {
    let whole = score as i64;
    if (whole as Score).to_bits() == score.to_bits() {
        return StringRef::Int(whole);
    }
    *bytes = score.to_le_bytes();
    StringRef::Bytes(bytes)
}

fn unpack_score(item: StringRef<'_>) -> Score {
    match item {
        StringRef::Int(whole) => whole as Score,
        StringRef::Bytes(bytes) => bytes.try_into().map_or(0.0, Score::from_le_bytes),
    }
}

/// Members of a small set, from either end.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    items: packed::Iter<'a>,
    has_deadlines: bool,
}

fn entry<'a>(member: StringRef<'a>, score: StringRef<'a>, deadline: Option<StringRef<'a>>) -> Entry<'a> {
    let deadline = match deadline {
        Some(StringRef::Int(at)) => at as Millis,
        _ => 0,
    };
    Entry { member, score: unpack_score(score), deadline }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (member, score) = (self.items.next()?, self.items.next()?);
        let deadline = if self.has_deadlines { self.items.next() } else { None };
        Some(entry(member, score, deadline))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.items.len() / if self.has_deadlines { 3 } else { 2 };
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let deadline = if self.has_deadlines { self.items.next_back() } else { None };
        let (score, member) = (self.items.next_back()?, self.items.next_back()?);
        Some(entry(member, score, deadline))
    }
}
