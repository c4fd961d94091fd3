//! Members of collections whose time has come.
//!
//! Invariant: a [`View`] or [`Writer`] is made only after everything that is due in its shards was removed, so no command has to
//! ask a member for its time.

use kvark_base::Millis;

use crate::shard::MemberChange;
use crate::view::View;
use crate::writer::Writer;

impl<'a> View<'a> {
    /// The same view, after the removal of every member whose time has come, in all of its shards.
    #[cold]
    pub(crate) fn without_due_members(self) -> Self {
        let (shards, now_ms) = (self.locked.shards(), self.now_ms);
        let mut writer = Writer::new(self);
        for shard in shards {
            while let Some((db, hash)) = writer.pop_due_members(shard) {
                writer.remove_due_members(shard, db, hash, now_ms);
            }
        }
        writer.into_view()
    }
}

impl Writer<'_> {
    /// Takes the earliest note of a member's deadline if its time has come.
    fn pop_due_members(&mut self, shard: u32) -> Option<(u8, u64)> {
        let now_ms = self.now_ms();
        self.state_mut(shard).member_deadlines.pop_due(now_ms)
    }

    /// Removes the members that a note speaks of. When the log refuses they go all the same: their deadline is a part of what was
    /// logged before, so recovery takes them out again.
    fn remove_due_members(&mut self, shard: u32, db: u8, hash: u64, now_ms: Millis) {
        let Some(found) = self.state_mut(shard).with_due_member(db, hash, now_ms) else { return };
        // SAFETY: found under this hold of the shard.
        let entry = unsafe { found.entry.borrow() };
        let (key, of_type, mut ops) = (entry.key().to_vec(), entry.of_type(), Vec::new());
        entry.value().expire(now_ms, &mut ops);
        let (version, next) = (entry.version(), entry.value().next_deadline());
        if ops.is_empty() {
            // The note was earlier than true.
            if next > now_ms {
                self.state_mut(shard).member_deadlines.push(next, db, hash);
            }
            return;
        }
        let change = MemberChange { of_nothing: false, of_type, ops: &ops };
        let version = self.record_change(db, &key, change).unwrap_or(version);
        self.apply_change(db, &key, change, version);
    }
}
