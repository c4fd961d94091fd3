//! How a hash is kept: two forms, and how one becomes the other.

use std::ops::Range;

use kvark_base::Millis;

use super::Pair;
use super::small::Small;
use super::table::Table;
use crate::forms::Forms;
use crate::members::Deadlines;
use crate::{IntBuffer, StringRef, packed};

/// The most bytes in one allocation, whatever the thresholds allow.
const MOST_PACKED_BYTES: usize = 1 << 30;

/// See the module.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// Few short fields.
    Small(Small),
    /// Any.
    Table(Box<Table>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Small(Small::default())
    }
}

impl Form {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(small) => small.len(),
            Self::Table(table) => table.pairs.len(),
        }
    }

    pub(super) fn encoding(&self) -> &'static str {
        match self {
            Self::Small(small) if small.deadlines.is_empty() => "listpack",
            Self::Small(_) => "listpackex",
            Self::Table(_) => "hashtable",
        }
    }

    #[inline]
    pub(super) fn get(&self, field: StringRef<'_>) -> Option<StringRef<'_>> {
        match self {
            Self::Small(small) => small.get(field),
            Self::Table(table) => table.get(field),
        }
    }

    pub(super) fn at(&self, index: usize) -> Option<Pair<'_>> {
        match self {
            Self::Small(small) => small.at(index),
            Self::Table(table) => table.at(index),
        }
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        match self {
            Self::Small(small) => &small.deadlines,
            Self::Table(table) => &table.deadlines,
        }
    }

    pub(super) fn deadline_at(&self, index: usize) -> Millis {
        self.deadlines().get(index)
    }

    pub(super) fn deadline_of(&self, field: StringRef<'_>) -> Option<Millis> {
        let index = match self {
            Self::Small(small) => small.index_of(field),
            Self::Table(table) => table.index_of(field),
        };
        index.map(|index| self.deadline_at(index))
    }

    /// Sets `field` to `value`, and its deadline if one is given.
    pub(super) fn set(&mut self, field: StringRef<'_>, value: StringRef<'_>, deadline: Option<Millis>, forms: &Forms) {
        match self {
            Self::Small(small) if fits(small, field, value, forms) => small.set(field, value, deadline),
            Self::Small(small) => {
                let mut table = Table::from(std::mem::take(small));
                table.set(field, value, deadline);
                *self = Self::Table(Box::new(table));
            }
            Self::Table(table) => table.set(field, value, deadline),
        }
    }

    pub(super) fn expire_at(&mut self, field: StringRef<'_>, at: Millis) {
        match self {
            Self::Small(small) => small.expire_at(field, at),
            Self::Table(table) => table.expire_at(field, at),
        }
    }

    pub(super) fn remove(&mut self, field: StringRef<'_>) {
        match self {
            Self::Small(small) => small.remove(field),
            Self::Table(table) => table.remove(field),
        }
    }

    /// Hands over fields that are due, at most `most`.
    pub(super) fn due(&self, now_ms: Millis, most: usize, mut each: impl FnMut(&[u8])) {
        let fields = self.deadlines().due(now_ms).take(most).filter_map(|index| self.at(index));
        fields.for_each(|(field, _)| each(field.text(&mut IntBuffer::new())));
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter(match self {
            Self::Small(small) => Walk::Small(small.pairs.iter()),
            Self::Table(table) => Walk::Table(table, 0..table.pairs.len()),
        })
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, count: usize, each: impl FnMut(Pair<'a>)) -> u64 {
        let Self::Table(table) = self else {
            self.iter().for_each(each);
            return 0;
        };
        let (pairs, next) = table.scan(cursor, count);
        pairs.for_each(each);
        next
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let members = match self {
            Self::Small(small) => small.pairs.memory_bytes(),
            Self::Table(table) => size_of::<Table>() + table.pairs.memory_bytes(),
        };
        members + self.deadlines().memory_bytes()
    }

    pub(super) fn allocations(&self) -> usize {
        let members = match self {
            Self::Small(_) => 1,
            Self::Table(table) => table.pairs.allocations(),
        };
        members + self.deadlines().len()
    }
}

/// Whether a packed hash stays one with `field` set to `value`.
fn fits(small: &Small, field: StringRef<'_>, value: StringRef<'_>, forms: &Forms) -> bool {
    let (field_len, value_len) = (field.text_len(), value.text_len());
    let has_room =
        small.len() < forms.hash_entries.get() || small.len() == forms.hash_entries.get() && small.get(field).is_some();
    has_room
        && field_len.max(value_len) <= forms.hash_value.get()
        && small.pairs.byte_len() + field_len + value_len < MOST_PACKED_BYTES
}

/// The fields of a hash and their values, in an order that stays until the next change.
#[derive(Debug, Clone)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Debug, Clone)]
enum Walk<'a> {
    Small(packed::Iter<'a>),
    Table(&'a Table, Range<usize>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        match &mut self.0 {
            Walk::Small(items) => Some((items.next()?, items.next()?)),
            Walk::Table(table, left) => table.at(left.next()?),
        }
    }

    fn nth(&mut self, skipped: usize) -> Option<Pair<'a>> {
        match &mut self.0 {
            Walk::Small(items) => Some((items.nth(2 * skipped)?, items.next()?)),
            Walk::Table(table, left) => table.at(left.nth(skipped)?),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Small(items) => items.len() / 2,
            Walk::Table(_, left) => left.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
