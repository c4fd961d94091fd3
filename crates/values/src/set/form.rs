//! How a set is kept: three forms, and how one becomes another.

use std::ops::Range;

use kvark_base::Millis;

use super::intset::Intset;
use super::table::Table;
use crate::StringRef;
use crate::forms::Forms;
use crate::members::Approach;
use crate::packed::{self, Packed};

/// The most bytes in one allocation, whatever the thresholds allow.
const MOST_PACKED_BYTES: usize = 1 << 30;

/// See the module.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// All members are integers.
    Integers(Intset),
    /// Few short members.
    Packed(Packed),
    /// Any.
    Table(Box<Table>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Integers(Intset::default())
    }
}

impl Form {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(integers) => integers.len(),
            Self::Packed(packed) => packed.len(),
            Self::Table(table) => table.len(),
        }
    }

    pub(super) fn encoding(&self) -> &'static str {
        match self {
            Self::Integers(_) => "intset",
            Self::Packed(_) => "listpack",
            Self::Table(_) => "hashtable",
        }
    }

    #[inline]
    pub(super) fn contains(&self, member: StringRef<'_>) -> bool {
        match (self, member) {
            (Self::Integers(integers), StringRef::Int(value)) => integers.contains(value),
            (Self::Integers(_), StringRef::Bytes(_)) => false,
            (Self::Packed(packed), _) => packed.find(member, 1).is_some(),
            (Self::Table(table), _) => table.contains(member),
        }
    }

    pub(super) fn deadline_of(&self, member: StringRef<'_>) -> Option<Millis> {
        match self {
            Self::Table(table) => table.deadline_of(member),
            _ => self.contains(member).then_some(0),
        }
    }

    /// Adds `member`, or gives it that deadline.
    pub(super) fn add(&mut self, member: StringRef<'_>, deadline: Millis, forms: &Forms) {
        match self {
            Self::Table(table) => table.add(member, deadline),
            _ if deadline != 0 => self.become_table().add(member, deadline),
            small if small.contains(member) => {}
            small => small.add_new(member, forms),
        }
    }

    /// Adds a member that is not there to a form that may be too small for it.
    fn add_new(&mut self, member: StringRef<'_>, forms: &Forms) {
        match (&mut *self, member) {
            (Self::Integers(integers), StringRef::Int(value)) if fits_integers(integers, forms) => {
                integers.insert(value);
            }
            (Self::Integers(integers), StringRef::Bytes(_)) if can_be_packed(integers, member, forms) => {
                let mut packed = pack(integers);
                packed.push(member);
                *self = Self::Packed(packed);
            }
            (Self::Packed(packed), _) if fits_packed(packed.len(), packed.byte_len(), member, forms) => {
                packed.push(member)
            }
            _ => self.become_table().add(member, 0),
        }
    }

    fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Integers(_) | Self::Packed(_) => None,
        }
    }

    fn become_table(&mut self) -> &mut Table {
        *self = Self::Table(Box::new(self.iter().collect()));
        match self {
            Self::Table(table) => table,
            _ => unreachable!("it has just become one"),
        }
    }

    pub(super) fn remove(&mut self, member: StringRef<'_>) {
        match (self, member) {
            (Self::Integers(integers), StringRef::Int(value)) => {
                integers.remove(value);
            }
            (Self::Integers(_), StringRef::Bytes(_)) => {}
            (Self::Packed(packed), _) => {
                if let Some(place) = packed.find(member, 1) {
                    packed.remove_at(place, 1);
                }
            }
            (Self::Table(table), _) => table.remove(member),
        }
    }

    /// Gives `member`, if it is one, that deadline.
    pub(super) fn expire_at(&mut self, member: StringRef<'_>, at: Millis, forms: &Forms) {
        if self.deadline_of(member).is_some_and(|deadline| deadline != at) {
            self.add(member, at, forms);
        }
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        let all = 0..self.len();
        Iter(match self {
            Self::Integers(integers) => Walk::Integers(integers, all),
            Self::Packed(packed) => Walk::Packed(packed.iter()),
            Self::Table(table) => Walk::Table(table, all),
        })
    }

    pub(super) fn at(&self, index: usize) -> Option<StringRef<'_>> {
        match self {
            Self::Integers(integers) => integers.get(index).map(StringRef::Int),
            Self::Packed(packed) => packed.get(index),
            Self::Table(table) => table.at(index),
        }
    }

    #[inline]
    pub(super) fn approach(&self, member: &[u8], approach: &mut Approach) {
        if let Self::Table(table) = self {
            table.approach(member, approach);
        }
    }

    #[inline]
    pub(super) fn ask_ahead(&self, soon: [usize; 3]) {
        if let Self::Table(table) = self {
            table.ask_ahead(soon);
        }
    }

    pub(super) fn select(&self, ascending: Vec<usize>) -> impl Iterator<Item = StringRef<'_>> {
        let (mut rest, mut passed) = (self.iter(), 0);
        ascending.into_iter().map_while(move |index| {
            let member = rest.nth(index - passed);
            passed = index + 1;
            member
        })
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, count: usize, each: impl FnMut(StringRef<'a>)) -> u64 {
        let Self::Table(table) = self else {
            self.iter().for_each(each);
            return 0;
        };
        let (members, next) = table.scan(cursor, count);
        members.for_each(each);
        next
    }

    /// The members that are due.
    pub(super) fn due(&self, now_ms: Millis) -> impl Iterator<Item = &[u8]> {
        self.as_table().into_iter().flat_map(move |table| table.due(now_ms))
    }

    /// All members and when they expire, 0 for never.
    pub(super) fn with_deadlines(&self) -> impl Iterator<Item = (StringRef<'_>, Millis)> {
        let table = self.as_table();
        let deadline_at = move |index| table.map_or(0, |table| table.deadline_at(index));
        self.iter().enumerate().map(move |(index, member)| (member, deadline_at(index)))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Integers(integers) => integers.memory_bytes(),
            Self::Packed(packed) => packed.memory_bytes(),
            Self::Table(table) => size_of::<Table>() + table.memory_bytes(),
        }
    }

    pub(super) fn allocations(&self) -> usize {
        match self {
            Self::Integers(_) | Self::Packed(_) => 1,
            Self::Table(table) => table.allocations(),
        }
    }

    pub(super) fn next_deadline(&self) -> Millis {
        self.as_table().map_or(0, Table::next_deadline)
    }
}

