//! A copy in parts, made while the original goes on changing.
//!
//! A part is operations, as the type encodes them. Between two parts the original may change; whoever keeps the copy puts behind the
//! parts what [`Collection::follow`](crate::Collection::follow) says of each change.
//!
//! Invariant: parts and followed changes, applied in their order to nothing, make the collection as it was at the end of the last part.

use std::ops::Range;

use crate::stream::Id;
use crate::zset::Score;

/// A collection that takes more memory than this, in bytes, is rather kept in parts than written anew at each change.
pub const BIG_BYTES: usize = 64 << 10;

/// How far a copy has come.
#[derive(Debug, Clone, Default)]
pub struct Copying(pub(crate) Place);

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Place {
    /// Nothing is copied.
    #[default]
    Start,
    /// Of a table: all places from this one on. What comes later goes there, and what leaves is replaced from there, so nobody
    /// passes from below to above unseen.
    Down(usize),
    /// Of a list: so many values from the front.
    Front(usize),
    /// Of a sorted set: all up to this member.
    Upto(Score, Vec<u8>),
    /// Of a stream: all entries up to this one.
    Entries(Id),
    /// Of a stream: all entries, the groups before this one, and what is pending for it before this id.
    Group(Box<[u8]>, Id),
    /// Everything.
    End,
}

impl Copying {
    /// That was the last part.
    pub(crate) fn end(&mut self) -> bool {
        self.0 = Place::End;
        false
    }

    /// The places of a table of `len` that are still to be copied, from above.
    pub(crate) fn places(&self, len: usize) -> Range<usize> {
        match self.0 {
            Place::Start => 0..len,
            Place::Down(place) => 0..place.min(len),
            _ => 0..0,
        }
    }

    /// All places down to this one are copied; whether there are more.
    pub(crate) fn down_to(&mut self, place: usize) -> bool {
        self.0 = if place > 0 { Place::Down(place) } else { Place::End };
        place > 0
    }
}
