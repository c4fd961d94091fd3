//! `keyspace`: the map of keys, in memory, with everything that keeps it company: expiry, versions, order, checkpoint.
//!
//! Read in this order: [`Keyspace`] (shards, who may hold them), [`View`] and [`Writer`] (what a command holds),
//! [`Transaction`] (many commands as one), [`Reach`] (how a command without keys comes to the shards), [`watching`] (who hears of
//! changes, until EXEC), [`waiting`] (who waits for them), [`notices`] (who hears of everything), [`entry`] and [`table`] (the bytes), [`checkpoint`], [`parts`], [`tier_entry`] and [`recover`] (to the tier and back), [`whole`] (what looks at
//! all keys), [`Prefetch`] and [`Step`] (hints to the cache), [`order`] (walks in key order), [`sweep`] (keys whose time has come).
//!
//! Invariant: state = tier + tail of the log. An entry whose version is above its shard's checkpoint is dirty: the log
//! still has its latest change.
//! Invariant: an effect is in the log before it is in the map, and in the order of the log for each key, because both
//! happen under the key's shard.

mod approach;
pub mod checkpoint;
mod deadlines;
mod discarded;
pub mod entry;
pub mod key;
mod keyspace;
mod load;
mod members;
pub mod notices;
pub mod order;
pub mod parts;
mod reach;
pub mod recover;
mod shard;
mod slab;
pub mod sweep;
pub mod table;
pub mod taken;
pub mod tier_entry;
pub mod transaction;
mod view;
pub mod waiting;
pub mod watching;
pub mod whole;
mod writer;

pub use approach::Step;
pub use entry::EntryRef;
pub use key::Key;
pub use keyspace::{Census, Keyspace, Options, Prefetch};
pub use notices::{Before, Classes, Event, Herald, Notice, Notices};
pub use reach::Reach;
pub use transaction::{Needs, Transaction};
pub use view::View;
pub use waiting::{Waiter, Wants};
pub use watching::Watch;
pub use writer::Writer;
