//! What every type but the string can do, however it is kept.
//!
//! A collection changes only by its *operations*: bytes that say what changed, in absolute terms (never "a random member",
//! never "in ten seconds"). The same bytes are logged, applied at once, and applied again by recovery and replicas.
//!
//! Invariant: `apply` is total. Recovery may apply operations to a state that lacks what an earlier, lost generation of the key had:
//! then they do what they can (an index beyond the end does nothing), and a later record makes the state right.
//! Invariant: two collections are equal when their members are, whatever their forms.

use std::fmt::Debug;

use kvark_base::{Millis, Result};

use crate::Type;
use crate::copying::{BIG_BYTES, Copying};
use crate::forms::Forms;
use crate::wire::Reader;

/// A type whose values have members.
pub trait Collection: Default + Clone + PartialEq + Debug + Sized {
    /// What it is.
    const TYPE: Type;

    /// How many members it has (fields of a hash, entries of a stream).
    fn len(&self) -> usize;

    /// Whether it has none. An empty collection is no value: its key goes. (A stream may be empty.)
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies all operations of `ops`, each as the type encodes them, in order. Errors with `Kind::Corrupt` when they are none.
    fn apply(&mut self, ops: &mut Reader<'_>, forms: &Forms) -> Result<()>;

    /// Appends everything it holds, to be decoded by [`Collection::decode`].
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads all of `reader`, as [`Collection::encode`] wrote it. Errors with `Kind::Corrupt`; memory is taken only for what is there.
    fn decode(reader: &mut Reader<'_>, forms: &Forms) -> Result<Self>;

    /// Appends operations that make the next part of a copy, of about `len_bytes`, and moves `copying` on. False when that was the last.
    fn copy_part(&self, copying: &mut Copying, len_bytes: usize, out: &mut Vec<u8>) -> bool;

    /// Appends what a copy under way must hear of `ops`, which are about to be applied to `self`.
    fn follow(&self, _copying: &mut Copying, ops: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(ops);
    }

    /// Whether it had better be copied in parts. Asked often, so it must not cost.
    fn is_big(&self) -> bool {
        self.memory_bytes() > BIG_BYTES
    }

    /// Bytes of memory on the heap.
    fn memory_bytes(&self) -> usize;

    /// The form it has, as `OBJECT ENCODING` names it.
    fn encoding(&self) -> &'static str;

    /// About how many allocations go when it is dropped; many are dropped in the background.
    fn allocations(&self) -> usize {
        1
    }

    /// When the first of its members expires, 0 for never. It may be earlier than true, never later.
    fn next_deadline(&self) -> Millis {
        0
    }

    /// Appends the operations that remove members whose time has come, at most `most` of them.
    fn expire(&self, _now_ms: Millis, _most: usize, _ops: &mut Vec<u8>) {}

    /// Hands over each member with all that belongs to it, in a canonical encoding that does not depend on the form. The order
    /// plays no part in a digest, so a type with an order puts the place into the bytes.
    fn each_for_digest(&self, each: &mut dyn FnMut(&[u8]));
}
