//! Bytes and a count behind one thin pointer: a `Vec<u8>` that takes eight bytes where it stands.
//!
//! ```text
//! allocation: | bytes used u32 | bytes there is room for u32 | items u32 | the bytes ... |
//! ```
//!
//! Invariant: an empty buffer has no allocation, and then it holds no items.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

#[derive(Clone, Copy)]
struct Header {
    len: u32,
    room: u32,
    items: u32,
}

const HEADER: usize = size_of::<Header>();

/// See the module.
pub(super) struct Buffer(Option<NonNull<Header>>);

// SAFETY: a buffer owns its allocation alone, as a `Vec<u8>` does.
unsafe impl Send for Buffer {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Buffer {}

fn layout(room: usize) -> Layout {
    let bytes = HEADER + room;
    assert!(u32::try_from(bytes).is_ok(), "{bytes} bytes in one packed sequence: its owner should have unpacked it");
    Layout::from_size_align(bytes, align_of::<Header>()).expect("four gibibytes are a layout")
}

/// Room for `len` bytes and a little more, so that a sequence that grows item by item is seldom moved. Allocators hand out
/// multiples of 16 bytes, less eight of their own.
fn room_for(len: usize) -> usize {
    let wanted = HEADER + len + len / 8;
    wanted.next_multiple_of(16) + 8 - HEADER
}

impl Buffer {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    #[inline]
    fn header(&self) -> Header {
        // SAFETY: a pointer that is there points to a header that is ours.
        self.0.map_or(Header { len: 0, room: 0, items: 0 }, |pointer| unsafe { *pointer.as_ptr() })
    }

    #[inline]
    pub(super) fn items(&self) -> usize {
        self.header().items as usize
    }

    pub(super) fn set_items(&mut self, items: usize) {
        if let Some(mut pointer) = self.0 {
            // SAFETY: the header is ours, and `&mut self` says that nobody else looks.
            unsafe { pointer.as_mut().items = items as u32 };
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        let Some(pointer) = self.0 else { return &[] };
        // SAFETY: `len` bytes behind the header were written.
        unsafe { std::slice::from_raw_parts(pointer.as_ptr().add(1).cast(), pointer.as_ref().len as usize) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let Some(pointer) = self.0 else { return &mut [] };
        // SAFETY: as for `bytes`, and `&mut self` is the only reference.
        unsafe { std::slice::from_raw_parts_mut(pointer.as_ptr().add(1).cast(), pointer.as_ref().len as usize) }
    }

    /// Bytes of memory on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.map_or(0, |_| HEADER + self.header().room as usize)
    }

    /// Puts room for `added` bytes in place of the `removed` bytes from `at` on, and returns it to be filled.
    pub(super) fn splice(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        let len = self.bytes().len();
        let new_len = len - removed + added;
        if added > removed {
            self.resize(len, new_len);
        }
        self.bytes_mut().copy_within(at + removed..len, at + added);
        if added < removed {
            self.resize(len, new_len);
        }
        &mut self.bytes_mut()[at..at + added]
    }

    /// Makes the length `new_len`; new bytes are zero. Moves to another allocation when there is too little room or far too much.
    fn resize(&mut self, len: usize, new_len: usize) {
        let room = self.header().room as usize;
        if new_len > room || new_len + 64 < room / 2 {
            self.move_to(room_for(new_len));
        }
        let Some(mut pointer) = self.0 else { return };
        // SAFETY: there is room for `new_len` bytes, of which the first `len` are initialized.
        unsafe {
            let bytes = pointer.as_ptr().add(1).cast::<u8>();
            bytes.add(len).write_bytes(0, new_len.saturating_sub(len));
            pointer.as_mut().len = new_len as u32;
        }
    }

    fn move_to(&mut self, room: usize) {
        let (old, new) = (self.header(), layout(room));
        // SAFETY: the old layout is the one it was allocated with, the new size is above zero.
        let pointer = unsafe {
            match self.0 {
                Some(pointer) => realloc(pointer.as_ptr().cast(), layout(old.room as usize), new.size()),
                None => alloc(new),
            }
        };
        let Some(pointer) = NonNull::new(pointer.cast::<Header>()) else { handle_alloc_error(new) };
        // SAFETY: the allocation has room for a header, which it is aligned for.
        unsafe { pointer.as_ptr().write(Header { room: room as u32, ..old }) };
        self.0 = Some(pointer);
    }

    /// Gives back the room that is not used.
    pub(super) fn shrink(&mut self) {
        let Header { len, room, .. } = self.header();
        if len == 0 {
            *self = Self::new();
        } else if len < room {
            self.move_to(len as usize);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pointer) = self.0 {
            // SAFETY: allocated with this layout, and nobody has it any more.
            unsafe { dealloc(pointer.as_ptr().cast(), layout(self.header().room as usize)) };
        }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        let bytes = self.bytes();
        if !bytes.is_empty() {
            copy.move_to(bytes.len());
            copy.resize(0, bytes.len());
            copy.bytes_mut().copy_from_slice(bytes);
            copy.set_items(self.items());
        }
        copy
    }
}
