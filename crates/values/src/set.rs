//! A set: byte strings, each once, without order.
//!
//! Read on: [`Op`] (what can happen to one), [`Intset`] (the form of small sets of integers), [`crate::packed`] (that of other small
//! ones), [`crate::members`] (that of big ones).
//!
//! Invariant: a set has the form that it would have if its members had been added one by one: integers while all of them
//! are and they are few, packed while they are few and short, else a table. It goes forward only.
//! Invariant: only a table has members that expire.

mod encoded;
mod form;
mod intset;
mod op;
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

/// A set of byte strings.
#[derive(Debug, Clone, Default)]
pub struct Set(Form);

impl Set {
    /// The set of these members.
    pub fn from_members<'a>(members: impl IntoIterator<Item = StringRef<'a>>, forms: &Forms) -> Self {
        let mut set = Self::default();
        for member in members {
            set.0.add(member, 0, forms);
        }
        set
    }

    /// Whether `member` is one.
    #[inline]
    pub fn contains(&self, member: StringRef<'_>) -> bool {
        self.0.contains(member)
    }

    /// When `member` expires, 0 for never; `None` if it is none.
    pub fn deadline_of(&self, member: StringRef<'_>) -> Option<Millis> {
        self.0.deadline_of(member)
    }

    /// See [`crate::ValueRef::approach`].
    #[inline]
    pub fn approach(&self, member: &[u8], approach: &mut Approach) {
        self.0.approach(member, approach);
    }

    /// All members, in an order that stays until the next change.
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter()
    }

    /// The same, each with its deadline, 0 for never.
    pub fn with_deadlines(&self) -> impl Iterator<Item = (StringRef<'_>, Millis)> {
        self.0.with_deadlines()
    }

    /// The member at `index` in the order of [`Set::iter`].
    pub fn at(&self, index: usize) -> Option<StringRef<'_>> {
        self.0.at(index)
    }

    /// Asks the cache for the members at these places in the order of [`Set::iter`], which will go one after another, the next one first.
    /// It is a hint, to be given anew before each of them.
    #[inline]
    pub fn ask_ahead(&self, soon: [usize; 3]) {
        self.0.ask_ahead(soon);
    }

    /// The members at these places in the order of [`Set::iter`], which ascend.
    pub fn select(&self, ascending: Vec<usize>) -> impl Iterator<Item = StringRef<'_>> {
        self.0.select(ascending)
    }

    /// Hands over about `count` members from `cursor` on, and returns where to go on: 0 when that was all. A small set is
    /// handed over whole. A member that is there from the first call to the last is handed over at least once.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, each: impl FnMut(StringRef<'a>)) -> u64 {
        self.0.scan(cursor, count, each)
    }

    fn apply_one(&mut self, op: Op<'_>, forms: &Forms) {
        let member = StringRef::new(op.member());
        match op {
            Op::Add { deadline, .. } => self.0.add(member, deadline, forms),
            Op::Remove { .. } => self.0.remove(member),
            Op::Expire { at, .. } => self.0.expire_at(member, at, forms),
        }
    }
}

impl Collection for Set {
    const TYPE: Type = Type::Set;

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
        let Form::Table(table) = &self.0 else {
            self.0.with_deadlines().for_each(|(member, deadline)| put_member(member, deadline, out));
            return copying.end();
        };
        for place in copying.places(self.len()).rev() {
            put_member(table.at(place).expect("a place below the length"), table.deadline_at(place), out);
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
        self.0.next_deadline()
    }

    fn expire(&self, now_ms: Millis, most: usize, ops: &mut Vec<u8>) {
        self.0.due(now_ms).take(most).for_each(|member| Op::Remove { member }.encode(ops));
    }

    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        for (member, deadline) in self.0.with_deadlines() {
            bytes.clear();
            encoded::write_member(member, deadline, &mut bytes);
            each(&bytes);
        }
    }
}

/// Appends the operation that makes a member as it is.
fn put_member(member: StringRef<'_>, deadline: Millis, out: &mut Vec<u8>) {
    Op::Add { member: member.text(&mut IntBuffer::new()), deadline }.encode(out);
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.0.with_deadlines().all(|(member, deadline)| other.deadline_of(member) == Some(deadline))
    }
}

impl Eq for Set {}
