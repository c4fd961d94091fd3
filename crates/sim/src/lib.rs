//! `sim`: test only. A whole store in a seeded world: files that tear, lose and refuse, a clock moved by hand, no threads.
//!
//! Read in this order: [`model`] (what a store should do), [`sink`] (answers as text), [`watched`] (an end in the
//! middle of a checkpoint), [`world`] (a store, its model, and what may befall them), [`words`] and [`twin`] (the same for
//! collections, beside a store that nothing befalls). The runs are in `tests/`.
//!
//! Invariant: the same seed gives the same run, to the last byte.

pub mod model;
pub mod sink;
pub mod twin;
pub mod watched;
pub mod words;
pub mod world;
