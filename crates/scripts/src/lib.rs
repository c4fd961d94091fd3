//! `scripts`: Lua 5.1 as Redis has it: the interpreter, its sandbox and libraries, and what becomes of replies and answers.
//!
//! Read in this order: [`caller`] (what a script may ask of its surroundings), `vm` (an interpreter: load, run), `sandbox`
//! (what a script can reach), `api` (the table `redis`), `replies` (a command's reply becomes Lua) and `answers` (Lua becomes
//! a reply), `errors`; then the libraries: `cjson`, `cmsgpack`, `bits`, `structs`. [`cache`] keeps the scripts by their SHA1,
//! and interpreters for whoever runs one; [`libraries`] does so with functions, and `registering` loads them. [`Program`] is either.
//!
//! Invariant: nothing here knows a key, a shard or a command; a script reaches them by its [`Caller`].
//! Invariant: Lua leaves a C function by `longjmp`, which runs no destructor. Nothing that owns memory is alive in a frame
//! when Lua may raise an error: buffers belong to the interpreter, not to the frame.
//! Invariant: Lua is entered by a protected call, so that no error finds nobody to catch it.

// A function that is given a `lua_State` is unsafe from end to end: it is C in the syntax of Rust. Who calls it promises that the
// state is one of a `Vm` and that nobody else uses it.
#![allow(unsafe_op_in_unsafe_fn)]

mod answers;
mod api;
mod bits;
mod cache;
pub mod caller;
mod cjson;
mod cmsgpack;
mod drand;
mod errors;
pub mod header;
pub mod libraries;
mod overdue;
mod program;
mod raw;
mod registering;
mod replies;
mod sandbox;
pub mod sha;
mod structs;
mod vm;

pub use cache::{Script, Scripts};
pub use caller::{Caller, Stop};
pub use header::Rights;
pub use libraries::{Found, Libraries, Library, Shelf};
pub use overdue::{Beginning, Kill, Overdue, StandIn};
pub use program::Program;
pub use sha::Sha;
pub use vm::{End, Vm};
