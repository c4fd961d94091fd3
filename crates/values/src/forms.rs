//! Up to which size a collection is kept packed. Redis' own thresholds, which can be configured under Redis' own names.
//!
//! Invariant: a form is nobody's business but the value's own: effects and encoded values do not depend on it.

use std::sync::atomic::{AtomicI64, Ordering};

/// One threshold; it may change while others read it.
#[derive(Debug)]
pub struct Threshold(AtomicI64);

impl Threshold {
    const fn new(value: i64) -> Self {
        Self(AtomicI64::new(value))
    }

    /// What it is now; never below zero.
    #[inline]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed).max(0) as usize
    }

    /// What it is now, as it was configured.
    pub fn raw(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Changes it; collections that exist are converted when they change next.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

macro_rules! forms {
    ($($(#[$doc:meta])* $field:ident $name:literal $default:literal,)*) => {
        /// All thresholds of a store.
        #[derive(Debug)]
        pub struct Forms { $($(#[$doc])* pub $field: Threshold,)* }

        impl Default for Forms {
            fn default() -> Self {
                Self { $($field: Threshold::new($default),)* }
            }
        }

        impl Forms {
            /// Every threshold under the name by which it is configured.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, &Threshold)> {
                [$(($name, &self.$field),)*].into_iter()
            }
        }
    };
}

forms! {
    /// Most fields of a packed hash.
    hash_entries "hash-max-listpack-entries" 512,
    /// Most bytes of a field or value of a packed hash.
    hash_value "hash-max-listpack-value" 64,
    /// Most bytes of a sparse HyperLogLog.
    hll_sparse_bytes "hll-sparse-max-bytes" 3000,
    /// Entries (positive) or bytes (-1 to -5: 4, 8, 16, 32, 64 KiB) of a chunk of a list.
    list_size "list-max-listpack-size" -2,
    /// Most members of a set of integers.
    set_integers "set-max-intset-entries" 512,
    /// Most members of a packed set.
    set_entries "set-max-listpack-entries" 128,
    /// Most bytes of a member of a packed set.
    set_value "set-max-listpack-value" 64,
    /// Most members of a packed sorted set.
    zset_entries "zset-max-listpack-entries" 128,
    /// Most bytes of a member of a packed sorted set.
    zset_value "zset-max-listpack-value" 64,
    /// Most bytes of a chunk of a stream; 0 for no bound.
    stream_bytes "stream-node-max-bytes" 4096,
    /// Most entries of a chunk of a stream; 0 for no bound.
    stream_entries "stream-node-max-entries" 100,
}
