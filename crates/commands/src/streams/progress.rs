//! How many entries of a stream a group has read, and how many it has yet to read, as far as that can be known without counting.
//!
//! An entry that was deleted leaves a hole, and all that is kept of holes is the highest. So a counter is good as long as no hole lies behind the id
//! that it belongs to.

use std::cmp::Ordering;

use kvark_values::stream::{Group, Id};
use kvark_values::{Collection, Stream};

/// What the questions need to know of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    len: u64,
    added: u64,
    first_id: Id,
    last_id: Id,
    max_deleted_id: Id,
}

impl Facts {
    /// Those of `stream`.
    pub fn of(stream: &Stream) -> Self {
        Self {
            len: stream.len() as u64,
            added: stream.entries_added(),
            first_id: first_id(stream),
            last_id: stream.last_id(),
            max_deleted_id: stream.max_deleted_id(),
        }
    }

    /// Whether there may be a hole at `id` or behind it.
    fn has_hole_from(&self, id: Id) -> bool {
        self.len > 0 && self.max_deleted_id > Id::MIN && id <= self.max_deleted_id
    }

    /// How many entries there ever were up to `id`, if that can be told.
    fn count_up_to(&self, id: Id) -> Option<u64> {
        let lies_before_hole = id > Id::MIN && id < self.max_deleted_id;
        if self.added == 0 || self.len == 0 && id <= self.last_id {
            Some(self.added)
        } else if lies_before_hole || id > self.last_id {
            None
        } else if id == self.last_id {
            Some(self.added)
        } else {
            self.count_up_to_first(id)
        }
    }

    /// The same for an id that is not behind the first entry, where no hole is behind that.
    fn count_up_to_first(&self, id: Id) -> Option<u64> {
        let has_hole = self.max_deleted_id > Id::MIN && self.max_deleted_id >= self.first_id;
        let before_first = self.added.saturating_sub(self.len);
        match id.cmp(&self.first_id) {
            _ if has_hole => None,
            Ordering::Less => Some(before_first),
            Ordering::Equal => Some(before_first + 1),
            Ordering::Greater => None,
        }
    }

    /// How many entries `group` has yet to get, if that can be told.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.added == 0 || self.len == 0 {
            return Some(0);
        } else if group.last_id() < self.first_id && self.max_deleted_id < self.first_id {
            return Some(self.len as i64);
        }
        let counted = group.entries_read().filter(|_| !self.has_hole_from(group.last_id()));
        let read = counted.or_else(|| self.count_up_to(group.last_id()))?;
        Some((self.added as i64).wrapping_sub(read as i64))
    }
}

/// The first id of a stream, the lowest of all if it is empty.
pub fn first_id(stream: &Stream) -> Id {
    stream.first().map_or(Id::MIN, |entry| entry.id)
}

/// How far a group has read, while it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The last entry that it got.
    pub last_id: Id,
    /// How many entries that are, if known.
    pub entries_read: Option<u64>,
}

impl Progress {
    /// That of `group`.
    pub fn of(group: &Group) -> Self {
        Self { last_id: group.last_id(), entries_read: group.entries_read() }
    }

    /// The group gets the entry `id`, which is the next one.
    pub fn advance(&mut self, facts: &Facts, id: Id) {
        let goes_on = self.last_id >= facts.first_id && !facts.has_hole_from(self.last_id);
        match self.entries_read {
            Some(count) if goes_on => self.entries_read = Some(count.saturating_add(1)),
            _ if facts.added > 0 => self.entries_read = facts.count_up_to(id),
            _ => {}
        }
        self.last_id = id;
    }
}
