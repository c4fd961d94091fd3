//! The form of big sets, and of all whose members expire.

use kvark_base::Millis;

use crate::members::{Approach, Deadlines, Names};
use crate::{IntBuffer, StringRef};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Table {
    members: Names,
    deadlines: Deadlines,
}

impl<'a> FromIterator<StringRef<'a>> for Table {
    fn from_iter<I: IntoIterator<Item = StringRef<'a>>>(members: I) -> Self {
        let mut table = Self::default();
        members.into_iter().for_each(|member| table.add(member, 0));
        table
    }
}

impl Table {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    #[inline]
    pub(super) fn contains(&self, member: StringRef<'_>) -> bool {
        self.members.find(member.text(&mut IntBuffer::new())).is_some()
    }

    pub(super) fn deadline_of(&self, member: StringRef<'_>) -> Option<Millis> {
        self.members.find(member.text(&mut IntBuffer::new())).map(|place| self.deadline_at(place))
    }

    /// When the member at `index` expires, 0 for never.
    #[inline]
    pub(super) fn deadline_at(&self, index: usize) -> Millis {
        self.deadlines.get(index)
    }

    /// Adds `member`, or gives it that deadline.
    pub(super) fn add(&mut self, member: StringRef<'_>, deadline: Millis) {
        let (place, _) = self.members.insert(member.text(&mut IntBuffer::new()), &[]);
        self.deadlines.set(place, deadline);
    }

    pub(super) fn remove(&mut self, member: StringRef<'_>) {
        if let Some(place) = self.members.remove(member.text(&mut IntBuffer::new())) {
            self.deadlines.swap_remove(place, self.members.len());
        }
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<StringRef<'_>> {
        (index < self.len()).then(|| StringRef::new(self.members.member(index)))
    }

    pub(super) fn approach(&self, member: &[u8], approach: &mut Approach) {
        self.members.approach(member, approach);
    }

    pub(super) fn ask_ahead(&self, soon: [usize; 3]) {
        self.members.ask_ahead(soon);
    }

    pub(super) fn next_deadline(&self) -> Millis {
        self.deadlines.next()
    }

    /// The members that are due.
    pub(super) fn due(&self, now_ms: Millis) -> impl Iterator<Item = &[u8]> {
        self.deadlines.due(now_ms).map(|place| self.members.member(place))
    }

    /// About `count` members from `cursor` on, and where to go on.
    pub(super) fn scan(&self, cursor: u64, count: usize) -> (impl Iterator<Item = StringRef<'_>>, u64) {
        let (places, next) = self.members.scan(cursor, count);
        (places.map(|place| StringRef::new(self.members.member(place))), next)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.members.memory_bytes() + self.deadlines.memory_bytes()
    }

    pub(super) fn allocations(&self) -> usize {
        self.members.allocations() + self.deadlines.len()
    }
}
