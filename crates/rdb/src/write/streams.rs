//! Streams are written as Redis keeps them: listpacks of entries, each from a master entry on. The bytes are in `read/streams.rs`.

use std::borrow::Cow;

use kvark_base::Millis;
use kvark_values::stream::Id;

use super::Form;
use crate::packed::listpack::ListpackWriter;
use crate::part::{Consumer, Counters, Group, Pending};
use crate::{kinds, length, string};

/// Most entries of a listpack, and most bytes before the next one is begun: Redis' own.
const NODE_ENTRIES: u64 = 100;
const NODE_BYTES: usize = 4096;

/// How a missing moment or number is written.
const NONE: u64 = u64::MAX;

const SAME_FIELDS: i64 = 2;

/// Collects what a stream consists of.
#[derive(Debug, Default)]
pub struct StreamWriter {
    nodes: Vec<u8>,
    node_count: u64,
    node: Option<Node>,
    entries: u64,
    first: Id,
    counters: Counters,
    groups: Vec<Group<'static>>,
}

impl StreamWriter {
    /// The next entry: a name, its value, a name, its value ...
    pub fn entry(&mut self, id: Id, fields: &[Cow<'_, [u8]>]) {
        if self.entries == 0 {
            self.first = id;
        }
        self.entries += 1;
        self.node.get_or_insert_with(|| Node::new(id, fields)).push(id, fields);
        if self.node.as_ref().is_some_and(Node::is_full) {
            self.finish_node();
        }
    }

    fn finish_node(&mut self) {
        let Some(node) = self.node.take() else { return };
        self.node_count += 1;
        string::put_plain(&mut self.nodes, &long_id(node.master));
        string::put(&mut self.nodes, &node.finish());
    }

    /// The counters.
    pub fn counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// The next group.
    pub fn group(&mut self, group: Group<'_>) {
        self.groups.push(group.into_owned());
    }

    /// The form that holds all of it: that of Redis 7.0, unless a consumer was active at another time than it was seen, which
    /// 7.2 was the first to write.
    fn form(&self) -> Form {
        let mut consumers = self.groups.iter().flat_map(|group| &group.consumers);
        match consumers.all(|consumer| consumer.active_at == Some(consumer.seen_at)) {
            true => Form { kind: kinds::STREAM_LISTPACKS_2, version: 10 },
            false => Form { kind: kinds::STREAM_LISTPACKS_3, version: 11 },
        }
    }

    /// Appends the whole; says in which form it is.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Form {
        self.finish_node();
        let form = self.form();
        length::put(out, self.node_count);
        out.extend_from_slice(&self.nodes);
        length::put(out, self.entries);
        for id in [self.counters.last_id, self.first, self.counters.max_deleted_id] {
            put_short_id(out, id);
        }
        length::put(out, self.counters.entries_added);
        length::put(out, self.groups.len() as u64);
        self.groups.iter().for_each(|group| put_group(out, group, form.kind));
        form
    }
}

/// A listpack that is not finished.
#[derive(Debug)]
struct Node {
    master: Id,
    names: Vec<Vec<u8>>,
    entries: u64,
    body: ListpackWriter,
}

impl Node {
    fn new(master: Id, fields: &[Cow<'_, [u8]>]) -> Self {
        let names = fields.iter().step_by(2).map(|name| name.to_vec()).collect();
        Self { master, names, entries: 0, body: ListpackWriter::default() }
    }

    fn is_full(&self) -> bool {
        self.entries >= NODE_ENTRIES || self.body.len() >= NODE_BYTES
    }

    fn push(&mut self, id: Id, fields: &[Cow<'_, [u8]>]) {
        let same = fields.iter().step_by(2).map(|name| &name[..]).eq(self.names.iter().map(|name| &name[..]));
        self.entries += 1;
        let body = &mut self.body;
        body.push_integer(if same { SAME_FIELDS } else { 0 });
        body.push_integer(id.ms.wrapping_sub(self.master.ms) as i64);
        body.push_integer(id.seq.wrapping_sub(self.master.seq) as i64);
        if same {
            fields.iter().skip(1).step_by(2).for_each(|value| body.push(value));
            body.push_integer(fields.len() as i64 / 2 + 3);
        } else {
            body.push_integer(fields.len() as i64 / 2);
            fields.iter().for_each(|text| body.push(text));
            body.push_integer(fields.len() as i64 + 4);
        }
    }

    fn finish(self) -> Vec<u8> {
        let mut whole = ListpackWriter::default();
        for count in [self.entries, 0, self.names.len() as u64] {
            whole.push_integer(count as i64);
        }
        self.names.iter().for_each(|name| whole.push(name));
        whole.push_integer(0);
        whole.append(&self.body);
        whole.finish()
    }
}

fn put_group(out: &mut Vec<u8>, group: &Group<'_>, kind: u8) {
    string::put(out, &group.name);
    put_short_id(out, group.last_id);
    length::put(out, group.entries_read.unwrap_or(NONE));
    length::put(out, group.pending.len() as u64);
    for pending in &group.pending {
        out.extend_from_slice(&long_id(pending.id));
        put_moment(out, Some(pending.delivered_at));
        length::put(out, pending.deliveries);
    }
    length::put(out, group.consumers.len() as u64);
    let owned = by_consumer(group);
    for (consumer, ids) in group.consumers.iter().zip(&owned) {
        put_consumer(out, consumer, ids, kind);
    }
}

/// The ids that each consumer has.
fn by_consumer(group: &Group<'_>) -> Vec<Vec<Id>> {
    let mut owned = vec![Vec::new(); group.consumers.len()];
    for &Pending { id, consumer, .. } in &group.pending {
        owned[consumer].push(id);
    }
    owned
}

fn put_consumer(out: &mut Vec<u8>, consumer: &Consumer<'_>, ids: &[Id], kind: u8) {
    string::put(out, &consumer.name);
    put_moment(out, Some(consumer.seen_at));
    if kind == kinds::STREAM_LISTPACKS_3 {
        put_moment(out, consumer.active_at);
    }
    length::put(out, ids.len() as u64);
    ids.iter().for_each(|&id| out.extend_from_slice(&long_id(id)));
}

fn long_id(id: Id) -> [u8; 16] {
    (u128::from(id.ms) << 64 | u128::from(id.seq)).to_be_bytes()
}

fn put_short_id(out: &mut Vec<u8>, id: Id) {
    length::put(out, id.ms);
    length::put(out, id.seq);
}

fn put_moment(out: &mut Vec<u8>, moment: Option<Millis>) {
    out.extend_from_slice(&moment.unwrap_or(NONE).to_le_bytes());
}
