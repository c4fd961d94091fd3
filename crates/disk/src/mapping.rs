//! A piece of memory that is a file.
//!
//! Invariant: `start..start + len` stays readable and writable as long as the [`Mapping`] lives.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// What keeps a mapping's memory alive.
pub(crate) trait Backing: Send + Sync {
    /// The caller has no business with these bytes for now: they need not be resident.
    fn release(&self, range: Range<usize>);
    /// The caller will soon write these bytes: what the first touch of a page costs is to be paid now.
    fn warm(&self, range: Range<usize>);
}

/// Makes a mapping's pages ready from another thread than the one that writes them; keeps the memory alive.
pub struct Warmer(Arc<dyn Backing>);

impl Warmer {
    /// Pays for the first touch of the pages of `range`. Content stays as it is. Where the system has no such call nothing
    /// happens: it costs only time.
    pub fn warm(&self, range: Range<usize>) {
        self.0.warm(range);
    }
}

/// The first bytes of a file, shared with the operating system: what is stored here is in the file at once (a killed
/// process loses none of it) and on the disk after [`File::sync_data`](crate::File::sync_data).
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
    backing: Arc<dyn Backing>,
}

// SAFETY: the memory belongs to `backing`, which is Send + Sync; writes go through `&mut self` only.
unsafe impl Send for Mapping {}
// SAFETY: as above; `&self` only reads.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// # Safety
    /// `start..start + len` must be valid for reads and writes as long as `backing` lives, and no Rust reference to
    /// it may be made except through the result.
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize, backing: Arc<dyn Backing>) -> Self {
        Self { start, len, backing }
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: by the contract of `new`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to be changed. Whoever else reads the file meanwhile (a sync) may see any part of a change.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: by the contract of `new`; `&mut self` makes it the only reference of this process.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Says that the bytes of `range` won't be touched soon, so that they no longer count as resident. They keep what they hold.
    pub fn release(&self, range: Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "{range:?} is not within a mapping of {} bytes",
            self.len
        );
        self.backing.release(range);
    }

    /// The handle by which a thread in the background makes pages ready.
    pub fn warmer(&self) -> Warmer {
        Warmer(Arc::clone(&self.backing))
    }
}
