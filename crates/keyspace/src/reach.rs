//! How a command that names no keys comes to the shards.

use std::ops::Deref;

use kvark_base::{Millis, Position};
use kvark_values::Forms;
use parking_lot::MutexGuard;

use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::notices::Notices;
use crate::shard::State;
use crate::transaction::Transaction;
use crate::view::View;
use crate::writer::Writer;

/// See the module. What looks at all keys is in [`crate::whole`].
pub enum Reach<'t, 'a> {
    /// Nobody holds a shard for it: it takes them itself, one at a time or all that it needs.
    Free(&'a Keyspace),
    /// A transaction holds every shard that the command needs.
    Held(&'t mut Transaction<'a>),
}

/// A shard, held.
pub(crate) enum Held<'s> {
    Taken(MutexGuard<'s, State>),
    Lent(&'s State),
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        match self {
            Self::Taken(state) => state,
            Self::Lent(state) => state,
        }
    }
}

impl<'t, 'a> Reach<'t, 'a> {
    /// The transaction that holds the shards, to be lent to the commands of a script. Put it back before anybody reaches for a key.
    pub fn take_held(&mut self) -> Option<&'t mut Transaction<'a>> {
        let keyspace = self.keyspace();
        match std::mem::replace(self, Self::Free(keyspace)) {
            Self::Held(transaction) => Some(transaction),
            Self::Free(_) => None,
        }
    }
}

impl<'a> Reach<'_, 'a> {
    pub(crate) fn keyspace(&self) -> &'a Keyspace {
        match self {
            Self::Free(keyspace) => keyspace,
            Self::Held(transaction) => transaction.keyspace(),
        }
    }

    /// One shard.
    pub(crate) fn shard(&self, shard: u32) -> Held<'_> {
        match self {
            Self::Free(keyspace) => Held::Taken(keyspace.shard(shard)),
            Self::Held(transaction) => Held::Lent(transaction.state(shard)),
        }
    }

    /// Whether a transaction holds the shards.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Up to which size collections are kept packed.
    pub fn forms(&self) -> &'a Forms {
        self.keyspace().forms()
    }

    /// What is told of keys.
    pub fn notices(&self) -> &'a Notices {
        self.keyspace().notices()
    }

    /// The position of the last effect of anybody.
    pub fn last_position(&self) -> Position {
        self.keyspace().log().last()
    }

    /// The last position that survives a loss of power.
    pub fn synced_position(&self) -> Position {
        self.keyspace().log().synced()
    }

    /// Reads `keys` of database `db`.
    pub fn read<'k, R>(
        &mut self,
        db: u32,
        keys: impl Iterator<Item = &'k [u8]>,
        now_ms: Millis,
        with: impl FnOnce(&View<'_>) -> R,
    ) -> R {
        match self {
            Self::Free(keyspace) => with(&keyspace.view_of(keyspace.shards_of(keys), now_ms).of_database(db)),
            Self::Held(transaction) => transaction.read(db, |view| with(view)),
        }
    }

    /// Reads any keys of database `db`.
    pub fn read_all<R>(&mut self, db: u32, now_ms: Millis, with: impl FnOnce(&View<'_>) -> R) -> R {
        match self {
            Self::Free(keyspace) => with(&keyspace.view_all(db, now_ms)),
            Self::Held(transaction) => transaction.read(db, |view| with(view)),
        }
    }

    /// Reads and writes `keys` of database `db`.
    pub fn write<'k, R>(
        &mut self,
        db: u32,
        keys: impl Iterator<Item = &'k [u8]>,
        now_ms: Millis,
        with: impl FnOnce(&mut Writer<'_>) -> R,
    ) -> R {
        match self {
            Self::Free(keyspace) => {
                with(&mut Writer::new(keyspace.view_of(keyspace.shards_of(keys), now_ms).of_database(db)))
            }
            Self::Held(transaction) => transaction.write(db, |writer| with(writer)),
        }
    }

    /// Reads and writes any keys of database `db`.
    pub fn write_all<R>(&mut self, db: u32, now_ms: Millis, with: impl FnOnce(&mut Writer<'_>) -> R) -> R {
        match self {
            Self::Free(keyspace) => with(&mut keyspace.write_all(db, now_ms)),
            Self::Held(transaction) => transaction.write(db, |writer| with(writer)),
        }
    }

    /// Takes the shard of `key`, for a note in it. Nobody does that in a transaction.
    pub(crate) fn with_shard_of<R>(
        &mut self,
        key: &[u8],
        with: impl FnOnce(&Keyspace, &Key<'_>, &mut State) -> R,
    ) -> R {
        let Self::Free(keyspace) = self else { panic!("a transaction notes nothing in shards") };
        let key = keyspace.key(key);
        with(keyspace, &key, &mut keyspace.shard(key.shard))
    }
}