/// Whether a set of integers takes one more.
fn fits_integers(integers: &Intset, forms: &Forms) -> bool {
    integers.len() < forms.set_integers.get().min(MOST_PACKED_BYTES / size_of::<i64>())
}

/// Whether a packed set of `len` members in so many bytes takes one more.
fn fits_packed(len: usize, bytes: usize, member: StringRef<'_>, forms: &Forms) -> bool {
    let member_len = member.text_len();
    len < forms.set_entries.get() && member_len <= forms.set_value.get() && bytes + member_len < MOST_PACKED_BYTES
}

/// Whether integers can become a packed set with `member` in it. The longest of them is the first or the last.
fn can_be_packed(integers: &Intset, member: StringRef<'_>, forms: &Forms) -> bool {
    let ends = [integers.get(0), integers.get(integers.len().wrapping_sub(1))];
    fits_packed(integers.len(), integers.memory_bytes(), member, forms)
        && ends.into_iter().flatten().all(|end| StringRef::Int(end).text_len() <= forms.set_value.get())
}

fn pack(integers: &Intset) -> Packed {
    let mut packed = Packed::new();
    integers.iter().for_each(|value| packed.push(StringRef::Int(value)));
    packed
}

/// The members of a set, in an order that stays until the next change.
#[derive(Debug, Clone)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Debug, Clone)]
enum Walk<'a> {
    Integers(&'a Intset, Range<usize>),
    Packed(packed::Iter<'a>),
    Table(&'a Table, Range<usize>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        match &mut self.0 {
            Walk::Integers(integers, left) => integers.get(left.next()?).map(StringRef::Int),
            Walk::Packed(items) => items.next(),
            Walk::Table(table, left) => table.at(left.next()?),
        }
    }

    fn nth(&mut self, skipped: usize) -> Option<StringRef<'a>> {
        match &mut self.0 {
            Walk::Integers(integers, left) => integers.get(left.nth(skipped)?).map(StringRef::Int),
            Walk::Packed(items) => items.nth(skipped),
            Walk::Table(table, left) => table.at(left.nth(skipped)?),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Integers(_, left) | Walk::Table(_, left) => left.size_hint(),
            Walk::Packed(items) => items.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
