//! One shard: a mutex over the tables of every database and what keeps them company.
//!
//! Databases are counted physically here: `SWAPDB` exchanges names in [`crate::Keyspace`], never tables.
//!
//! Invariant: nobody waits for a disk, a socket or another shard out of order while holding a shard.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kvark_base::limits::ALL_DATABASES;
use kvark_base::random::Random;
use kvark_base::{Millis, Position, Result};
use kvark_values::{Forms, NewValue, Type, Value};
use parking_lot::Mutex;

use crate::deadlines::Deadlines;
use crate::discarded::Discarded;
use crate::entry::{EntryPtr, EntryRef, NewEntry};
use crate::key::{Key, KeyHasher};
use crate::parts::Dropped;
use crate::slab::{PagePool, Slab};
use crate::table::{Found, Table};
use crate::waiting::{Lines, ReadyKeys};
use crate::watching::Registry;

/// Notes for the ordered indexes that a shard keeps in any case; more only while they are fewer than its keys.
const MOST_CHANGES: usize = 1024;

/// A shard on cache lines of its own.
#[repr(align(128))]
pub struct Shard {
    /// What the lock protects.
    pub state: Mutex<State>,
}

/// What a shard counts; told in `INFO`.
#[derive(Debug, Default)]
pub struct Counts {
    /// Reads that found their key.
    pub hits: Cell<u64>,
    /// Reads that did not.
    pub misses: Cell<u64>,
    /// Keys removed because their time had come.
    pub expired: u64,
}

/// A key that came or went, for the ordered index.
#[derive(Debug)]
pub struct Change {
    /// Physical database.
    pub db: u8,
    /// Came (or went).
    pub added: bool,
    /// The key.
    pub key: Box<[u8]>,
}

/// What changed in a collection.
#[derive(Debug, Clone, Copy)]
pub struct MemberChange<'a> {
    /// Whether it begins empty, whatever the key held.
    pub of_nothing: bool,
    /// What it is.
    pub of_type: Type,
    /// Operations, as the type encodes them.
    pub ops: &'a [u8],
}

/// A table that was taken out of its shard, and the part of it that is freed next.
pub struct Emptied {
    pub table: Table,
    part: usize,
}

/// The contents of one shard.
pub struct State {
    /// One table a physical database.
    pub tables: [Table; ALL_DATABASES],
    /// Memory for entries.
    pub slab: Slab,
    /// When to look for expired keys.
    pub deadlines: Deadlines,
    /// When to look for members of collections whose time has come.
    pub member_deadlines: Deadlines,
    /// Keys of which the tier holds a state, removed since the last pass.
    pub removed: Vec<(u8, Box<[u8]>)>,
    /// Parts in the tier that nothing in memory speaks of any more, since the last pass.
    pub dropped: Vec<Dropped>,
    /// Every change up to here is in the tier.
    pub checkpointed: Position,
    /// The latest change.
    pub changed: Position,
    /// The latest removal: what a miss depends on.
    pub last_removal: Position,
    /// Counters.
    pub counts: Counts,
    /// For which databases changes are noted, as bits: an ordered index whose shard does not note is made anew.
    pub ordered: u32,
    /// What the ordered indexes have not heard of yet.
    pub changes: Vec<Change>,
    /// Tables that nobody finds any more, with entries that are still to be freed.
    pub emptied: Vec<Emptied>,
    /// What commands that pick at random draw from.
    pub random: RefCell<Random>,
    /// Where values go that take long to free.
    pub discarded: Arc<Discarded>,
    /// Whether somebody may watch a key here. False when nobody does, at last when a change has found that out.
    pub watched: bool,
    /// Who watches which key.
    pub watchers: Arc<Registry>,
    /// Whether somebody may wait for a key here; as `watched`.
    pub awaited: bool,
    /// Who waits for which key.
    pub lines: Arc<Lines>,
    /// Where the keys are noted that somebody waited for.
    pub ready: Arc<ReadyKeys>,
}

