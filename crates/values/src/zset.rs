//! Sorted sets: members, each once, in the order of their scores; equal scores in the order of their bytes.
//!
//! Read in this order: [`Op`] (what changes), [`Edge`] (where a range begins or ends), `small` (the packed form), `big` (the member
//! table and the `index` over it).
//!
//! Whatever asks for a range asks for ranks: [`Zset::place`] turns a score or a member into the rank where it would stand.
//!
//! Invariant: no score is NaN or negative zero.

mod big;
mod edge;
mod index;
mod iter;
mod op;
mod small;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;

use kvark_base::{Millis, Result};

use crate::collection::Collection;
use crate::copying::{BIG_BYTES, Copying, Place};
use crate::forms::Forms;
use crate::members::Approach;
use crate::wire::{Reader, put_varint};
use crate::{IntBuffer, StringRef, Type};
use big::Big;
pub use edge::Edge;
pub use iter::Entries;
pub use op::Op;
use small::Small;

/// What members are ordered by: any number, infinities included, but NaN.
pub type Score = f64;

/// The most bytes of a packed set, whatever the thresholds say.
const MAX_SMALL_BYTES: usize = 1 << 28;

/// A member with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The member.
    pub member: StringRef<'a>,
    /// Its score.
    pub score: Score,
    /// When it expires, 0 for never.
    pub deadline: Millis,
}

/// A sorted set.
#[derive(Debug, Clone)]
pub struct Zset(Form);

#[derive(Debug, Clone)]
enum Form {
    Small(Small),
    Big(Box<Big>),
}

/// The same expression for each form.
macro_rules! each_form {
    ($zset:expr, $form:ident => $result:expr) => {
        match &$zset.0 {
            Form::Small($form) => $result,
            Form::Big($form) => $result,
        }
    };
}

/// The order of members.
#[inline]
fn order(score: Score, member: &[u8], other_score: Score, other: &[u8]) -> Ordering {
    score.partial_cmp(&other_score).unwrap_or(Ordering::Equal).then_with(|| member.cmp(other))
}

impl Zset {
    /// The score of a member.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<Score> {
        self.get(member).map(|entry| entry.score)
    }

    /// A member, if it is there.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<Entry<'_>> {
        each_form!(self, it => it.find(member))
    }

    /// See [`crate::ValueRef::approach`].
    #[inline]
    pub fn approach(&self, member: &[u8], approach: &mut Approach) {
        if let Form::Big(big) = &self.0 {
            big.approach(member, approach);
        }
    }

    /// How many members come before it.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        each_form!(self, it => it.rank(member))
    }

    /// How many members are below `edge`: the rank at which a range begins or ends there.
    pub fn place(&self, edge: Edge<'_>) -> usize {
        match edge {
            Edge::Start => 0,
            Edge::End => self.len(),
            _ => each_form!(self, it => it.place(edge)),
        }
    }

    /// The members of these ranks, from either end. Ranks that are not there are left out.
    pub fn range(&self, ranks: Range<usize>) -> Entries<'_> {
        let end = ranks.end.min(self.len());
        let ranks = ranks.start.min(end)..end;
        match &self.0 {
            Form::Small(small) => Entries::Small(small.range(ranks)),
            Form::Big(big) => Entries::Big(big.range(ranks)),
        }
    }

    /// All members in order.
    pub fn iter(&self) -> Entries<'_> {
        self.range(0..self.len())
    }

    /// Some members, about `count`, and the cursor to go on with; a walk begins and ends with 0. Members that are there during
    /// the whole walk are met at least once. A small set is walked in one step.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(Entry<'a>)) -> u64 {
        match &self.0 {
            Form::Small(_) => {
                self.iter().for_each(each);
                0
            }
            Form::Big(big) => big.scan(cursor, count, &mut each),
        }
    }

    /// Gives a member this score and this deadline (0: none), whether it was there or not.
    pub fn put(&mut self, member: &[u8], score: Score, deadline: Millis, forms: &Forms) {
        // Of the two zeros the negative one is kept as the other.
        let score = score + 0.0;
        if let Form::Small(small) = &self.0
            && !fits(small, member, forms)
        {
            self.0 = Form::Big(Box::new(Big::from_entries(small.range(0..small.len()))));
        }
        match &mut self.0 {
            Form::Small(small) => small.put(member, score, deadline),
            Form::Big(big) => big.put(member, score, deadline),
        }
    }

    /// Asks the cache for the first three members of these ranks, or the last three, which will be removed one after another. It is a
    /// hint, to be given anew before each of them.
    #[inline]
    pub fn ask_ahead(&self, ranks: Range<usize>, from_the_end: bool) {
        if let Form::Big(big) = &self.0 {
            big.ask_ahead(ranks, from_the_end);
        }
    }

    fn apply_one(&mut self, op: Op<'_>, forms: &Forms) {
        match (op, &mut self.0) {
            (Op::Put { member, score, deadline }, _) => self.put(member, score, deadline, forms),
            (Op::Remove { member }, Form::Small(small)) => small.remove(member),
            (Op::Remove { member }, Form::Big(big)) => big.remove(member),
            (Op::Expire { member, at }, Form::Small(small)) => small.expire(member, at),
            (Op::Expire { member, at }, Form::Big(big)) => big.expire(member, at),
        }
    }
}

