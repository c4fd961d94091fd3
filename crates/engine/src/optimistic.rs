//! Transactions of the embedded door. What was read is remembered with its version and what is to be written waits; the commit
//! checks the one and does the other under one hold of all their shards.
//!
//! Invariant: a commit whose reads are still true writes everything, in one bracket; any other writes nothing.

use kvark_base::{Millis, Position};
use kvark_call::Fault;
use kvark_keyspace::{Event, Needs, View, Writer};
use kvark_values::{IntBuffer, NewValue};

use crate::door::{check_key, check_value};
use crate::engine::Engine;

/// What was found at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Says which change the key was at; the next one has another.
    pub version: Position,
    /// When it expires, 0 for never.
    pub expires_at: Millis,
    /// Its string; `None` when it holds another type.
    pub value: Option<Vec<u8>>,
}

/// A key that was read, and its version then (0: it was missing).
pub type Read<'a> = (&'a [u8], Position);

/// A key that is to be changed: to a string with its deadline (0: none), or removed.
pub type Change<'a> = (&'a [u8], Option<(&'a [u8], Millis)>);

impl Engine {
    /// What is at `key`, to be remembered for [`Engine::commit`].
    pub fn look(&self, db: u32, key: &[u8]) -> Result<Option<Seen>, Fault> {
        let view = self.keyspace.view_one(db, self.keyspace.key(key), self.now_ms());
        let found = view.find(key).map(|entry| Seen {
            version: entry.version(),
            expires_at: entry.expires_at(),
            value: entry.value().as_string().map(|string| string.text(&mut IntBuffer::new()).to_vec()),
        });
        let seen = view.seen();
        drop(view);
        self.confirm(seen)?;
        Ok(found)
    }

    /// Makes all of `changes` if every one of `reads` is still true; whether it was so.
    pub fn commit(&self, db: u32, reads: &[Read<'_>], changes: &[Change<'_>]) -> Result<bool, Fault> {
        for (key, change) in changes {
            check_key(key)?;
            change.map_or(Ok(()), |(value, _)| check_value(value))?;
        }
        let len_bytes =
            changes.iter().map(|(key, change)| key.len() + change.map_or(0, |(value, _)| value.len())).sum();
        self.admit_patiently(len_bytes)?;
        let keys = reads.iter().map(|(key, _)| *key).chain(changes.iter().map(|(key, _)| *key));
        let shards = keys.map(|key| self.keyspace.key(key).shard).collect();
        let needs = Needs { shards, all: false, effects: changes.len(), len_bytes };
        let mut transaction = self.keyspace.transaction(needs, self.now_ms());
        let still_true = transaction.read(db, |view| reads.iter().all(|read| is_true(view, read)));
        if still_true && !changes.is_empty() {
            transaction.write(db, |writer| make(writer, changes, len_bytes))?;
        }
        let depends = transaction.seen().max(transaction.written());
        drop(transaction);
        self.confirm(depends.max(self.serve_waiting()))?;
        Ok(still_true)
    }
}

fn is_true(view: &View<'_>, (key, version): &Read<'_>) -> bool {
    view.peek(key).map_or(0, |entry| entry.version()) == *version
}

fn make(writer: &mut Writer<'_>, changes: &[Change<'_>], len_bytes: usize) -> Result<(), Fault> {
    // All of the room first, so that nothing can fail on the way.
    writer.bracket(changes.len(), len_bytes)?;
    let now_ms = writer.now_ms();
    for &(key, change) in changes {
        match change {
            Some((value, expires_at)) if expires_at == 0 || expires_at > now_ms => {
                writer.set_second_event((expires_at != 0).then_some(&Event::EXPIRE));
                writer.put_value(key, NewValue::string(value), expires_at)?;
            }
            // A time that came before the commit came at once.
            _ => drop(writer.remove(key)?),
        }
    }
    Ok(())
}
