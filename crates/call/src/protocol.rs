//! The contract of a wire format: bytes in, requests out. No sockets, no commands, no waiting.

use crate::{Pipeline, ReplySink};

/// How far a parse came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Bytes from the start of the buffer that belong to whole requests: drop them once those were executed.
    pub consumed: usize,
    /// A hint: the buffer must grow to this many bytes before the request being read can be whole (0: unknown).
    pub wants: usize,
}

/// A wire format with the state of one connection.
pub trait Protocol: Send {
    /// Reads as many whole requests as `buffer` holds (at most `limit`) into `pipeline`, as places in `buffer`.
    /// Incremental: what is not whole yet is looked at again when more has come, without reading it from the start.
    ///
    /// Errors: the sentence to answer (`ERR Protocol error: ...`) before the connection is closed. Requests before the
    /// error are in `pipeline` and are answered first.
    fn parse(&mut self, buffer: &[u8], limit: usize, pipeline: &mut Pipeline) -> Result<Parsed, (Parsed, String)>;

    /// The caller dropped `consumed` bytes from the front of the buffer.
    fn dropped(&mut self, consumed: usize);

    /// The sink that writes this format behind what `out` holds.
    fn sink<'a>(&'a mut self, out: &'a mut Vec<u8>) -> Box<dyn ReplySink + 'a>;
}
