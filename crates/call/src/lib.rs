//! `call`: one request, one reply, and what a command may ask of the world around it.
//!
//! Read in this order: [`request`] (what came in), [`reply`] (what goes out), [`fault`] (what a client is told when it
//! can't be done), [`protocol`] (bytes to requests, as a contract), [`session`] (who is asking), [`setting`] (what was
//! configured), [`slowlog`] and [`latency`] (what took long), [`world`] (all of it together). Then what goes from one client to another:
//! [`recording`] (a reply, kept), [`delivery`] (how it gets there), [`channels`] (who listens to what), [`tracking`] (who has read what), [`monitors`] (who is told every
//! command), [`ticket`] (how a wait ends).
//!
//! Invariant: nothing here knows a socket, a key's meaning or a wire format.
//! Invariant: a command answers into a [`ReplySink`]; it can be called without any connection.

pub mod channels;
pub mod delivery;
pub mod facts;
pub mod fault;
pub mod latency;
pub mod monitors;
pub mod protocol;
pub mod queue;
pub mod rate;
pub mod recording;
pub mod reply;
pub mod request;
pub mod session;
pub mod setting;
pub mod slowlog;
pub mod ticket;
pub mod tracking;
pub mod world;

pub use channels::{Channels, Topic};
pub use delivery::{Delivery, Outbox};
pub use facts::{FactSheet, Facts};
pub use fault::{Fault, Outcome};
pub use latency::Latency;
pub use monitors::Monitors;
pub use protocol::{Limits, Parsed, Protocol};
pub use rate::Rate;
pub use recording::Recording;
pub use reply::{ReplySink, Version};
pub use request::{Pipeline, Request, Span};
pub use session::{Peer, Session, Sessions};
pub use setting::Settings;
pub use slowlog::SlowLog;
pub use ticket::Ticket;
pub use tracking::{Invalidation, Tracking};
pub use world::{ConfigFile, ConfigFormat, World};
