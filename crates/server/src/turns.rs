//! What an event loop asks of the engine. The engine is its one implementation outside of tests, which put a toy in its
//! place to fail when they want it to.

use std::sync::Arc;

use kvark_base::{Error, Position, Result};
use kvark_call::{Pipeline, ReplySink, Session, World};
use kvark_engine::{Durability, Engine, Scratch, Turn};

/// Executes pipelines and says how far its log has come.
pub trait Turns: Send + Sync + 'static {
    /// Memory that a turn needs and keeps for the next; one a thread.
    type Scratch: Default;

    /// The world its sessions live in.
    fn world(&self) -> &Arc<World>;
    /// What an answered write survives.
    fn durability(&self) -> Durability;
    /// Executes the requests of `pipeline`, whose bytes are in `buffer`, from number `first` on.
    fn turn(
        self: &Arc<Self>,
        session: &mut Session,
        pipeline: &Pipeline,
        buffer: &[u8],
        first: usize,
        out: &mut dyn ReplySink,
        scratch: &mut Self::Scratch,
    ) -> Turn;
    /// Gives the log up to `upto` to the operating system; an error is for ever.
    fn seal(&self, upto: Position) -> Result<()>;
    /// Why the log takes nothing more and syncs nothing more, if it has failed for ever.
    fn failure(&self) -> Option<Error>;
    /// The last position that survives a loss of power.
    fn synced(&self) -> Position;
    /// Asks the background to sync soon; many asks are one sync.
    fn want_sync(&self, upto: Position);
    /// Calls `tell` whenever `synced` has grown, or the log has failed.
    fn on_synced(&self, tell: Box<dyn Fn() + Send + Sync>);
}

impl Turns for Engine {
    type Scratch = Scratch;

    fn world(&self) -> &Arc<World> {
        self.world()
    }

    fn durability(&self) -> Durability {
        self.durability()
    }

    #[inline]
    fn turn(
        self: &Arc<Self>,
        session: &mut Session,
        pipeline: &Pipeline,
        buffer: &[u8],
        first: usize,
        out: &mut dyn ReplySink,
        scratch: &mut Scratch,
    ) -> Turn {
        Engine::turn(self, session, pipeline, buffer, first, out, scratch)
    }

    fn seal(&self, upto: Position) -> Result<()> {
        self.seal(upto)
    }

    fn failure(&self) -> Option<Error> {
        self.failure()
    }

    fn synced(&self) -> Position {
        self.synced()
    }

    fn want_sync(&self, upto: Position) {
        self.want_sync(upto);
    }

    fn on_synced(&self, tell: Box<dyn Fn() + Send + Sync>) {
        self.on_synced(tell);
    }
}