/// Whether a packed set stays one when `member` is put.
fn fits(small: &Small, member: &[u8], forms: &Forms) -> bool {
    small.len() < forms.zset_entries.get()
        && member.len() <= forms.zset_value.get()
        && small.byte_len() < MAX_SMALL_BYTES
        || small.find(member).is_some()
}

impl Default for Zset {
    fn default() -> Self {
        Self(Form::Small(Small::default()))
    }
}

impl PartialEq for Zset {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (Entry<'_>, Entry<'_>)| {
            let (mut a_text, mut b_text) = (IntBuffer::new(), IntBuffer::new());
            a.member.text(&mut a_text) == b.member.text(&mut b_text) && a.score == b.score && a.deadline == b.deadline
        };
        self.len() == other.len() && self.iter().zip(other.iter()).all(same)
    }
}

impl Collection for Zset {
    const TYPE: Type = Type::Zset;

    fn len(&self) -> usize {
        each_form!(self, it => it.len())
    }

    fn apply(&mut self, ops: &mut Reader<'_>, forms: &Forms) -> Result<()> {
        while !ops.is_empty() {
            let op = Op::decode(ops)?;
            self.apply_one(op, forms);
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        for entry in self.iter() {
            op::put_member(out, entry.member.text(&mut IntBuffer::new()), entry.score, entry.deadline);
        }
    }

    fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Self> {
        let mut decoded = Self::default();
        for _ in 0..reader.varint()? {
            let (member, score, deadline) = op::read_member(reader)?;
            decoded.put(member, score, deadline, forms);
        }
        Ok(decoded)
    }

    fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
        let (end, mut text) = (out.len() + len_bytes, IntBuffer::new());
        let first = match (&self.0, &copying.0) {
            (Form::Big(big), Place::Upto(score, member)) => big.place_behind(*score, member),
            _ => 0,
        };
        for Entry { member, score, deadline } in self.range(first..self.len()) {
            let member = member.text(&mut text);
            Op::Put { member, score, deadline }.encode(out);
            if out.len() >= end && matches!(self.0, Form::Big(_)) {
                copying.0 = Place::Upto(score, member.to_vec());
                return true;
            }
        }
        copying.end()
    }

    fn is_big(&self) -> bool {
        match &self.0 {
            Form::Small(small) => small.memory_bytes() > BIG_BYTES,
            Form::Big(big) => big.takes_more_than(BIG_BYTES),
        }
    }

    fn memory_bytes(&self) -> usize {
        each_form!(self, it => it.memory_bytes())
    }

    fn encoding(&self) -> &'static str {
        match self.0 {
            Form::Small(_) => "listpack",
            Form::Big(_) => "skiplist",
        }
    }

    fn allocations(&self) -> usize {
        match &self.0 {
            Form::Small(_) => 1,
            Form::Big(big) => big.allocations(),
        }
    }

    fn next_deadline(&self) -> Millis {
        each_form!(self, it => it.next_deadline())
    }

    fn expire(&self, now_ms: Millis, most: usize, ops: &mut Vec<u8>) {
        let next = self.next_deadline();
        if next == 0 || next > now_ms {
            return;
        }
        let mut remove = |member: &[u8]| Op::Remove { member }.encode(ops);
        match &self.0 {
            Form::Small(small) => small.each_due(now_ms, most, &mut remove),
            Form::Big(big) => big.each_due(now_ms, most, &mut remove),
        }
    }

    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        for entry in self.iter() {
            bytes.clear();
            op::put_member(&mut bytes, entry.member.text(&mut IntBuffer::new()), entry.score, entry.deadline);
            each(&bytes);
        }
    }
}
