//! When members expire, by their places: an index of a packed sequence or a place of a table. Nothing is kept, and hardly anything
//! spent, where no member has a deadline.
//!
//! Invariant: both maps hold the same pairs.

use std::collections::{BTreeMap, BTreeSet};

use kvark_base::Millis;

/// See the module. Eight bytes where it stands.
#[derive(Debug, Clone, Default)]
pub struct Deadlines(Option<Box<Maps>>);

#[derive(Debug, Clone, Default)]
struct Maps {
    by_place: BTreeMap<u32, Millis>,
    by_time: BTreeSet<(Millis, u32)>,
}

impl Maps {
    fn take(&mut self, place: u32) -> Option<Millis> {
        let at = self.by_place.remove(&place)?;
        self.by_time.remove(&(at, place));
        Some(at)
    }

    fn put(&mut self, place: u32, at: Millis) {
        self.by_place.insert(place, at);
        self.by_time.insert((at, place));
    }
}

impl Deadlines {
    /// Whether no member has one.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many members have one.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |maps| maps.by_place.len())
    }

    /// When the member at `place` expires, 0 for never.
    #[inline]
    pub fn get(&self, place: usize) -> Millis {
        self.0.as_ref().and_then(|maps| maps.by_place.get(&(place as u32)).copied()).unwrap_or(0)
    }

    /// The member at `place` expires at `at`, never if that is 0.
    #[inline]
    pub fn set(&mut self, place: usize, at: Millis) {
        if self.0.is_none() && at == 0 {
            return;
        }
        let maps = self.0.get_or_insert_default();
        maps.take(place as u32);
        if at != 0 {
            maps.put(place as u32, at);
        }
        self.drop_if_empty();
    }

    fn drop_if_empty(&mut self) {
        if self.0.as_ref().is_some_and(|maps| maps.by_place.is_empty()) {
            self.0 = None;
        }
    }

    /// The member at `place` has gone, and the one at `last` took its place, as a table does it.
    #[inline]
    pub fn swap_remove(&mut self, place: usize, last: usize) {
        if self.0.is_some() {
            let moved = self.get(last);
            self.set(last, 0);
            if place != last {
                self.set(place, moved);
            }
        }
    }

    /// The member at `place` has gone, and all behind it moved one forward, as in a sequence.
    pub fn shift_remove(&mut self, place: usize) {
        self.set(place, 0);
        self.shift(place, |place| place - 1);
    }

    /// A member without a deadline was put at `place`, and all from there on moved one back.
    pub fn shift_insert(&mut self, place: usize) {
        self.shift(place, |place| place + 1);
    }

    fn shift(&mut self, from: usize, to: impl Fn(u32) -> u32) {
        let Some(maps) = &mut self.0 else { return };
        let behind = maps.by_place.split_off(&(from as u32));
        for (&place, &at) in &behind {
            maps.by_time.remove(&(at, place));
        }
        for (place, at) in behind {
            maps.put(to(place), at);
        }
    }

    /// The first of all, 0 if there are none.
    #[inline]
    pub fn next(&self) -> Millis {
        self.0.as_ref().and_then(|maps| maps.by_time.first()).map_or(0, |&(at, _)| at)
    }

    /// The places of those that are due at `now`, the first due first.
    pub fn due(&self, now: Millis) -> impl Iterator<Item = usize> {
        let due = self.0.iter().flat_map(move |maps| maps.by_time.range(..=(now, u32::MAX)));
        due.map(|&(_, place)| place as usize)
    }

    /// Every place with its deadline, in the order of places.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Millis)> {
        self.0.iter().flat_map(|maps| &maps.by_place).map(|(&place, &at)| (place as usize, at))
    }

    /// Bytes of memory on the heap, about: what the nodes of two B-trees take.
    pub fn memory_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |maps| size_of::<Maps>() + maps.by_place.len() * 48)
    }
}

#[cfg(test)]
mod tests {
    use kvark_base::random::Random;

    use super::*;

    /// Places as a plain list of deadlines.
    fn same(deadlines: &Deadlines, model: &[Millis]) {
        let some = |&(_, &at): &(usize, &Millis)| at != 0;
        let expected: Vec<_> = model.iter().enumerate().filter(some).map(|(place, &at)| (place, at)).collect();
        assert_eq!(deadlines.iter().collect::<Vec<_>>(), expected);
        assert_eq!(deadlines.next(), expected.iter().map(|&(_, at)| at).min().unwrap_or(0));
        assert_eq!(deadlines.is_empty(), expected.is_empty());
        let mut due: Vec<_> = expected.iter().filter(|&&(_, at)| at <= 5).map(|&(place, at)| (at, place)).collect();
        due.sort_unstable();
        assert!(deadlines.due(5).eq(due.into_iter().map(|(_, place)| place)));
    }

    #[test]
    fn they_follow_their_members() {
        let mut random = Random::from_seed(3);
        let (mut deadlines, mut model) = (Deadlines::default(), vec![0; 12]);
        for _ in 0..3000 {
            let place = random.below(model.len() as u64) as usize;
            match random.below(5) {
                0 if model.len() > 1 => {
                    deadlines.shift_remove(place);
                    model.remove(place);
                }
                1 if model.len() > 1 => {
                    deadlines.swap_remove(place, model.len() - 1);
                    model.swap_remove(place);
                }
                2 => {
                    deadlines.shift_insert(place);
                    model.insert(place, 0);
                }
                _ => {
                    model[place] = random.below(9);
                    deadlines.set(place, model[place]);
                }
            }
            same(&deadlines, &model);
        }
    }
}
