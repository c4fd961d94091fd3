//! The one door for change.
//!
//! Each method logs the effect first and then changes the map, so that a refusal (no space) leaves everything as it was.
//! In one step it also stamps the version, keeps the deadline, tells the ordered index and the checkpoint.
//!
//! Invariant: there is no other way to change what a client can see, except replaying the same effects
//! (`crate::recover`).
//! Invariant: a command with more than one effect opens a bracket first, with room for all of them.

use std::ops::Deref;

use kvark_base::{Millis, Position, Result};
use kvark_log::record::Reason;
use kvark_log::{Bracket, Effect, RecordBuffer};
use kvark_values::{NewValue, StringRef, Type, Value, codec};

use crate::entry::{MAX_INLINE_LEN, NewEntry};
use crate::key::Key;
use crate::notices::{Event, Put};
use crate::shard::{MemberChange, State};
use crate::table::Found;
use crate::transaction::Group;
use crate::view::View;

/// What a command that writes holds. Reads through [`View`], which it derefs to.
pub struct Writer<'a> {
    pub(crate) view: View<'a>,
    effects: Effects<'a>,
    written: Position,
    /// What its changes are told as.
    pub(crate) event: &'static Event,
    /// And behind that, if anything.
    pub(crate) second_event: Option<&'static Event>,
    /// The client whose command it is, 0 for nobody's.
    pub(crate) author: u64,
}

