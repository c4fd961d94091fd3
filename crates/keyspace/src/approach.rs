//! Asking the cache for members of big collections, ahead of the commands that will look for them.
//!
//! [`crate::Prefetch`] asks for keys and holds nothing. What a value consists of may only be looked at by somebody who holds its shard, so
//! this holds one; but it takes only what is free, and lets go of it with the next key that lies elsewhere.

use kvark_values::Approach;
use parking_lot::MutexGuard;

use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::shard::State;

/// One step for many members.
pub struct Step<'a> {
    keyspace: &'a Keyspace,
    db: u32,
    held: Option<(u32, MutexGuard<'a, State>)>,
}

impl Keyspace {
    /// A step towards members of collections in database `db`. Whoever makes it must not hold a shard.
    pub fn step(&self, db: u32) -> Step<'_> {
        Step { keyspace: self, db, held: None }
    }
}

impl Step<'_> {
    /// Brings `member` of the collection at `key` one step nearer. Nothing happens where there is no such thing, or where somebody else
    /// holds the shard.
    #[inline]
    pub fn towards(&mut self, key: &Key<'_>, member: &[u8], approach: &mut Approach) {
        if self.held.as_ref().is_none_or(|(shard, _)| *shard != key.shard) {
            self.held = None;
            self.held = self.keyspace.try_shard(key.shard).map(|state| (key.shard, state));
        }
        let Some((_, state)) = &self.held else { return };
        if let Some(entry) = state.get(self.keyspace.physical(self.db), key) {
            entry.value().approach(member, approach);
        }
    }
}
