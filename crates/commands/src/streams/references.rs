//! What becomes of the groups' pending entries when entries go.

use kvark_call::Request;
use kvark_values::Stream;
use kvark_values::stream::{GroupOp, Id};

use super::put_group_op;

/// The choice of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum References {
    /// They stay pending, without their fields.
    #[default]
    Keep,
    /// They are pending no more.
    Delete,
    /// Entries go only if every group has got and acknowledged them.
    Acked,
}

impl References {
    /// The choice that argument `at` names.
    pub fn named(req: &Request, at: usize) -> Option<Self> {
        let words = [("KEEPREF", Self::Keep), ("DELREF", Self::Delete), ("ACKED", Self::Acked)];
        words.into_iter().find(|(word, _)| req.is(at, word)).map(|(_, it)| it)
    }
}

/// Whether a group has yet to get or to acknowledge `id`; what is pending in the group `but_of` does not count.
pub fn is_referenced(stream: &Stream, id: Id, but_of: Option<&[u8]>) -> bool {
    let waits = |name, it: &kvark_values::stream::Group| but_of != Some(name) && it.pending(id).is_some();
    stream.groups().any(|(name, group)| group.last_id() < id || waits(name, group))
}

/// `ids` are pending in no group any more.
pub fn put_forget(stream: &Stream, ids: &[Id], ops: &mut Vec<u8>) {
    for (name, group) in stream.groups() {
        let pending: Vec<Id> = ids.iter().copied().filter(|&id| group.pending(id).is_some()).collect();
        if !pending.is_empty() {
            put_group_op(ops, name, GroupOp::Acknowledge { ids: &pending });
        }
    }
}

/// Of the entries up to `through`, none is pending any more; what is pending of entries that are gone stays so.
pub fn put_forget_through(stream: &Stream, through: Id, ops: &mut Vec<u8>) {
    for (name, group) in stream.groups() {
        let pending = group.pending_from(Id::MIN).map(|(id, _)| id).take_while(|&id| id <= through);
        let ids: Vec<Id> = pending.filter(|&id| stream.get(id).is_some()).collect();
        if !ids.is_empty() {
            put_group_op(ops, name, GroupOp::Acknowledge { ids: &ids });
        }
    }
}
