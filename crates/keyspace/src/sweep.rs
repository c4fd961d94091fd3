//! Removes keys whose time has come. The removal is an effect, so that whoever replays the log never looks at a clock.

use kvark_base::{Millis, Result};

use crate::entry::EntryRef;
use crate::keyspace::Keyspace;
use crate::shard::State;

/// Notes looked at while one shard is held.
const SLICE: usize = 64;
/// Stale notes tolerated before a shard's deadlines are rebuilt, beside as many as there are keys.
const STALE_SLACK: usize = 4096;

impl Keyspace {
    /// Removes every key that is due at `now_ms`, a slice of one shard at a time; returns how many.
    /// Errors when the log refuses: the keys stay, invisible, and are tried again.
    pub fn sweep(&self, now_ms: Millis) -> Result<u64> {
        let mut removed = 0;
        // The keeper has other work too: it comes back to a shard that is taken for long.
        for shard in (0..self.shards()).filter(|&shard| !self.is_taken(shard)) {
            loop {
                let (some, more) = self.sweep_slice(shard, now_ms)?;
                removed += some;
                if !more {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// The earliest deadline of any key, perhaps stale.
    pub fn next_deadline(&self) -> Option<Millis> {
        (0..self.shards()).filter_map(|shard| self.shard(shard).deadlines.next_ms()).min()
    }

    fn sweep_slice(&self, shard: u32, now_ms: Millis) -> Result<(u64, bool)> {
        let (keys_due, members_due) = {
            let state = self.shard(shard);
            (state.deadlines.next_ms().is_some_and(|next| next <= now_ms), state.has_due_members(now_ms))
        };
        if members_due {
            while self.sweep_members(shard, now_ms) {}
            self.drop_stale_notes(shard);
        }
        if !keys_due {
            return Ok((0, false));
        }
        let mut removed = 0;
        let mut writer = self.write_shard(shard, now_ms);
        for _ in 0..SLICE {
            let Some((db, hash)) = writer.pop_due(shard) else { return Ok((removed, false)) };
            removed += u64::from(writer.remove_due(shard, db, hash)?);
        }
        drop(writer);
        self.drop_stale_notes(shard);
        Ok((removed, true))
    }

    fn drop_stale_notes(&self, shard: u32) {
        let mut state = self.shard(shard);
        let keys: usize = state.tables.iter().map(|table| table.len()).sum();
        let most = 2 * keys + STALE_SLACK;
        if state.deadlines.len() > most {
            let notes = self.notes(&state, |entry| entry.expires_at());
            state.deadlines.rebuild(notes.into_iter());
        }
        if state.member_deadlines.len() > most {
            let notes = self.notes(&state, |entry| entry.value().next_deadline());
            state.member_deadlines.rebuild(notes.into_iter());
        }
    }

    /// A note for every entry that has a deadline of that sort.
    fn notes(&self, state: &State, deadline: fn(&EntryRef<'_>) -> Millis) -> Vec<(Millis, u8, u64)> {
        let mut notes = Vec::new();
        for (db, table) in state.tables.iter().enumerate() {
            // SAFETY: the shard is held.
            let entries = table.iter().map(|entry| unsafe { entry.borrow() });
            let with = entries.filter(|entry| deadline(entry) != 0);
            notes.extend(with.map(|entry| (deadline(&entry), db as u8, self.hasher.hash(entry.key()))));
        }
        notes
    }
}
