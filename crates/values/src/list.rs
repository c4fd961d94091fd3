//! Lists: byte strings in an order of their own, fast at both ends.
//!
//! Read in this order: [`List`], [`op`] (how a list changes), [`chunks`] (many chunks, each [`Packed`]), [`counts`] (how
//! many values each has), [`limit`] (how large one may be), [`iter`] (walks from both ends).
//!
//! ```text
//! packed    one chunk                                      OBJECT ENCODING: listpack
//! chunked   a deque of chunks, and of how many each has    OBJECT ENCODING: quicklist
//! ```
//!
//! Invariant: a packed list is within the limit that was in force when it last grew. It is chunked by the change that would take it
//! beyond, and packed again when it has shrunk to one chunk of half the limit.

mod chunks;
mod copying;
mod counts;
mod iter;
mod limit;
mod op;
#[cfg(test)]
mod tests;

pub use iter::Iter;
pub use op::{End, Op, remove_at};

use kvark_base::Result;

use crate::collection::Collection;
use crate::copying::{BIG_BYTES, Copying};
use crate::forms::Forms;
use crate::packed::Packed;
use crate::wire::{Reader, put_bytes, put_varint};
use crate::{IntBuffer, StringRef, Type};
use chunks::Chunks;
use limit::Limit;

/// A list of more chunks is big, however small they are: nobody counts their bytes.
const MOST_CHUNKS: usize = 64;

/// See the module.
#[derive(Clone)]
pub struct List(Form);

#[derive(Clone)]
enum Form {
    Packed(Packed),
    Chunked(Box<Chunks>),
}

impl Default for List {
    fn default() -> Self {
        Self(Form::Packed(Packed::new()))
    }
}

impl List {
    /// A list of these values.
    pub fn from_values<'a>(values: impl IntoIterator<Item = StringRef<'a>>, forms: &Forms) -> Self {
        let (mut list, limit) = (Self::default(), Limit::of(forms));
        values.into_iter().for_each(|value| list.push(End::Back, value, limit));
        list
    }

    /// The value at `index`, counted from the front.
    pub fn get(&self, index: usize) -> Option<StringRef<'_>> {
        self.range(index, 1).next()
    }

    /// All values.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0, self.len())
    }

    /// `len` values from `index` on, or as many as there are.
    pub fn range(&self, index: usize, len: usize) -> Iter<'_> {
        Iter::new(self, index, len)
    }

    /// Its chunks are numbered from the front.
    fn chunk(&self, nth: usize) -> Option<&Packed> {
        match &self.0 {
            Form::Packed(chunk) => Some(chunk).filter(|_| nth == 0),
            Form::Chunked(chunks) => chunks.chunk(nth),
        }
    }

    /// The number of the chunk that has the value at `index`, and the value's place in it; at the end, one past the last.
    fn locate(&self, index: usize) -> (usize, usize) {
        match &self.0 {
            Form::Packed(_) => (0, index),
            Form::Chunked(chunks) => chunks.locate(index),
        }
    }

    fn apply_one(&mut self, op: Op<'_>, limit: Limit) {
        match op {
            Op::Push { end, value } => self.push(end, StringRef::new(value), limit),
            Op::Pop { end, n } => self.pop(end, n, limit),
            Op::Set { index, value } => self.set(index, StringRef::new(value), limit),
            Op::InsertAt { index, value } => self.insert(index, StringRef::new(value), limit),
            Op::RemoveAt(indexes) => self.remove(indexes, limit),
            Op::Trim { start, len } => self.trim(start, len, limit),
        }
    }

    #[inline]
    fn push(&mut self, end: End, value: StringRef<'_>, limit: Limit) {
        match &mut self.0 {
            Form::Packed(chunk) if limit.takes(chunk, value) => chunks::push(chunk, end, value),
            _ => self.chunked().push(end, value, limit),
        }
    }

    #[inline]
    fn pop(&mut self, end: End, n: usize, limit: Limit) {
        match &mut self.0 {
            Form::Packed(chunk) => chunks::pop(chunk, end, n),
            Form::Chunked(chunks) => {
                chunks.pop(end, n);
                self.pack_again(limit);
            }
        }
    }

    fn trim(&mut self, start: usize, len: usize, limit: Limit) {
        let total = self.len();
        self.pop(End::Back, total.saturating_sub(start.saturating_add(len)), limit);
        self.pop(End::Front, start, limit);
    }

    fn set(&mut self, index: usize, value: StringRef<'_>, limit: Limit) {
        if index >= self.len() {
            return;
        }
        match &mut self.0 {
            Form::Packed(chunk) if limit.takes(chunk, value) => {
                let place = chunk.place(index).expect("the index is below the length");
                chunk.replace_at(place, value);
            }
            _ => {
                self.chunked().set(index, value, limit);
                self.pack_again(limit);
            }
        }
    }

    /// Puts `value` before the one at `index`; at the end, after all.
    fn insert(&mut self, index: usize, value: StringRef<'_>, limit: Limit) {
        if index > self.len() {
            return;
        }
        match &mut self.0 {
            Form::Packed(chunk) if limit.takes(chunk, value) => chunk.insert(index, value),
            _ => self.chunked().insert(index, value, limit),
        }
    }

    /// Removes the values at `indexes`, which ascend and speak of the list as it is now.
    fn remove(&mut self, indexes: impl Iterator<Item = usize>, limit: Limit) {
        match &mut self.0 {
            Form::Packed(chunk) => chunks::retain_others(chunk, 0, &mut indexes.peekable()),
            Form::Chunked(chunks) => {
                chunks.remove(indexes, limit);
                self.pack_again(limit);
            }
        }
    }

    /// Its chunks; it is chunked now.
    fn chunked(&mut self) -> &mut Chunks {
        if let Form::Packed(chunk) = &mut self.0 {
            self.0 = Form::Chunked(Box::new(Chunks::from(std::mem::take(chunk))));
        }
        let Form::Chunked(chunks) = &mut self.0 else { unreachable!("it was chunked above") };
        chunks
    }

    fn pack_again(&mut self, limit: Limit) {
        let Form::Chunked(chunks) = &mut self.0 else { return };
        if let Some(chunk) = chunks.take_only(limit) {
            self.0 = Form::Packed(chunk);
        }
    }
}

