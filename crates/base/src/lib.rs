//! `base`: the words every other room speaks. Nothing here knows a key from a socket.
//!
//! Read in this order: [`error`], [`limits`], [`clock`], [`histogram`], [`slot`], [`varint`], [`checksum`], [`random`], [`number`], [`double`],
//! [`glob`], [`background`].
//!
//! Invariant: this room imports no other room of ours.
//! Invariant: the wall clock is read in [`clock`] and nowhere else (kept by `clippy.toml`).
//! Invariant: randomness comes from [`random::Random`], seeded by its owner.

pub mod background;
pub mod checksum;
pub mod clock;
pub mod double;
pub mod error;
pub mod glob;
pub mod histogram;
pub mod limits;
pub mod meanwhile;
pub mod number;
pub mod random;
pub mod slot;
mod ticks;
pub mod varint;

pub use clock::{Clock, Millis};
pub use error::{Error, Kind, Result};

/// A place in the log: the number of a record, counted from 1, never reused. Zero is "before everything".
pub type Position = u64;
