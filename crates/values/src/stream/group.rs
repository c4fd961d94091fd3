//! Who reads a stream, and what was delivered but not acknowledged.
//!
//! Invariant: a pending entry is noted twice, by id in the group and in the set of its consumer, who is one of the group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kvark_base::Millis;

use super::Id;

/// A name; consumers and what is pending for them share it.
pub(super) type Name = Arc<[u8]>;

/// A consumer group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    last_id: Id,
    entries_read: Option<u64>,
    pending: BTreeMap<Id, Pending>,
    consumers: BTreeMap<Name, Consumer>,
}

/// An entry that waits for being acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    consumer: Name,
    /// When it was delivered last.
    pub delivered_at: Millis,
    /// How often.
    pub deliveries: u64,
}

/// One of those that share the work of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumer {
    /// When it last asked for entries.
    pub seen_at: Millis,
    /// When it last got one, 0 for never.
    pub active_at: Millis,
    pending: BTreeSet<Id>,
}

impl Pending {
    /// Who has it.
    pub fn consumer(&self) -> &[u8] {
        &self.consumer
    }
}

impl Consumer {
    /// What is pending for it, from `start` on.
    pub fn pending_from(&self, start: Id) -> impl Iterator<Item = Id> {
        self.pending.range(start..).copied()
    }

    /// How many entries are pending for it.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

impl Group {
    /// One that has read up to `last_id`.
    pub(super) fn new(last_id: Id, entries_read: Option<u64>) -> Self {
        Self { last_id, entries_read, ..Self::default() }
    }

    /// The last entry that was delivered to the group.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// How many entries of the stream it has read, as far as that is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// What is pending, from `start` on.
    pub fn pending_from(&self, start: Id) -> impl DoubleEndedIterator<Item = (Id, &Pending)> {
        self.pending.range(start..).map(|(&id, pending)| (id, pending))
    }

    /// What is pending with that id.
    pub fn pending(&self, id: Id) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// How many entries are pending.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The consumers, by name.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (&[u8], &Consumer)> {
        self.consumers.iter().map(|(name, consumer)| (&name[..], consumer))
    }

    /// One of them.
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.get(name)
    }

    pub(super) fn set_read(&mut self, last_id: Id, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// The times of a consumer, which is made if there is none of that name.
    pub(super) fn set_consumer(&mut self, name: &[u8], seen_at: Millis, active_at: Millis) {
        let name = self.known(name);
        let consumer = self.consumers.entry(name).or_default();
        (consumer.seen_at, consumer.active_at) = (seen_at, active_at);
    }

    /// The name as it is shared; a consumer is made if there is none that has it.
    fn known(&mut self, name: &[u8]) -> Name {
        if let Some((name, _)) = self.consumers.get_key_value(name) {
            return name.clone();
        }
        let name = Name::from(name);
        self.consumers.insert(name.clone(), Consumer::default());
        name
    }

    /// Removes a consumer and all that is pending for it.
    pub(super) fn remove_consumer(&mut self, name: &[u8]) {
        if let Some(consumer) = self.consumers.remove(name) {
            consumer.pending.iter().for_each(|id| drop(self.pending.remove(id)));
        }
    }

    /// From now on `ids` are pending for the consumer `name`, who is made if there is none.
    pub(super) fn assign(&mut self, name: &[u8], ids: &[Id], delivered_at: Millis, deliveries: u64) {
        let name = self.known(name);
        for &id in ids {
            let pending = Pending { consumer: name.clone(), delivered_at, deliveries };
            if let Some(former) = self.pending.insert(id, pending) {
                self.forget_at(&former.consumer, id);
            }
        }
        if let Some(consumer) = self.consumers.get_mut(&name) {
            consumer.pending.extend(ids);
        }
    }

    /// `id` is not pending any more.
    pub(super) fn acknowledge(&mut self, id: Id) {
        if let Some(pending) = self.pending.remove(&id) {
            self.forget_at(&pending.consumer, id);
        }
    }

    fn forget_at(&mut self, consumer: &[u8], id: Id) {
        if let Some(consumer) = self.consumers.get_mut(consumer) {
            consumer.pending.remove(&id);
        }
    }

    /// Bytes of memory on the heap; a node of a tree is two thirds full.
    pub(super) fn memory_bytes(&self) -> usize {
        let pending = size_of::<(Id, Pending)>() + size_of::<Id>();
        let consumers: usize = self.consumers.keys().map(|name| name.len() + size_of::<(Name, Consumer)>() + 16).sum();
        (self.pending.len() * pending + consumers) * 3 / 2
    }
}
