//! Values that nobody can reach any more and that take long to free: the background does it.
//!
//! A set of a million members may be millions of pieces of memory. Whoever deletes it holds a shard, so it only hands it over here.

use std::sync::atomic::{AtomicU64, Ordering};

use kvark_values::Value;
use parking_lot::Mutex;

/// See the module.
#[derive(Debug, Default)]
pub struct Discarded {
    values: Mutex<Vec<Value>>,
    /// What the background has freed: these, and the entries of databases that were emptied.
    freed: AtomicU64,
}

impl Discarded {
    /// Frees a value now if that is soon done, later otherwise.
    #[inline]
    pub fn take(&self, value: Option<Box<Value>>) {
        if let Some(value) = value.filter(|value| value.is_long_to_drop()) {
            self.values.lock().push(*value);
        }
    }

    /// Frees what was left for later.
    pub fn empty(&self) {
        // Not while the list is held.
        let values = std::mem::take(&mut *self.values.lock());
        self.note_freed(values.len() as u64);
        drop(values);
    }

    /// How many values wait to be freed.
    pub fn len(&self) -> u64 {
        self.values.lock().len() as u64
    }

    /// The background has freed so many more.
    pub fn note_freed(&self, count: u64) {
        self.freed.fetch_add(count, Ordering::Relaxed);
    }

    /// How much the background has freed.
    pub fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// Begins to count anew.
    pub fn reset(&self) {
        self.freed.store(0, Ordering::Relaxed);
    }
}
