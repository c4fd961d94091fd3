//! Memory for entries: size classes in steps of eight bytes, carved from 64 KiB pages, one [`Slab`] a shard.
//!
//! A general allocator rounds a 96-byte entry up or puts a header before it, and takes a detour through thread-local
//! state; here an allocation is a pop from a list under the shard's lock, and a byte is lost only at a page's end.
//!
//! ```text
//! page (64 KiB, aligned): | class 4 | live 4 | free list 8 | bump 4 | listed 4 | next 8 | previous 8 | ... objects ...
//! ```
//!
//! Invariant: an object's page is found by clearing the low 16 bits of its address.
//! Invariant: a page is in its class's list exactly while it has room.
//! Invariant: objects above [`MAX_LEN`] come from the system's allocator; the caller's length tells them apart.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use parking_lot::Mutex;

/// The longest object that pages hold.
pub const MAX_LEN: usize = 1024;

const STEP: usize = 8;
const CLASSES: usize = MAX_LEN / STEP;
const PAGE_LEN: usize = 64 * 1024;
const HEAD_LEN: usize = size_of::<PageHead>();
/// A huge page: what the processor's translation cache likes best for random access.
const REGION_LEN: usize = 2 * 1024 * 1024;
/// The first regions are small, so that a small store stays small.
const FIRST_REGION_LEN: usize = 256 * 1024;
/// Free pages kept for reuse before their memory is given back to the system.
const SPARE_PAGES: usize = 64;

#[repr(C)]
struct PageHead {
    class: u32,
    live: u32,
    free: *mut FreeObject,
    bump: u32,
    listed: u32,
    next: *mut PageHead,
    previous: *mut PageHead,
}

struct FreeObject {
    next: *mut FreeObject,
}

/// Pages for all slabs of a store. Regions are kept until the store goes.
#[derive(Default)]
pub struct PagePool(Mutex<Pool>);

#[derive(Default)]
struct Pool {
    free: Vec<NonNull<PageHead>>,
    regions: Vec<(NonNull<u8>, Layout)>,
}

// SAFETY: the pointers are owned memory, touched only under the mutex.
unsafe impl Send for Pool {}

impl PagePool {
    fn take(&self) -> NonNull<PageHead> {
        let mut pool = self.0.lock();
        if pool.free.is_empty() {
            pool.grow();
        }
        pool.free.pop().expect("a region holds pages")
    }

    fn give_back(&self, page: NonNull<PageHead>) {
        let mut pool = self.0.lock();
        if pool.free.len() >= SPARE_PAGES {
            // SAFETY: the page belongs to the pool and nobody reads it before it is made anew.
            unsafe { libc::madvise(page.as_ptr().cast(), PAGE_LEN, libc::MADV_DONTNEED) };
        }
        pool.free.push(page);
    }

    /// Bytes of address space taken for pages.
    pub fn reserved_bytes(&self) -> usize {
        self.0.lock().regions.iter().map(|(_, layout)| layout.size()).sum()
    }
}

