//! The contract of a wire format: bytes in, requests out. No sockets, no commands, no waiting.

use kvark_base::limits;

use crate::{Pipeline, ReplySink};

/// How far a parse came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Bytes from the start of the buffer that belong to whole requests: drop them once those were executed.
    pub consumed: usize,
    /// A hint: the buffer must grow to this many bytes before the request being read can be whole (0: unknown).
    pub wants: usize,
}

/// What a client may send. Its server sets these; they hold from the next request on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument in bytes.
    pub max_bulk_len: usize,
    /// The most arguments of one request.
    pub max_args: usize,
    /// Whether the client has shown the password. One that has not may send small requests only.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bulk_len: limits::MAX_VALUE_LEN, max_args: limits::MAX_ARGS, authenticated: true }
    }
}

/// A wire format with the state of one connection.
pub trait Protocol: Send {
    /// Sets what the client may send.
    fn limit(&mut self, limits: Limits);

    /// Reads whole requests from `buffer` into `pipeline`, as places in `buffer`, until it holds `limit` of them or there
    /// are no more. Incremental: what is not whole yet is looked at again when more has come, without reading it from the
    /// start. The bytes of a whole request may be decoded where they stand; no other byte is changed.
    ///
    /// Errors: the sentence to answer (`ERR Protocol error: ...`) before the connection is closed. Requests before the
    /// error are in `pipeline` and are answered first.
    fn parse(&mut self, buffer: &mut [u8], limit: usize, pipeline: &mut Pipeline) -> Result<Parsed, (Parsed, String)>;

    /// The caller dropped the `consumed` bytes of the latest parse from the front of the buffer.
    fn dropped(&mut self, consumed: usize);

    /// Calls `tell` with a sink that writes this format behind what `out` holds. (A call instead of a sink handed out,
    /// so that a turn of the event loop needs no box.)
    fn answer(&mut self, out: &mut Vec<u8>, tell: &mut dyn FnMut(&mut dyn ReplySink));
}
