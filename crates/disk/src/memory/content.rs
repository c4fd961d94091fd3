//! What a file in memory holds: the live bytes, which mappings share, and those that were last synced.
//!
//! Invariant: a buffer that is mapped keeps its address and its length.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Result};
use parking_lot::Mutex;

use crate::mapping::Backing;
use crate::{File, Mapping};

/// What a disk writes whole or not at all.
const SECTOR_LEN: usize = 512;

/// Bytes at a fixed address, shared by a file and its mappings.
struct Buffer(Box<[UnsafeCell<u8>]>);

// SAFETY: bytes are read and written through raw pointers, by whoever holds a mapping or the content's lock. A sync that
// reads while a mapping is written sees any part of it, which is what a disk would see too.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn zeroed(len: usize) -> Arc<Self> {
        Arc::new(Self((0..len).map(|_| UnsafeCell::new(0)).collect()))
    }

    fn start(&self) -> *mut u8 {
        self.0.as_ptr().cast::<u8>().cast_mut()
    }

    fn read(&self, offset: usize, out: &mut [u8]) {
        assert!(offset + out.len() <= self.0.len(), "a read beyond the buffer");
        // SAFETY: within the buffer, by the line above; `out` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(self.start().add(offset), out.as_mut_ptr(), out.len()) }
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.0.len(), "a write beyond the buffer");
        // SAFETY: within the buffer, by the line above; `bytes` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start().add(offset), bytes.len()) }
    }
}

struct Heap(#[allow(dead_code)] Arc<Buffer>);

impl Backing for Heap {
    fn release(&self, _range: Range<usize>) {}
    fn warm(&self, _range: Range<usize>) {}
}

pub(crate) struct Content(pub(crate) Mutex<Images>);

pub(crate) struct Images {
    buffer: Arc<Buffer>,
    pub len: usize,
    synced: Vec<u8>,
}

impl Images {
    /// A file that holds `bytes`, synced.
    pub fn holding(bytes: Vec<u8>) -> Self {
        let buffer = Buffer::zeroed(bytes.len());
        buffer.write(0, &bytes);
        Self { buffer, len: bytes.len(), synced: bytes }
    }

    pub fn live(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.buffer.read(0, &mut bytes);
        bytes
    }

    pub fn resize(&mut self, len: usize) -> Result<()> {
        if len < self.len {
            self.buffer.write(len, &vec![0; self.len - len]);
        } else if len > self.buffer.0.len() {
            if Arc::strong_count(&self.buffer) > 1 {
                return Err(Error::new(Kind::Invalid, format!("a mapped file can't grow to {len} bytes in memory")));
            }
            let grown = Buffer::zeroed(len.max(self.buffer.0.len() * 2));
            grown.write(0, &self.live());
            self.buffer = grown;
        }
        self.len = len;
        Ok(())
    }

    /// What a loss of power leaves: sector by sector the synced bytes or the live ones.
    pub fn torn(&self, random: &mut Random) -> Vec<u8> {
        let live = self.live();
        let mut bytes = if random.chance(1, 2) { vec![0; live.len()] } else { vec![0; self.synced.len()] };
        for (at, sector) in bytes.chunks_mut(SECTOR_LEN).enumerate() {
            let source = if random.chance(1, 2) { &live } else { &self.synced };
            let start = (at * SECTOR_LEN).min(source.len());
            let end = (start + sector.len()).min(source.len());
            sector[..end - start].copy_from_slice(&source[start..end]);
        }
        bytes
    }
}

impl Clone for Images {
    fn clone(&self) -> Self {
        Self { synced: self.synced.clone(), ..Self::holding(self.live()) }
    }
}

/// Files that were copied, by the file they are a copy of: two names of one file are two names of one copy.
#[derive(Default)]
pub(crate) struct Copies(BTreeMap<*const Content, Arc<Content>>);

impl Copies {
    pub fn of(&mut self, content: &Arc<Content>, image: impl FnOnce(&Images) -> Images) -> Arc<Content> {
        let copy = || Arc::new(Content(Mutex::new(image(&content.0.lock()))));
        self.0.entry(Arc::as_ptr(content)).or_insert_with(copy).clone()
    }
}

impl Content {
    /// Lets the synced image be a mixture, as a sync that failed leaves it.
    pub(crate) fn sync_partly(&self, random: &mut Random) {
        let mut images = self.0.lock();
        images.synced = images.torn(random);
    }
}

pub(crate) struct MemoryFile(pub(crate) Arc<Content>);

impl MemoryFile {
    pub(crate) fn sync_partly(&self, random: &mut Random) {
        self.0.sync_partly(random);
    }
}

impl File for MemoryFile {
    fn len(&self) -> Result<u64> {
        Ok(self.0.0.lock().len as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let images = self.0.0.lock();
        let start = (offset as usize).min(images.len);
        let len = buffer.len().min(images.len - start);
        images.buffer.read(start, &mut buffer[..len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut images = self.0.0.lock();
        let end = offset as usize + bytes.len();
        if end > images.len {
            images.resize(end)?;
        }
        images.buffer.write(offset as usize, bytes);
        Ok(())
    }

    fn allocate(&self, len: u64) -> Result<()> {
        let mut images = self.0.0.lock();
        let len = images.len.max(len as usize);
        images.resize(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.0.lock().resize(len as usize)
    }

    fn sync_data(&self) -> Result<()> {
        let mut images = self.0.0.lock();
        images.synced = images.live();
        Ok(())
    }

    fn map(&self, len: usize) -> Result<Mapping> {
        let images = self.0.0.lock();
        if len == 0 || images.len < len {
            return Err(Error::new(
                Kind::Invalid,
                format!("{len} bytes of a file that holds {} can't be mapped", images.len),
            ));
        }
        let start = NonNull::new(images.buffer.start()).expect("a buffer has an address");
        // SAFETY: the buffer is at least as long as the file and lives in `Heap`; files reach its bytes by raw pointer only.
        Ok(unsafe { Mapping::new(start, len, Arc::new(Heap(images.buffer.clone()))) })
    }
}
