//! A place between members, named by a score or by a member: where a range begins or ends.

use super::Score;

/// A place in the order; what is below it comes before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edge<'a> {
    /// Before all members.
    Start,
    /// Behind all members.
    End,
    /// Before all members of that score and larger ones.
    BeforeScore(Score),
    /// Behind all members of that score.
    AfterScore(Score),
    /// Before that member, where all scores are the same.
    BeforeMember(&'a [u8]),
    /// Behind that member, where all scores are the same.
    AfterMember(&'a [u8]),
}

impl Edge<'_> {
    /// Whether a member is below it.
    #[inline]
    pub fn is_above(&self, score: Score, member: &[u8]) -> bool {
        match *self {
            Self::Start => false,
            Self::End => true,
            Self::BeforeScore(edge) => score < edge,
            Self::AfterScore(edge) => score <= edge,
            Self::BeforeMember(edge) => member < edge,
            Self::AfterMember(edge) => member <= edge,
        }
    }
}
