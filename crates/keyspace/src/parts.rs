//! A big collection in the tier: parts that make it, instead of one value that every change would write anew.
//!
//! ```text
//! tier key:    | 65 + physical database 1 | id 8, big-endian | number 4, big-endian |
//! tier value:  operations, as the type encodes them
//! ```
//! The parts of an id, applied to nothing in the order of their numbers, make the collection: first a copy of it, then what changed.
//! When the changes come to half of the copy, it is copied anew, under another id. (`docs/decisions/0011-parts.md` has the reasons.)
//!
//! Invariant: an id is used once in the life of a store.
//! Invariant: an entry is applied to the tier in the batch of the last part that it speaks of, or in a later one; parts go in the
//! batch of the entry that speaks of them no more, or in a later one. So an entry never speaks of a part that is not there.
//! Invariant: written parts + `pending` = the collection, unless it is `stale`.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use kvark_base::limits::ALL_DATABASES;
use kvark_tier::Batch;
use kvark_values::{Copying, Value, ValueRef};

/// What a part takes in the tier beside its bytes, as far as copying anew is concerned.
const PART_OVERHEAD: u64 = 4096;
/// Before the number of the physical database.
const FIRST_PREFIX: u8 = 0x41;

/// Bytes of what an entry says of its parts.
const WRITTEN_LEN: usize = 28;

/// A boxed value that has parts.
///
/// Invariant: the value is its first field, so that its address is that of the value.
#[repr(C)]
pub struct Parted {
    /// The collection.
    pub value: Value,
    /// How it lies in the tier.
    pub parts: Parts,
}

/// What an entry of the tier says of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Under which they are.
    pub id: u64,
    /// How many there are.
    pub parts: u32,
    /// Bytes of the copy.
    pub copied_bytes: u64,
    /// Bytes of what changed since, with what each part takes.
    pub changed_bytes: u64,
}

/// How a collection lies in the tier, and what it does not know yet.
#[derive(Debug, Default)]
pub struct Parts {
    written: Option<Written>,
    copy: Option<UnderWay>,
    pending: Vec<u8>,
    stale: bool,
    /// What the tier was told to remove and may still have, if the pass that told it has failed.
    retired: Vec<Written>,
    failed: bool,
}

/// A copy that is being written; the entry speaks of it when it is complete.
#[derive(Debug)]
struct UnderWay {
    written: Written,
    copying: Copying,
}

/// Parts that no entry speaks of any more, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Physical database.
    pub db: u8,
    /// Under which they are.
    pub id: u64,
    /// How many there are.
    pub parts: u32,
}

impl Dropped {
    /// Appends their removal.
    pub fn remove(&self, batch: &mut Batch) {
        batch.extend((0..self.parts).map(|number| (part_key(self.db, self.id, number), None)));
    }
}

impl Parts {
    /// Those that the tier has, as an entry speaks of them.
    pub fn of(written: Written) -> Self {
        Self { written: Some(written), ..Self::default() }
    }

    /// `ops` are about to be applied to `value`.
    #[inline]
    pub fn note(&mut self, value: ValueRef<'_>, ops: &[u8]) {
        if let Some(under_way) = &mut self.copy {
            return value.follow(&mut under_way.copying, ops, &mut self.pending);
        }
        if self.stale {
            return;
        }
        self.pending.extend_from_slice(ops);
        let written = self.written.unwrap_or_default();
        if written.changed_bytes + self.pending.len() as u64 > written.copied_bytes / 2 {
            self.spoil();
        }
    }

    /// They are of no use: the next pass copies the collection anew.
    pub fn spoil(&mut self) {
        (self.pending, self.stale) = (Vec::new(), true);
    }

    /// Whether the next step is a copy, from its beginning.
    pub fn asks_for_copy(&self) -> bool {
        self.copy.is_none() && (self.stale || self.written.is_none())
    }

