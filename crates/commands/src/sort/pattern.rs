//! A pattern of BY or GET: where something about a member is to be found.

use kvark_keyspace::View;
use kvark_values::{StringRef, ValueRef};

use crate::strings::text_of;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern<'a> {
    /// `#`: the member itself.
    Member,
    /// Without `*`: nowhere.
    Nowhere,
    /// `before*after`: the string at the key that has the member in place of the `*`.
    Key {
        /// The key's beginning.
        before: &'a [u8],
        /// The key's end.
        after: &'a [u8],
    },
    /// `before*after->field`: a field of the hash at that key.
    Field {
        /// The key's beginning.
        before: &'a [u8],
        /// The key's end.
        after: &'a [u8],
        /// The field.
        field: &'a [u8],
    },
}

impl<'a> Pattern<'a> {
    /// Reads a pattern.
    pub fn parse(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Member;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else { return Self::Nowhere };
        let (before, after) = (&text[..star], &text[star + 1..]);
        match after.windows(2).position(|window| window == b"->") {
            Some(arrow) if arrow + 2 < after.len() => {
                Self::Field { before, after: &after[..arrow], field: &after[arrow + 2..] }
            }
            _ => Self::Key { before, after },
        }
    }

    /// Whether other keys are looked at.
    pub fn leads_to_keys(&self) -> bool {
        matches!(self, Self::Key { .. } | Self::Field { .. })
    }

    /// What is to be found of `member`.
    pub fn text(&self, view: &View, member: &[u8]) -> Option<Vec<u8>> {
        match *self {
            Self::Member => Some(member.to_vec()),
            Self::Nowhere => None,
            Self::Key { before, after } => match view.find(&[before, member, after].concat())?.value() {
                ValueRef::String(string) => Some(text_of(string)),
                _ => None,
            },
            Self::Field { before, after, field } => match view.find(&[before, member, after].concat())?.value() {
                ValueRef::Hash(hash) => hash.get(StringRef::new(field)).map(text_of),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_apart_at_its_first_star_and_arrow() {
        let key = |before: &'static str, after: &'static str| Pattern::Key {
            before: before.as_bytes(),
            after: after.as_bytes(),
        };
        let field = |before: &'static str, after: &'static str, field: &'static str| Pattern::Field {
            before: before.as_bytes(),
            after: after.as_bytes(),
            field: field.as_bytes(),
        };
        let cases = [
            ("#", Pattern::Member),
            ("##", Pattern::Nowhere),
            ("price", Pattern::Nowhere),
            ("a->b", Pattern::Nowhere),
            ("*", key("", "")),
            ("w_*_x*", key("w_", "_x*")),
            ("w_*->", key("w_", "->")),
            ("->*->f", field("->", "", "f")),
            ("h:*:x->f->g", field("h:", ":x", "f->g")),
        ];
        for (text, expected) in cases {
            assert_eq!(Pattern::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
