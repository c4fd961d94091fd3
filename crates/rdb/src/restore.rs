//! A payload becomes a value.
//!
//! Invariant: a value is what its operations make of an empty one, so it has the form that it would have if a client had made it.
//! Invariant: what compressed bytes expand to is bounded by the length of a value, not only by theirs.
//! Invariant: a payload that names a member, a group or a consumer twice is refused.

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_base::{Millis, Result};
use kvark_values::{Collection, Forms, Value, hash, list, set, stream, zset};

use crate::Payload;
use crate::part::{Consumer, Counters, Group, Part, Pending};
use crate::source::nonsense;

/// So many bytes of operations are applied at once.
const BATCH_BYTES: usize = 1 << 16;

/// The value of a payload, without the members whose deadline is not after `now_ms`; `None` when no other has it.
pub fn restore(payload: &Payload<'_>, now_ms: Millis, forms: &Forms) -> Result<Option<Value>> {
    restore_within(MAX_VALUE_LEN, payload, now_ms, forms)
}

fn restore_within(most_bytes: usize, payload: &Payload<'_>, now_ms: Millis, forms: &Forms) -> Result<Option<Value>> {
    let value = Value::empty(payload.of_type());
    let mut builder = Builder { value, ops: Vec::new(), members: 0, len_bytes: 0, most_bytes, now_ms, forms };
    payload.read(&mut |part| builder.take(part))?;
    builder.finish()
}

struct Builder<'f> {
    value: Value,
    /// What was not applied yet.
    ops: Vec<u8>,
    /// How many members there should be.
    members: usize,
    /// How many bytes all operations had, and may have.
    len_bytes: usize,
    most_bytes: usize,
    now_ms: Millis,
    forms: &'f Forms,
}

impl Builder<'_> {
    fn take(&mut self, part: Part<'_>) -> Result<()> {
        let ops = &mut self.ops;
        match part {
            Part::Text(text) => self.value = Value::Bytes(text.to_vec()),
            Part::Element(value) => list::Op::Push { end: list::End::Back, value }.encode(ops),
            Part::Member { expires_at, .. } | Part::Scored { expires_at, .. } | Part::Field { expires_at, .. }
                if expires_at != 0 && expires_at <= self.now_ms =>
            {
                return Ok(());
            }
            Part::Member { member, expires_at } => set::Op::Add { member, deadline: expires_at }.encode(ops),
            Part::Scored { member, score, expires_at } => {
                zset::Op::Put { member, score, deadline: expires_at }.encode(ops);
            }
            Part::Field { name, value, expires_at } => hash::Op::Set { field: name, value, expires_at }.encode(ops),
            Part::Entry { id, fields } => {
                let pairs: Vec<&[u8]> = fields.iter().map(|field| &field[..]).collect();
                stream::Op::Append { id, pairs: &pairs }.encode(ops);
            }
            Part::Counters(counters) => return self.counters(counters),
            Part::Group(group) => return self.group(&group),
        }
        self.members += 1;
        if self.ops.len() >= BATCH_BYTES { self.apply() } else { Ok(()) }
    }

    fn apply(&mut self) -> Result<()> {
        self.len_bytes += self.ops.len();
        if self.len_bytes > self.most_bytes {
            return Err(nonsense("the value is longer than a value may be"));
        }
        let applied = self.value.apply(&self.ops, self.forms);
        self.ops.clear();
        applied
    }

    fn counters(&mut self, counters: Counters) -> Result<()> {
        let Counters { last_id, max_deleted_id, entries_added } = counters;
        stream::Op::SetIds { last_id, entries_added, max_deleted_id }.encode(&mut self.ops);
        self.apply()
    }

    fn group(&mut self, group: &Group<'_>) -> Result<()> {
        if self.stream_group(&group.name).is_some() {
            return Err(nonsense("a stream has two groups of one name"));
        }
        put_group(&mut self.ops, group);
        self.apply()?;
        match self.stream_group(&group.name) {
            Some(made) if made.consumers().len() == group.consumers.len() => Ok(()),
            _ => Err(nonsense("a group has two consumers of one name")),
        }
    }

    fn stream_group(&self, name: &[u8]) -> Option<&stream::Group> {
        match &self.value {
            Value::Stream(it) => it.group(name),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        match &self.value {
            Value::Bytes(_) => 1,
            Value::List(it) => it.len(),
            Value::Set(it) => it.len(),
            Value::Zset(it) => it.len(),
            Value::Hash(it) => it.len(),
            Value::Stream(it) => it.len(),
        }
    }

    fn finish(mut self) -> Result<Option<Value>> {
        if !self.ops.is_empty() {
            self.apply()?;
        }
        if self.len() != self.members {
            return Err(nonsense("a member comes twice"));
        }
        Ok(Some(self.value).filter(|value| !value.is_gone()))
    }
}

fn put_group(ops: &mut Vec<u8>, group: &Group<'_>) {
    let name = &group.name;
    let Group { last_id, entries_read, .. } = *group;
    stream::Op::Group { name, op: stream::GroupOp::Create { last_id, entries_read } }.encode(ops);
    for Consumer { name: consumer, seen_at, active_at } in &group.consumers {
        let (seen_at, active_at) = (*seen_at, active_at.unwrap_or(0));
        stream::Op::Group { name, op: stream::GroupOp::SetConsumer { consumer, seen_at, active_at } }.encode(ops);
    }
    for &Pending { id, consumer, delivered_at, deliveries } in &group.pending {
        let consumer = &group.consumers[consumer].name;
        let op = stream::GroupOp::Assign { consumer, delivered_at, deliveries, ids: &[id] };
        stream::Op::Group { name, op }.encode(ops);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dumper, dump};
    use kvark_values::Type;

    #[test]
    fn what_expands_beyond_a_value_is_refused() {
        let mut dumper = Dumper::new(Type::List, 10, 0);
        (0..10).for_each(|_| dumper.put(Part::Element(&[b'x'; 10_000])));
        let bytes = dumper.finish();
        assert!(bytes.len() < 2000);
        let within = |most_bytes| restore_within(most_bytes, &Payload::open(&bytes).unwrap(), 0, &Forms::default());
        assert!(within(90_000).unwrap_err().message().contains("longer than a value may be"));
        assert_eq!(dump(within(110_000).unwrap().unwrap().as_ref()), bytes);
    }
}