    /// Appends the next part of `value` to `batch`. What an entry may say of them all, once they are whole.
    pub fn write(
        &mut self,
        value: ValueRef<'_>,
        db: u8,
        ids: &AtomicU64,
        part_bytes: usize,
        batch: &mut Batch,
    ) -> Option<Written> {
        if self.copy.is_none() && !self.failed {
            self.retired.clear();
        }
        if self.asks_for_copy() {
            let written = Written { id: ids.fetch_add(1, Ordering::Relaxed), ..Written::default() };
            self.copy = Some(UnderWay { written, copying: Copying::default() });
            (self.pending, self.stale) = (Vec::new(), false);
        }
        let ops = mem::take(&mut self.pending);
        let Some(UnderWay { written, copying }) = &mut self.copy else {
            let written = self.written.as_mut().expect("what needs no copy was copied");
            written.changed_bytes += written.push(db, ops, batch) + PART_OVERHEAD;
            return self.written;
        };
        written.copied_bytes += written.push(db, ops, batch);
        let mut part = Vec::new();
        let more = value.copy_part(copying, part_bytes, &mut part);
        written.copied_bytes += written.push(db, part, batch);
        if more {
            return None;
        }
        let written = *written;
        (self.copy, self.failed) = (None, false);
        self.retired.extend(self.written.replace(written));
        self.retired.iter().for_each(|old| old.dropped(db).remove(batch));
        self.written
    }

    /// All that the tier may have of them, for when nothing speaks of them any more.
    pub fn drop_all(&self, db: u8) -> impl Iterator<Item = Dropped> {
        let under_way = self.copy.as_ref().map(|under_way| under_way.written);
        self.retired.iter().copied().chain(self.written).chain(under_way).map(move |written| written.dropped(db))
    }

    /// The tier lost them, or what it has of them is not known: a copy under way begins anew. What may be there goes.
    pub fn give_up(&mut self, db: u8) -> Option<Dropped> {
        self.spoil();
        self.failed = true;
        self.copy.take().map(|under_way| under_way.written.dropped(db))
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.pending.capacity()
    }
}

impl Written {
    /// Appends one more part; how many bytes it has. Of nothing there is none.
    fn push(&mut self, db: u8, ops: Vec<u8>, batch: &mut Batch) -> u64 {
        let len = ops.len() as u64;
        if len > 0 {
            batch.push((part_key(db, self.id, self.parts), Some(ops)));
            self.parts += 1;
        }
        len
    }

    /// As the entry has it.
    pub fn encode(&self) -> [u8; WRITTEN_LEN] {
        let mut bytes = [0; WRITTEN_LEN];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.parts.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.copied_bytes.to_le_bytes());
        bytes[20..].copy_from_slice(&self.changed_bytes.to_le_bytes());
        bytes
    }

    /// What [`Written::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (parts, rest) = rest.split_first_chunk()?;
        let (copied, rest) = rest.split_first_chunk()?;
        let changed: [u8; 8] = rest.try_into().ok()?;
        let (copied_bytes, changed_bytes) = (u64::from_le_bytes(*copied), u64::from_le_bytes(changed));
        Some(Self { id: u64::from_le_bytes(*id), parts: u32::from_le_bytes(*parts), copied_bytes, changed_bytes })
    }

    fn dropped(&self, db: u8) -> Dropped {
        Dropped { db, id: self.id, parts: self.parts }
    }
}

/// Where a part is in the tier.
fn part_key(db: u8, id: u64, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(13);
    key.push(part_prefix(db)[0]);
    key.extend_from_slice(&id.to_be_bytes());
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// All parts of a physical database begin with this.
pub fn part_prefix(db: u8) -> [u8; 1] {
    [FIRST_PREFIX + db]
}

/// Which part is at `key`: database, id, number; `None` if that is where no part is.
pub fn part_at(key: &[u8]) -> Option<(u8, u64, u32)> {
    let (&prefix, rest) = key.split_first()?;
    let db = prefix.checked_sub(FIRST_PREFIX).filter(|&db| usize::from(db) < ALL_DATABASES)?;
    let (id, number) = rest.split_first_chunk()?;
    Some((db, u64::from_be_bytes(*id), u32::from_be_bytes(number.try_into().ok()?)))
}
