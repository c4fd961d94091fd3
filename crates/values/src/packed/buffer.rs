//! Bytes and a count behind one thin pointer: a `Vec<u8>` that takes eight bytes where it stands and grows at both ends.
//!
//! ```text
//! allocation: | bytes used u32 | bytes there is room for u32 | items u32 | where the bytes begin u32 | free | the bytes | free |
//! ```
//!
//! A change moves the bytes before it or those behind it, whichever are fewer, as long as there is room on that side.
//!
//! Invariant: an empty buffer has no allocation, and then it holds no items.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

#[derive(Clone, Copy)]
struct Header {
    len: u32,
    room: u32,
    items: u32,
    start: u32,
}

const HEADER: usize = size_of::<Header>();

/// See the module.
#[derive(Default)]
pub(crate) struct Buffer(Option<NonNull<Header>>);

// SAFETY: a buffer owns its allocation alone, as a `Vec<u8>` does.
unsafe impl Send for Buffer {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Buffer {}

fn layout(room: usize) -> Layout {
    let bytes = HEADER + room;
    assert!(u32::try_from(bytes).is_ok(), "{bytes} bytes in one packed sequence: its owner should have unpacked it");
    Layout::from_size_align(bytes, align_of::<Header>()).expect("four gibibytes are a layout")
}

/// So few bytes are moved sooner than anything else is weighed.
const FEW: usize = 256;

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

    /// No bytes yet, and room for so many before and behind those that come: for whoever puts some in at once.
    pub(super) fn with_room(before: usize, behind: usize) -> Self {
        let mut buffer = Self::new();
        buffer.move_to((HEADER + before + behind).next_multiple_of(16) + 8 - HEADER);
        buffer.set(|header| header.start = before as u32);
        buffer
    }

    #[inline]
    fn header(&self) -> Header {
        // SAFETY: a pointer that is there points to a header that is ours.
        self.0.map_or(Header { len: 0, room: 0, items: 0, start: 0 }, |pointer| unsafe { *pointer.as_ptr() })
    }

    #[inline]
    fn set(&mut self, change: impl FnOnce(&mut Header)) {
        if let Some(mut pointer) = self.0 {
            // SAFETY: the header is ours, and `&mut self` says that nobody else looks.
            change(unsafe { pointer.as_mut() });
        }
    }

    #[inline]
    pub(crate) fn items(&self) -> usize {
        self.header().items as usize
    }

    #[inline]
    pub(crate) fn set_items(&mut self, items: usize) {
        self.set(|header| header.items = items as u32);
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        let Some(pointer) = self.0 else { return &[] };
        // SAFETY: `len` bytes from `start` on were written, and `start + len` is at most `room`.
        unsafe {
            let Header { len, start, .. } = *pointer.as_ptr();
            std::slice::from_raw_parts(pointer.as_ptr().add(1).cast::<u8>().add(start as usize), len as usize)
        }
    }

    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let Some(pointer) = self.0 else { return &mut [] };
        // SAFETY: as for `bytes`, and `&mut self` is the only reference.
        unsafe {
            let Header { len, start, .. } = *pointer.as_ptr();
            std::slice::from_raw_parts_mut(pointer.as_ptr().add(1).cast::<u8>().add(start as usize), len as usize)
        }
    }

    /// Bytes of memory on the heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.map_or(0, |_| HEADER + self.header().room as usize)
    }

    /// Puts room for `added` bytes in place of the `removed` bytes from `at` on, and returns it to be filled.
    #[inline]
    pub(crate) fn splice(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        match added.checked_sub(removed) {
            Some(more) => self.widen(at, at + removed, more),
            None => self.narrow(at + added, removed - added),
        }
        &mut self.bytes_mut()[at..at + added]
    }

    /// Puts `more` bytes between those before `before` and those from `behind` on.
    #[inline]
    fn widen(&mut self, before: usize, behind: usize, more: usize) {
        let Header { len, start, room, .. } = self.header();
        let (start, after) = (start as usize, len as usize - behind);
        if before < after && (start >= more || after >= FEW) {
            if start < more {
                self.make_room(more, 0);
            }
            self.stretch(more, 0);
            self.bytes_mut().copy_within(more..more + before, 0);
        } else {
            if room as usize - start - (len as usize) < more {
                self.make_room(0, more);
            }
            self.stretch(0, more);
            self.bytes_mut().copy_within(behind..behind + after, behind + more);
        }
    }

    /// Removes `fewer` bytes from `at` on.
    #[inline]
    fn narrow(&mut self, at: usize, fewer: usize) {
        let Header { len, start, room, .. } = self.header();
        let new_len = len as usize - fewer;
        if at < new_len - at {
            self.bytes_mut().copy_within(..at, fewer);
            self.set(|header| header.start = start + fewer as u32);
        } else {
            self.bytes_mut().copy_within(at + fewer.., at);
        }
        self.set(|header| header.len = new_len as u32);
        if new_len + FEW < room as usize / 4 {
            self.slide(0);
            self.move_to(room_for(new_len));
        }
    }

    /// Takes so many more bytes into use before and behind the others, as zeros. There is room for them.
    #[inline]
    fn stretch(&mut self, before: usize, behind: usize) {
        self.set(|header| {
            header.start -= before as u32;
            header.len += (before + behind) as u32;
        });
        let Some(pointer) = self.0 else { return };
        let Header { len, start, .. } = self.header();
        // SAFETY: all bytes from `start` to `start + len` are in the allocation.
        unsafe {
            let bytes = pointer.as_ptr().add(1).cast::<u8>().add(start as usize);
            bytes.write_bytes(0, before);
            bytes.add(len as usize - behind).write_bytes(0, behind);
        }
    }

    /// Makes room for so many bytes before or behind those in use. If the other side has much, both get a share of it; else the
    /// allocation grows, for the side that needs it.
    #[cold]
    fn make_room(&mut self, before: usize, behind: usize) {
        let Header { len, room, .. } = self.header();
        let (len, more) = (len as usize, before + behind);
        let grows = (room as usize) < len + more + len / 8;
        if grows {
            self.move_to(room_for(len + more));
        }
        let spare = self.header().room as usize - len - more;
        self.slide(match (grows, before > 0) {
            (false, _) => before + spare / 2,
            (true, true) => before + spare,
            (true, false) => 0,
        });
    }

    /// Moves the bytes to where they begin at `to`.
    fn slide(&mut self, to: usize) {
        let Some(pointer) = self.0 else { return };
        let Header { len, start, room, .. } = self.header();
        debug_assert!(to + len as usize <= room as usize, "bytes slide within their room");
        // SAFETY: both places are in the allocation.
        unsafe {
            let bytes = pointer.as_ptr().add(1).cast::<u8>();
            bytes.add(start as usize).copy_to(bytes.add(to), len as usize);
        }
        self.set(|header| header.start = to as u32);
    }

    /// Moves to an allocation with that much room, in which the bytes in use are.
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
            self.slide(0);
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
            copy.splice(0, 0, bytes.len()).copy_from_slice(bytes);
            copy.set_items(self.items());
        }
        copy
    }
}
