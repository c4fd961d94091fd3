//! Asking the cache for what a search for a member will look at, before it begins.
//!
//! A search goes from the bucket of the index to the place to the record, and in a big table each of these lies anywhere in memory. Whoever
//! has several members to find brings all of them one step nearer, then all of them the next one, and nobody waits.
//!
//! Invariant: a step is a hint. The table may change between two steps: then the next one asks for what nobody needs.

use super::{Members, hash_of};

/// How far the search for one member was prepared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Approach {
    /// Not at all.
    #[default]
    Begins,
    /// The bucket for this hash is on its way.
    Hashed(u64),
    /// This place is on its way.
    Placed(u32),
    /// There is nothing more to ask for.
    Arrived,
}

impl Approach {
    /// After so many steps every search has arrived.
    pub const STEPS: usize = 3;
}

impl<const PAYLOAD: usize> Members<PAYLOAD> {
    /// Brings the search for `member` one step nearer.
    #[inline]
    pub fn approach(&self, member: &[u8], approach: &mut Approach) {
        *approach = match *approach {
            Approach::Begins => {
                let hash = hash_of(member);
                self.index.ask_for(hash);
                Approach::Hashed(hash)
            }
            Approach::Hashed(hash) => match self.index.guess(hash) {
                Some(place) if (place as usize) < self.len() => {
                    self.places.ask_for(place as usize);
                    Approach::Placed(place)
                }
                _ => Approach::Arrived,
            },
            Approach::Placed(place) if (place as usize) < self.len() => {
                self.records.ask_for(self.places.get(place as usize));
                Approach::Arrived
            }
            Approach::Placed(_) | Approach::Arrived => Approach::Arrived,
        };
    }
}
