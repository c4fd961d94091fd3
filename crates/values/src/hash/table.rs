//! The form of big hashes.

use kvark_base::Millis;

use super::Pair;
use super::small::Small;
use crate::members::{Deadlines, Pairs};
use crate::{IntBuffer, StringRef};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub(super) pairs: Pairs,
    pub(super) deadlines: Deadlines,
}

impl From<Small> for Table {
    /// The order stays, and so the deadlines are at the same places.
    fn from(small: Small) -> Self {
        let mut table = Self { deadlines: small.deadlines, ..Self::default() };
        let mut items = small.pairs.iter();
        while let (Some(field), Some(value)) = (items.next(), items.next()) {
            table.set(field, value, None);
        }
        table
    }
}

impl Table {
    #[inline]
    pub(super) fn get(&self, field: StringRef<'_>) -> Option<StringRef<'_>> {
        self.pairs.get(field.text(&mut IntBuffer::new())).map(StringRef::new)
    }

    pub(super) fn index_of(&self, field: StringRef<'_>) -> Option<usize> {
        self.pairs.find(field.text(&mut IntBuffer::new()))
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<Pair<'_>> {
        (index < self.pairs.len()).then(|| self.pair(index))
    }

    #[inline]
    fn pair(&self, place: usize) -> Pair<'_> {
        let (field, value) = self.pairs.pair(place);
        (StringRef::new(field), StringRef::new(value))
    }

    /// Sets `field` to `value`, and its deadline if one is given.
    pub(super) fn set(&mut self, field: StringRef<'_>, value: StringRef<'_>, deadline: Option<Millis>) {
        let (mut field_text, mut value_text) = (IntBuffer::new(), IntBuffer::new());
        let (place, _) = self.pairs.insert(field.text(&mut field_text), value.text(&mut value_text));
        if let Some(deadline) = deadline {
            self.deadlines.set(place, deadline);
        }
    }

    pub(super) fn expire_at(&mut self, field: StringRef<'_>, at: Millis) {
        if let Some(place) = self.index_of(field) {
            self.deadlines.set(place, at);
        }
    }

    pub(super) fn remove(&mut self, field: StringRef<'_>) {
        if let Some(place) = self.pairs.remove(field.text(&mut IntBuffer::new())) {
            self.deadlines.swap_remove(place, self.pairs.len());
        }
    }

    /// About `count` fields from `cursor` on, and where to go on.
    pub(super) fn scan(&self, cursor: u64, count: usize) -> (impl Iterator<Item = Pair<'_>>, u64) {
        let (places, next) = self.pairs.scan(cursor, count);
        (places.map(|place| self.pair(place)), next)
    }
}
