//! The form of small hashes: field, value, field, value ... packed; deadlines by the index of the field.

use kvark_base::Millis;

use super::Pair;
use crate::StringRef;
use crate::members::Deadlines;
use crate::packed::{Packed, Place};

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Small {
    pub(super) pairs: Packed,
    pub(super) deadlines: Deadlines,
}

impl Small {
    pub(super) fn len(&self) -> usize {
        self.pairs.len() / 2
    }

    #[inline]
    fn find(&self, field: StringRef<'_>) -> Option<Place> {
        self.pairs.find(field, 2)
    }

    #[inline]
    pub(super) fn get(&self, field: StringRef<'_>) -> Option<StringRef<'_>> {
        self.find(field).and_then(|place| self.pairs.next(place)).map(|value| self.pairs.at(value))
    }

    /// The index of `field`; walks, so it is asked for only where deadlines are.
    pub(super) fn index_of(&self, field: StringRef<'_>) -> Option<usize> {
        self.find(field).map(|place| self.pairs.index_of(place) / 2)
    }

    pub(super) fn at(&self, index: usize) -> Option<Pair<'_>> {
        let field = self.pairs.place(2 * index)?;
        let value = self.pairs.next(field)?;
        Some((self.pairs.at(field), self.pairs.at(value)))
    }

    /// Sets `field` to `value`, and its deadline if one is given.
    pub(super) fn set(&mut self, field: StringRef<'_>, value: StringRef<'_>, deadline: Option<Millis>) {
        match self.find(field) {
            Some(place) => self.pairs.splice(place, 2, &[field, value]),
            None => self.pairs.splice(self.pairs.end(), 0, &[field, value]),
        }
        if let Some(deadline) = deadline {
            self.expire_at(field, deadline);
        }
    }

    pub(super) fn expire_at(&mut self, field: StringRef<'_>, at: Millis) {
        if at == 0 && self.deadlines.is_empty() {
            return;
        }
        if let Some(index) = self.index_of(field) {
            self.deadlines.set(index, at);
        }
    }

    pub(super) fn remove(&mut self, field: StringRef<'_>) {
        let Some(place) = self.find(field) else { return };
        if !self.deadlines.is_empty() {
            self.deadlines.shift_remove(self.pairs.index_of(place) / 2);
        }
        self.pairs.remove_at(place, 2);
    }
}
