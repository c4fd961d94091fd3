//! What a stream is, as plainly as can be.

use std::collections::BTreeMap;

use super::super::{GroupOp, Id, Op};

pub(super) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Default)]
pub(super) struct ModelGroup {
    pub read: (Id, Option<u64>),
    pub consumers: BTreeMap<Vec<u8>, (u64, u64)>,
    pub pending: BTreeMap<Id, (Vec<u8>, u64, u64)>,
}

#[derive(Default)]
pub(super) struct Model {
    pub entries: BTreeMap<Id, Pairs>,
    pub ids: (Id, u64, Id),
    pub groups: BTreeMap<Vec<u8>, ModelGroup>,
}

impl Model {
    pub fn apply(&mut self, op: &Op) {
        match *op {
            Op::Append { id, pairs } => {
                let pairs = pairs.chunks(2).map(|pair| (pair[0].to_vec(), pair[1].to_vec())).collect();
                self.entries.insert(id, pairs);
                self.ids = (self.ids.0.max(id), self.ids.1 + 1, self.ids.2);
            }
            Op::Delete { ids } => {
                let deleted = ids.iter().filter(|id| self.entries.remove(id).is_some()).max();
                self.ids.2 = self.ids.2.max(deleted.copied().unwrap_or_default());
            }
            Op::Trim { through } => self.entries.retain(|&id, _| id > through),
            Op::SetIds { last_id, entries_added, max_deleted_id } => {
                self.ids = (last_id, entries_added, max_deleted_id)
            }
            Op::Group { name, op: GroupOp::Create { last_id, entries_read } } => {
                self.groups.insert(name.to_vec(), ModelGroup { read: (last_id, entries_read), ..Default::default() });
            }
            Op::Group { name, op: GroupOp::Destroy } => drop(self.groups.remove(name)),
            Op::Group { name, op } => drop(self.groups.get_mut(name).map(|group| group.apply(&op))),
        }
    }
}

impl ModelGroup {
    fn apply(&mut self, op: &GroupOp) {
        match *op {
            GroupOp::Create { .. } | GroupOp::Destroy => {}
            GroupOp::SetRead { last_id, entries_read } => self.read = (last_id, entries_read),
            GroupOp::SetConsumer { consumer, seen_at, active_at } => {
                self.consumers.insert(consumer.to_vec(), (seen_at, active_at));
            }
            GroupOp::DeleteConsumer { consumer } => {
                self.consumers.remove(consumer);
                self.pending.retain(|_, pending| pending.0 != consumer);
            }
            GroupOp::Assign { consumer, delivered_at, deliveries, ids } => {
                self.consumers.entry(consumer.to_vec()).or_default();
                let pending = (consumer.to_vec(), delivered_at, deliveries);
                self.pending.extend(ids.iter().map(|&id| (id, pending.clone())));
            }
            GroupOp::Acknowledge { ids } => ids.iter().for_each(|id| drop(self.pending.remove(id))),
        }
    }
}
