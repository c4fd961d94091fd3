//! Streams: entries by their id, each a list of fields and values, and the groups that read them.
//!
//! Read in this order: [`Id`], `entry` (entries as bytes), `chunk` and `chunks` (where they are kept), [`Group`], [`Op`] (what can
//! change), `encoded` (a whole stream as bytes).
//!
//! Invariant: the ids of entries rise, and none is above the stream's last id unless that was set below it.
//! Invariant: what is pending need not exist as an entry any more; no group's memory depends on entries that are gone.

mod chunk;
mod chunks;
mod copying;
mod encoded;
mod entry;
mod group;
mod id;
mod op;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use kvark_base::Result;

pub use chunks::{Range, RangeBack, Run};
pub use entry::{Entry, Fields, Pair};
pub use group::{Consumer, Group, Pending};
pub use id::{Id, IdBuffer};
pub use op::{GroupOp, Op, has_news};

use crate::Type;
use crate::collection::Collection;
use crate::copying::{BIG_BYTES, Copying};
use crate::forms::Forms;
use crate::wire::Reader;
use chunks::Chunks;

/// What a pending entry takes in a copy, about.
const PENDING_BYTES: usize = 32;

/// A stream.
#[derive(Debug, Clone, Default)]
pub struct Stream(Box<Body>);

#[derive(Debug, Clone, Default)]
struct Body {
    entries: Chunks,
    last_id: Id,
    max_deleted_id: Id,
    entries_added: u64,
    groups: BTreeMap<Box<[u8]>, Group>,
}

impl Stream {
    /// The last id that an entry had, or that was set.
    pub fn last_id(&self) -> Id {
        self.0.last_id
    }

    /// The highest id that was ever deleted.
    pub fn max_deleted_id(&self) -> Id {
        self.0.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(&self) -> u64 {
        self.0.entries_added
    }

    /// The entries from `start` to `end`, both included.
    pub fn range(&self, start: Id, end: Id) -> Range<'_> {
        self.0.entries.range(start, end)
    }

    /// The same, the last one first.
    pub fn range_back(&self, start: Id, end: Id) -> RangeBack<'_> {
        self.0.entries.range_back(start, end)
    }

    /// The first entry.
    pub fn first(&self) -> Option<Entry<'_>> {
        self.range(Id::MIN, Id::MAX).next()
    }

    /// The last entry.
    pub fn last(&self) -> Option<Entry<'_>> {
        self.range_back(Id::MIN, Id::MAX).next()
    }

    /// The entry with that id.
    pub fn get(&self, id: Id) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    /// The runs in which the entries are kept.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = Run> {
        self.0.entries.runs()
    }

    /// Whether an entry of about `len_bytes` would join the last of the runs.
    pub fn has_room(&self, len_bytes: usize, forms: &Forms) -> bool {
        self.0.entries.has_room(len_bytes, forms)
    }

    /// The groups, by name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.0.groups.iter().map(|(name, group)| (&name[..], group))
    }

    /// One of them.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name)
    }

    fn append(&mut self, id: Id, fields: Fields<'_>, len_bytes: usize, forms: &Forms) {
        if id > self.0.entries.last_id().unwrap_or_default() {
            self.0.entries.append(&Entry { id, fields }, len_bytes, forms);
            self.0.last_id = self.0.last_id.max(id);
            self.0.entries_added = self.0.entries_added.saturating_add(1);
        }
    }

    fn delete(&mut self, mut ids: Vec<Id>, forms: &Forms) {
        ids.sort_unstable();
        let highest = ids.iter().rev().find(|&&id| self.get(id).is_some());
        self.0.max_deleted_id = self.0.max_deleted_id.max(highest.copied().unwrap_or_default());
        self.0.entries.remove(&ids, forms);
    }
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        let ids = |it: &Self| (it.last_id(), it.max_deleted_id(), it.entries_added(), it.len());
        ids(self) == ids(other)
            && self.0.groups == other.0.groups
            && self.range(Id::MIN, Id::MAX).eq(other.range(Id::MIN, Id::MAX))
    }
}

impl Collection for Stream {
    const TYPE: Type = Type::Stream;

    fn len(&self) -> usize {
        self.0.entries.len()
    }

    fn apply(&mut self, ops: &mut Reader<'_>, forms: &Forms) -> Result<()> {
        while !ops.is_empty() {
            op::apply(self, ops, forms)?;
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        encoded::encode(self, out);
    }

    fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Self> {
        encoded::decode(reader, forms)
    }

    fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
        copying::copy_part(self, copying, len_bytes, out)
    }

    fn follow(&self, copying: &mut Copying, ops: &[u8], out: &mut Vec<u8>) {
        copying::follow(copying, ops, out);
    }

    fn is_big(&self) -> bool {
        let pending = self.groups().map(|(_, group)| group.pending_len()).sum::<usize>();
        self.0.entries.memory_bytes() + pending * PENDING_BYTES > BIG_BYTES
    }

    fn memory_bytes(&self) -> usize {
        let groups =
            self.groups().map(|(name, group)| name.len() + size_of::<(Box<[u8]>, Group)>() + group.memory_bytes());
        size_of::<Body>() + self.0.entries.memory_bytes() + groups.sum::<usize>()
    }

    fn encoding(&self) -> &'static str {
        "stream"
    }

    fn allocations(&self) -> usize {
        let groups = self.groups().map(|(_, group)| 1 + group.consumers().len() + group.pending_len() / 4);
        1 + self.0.entries.runs().len() + groups.sum::<usize>()
    }

    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        encoded::each_for_digest(self, each);
    }
}
