//! A connection's buffer as a server keeps it, fed in pieces.

use kvark_call::{Limits, Pipeline, Protocol};
use kvark_protocol_resp::Resp;

/// The requests that came, each as its arguments, and the error that ended them.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct Seen {
    pub requests: Vec<Vec<Vec<u8>>>,
    pub error: Option<String>,
}

/// A parser with its buffer.
#[derive(Default)]
pub struct Feed {
    pub resp: Resp,
    pub buffer: Vec<u8>,
    pub seen: Seen,
    pub wants: usize,
}

impl Feed {
    #[allow(dead_code)]
    pub fn with_limits(limits: Limits) -> Self {
        let mut this = Self::default();
        this.resp.limit(limits);
        this
    }

    /// Adds bytes and takes what is whole, `limit` requests at a time; checks the contract on the way.
    pub fn push(&mut self, bytes: &[u8], limit: usize) {
        self.buffer.extend_from_slice(bytes);
        let mut pipeline = Pipeline::default();
        while self.seen.error.is_none() {
            pipeline.clear();
            let result = self.resp.parse(&mut self.buffer, limit, &mut pipeline);
            assert!(pipeline.len() <= limit && pipeline.open_args().is_empty());
            for index in 0..pipeline.len() {
                let request = pipeline.request(&self.buffer, index);
                self.seen.requests.push(request.args_from(0).map(<[u8]>::to_vec).collect());
            }
            let parsed = match result {
                Ok(parsed) => parsed,
                Err((parsed, text)) => {
                    self.seen.error = Some(text);
                    parsed
                }
            };
            assert!(parsed.consumed <= self.buffer.len(), "consumed more than there was");
            assert!(parsed.consumed > 0 || pipeline.is_empty(), "a whole request without bytes");
            self.buffer.drain(..parsed.consumed);
            self.resp.dropped(parsed.consumed);
            self.wants = parsed.wants.saturating_sub(parsed.consumed);
            if pipeline.len() < limit {
                break;
            }
        }
    }
}

/// What `bytes` mean in one piece.
#[allow(dead_code)]
pub fn whole(bytes: &[u8]) -> Seen {
    let mut feed = Feed::default();
    feed.push(bytes, usize::MAX);
    feed.seen
}

/// A request in the common form.
#[allow(dead_code)]
pub fn multibulk(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}
