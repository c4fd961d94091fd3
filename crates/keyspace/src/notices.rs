//! What happened to keys, told to whoever wants to hear of it: keyspace notifications, and clients that have read the key.
//!
//! The row of a command names its usual event, and the [`Writer`] notes it with each change that it makes. What follows from the change alone it
//! notes by itself: `new`, `overwritten`, `type_changed`, `del`, `expire`, `persist`, `expired`. A handler names what is left.
//!
//! Invariant: a notice is noted while its key's shard is held, so the notices of a key are in the order of its changes.
//! Invariant: notices are told after the shards are let go, in the order in which they were noted.
//! Invariant: a store of which nobody wants to hear anything pays one look at a number that does not change.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use kvark_base::limits::OWN_DATABASE;
use kvark_base::{Millis, Position, Result};
use kvark_log::record::Reason;
use kvark_values::{NewValue, Type};

use crate::keyspace::Keyspace;
use crate::view::View;
use crate::writer::Writer;

/// Classes of events, and the ways of telling them; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes(u32);

impl Classes {
    /// None: an event that is told to nobody.
    pub const NONE: Self = Self(0);
    /// Told in the channel of the key.
    pub const BY_KEY: Self = Self(1);
    /// Told in the channel of the event.
    pub const BY_EVENT: Self = Self(1 << 1);
    /// About keys of any type.
    pub const GENERIC: Self = Self(1 << 2);
    /// About strings.
    pub const STRING: Self = Self(1 << 3);
    /// About lists.
    pub const LIST: Self = Self(1 << 4);
    /// About sets.
    pub const SET: Self = Self(1 << 5);
    /// About hashes.
    pub const HASH: Self = Self(1 << 6);
    /// About sorted sets.
    pub const ZSET: Self = Self(1 << 7);
    /// A key's time has come.
    pub const EXPIRED: Self = Self(1 << 8);
    /// A key went for want of memory.
    pub const EVICTED: Self = Self(1 << 9);
    /// About streams.
    pub const STREAM: Self = Self(1 << 10);
    /// About types that modules bring.
    pub const MODULE: Self = Self(1 << 11);
    /// A key that was not there.
    pub const NEW: Self = Self(1 << 12);
    /// A value took the place of another.
    pub const OVERWRITTEN: Self = Self(1 << 13);
    /// A value of another type took the place of one.
    pub const TYPE_CHANGED: Self = Self(1 << 14);
    /// Somebody wanted to read a key that is not there.
    pub const MISS: Self = Self(1 << 15);

    /// By their letters in `notify-keyspace-events`.
    const LETTERS: [(char, Self); 16] = [
        ('K', Self::BY_KEY),
        ('E', Self::BY_EVENT),
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::ZSET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
        ('n', Self::NEW),
        ('o', Self::OVERWRITTEN),
        ('c', Self::TYPE_CHANGED),
        ('m', Self::MISS),
    ];

    /// The set that the letters of `notify-keyspace-events` name; `None` when one means nothing.
    pub fn parse(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Self::NONE, |set, letter| {
            let more = match letter {
                'A' => Self::parse("g$lshzxetd")?,
                letter => Self::LETTERS.iter().find(|(known, _)| *known == letter)?.1,
            };
            Some(Self(set.0 | more.0))
        })
    }

    /// Whether all of `other` are in it.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Every change is looked at by the herald: a bit beside the classes.
    const TRACKED: u32 = 1 << 31;

    fn tells_somehow(self) -> bool {
        self.has(Self::BY_KEY) || self.has(Self::BY_EVENT)
    }
}

/// Something that happens to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// One class.
    pub class: Classes,
    /// As it is told.
    pub name: &'static str,
}

