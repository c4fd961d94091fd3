//! `commands`: what each word means.
//!
//! Read in this order: [`row`] (what is known of a command), [`table`] (all of them), [`dispatch`] (from a request to its
//! row), [`context`] (what a command without a shard may ask), then the families: [`strings`], [`counters`], [`bitmaps`],
//! [`hyperloglog`]; [`lists`], [`hashes`], [`sets`], [`zsets`], [`geo`], [`streams`]; [`keys`], [`moving`], [`expiry`], [`sort`], [`scan`], [`databases`], [`transactions`], [`scripting`]; [`connection`], [`client`] and [`pubsub`];
//! [`command`], [`config`], [`server`], [`object`], [`durability`], [`debug`], [`slowlog`], [`latency`], [`monitor`]. [`sampling`] and [`member_scan`] serve all words
//! that choose among members. [`docs`], [`mod@examples`] and [`syntax`] read the doc comments.
//!
//! Invariant: a command is one function in its family's file and one row of the table. Its doc comment is its manual page,
//! its COMMAND DOCS and a test, all from one text.
//! Invariant: bad arguments are refused before anything happens. A command with several effects asks for room for all of
//! them first.
//! Invariant: nothing here knows a socket, a file or a clock.

pub mod args;
pub mod bitmaps;
pub mod client;
pub mod command;
pub mod config;
pub mod connection;
pub mod context;
pub mod counters;
pub mod databases;
pub mod debug;
pub mod decimal;
pub mod dispatch;
pub mod docs;
pub mod doubles;
pub mod dump;
pub mod durability;
mod events;
pub mod examples;
pub mod expiry;
pub mod geo;
pub mod hashes;
pub mod help;
pub mod hyperloglog;
pub mod keys;
pub mod latency;
pub mod lists;
pub mod long;
pub mod member_expiry;
pub mod member_scan;
pub mod monitor;
pub mod moving;
pub mod object;
pub mod pubsub;
pub mod row;
pub mod sampling;
pub mod scan;
pub mod scripting;
pub mod secrets;
pub mod server;
pub mod sets;
pub mod slowlog;
pub mod sort;
pub mod streams;
pub mod strings;
pub mod syntax;
pub mod table;
pub mod texts;
pub mod transactions;
pub mod typed;
pub mod waiting;
pub mod zsets;

pub use connection::COMPATIBLE_VERSION;
pub use context::{Call, Context, ShutdownOptions, Upkeep};
pub use dispatch::{check_key, find, find_sub, index, resolve};
pub use examples::{Example, examples};
pub use row::{Answer, Flags, Group, Handler, KeyArgs, Keys, Row};
pub use table::ROWS;
