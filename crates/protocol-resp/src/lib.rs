//! `protocol-resp`: the Redis wire format, version 2 and 3, between bytes and requests.
//!
//! Read in this order: [`parse`] (requests), [`inline`] (requests typed by hand), [`encode`] (replies).
//!
//! ```text
//! *3\r\n $3\r\nSET\r\n $3\r\nkey\r\n $5\r\nvalue\r\n      a request: how many arguments, each with its length
//! SET key "a value"\r\n                                  the same, inline
//! ```
//!
//! Invariant: no sockets, no commands, no clock; what a connection's bytes mean does not depend on how they were cut.
//! Invariant: memory grows with the bytes that came, never with a length that was announced.

pub mod encode;
pub mod inline;
pub mod parse;

pub use encode::Encoder;
pub use parse::Resp;