impl Shard {
    /// An empty shard.
    pub fn new(pool: &Arc<PagePool>, discarded: &Arc<Discarded>, ready: &Arc<ReadyKeys>, seed: u64) -> Self {
        let state = State {
            tables: Default::default(),
            slab: Slab::new(Arc::clone(pool)),
            deadlines: Deadlines::default(),
            member_deadlines: Deadlines::default(),
            removed: Vec::new(),
            dropped: Vec::new(),
            checkpointed: 0,
            changed: 0,
            last_removal: 0,
            counts: Counts::default(),
            ordered: 0,
            changes: Vec::new(),
            emptied: Vec::new(),
            random: RefCell::new(Random::from_seed(seed)),
            discarded: Arc::clone(discarded),
            watched: false,
            watchers: Arc::default(),
            awaited: false,
            lines: Arc::default(),
            ready: Arc::clone(ready),
        };
        Self { state: Mutex::new(state) }
    }
}

impl State {
    /// Finds a key, expired or not.
    #[inline]
    pub fn find(&self, db: u8, key: &Key<'_>) -> Option<Found> {
        // SAFETY: entries of a table are alive while its shard is held.
        self.tables[usize::from(db)].find(key.hash, |entry| unsafe { entry.borrow() }.key() == key.bytes)
    }

