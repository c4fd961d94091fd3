//! `server`: sockets and event loops around the engine's turns.
//!
//! Read in this order: [`server`] (start, stop, wait), [`listen`] (where it listens), `event_loop` (one turn of one
//! thread), `bench` (read, parse and execute for one connection), `settle` (seal, gate and send what a turn answered),
//! `waits`, `accept`, `connection`, `output`. A client without a socket is a [`pipe`].
//!
//! One turn of a loop: one wait for events; one read for every connection that has something; its requests executed;
//! one seal of the log for all of them; one write for every connection that was answered.
//!
//! Invariant: an answer leaves only when the engine keeps its promise for the log up to the answer's position.
//! Invariant: nobody waits on a loop's thread: what must wait is a deadline, a position or an event.
//! Invariant: no clock is read, no memory is asked for and no other thread is woken for a command; a turn pays for them.
//! Invariant: the wire format is named in `listen` only.

mod accept;
mod bench;
mod connection;
mod event_loop;
mod facts;
pub mod listen;
mod mailbox;
mod output;
pub mod pipe;
mod rules;
pub mod server;
mod settle;
mod slots;
mod spare;
mod standing_in;
mod stream;
mod timers;
pub mod turns;
mod waits;

pub use listen::{Listen, Port};
pub use pipe::{Pipe, Pipes};
pub use server::Server;
pub use turns::Turns;
