//! The operations on a stream, and on its groups. The page is `docs/format/change.md`.

use kvark_base::{Millis, Result};

use super::entry::{Entry, Fields};
use super::{Group, Id, Stream, encoded};
use crate::Forms;
use crate::wire::{Reader, put_bytes, put_signed, put_varint};

/// A change of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op<'a> {
    /// Adds an entry at the end. One that is not above the last id is not added.
    Append {
        /// Its id.
        id: Id,
        /// Field, value, field, value ...
        pairs: &'a [&'a [u8]],
    },
    /// Deletes entries; the highest id that was there is remembered.
    Delete {
        /// Their ids, in any order.
        ids: &'a [Id],
    },
    /// Removes all entries up to an id.
    Trim {
        /// The last that goes.
        through: Id,
    },
    /// What is known of the stream as a whole.
    SetIds {
        /// No entry may come that is not above it.
        last_id: Id,
        /// How many entries were ever added.
        entries_added: u64,
        /// The highest id that was ever deleted.
        max_deleted_id: Id,
    },
    /// Changes a group.
    Group {
        /// Its name.
        name: &'a [u8],
        /// How.
        op: GroupOp<'a>,
    },
}

/// A change of a consumer group. On a group that is not there, all but [`GroupOp::Create`] do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupOp<'a> {
    /// Makes the group, without consumers.
    Create {
        /// It has read up to here.
        last_id: Id,
        /// How many entries that are, if known.
        entries_read: Option<u64>,
    },
    /// How far the group has read.
    SetRead {
        /// The last entry that it got.
        last_id: Id,
        /// How many entries that are, if known.
        entries_read: Option<u64>,
    },
    /// Removes the group.
    Destroy,
    /// The times of a consumer, which is made if it is new.
    SetConsumer {
        /// Its name.
        consumer: &'a [u8],
        /// When it last asked for entries.
        seen_at: Millis,
        /// When it last got one, 0 for never.
        active_at: Millis,
    },
    /// Removes a consumer with all that is pending for it.
    DeleteConsumer {
        /// Its name.
        consumer: &'a [u8],
    },
    /// Notes entries as pending for a consumer, whoever had them before.
    Assign {
        /// The consumer, which is made if it is new.
        consumer: &'a [u8],
        /// When they were delivered last.
        delivered_at: Millis,
        /// How often.
        deliveries: u64,
        /// Their ids.
        ids: &'a [Id],
    },
    /// Entries are pending no more.
    Acknowledge {
        /// Their ids.
        ids: &'a [Id],
    },
}

const APPEND: u8 = 1;
const DELETE: u8 = 2;
const TRIM: u8 = 3;
const SET_IDS: u8 = 4;
const CREATE: u8 = 5;
const SET_READ: u8 = 6;
const DESTROY: u8 = 7;
const SET_CONSUMER: u8 = 8;
const DELETE_CONSUMER: u8 = 9;
const ASSIGN: u8 = 10;
const ACKNOWLEDGE: u8 = 11;
const APPEND_ALL: u8 = 12;

impl Op<'_> {
    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Append { id, pairs } => {
                out.push(APPEND);
                put_id(out, id);
                Fields::put(out, pairs);
            }
            Self::Delete { ids } => {
                out.push(DELETE);
                put_ids(out, ids);
            }
            Self::Trim { through } => {
                out.push(TRIM);
                put_id(out, through);
            }
            Self::SetIds { last_id, entries_added, max_deleted_id } => {
                out.push(SET_IDS);
                put_id(out, last_id);
                put_varint(out, entries_added);
                put_id(out, max_deleted_id);
            }
            Self::Group { name, op } => {
                out.push(op.number());
                put_bytes(out, name);
                op.encode(out);
            }
        }
    }
}

impl GroupOp<'_> {
    fn number(&self) -> u8 {
        match self {
            Self::Create { .. } => CREATE,
            Self::SetRead { .. } => SET_READ,
            Self::Destroy => DESTROY,
            Self::SetConsumer { .. } => SET_CONSUMER,
            Self::DeleteConsumer { .. } => DELETE_CONSUMER,
            Self::Assign { .. } => ASSIGN,
            Self::Acknowledge { .. } => ACKNOWLEDGE,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Create { last_id, entries_read } | Self::SetRead { last_id, entries_read } => {
                put_id(out, last_id);
                put_known(out, entries_read);
            }
            Self::Destroy => {}
            Self::SetConsumer { consumer, seen_at, active_at } => {
                put_bytes(out, consumer);
                put_varint(out, seen_at);
                put_varint(out, active_at);
            }
            Self::DeleteConsumer { consumer } => put_bytes(out, consumer),
            Self::Assign { consumer, delivered_at, deliveries, ids } => {
                put_bytes(out, consumer);
                put_varint(out, delivered_at);
                put_varint(out, deliveries);
                put_ids(out, ids);
            }
            Self::Acknowledge { ids } => put_ids(out, ids),
        }
    }
}