/// How effects come into the log.
pub(crate) enum Effects<'a> {
    /// Each by itself.
    Single,
    /// All of this command in a bracket, whose room the command has asked for.
    Command(Box<dyn Bracket + 'a>),
    /// In the bracket of the transaction that the command stands in.
    Transaction(Group<'a>),
}

impl<'a> Deref for Writer<'a> {
    type Target = View<'a>;

    #[inline]
    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

/// Bytes of an effect's record beside key and value, at most.
pub(crate) const RECORD_OVERHEAD: usize = 48;

impl<'a> Writer<'a> {
    pub(crate) fn new(view: View<'a>) -> Self {
        Self::within(view, Effects::Single)
    }

    /// For a command of a transaction.
    pub(crate) fn within(view: View<'a>, effects: Effects<'a>) -> Self {
        let view = View { tells_misses: false, ..view };
        Self { view, effects, written: 0, event: &Event::SET, second_event: None, author: 0 }
    }

    /// What the transaction takes back.
    pub(crate) fn into_parts(self) -> (View<'a>, Effects<'a>, Position) {
        (self.view, self.effects, self.written)
    }

    /// The position of the last effect, 0 when nothing changed.
    pub fn written(&self) -> Position {
        self.written
    }

    /// See [`View::set_touching`].
    pub fn set_touching(&mut self, touching: bool) {
        self.view.touching = touching;
    }

    /// From here to the end of the command, all effects are one: after a crash all of them are there, or none. `effects`
    /// is how many there may be, `len_bytes` the bytes of their keys and values together, both as upper bounds.
    ///
    /// Errors when there is no room for them; nothing has happened then.
    pub fn bracket(&mut self, effects: usize, len_bytes: usize) -> Result<()> {
        let len_bytes = len_bytes + effects * RECORD_OVERHEAD;
        match &mut self.effects {
            Effects::Single => self.effects = Effects::Command(self.view.keyspace.log().bracket(effects, len_bytes)?),
            Effects::Command(_) => unreachable!("a command opens one bracket"),
            Effects::Transaction(group) => drop(group.with_room(effects, len_bytes)?),
        }
        Ok(())
    }

    /// `key` now holds the string `value` and expires at `expires_at` (0: never).
    #[inline]
    pub fn put(&mut self, key: &[u8], value: StringRef<'_>, expires_at: Millis) -> Result<()> {
        self.put_hashed(self.view.db, &self.view.key(key), NewValue::String(value), expires_at)
    }

    /// As [`Writer::put`], where the value is a new state of the one before, not another in its place.
    pub fn update(&mut self, key: &[u8], value: StringRef<'_>, expires_at: Millis) -> Result<()> {
        self.put_as(Put::Update, self.view.db, &self.view.key(key), NewValue::String(value), expires_at)
    }

    /// `key` now holds `value`, whatever that is, and expires at `expires_at` (0: never).
    pub fn put_value(&mut self, key: &[u8], value: NewValue<'_>, expires_at: Millis) -> Result<()> {
        self.put_value_in(self.view.db, key, value, expires_at)
    }

    /// As [`Writer::put_value`], in database `db`.
    pub fn put_value_in(&mut self, db: u32, key: &[u8], value: NewValue<'_>, expires_at: Millis) -> Result<()> {
        self.put_value_as(Put::Overwrite, db, key, value, expires_at)
    }

    pub(crate) fn put_value_as(
        &mut self,
        put: Put,
        db: u32,
        key: &[u8],
        value: NewValue<'_>,
        expires_at: Millis,
    ) -> Result<()> {
        match value {
            // A short string is kept in the form that its bytes ask for.
            NewValue::Owned(Value::Bytes(bytes)) if bytes.len() <= MAX_INLINE_LEN => {
                self.put_as(put, db, &self.view.key(key), NewValue::string(&bytes), expires_at)
            }
            value => self.put_as(put, db, &self.view.key(key), value, expires_at),
        }
    }

    /// As [`Writer::put_value_in`], for a key that is hashed already.
    #[inline]
    pub fn put_hashed(&mut self, db: u32, key: &Key<'_>, value: NewValue<'_>, expires_at: Millis) -> Result<()> {
        self.put_as(Put::Overwrite, db, key, value, expires_at)
    }

    #[inline]
    fn put_as(&mut self, put: Put, db: u32, key: &Key<'_>, value: NewValue<'_>, expires_at: Millis) -> Result<()> {
        let db = self.view.keyspace.physical(db);
        let mut scratch = codec::Scratch::default();
        let (kind, payload) = codec::encode(value.as_ref(), &mut scratch);
        let version = self.record(Effect::Put { db: db.into(), key: key.bytes, expires_at, kind, payload })?;
        if self.view.keyspace.tells() {
            self.note_put(db, key.bytes, value.as_ref().of_type(), put);
        }
        let new =
            NewEntry { key: key.bytes, value, expires_at, version, in_tier: false, accessed: self.view.now_ms / 1000 };
        self.view.locked.state_mut(key.shard).put(db, key, new, &self.view.keyspace.hasher);
        Ok(())
    }

    /// Changes the members of the collection at `key` by operations that its type has encoded. A missing key is made; one that
    /// is left without members goes. Its deadline stays. The caller has checked the type. Returns how many members there are now.
    pub fn change(&mut self, key: &[u8], of_type: Type, ops: &[u8]) -> Result<usize> {
        debug_assert!(!ops.is_empty(), "a change of nothing is no change");
        let hashed = self.view.key(key);
        let db = self.view.keyspace.physical(self.view.db);
        let found = self.view.locked.state(hashed.shard).find(db, &hashed);
        // An expired rest must not shine through.
        // SAFETY: found under this hold of the shard.
        let of_nothing =
            found.as_ref().is_some_and(|found| unsafe { found.entry.borrow() }.is_expired(self.view.now_ms));
        let change = MemberChange { of_nothing, of_type, ops };
        let version = self.record_change(db, key, change)?;
        let tells = self.view.keyspace.tells();
        if tells {
            self.note_changing(db, key);
        }
        let members = self.apply_change(db, &hashed, found, change, version);
        if tells {
            self.note_changed(db, key);
        }
        Ok(members)
    }

    /// Logs a change; the position that it got.
    pub(crate) fn record_change(&mut self, db: u8, key: &[u8], change: MemberChange<'_>) -> Result<Position> {
        let MemberChange { of_nothing, of_type, ops } = change;
        self.record(Effect::Change { db: db.into(), key, of_nothing, kind: codec::kind_of(of_type), ops })
    }

    /// Does what was logged to the key that was `found`, if it was, since these shards are held. Returns how many members there are now.
    pub(crate) fn apply_change(
        &mut self,
        db: u8,
        key: &Key<'_>,
        found: Option<Found>,
        change: MemberChange<'_>,
        version: Position,
    ) -> usize {
        let stamp = self.stamp(key, version);
        let keyspace = self.view.keyspace;
        let state = self.view.locked.state_mut(key.shard);
        state
            .change(db, key, found, change, stamp, &keyspace.hasher, keyspace.forms())
            .expect("operations that a type has encoded make sense to it")
    }

    /// An entry of `key` that says when it changed, and nothing else.
    fn stamp<'k>(&self, key: &Key<'k>, version: Position) -> NewEntry<'k> {
        let accessed = self.view.now_ms / 1000;
        let value = NewValue::String(StringRef::Int(0));
        NewEntry { key: key.bytes, value, expires_at: 0, version, in_tier: false, accessed }
    }

    pub(crate) fn state_mut(&mut self, shard: u32) -> &mut State {
        self.view.locked.state_mut(shard)
    }

    /// To take a place in the line of a key.
    pub fn view_mut(&mut self) -> &mut View<'a> {
        &mut self.view
    }

    /// Goes back to reading; what was read depends on what was written.
    pub(crate) fn into_view(self) -> View<'a> {
        self.view.seen.set(self.view.seen.get().max(self.written));
        self.view
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> Result<bool> {
        self.remove_in(self.view.db, key, Reason::Deleted)
    }

    /// As [`Writer::remove`], in database `db` and for another reason. A key whose time has come is removed as expired
    /// and was not there.
    pub fn remove_in(&mut self, db: u32, key: &[u8], reason: Reason) -> Result<bool> {
        let key = self.view.key(key);
        let db = self.view.keyspace.physical(db);
        let state = self.view.locked.state(key.shard);
        let Some(found) = state.find(db, &key) else {
            self.view.seen.set(self.view.seen.get().max(state.last_removal));
            return Ok(false);
        };
        // SAFETY: found under this hold of the shard.
        let expired = unsafe { found.entry.borrow() }.is_expired(self.view.now_ms);
        let reason = if expired { Reason::Expired } else { reason };
        let position = self.record(Effect::Remove { db: db.into(), key: key.bytes, reason })?;
        let state = self.view.locked.state_mut(key.shard);
        state.counts.expired += u64::from(reason == Reason::Expired);
        state.remove(db, &key, &found, position);
        if self.view.keyspace.tells() {
            self.note_removed(db, key.bytes, reason);
        }
        Ok(!expired)
    }

    /// Sets when `key` expires (0: never); whether it was there.
    pub fn expire_at(&mut self, key: &[u8], expires_at: Millis) -> Result<bool> {
        let key = self.view.key(key);
        let db = self.view.keyspace.physical(self.view.db);
        if self.view.peek(key.bytes).is_none() {
            return Ok(false);
        }
        let version = self.record(Effect::ExpireAt { db: db.into(), key: key.bytes, expires_at })?;
        self.view.locked.state_mut(key.shard).set_deadline(db, &key, expires_at, version);
        if self.view.keyspace.tells() {
            self.note_deadline(db, key.bytes, expires_at);
        }
        Ok(true)
    }

    /// Writes `bytes` at `offset` of the string at `key`, filling up with zeros; a missing key is made. Returns the new
    /// length. The caller has checked type and length.
    pub fn splice(&mut self, key: &[u8], offset: usize, bytes: &[u8]) -> Result<usize> {
        let key = self.view.key(key);
        let db = self.view.keyspace.physical(self.view.db);
        if self.view.peek(key.bytes).is_none() {
            // An expired rest must not shine through.
            let mut text = vec![0; offset];
            text.extend_from_slice(bytes);
            self.update(key.bytes, StringRef::new(&text), 0)?;
            return Ok(text.len());
        }
        let version = self.record(Effect::Splice { db: db.into(), key: key.bytes, offset: offset as u64, bytes })?;
        if self.view.keyspace.tells() {
            self.note_changing(db, key.bytes);
        }
        let stamp = self.stamp(&key, version);
        let hasher = &self.view.keyspace.hasher;
        Ok(self.view.locked.state_mut(key.shard).splice(db, &key, offset, bytes, stamp, hasher))
    }

    #[inline]
    fn record(&mut self, effect: Effect<'_>) -> Result<Position> {
        let mut buffer = RecordBuffer::default();
        let parts = effect.encode(&mut buffer);
        self.written = match &mut self.effects {
            Effects::Single => self.view.keyspace.log().append(&parts)?,
            Effects::Command(bracket) => bracket.append(&parts),
            Effects::Transaction(group) => group.append(&parts)?,
        };
        Ok(self.written)
    }

    /// Takes the earliest note of a deadline if its time has come.
    pub(crate) fn pop_due(&mut self, shard: u32) -> Option<(u8, u64)> {
        let now_ms = self.view.now_ms;
        self.view.locked.state_mut(shard).deadlines.pop_due(now_ms)
    }

    /// Removes the key that a note speaks of, if its time has come; the note is put back when the log refuses.
    pub(crate) fn remove_due(&mut self, shard: u32, db: u8, hash: u64) -> Result<bool> {
        let now_ms = self.view.now_ms;
        let Some(found) = self.view.locked.state(shard).due(db, hash, now_ms) else { return Ok(false) };
        // SAFETY: found under this hold of the shard.
        let key = unsafe { found.entry.borrow() }.key().to_vec();
        let recorded = self.record(Effect::Remove { db: db.into(), key: &key, reason: Reason::Expired });
        let state = self.view.locked.state_mut(shard);
        match recorded {
            Ok(position) => {
                state.counts.expired += 1;
                state.remove(db, &Key { bytes: &key, hash, shard }, &found, position);
                if self.view.keyspace.tells() {
                    self.note_removed(db, &key, Reason::Expired);
                }
                Ok(true)
            }
            Err(error) => {
                state.deadlines.push(now_ms, db, hash);
                Err(error)
            }
        }
    }
}
