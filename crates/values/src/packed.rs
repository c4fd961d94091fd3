//! A sequence of byte strings in one allocation: the small form of collections and the chunks of a list.
//!
//! ```text
//! item: | head | body | tail |
//! head 0xxxxxxx                 a string of up to 127 bytes, its body
//!      10xxxxxx                 the integer 0 to 63, no body
//!      110xxxxx + 1 byte        a string of up to 8191 bytes
//!      11100000 + 4 bytes       a longer string
//!      11110nnn                 an integer of n + 1 bytes, little-endian, two's complement, its body
//! tail the length of head and body in groups of seven bits, highest first; all but the first have the high bit
//! ```
//!
//! The tail is what lets one walk backwards: read from its end, it says how far the item's beginning is.
//!
//! Invariant: equal strings have equal bytes, so that an item is found by comparing bytes. It holds because strings come as
//! [`StringRef::new`] makes them. (Bytes that nobody looks for, such as a number's, may be put in as they are.)
//! Invariant: these bytes are in memory only. They are no format.

mod buffer;
mod item;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::StringRef;
pub(crate) use buffer::Buffer;
use item::Item;

/// A sequence of byte strings; see the module. Eight bytes where it stands.
#[derive(Clone)]
pub struct Packed(Buffer);

/// Where an item is, until the sequence changes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(usize);

impl Default for Packed {
    fn default() -> Self {
        Self::new()
    }
}

impl Packed {
    /// No items.
    pub const fn new() -> Self {
        Self(Buffer::new())
    }

