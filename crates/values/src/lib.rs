//! `values`: the data types and their codec. No clock, no keys, no disk.
//!
//! Read in this order: [`StringRef`] and [`ValueRef`] (a value as commands see it), [`Value`] (one that has its own memory),
//! [`collection`] (what all types but the string have in common), [`copying`] (how big ones leave in parts), the types: [`list`], [`hash`], [`set`], [`zset`], [`stream`];
//! [`forms`] (when a small form becomes a big one), [`wire`] and [`codec`] (bytes for the log and the tier).
//!
//! Invariant: a number in [`codec`] is never reused.
//! Invariant: a string that spells a 64-bit integer canonically is an integer wherever it is kept, so equal strings
//! have equal encodings.

mod cache;
pub mod codec;
pub mod collection;
pub mod copying;
pub mod forms;
pub mod hash;
pub mod list;
pub mod members;
pub mod packed;
pub mod set;
pub mod stream;
pub mod wire;
pub mod zset;

pub use collection::Collection;
pub use copying::Copying;
pub use forms::Forms;
pub use hash::Hash;
pub use list::List;
pub use members::Approach;
pub use set::Set;
pub use stream::Stream;
pub use zset::Zset;

use kvark_base::{Millis, Result, number};
use wire::Reader;

/// The types that a key can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Type {
    /// Bytes or a number.
    String = 0,
    /// Byte strings in an order of their own.
    List = 1,
    /// Byte strings, each once.
    Set = 2,
    /// Byte strings, each once, by score.
    Zset = 3,
    /// Fields and their values.
    Hash = 4,
    /// Entries by their time, and who has read them.
    Stream = 5,
}

impl Type {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::String, Self::List, Self::Set, Self::Zset, Self::Hash, Self::Stream];

    /// The name that `TYPE` and `SCAN ... TYPE` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }
}

/// A string as it is read: it borrows from the entry or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StringRef<'a> {
    /// One that spells this integer.
    Int(i64),
    /// Any other.
    Bytes(&'a [u8]),
}

/// A value as it is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// A list.
    List(&'a List),
    /// A set.
    Set(&'a Set),
    /// A sorted set.
    Zset(&'a Zset),
    /// A hash.
    Hash(&'a Hash),
    /// A stream.
    Stream(&'a Stream),
}

/// A value with memory of its own: what does not fit into an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Bytes(Vec<u8>),
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A sorted set.
    Zset(Zset),
    /// A hash.
    Hash(Hash),
    /// A stream.
    Stream(Stream),
}

/// A value to be kept: a string that is copied, or a collection that moves.
#[derive(Debug, Clone, PartialEq)]
pub enum NewValue<'a> {
    /// A string.
    String(StringRef<'a>),
    /// A collection.
    Owned(Value),
}

/// The most digits of an integer, sign included.
pub const MAX_INT_LEN: usize = 20;

/// Room for an integer's digits on the stack.
pub type IntBuffer = itoa::Buffer;

impl<'a> StringRef<'a> {
    /// The string `bytes`, as an integer where it spells one.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        match bytes.first() {
            Some(b'-' | b'0'..=b'9') if bytes.len() <= MAX_INT_LEN => {
                number::parse_i64(bytes).map_or(Self::Bytes(bytes), Self::Int)
            }
            _ => Self::Bytes(bytes),
        }
    }

    /// The bytes; an integer's digits are written to `buffer`.
    #[inline]
    pub fn text<'b>(&self, buffer: &'b mut IntBuffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Self::Int(value) => buffer.format(value).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// How many bytes.
    pub fn text_len(&self) -> usize {
        self.text(&mut IntBuffer::new()).len()
    }
}

/// The same expression for each type of collection.
macro_rules! each_collection {
    ($value:expr, $inner:ident => $result:expr, else $bytes:pat => $otherwise:expr) => {
        match $value {
            $bytes => $otherwise,
            Self::List($inner) => $result,
            Self::Set($inner) => $result,
            Self::Zset($inner) => $result,
            Self::Hash($inner) => $result,
            Self::Stream($inner) => $result,
        }
    };
}

impl<'a> ValueRef<'a> {
    /// The string `bytes`, as an integer where it spells one.
    #[inline]
    pub fn string(bytes: &'a [u8]) -> Self {
        Self::String(StringRef::new(bytes))
    }

    /// Its type.
    #[inline]
    pub fn of_type(&self) -> Type {
        match self {
            Self::String(_) => Type::String,
            Self::List(_) => Type::List,
            Self::Set(_) => Type::Set,
            Self::Zset(_) => Type::Zset,
            Self::Hash(_) => Type::Hash,
            Self::Stream(_) => Type::Stream,
        }
    }

    /// Brings a search for `member` one step nearer to the cache, in a big collection: see [`Approach`]. Others are read as a whole.
    #[inline]
    pub fn approach(&self, member: &[u8], approach: &mut Approach) {
        match self {
            Self::Set(it) => it.approach(member, approach),
            Self::Zset(it) => it.approach(member, approach),
            Self::Hash(it) => it.approach(member, approach),
            Self::String(_) | Self::List(_) | Self::Stream(_) => {}
        }
    }

    /// It as a string, if it is one.
    #[inline]
    pub fn as_string(&self) -> Option<StringRef<'a>> {
        match *self {
            Self::String(string) => Some(string),
            _ => None,
        }
    }

    /// When the first of its members expires, 0 for never.
    pub fn next_deadline(&self) -> Millis {
        each_collection!(self, it => it.next_deadline(), else Self::String(_) => 0)
    }

    /// See [`Collection::expire`].
    pub fn expire(&self, now_ms: Millis, most: usize, ops: &mut Vec<u8>) {
        each_collection!(self, it => it.expire(now_ms, most, ops), else Self::String(_) => ());
    }

    /// See [`Collection::is_big`]; a string is copied whole, however long it is.
    pub fn is_big(&self) -> bool {
        each_collection!(self, it => it.is_big(), else Self::String(_) => false)
    }

    /// See [`Collection::copy_part`]; a string has no parts.
    pub fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool {
        each_collection!(self, it => it.copy_part(copying, len_bytes, out), else Self::String(_) => false)
    }

    /// See [`Collection::follow`].
    pub fn follow(&self, copying: &mut Copying, ops: &[u8], out: &mut Vec<u8>) {
        each_collection!(self, it => it.follow(copying, ops, out), else Self::String(_) => ());
    }

    /// The form of a collection, as `OBJECT ENCODING` names it; `None` for a string.
    pub fn encoding(&self) -> Option<&'static str> {
        each_collection!(self, it => Some(it.encoding()), else Self::String(_) => None)
    }

    /// How many members it has; a string is one.
    pub fn members(&self) -> usize {
        each_collection!(self, it => it.len(), else Self::String(_) => 1)
    }

    /// See [`Collection::each_for_digest`]; a string is handed over whole.
    pub fn each_for_digest(&self, each: &mut dyn FnMut(&[u8])) {
        each_collection!(self, it => it.each_for_digest(each), else Self::String(string) => each(string.text(&mut IntBuffer::new())));
    }

    /// A copy with memory of its own, to be kept under another key.
    pub fn to_owned(&self) -> NewValue<'static> {
        match *self {
            Self::String(StringRef::Int(number)) => NewValue::String(StringRef::Int(number)),
            Self::String(StringRef::Bytes(bytes)) => NewValue::Owned(Value::Bytes(bytes.to_vec())),
            Self::List(it) => NewValue::Owned(Value::List(it.clone())),
            Self::Set(it) => NewValue::Owned(Value::Set(it.clone())),
            Self::Zset(it) => NewValue::Owned(Value::Zset(it.clone())),
            Self::Hash(it) => NewValue::Owned(Value::Hash(it.clone())),
            Self::Stream(it) => NewValue::Owned(Value::Stream(it.clone())),
        }
    }
}

