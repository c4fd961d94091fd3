//! `rdb`: values in Redis' own format, as DUMP answers and RESTORE takes them.
//!
//! Read in this order: [`part`] (what a value consists of), [`payload`] (how one value is framed), `read` (every form that Redis ever
//! wrote becomes parts), [`write`] (parts become the forms that we write), `packed` (many elements in one string), `dump` and `restore`
//! (between parts and our values).
//!
//! Invariant: bytes that were damaged, or made up, are refused; nothing here panics, and memory is taken for what is there,
//! not for what is claimed (a compressed string has at most 88 times its bytes).
//! Invariant: there is no clock here: whether a deadline is past is the caller's business.

mod checksum;
mod dump;
pub mod functions;
mod kinds;
mod length;
mod lzf;
mod packed;
pub mod part;
pub mod payload;
mod read;
mod restore;
mod source;
mod string;
pub mod write;

pub use dump::dump;
pub use part::Part;
pub use payload::{Payload, Refusal};
pub use restore::restore;
pub use write::Dumper;