    /// How many items.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.items()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all items, as they are packed.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.0.bytes().len()
    }

    /// Bytes that `item` would take.
    pub fn bytes_of(item: StringRef<'_>) -> usize {
        Item::new(item).len()
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    /// Gives back memory that is kept for growth.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink();
    }

    /// Where the item `index` from the beginning is. It walks from the nearer end.
    pub fn place(&self, index: usize) -> Option<Place> {
        let items = self.len();
        if index >= items {
            return None;
        }
        if index <= items / 2 {
            let first = Place(0);
            return (0..index).try_fold(first, |place, _| self.next(place));
        }
        let end = Place(self.byte_len());
        (index..items).try_fold(end, |place, _| self.previous(place))
    }

    /// The place behind the last item, where [`Packed::insert_at`] appends.
    pub fn end(&self) -> Place {
        Place(self.byte_len())
    }

    /// The place of the first item.
    pub fn first(&self) -> Option<Place> {
        (!self.is_empty()).then_some(Place(0))
    }

    /// The place of the last item.
    pub fn last(&self) -> Option<Place> {
        self.previous(self.end())
    }

    /// The place behind the item at `place`, or `None` when that was the last.
    #[inline]
    pub fn next(&self, place: Place) -> Option<Place> {
        let next = self.skip(place, 1);
        (next.0 < self.byte_len()).then_some(next)
    }

    /// The place of the item before `place`, which may be the end.
    #[inline]
    pub fn previous(&self, place: Place) -> Option<Place> {
        let before = &self.0.bytes()[..place.0];
        (!before.is_empty()).then(|| Place(place.0 - item::len_before(before)))
    }

    /// The place `items` further; the end if there are fewer.
    #[inline]
    fn skip(&self, place: Place, items: usize) -> Place {
        let (bytes, mut at) = (self.0.bytes(), place.0);
        for _ in 0..items {
            if at == bytes.len() {
                break;
            }
            at += item::len_at(&bytes[at..]);
        }
        Place(at)
    }

    /// The item at `place`.
    #[inline]
    pub fn at(&self, place: Place) -> StringRef<'_> {
        item::read(&self.0.bytes()[place.0..])
    }

    /// The item `index` from the beginning.
    pub fn get(&self, index: usize) -> Option<StringRef<'_>> {
        self.place(index).map(|place| self.at(place))
    }

    /// The item `index` from the end.
    pub fn get_back(&self, index: usize) -> Option<StringRef<'_>> {
        self.get(self.len().checked_sub(index)?.checked_sub(1)?)
    }

    /// The first item from `from` on that is `wanted`, where only `from` and every `every`th item after it are looked at.
    #[inline]
    pub fn find_from(&self, from: Place, wanted: StringRef<'_>, every: usize) -> Option<Place> {
        let (bytes, wanted, mut place) = (self.0.bytes(), Item::new(wanted), from);
        while place.0 < bytes.len() {
            if wanted.begins(&bytes[place.0..]) {
                return Some(place);
            }
            place = self.skip(place, every);
        }
        None
    }

    /// The first item that is `wanted` among the first and every `every`th after it.
    #[inline]
    pub fn find(&self, wanted: StringRef<'_>, every: usize) -> Option<Place> {
        self.find_from(Place(0), wanted, every)
    }

    /// How many items are before `place`.
    pub fn index_of(&self, place: Place) -> usize {
        let (mut at, mut index) = (Place(0), 0);
        while at < place {
            at = self.skip(at, 1);
            index += 1;
        }
        index
    }

    /// One item, with room for so many bytes of others before and behind it.
    pub fn with_room(item: StringRef<'_>, before: usize, behind: usize) -> Self {
        let mut packed = Self(Buffer::with_room(before, behind + Self::bytes_of(item)));
        packed.push(item);
        packed
    }

    /// Appends an item.
    #[inline]
    pub fn push(&mut self, item: StringRef<'_>) {
        self.insert_at(self.end(), item);
    }

    /// Puts an item before all others.
    #[inline]
    pub fn push_front(&mut self, item: StringRef<'_>) {
        self.insert_at(Place(0), item);
    }

    /// Inserts an item before the one at `place` (which may be the end).
    #[inline]
    pub fn insert_at(&mut self, place: Place, item: StringRef<'_>) {
        let (item, items) = (Item::new(item), self.len());
        item.write(self.0.splice(place.0, 0, item.len()));
        self.0.set_items(items + 1);
    }

    /// Inserts an item so that it is the `index`th; behind the last if there are fewer.
    pub fn insert(&mut self, index: usize, item: StringRef<'_>) {
        let place = self.place(index).unwrap_or(self.end());
        self.insert_at(place, item);
    }

    /// Puts `item` in place of the one at `place`.
    pub fn replace_at(&mut self, place: Place, item: StringRef<'_>) {
        self.splice(place, 1, &[item]);
    }

    /// Removes `count` items from `place` on, or as many as there are.
    pub fn remove_at(&mut self, place: Place, count: usize) {
        self.splice(place, count, &[]);
    }

    /// Removes `count` items from the `index`th on, or as many as there are.
    pub fn remove(&mut self, index: usize, count: usize) {
        if let Some(place) = self.place(index) {
            self.remove_at(place, count);
        }
    }

    /// Removes every item that `keep` does not want, in one pass.
    pub fn retain(&mut self, mut keep: impl FnMut(StringRef<'_>) -> bool) {
        let (bytes, mut kept, mut at, mut removed) = (self.0.bytes_mut(), 0, 0, 0);
        while at < bytes.len() {
            let end = at + item::len_at(&bytes[at..]);
            if keep(item::read(&bytes[at..end])) {
                bytes.copy_within(at..end, kept);
                kept += end - at;
            } else {
                removed += 1;
            }
            at = end;
        }
        self.0.splice(kept, at - kept, 0);
        self.changed(0, removed);
    }

    /// Puts `items` in place of the `removed` items from `place` on, of which there may be fewer.
    pub fn splice(&mut self, place: Place, removed: usize, items: &[StringRef<'_>]) {
        let (end, gone) = self.skip_counted(place, removed);
        let added = items.iter().map(|&item| Item::new(item).len()).sum();
        let mut room = self.0.splice(place.0, end.0 - place.0, added);
        for &item in items {
            let item = Item::new(item);
            let (here, rest) = room.split_at_mut(item.len());
            item.write(here);
            room = rest;
        }
        self.changed(items.len(), gone);
    }

    fn skip_counted(&self, place: Place, items: usize) -> (Place, usize) {
        let (mut at, mut count) = (place, 0);
        while count < items && at < self.end() {
            at = self.skip(at, 1);
            count += 1;
        }
        (at, count)
    }

    fn changed(&mut self, added: usize, removed: usize) {
        let items = self.len() + added - removed;
        self.0.set_items(items);
        if items == 0 {
            self.0 = Buffer::new();
        }
    }

    /// Takes the items from the `index`th on into a sequence of their own.
    pub fn split_off(&mut self, index: usize) -> Self {
        let (Some(place), items) = (self.place(index), self.len()) else { return Self::new() };
        let mut tail = Self::new();
        tail.append_bytes(&self.0.bytes()[place.0..], items - index);
        self.0.splice(place.0, tail.byte_len(), 0);
        self.changed(0, items - index);
        tail
    }

    /// Appends all items of `other`.
    pub fn append(&mut self, other: &Self) {
        self.append_bytes(other.0.bytes(), other.len());
    }

    fn append_bytes(&mut self, bytes: &[u8], items: usize) {
        self.0.splice(self.byte_len(), 0, bytes.len()).copy_from_slice(bytes);
        self.changed(items, 0);
    }

    /// All items, from either end.
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: self.0.bytes(), left: self.len() }
    }

    /// The items before the `index`th, from either end.
    pub fn iter_to(&self, index: usize) -> Iter<'_> {
        let place = self.place(index).unwrap_or(self.end());
        Iter { bytes: &self.0.bytes()[..place.0], left: index.min(self.len()) }
    }

    /// The items from the `index`th on, from either end.
    pub fn iter_from(&self, index: usize) -> Iter<'_> {
        let place = self.place(index).unwrap_or(self.end());
        Iter { bytes: &self.0.bytes()[place.0..], left: self.len().saturating_sub(index) }
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes() == other.0.bytes()
    }
}

impl Eq for Packed {}

impl<'a> IntoIterator for &'a Packed {
    type Item = StringRef<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The items of a sequence, from either end.
#[derive(Debug, Clone, Default)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let (item, len) = item::read_with_len(self.bytes);
        (self.bytes, self.left) = (&self.bytes[len..], self.left - 1);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let (rest, item) = self.bytes.split_at(self.bytes.len() - item::len_before(self.bytes));
        (self.bytes, self.left) = (rest, self.left - 1);
        Some(item::read(item))
    }
}

impl ExactSizeIterator for Iter<'_> {}
