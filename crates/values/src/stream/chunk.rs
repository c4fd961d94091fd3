//! A run of entries in one piece of memory: the names that its first entry had, then entries (see [`super::entry`]).
//!
//! Invariant: entries that were removed from the front keep their bytes only while they are fewer than those that stay; others keep none.

use super::Id;
use super::entry::{Entries, Entry, Names};
use crate::Forms;
use crate::wire::Reader;

/// How large a chunk may grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    bytes: usize,
    entries: usize,
}

impl Bounds {
    /// A chunk is read from its start, so it has a bound even where none is configured.
    const MAX_BYTES: usize = 64 << 10;

    pub(super) fn of(forms: &Forms) -> Self {
        let or = |configured: usize, most: usize| if configured == 0 { most } else { configured };
        let (bytes, entries) = (forms.stream_bytes.get(), forms.stream_entries.get());
        Self { bytes: or(bytes, Self::MAX_BYTES), entries: or(entries, usize::MAX) }
    }
}

/// One chunk.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// Where the entries begin; between the names and this are some that were removed.
    start: usize,
    /// Where the names end.
    names_end: usize,
    len: usize,
    /// The first entry is encoded as if one with this id came before it.
    before: Id,
    /// The id of the last entry.
    last: Id,
}

impl Chunk {
    /// With one entry.
    pub(super) fn new(entry: &Entry<'_>) -> Self {
        let mut bytes = Vec::new();
        Names::put(&mut bytes, entry.fields.clone());
        let before = entry.id.previous().unwrap_or_default();
        let mut this = Self { start: bytes.len(), names_end: bytes.len(), bytes, len: 0, before, last: before };
        this.push(entry);
        this
    }

    /// Adds an entry with a higher id than all that it has.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let shared = self.names().are_those_of(&entry.fields);
        entry.put(&mut self.bytes, self.last, shared);
        (self.last, self.len) = (entry.id, self.len + 1);
    }

    /// Whether an entry of about `more` bytes fits.
    pub(super) fn has_room(&self, more: usize, bounds: Bounds) -> bool {
        self.len < bounds.entries && self.live_bytes() + more < bounds.bytes
    }

    /// Whether both together fill no more than half of a chunk.
    pub(super) fn suits(&self, other: &Self, bounds: Bounds) -> bool {
        self.len + other.len <= bounds.entries / 2 && self.live_bytes() + other.live_bytes() <= bounds.bytes / 2
    }

    /// Adds all entries of the chunk that comes next.
    pub(super) fn absorb(&mut self, next: &Self) {
        next.entries().for_each(|entry| self.push(&entry));
        self.seal();
    }

    /// No more entries will come: gives back what was taken ahead.
    pub(super) fn seal(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Removes entries from the front as long as `gone` says so; how many.
    pub(super) fn remove_while(&mut self, mut gone: impl FnMut(Id) -> bool) -> usize {
        let (mut entries, had) = (self.entries(), self.len);
        let (mut start, mut before, mut len) = (self.start, self.before, self.len);
        while let Some(entry) = entries.next().filter(|entry| gone(entry.id)) {
            (before, len) = (entry.id, len - 1);
            start = self.bytes.len() - entries.rest().len();
        }
        (self.start, self.before, self.len) = (start, before, len);
        if start - self.names_end > self.bytes.len() - start {
            self.bytes.drain(self.names_end..start);
            self.start = self.names_end;
            self.seal();
        }
        had - len
    }

    /// Removes the entries with these ids, which are sorted; how many there were.
    pub(super) fn remove(&mut self, ids: &[Id]) -> usize {
        let mut left = ids;
        let removed = self.remove_while(|id| {
            left = &left[left.partition_point(|&it| it < id)..];
            let hit = left.first() == Some(&id);
            left = &left[usize::from(hit)..];
            hit
        });
        if left.is_empty() { removed } else { removed + self.rebuild_without(left) }
    }

    fn rebuild_without(&mut self, ids: &[Id]) -> usize {
        let is_gone = |id: Id| ids.binary_search(&id).is_ok();
        if !self.entries().any(|entry| is_gone(entry.id)) {
            return 0;
        }
        let mut kept = self.entries().filter(|entry| !is_gone(entry.id));
        let Some(mut rebuilt) = kept.next().map(|entry| Self::new(&entry)) else {
            return std::mem::take(&mut self.len);
        };
        kept.for_each(|entry| rebuilt.push(&entry));
        rebuilt.seal();
        let removed = self.len - rebuilt.len;
        *self = rebuilt;
        removed
    }

    fn names(&self) -> Names<'_> {
        let mut reader = Reader::new(&self.bytes[..self.names_end], "a chunk");
        Names::take(&mut reader).expect("a chunk begins with the names that were put there")
    }

    /// All entries, in order.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries::new(self.names(), self.before, Reader::new(&self.bytes[self.start..], "a chunk"))
    }

    /// How many entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The id of its last entry.
    pub(super) fn last(&self) -> Id {
        self.last
    }

    fn live_bytes(&self) -> usize {
        self.bytes.len() - (self.start - self.names_end)
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<(Id, Self)>() + self.bytes.capacity()
    }
}
