//! `log`: the contract of a log, whatever keeps it: files in a directory, memory, later a replicated stream.
//!
//! Read in this order: [`Log`], [`Bracket`], [`record`] (what a record says: [`Effect`]), [`memory`] (the sibling that
//! proves the contract from outside), [`suite`] (the tests that every sibling passes).
//!
//! Invariant: the contract speaks of positions and records, never of files.
//! Invariant: the records of one batch are all there after a crash, or none; a bracket lies inside one batch.
//! Invariant: positions are contiguous and never reused; position 0 is before the first record.

pub mod memory;
pub mod record;
pub mod suite;

pub use record::{Effect, RecordBuffer};

use kvark_base::{Position, Result};

/// What a log may tell of itself, for `INFO` and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The position of the last record appended.
    pub last: Position,
    /// Everything up to here is with the operating system (a killed process loses nothing of it).
    pub sealed: Position,
    /// Everything up to here survives a loss of power.
    pub synced: Position,
    /// The oldest position that can still be replayed.
    pub first: Position,
    /// Bytes kept in live segments, from `first` on.
    pub live_bytes: u64,
    /// Bytes of records and frames appended since the log was opened.
    pub appended_bytes: u64,
    /// Batches written since the log was opened.
    pub batches: u64,
    /// Syncs done since the log was opened.
    pub syncs: u64,
}

/// Whether a write may come in; asked before any shard is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// There is room.
    Ready,
    /// Room is being prepared: park the client and ask again when [`Log::maintain`] has run.
    Wait,
}

/// What recovery found behind the last good batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Where, in words a person can act on: file and offset.
    pub place: String,
    /// How many bytes were cut.
    pub len_bytes: u64,
}

/// What [`Log::replay`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many records were handed over.
    pub records: u64,
    /// The last position handed over, or the position asked for when there was none.
    pub last: Position,
    /// The tail that was cut, if a write was torn.
    pub torn: Option<TornTail>,
}

/// A sequence of records with positions.
///
/// Every method may be called from any thread. Nothing here waits for a disk except [`Log::sync`], [`Log::maintain`],
/// [`Log::cut`], [`Log::replay`] and [`Log::close`], which their owner calls from a background thread.
///
/// Errors: after a failed sync or an append whose fate is unknown every call that would accept records returns
/// [`Kind::Poisoned`](kvark_base::Kind::Poisoned). [`Kind::NoSpace`](kvark_base::Kind::NoSpace) and
/// [`Kind::Io`](kvark_base::Kind::Io) from `append` and `bracket` mean: nothing was written, try again later.
pub trait Log: Send + Sync {
    /// Appends one record, the concatenation of `parts`, to the open batch and returns its position. The record is not
    /// promised to anybody before [`Log::seal`].
    fn append(&self, parts: &[&[u8]]) -> Result<Position>;

    /// Begins a bracket with room for `records` records of `len_bytes` in all: appends through it can't fail for want of
    /// space, and all of them land in one batch. The log belongs to the bracket until it is dropped, so hold it briefly.
    fn bracket(&self, records: usize, len_bytes: usize) -> Result<Box<dyn Bracket + '_>>;

    /// Closes the open batch, so that everything up to `upto` is at level `os`: a killed process loses none of it.
    /// Cheap when it already is.
    fn seal(&self, upto: Position) -> Result<()>;

    /// The last position that is sealed.
    fn sealed(&self) -> Position;

    /// The position of the last record appended.
    fn last(&self) -> Position;

    /// The last position that survives a loss of power.
    fn synced(&self) -> Position;

    /// Seals and syncs what has been appended so far; returns the position that is now synced. Many writers are served by one call.
    fn sync(&self) -> Result<Position>;

    /// Whether `len_bytes` more may come in now. An error when room could not be made (disk full): refuse the client.
    fn admit(&self, len_bytes: usize) -> Result<Admission>;

    /// Prepares room ahead of the writers (and tries again after a failure); returns true when it did something. The owner calls
    /// it from a background thread, often enough: whenever `admit` said "wait", and every few milliseconds under load.
    fn maintain(&self) -> Result<bool>;

    /// Gives up every record below `below`: nobody will replay from there again.
    fn cut(&self, below: Position) -> Result<()>;

    /// Hands over every record after `after`, in order, with its position. Called once, before the first append.
    /// A torn tail is cut and reported; a gap, a broken chain or damage before the tail is an error of kind
    /// [`Kind::Corrupt`](kvark_base::Kind::Corrupt) that names file, offset and what to do.
    fn replay(&self, after: Position, each: &mut dyn FnMut(Position, &[u8]) -> Result<()>) -> Result<Replayed>;

    /// Seals, syncs and lets go of everything. Later calls return [`Kind::Closed`](kvark_base::Kind::Closed).
    fn close(&self) -> Result<()>;

    /// What `INFO` may say of it.
    fn facts(&self) -> Facts;
}

/// Several records that are one: all of them are there after a crash, or none.
pub trait Bracket {
    /// Sees to it that there is room for at least `records` more records of `len_bytes` in all; what is left of the room
    /// that was asked for before counts.
    ///
    /// Errors: there is none, now. The bracket and what it holds are as they were, so that whoever needs less may go on.
    fn reserve(&mut self, records: usize, len_bytes: usize) -> Result<()>;

    /// Appends one record within the room that was asked for; returns its position.
    /// Panics when the room is exceeded: the caller's bound was wrong, which is a bug.
    fn append(&mut self, parts: &[&[u8]]) -> Position;
}
