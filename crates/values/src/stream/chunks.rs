//! All entries of a stream: chunks in an ordered map.
//!
//! Invariant: a chunk stands under an id that is not above its first entry's, and above all entries of the chunk before it.
//! Invariant: no chunk is empty, and two neighbours of which one has lost entries from its middle fill more than half of one.

use std::collections::{BTreeMap, btree_map};

use super::Id;
use super::chunk::{Bounds, Chunk};
use super::entry::{Entries, Entry};
use crate::Forms;

#[derive(Debug, Clone, Default)]
pub(super) struct Chunks {
    map: BTreeMap<Id, Chunk>,
    len: usize,
    memory_bytes: usize,
}

impl Chunks {
    /// How many entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// The id of the last entry.
    pub(super) fn last_id(&self) -> Option<Id> {
        self.map.last_key_value().map(|(_, chunk)| chunk.last())
    }

    /// Whether an entry of about `len_bytes` fits into the last chunk.
    pub(super) fn has_room(&self, len_bytes: usize, forms: &Forms) -> bool {
        self.map.last_key_value().is_some_and(|(_, chunk)| chunk.has_room(len_bytes, Bounds::of(forms)))
    }

    /// Adds an entry of about `len_bytes`, whose id is above all others.
    pub(super) fn append(&mut self, entry: &Entry<'_>, len_bytes: usize, forms: &Forms) {
        let bounds = Bounds::of(forms);
        let mut last = self.map.last_entry();
        self.len += 1;
        if let Some(chunk) = last.as_mut().map(|it| it.get_mut()).filter(|chunk| chunk.has_room(len_bytes, bounds)) {
            return measured(&mut self.memory_bytes, chunk, |chunk| chunk.push(entry));
        }
        if let Some(full) = last.as_mut() {
            measured(&mut self.memory_bytes, full.get_mut(), Chunk::seal);
        }
        self.insert(entry.id, Chunk::new(entry));
    }

    fn insert(&mut self, at: Id, chunk: Chunk) {
        self.memory_bytes += chunk.memory_bytes();
        self.map.insert(at, chunk);
    }

    fn take(&mut self, at: Id) -> Option<Chunk> {
        let chunk = self.map.remove(&at)?;
        self.memory_bytes -= chunk.memory_bytes();
        Some(chunk)
    }

    /// Removes all entries up to `id`.
    pub(super) fn trim(&mut self, id: Id) {
        while let Some(mut first) = self.map.first_entry() {
            if first.get().last() > id {
                self.len -=
                    measured(&mut self.memory_bytes, first.get_mut(), |chunk| chunk.remove_while(|it| it <= id));
                return;
            }
            let chunk = first.remove();
            self.len -= chunk.len();
            self.memory_bytes -= chunk.memory_bytes();
        }
    }

    /// Removes the entries with these ids, which are sorted.
    pub(super) fn remove(&mut self, mut ids: &[Id], forms: &Forms) {
        while let Some(&first) = ids.first() {
            let Some((at, last)) = self.at_or_after(first) else { return };
            let (here, later) = ids.split_at(ids.partition_point(|&id| id <= last));
            self.remove_from(at, here, Bounds::of(forms));
            ids = later;
        }
    }

    /// Where the chunk stands that has `id`, or else the first entry above it; and the id of its last entry.
    fn at_or_after(&self, id: Id) -> Option<(Id, Id)> {
        let (&at, chunk) = self.from(id).find(|(_, chunk)| chunk.last() >= id)?;
        Some((at, chunk.last()))
    }

    fn from(&self, id: Id) -> btree_map::Range<'_, Id, Chunk> {
        let start = self.map.range(..=id).next_back().map_or(id, |(&at, _)| at);
        self.map.range(start..)
    }

    fn remove_from(&mut self, at: Id, ids: &[Id], bounds: Bounds) {
        let Some(chunk) = self.map.get_mut(&at) else { return };
        let removed = measured(&mut self.memory_bytes, chunk, |chunk| chunk.remove(ids));
        self.len -= removed;
        if chunk.len() == 0 {
            self.take(at);
        } else if removed > 0 {
            let before = self.map.range(..at).next_back().map(|(&before, _)| before);
            if !before.is_some_and(|before| self.join(before, at, bounds)) {
                self.join_next(at, bounds);
            }
        }
    }

    fn join_next(&mut self, at: Id, bounds: Bounds) {
        let next = self.map.range(at..).nth(1).map(|(&next, _)| next);
        next.map(|next| self.join(at, next, bounds));
    }

    /// Makes one of two neighbours, if both are small.
    fn join(&mut self, at: Id, next: Id, bounds: Bounds) -> bool {
        if !self.map[&at].suits(&self.map[&next], bounds) {
            return false;
        }
        let Some(next) = self.take(next) else { return false };
        let Some(chunk) = self.map.get_mut(&at) else { return false };
        measured(&mut self.memory_bytes, chunk, |chunk| chunk.absorb(&next));
        true
    }

    /// The entries from `start` to `end`, both included.
    pub(super) fn range(&self, start: Id, end: Id) -> Range<'_> {
        Range { chunks: self.from(start), entries: None, start, end }
    }

    /// The same, the last one first.
    pub(super) fn range_back(&self, start: Id, end: Id) -> RangeBack<'_> {
        RangeBack { chunks: self.map.range(..=end), entries: Vec::new(), start, end }
    }

    /// What each chunk holds.
    pub(super) fn runs(&self) -> impl ExactSizeIterator<Item = Run> {
        self.map.values().map(|chunk| Run { last: chunk.last(), len: chunk.len() })
    }
}

/// What `change` answers, the change of the chunk's memory added to `total`.
fn measured<T>(total: &mut usize, chunk: &mut Chunk, change: impl FnOnce(&mut Chunk) -> T) -> T {
    *total -= chunk.memory_bytes();
    let answer = change(chunk);
    *total += chunk.memory_bytes();
    answer
}

/// Some entries that are kept in one piece: what an approximate trim removes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The id of the last of them.
    pub last: Id,
    /// How many they are.
    pub len: usize,
}

/// Entries in their order.
#[derive(Debug, Clone)]
pub struct Range<'a> {
    chunks: btree_map::Range<'a, Id, Chunk>,
    entries: Option<Entries<'a>>,
    start: Id,
    end: Id,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            match self.entries.as_mut().and_then(Iterator::next) {
                Some(entry) if entry.id < self.start => {}
                Some(entry) => return Some(entry).filter(|entry| entry.id <= self.end),
                None => self.entries = Some(self.chunks.next()?.1.entries()),
            }
        }
    }
}

/// Entries, the last one first.
#[derive(Debug, Clone)]
pub struct RangeBack<'a> {
    chunks: btree_map::Range<'a, Id, Chunk>,
    /// Those of the chunk that is being read.
    entries: Vec<Entry<'a>>,
    start: Id,
    end: Id,
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        while self.entries.is_empty() {
            let (start, end) = (self.start, self.end);
            let (_, chunk) = self.chunks.next_back().filter(|(_, chunk)| chunk.last() >= start)?;
            self.entries.extend(chunk.entries().filter(|entry| (start..=end).contains(&entry.id)));
        }
        self.entries.pop()
    }
}