/// Appends the operation that adds entries, which rise, as a whole stream has them: those up to `end` bytes of `out`, and one more.
/// The id of the last one; nothing is appended where there are none.
pub(super) fn append_all<'a>(entries: impl Iterator<Item = Entry<'a>>, end: usize, out: &mut Vec<u8>) -> Option<Id> {
    let (mut bytes, room, mut last, mut count) = (Vec::new(), end.saturating_sub(out.len()), None, 0);
    let mut run = encoded::Run::default();
    for entry in entries {
        run.put(&entry, &mut bytes);
        (last, count) = (Some(entry.id), count + 1);
        if bytes.len() >= room {
            break;
        }
    }
    if last.is_some() {
        out.push(APPEND_ALL);
        put_varint(out, count);
        out.extend_from_slice(&bytes);
    }
    last
}

/// Whether the next operation of `ops` adds entries.
pub(super) fn appends(ops: &Reader<'_>) -> bool {
    matches!(ops.rest().first(), Some(&(APPEND | APPEND_ALL)))
}

/// Whether operations have something for those who wait to read: entries, or the end of a group. Those stand in front of others.
pub fn has_news(ops: &[u8]) -> bool {
    matches!(ops.first(), Some(&(APPEND | APPEND_ALL | DESTROY)))
}

/// Applies the next operation of `ops`.
pub(super) fn apply(stream: &mut Stream, ops: &mut Reader<'_>, forms: &Forms) -> Result<()> {
    match ops.byte()? {
        APPEND => {
            let (id, len) = (take_id(ops)?, ops.len());
            let fields = Fields::take(ops)?;
            stream.append(id, fields, len - ops.len(), forms);
        }
        APPEND_ALL => encoded::take_entries(stream, ops, forms)?,
        DELETE => stream.delete(take_ids(ops)?, forms),
        TRIM => stream.0.entries.trim(take_id(ops)?),
        SET_IDS => {
            stream.0.last_id = take_id(ops)?;
            stream.0.entries_added = ops.varint()?;
            stream.0.max_deleted_id = take_id(ops)?;
        }
        number => apply_to_group(stream, number, ops)?,
    }
    Ok(())
}

fn apply_to_group(stream: &mut Stream, number: u8, ops: &mut Reader<'_>) -> Result<()> {
    let (name, groups) = (ops.bytes()?, &mut stream.0.groups);
    match number {
        CREATE => drop(groups.insert(name.into(), Group::new(take_id(ops)?, take_known(ops)?))),
        DESTROY => drop(groups.remove(name)),
        _ => match groups.get_mut(name) {
            Some(group) => change_group(group, number, ops)?,
            None => change_group(&mut Group::default(), number, ops)?,
        },
    }
    Ok(())
}

fn change_group(group: &mut Group, number: u8, ops: &mut Reader<'_>) -> Result<()> {
    match number {
        SET_READ => group.set_read(take_id(ops)?, take_known(ops)?),
        SET_CONSUMER => group.set_consumer(ops.bytes()?, ops.varint()?, ops.varint()?),
        DELETE_CONSUMER => group.remove_consumer(ops.bytes()?),
        ASSIGN => {
            let (consumer, delivered_at, deliveries) = (ops.bytes()?, ops.varint()?, ops.varint()?);
            group.assign(consumer, &take_ids(ops)?, delivered_at, deliveries);
        }
        ACKNOWLEDGE => take_ids(ops)?.into_iter().for_each(|id| group.acknowledge(id)),
        _ => return Err(ops.corrupt()),
    }
    Ok(())
}

/// Appends an id.
pub(super) fn put_id(out: &mut Vec<u8>, id: Id) {
    put_varint(out, id.ms);
    put_varint(out, id.seq);
}

/// Takes an id.
pub(super) fn take_id(reader: &mut Reader<'_>) -> Result<Id> {
    Ok(Id { ms: reader.varint()?, seq: reader.varint()? })
}

/// Appends a number that may be unknown.
pub(super) fn put_known(out: &mut Vec<u8>, number: Option<u64>) {
    put_varint(out, number.map_or(0, |number| number.saturating_add(1)));
}

/// Takes a number that may be unknown.
pub(super) fn take_known(reader: &mut Reader<'_>) -> Result<Option<u64>> {
    Ok(reader.varint()?.checked_sub(1))
}

/// Appends ids, each by what it differs from the one before it, which is little.
fn put_ids(out: &mut Vec<u8>, ids: &[Id]) {
    put_varint(out, ids.len() as u64);
    let mut before = Id::MIN;
    for &id in ids {
        put_signed(out, id.ms.wrapping_sub(before.ms) as i64);
        put_signed(out, id.seq.wrapping_sub(before.seq) as i64);
        before = id;
    }
}

fn take_ids(reader: &mut Reader<'_>) -> Result<Vec<Id>> {
    let count = reader.varint()?;
    let (mut ids, mut before) = (Vec::new(), Id::MIN);
    for _ in 0..count {
        before.ms = before.ms.wrapping_add(reader.signed()? as u64);
        before.seq = before.seq.wrapping_add(reader.signed()? as u64);
        ids.push(before);
    }
    Ok(ids)
}