impl Pool {
    fn grow(&mut self) {
        let small = self.regions.len() < REGION_LEN / FIRST_REGION_LEN;
        let len = if small { FIRST_REGION_LEN } else { REGION_LEN };
        let layout = Layout::from_size_align(len, if small { PAGE_LEN } else { REGION_LEN }).expect("powers of two");
        // SAFETY: the layout is not empty.
        let region = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        #[cfg(target_os = "linux")]
        if !small {
            // SAFETY: the region is ours; a refusal changes nothing but speed.
            unsafe { libc::madvise(region.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        }
        self.regions.push((region, layout));
        for at in (0..len).step_by(PAGE_LEN).rev() {
            // SAFETY: `at` is within the region.
            self.free.push(unsafe { region.add(at) }.cast());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for &(region, layout) in &self.regions {
            // SAFETY: allocated with this layout; the slabs that used it hold the pool alive and are gone.
            unsafe { dealloc(region.as_ptr(), layout) };
        }
    }
}

/// The allocator of one shard; every call happens under the shard's lock.
pub struct Slab {
    pool: Arc<PagePool>,
    /// Pages with room, by class.
    open: [*mut PageHead; CLASSES],
    allocated_bytes: usize,
}

// SAFETY: pages belong to one slab at a time, and a slab to one shard.
unsafe impl Send for Slab {}

impl Slab {
    /// An empty slab that takes its pages from `pool`.
    pub fn new(pool: Arc<PagePool>) -> Self {
        Self { pool, open: [ptr::null_mut(); CLASSES], allocated_bytes: 0 }
    }

    /// Bytes in live objects, rounded up as they are allocated.
    pub fn allocated_bytes(&self) -> usize {
        self.allocated_bytes
    }

    /// What an object of `len` bytes really takes.
    pub fn rounded(len: usize) -> usize {
        len.next_multiple_of(STEP)
    }

    /// Memory for `len` bytes (at least one), aligned to eight. Aborts as Rust does when the system has none left.
    #[inline]
    pub fn alloc(&mut self, len: usize) -> NonNull<u8> {
        self.allocated_bytes += Self::rounded(len);
        if len > MAX_LEN {
            return large_alloc(len);
        }
        let class = (len - 1) / STEP;
        let page = self.open[class];
        if page.is_null() {
            self.open_page(class);
        }
        let page = self.open[class];
        // SAFETY: a page in the list has room and belongs to us.
        unsafe { self.take_object(page, class) }
    }

    /// Gives back what [`Slab::alloc`] returned for the same `len`.
    ///
    /// # Safety
    /// `object` came from `alloc(len)` of this slab and is not used again.
    #[inline]
    pub unsafe fn free(&mut self, object: NonNull<u8>, len: usize) {
        self.allocated_bytes -= Self::rounded(len);
        if len > MAX_LEN {
            // SAFETY: handed on from the caller.
            return unsafe { large_free(object, len) };
        }
        let page = (object.as_ptr() as usize & !(PAGE_LEN - 1)) as *mut PageHead;
        // SAFETY: the object lies in a page of ours.
        unsafe {
            debug_assert_eq!((*page).class as usize, (len - 1) / STEP);
            let free = object.as_ptr().cast::<FreeObject>();
            (*free).next = (*page).free;
            (*page).free = free;
            (*page).live -= 1;
            if (*page).live == 0 {
                self.close_page(page);
            } else if (*page).listed == 0 {
                self.list(page);
            }
        }
    }

    /// # Safety
    /// `page` is open and of `class`.
    #[inline]
    unsafe fn take_object(&mut self, page: *mut PageHead, class: usize) -> NonNull<u8> {
        let len = (class + 1) * STEP;
        // SAFETY: the page has a free object or room at its bump offset.
        unsafe {
            let head = &mut *page;
            let object = if head.free.is_null() {
                let object = page.cast::<u8>().add(head.bump as usize);
                head.bump += len as u32;
                object
            } else {
                let object = head.free;
                head.free = (*object).next;
                object.cast()
            };
            head.live += 1;
            if head.free.is_null() && head.bump as usize + len > PAGE_LEN {
                self.unlist(page);
            }
            NonNull::new_unchecked(object)
        }
    }

    #[cold]
    fn open_page(&mut self, class: usize) {
        let page = self.pool.take().as_ptr();
        let head = PageHead {
            class: class as u32,
            live: 0,
            free: ptr::null_mut(),
            bump: HEAD_LEN as u32,
            listed: 0,
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
        };
        // SAFETY: the page is ours alone and large enough.
        unsafe {
            page.write(head);
            self.list(page);
        }
    }

    /// # Safety
    /// `page` is ours and holds no live object.
    #[cold]
    unsafe fn close_page(&mut self, page: *mut PageHead) {
        // SAFETY: handed on from the caller.
        unsafe {
            let class = (*page).class as usize;
            let only = self.open[class] == page && (*page).next.is_null();
            if only {
                return; // the class keeps one page, so that a lone key set and deleted does not open a page each time
            }
            if (*page).listed == 1 {
                self.unlist(page);
            }
            self.pool.give_back(NonNull::new_unchecked(page));
        }
    }

    /// # Safety
    /// `page` is ours and not in a list.
    unsafe fn list(&mut self, page: *mut PageHead) {
        // SAFETY: handed on from the caller; the neighbours are ours too.
        unsafe {
            let first = &mut self.open[(*page).class as usize];
            (*page).next = *first;
            (*page).previous = ptr::null_mut();
            (*page).listed = 1;
            if !first.is_null() {
                (**first).previous = page;
            }
            *first = page;
        }
    }

    /// # Safety
    /// `page` is ours and in its class's list.
    #[cold]
    unsafe fn unlist(&mut self, page: *mut PageHead) {
        // SAFETY: handed on from the caller; the neighbours are ours too.
        unsafe {
            let (previous, next) = ((*page).previous, (*page).next);
            if previous.is_null() {
                self.open[(*page).class as usize] = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            (*page).listed = 0;
        }
    }
}

fn large_layout(len: usize) -> Layout {
    Layout::from_size_align(len, STEP).expect("an entry's length is bounded")
}

fn large_alloc(len: usize) -> NonNull<u8> {
    let layout = large_layout(len);
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// # Safety
/// `object` came from `large_alloc(len)`.
unsafe fn large_free(object: NonNull<u8>, len: usize) {
    // SAFETY: handed on from the caller.
    unsafe { dealloc(object.as_ptr(), large_layout(len)) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;

    #[test]
    fn objects_never_overlap_and_pages_come_back() {
        let pool = Arc::new(PagePool::default());
        let mut slab = Slab::new(Arc::clone(&pool));
        let mut random = Random::from_seed(7);
        let mut live: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        for round in 0..60_000u32 {
            let grow = round < 40_000 || random.chance(1, 4);
            if grow {
                let most = if random.chance(1, 50) { 3000 } else { 200 };
                let len = 1 + random.below(most) as usize;
                let object = slab.alloc(len);
                assert!((object.as_ptr() as usize).is_multiple_of(8));
                let mark = random.next_u64() as u8;
                // SAFETY: just allocated with this length.
                unsafe { object.as_ptr().write_bytes(mark, len) };
                live.push((object, len, mark));
            } else if !live.is_empty() {
                let (object, len, mark) = live.swap_remove(random.below(live.len() as u64) as usize);
                // SAFETY: live, of this length.
                let bytes = unsafe { std::slice::from_raw_parts(object.as_ptr(), len) };
                assert!(bytes.iter().all(|&b| b == mark), "somebody wrote into a live object");
                // SAFETY: as allocated.
                unsafe { slab.free(object, len) };
            }
        }
        let rounded: usize = live.iter().map(|(_, len, _)| Slab::rounded(*len)).sum();
        assert_eq!(slab.allocated_bytes(), rounded);
        for (object, len, _) in live {
            // SAFETY: as allocated.
            unsafe { slab.free(object, len) };
        }
        assert_eq!(slab.allocated_bytes(), 0);
        let reserved = pool.reserved_bytes();
        let pages: Vec<_> = (0..200).map(|_| slab.alloc(96)).collect();
        assert_eq!(pool.reserved_bytes(), reserved, "freed pages are used again");
        for object in pages {
            // SAFETY: as allocated.
            unsafe { slab.free(object, 96) };
        }
    }
}