impl<'a> NewValue<'a> {
    /// The string `bytes`, as an integer where it spells one.
    #[inline]
    pub fn string(bytes: &'a [u8]) -> Self {
        Self::String(StringRef::new(bytes))
    }

    /// The value, borrowed.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::String(string) => ValueRef::String(*string),
            Self::Owned(value) => value.as_ref(),
        }
    }
}

impl Value {
    /// An empty collection of that type; an empty string.
    pub fn empty(of_type: Type) -> Self {
        match of_type {
            Type::String => Self::Bytes(Vec::new()),
            Type::List => Self::List(List::default()),
            Type::Set => Self::Set(Set::default()),
            Type::Zset => Self::Zset(Zset::default()),
            Type::Hash => Self::Hash(Hash::default()),
            Type::Stream => Self::Stream(Stream::default()),
        }
    }

    /// The value, borrowed.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bytes(bytes) => ValueRef::String(StringRef::Bytes(bytes)),
            Self::List(it) => ValueRef::List(it),
            Self::Set(it) => ValueRef::Set(it),
            Self::Zset(it) => ValueRef::Zset(it),
            Self::Hash(it) => ValueRef::Hash(it),
            Self::Stream(it) => ValueRef::Stream(it),
        }
    }

    /// Applies operations; those of another type make no sense, nor do any on a string.
    pub fn apply(&mut self, ops: &[u8], forms: &Forms) -> Result<()> {
        let mut reader = Reader::new(ops, "a change of a collection");
        each_collection!(self, it => it.apply(&mut reader, forms), else Self::Bytes(_) => Err(reader.corrupt()))
    }

    /// Whether the key goes with it: it is a collection that has no members, and no stream.
    pub fn is_gone(&self) -> bool {
        each_collection!(self, it => it.is_empty() && !matches!(self, Self::Stream(_)), else Self::Bytes(_) => false)
    }

    /// Whether dropping it takes longer than somebody who holds a shard should spend on it.
    pub fn is_long_to_drop(&self) -> bool {
        each_collection!(self, it => it.allocations() > 64, else Self::Bytes(bytes) => bytes.capacity() > 1 << 20)
    }

    /// Bytes of memory it takes, itself included.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + each_collection!(self, it => it.memory_bytes(), else Self::Bytes(bytes) => bytes.capacity())
    }
}
