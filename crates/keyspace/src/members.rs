//! Members of collections whose time has come.
//!
//! Invariant: a [`View`] or [`Writer`] that a command gets was made after everything that is due in the collections it may look at was
//! removed, so no command has to ask a member for its time.

use kvark_base::Millis;
use kvark_base::limits::ALL_DATABASES;

use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::shard::MemberChange;
use crate::view::{Locked, View};
use crate::writer::Writer;

/// Members removed by one record of the log, and by the sweep while a shard is held.
const SLICE: usize = 1000;

impl<'a> View<'a> {
    /// The same view, after the removal of members whose time has come: those of its one key, or of all collections in its shards.
    #[cold]
    pub(crate) fn without_due_members(self) -> Self {
        let (shards, now_ms, one) = (self.locked.shards(), self.now_ms, self.prepared.map(|key| key.hash));
        let one = one.filter(|_| matches!(self.locked, Locked::One(..)));
        let mut writer = Writer::new(self);
        for shard in shards {
            if let Some(hash) = one {
                // The note of it stays for the sweep.
                (0..ALL_DATABASES as u8).for_each(|db| writer.remove_all_due_members(shard, db, hash, now_ms));
                continue;
            }
            while let Some((db, hash)) = writer.pop_due_members(shard) {
                writer.remove_all_due_members(shard, db, hash, now_ms);
            }
        }
        writer.into_view()
    }
}

impl Keyspace {
    /// Removes some members that are due in a shard; whether there are more.
    pub(crate) fn sweep_members(&self, shard: u32, now_ms: Millis) -> bool {
        let mut writer = self.write_shard(shard, now_ms);
        let Some((db, hash)) = writer.pop_due_members(shard) else { return false };
        if writer.remove_due_members(shard, db, hash, now_ms) {
            // There may be more of the same time; if not, this note finds nothing.
            writer.state_mut(shard).member_deadlines.push(now_ms, db, hash);
        }
        true
    }
}

impl Writer<'_> {
    /// Takes the earliest note of a member's deadline if its time has come.
    fn pop_due_members(&mut self, shard: u32) -> Option<(u8, u64)> {
        let now_ms = self.now_ms();
        self.state_mut(shard).member_deadlines.pop_due(now_ms)
    }

    fn remove_all_due_members(&mut self, shard: u32, db: u8, hash: u64, now_ms: Millis) {
        while self.remove_due_members(shard, db, hash, now_ms) {}
    }

    /// Removes members of the collection that a note speaks of, at most a slice; false when none was due. When the log refuses they
    /// go all the same: their deadline is a part of what was logged before, so recovery takes them out again.
    fn remove_due_members(&mut self, shard: u32, db: u8, hash: u64, now_ms: Millis) -> bool {
        let Some(found) = self.state_mut(shard).with_due_member(db, hash, now_ms) else { return false };
        // SAFETY: found under this hold of the shard.
        let entry = unsafe { found.entry.borrow() };
        let (key, of_type, mut ops) = (entry.key().to_vec(), entry.of_type(), Vec::new());
        entry.value().expire(now_ms, SLICE, &mut ops);
        let (version, next) = (entry.version(), entry.value().next_deadline());
        if ops.is_empty() {
            // The note was earlier than true.
            if next > now_ms {
                self.state_mut(shard).member_deadlines.push(next, db, hash);
            }
            return false;
        }
        let change = MemberChange { of_nothing: false, of_type, ops: &ops };
        let version = self.record_change(db, &key, change).unwrap_or(version);
        self.apply_change(db, &Key { bytes: &key, hash, shard }, Some(found), change, version);
        if self.view.keyspace.tells() {
            self.note_members_expired(db, &key, of_type);
        }
        true
    }
}
