//! Asking the cache for members of big collections, ahead of the commands that will look for them.
//!
//! [`crate::Prefetch`] asks for keys and holds nothing. What a value consists of may only be looked at by somebody who holds its shard, so
//! this holds one; but it takes only what is free, and lets go of it with the next key that lies elsewhere.

use kvark_values::Approach;
use parking_lot::MutexGuard;

use crate::entry::EntryPtr;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::shard::State;

/// One step for many members.
pub struct Step<'a> {
    keyspace: &'a Keyspace,
    db: u32,
    held: Option<(u32, MutexGuard<'a, State>)>,
    /// The entry of the latest key, by its hash; of the shard that is held.
    latest: Option<(u64, Option<EntryPtr>)>,
}

impl Keyspace {
    /// A step towards members of collections in database `db`. Whoever makes it must not hold a shard.
    pub fn step(&self, db: u32) -> Step<'_> {
        Step { keyspace: self, db, held: None, latest: None }
    }
}

impl Step<'_> {
    /// Brings `member` of the collection at `key` one step nearer. Nothing happens where there is no such thing, or where somebody else
    /// holds the shard.
    #[inline]
    pub fn towards(&mut self, key: &Key<'_>, member: &[u8], approach: &mut Approach) {
        if self.held.as_ref().is_none_or(|(shard, _)| *shard != key.shard) {
            (self.held, self.latest) = (None, None);
            self.held = self.keyspace.try_shard(key.shard).map(|state| (key.shard, state));
        }
        let Some((_, state)) = &self.held else { return };
        let entry = match self.latest {
            // Two keys of one hash would be taken for one another: what is asked for is of no use then.
            Some((hash, entry)) if hash == key.hash => entry,
            _ => state.get(self.keyspace.physical(self.db), key).map(|entry| entry.ptr()),
        };
        self.latest = Some((key.hash, entry));
        if let Some(entry) = entry {
            // SAFETY: found under this hold of the shard.
            unsafe { entry.borrow() }.value().approach(member, approach);
        }
    }
}
