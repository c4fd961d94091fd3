//! What a command without a shard holds, and whom it may ask.

use kvark_base::histogram::Histogram;
use kvark_base::random::Random;
use kvark_base::{Millis, Position, Result};
use kvark_call::{FactSheet, Fault, Peer, Request, Session, World};
use kvark_keyspace::Reach;
use kvark_scripts::Scripts;

use crate::row::Row;

/// What a command without a shard holds.
pub struct Context<'a, 'k> {
    /// Time, settings, who is connected.
    pub world: &'a World,
    /// The scripts that the store knows.
    pub scripts: &'a Scripts,
    /// Who is asking.
    pub session: &'a mut Session,
    /// All keys, by whatever way leads to them now.
    pub keys: Reach<'a, 'k>,
    /// Who looks after the store.
    pub upkeep: &'a dyn Upkeep,
    /// The moment of this command.
    pub now_ms: Millis,
    /// Randomness.
    pub random: &'a mut Random,
    /// What everybody had to tell when the transaction began that this command stands in.
    pub facts: Option<&'a FactSheet>,
    /// The answer depends on the log up to here: the handler raises it.
    pub position: Position,
    /// The command has written up to here (0: it wrote nothing): the handler raises it.
    pub written: Position,
}

impl Context<'_, '_> {
    /// The answer depends on everything that has happened.
    pub(crate) fn depends_on_all(&mut self) {
        self.position = self.position.max(self.keys.last_position());
    }

    /// Everything that is known, section by section.
    pub(crate) fn facts(&self) -> FactSheet {
        self.facts.cloned().unwrap_or_else(|| self.world.facts())
    }

    /// The command has changed something at `position`.
    pub(crate) fn wrote(&mut self, position: Position) {
        self.position = self.position.max(position);
        self.written = self.written.max(position);
    }
}

/// How `SHUTDOWN` was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownOptions {
    /// Take a checkpoint first (`SAVE`), or none (`NOSAVE`); `None`: as the store sees fit. The log is kept either way.
    pub save: Option<bool>,
    /// Don't wait for anybody.
    pub now: bool,
    /// Stop even if something fails on the way.
    pub force: bool,
}

/// A command that was run by another one.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Whose it was.
    pub peer: &'a Peer,
    /// Its row.
    pub row: &'static Row,
    /// The command itself.
    pub request: &'a Request<'a>,
    /// How many ticks of the clock it took.
    pub ticks: u64,
    /// Whether it failed.
    pub failed: bool,
}

/// Whoever looks after the store in the background; asked by a few commands. Nothing here waits for a file, except
/// [`Upkeep::reload`], which is a test aid.
pub trait Upkeep {
    /// Asks for a checkpoint, begun soon. Errors when this store keeps none, or can't now.
    fn begin_checkpoint(&self) -> Result<()>;
    /// Whether a checkpoint that was asked for is not finished yet.
    fn is_checkpointing(&self) -> bool;
    /// When the latest checkpoint was finished (or the store opened).
    fn last_checkpoint_ms(&self) -> Millis;
    /// Asks for a sync of the log, soon.
    fn want_sync(&self);
    /// Whether there is a log that survives this process (durability above `memory`).
    fn is_durable(&self) -> bool;
    /// Closes tier and log and recovers everything from them (`DEBUG RELOAD`).
    fn reload(&self) -> Result<()>;
    /// Whether keys are removed when their time comes (they are invisible from then on in any case).
    fn set_active_expire(&self, active: bool);
    /// Stops the server, or begins to.
    fn shutdown(&self, options: ShutdownOptions) -> Result<()>;
    /// Takes back a shutdown that has not happened yet; whether there was one.
    fn abort_shutdown(&self) -> bool;
    /// Notes a command that was run by another one, and how many ticks of the clock it took.
    fn note_call(&self, call: &Call<'_>);
    /// How often which command took how many ticks of the clock, of those that ran.
    fn times(&self) -> Vec<(&'static Row, Histogram)>;
    /// Counts a refusal that was answered within another answer.
    fn note_error(&self, fault: &Fault);
    /// Writes the mutable settings to the file they came from; `None` when there is no such file.
    fn rewrite_config(&self) -> Option<Result<()>>;
}
