//! `values`: the data types and their codec. No clock, no keys, no disk.
//!
//! Read in this order: [`ValueRef`] (a value as commands see it), [`Value`] (one that has its own memory), [`codec`]
//! (bytes for the log and the tier).
//!
//! Invariant: a number in [`codec`] is never reused.
//! Invariant: a string that spells a 64-bit integer canonically is an integer wherever it is kept, so equal strings
//! have equal encodings.

pub mod codec;

use kvark_base::number;

/// The types that a key can hold, as `TYPE` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Type {
    /// Bytes or a number.
    String = 0,
}

impl Type {
    /// The name that `TYPE` and `SCAN ... TYPE` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
        }
    }
}

/// A value as it is read: it borrows from the entry or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// A string that spells this integer.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
}

/// A value with memory of its own: what does not fit into an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Bytes(Vec<u8>),
}

/// The most digits of an integer, sign included.
pub const MAX_INT_LEN: usize = 20;

/// Room for an integer's digits on the stack.
pub type IntBuffer = itoa::Buffer;

impl<'a> ValueRef<'a> {
    /// The string `bytes`, as an integer where it spells one.
    #[inline]
    pub fn string(bytes: &'a [u8]) -> Self {
        match bytes.first() {
            Some(b'-' | b'0'..=b'9') if bytes.len() <= MAX_INT_LEN => {
                number::parse_i64(bytes).map_or(Self::Bytes(bytes), Self::Int)
            }
            _ => Self::Bytes(bytes),
        }
    }

    /// Its type.
    pub fn of_type(&self) -> Type {
        match self {
            Self::Int(_) | Self::Bytes(_) => Type::String,
        }
    }

    /// The string's bytes; an integer's digits are written to `buffer`.
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

    /// How long the string is in bytes.
    pub fn text_len(&self) -> usize {
        self.text(&mut IntBuffer::new()).len()
    }
}

impl Value {
    /// The value, borrowed.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
        }
    }

    /// Bytes of memory it takes, itself included.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Bytes(bytes) => bytes.capacity(),
            }
    }
}
