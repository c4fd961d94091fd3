//! Where a walk through the index leads: to a place between slots.

use super::Slot;

/// A place in the order, told by what comes before it.
pub struct Way<F> {
    hint: Option<u32>,
    is_before: F,
}

impl<F: Fn(Slot) -> bool> Way<F> {
    /// Behind all slots that `is_before` is true for, before all that it is false for.
    pub fn behind(is_before: F) -> Self {
        Self { hint: None, is_before }
    }

    /// Among the slots with this hint, behind those of them that `is_before` is true for. It is not asked about others.
    pub fn among(hint: u32, is_before: F) -> Self {
        Self { hint: Some(hint), is_before }
    }

    /// How many of `items`, which are in the order of their slots, come before the place. Hints are compared without branches: which
    /// half goes on is a toss-up, and a processor that guesses loses more than it saves.
    #[inline]
    pub fn place<T>(&self, items: &[T], slot_of: impl Fn(&T) -> Slot) -> usize {
        let Some(hint) = self.hint else { return items.partition_point(|item| (self.is_before)(slot_of(item))) };
        let smaller = items.partition_point(|item| slot_of(item).hint < hint);
        let rest = &items[smaller..];
        if rest.first().is_none_or(|item| slot_of(item).hint != hint) {
            return smaller;
        }
        let same = &rest[..rest.partition_point(|item| slot_of(item).hint == hint)];
        smaller + same.partition_point(|item| (self.is_before)(slot_of(item)))
    }
}
