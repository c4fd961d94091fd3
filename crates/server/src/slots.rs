//! The connections of one loop, by number.
//!
//! Invariant: a number is given back by whoever took its connection out and closed it, so no two clients share one.

use crate::connection::Connection;

/// Connections by number; numbers are used again.
#[derive(Default)]
pub(crate) struct Slots {
    connections: Vec<Option<Box<Connection>>>,
    vacant: Vec<usize>,
}

impl Slots {
    /// A number for a new connection, which must be [`Slots::put`] there or the number given back.
    pub fn vacant(&mut self) -> usize {
        self.vacant.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        })
    }

    pub fn get(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot)?.as_deref_mut()
    }

    /// Takes a connection out, to be put back or closed.
    pub fn take(&mut self, slot: usize) -> Option<Box<Connection>> {
        self.connections.get_mut(slot)?.take()
    }

    pub fn put(&mut self, slot: usize, conn: Box<Connection>) {
        self.connections[slot] = Some(conn);
    }

    /// Gives back the number of a connection that was taken out.
    pub fn free(&mut self, slot: usize) {
        self.vacant.push(slot);
    }

    pub fn is_empty(&self) -> bool {
        self.vacant.len() == self.connections.len()
    }

    /// The numbers that may be in use.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.connections.len()
    }
}