impl Event {
    /// Changes under this name are told to nobody; what they are part of has names of its own.
    pub const SILENT: Self = Self { class: Classes::NONE, name: "" };
    /// A string was set.
    pub const SET: Self = Self { class: Classes::STRING, name: "set" };
    /// A key was removed.
    pub const DEL: Self = Self { class: Classes::GENERIC, name: "del" };
    /// A key got a deadline.
    pub const EXPIRE: Self = Self { class: Classes::GENERIC, name: "expire" };
    /// A key lost its deadline.
    pub const PERSIST: Self = Self { class: Classes::GENERIC, name: "persist" };
    /// A key's time has come.
    pub const EXPIRED: Self = Self { class: Classes::EXPIRED, name: "expired" };
    const NEW: Self = Self { class: Classes::NEW, name: "new" };
    const OVERWRITTEN: Self = Self { class: Classes::OVERWRITTEN, name: "overwritten" };
    const TYPE_CHANGED: Self = Self { class: Classes::TYPE_CHANGED, name: "type_changed" };
    const KEYMISS: Self = Self { class: Classes::MISS, name: "keymiss" };
    const HEXPIRED: Self = Self { class: Classes::HASH, name: "hexpired" };
    const SEXPIRED: Self = Self { class: Classes::SET, name: "sexpired" };
    const ZEXPIRED: Self = Self { class: Classes::ZSET, name: "zexpired" };

    /// Members of a collection went because their time had come.
    pub(crate) fn members_expired(of_type: Type) -> &'static Self {
        match of_type {
            Type::Hash => &Self::HEXPIRED,
            Type::Set => &Self::SEXPIRED,
            _ => &Self::ZEXPIRED,
        }
    }
}

/// An event that has happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The name of its database.
    pub db: u32,
    /// What happened.
    pub event: &'static Event,
    /// The key.
    pub key: Box<[u8]>,
    /// The change that it tells of is in the log up to here; 0 when it tells of none.
    pub position: Position,
    /// The setting, as it was then.
    pub wanted: Classes,
}

/// Who tells them.
pub trait Herald: Send + Sync {
    /// Keeps a notice. The key's shard is held, so nothing is waited for.
    fn note(&self, notice: Notice);
    /// `key` changes by the command of the client `author` (0: of none), and somebody may want to hear that; whether somebody does. The key's shard
    /// is held.
    fn changed(&self, key: &[u8], author: u64) -> bool;
    /// All keys of a database are others now.
    fn cleared(&self);
    /// Tells what was kept.
    fn tell(&self);
}

/// What is wanted, and who tells it.
#[derive(Default)]
pub struct Notices {
    wanted: AtomicU32,
    herald: OnceLock<Box<dyn Herald>>,
}

impl Notices {
    /// Who tells notices from now on; there is one for the life of a keyspace.
    pub fn set_herald(&self, herald: Box<dyn Herald>) {
        assert!(self.herald.set(herald).is_ok(), "a keyspace has one herald");
    }

    /// What is told from now on: nothing without a way to tell it.
    pub fn want(&self, classes: Classes) {
        let wanted = if classes.tells_somehow() { classes } else { Classes::NONE };
        self.set(|bits| bits & Classes::TRACKED | wanted.0);
    }

    /// Whether the herald hears of every change from now on.
    pub fn track(&self, tracked: bool) {
        self.set(|bits| if tracked { bits | Classes::TRACKED } else { bits & !Classes::TRACKED });
    }

    fn set(&self, bits: impl Fn(u32) -> u32) {
        let set = self.wanted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |was| Some(bits(was)));
        debug_assert!(set.is_ok(), "it is always set");
    }

    /// Whom changes are told to, if somebody tracks them.
    fn tracked(&self) -> Option<&dyn Herald> {
        let tracked = self.wanted.load(Ordering::Relaxed) & Classes::TRACKED != 0;
        self.herald.get().filter(|_| tracked).map(|herald| &**herald)
    }

    /// Tells what was noted.
    pub fn tell(&self) {
        if let Some(herald) = self.herald.get() {
            herald.tell();
        }
    }

    fn wanted(&self) -> Classes {
        Classes(self.wanted.load(Ordering::Relaxed))
    }
}

/// Whether something was noted while these shards were held; dropped behind them, it tells.
pub(crate) struct Noted<'a> {
    notices: &'a Notices,
    some: Cell<bool>,
}

impl<'a> Noted<'a> {
    /// All keys of a database are others now.
    pub fn cleared(&self) {
        if let Some(herald) = self.notices.tracked() {
            herald.cleared();
            self.some.set(true);
        }
    }

    pub fn nothing(notices: &'a Notices) -> Self {
        Self { notices, some: Cell::new(false) }
    }
}

