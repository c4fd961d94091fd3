//! A whole stream as bytes. The page is `docs/format/value.md`.
//!
//! Invariant: the bytes do not depend on how the entries are cut into chunks.

use kvark_base::Result;

use super::entry::{Entries, Entry, Names};
use super::group::{Consumer, Pending};
use super::op::{put_id, put_known, take_id, take_known};
use super::{Body, Group, Id, Stream};
use crate::wire::{Reader, put_bytes, put_signed, put_varint};
use crate::{Collection, Forms};

/// So many entries stand behind one list of names.
const RUN: usize = 128;

pub(super) fn encode(stream: &Stream, out: &mut Vec<u8>) {
    let body = &stream.0;
    put_head(out, body);
    put_varint(out, stream.len() as u64);
    put_entries(out, stream);
    put_varint(out, body.groups.len() as u64);
    for (name, group) in &body.groups {
        put_bytes(out, name);
        put_group(out, group);
    }
}

fn put_head(out: &mut Vec<u8>, body: &Body) {
    put_id(out, body.last_id);
    put_id(out, body.max_deleted_id);
    put_varint(out, body.entries_added);
}

fn put_entries(out: &mut Vec<u8>, stream: &Stream) {
    let mut run = Run::default();
    stream.range(Id::MIN, Id::MAX).for_each(|entry| run.put(&entry, out));
}

/// Writes entries one behind the other.
#[derive(Default)]
pub(super) struct Run {
    count: usize,
    before: Id,
    names: Vec<u8>,
}

impl Run {
    /// Appends the next one, whose id is above all before it.
    pub(super) fn put(&mut self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        if self.count.is_multiple_of(RUN) {
            self.names.clear();
            Names::put(&mut self.names, entry.fields.clone());
            out.extend_from_slice(&self.names);
        }
        let names = Names::take(&mut Reader::new(&self.names, "names"));
        entry.put(out, self.before, names.is_ok_and(|names| names.are_those_of(&entry.fields)));
        (self.count, self.before) = (self.count + 1, entry.id);
    }
}

fn put_group(out: &mut Vec<u8>, group: &Group) {
    put_id(out, group.last_id());
    put_known(out, group.entries_read());
    put_varint(out, group.consumers().len() as u64);
    for (name, consumer) in group.consumers() {
        put_bytes(out, name);
        put_consumer(out, group, consumer);
    }
}

fn put_consumer(out: &mut Vec<u8>, group: &Group, consumer: &Consumer) {
    put_varint(out, consumer.seen_at);
    put_varint(out, consumer.active_at);
    put_varint(out, consumer.pending_len() as u64);
    let mut before = (Id::MIN, 0);
    for (id, pending) in consumer.pending_from(Id::MIN).filter_map(|id| group.pending(id).map(|it| (id, it))) {
        put_pending(out, before, id, pending);
        before = (id, pending.delivered_at);
    }
}

/// What differs from the one before it.
fn put_pending(out: &mut Vec<u8>, (before, delivered_before): (Id, u64), id: Id, pending: &Pending) {
    put_varint(out, id.ms - before.ms);
    put_signed(out, id.seq.wrapping_sub(before.seq) as i64);
    put_signed(out, pending.delivered_at.wrapping_sub(delivered_before) as i64);
    put_varint(out, pending.deliveries);
}

pub(super) fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Stream> {
    let mut stream = Stream::default();
    let (last_id, max_deleted_id, entries_added) = (take_id(reader)?, take_id(reader)?, reader.varint()?);
    take_entries(&mut stream, reader, forms)?;
    (stream.0.last_id, stream.0.max_deleted_id, stream.0.entries_added) = (last_id, max_deleted_id, entries_added);
    for _ in 0..reader.varint()? {
        let name = reader.bytes()?;
        stream.0.groups.insert(name.into(), take_group(reader)?);
    }
    Ok(stream)
}

/// Takes how many entries there are, and appends them to `stream`.
pub(super) fn take_entries(stream: &mut Stream, reader: &mut Reader<'_>, forms: &Forms) -> Result<()> {
    let (mut left, mut before) = (reader.varint()?, Id::MIN);
    while left > 0 {
        let run = left.min(RUN as u64);
        let names = Names::take(reader)?;
        let mut entries = Entries::new(names, before, reader.clone());
        for _ in 0..run {
            let len = entries.rest().len();
            let entry = entries.read()?;
            before = entry.id;
            stream.append(entry.id, entry.fields, len - entries.rest().len(), forms);
        }
        *reader = entries.rest().clone();
        left -= run;
    }
    Ok(())
}

fn take_group(reader: &mut Reader<'_>) -> Result<Group> {
    let mut group = Group::new(take_id(reader)?, take_known(reader)?);
    for _ in 0..reader.varint()? {
        let name = reader.bytes()?;
        group.set_consumer(name, reader.varint()?, reader.varint()?);
        take_all_pending(&mut group, name, reader)?;
    }
    Ok(group)
}

fn take_all_pending(group: &mut Group, consumer: &[u8], reader: &mut Reader<'_>) -> Result<()> {
    let (mut id, mut delivered_at) = (Id::MIN, 0u64);
    for _ in 0..reader.varint()? {
        id.ms = id.ms.checked_add(reader.varint()?).ok_or_else(|| reader.corrupt())?;
        id.seq = id.seq.wrapping_add(reader.signed()? as u64);
        delivered_at = delivered_at.wrapping_add(reader.signed()? as u64);
        group.assign(consumer, &[id], delivered_at, reader.varint()?);
    }
    Ok(())
}

/// Hands over each entry, each group, each consumer with what is pending for it, and the stream's head.
pub(super) fn each_for_digest(stream: &Stream, each: &mut dyn FnMut(&[u8])) {
    let mut out = Vec::new();
    let mut hand_over = |put: &dyn Fn(&mut Vec<u8>)| {
        out.clear();
        put(&mut out);
        each(&out);
    };
    hand_over(&|out| put_head(out, &stream.0));
    for entry in stream.range(Id::MIN, Id::MAX) {
        hand_over(&|out| entry.put(out, Id::MIN, false));
    }
    for (name, group) in &stream.0.groups {
        hand_over(&|out| {
            put_bytes(out, name);
            put_group(out, group);
        });
    }
}
