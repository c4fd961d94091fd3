//! A hash: fields, each with a value, without order.
//!
//! Read on: [`Op`] (what can happen to one), [`small`] (the form of few short fields), [`table`] (that of all others).
//!
//! Invariant: a hash is packed while its fields are few and they and their values are short, else a table. It goes forward only.
//! Invariant: a field has a deadline only while it is there.

mod encoded;
mod form;
mod op;
mod small;
mod table;
#[cfg(test)]
mod tests;

use kvark_base::{Millis, Result};

use crate::collection::Collection;
use crate::copying::Copying;
use crate::forms::Forms;
use crate::members::Approach;
use crate::wire::Reader;
use crate::{IntBuffer, StringRef, Type};
use form::Form;
pub use form::Iter;
pub use op::Op;

/// A field and its value.
pub type Pair<'a> = (StringRef<'a>, StringRef<'a>);

/// Fields and their values.
#[derive(Debug, Clone, Default)]
pub struct Hash(Form);

impl Hash {
    /// The hash of these fields.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = Pair<'a>>, forms: &Forms) -> Self {
        let mut hash = Self::default();
        for (field, value) in pairs {
            hash.0.set(field, value, Some(0), forms);
        }
        hash
    }

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: StringRef<'_>) -> Option<StringRef<'_>> {
        self.0.get(field)
    }

    /// Whether there is such a field.
    #[inline]
    pub fn contains(&self, field: StringRef<'_>) -> bool {
        self.get(field).is_some()
    }

    /// When `field` expires, 0 for never; `None` if there is no such field.
    pub fn deadline_of(&self, field: StringRef<'_>) -> Option<Millis> {
        self.0.deadline_of(field)
    }

    /// See [`crate::ValueRef::approach`].
    #[inline]
    pub fn approach(&self, field: &[u8], approach: &mut Approach) {
        if let Form::Table(table) = &self.0 {
            table.pairs.approach(field, approach);
        }
    }

    /// All fields and values, in an order that stays until the next change.
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter()
    }

    /// The same, each with its deadline, 0 for never.
    pub fn with_deadlines(&self) -> impl Iterator<Item = (StringRef<'_>, StringRef<'_>, Millis)> {
        self.iter().enumerate().map(|(index, (field, value))| (field, value, self.0.deadline_at(index)))
    }

    /// The field at `index` in the order of [`Hash::iter`], and its value.
    pub fn at(&self, index: usize) -> Option<Pair<'_>> {
        self.0.at(index)
    }

    /// The fields at these places in the order of [`Hash::iter`], which ascend, and their values.
    pub fn select(&self, ascending: Vec<usize>) -> impl Iterator<Item = Pair<'_>> {
        let (mut rest, mut passed) = (self.iter(), 0);
        ascending.into_iter().map_while(move |index| {
            let pair = rest.nth(index - passed);
            passed = index + 1;
            pair
        })
    }

    /// Hands over about `count` fields with their values from `cursor` on, and returns where to go on: 0 when that was all. A small
    /// hash is handed over whole. A field that is there from the first call to the last is handed over at least once.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, each: impl FnMut(Pair<'a>)) -> u64 {
        self.0.scan(cursor, count, each)
    }

    fn apply_one(&mut self, op: Op<'_>, forms: &Forms) {
        let field = StringRef::new(op.field());
        match op {
            Op::Set { value, expires_at, .. } => self.0.set(field, StringRef::new(value), Some(expires_at), forms),
            Op::Update { value, .. } => self.0.set(field, StringRef::new(value), None, forms),
            Op::Remove { .. } => self.0.remove(field),
            Op::Expire { at, .. } => self.0.expire_at(field, at),
        }
    }
}

impl Collection for Hash {
    const TYPE: Type = Type::Hash;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn apply(&mut self, ops: &mut Reader<'_>, forms: &Forms) -> Result<()> {
        while !ops.is_empty() {
            let op = Op::decode(ops)?;
            self.apply_one(op, forms);
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        encoded::write(self, out);
    }

    fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Self> {
        encoded::read(reader, forms)
    }

    fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
        let end = out.len() + len_bytes;
        let Form::Table(_) = &self.0 else {
            self.with_deadlines().for_each(|(field, value, deadline)| put_field(field, value, deadline, out));
            return copying.end();
        };
        for place in copying.places(self.len()).rev() {
            let (field, value) = self.0.at(place).expect("a place below the length");
            put_field(field, value, self.0.deadline_at(place), out);
            if out.len() >= end {
                return copying.down_to(place);
            }
        }
        copying.end()
    }

    fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    fn encoding(&self) -> &'static str {
        self.0.encoding()
    }

    fn allocations(&self) -> usize {
        self.0.allocations()
    }

    fn next_deadline(&self) -> Millis {
        self.0.deadlines().next()
    }

    fn expire(&self, now_ms: Millis, most: usize, ops: &mut Vec<u8>) {
        self.0.due(now_ms, most, |field| Op::Remove { field }.encode(ops));
    }

    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        for (field, value, deadline) in self.with_deadlines() {
            bytes.clear();
            encoded::write_field(field, value, Some(deadline), &mut bytes);
            each(&bytes);
        }
    }
}

/// Appends the operation that makes a field as it is.
fn put_field(field: StringRef<'_>, value: StringRef<'_>, expires_at: Millis, out: &mut Vec<u8>) {
    let (mut field_text, mut value_text) = (IntBuffer::new(), IntBuffer::new());
    Op::Set { field: field.text(&mut field_text), value: value.text(&mut value_text), expires_at }.encode(out);
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(field, value, deadline): (StringRef<'_>, StringRef<'_>, Millis)| {
            other.get(field) == Some(value) && other.deadline_of(field) == Some(deadline)
        };
        self.len() == other.len() && self.with_deadlines().all(is_there)
    }
}

impl Eq for Hash {}
