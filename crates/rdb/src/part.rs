//! What a value consists of, in words that belong to no format.
//!
//! Invariant: a part borrows: whoever wants to keep it copies it.

use std::borrow::Cow;

use kvark_base::Millis;
use kvark_values::stream::Id;

/// One part of a value. Deadlines are milliseconds since the Unix epoch, 0 for none.
#[derive(Debug, Clone, PartialEq)]
pub enum Part<'a> {
    /// A string, the whole of it.
    Text(&'a [u8]),
    /// The next element of a list.
    Element(&'a [u8]),
    /// A member of a set.
    Member {
        /// Its bytes.
        member: &'a [u8],
        /// Its deadline.
        expires_at: Millis,
    },
    /// A member of a sorted set.
    Scored {
        /// Its bytes.
        member: &'a [u8],
        /// Its score, which is a number.
        score: f64,
        /// Its deadline.
        expires_at: Millis,
    },
    /// A field of a hash.
    Field {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
        /// Its deadline.
        expires_at: Millis,
    },
    /// The next entry of a stream; ids rise.
    Entry {
        /// Its id.
        id: Id,
        /// A name, its value, a name, its value ...
        fields: &'a [Cow<'a, [u8]>],
    },
    /// What a stream knows beside its entries; behind all of them.
    Counters(Counters),
    /// A consumer group of a stream; behind the counters.
    Group(Group<'a>),
}

/// What a stream knows beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// The last id that was given.
    pub last_id: Id,
    /// The largest id that was deleted.
    pub max_deleted_id: Id,
    /// How many entries there ever were.
    pub entries_added: u64,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group<'a> {
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// The last id that was delivered.
    pub last_id: Id,
    /// How many entries it has read; `None` when nobody knows.
    pub entries_read: Option<u64>,
    /// Its consumers.
    pub consumers: Vec<Consumer<'a>>,
    /// What was delivered and not acknowledged; ids rise.
    pub pending: Vec<Pending>,
}

impl Group<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Group<'static> {
        let own = |consumer: Consumer<'_>| Consumer { name: Cow::Owned(consumer.name.into_owned()), ..consumer };
        let consumers = self.consumers.into_iter().map(own).collect();
        Group { name: Cow::Owned(self.name.into_owned()), consumers, ..self }
    }
}

/// A consumer of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consumer<'a> {
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// When it last asked.
    pub seen_at: Millis,
    /// When it last got something; `None` for never.
    pub active_at: Option<Millis>,
}

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// Its id.
    pub id: Id,
    /// To whom: an index among the group's consumers.
    pub consumer: usize,
    /// When, the last time.
    pub delivered_at: Millis,
    /// How often.
    pub deliveries: u64,
}
