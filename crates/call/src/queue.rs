//! The commands that a client has queued since MULTI.
//!
//! Invariant: a queue that is not open is empty.

use crate::{Pipeline, Request};

/// Memory that an empty queue keeps for the next transaction.
const KEPT_LEN: usize = 16 * 1024;

/// See the module. The rows of the commands are numbers here; who queues them knows the table.
#[derive(Debug, Default)]
pub struct Queue {
    open: bool,
    refused: bool,
    writes: bool,
    buffer: Vec<u8>,
    requests: Pipeline,
    rows: Vec<u32>,
}

impl Queue {
    /// Whether commands are queued (MULTI was called).
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// MULTI was called.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// A command could not be queued: EXEC will do nothing.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether a command could not be queued.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether a command may change keys.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// Copies a request to the end of the queue. `row` says which command it is, `writes` whether that may change keys.
    pub fn push(&mut self, row: u32, writes: bool, request: &Request<'_>) {
        self.rows.push(row);
        self.writes |= writes;
        for arg in request.args_from(0) {
            self.requests.push_arg(self.buffer.len(), arg.len());
            self.buffer.extend_from_slice(arg);
        }
        self.requests.end_request();
    }

    /// How many commands are queued.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is queued.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of all arguments.
    pub fn len_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The commands in their order: row and request.
    pub fn commands(&self) -> impl Iterator<Item = (u32, Request<'_>)> {
        self.rows.iter().enumerate().map(|(at, &row)| (row, self.requests.request(&self.buffer, at)))
    }

    /// Forgets everything, but not all of its memory.
    pub fn close(&mut self) {
        if self.buffer.capacity() > KEPT_LEN || self.rows.capacity() > KEPT_LEN / size_of::<u32>() {
            *self = Self::default();
            return;
        }
        (self.open, self.refused, self.writes) = (false, false, false);
        self.buffer.clear();
        self.requests.clear();
        self.rows.clear();
    }
}
