//! Shards held for several commands, one after the other, as if they were one.
//!
//! All shards are taken before the first command, in ascending order. A [`View`] or a [`Writer`] is lent to each command in its turn.
//! The effects of all of them are in one bracket of the log, which the first effect opens and which grows with what comes.
//!
//! Invariant: no shard is taken after the first, so a command that reaches for another one is a bug and panics.
//! Invariant: from its first effect to its end the log belongs to the transaction; nothing that asks for the log's mutex may be
//! called meanwhile.

use std::cell::Cell;

use kvark_base::{Millis, Position, Result};
use kvark_log::{Bracket, Effect, Log, RecordBuffer};

use crate::keyspace::Keyspace;
use crate::notices::Noted;
use crate::shard::State;
use crate::view::{Locked, View};
use crate::writer::{Effects, Writer};

/// What a transaction asks for before it begins.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// The shards, in any order, each as often as one likes.
    pub shards: Vec<u32>,
    /// Whether it needs every shard.
    pub all: bool,
    /// How many effects it may have, as a guess: more may come, fewer cost nothing.
    pub effects: usize,
    /// Bytes of their keys and values, as a guess.
    pub len_bytes: usize,
}

/// The bracket of a transaction.
pub(crate) struct Group<'a> {
    log: &'a dyn Log,
    bracket: Option<Box<dyn Bracket + 'a>>,
    /// What is asked for when it is opened.
    expected: (usize, usize),
}

impl<'a> Group<'a> {
    /// The bracket, with room for so much more.
    pub fn with_room(&mut self, records: usize, len_bytes: usize) -> Result<&mut (dyn Bracket + 'a)> {
        match &mut self.bracket {
            Some(bracket) => bracket.reserve(records, len_bytes)?,
            none => {
                let (expected_records, expected_bytes) = self.expected;
                *none = Some(self.log.bracket(records.max(expected_records), len_bytes.max(expected_bytes))?);
            }
        }
        Ok(&mut **self.bracket.as_mut().expect("just seen to"))
    }

    /// Appends one record.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<Position> {
        let len = parts.iter().map(|part| part.len()).sum();
        Ok(self.with_room(1, len)?.append(parts))
    }
}

/// See the module.
pub struct Transaction<'a> {
    // The log is let go before the shards, so that whoever takes one of those does not wait for it.
    effects: Effects<'a>,
    locked: Locked<'a>,
    keyspace: &'a Keyspace,
    now_ms: Millis,
    seen: Position,
    written: Position,
    // Behind the shards: it tells when they have been let go.
    noted: Noted<'a>,
}

impl Keyspace {
    /// Holds the shards that `needs` names until the transaction is dropped.
    pub fn transaction(&self, needs: Needs, now_ms: Millis) -> Transaction<'_> {
        let Needs { mut shards, all, effects, len_bytes } = needs;
        if all {
            shards = (0..self.shards()).collect();
        } else {
            shards.sort_unstable();
            shards.dedup();
        }
        let expected = (effects, len_bytes + effects * crate::writer::RECORD_OVERHEAD);
        let effects = Effects::Transaction(Group { log: self.log(), bracket: None, expected });
        let View { locked, seen, noted, .. } = self.view_of(shards, now_ms);
        Transaction { effects, locked, keyspace: self, now_ms, seen: seen.get(), written: 0, noted }
    }

    /// Holds every shard.
    pub(crate) fn transaction_of_all(&self, now_ms: Millis) -> Transaction<'_> {
        self.transaction(Needs { all: true, ..Needs::default() }, now_ms)
    }
}

impl<'a> Transaction<'a> {
    /// The moment of all of its commands.
    pub fn now_ms(&self) -> Millis {
        self.now_ms
    }

    /// Everything that was read so far depends on the log up to here.
    pub fn seen(&self) -> Position {
        self.seen
    }

    /// The position of the last effect, 0 when nothing changed.
    pub fn written(&self) -> Position {
        self.written
    }

    /// Whether the shard of `key` is held.
    pub fn holds(&self, key: &[u8]) -> bool {
        self.locked.has(self.keyspace.key(key).shard)
    }

