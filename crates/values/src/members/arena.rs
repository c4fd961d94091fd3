//! The records of a table, one behind another in chunks.
//!
//! A record is appended to the current chunk. Removal only marks it and counts, or cuts it off where it ends its chunk; or another
//! record moves over it. A chunk whose last record has gone is given back. When more than a third of all bytes are dead, the records of
//! the emptiest chunk are appended anew, a few at each change, until it can be given back too (a log-structured memory, Rumble et al.
//! 2014). So memory stays within about 1.5 of what is in use, whatever is written in whatever sizes, and no call takes long.
//!
//! Invariant: `live` of a chunk is the bytes of its records that are not dead. `live` and `used` of the arena are the sums over all chunks.
//! Invariant: of the chunk that is being emptied everything before the cursor is dead, so what is cut off never lies before it.
//! Invariant: a chunk never moves in memory and never grows beyond the room it was made with.

use super::record;
use crate::cache;

/// The most a chunk has room for, unless a single record takes more: what an offset of 16 bits can name.
const CHUNK: usize = 1 << 16;
const FIRST_CHUNK: usize = 1 << 10;
/// A chunk that is being emptied, or other waste, is no reason to begin with the next below so many bytes.
const SLACK: usize = CHUNK / 4;
/// How many chunks are compared to find one worth emptying.
const SAMPLE: usize = 16;

/// Where a record is: 16 bits of offset, 24 of chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref([u8; 5]);

impl Ref {
    fn new(chunk: usize, offset: usize) -> Self {
        assert!(chunk < 1 << 24, "a collection has more than {chunk} chunks of memory");
        let bytes = ((chunk as u64) << 16 | offset as u64).to_le_bytes();
        Self([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]])
    }

    #[inline]
    fn chunk(self) -> usize {
        u32::from_le_bytes([self.0[2], self.0[3], self.0[4], 0]) as usize
    }

    #[inline]
    fn offset(self) -> usize {
        usize::from(u16::from_le_bytes([self.0[0], self.0[1]]))
    }
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    live: usize,
}

impl Clone for Chunk {
    fn clone(&self) -> Self {
        // A clone of a vector has no more room than it needs, which would make the current chunk grow.
        let mut bytes = Vec::with_capacity(self.bytes.capacity());
        bytes.extend_from_slice(&self.bytes);
        Self { bytes, live: self.live }
    }
}

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Arena {
    chunks: Vec<Chunk>,
    /// Chunks that were given back and may be made again.
    vacant: Vec<usize>,
    current: usize,
    live: usize,
    used: usize,
    /// The chunk that is being emptied, and how far that is.
    emptying: Option<(usize, usize)>,
    sampled: usize,
}

impl Arena {
    /// Asks the cache for that record.
    #[inline]
    pub(super) fn ask_for(&self, place: Ref) {
        cache::ask_for(self.at(place).as_ptr());
    }

    /// The bytes from that record on.
    #[inline]
    pub(super) fn at(&self, place: Ref) -> &[u8] {
        &self.chunks[place.chunk()].bytes[place.offset()..]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, place: Ref) -> &mut [u8] {
        &mut self.chunks[place.chunk()].bytes[place.offset()..]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum();
        chunks + self.chunks.capacity() * size_of::<Chunk>() + self.vacant.capacity() * size_of::<usize>()
    }

    pub(super) fn allocations(&self) -> usize {
        self.chunks.len() - self.vacant.len()
    }

    /// Appends a record of `len` bytes, which `write` appends to what it is given.
    pub(super) fn push(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) -> Ref {
        let chunk = self.chunk_for(len);
        let Chunk { bytes, live } = &mut self.chunks[chunk];
        let offset = bytes.len();
        write(bytes);
        debug_assert_eq!(bytes.len(), offset + len);
        *live += len;
        self.live += len;
        self.used += len;
        Ref::new(chunk, offset)
    }

