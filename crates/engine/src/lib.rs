//! placeholder: the shape that the server builds on (bodies come).
use std::sync::Arc;
use kvark_base::{Position, Result};
use kvark_call::{fault::Parked, Pipeline, ReplySink, Session, World};

/// What an answered write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability { /// Nothing.
    Memory, /// A killed process.
    Os, /// A loss of power.
    Disk }

/// How a turn ended.
#[derive(Debug)]
pub enum TurnEnd {
    /// Every request was executed.
    Drained,
    /// Close the connection once the answers are out.
    Close,
    /// The last executed request waits; the rest of the pipeline comes after it is resumed.
    Parked(Parked),
    /// The next request may not run yet (a pause, or the log has no room): call again after `retry_ms` or when woken.
    Held { /// Try again then.
        retry_ms: u64 },
}

/// What a turn did.
#[derive(Debug)]
pub struct Turn {
    /// How many requests of the pipeline, from the first asked for, are done with.
    pub executed: usize,
    /// The answers depend on the log up to here: seal it before they leave, and at level `disk` keep them until it is synced.
    pub position: Position,
    /// How it ended.
    pub end: TurnEnd,
}

/// Memory that a turn needs and keeps for the next; one a thread.
#[derive(Debug, Default)]
pub struct Scratch(());

/// The engine.
pub struct Engine { world: Arc<World> }

impl Engine {
    /// The world its sessions live in.
    pub fn world(&self) -> &Arc<World> { &self.world }
    /// Its level.
    pub fn durability(&self) -> Durability { todo!() }
    /// Executes the requests of `pipeline` from `first` on.
    pub fn turn(&self, _s: &mut Session, _p: &Pipeline, _buffer: &[u8], _first: usize, _out: &mut dyn ReplySink, _scratch: &mut Scratch) -> Turn { todo!() }
    /// Level `os` for everything up to `upto`.
    pub fn seal(&self, _upto: Position) -> Result<()> { todo!() }
    /// The last position that survives a loss of power.
    pub fn synced(&self) -> Position { todo!() }
    /// Asks the background to sync soon; many asks are one sync.
    pub fn want_sync(&self, _upto: Position) { todo!() }
    /// `tell` is called from the background whenever `synced` has grown, or the log has failed.
    pub fn on_synced(&self, _tell: Box<dyn Fn() + Send + Sync>) { todo!() }
    /// Stops the background, syncs and closes everything.
    pub fn close(&self) -> Result<()> { todo!() }
}
