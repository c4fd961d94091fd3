//! Values in the forms of Redis, from what they consist of.
//!
//! The plain forms are written, not the packed ones: they hold the same, every Redis since 5.0 takes them, and whoever reads them packs the value
//! up to thresholds of its own. What Redis has no form for (deadlines of members of sets and sorted sets) has a form of Kvark's
//! own, which a Redis refuses: nothing is lost in silence.

mod streams;

use kvark_base::Millis;

use crate::payload::Form;
use crate::{kinds, length, string};
pub use streams::{StreamWriter, stream_form};

/// The version of Redis 5.0.
const OLD: u16 = 9;

/// A string.
pub const STRING: Form = Form { kind: kinds::STRING, version: OLD };
/// A list.
pub const LIST: Form = Form { kind: kinds::LIST, version: OLD };
/// A set.
pub const SET: Form = Form { kind: kinds::SET, version: OLD };
/// A set with deadlines.
pub const SET_DEADLINES: Form = Form { kind: kinds::SET_DEADLINES, version: 12 };
/// A sorted set.
pub const ZSET: Form = Form { kind: kinds::ZSET_2, version: OLD };
/// A sorted set with deadlines.
pub const ZSET_DEADLINES: Form = Form { kind: kinds::ZSET_DEADLINES, version: 12 };
/// A hash.
pub const HASH: Form = Form { kind: kinds::HASH, version: OLD };
/// A hash with deadlines.
pub const HASH_DEADLINES: Form = Form { kind: kinds::HASH_METADATA, version: 12 };

/// Appends a string in its form.
pub fn text(out: &mut Vec<u8>, text: &[u8]) {
    string::put(out, text);
}

/// Appends the number of what follows: elements, members, fields.
pub fn count(out: &mut Vec<u8>, len: usize) {
    length::put(out, len as u64);
}

/// Appends a score.
pub fn score(out: &mut Vec<u8>, score: f64) {
    out.extend_from_slice(&score.to_le_bytes());
}

/// Appends what stands before all members that may have deadlines: the first deadline.
pub fn first_deadline(out: &mut Vec<u8>, first: Millis) {
    out.extend_from_slice(&first.to_le_bytes());
}

/// Appends a deadline, 0 for none, that is not before the first.
pub fn deadline(out: &mut Vec<u8>, expires_at: Millis, first: Millis) {
    debug_assert!(expires_at == 0 || expires_at >= first, "the first deadline was a later one");
    length::put(out, if expires_at == 0 { 0 } else { expires_at - first + 1 });
}