    /// The chunk to which a record of `len` bytes is appended. A record that is long has one of its own.
    fn chunk_for(&mut self, len: usize) -> usize {
        if self.chunks.get(self.current).is_some_and(|it| it.bytes.capacity() - it.bytes.len() >= len) {
            return self.current;
        }
        let room = (self.live / 4).next_power_of_two().clamp(FIRST_CHUNK, CHUNK);
        if len > room / 4 {
            return self.new_chunk(len);
        }
        let full = std::mem::replace(&mut self.current, usize::MAX);
        self.give_back_if_dead(full);
        self.current = self.new_chunk(room);
        self.current
    }

    fn new_chunk(&mut self, room: usize) -> usize {
        let chunk = Chunk { bytes: Vec::with_capacity(room), live: 0 };
        if let Some(at) = self.vacant.pop() {
            self.chunks[at] = chunk;
            return at;
        }
        self.chunks.push(chunk);
        self.chunks.len() - 1
    }

    /// Lets a record of `len` bytes go. It is marked as dead, unless it ends its chunk, which can then be cut off before it.
    pub(super) fn free(&mut self, place: Ref, len: usize) {
        let (chunk, offset) = (&mut self.chunks[place.chunk()], place.offset());
        if offset + len == chunk.bytes.len() {
            chunk.bytes.truncate(offset);
            self.used -= len;
        } else {
            record::mark_dead(&mut chunk.bytes[offset..]);
        }
        chunk.live -= len;
        self.live -= len;
        self.give_back_if_dead(place.chunk());
    }

    /// Moves the record at `from` over the one at `hole`, which goes. Both take `len` bytes.
    pub(super) fn fill(&mut self, hole: Ref, from: Ref, len: usize) {
        let (to, at) = (hole.offset(), from.offset());
        match self.chunks.get_disjoint_mut([hole.chunk(), from.chunk()]) {
            Ok([into, out_of]) => into.bytes[to..to + len].copy_from_slice(&out_of.bytes[at..at + len]),
            Err(_) => self.chunks[hole.chunk()].bytes.copy_within(at..at + len, to),
        }
        self.free(from, len);
    }

    fn give_back_if_dead(&mut self, at: usize) {
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        if chunk.live > 0 || at == self.current || chunk.bytes.capacity() == 0 {
            return;
        }
        self.used -= chunk.bytes.len();
        *chunk = Chunk::default();
        self.vacant.push(at);
        if self.emptying.is_some_and(|(emptying, _)| emptying == at) {
            self.emptying = None;
        }
    }

    /// A record that should be appended anew and then freed, if there is one.
    pub(super) fn next_to_move<const PAYLOAD: usize>(&mut self) -> Option<Ref> {
        let (chunk, mut offset) = self.emptying.or_else(|| self.choose())?;
        let bytes = &self.chunks[chunk].bytes;
        for _ in 0..SAMPLE {
            if offset == bytes.len() {
                self.emptying = None;
                return None;
            }
            let here = record::read::<PAYLOAD>(&bytes[offset..]);
            let place = Ref::new(chunk, offset);
            offset += here.len;
            self.emptying = Some((chunk, offset));
            if !here.dead {
                return Some(place);
            }
        }
        None
    }

    /// The emptiest of some chunks, when there is so much waste that it should go.
    fn choose(&mut self) -> Option<(usize, usize)> {
        if self.used - self.live < self.live / 2 + SLACK {
            return None;
        }
        let (count, from) = (self.chunks.len(), self.sampled);
        self.sampled = (from + SAMPLE) % count;
        let waste = |&at: &usize| self.chunks[at].bytes.len() - self.chunks[at].live;
        let sample = (from..from + SAMPLE).map(|at| at % count).filter(|&at| at != self.current);
        let emptiest = sample.max_by_key(waste)?;
        (waste(&emptiest) > 0).then_some((emptiest, 0))
    }
}

#[cfg(test)]
impl Arena {
    /// Panics where an invariant does not hold; returns the bytes that are used and those that are live.
    pub(super) fn check(&self) -> (usize, usize) {
        assert_eq!(self.live, self.chunks.iter().map(|chunk| chunk.live).sum::<usize>());
        assert_eq!(self.used, self.chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>());
        (self.used, self.live)
    }
}
