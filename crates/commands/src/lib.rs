//! `commands`: what each word means.
//!
//! Read in this order: [`row`] (what is known of a command), [`table`] (all of them), [`dispatch`] (from a request to its
//! row), then the families: [`strings`], ...
//!
//! Invariant: a command is one function in its family's file and one row of the table.

pub mod context;
pub mod dispatch;
pub mod row;
pub mod strings;
pub mod table;

pub use context::{Context, ShutdownOptions, Upkeep};
pub use dispatch::{find, index, resolve};
pub use row::{Flags, Group, Handler, KeyArgs, Keys, Row};
pub use table::ROWS;