impl Drop for Noted<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.some.get() {
            self.notices.tell();
        }
    }
}

impl Keyspace {
    /// Whether anybody wants to hear of anything.
    #[inline]
    pub(crate) fn tells(&self) -> bool {
        self.notices.wanted.load(Ordering::Relaxed) != 0
    }

    /// The name of a physical database.
    fn name_of(&self, physical: u8) -> u32 {
        (0..=OWN_DATABASE).find(|&db| self.physical(db) == physical).expect("each database has a name")
    }
}

impl View<'_> {
    #[cold]
    #[inline(never)]
    fn note(&self, event: &'static Event, db: u32, key: &[u8], position: Position) {
        let wanted = self.keyspace.notices.wanted();
        if db == OWN_DATABASE || event.class == Classes::NONE || !wanted.has(event.class) {
            return;
        }
        let Some(herald) = self.keyspace.notices.herald.get() else { return };
        herald.note(Notice { db, event, key: key.into(), position, wanted });
        self.noted.some.set(true);
    }

    /// A key was looked for in vain.
    #[cold]
    pub(crate) fn note_miss(&self, key: &[u8]) {
        if self.tells_misses && self.keyspace.tells() {
            self.note(&Event::KEYMISS, self.db, key, 0);
        }
    }
}

/// What a value is that is put at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It takes the place of what was there.
    Overwrite,
    /// It is another state of what was there.
    Update,
}

/// What was at a key before something else was put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before(Option<Type>);

