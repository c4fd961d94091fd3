//! Values that nobody can reach any more and that take long to free: the background does it.
//!
//! A set of a million members may be millions of pieces of memory. Whoever deletes it holds a shard, so it only hands it over here.

use kvark_values::Value;
use parking_lot::Mutex;

/// See the module.
#[derive(Debug, Default)]
pub struct Discarded(Mutex<Vec<Value>>);

impl Discarded {
    /// Frees a value now if that is soon done, later otherwise.
    #[inline]
    pub fn take(&self, value: Option<Box<Value>>) {
        if let Some(value) = value.filter(|value| value.is_long_to_drop()) {
            self.0.lock().push(*value);
        }
    }

    /// Frees what was left for later.
    pub fn empty(&self) {
        // Not while the list is held.
        let values = std::mem::take(&mut *self.0.lock());
        drop(values);
    }
}
