//! A segment of a table: some buckets in one allocation, and the slots in them. The layout is drawn in [`super`].
//!
//! Invariant: a method that looks at buckets is called under the shard's lock, or pinned in the epoch in which the segment
//! was found.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_epoch as epoch;

use crate::entry::EntryPtr;

pub(super) const SLOTS: usize = 8;
pub(super) const TAG_BITS: u32 = 19;
pub(super) const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
pub(super) const ADDRESS_BITS: u32 = 64 - TAG_BITS;
pub(super) const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;
const CLASS_MASK: u64 = 63;

/// The numbers of buckets a segment may have: every one up to eight, then eight steps a doubling.
const SIZES: [u16; 57] = sizes();
pub(super) const LAST_CLASS: usize = SIZES.len() - 1;

const fn sizes() -> [u16; 57] {
    let mut sizes = [0; 57];
    let mut class = 0;
    while class < 57 {
        sizes[class] = if class < 8 {
            class as u16 + 1
        } else {
            let (doubling, eighth) = ((class - 8) / 8, (class - 8) % 8);
            ((8 + eighth) << doubling) as u16
        };
        class += 1;
    }
    sizes
}

const _: () = assert!(SIZES[7] == 8 && SIZES[8] == 8 && SIZES[LAST_CLASS] == 512);

#[repr(C, align(64))]
struct Bucket([AtomicU64; SLOTS]);

/// Address of the first bucket with the size class in its low six bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment(pub(super) u64);

pub(super) fn slot_of(hash: u64, entry: EntryPtr) -> u64 {
    let address = entry.address();
    debug_assert!(address.is_multiple_of(8) && address >> (ADDRESS_BITS + 3) == 0);
    hash << ADDRESS_BITS | address >> 3
}

#[inline]
pub(super) fn tag_of(slot: u64) -> u64 {
    slot >> ADDRESS_BITS
}

#[inline]
pub(super) fn address_of(slot: u64) -> u64 {
    (slot & ADDRESS_MASK) << 3
}

impl Segment {
    pub(super) fn layout(class: usize) -> Layout {
        Layout::array::<Bucket>(usize::from(SIZES[class])).expect("a segment is at most 32 KiB")
    }

    pub(super) fn new(class: usize) -> Self {
        let layout = Self::layout(class);
        // SAFETY: the layout is not empty.
        let at = unsafe { alloc_zeroed(layout) };
        if at.is_null() {
            handle_alloc_error(layout);
        }
        Self(at as u64 | class as u64)
    }

    /// # Safety
    /// Nobody uses it again.
    pub(super) unsafe fn free(self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc((self.0 & !CLASS_MASK) as *mut u8, Self::layout(self.class())) };
    }

    #[inline]
    pub(super) fn class(self) -> usize {
        (self.0 & CLASS_MASK) as usize
    }

    #[inline]
    pub(super) fn size(self) -> usize {
        usize::from(SIZES[self.class()])
    }

    #[inline]
    pub(super) fn home(self, tag: u64) -> usize {
        (tag as usize * self.size()) >> TAG_BITS
    }

    /// # Safety
    /// The segment is alive (held by the shard's lock, or by an epoch).
    #[inline]
    pub(super) unsafe fn bucket<'a>(self, index: usize) -> &'a [AtomicU64; SLOTS] {
        debug_assert!(index < self.size());
        // SAFETY: handed on from the caller.
        unsafe { &(*((self.0 & !CLASS_MASK) as *const Bucket).add(index)).0 }
    }

    pub(super) fn next(self, index: usize) -> usize {
        if index + 1 == self.size() { 0 } else { index + 1 }
    }

    pub(super) fn is_crowded(self, len: u32) -> bool {
        // Below five buckets the spread is wide, but a probe is short: fill up to one free slot.
        let slots = self.size() as u32 * SLOTS as u32;
        if self.size() <= 4 { len + 1 > slots } else { len > slots * 13 / 16 }
    }

    /// Puts a slot that is known not to be there. The segment has room.
    pub(super) fn place(self, slot: u64) {
        let mut index = self.home(tag_of(slot));
        loop {
            // SAFETY: the caller holds the shard.
            let bucket = unsafe { self.bucket(index) };
            if let Some(free) = bucket.iter().find(|free| free.load(Ordering::Relaxed) == 0) {
                free.store(slot, Ordering::Relaxed);
                return;
            }
            index = self.next(index);
        }
    }

    /// All slots in use.
    pub(super) fn slots(self) -> impl Iterator<Item = u64> {
        // SAFETY: the caller holds the shard.
        (0..self.size())
            .flat_map(move |index| unsafe { self.bucket(index) })
            .map(|slot| slot.load(Ordering::Relaxed))
            .filter(|&slot| slot != 0)
    }
}

impl Segment {
    /// The least tag whose home is behind the home of `tag`.
    pub(super) fn end_of_home(self, tag: u64) -> u64 {
        let next = self.home(tag) as u64 + 1;
        (next << TAG_BITS).div_ceil(self.size() as u64)
    }

    /// The entries with tags in `start..end`: in their home buckets and where those have spilled to.
    pub(super) fn entries_between(self, start: u64, end: u64, each: &mut impl FnMut(EntryPtr)) {
        let (mut index, last) = (self.home(start), self.home(end - 1));
        let mut behind_last = false;
        for _ in 0..self.size() {
            // SAFETY: under the shard's lock.
            let bucket = unsafe { self.bucket(index) };
            let mut full = true;
            for slot in bucket.iter().map(|slot| slot.load(Ordering::Relaxed)) {
                full &= slot != 0;
                if slot != 0 && (start..end).contains(&tag_of(slot)) {
                    // SAFETY: a slot in use holds a live entry.
                    each(unsafe { EntryPtr::from_address(address_of(slot)) });
                }
            }
            behind_last |= index == last;
            if behind_last && !full {
                return;
            }
            index = self.next(index);
        }
    }
}

pub(super) fn class_for(len: u32) -> usize {
    let fits = |class: &usize| !Segment(*class as u64).is_crowded(len + len / 16 + 1);
    (0..LAST_CLASS).find(fits).unwrap_or(LAST_CLASS)
}

pub(super) fn retire(segment: Segment) {
    // SAFETY: nobody finds the segment any more; whoever does now is pinned.
    unsafe { epoch::pin().defer_unchecked(move || segment.free()) };
}

/// A hint to the cache; any address is allowed.
#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch(address.cast(), std::arch::x86_64::_MM_HINT_T0);
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
