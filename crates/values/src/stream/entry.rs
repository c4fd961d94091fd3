//! Entries as bytes, in the memory of a chunk and in an encoded stream alike.
//!
//! ```text
//! string   varint: twice the length, then the bytes; or, where the string is an integer, twice its zigzag and one
//! names    varint: how many, then the strings; they stand before a run of entries, who share them
//! entry    varint: four times the ms since the entry before it, +1 OWN, +2 SPELLED
//!          SPELLED: ms and seq follow as varints (and the number above is 0 but for the flags);
//!          otherwise seq is one more than that of the entry before it, or 0 if the ms differs
//!          OWN: varint: how many pairs, then field and value of each; otherwise the values, one for each shared name
//! ```
//!
//! Invariant: equal strings have equal bytes; one that spells an integer is an integer, but for the few that zigzag can't double.

use kvark_base::Result;

use super::Id;
use crate::wire::{Reader, put_varint};
use crate::{IntBuffer, StringRef};

const OWN: u64 = 1;
const SPELLED: u64 = 2;
const FLAG_BITS: u32 = 2;

/// A field and its value.
pub type Pair<'a> = (StringRef<'a>, StringRef<'a>);

/// Appends a string.
pub(super) fn put_string(out: &mut Vec<u8>, string: StringRef<'_>) {
    if let StringRef::Int(number) = string {
        let zigzag = (number << 1 ^ number >> 63) as u64;
        if zigzag >> 63 == 0 {
            return put_varint(out, zigzag << 1 | 1);
        }
    }
    let mut digits = IntBuffer::new();
    let text = string.text(&mut digits);
    put_varint(out, (text.len() as u64) << 1);
    out.extend_from_slice(text);
}

/// Takes a string.
pub(super) fn take_string<'a>(reader: &mut Reader<'a>) -> Result<StringRef<'a>> {
    let head = reader.varint()?;
    if head & 1 == 0 {
        return reader.take(usize::try_from(head >> 1).unwrap_or(usize::MAX)).map(StringRef::new);
    }
    let zigzag = head >> 1;
    Ok(StringRef::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)))
}

fn skip_strings(reader: &mut Reader<'_>, count: usize) -> Result<()> {
    for _ in 0..count {
        let head = reader.varint()?;
        if head & 1 == 0 {
            reader.take(usize::try_from(head >> 1).unwrap_or(usize::MAX))?;
        }
    }
    Ok(())
}

/// Takes how many strings follow; no more than there are bytes left.
fn take_count(reader: &mut Reader<'_>) -> Result<usize> {
    let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    if count > reader.len() { Err(reader.corrupt()) } else { Ok(count) }
}

/// The field names that entries share.
#[derive(Debug, Clone)]
pub(super) struct Names<'a> {
    count: usize,
    strings: Reader<'a>,
}

impl<'a> Names<'a> {
    /// Appends the names of `fields`.
    pub(super) fn put(out: &mut Vec<u8>, fields: Fields<'_>) {
        put_varint(out, fields.len() as u64);
        fields.for_each(|(name, _)| put_string(out, name));
    }

    /// Takes names.
    pub(super) fn take(reader: &mut Reader<'a>) -> Result<Self> {
        let count = take_count(reader)?;
        let strings = reader.clone();
        skip_strings(reader, count)?;
        Ok(Self { count, strings })
    }

    /// Whether `fields` have these names, in this order.
    pub(super) fn are_those_of(&self, fields: &Fields<'_>) -> bool {
        let mut strings = self.strings.clone();
        self.count == fields.len()
            && fields.clone().all(|(name, _)| take_string(&mut strings).is_ok_and(|it| it == name))
    }
}

/// The fields of an entry with their values, in order; a field may come twice.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    names: Option<Reader<'a>>,
    strings: Reader<'a>,
    left: usize,
}

