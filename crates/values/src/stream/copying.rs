//! A stream that is copied in parts: its entries from the first on, then its groups, then what is known of it as a whole.
//!
//! While entries are copied, new ones come behind the place that the copy has reached, so it meets them later.

use std::ops::Bound::{Excluded, Unbounded};

use super::op::{self, GroupOp, Op};
use super::{Group, Id, Stream};
use crate::Forms;
use crate::copying::{Copying, Place};
use crate::wire::Reader;

/// See [`Collection::copy_part`](crate::Collection::copy_part).
pub(super) fn copy_part(stream: &Stream, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
    let end = out.len() + len_bytes;
    loop {
        copying.0 = match &copying.0 {
            Place::Start => copy_entries(stream, Some(Id::MIN), end, out),
            Place::Entries(last) => copy_entries(stream, last.next(), end, out),
            Place::Group(name, from) => copy_pending(stream, name, *from, end, out),
            _ => return copying.end(),
        };
        if copying.0 == Place::End {
            let body = &stream.0;
            let (last_id, entries_added, max_deleted_id) = (body.last_id, body.entries_added, body.max_deleted_id);
            Op::SetIds { last_id, entries_added, max_deleted_id }.encode(out);
            return false;
        }
        if out.len() >= end {
            return true;
        }
    }
}

/// Entries from `first` on; those that fit, and one more.
fn copy_entries(stream: &Stream, first: Option<Id>, end: usize, out: &mut Vec<u8>) -> Place {
    let entries = first.into_iter().flat_map(|first| stream.range(first, Id::MAX));
    match op::append_all(entries, end, out) {
        Some(last) => Place::Entries(last),
        None => next_group(stream, Unbounded, out),
    }
}

/// The head of the next group behind `name`, and its consumers.
fn next_group(stream: &Stream, name: std::ops::Bound<&[u8]>, out: &mut Vec<u8>) -> Place {
    let Some((name, group)) = stream.0.groups.range::<[u8], _>((name, Unbounded)).next() else { return Place::End };
    let mut put = |op| Op::Group { name, op }.encode(out);
    put(GroupOp::Create { last_id: group.last_id(), entries_read: group.entries_read() });
    for (consumer, it) in group.consumers() {
        put(GroupOp::SetConsumer { consumer, seen_at: it.seen_at, active_at: it.active_at });
    }
    Place::Group(name.clone(), Id::MIN)
}

/// What is pending for the group from an id on; behind that the next group.
fn copy_pending(stream: &Stream, name: &[u8], from: Id, end: usize, out: &mut Vec<u8>) -> Place {
    // A group that was destroyed meanwhile has nothing.
    for (id, pending) in stream.group(name).into_iter().flat_map(|group: &Group| group.pending_from(from)) {
        if out.len() >= end {
            return Place::Group(name.into(), id);
        }
        let (consumer, delivered_at, deliveries) = (pending.consumer(), pending.delivered_at, pending.deliveries);
        Op::Group { name, op: GroupOp::Assign { consumer, delivered_at, deliveries, ids: &[id] } }.encode(out);
    }
    next_group(stream, Excluded(name), out)
}

/// See [`Collection::follow`](crate::Collection::follow).
pub(super) fn follow(copying: &Copying, ops: &[u8], out: &mut Vec<u8>) {
    if !matches!(copying.0, Place::Start | Place::Entries(_)) {
        return out.extend_from_slice(ops);
    }
    let mut reader = Reader::new(ops, "a stream");
    while !reader.is_empty() {
        let (rest, appends) = (reader.rest(), op::appends(&reader));
        // Applied to nothing, an operation is passed over. Whoever applies it in earnest refuses what makes no sense.
        if op::apply(&mut Stream::default(), &mut reader, &Forms::default()).is_err() {
            return;
        }
        if !appends {
            out.extend_from_slice(&rest[..rest.len() - reader.len()]);
        }
    }
}