/// Events.
impl Writer<'_> {
    /// The client whose command this is.
    pub fn set_author(&mut self, author: u64) {
        self.author = author;
    }

    /// From here on changes are told as `event`.
    pub fn set_event(&mut self, event: &'static Event) {
        self.event = event;
    }

    /// From here on changes are told as nothing; what they were told as until now.
    pub fn silence(&mut self) -> &'static Event {
        std::mem::replace(&mut self.event, &Event::SILENT)
    }

    /// From here on each change is told as `event`, too, behind its usual one.
    pub fn set_second_event(&mut self, event: Option<&'static Event>) {
        self.second_event = event;
    }

    /// Keys that are looked for in vain are told from here on: what is looked for is to be read.
    pub fn tell_misses(&mut self) {
        self.view.tells_misses = true;
    }

    /// Whether anybody wants to hear of anything.
    pub fn is_told(&self) -> bool {
        self.view.keyspace.tells()
    }

    /// `event` happened to `key`, beside what its changes tell.
    pub fn tell(&self, event: &'static Event, key: &[u8]) {
        self.tell_in(self.view.db, event, key);
    }

    /// As [`Writer::tell`], in database `db`.
    pub fn tell_in(&self, db: u32, event: &'static Event, key: &[u8]) {
        if self.view.keyspace.tells() {
            self.view.note(event, db, key, self.written());
        }
    }

    /// The command's usual event happened to `key`, although nothing in it is different now.
    pub fn tell_usual(&self, key: &[u8]) {
        self.tell(self.event, key);
    }

    /// What took the place of `before` is told as that.
    pub fn tell_overwritten(&self, before: Before, db: u32, key: &[u8], now: Type) {
        let Before(Some(of_type)) = before else { return };
        self.tell_in(db, &Event::OVERWRITTEN, key);
        if of_type != now {
            self.tell_in(db, &Event::TYPE_CHANGED, key);
        }
    }

    /// What is at `key` now, to be compared with what comes.
    pub fn held(&self, key: &[u8]) -> Before {
        Before(self.view.peek(key).map(|entry| entry.of_type()))
    }

    /// Something was at `key` for no time at all, new or in the place of `before`.
    pub fn tell_placed(&self, before: Before, key: &[u8], now: Type) {
        match before {
            Before(None) => self.tell(&Event::NEW, key),
            before => self.tell_overwritten(before, self.view.db, key, now),
        }
    }

    /// `key` changes: who has read it wants to hear that.
    fn note_change(&self, key: &[u8]) {
        if self.view.db != OWN_DATABASE
            && let Some(herald) = self.view.keyspace.notices.tracked()
            && herald.changed(key, self.author)
        {
            self.view.noted.some.set(true);
        }
    }

    fn note_in(&self, physical: u8, event: &'static Event, key: &[u8]) {
        self.view.note(event, self.view.keyspace.name_of(physical), key, self.written());
    }

    fn note_usual(&self, physical: u8, key: &[u8]) {
        self.note_in(physical, self.event, key);
        if let Some(event) = self.second_event {
            self.note_in(physical, event, key);
        }
    }

    /// What is at the key now; one whose time has come is told to be gone.
    fn before(&self, physical: u8, key: &[u8]) -> Before {
        let hashed = self.view.key(key);
        let held = self.view.locked.state(hashed.shard).get(physical, &hashed);
        let alive = held.filter(|entry| !entry.is_expired(self.now_ms()));
        if held.is_some() && alive.is_none() {
            self.note_in(physical, &Event::EXPIRED, key);
        }
        Before(alive.map(|entry| entry.of_type()))
    }

    /// A value is about to be put at a key.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_put(&self, physical: u8, key: &[u8], now: Type, put: Put) {
        self.note_change(key);
        let before = self.before(physical, key);
        match before.0 {
            None => self.note_in(physical, &Event::NEW, key),
            Some(_) if put == Put::Update => {}
            Some(_) => self.tell_overwritten(before, self.view.keyspace.name_of(physical), key, now),
        }
        self.note_usual(physical, key);
    }

    /// A collection or a string is about to be changed.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_changing(&self, physical: u8, key: &[u8]) {
        self.note_change(key);
        if self.before(physical, key).0.is_none() {
            self.note_in(physical, &Event::NEW, key);
        }
        self.note_usual(physical, key);
    }

    /// A collection was changed: perhaps that was the last of it.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_changed(&self, physical: u8, key: &[u8]) {
        let hashed = self.view.key(key);
        if self.view.locked.state(hashed.shard).get(physical, &hashed).is_none() {
            self.note_removed(physical, key, Reason::Deleted);
        }
    }

    /// Members of a collection went because their time had come.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_members_expired(&self, physical: u8, key: &[u8], of_type: Type) {
        self.note_change(key);
        self.note_in(physical, Event::members_expired(of_type), key);
        self.note_changed(physical, key);
    }

    /// A key was removed.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_removed(&self, physical: u8, key: &[u8], reason: Reason) {
        self.note_change(key);
        match reason {
            Reason::Expired => self.note_in(physical, &Event::EXPIRED, key),
            _ if *self.event == Event::SILENT => {}
            _ => self.note_in(physical, &Event::DEL, key),
        }
    }

    /// A key got a deadline, or lost it.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_deadline(&self, physical: u8, key: &[u8], expires_at: Millis) {
        self.note_change(key);
        if *self.event != Event::SILENT {
            self.note_in(physical, if expires_at == 0 { &Event::PERSIST } else { &Event::EXPIRE }, key);
        }
    }

    /// Removes a collection whose last members the command takes out: the event of that is told before the key's end.
    pub fn remove_emptied(&mut self, key: &[u8]) -> Result<bool> {
        if self.view.keyspace.tells() && self.view.peek(key).is_some() {
            let physical = self.view.keyspace.physical(self.view.db);
            self.note_usual(physical, key);
        }
        self.remove(key)
    }

    /// Puts `value` at a key as if nothing had been there. How that is told, beside `new`, is the caller's affair: what was there.
    pub fn put_anew_in(&mut self, db: u32, key: &[u8], value: NewValue<'_>, expires_at: Millis) -> Result<Before> {
        let before = self.view.peek_in(db, key).map(|entry| entry.of_type());
        let event = self.silence();
        let put = self.put_value_as(Put::Update, db, key, value, expires_at);
        self.event = event;
        put?;
        if before.is_some() {
            self.tell_in(db, &Event::NEW, key);
        }
        Ok(Before(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_name_classes() {
        let all = Classes::parse("AKE").unwrap();
        assert!(all.has(Classes::parse("g$lshzxetdKE").unwrap()));
        for letter in ["n", "o", "c", "m"] {
            let class = Classes::parse(letter).unwrap();
            assert!(!all.has(class) && Classes::parse(&format!("A{letter}")).unwrap().has(class), "{letter}");
        }
        assert_eq!((Classes::parse(""), Classes::parse("Ky")), (Some(Classes::NONE), None));
    }
}