impl<'a> Fields<'a> {
    /// Appends `pairs`, given as field, value, field, value ...
    pub(super) fn put(out: &mut Vec<u8>, pairs: &[&[u8]]) {
        put_varint(out, (pairs.len() / 2) as u64);
        pairs.iter().take(pairs.len() & !1).for_each(|string| put_string(out, StringRef::new(string)));
    }

    /// Takes what [`Fields::put`] wrote.
    pub(super) fn take(reader: &mut Reader<'a>) -> Result<Self> {
        let left = take_count(reader)?;
        let strings = reader.clone();
        skip_strings(reader, left)?;
        skip_strings(reader, left)?;
        Ok(Self { names: None, strings, left })
    }

    fn take_values(reader: &mut Reader<'a>, names: &Names<'a>) -> Result<Self> {
        let strings = reader.clone();
        skip_strings(reader, names.count)?;
        Ok(Self { names: Some(names.strings.clone()), strings, left: names.count })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        self.left = self.left.checked_sub(1)?;
        let name = take_string(self.names.as_mut().unwrap_or(&mut self.strings)).ok()?;
        Some((name, take_string(&mut self.strings).ok()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// One entry, as it is read.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its id.
    pub id: Id,
    /// What it says.
    pub fields: Fields<'a>,
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.fields.clone().eq(other.fields.clone())
    }
}

impl Entry<'_> {
    /// Appends it, behind an entry with the id `before`; `shared`: its names are those that are shared.
    pub(super) fn put(&self, out: &mut Vec<u8>, before: Id, shared: bool) {
        put_id(out, before, self.id, if shared { 0 } else { OWN });
        if !shared {
            put_varint(out, self.fields.len() as u64);
        }
        for (name, value) in self.fields.clone() {
            if !shared {
                put_string(out, name);
            }
            put_string(out, value);
        }
    }
}

fn put_id(out: &mut Vec<u8>, before: Id, id: Id, flags: u64) {
    let ms = id.ms - before.ms;
    let seq = if ms == 0 { before.seq.wrapping_add(1) } else { 0 };
    if id.seq == seq && ms.leading_zeros() >= FLAG_BITS {
        return put_varint(out, ms << FLAG_BITS | flags);
    }
    put_varint(out, flags | SPELLED);
    put_varint(out, ms);
    put_varint(out, id.seq);
}

fn take_id(reader: &mut Reader<'_>, head: u64, before: Id) -> Result<Id> {
    let spelled = head & SPELLED != 0;
    let ms = if spelled { reader.varint()? } else { head >> FLAG_BITS };
    let seq = match (spelled, ms) {
        (true, _) => Some(reader.varint()?),
        (false, 0) => before.seq.checked_add(1),
        (false, _) => Some(0),
    };
    let id = before.ms.checked_add(ms).zip(seq).map(|(ms, seq)| Id { ms, seq });
    id.filter(|&id| id > before).ok_or_else(|| reader.corrupt())
}

/// A run of entries, read one after the other. Invariant: their ids rise.
#[derive(Debug, Clone)]
pub(super) struct Entries<'a> {
    names: Names<'a>,
    before: Id,
    rest: Reader<'a>,
}

impl<'a> Entries<'a> {
    /// Those of `rest`, which begin behind the id `before`.
    pub(super) fn new(names: Names<'a>, before: Id, rest: Reader<'a>) -> Self {
        Self { names, before, rest }
    }

    /// The next one. Errors with `Kind::Corrupt` when there is none.
    pub(super) fn read(&mut self) -> Result<Entry<'a>> {
        let head = self.rest.varint()?;
        let id = take_id(&mut self.rest, head, self.before)?;
        let own = head & OWN != 0;
        let fields =
            if own { Fields::take(&mut self.rest)? } else { Fields::take_values(&mut self.rest, &self.names)? };
        self.before = id;
        Ok(Entry { id, fields })
    }

    /// What comes after those that were taken.
    pub(super) fn rest(&self) -> &Reader<'a> {
        &self.rest
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        if self.rest.is_empty() { None } else { self.read().ok() }
    }
}