    /// Finds a key to be read, expired or not.
    #[inline]
    pub fn get(&self, db: u8, key: &Key<'_>) -> Option<EntryRef<'_>> {
        // SAFETY: as above; `&self` holds the shard.
        self.find(db, key).map(|found| unsafe { found.entry.borrow() })
    }

    /// The key now holds what `new` says.
    #[inline]
    pub fn put(&mut self, db: u8, key: &Key<'_>, mut new: NewEntry<'_>, hasher: &KeyHasher) {
        self.changed = new.version;
        self.tell_ready(db, key, Some(new.value.as_ref().of_type()));
        self.note_members(db, key.hash, 0, new.value.as_ref().next_deadline());
        let old = self.find(db, key);
        if let Some(found) = &old {
            // SAFETY: found under this hold of the shard; freed once, after the table has let go of it.
            unsafe {
                let was = found.entry.borrow();
                new.in_tier = was.in_tier();
                if new.expires_at != 0 && new.expires_at != was.expires_at() {
                    self.deadlines.push(new.expires_at, db, key.hash);
                }
                if !found.entry.overwrite(&new) {
                    let entry = EntryPtr::new(&mut self.slab, new);
                    self.tables[usize::from(db)].replace(found, entry);
                    self.free(db, found.entry);
                }
            }
            self.tell_changed(db, key.bytes, true);
            return;
        }
        if new.expires_at != 0 {
            self.deadlines.push(new.expires_at, db, key.hash);
        }
        let entry = EntryPtr::new(&mut self.slab, new);
        // SAFETY: entries of a table are alive while its shard is held.
        self.tables[usize::from(db)].insert(key.hash, entry, |entry| hasher.hash(unsafe { entry.borrow() }.key()));
        self.note_change(db, key.bytes, true);
        self.tell_changed(db, key.bytes, true);
    }

    /// Takes a key out. `found` is from this hold of the shard.
    pub fn remove(&mut self, db: u8, key: &Key<'_>, found: &Found, position: Position) {
        let bytes = key.bytes;
        self.changed = position;
        self.last_removal = position;
        self.note_change(db, bytes, false);
        // SAFETY: found under this hold of the shard; freed once, after the table has let go of it.
        unsafe {
            if found.entry.borrow().in_tier() {
                self.removed.push((db, bytes.into()));
            }
            self.tables[usize::from(db)].remove(found);
            self.free(db, found.entry);
        }
        self.tell_changed(db, bytes, false);
        self.tell_ready(db, key, None);
    }

    /// Frees an entry that the table has let go of.
    ///
    /// # Safety
    /// The entry came from this shard and is not used again.
    unsafe fn free(&mut self, db: u8, entry: EntryPtr) {
        // SAFETY: handed on from the caller.
        unsafe {
            if let Some(parts) = entry.parts_mut() {
                self.dropped.extend(parts.drop_all(db));
            }
            self.discarded.take(entry.free(&mut self.slab));
        }
    }

    /// Writes `bytes` at `offset` of a string, in place where it has memory of its own, and stamps it.
    pub fn splice(
        &mut self,
        db: u8,
        key: &Key<'_>,
        offset: usize,
        bytes: &[u8],
        stamp: NewEntry<'_>,
        hasher: &KeyHasher,
    ) -> usize {
        let found = self.find(db, key);
        if let Some(found) = &found {
            // SAFETY: found under this hold of the shard, which is ours alone.
            if let Some(Value::Bytes(text)) = unsafe { found.entry.boxed_mut() } {
                splice_into(text, offset, bytes);
                self.changed = stamp.version;
                // SAFETY: as above.
                unsafe {
                    found.entry.stamp(stamp.version, found.entry.borrow().in_tier());
                    found.entry.touch(stamp.accessed);
                }
                let len = text.len();
                self.tell_changed(db, key.bytes, true);
                return len;
            }
        }
        let mut digits = kvark_values::IntBuffer::new();
        // SAFETY: found under this hold of the shard.
        let entry = found.map(|found| unsafe { found.entry.borrow() });
        let string = entry.and_then(|entry| entry.value().as_string());
        let mut text = string.map_or_else(Vec::new, |string| string.text(&mut digits).to_vec());
        let expires_at = entry.map_or(0, |entry| entry.expires_at());
        splice_into(&mut text, offset, bytes);
        self.put(db, key, NewEntry { value: NewValue::string(&text), expires_at, ..stamp }, hasher);
        text.len()
    }

    /// Applies a change to the collection at a key, which was `found` under this hold of the shard, is made if it is missing, and goes
    /// if it is left without members. `stamp` says when. Returns how many members there are then. Errors when the operations make
    /// no sense; they may have been applied in part.
    #[allow(clippy::too_many_arguments)]
    pub fn change(
        &mut self,
        db: u8,
        key: &Key<'_>,
        found: Option<Found>,
        change: MemberChange<'_>,
        stamp: NewEntry<'_>,
        hasher: &KeyHasher,
        forms: &Forms,
    ) -> Result<usize> {
        // SAFETY: found under this hold of the shard.
        let fits = |found: &Found| !change.of_nothing && unsafe { found.entry.borrow() }.of_type() == change.of_type;
        if let Some(held) = found.as_ref().filter(|found| fits(found)) {
            return self.change_held(db, key, held, change, &stamp, forms);
        }
        let mut value = Value::empty(change.of_type);
        value.apply(change.ops, forms)?;
        let members = value.as_ref().members();
        match found {
            _ if !value.is_gone() => self.put(db, key, NewEntry { value: NewValue::Owned(value), ..stamp }, hasher),
            Some(found) => self.remove(db, key, &found, stamp.version),
            None => self.changed = stamp.version,
        }
        Ok(members)
    }

    fn change_held(
        &mut self,
        db: u8,
        key: &Key<'_>,
        held: &Found,
        change: MemberChange<'_>,
        stamp: &NewEntry<'_>,
        forms: &Forms,
    ) -> Result<usize> {
        self.changed = stamp.version;
        // SAFETY: found under this hold of the shard, which is ours alone; a collection is boxed.
        let value = unsafe { held.entry.boxed_mut() }.expect("a collection is boxed");
        let before = value.as_ref().next_deadline();
        // SAFETY: as above.
        if let Some(parts) = unsafe { held.entry.parts_mut() } {
            parts.note(value.as_ref(), change.ops);
        }
        value.apply(change.ops, forms)?;
        let members = value.as_ref().members();
        if value.is_gone() {
            self.remove(db, key, held, stamp.version);
            return Ok(members);
        }
        let after = value.as_ref().next_deadline();
        // SAFETY: as above.
        unsafe {
            held.entry.stamp(stamp.version, held.entry.borrow().in_tier());
            held.entry.touch(stamp.accessed);
        }
        self.note_members(db, key.hash, before, after);
        self.tell_changed(db, key.bytes, true);
        self.tell_ready_by(db, key, change);
        Ok(members)
    }

    /// A collection whose next deadline was `before` has the next one at `after`.
    pub fn note_members(&mut self, db: u8, hash: u64, before: Millis, after: Millis) {
        if after != 0 && after != before {
            self.member_deadlines.push(after, db, hash);
        }
    }

    /// Whether some member's time may have come.
    #[inline]
    pub fn has_due_members(&self, now_ms: Millis) -> bool {
        self.member_deadlines.next_ms().is_some_and(|next| next <= now_ms)
    }

    /// The entry of `db` with this hash that has a member whose time has come.
    pub fn with_due_member(&self, db: u8, hash: u64, now_ms: Millis) -> Option<Found> {
        let is_due = |entry: EntryPtr| {
            // SAFETY: entries of a table are alive while its shard is held.
            let next = unsafe { entry.borrow() }.value().next_deadline();
            next != 0 && next <= now_ms
        };
        self.tables[usize::from(db)].find(hash, is_due)
    }

    /// Sets the deadline of a key (0: none) and stamps it. A missing key is left missing.
    pub fn set_deadline(&mut self, db: u8, key: &Key<'_>, expires_at: Millis, version: Position) {
        let Some(found) = self.find(db, key) else { return };
        self.changed = version;
        if expires_at != 0 {
            self.deadlines.push(expires_at, db, key.hash);
        }
        // SAFETY: found under this hold of the shard, which is ours alone.
        unsafe {
            let entry = found.entry.with_deadline(&mut self.slab, expires_at);
            self.tables[usize::from(db)].replace(&found, entry);
            entry.stamp(version, entry.borrow().in_tier());
        }
        self.tell_changed(db, key.bytes, true);
    }

    /// Empties a database. The memory of its entries is given back by [`State::free_emptied`].
    pub fn clear(&mut self, db: u8, position: Position) {
        let table = std::mem::take(&mut self.tables[usize::from(db)]);
        if !table.is_empty() {
            self.emptied.push(Emptied { table, part: 0 });
        }
        self.removed.retain(|&(of, _)| of != db);
        self.dropped.retain(|dropped| dropped.db != db);
        self.changes.retain(|change| change.db != db);
        self.changed = position;
        self.last_removal = position;
    }

    /// Frees some thousand entries of databases that were emptied; whether there are more.
    pub fn free_emptied(&mut self) -> bool {
        let Some(Emptied { table, part }) = self.emptied.last_mut() else { return false };
        let mut freed = 0;
        for entry in table.part(*part) {
            // SAFETY: nobody else finds the table, and each of its entries is in one part.
            self.discarded.take(unsafe { entry.free(&mut self.slab) });
            freed += 1;
        }
        self.discarded.note_freed(freed);
        *part += 1;
        if *part == table.parts() {
            self.emptied.pop();
        }
        !self.emptied.is_empty()
    }

    /// Frees the entries of a table that was taken out of this shard and is used no more.
    pub fn discard(&mut self, table: &Table) {
        for entry in table.iter() {
            // SAFETY: nobody else finds the table, and its entries are freed once.
            self.discarded.take(unsafe { entry.free(&mut self.slab) });
        }
    }

    /// Whether `expires_at` is due and which entry that is: the entries of `db` with this hash whose time has come.
    pub fn due(&self, db: u8, hash: u64, now_ms: Millis) -> Option<Found> {
        // SAFETY: entries of a table are alive while its shard is held.
        self.tables[usize::from(db)].find(hash, |entry| unsafe { entry.borrow() }.is_expired(now_ms))
    }

    fn note_change(&mut self, db: u8, key: &[u8], added: bool) {
        if self.ordered >> db & 1 == 0 {
            return;
        }
        let keys: usize = self.tables.iter().map(Table::len).sum();
        if self.changes.len() > MOST_CHANGES.max(keys) {
            // Nobody has walked for long: taking the notes in would cost more than a new index.
            self.changes = Vec::new();
            self.ordered = 0;
            return;
        }
        self.changes.push(Change { db, added, key: key.into() });
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for db in 0..ALL_DATABASES as u8 {
            self.clear(db, 0);
        }
        while self.free_emptied() {}
    }
}

fn splice_into(text: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if text.len() < end {
        text.resize(end, 0);
    }
    text[offset..end].copy_from_slice(bytes);
}
