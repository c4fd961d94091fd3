//! `engine`: the composition root. It opens, recovers, executes and runs the background.
//!
//! Read in this order: [`options`] (what a store is opened with), [`open`] (which log, which tier, and back to where the
//! last process stood), [`turn`] (a pipeline's way through), [`look_ahead`] (what is asked for before), [`meter`] and [`tally`] (how long commands
//! take), [`queueing`] (between MULTI and EXEC), [`waiting`] (commands that wait for keys), [`long`] (requests that take long), [`door`] (the same for a caller in the process),
//! [`optimistic`] (its transactions), [`checkpoint`] and [`background`] (what goes on meanwhile), [`notices`] (what is published of keys), [`upkeep`],
//! [`facts`] and [`process`] (what commands may ask of all this), [`config_file`] (what CONFIG REWRITE does to a file).
//!
//! Invariant: only `open.rs` knows which log and which tier there are.
//! Invariant: an answer leaves only after the log is sealed (`os`) or synced (`disk`) up to what the answer depends on;
//! reads depend on what they saw.

mod background;
mod checkpoint;
mod config_file;
mod door;
mod engine;
mod facts;
mod long;
mod look_ahead;
mod manifest;
mod meter;
mod notices;
mod open;
mod optimistic;
mod options;
mod process;
mod queueing;
mod tally;
mod turn;
mod upkeep;
mod waiting;

pub use checkpoint::CheckpointFacts;
pub use engine::{Engine, Parts};
pub use kvark_commands::examples;
pub use kvark_commands::strings::conditions::Condition;
pub use kvark_commands::strings::{Expiry, SetOptions, SetOutcome};
pub use kvark_keyspace::order::{Bounds, Walk, prefix_end};
pub use kvark_keyspace::{EntryRef, Keyspace};
pub use kvark_values::{IntBuffer, StringRef, ValueRef};
pub use optimistic::{Change, Read, Seen};
pub use options::{Durability, OpenOptions};
pub use turn::{Scratch, Turn, TurnEnd};
