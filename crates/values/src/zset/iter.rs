//! A walk over members, whatever the form.

use super::{Entry, big, small};

/// Members in order, from either end.
#[derive(Debug, Clone)]
pub enum Entries<'a> {
    /// Those of a packed set.
    Small(small::Entries<'a>),
    /// Those of a big one.
    Big(big::Entries<'a>),
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        match self {
            Self::Small(entries) => entries.next(),
            Self::Big(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Small(entries) => entries.size_hint(),
            Self::Big(entries) => entries.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Small(entries) => entries.next_back(),
            Self::Big(entries) => entries.next_back(),
        }
    }
}

impl ExactSizeIterator for Entries<'_> {}
