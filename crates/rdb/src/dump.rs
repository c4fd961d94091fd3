//! A value becomes a payload.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use kvark_base::Millis;
use kvark_values::stream::{Id, Stream};
use kvark_values::zset::Entry;
use kvark_values::{Collection, Hash, IntBuffer, List, Set, StringRef, Type, ValueRef, Zset};

use crate::Dumper;
use crate::part::{Consumer, Counters, Group, Part, Pending};

/// The payload of a value.
pub fn dump(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::String(text) => {
            let mut dumper = Dumper::new(Type::String, 1, 0);
            dumper.put(Part::Text(text.text(&mut IntBuffer::new())));
            dumper.finish()
        }
        ValueRef::List(it) => dump_list(it),
        ValueRef::Set(it) => dump_set(it),
        ValueRef::Zset(it) => dump_zset(it),
        ValueRef::Hash(it) => dump_hash(it),
        ValueRef::Stream(it) => dump_stream(it),
    }
}

fn begin<C: Collection>(it: &C, deadlines: impl Iterator<Item = Millis>) -> (Dumper, IntBuffer) {
    let first = deadlines.filter(|&deadline| deadline != 0).min().unwrap_or(0);
    (Dumper::new(C::TYPE, it.len(), first), IntBuffer::new())
}

fn dump_list(list: &List) -> Vec<u8> {
    let (mut dumper, mut buffer) = begin(list, iter::empty());
    list.iter().for_each(|value| dumper.put(Part::Element(value.text(&mut buffer))));
    dumper.finish()
}

fn dump_set(set: &Set) -> Vec<u8> {
    let (mut dumper, mut buffer) = begin(set, set.with_deadlines().map(|(_, deadline)| deadline));
    for (member, expires_at) in set.with_deadlines() {
        dumper.put(Part::Member { member: member.text(&mut buffer), expires_at });
    }
    dumper.finish()
}

fn dump_zset(zset: &Zset) -> Vec<u8> {
    let (mut dumper, mut buffer) = begin(zset, zset.iter().map(|entry| entry.deadline));
    for Entry { member, score, deadline } in zset.iter() {
        dumper.put(Part::Scored { member: member.text(&mut buffer), score, expires_at: deadline });
    }
    dumper.finish()
}

fn dump_hash(hash: &Hash) -> Vec<u8> {
    let (mut dumper, mut name_buffer) = begin(hash, hash.with_deadlines().map(|(_, _, deadline)| deadline));
    let mut value_buffer = IntBuffer::new();
    for (name, value, expires_at) in hash.with_deadlines() {
        let (name, value) = (name.text(&mut name_buffer), value.text(&mut value_buffer));
        dumper.put(Part::Field { name, value, expires_at });
    }
    dumper.finish()
}

fn dump_stream(stream: &Stream) -> Vec<u8> {
    let (mut dumper, _) = begin(stream, iter::empty());
    for entry in stream.range(Id::MIN, Id::MAX) {
        let fields: Vec<Cow<'_, [u8]>> = entry.fields.flat_map(|(name, value)| [owned(name), owned(value)]).collect();
        dumper.put(Part::Entry { id: entry.id, fields: &fields });
    }
    let (last_id, max_deleted_id) = (stream.last_id(), stream.max_deleted_id());
    dumper.put(Part::Counters(Counters { last_id, max_deleted_id, entries_added: stream.entries_added() }));
    stream.groups().for_each(|(name, group)| dumper.put(Part::Group(group_of(name, group))));
    dumper.finish()
}

fn owned(string: StringRef<'_>) -> Cow<'_, [u8]> {
    match string {
        StringRef::Bytes(bytes) => Cow::Borrowed(bytes),
        StringRef::Int(number) => Cow::Owned(IntBuffer::new().format(number).as_bytes().to_vec()),
    }
}

fn group_of<'a>(name: &'a [u8], group: &'a kvark_values::stream::Group) -> Group<'a> {
    let places: BTreeMap<&[u8], usize> = group.consumers().enumerate().map(|(at, (name, _))| (name, at)).collect();
    let consumers = group.consumers().map(|(name, consumer)| Consumer {
        name: Cow::Borrowed(name),
        seen_at: consumer.seen_at,
        active_at: Some(consumer.active_at).filter(|&active_at| active_at != 0),
    });
    let pending = group.pending_from(Id::MIN).map(|(id, pending)| Pending {
        id,
        consumer: places[pending.consumer()],
        delivered_at: pending.delivered_at,
        deliveries: pending.deliveries,
    });
    Group {
        name: Cow::Borrowed(name),
        last_id: group.last_id(),
        entries_read: group.entries_read(),
        consumers: consumers.collect(),
        pending: pending.collect(),
    }
}