    /// The shard of `key`.
    pub fn shard_of(&self, key: &[u8]) -> u32 {
        self.keyspace.key(key).shard
    }

    /// Whether every shard is held.
    pub fn holds_all(&self) -> bool {
        self.locked.len() == self.keyspace.shards() as usize
    }

    /// Holds these shards too, or every one, unless somebody else holds one of them now. Nobody is waited for: this one holds others,
    /// and maybe the log. Whether it holds all of them.
    pub fn try_hold(&mut self, shards: Option<&[u32]>) -> bool {
        let every: Vec<u32>;
        let shards = match shards {
            Some(shards) => shards,
            None => {
                every = (0..self.keyspace.shards()).collect();
                &every
            }
        };
        shards.iter().all(|&shard| self.try_hold_one(shard))
    }

    fn try_hold_one(&mut self, shard: u32) -> bool {
        if self.locked.has(shard) {
            return true;
        }
        let Some(state) = self.keyspace.try_shard(shard) else { return false };
        if state.has_due_members(self.now_ms) {
            // They go when a shard is taken hold of, which is in a bracket of their own.
            return false;
        }
        self.locked.add(shard, state);
        true
    }

    pub(crate) fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    pub(crate) fn state(&self, shard: u32) -> &State {
        self.locked.state(shard)
    }

    /// Every shard; panics when not all are held.
    pub(crate) fn states_mut(&mut self) -> impl Iterator<Item = &mut State> {
        assert_eq!(
            self.locked.len(),
            self.keyspace.shards() as usize,
            "a command that needs all shards does not say so"
        );
        self.locked.states_mut()
    }

    /// Lends the shards to a command that reads in database `db`.
    pub fn read<R>(&mut self, db: u32, with: impl FnOnce(&mut View<'a>) -> R) -> R {
        let mut view = self.lend(db);
        let result = with(&mut view);
        self.take_back(view);
        result
    }

    /// Lends the shards to a command that may write in database `db`.
    pub fn write<R>(&mut self, db: u32, with: impl FnOnce(&mut Writer<'a>) -> R) -> R {
        let effects = std::mem::replace(&mut self.effects, Effects::Single);
        let mut writer = Writer::within(self.lend(db), effects);
        let result = with(&mut writer);
        let (view, effects, written) = writer.into_parts();
        self.effects = effects;
        self.written = self.written.max(written);
        self.take_back(view);
        result
    }

    fn lend(&mut self, db: u32) -> View<'a> {
        let locked = std::mem::replace(&mut self.locked, Locked::Many(Vec::new()));
        let (keyspace, now_ms) = (self.keyspace, self.now_ms);
        let noted = std::mem::replace(&mut self.noted, Noted::nothing(keyspace.notices()));
        View {
            keyspace,
            locked,
            db,
            now_ms,
            touching: true,
            prepared: None,
            seen: Cell::new(0),
            tells_misses: true,
            noted,
        }
    }

    fn take_back(&mut self, view: View<'a>) {
        self.seen = self.seen.max(view.seen());
        self.locked = view.locked;
        self.noted = view.noted;
    }

    /// Notes that all keys of a database are others now.
    pub(crate) fn note_cleared(&self) {
        self.noted.cleared();
    }

    /// Tells what its commands have noted so far: something comes that has to be heard behind it.
    pub fn tell_notices(&self) {
        self.keyspace.notices().tell();
    }

    /// Logs an effect that concerns no key.
    pub(crate) fn record(&mut self, effect: Effect<'_>) -> Result<Position> {
        let mut buffer = RecordBuffer::default();
        let parts = effect.encode(&mut buffer);
        let Effects::Transaction(group) = &mut self.effects else { unreachable!("lent for as long as a command runs") };
        self.written = group.append(&parts)?;
        Ok(self.written)
    }

    /// Sees to it that so many effects without a key can't fail.
    pub(crate) fn reserve(&mut self, effects: usize, len_bytes: usize) -> Result<()> {
        let Effects::Transaction(group) = &mut self.effects else { unreachable!("lent for as long as a command runs") };
        group.with_room(effects, len_bytes).map(|_| ())
    }
}
