//! Buffers that nobody uses now. A connection holds one only while it has bytes to keep, so that ten thousand idle
//! connections cost no buffers, and a busy one asks no allocator.

/// Buffers that are kept, and how large they may be: more than a loop's usual turn needs goes back to the allocator.
const MOST: usize = 128;
const MAX_LEN: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// An empty buffer, if possible one with memory.
    pub fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && buffer.capacity() <= MAX_LEN && self.0.len() < MOST {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}
