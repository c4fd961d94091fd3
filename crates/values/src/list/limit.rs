//! How large a chunk may be, as `list-max-listpack-size` says it.

use crate::StringRef;
use crate::forms::Forms;
use crate::packed::Packed;

/// The most bytes of a chunk whose size is configured as a number of values.
const SAFE_BYTES: usize = 8192;

/// What Redis counts in beside the values, about.
const HEAD_BYTES: usize = 8;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    bytes: usize,
    count: usize,
}

impl Limit {
    /// The limit that is configured.
    #[inline]
    pub(super) fn of(forms: &Forms) -> Self {
        match forms.list_size.raw() {
            count @ 0.. => Self { bytes: SAFE_BYTES, count: (count as usize).max(1) },
            size => Self { bytes: 4096 << (-1 - size).min(4), count: usize::MAX },
        }
    }

    /// A list that has shrunk to this is packed again: well below, so that it does not change its form to and fro.
    pub(super) fn packed_again(self) -> Self {
        Self { bytes: self.bytes / 2, count: self.count / 2 }
    }

    /// Neighbours that are this small together become one chunk: well below, so that none is split and merged to and fro.
    pub(super) fn merged(self) -> Self {
        Self { bytes: self.bytes / 4 * 3, count: self.count - self.count / 4 }
    }

    /// Bytes of room for a new chunk at an end, as much as the one beside it needed.
    pub(super) fn room_beside(self, beside: &Packed) -> usize {
        let most = self.bytes - HEAD_BYTES;
        if beside.byte_len() > most / 2 { most } else { beside.byte_len() }
    }

    /// Whether `chunk` may have one more value.
    #[inline]
    pub(super) fn takes(self, chunk: &Packed, value: StringRef<'_>) -> bool {
        self.allows(chunk.byte_len() + Packed::bytes_of(value), chunk.len() + 1)
    }

    /// Whether one chunk may have all that both have.
    pub(super) fn takes_both(self, a: &Packed, b: &Packed) -> bool {
        self.allows(a.byte_len() + b.byte_len(), a.len() + b.len())
    }

    #[inline]
    pub(super) fn allows(self, item_bytes: usize, count: usize) -> bool {
        item_bytes + HEAD_BYTES <= self.bytes && count <= self.count
    }
}