impl Collection for List {
    const TYPE: Type = Type::List;

    #[inline]
    fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(chunk) => chunk.len(),
            Form::Chunked(chunks) => chunks.len(),
        }
    }

    fn apply(&mut self, ops: &mut Reader<'_>, forms: &Forms) -> Result<()> {
        let limit = Limit::of(forms);
        while !ops.is_empty() {
            self.apply_one(Op::decode(ops)?, limit);
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        self.iter().for_each(|value| put_bytes(out, value.text(&mut IntBuffer::new())));
    }

    fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Self> {
        let (mut list, limit) = (Self::default(), Limit::of(forms));
        for _ in 0..reader.varint()? {
            list.push(End::Back, StringRef::new(reader.bytes()?), limit);
        }
        Ok(list)
    }

    fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
        copying::copy_part(self, copying, len_bytes, out)
    }

    fn follow(&self, copying: &mut Copying, ops: &[u8], out: &mut Vec<u8>) {
        copying::follow(self, copying, ops, out);
    }

    fn is_big(&self) -> bool {
        match &self.0 {
            Form::Packed(chunk) => chunk.memory_bytes() > BIG_BYTES,
            // A chunk is some kilobytes, or a value that is larger than that.
            Form::Chunked(chunks) => chunks.count() > MOST_CHUNKS || chunks.memory_bytes() > BIG_BYTES,
        }
    }

    fn memory_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(chunk) => chunk.memory_bytes(),
            Form::Chunked(chunks) => size_of::<Chunks>() + chunks.memory_bytes(),
        }
    }

    fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Packed(_) => "listpack",
            Form::Chunked(_) => "quicklist",
        }
    }

    fn allocations(&self) -> usize {
        match &self.0 {
            Form::Packed(_) => 1,
            Form::Chunked(chunks) => chunks.count() + 2,
        }
    }

    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        let mut place_and_value = Vec::new();
        for (place, value) in self.iter().enumerate() {
            place_and_value.clear();
            put_varint(&mut place_and_value, place as u64);
            place_and_value.extend_from_slice(value.text(&mut IntBuffer::new()));
            each(&place_and_value);
        }
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for List {}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
