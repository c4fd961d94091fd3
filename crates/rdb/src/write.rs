//! Parts become a payload.
//!
//! The plain forms are written, not the packed ones: they hold the same, every Redis since 5.0 takes them, and whoever reads them packs
//! the value up to thresholds of its own.
//!
//! Invariant: a value is written in the oldest form that holds all of it, under the version that had this form first, so that the
//! oldest possible server takes it. What Redis has no form for (deadlines of members of sets and sorted sets) has a form of Kvark's
//! own, which Redis refuses: nothing is lost in silence.

mod streams;

use kvark_base::Millis;
use kvark_values::Type;

use crate::part::Part;
use crate::payload::framed;
use crate::{kinds, length, string};
use streams::StreamWriter;

/// The form of a value: the number of its kind, and the version that had it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    kind: u8,
    version: u16,
}

impl Form {
    fn of(of_type: Type, has_deadlines: bool) -> Self {
        // 9 is the version of Redis 5.0; streams change theirs when all is known.
        let old = |kind| Self { kind, version: 9 };
        let with_deadlines = |kind| Self { kind, version: 12 };
        match (of_type, has_deadlines) {
            (Type::String, _) => old(kinds::STRING),
            (Type::List, _) => old(kinds::LIST),
            (Type::Set, false) => old(kinds::SET),
            (Type::Set, true) => with_deadlines(kinds::SET_DEADLINES),
            (Type::Zset, false) => old(kinds::ZSET_2),
            (Type::Zset, true) => with_deadlines(kinds::ZSET_DEADLINES),
            (Type::Hash, false) => old(kinds::HASH),
            (Type::Hash, true) => with_deadlines(kinds::HASH_METADATA),
            (Type::Stream, _) => old(kinds::STREAM_LISTPACKS),
        }
    }
}

/// Writes one value as DUMP answers it.
#[derive(Debug)]
pub struct Dumper {
    form: Form,
    /// No deadline is before it; 0 when there are none.
    first_deadline: Millis,
    out: Vec<u8>,
    stream: StreamWriter,
}

impl Dumper {
    /// Begins a value of `of_type` that has `len` elements, members or fields. `first_deadline` is not after any deadline of a member, and
    /// 0 when no member has one.
    pub fn new(of_type: Type, len: usize, first_deadline: Millis) -> Self {
        let form = Form::of(of_type, first_deadline != 0);
        let mut out = vec![form.kind];
        if first_deadline != 0 {
            out.extend_from_slice(&first_deadline.to_le_bytes());
        }
        if !matches!(of_type, Type::String | Type::Stream) {
            length::put(&mut out, len as u64);
        }
        Self { form, first_deadline, out, stream: StreamWriter::default() }
    }

    /// The next part.
    pub fn put(&mut self, part: Part<'_>) {
        match part {
            Part::Text(text) => string::put(&mut self.out, text),
            Part::Element(element) => string::put(&mut self.out, element),
            Part::Member { member, expires_at } => {
                self.put_deadline(expires_at);
                string::put(&mut self.out, member);
            }
            Part::Scored { member, score, expires_at } => {
                self.put_deadline(expires_at);
                string::put(&mut self.out, member);
                self.out.extend_from_slice(&score.to_le_bytes());
            }
            Part::Field { name, value, expires_at } => {
                self.put_deadline(expires_at);
                string::put(&mut self.out, name);
                string::put(&mut self.out, value);
            }
            Part::Entry { id, fields } => self.stream.entry(id, fields),
            Part::Counters(counters) => self.stream.counters(counters),
            Part::Group(group) => self.stream.group(group),
        }
    }

    /// As its distance from the first, plus one; 0 is none.
    fn put_deadline(&mut self, expires_at: Millis) {
        if self.first_deadline == 0 {
            return debug_assert_eq!(expires_at, 0, "a deadline in a value that was begun without");
        }
        debug_assert!(expires_at == 0 || expires_at >= self.first_deadline, "the first deadline was a later one");
        let distance = if expires_at == 0 { 0 } else { expires_at - self.first_deadline + 1 };
        length::put(&mut self.out, distance);
    }

    /// The payload.
    pub fn finish(mut self) -> Vec<u8> {
        if self.form.kind == kinds::STREAM_LISTPACKS {
            self.form = self.stream.finish(&mut self.out);
            self.out[0] = self.form.kind;
        }
        framed(self.out, self.form.version)
    }
}
