//! A big sorted set: a table of its members, each with its score, and the [`Index`] over it.
//!
//! Invariant: for each member of the table the index has one slot, with the member's place as its number and the hint of its score.

use std::ops::Range;

use kvark_base::Millis;

use super::index::{self, Index, Slot, Way, hint};
use super::{Edge, Entry, Score, order};
use crate::members::{Approach, Deadlines, Scored};
use crate::{IntBuffer, StringRef};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Big {
    members: Scored,
    index: Index,
    deadlines: Deadlines,
}

/// The member of that number and its score.
#[inline]
fn pair(members: &Scored, id: u32) -> (Score, &[u8]) {
    let (member, score) = members.pair(id as usize);
    (Score::from_le_bytes(score.try_into().expect("a score takes eight bytes")), member)
}

/// The way to a member: to the place behind its slot.
#[inline]
fn upto<'a>(members: &'a Scored, score: Score, member: &'a [u8]) -> Way<impl Fn(Slot) -> bool + 'a> {
    Way::among(hint(score), move |slot| {
        let (other_score, other) = pair(members, slot.id);
        order(other_score, other, score, member).is_le()
    })
}

impl Big {
    /// The same members in this form.
    pub fn from_entries<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Self {
        let (mut big, mut text) = (Self::default(), IntBuffer::new());
        entries.for_each(|entry| big.put(entry.member.text(&mut text), entry.score, entry.deadline));
        big
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.members.memory_bytes() + self.index.memory_bytes() + self.deadlines.memory_bytes()
    }

    /// How many allocations it has.
    pub fn allocations(&self) -> usize {
        self.members.allocations() + self.index.allocations() + self.deadlines.len()
    }

    /// The member, if it is there.
    #[inline]
    pub fn find(&self, member: &[u8]) -> Option<Entry<'_>> {
        self.members.find(member).map(|id| self.entry(id as u32))
    }

    /// See [`super::Zset::approach`].
    #[inline]
    pub fn approach(&self, member: &[u8], approach: &mut Approach) {
        self.members.approach(member, approach);
    }

    #[inline]
    fn entry(&self, id: u32) -> Entry<'_> {
        let (score, member) = pair(&self.members, id);
        Entry { member: StringRef::Bytes(member), score, deadline: self.deadlines.get(id as usize) }
    }

    /// How many members come before it.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let (score, member) = pair(&self.members, self.members.find(member)? as u32);
        Some(self.index.place(&upto(&self.members, score, member)) - 1)
    }

    /// How many members come before the place behind that member of that score, which need not be there.
    pub fn place_behind(&self, score: Score, member: &[u8]) -> usize {
        self.index.place(&upto(&self.members, score, member))
    }

    /// Whether its members take more than so many bytes.
    pub fn takes_more_than(&self, bytes: usize) -> bool {
        self.members.memory_bytes() > bytes
    }

    /// How many members are below `edge`.
    pub fn place(&self, edge: Edge<'_>) -> usize {
        let is_below = |slot: Slot| {
            let (score, member) = pair(&self.members, slot.id);
            edge.is_above(score, member)
        };
        match edge {
            Edge::BeforeScore(score) | Edge::AfterScore(score) => self.index.place(&Way::among(hint(score), is_below)),
            _ => self.index.place(&Way::behind(is_below)),
        }
    }

    /// The members of these ranks, which are there.
    pub fn range(&self, ranks: Range<usize>) -> Entries<'_> {
        Entries { big: self, slots: self.index.range(ranks) }
    }

    /// Gives a member this score and this deadline, whether it was there or not.
    pub fn put(&mut self, member: &[u8], score: Score, deadline: Millis) {
        let payload = score.to_le_bytes();
        let id = match self.members.find(member) {
            Some(id) => {
                self.unlink(id as u32);
                self.members.set_payload(id, &payload);
                id
            }
            None => self.members.insert(member, &payload).0,
        };
        self.deadlines.set(id, deadline);
        let slot = Slot { hint: hint(score), id: id as u32 };
        self.index.insert(slot, &upto(&self.members, score, member));
    }

    /// Removes a member, if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        let Some(id) = self.members.find(member) else { return };
        self.unlink(id as u32);
        // The last one of the table moves into the hole.
        let last = self.len() - 1;
        if id != last {
            let (score, member) = pair(&self.members, last as u32);
            self.index.renumber(id as u32, &upto(&self.members, score, member));
        }
        self.members.remove_at(id);
        self.deadlines.swap_remove(id, last);
    }

    /// See [`super::Zset::ask_ahead`].
    pub fn ask_ahead(&self, ranks: Range<usize>, from_the_end: bool) {
        let mut slots = self.index.range(ranks);
        let mut next = || if from_the_end { slots.next_back() } else { slots.next() };
        self.members.ask_ahead(std::array::from_fn(|_| next().map_or(usize::MAX, |slot| slot.id as usize)));
    }

    /// Takes a member out of the index, not out of the table.
    fn unlink(&mut self, id: u32) {
        let (score, member) = pair(&self.members, id);
        let removed = self.index.remove(&upto(&self.members, score, member));
        debug_assert_eq!(removed, Slot { hint: hint(score), id });
    }

    /// Gives a member this deadline, if it is there.
    pub fn expire(&mut self, member: &[u8], at: Millis) {
        if let Some(id) = self.members.find(member) {
            self.deadlines.set(id, at);
        }
    }

    /// When the first of its members expires, 0 for never.
    pub fn next_deadline(&self) -> Millis {
        self.deadlines.next()
    }

    /// Hands over each member whose time has come.
    pub fn each_due(&self, now_ms: Millis, most: usize, each: &mut dyn FnMut(&[u8])) {
        self.deadlines.due(now_ms).take(most).for_each(|id| each(self.members.member(id)));
    }

    /// See [`super::Zset::scan`].
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, each: &mut dyn FnMut(Entry<'a>)) -> u64 {
        let (ids, next) = self.members.scan(cursor, count);
        ids.for_each(|id| each(self.entry(id as u32)));
        next
    }
}

/// Members of a big set, from either end.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    big: &'a Big,
    slots: index::Iter<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        self.slots.next().map(|slot| self.big.entry(slot.id))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.slots.next_back().map(|slot| self.big.entry(slot.id))
    }
}
