//! Requests from bytes: incremental and bounded.
//!
//! Positions inside the request that is being read count from its first byte, so that bytes before it can be dropped at
//! any time. Error texts are Redis' own, because clients and their tests compare them.
//!
//! Invariant: a byte is looked at a bounded number of times, however small the pieces in which it comes.
//! Invariant: an error is final: the connection's bytes have no meaning behind it.

use kvark_base::{limits::MAX_INLINE_LEN, number::parse_i64};
use kvark_call::{Limits, Parsed, Pipeline, Protocol, ReplySink, Span, Version};

use crate::{Encoder, inline};

/// The most arguments, and the longest, of a client that has not shown the password.
const UNAUTHENTICATED_ARGS: usize = 10;
const UNAUTHENTICATED_BULK_LEN: usize = 16384;

/// The state of one connection: what it may send, which version it speaks, and the request that is being read.
#[derive(Debug, Default)]
pub struct Resp {
    limits: Limits,
    version: Version,
    /// Where the request being read begins in the buffer.
    start: usize,
    open: Open,
}

/// The request that is being read; all places count from its start.
#[derive(Debug, Default)]
struct Open {
    /// The first byte that was not understood yet.
    at: usize,
    /// Up to here the line at `at` was searched for its end.
    searched: usize,
    /// Arguments that have to come; 0: its header was not read.
    args_left: usize,
    /// The announced length of the argument at `at`, once its header was read.
    bulk_len: Option<usize>,
    /// Arguments read before the buffer ended.
    args: Vec<Span>,
}

/// What a step found.
enum Step {
    /// A whole request, or one that means nothing, ends before this place of the buffer.
    Whole(usize),
    /// The buffer ends first. It must grow to this many bytes, if that is known (else 0).
    Partial(usize),
}

impl Protocol for Resp {
    fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    fn parse(&mut self, buffer: &mut [u8], limit: usize, pipeline: &mut Pipeline) -> Result<Parsed, (Parsed, String)> {
        let mut wants = 0;
        if u32::try_from(buffer.len()).is_err() {
            return Err(self.refused("too big query buffer".into(), pipeline));
        }
        while pipeline.len() < limit && self.start < buffer.len() {
            let step = match buffer[self.start] {
                b'*' => self.multibulk(buffer, pipeline),
                _ => self.inline(buffer, pipeline),
            };
            match step {
                Ok(Step::Whole(next)) => self.start = next,
                Ok(Step::Partial(len)) => {
                    wants = len;
                    break;
                }
                Err(text) => return Err(self.refused(text, pipeline)),
            }
        }
        Ok(Parsed { consumed: self.start, wants })
    }

    fn dropped(&mut self, consumed: usize) {
        self.start -= consumed;
    }

    fn answer(&mut self, out: &mut Vec<u8>, tell: &mut dyn FnMut(&mut dyn ReplySink)) {
        tell(&mut Encoder::new(out, &mut self.version));
    }
}

impl Resp {
    #[cold]
    fn refused(&mut self, text: String, pipeline: &mut Pipeline) -> (Parsed, String) {
        pipeline.abandon_request();
        (Parsed { consumed: self.start, wants: 0 }, format!("ERR Protocol error: {text}"))
    }

    /// Reads on in the request that begins at `self.start` with a `*`.
    #[inline]
    fn multibulk(&mut self, buffer: &[u8], pipeline: &mut Pipeline) -> Result<Step, String> {
        let mut at = self.start + self.open.at;
        let mut left = self.open.args_left;
        if left == 0 {
            (left, at) = match number(buffer, at, self.limits.max_args) {
                Some((count, next)) if count > 0 && (self.limits.authenticated || count <= UNAUTHENTICATED_ARGS) => {
                    (count, next)
                }
                _ => match self.odd_count(buffer)? {
                    Count::Args(count, next) => (count, next),
                    Count::Nothing(step) => return Ok(step),
                },
            };
            self.open.args_left = left;
            self.open.at = at - self.start;
        }
        let resumed = !self.open.args.is_empty();
        while left > 0 {
            let Some((len, first)) = self.argument_header(buffer, at)? else {
                return Ok(self.pause(at, left, None, pipeline, resumed));
            };
            let end = first + len + 2;
            if end > buffer.len() {
                self.pause(first, left, Some(len), pipeline, resumed);
                return Ok(Step::Partial(end));
            }
            match resumed {
                false => pipeline.push_arg(first, len),
                true => self.open.args.push(span(first - self.start, len)),
            }
            at = end;
            left -= 1;
        }
        self.finish(pipeline);
        Ok(Step::Whole(at))
    }

    /// Remembers how far the request was read, and the arguments that were found, which leave `pipeline`.
    fn pause(&mut self, at: usize, left: usize, bulk: Option<usize>, pipeline: &mut Pipeline, resumed: bool) -> Step {
        if !resumed {
            let start = self.start;
            let found = pipeline.open_args().iter();
            self.open.args.extend(found.map(|arg| span(arg.start as usize - start, arg.len as usize)));
            pipeline.abandon_request();
        }
        self.open.searched = self.open.searched.max(at - self.start);
        self.open.at = at - self.start;
        self.open.args_left = left;
        self.open.bulk_len = bulk;
        Step::Partial(0)
    }

    /// Ends the request; the next one begins from nothing.
    #[inline]
    fn finish(&mut self, pipeline: &mut Pipeline) {
        if !self.open.args.is_empty() {
            self.open.args.iter().for_each(|arg| pipeline.push_arg(self.start + arg.start as usize, arg.len as usize));
            self.open.args = Vec::new();
        }
        pipeline.end_request();
        self.open.at = 0;
        self.open.searched = 0;
        self.open.args_left = 0;
    }

    /// The length of the next argument and where its bytes begin; `None` while its header is not whole.
    #[inline]
    fn argument_header(&mut self, buffer: &[u8], at: usize) -> Result<Option<(usize, usize)>, String> {
        if let Some(len) = self.open.bulk_len.take() {
            return Ok(Some((len, at)));
        }
        if buffer.get(at) == Some(&b'$')
            && let Some((len, next)) = number(buffer, at, self.limits.max_bulk_len)
            && (self.limits.authenticated || len <= UNAUTHENTICATED_BULK_LEN)
        {
            return Ok(Some((len, next)));
        }
        self.odd_length(buffer, at)
    }

    /// The header of a request that is not in the common form: partial, wrong, zero or negative.
    #[cold]
    fn odd_count(&mut self, buffer: &[u8]) -> Result<Count, String> {
        let at = self.start;
        let Some((line, next)) = self.line(buffer, at, "too big mbulk count string")? else {
            return Ok(Count::Nothing(Step::Partial(0)));
        };
        match parse_i64(line) {
            Some(count) if count > self.limits.max_args as i64 => Err("invalid multibulk length".into()),
            Some(count) if count > UNAUTHENTICATED_ARGS as i64 && !self.limits.authenticated => {
                Err("unauthenticated multibulk length".into())
            }
            Some(count) if count > 0 => Ok(Count::Args(count as usize, next)),
            Some(_) => {
                self.open = Open::default();
                Ok(Count::Nothing(Step::Whole(next)))
            }
            None => Err("invalid multibulk length".into()),
        }
    }

    /// The header of an argument that is not in the common form: partial or wrong.
    #[cold]
    fn odd_length(&mut self, buffer: &[u8], at: usize) -> Result<Option<(usize, usize)>, String> {
        let Some((line, next)) = self.line(buffer, at, "too big bulk count string")? else {
            return Ok(None);
        };
        if buffer[at] != b'$' {
            return Err(format!("expected '$', got '{}'", buffer[at] as char));
        }
        let len = parse_i64(line).and_then(|len| usize::try_from(len).ok());
        match len.filter(|&len| len <= self.limits.max_bulk_len) {
            Some(len) if len > UNAUTHENTICATED_BULK_LEN && !self.limits.authenticated => {
                Err("unauthenticated bulk length".into())
            }
            Some(len) => Ok(Some((len, next))),
            None => Err("invalid bulk length".into()),
        }
    }

    /// The line at `at` without its first byte and its end, and where the next begins; `None` while it is not whole.
    fn line<'a>(&mut self, buffer: &'a [u8], at: usize, too_big: &str) -> Result<Option<(&'a [u8], usize)>, String> {
        let Some(end) = self.search(buffer, at, b'\r', too_big)? else { return Ok(None) };
        // Redis takes any byte for the line feed; the same streams have to mean the same here.
        if end + 2 > buffer.len() {
            return Ok(None);
        }
        Ok(Some((&buffer[(at + 1).min(end)..end], end + 2)))
    }

    /// Where `byte` stands first at or behind `at`, going on where the search for it stopped the last time.
    fn search(&mut self, buffer: &[u8], at: usize, byte: u8, too_big: &str) -> Result<Option<usize>, String> {
        let most = buffer.len().min(at + MAX_INLINE_LEN + 1);
        let from = (self.start + self.open.searched).clamp(at, most);
        if let Some(found) = buffer[from..most].iter().position(|&b| b == byte) {
            self.open.searched = from + found - self.start;
            return Ok(Some(from + found));
        }
        if most - at > MAX_INLINE_LEN {
            return Err(too_big.into());
        }
        self.open.searched = most - self.start;
        Ok(None)
    }

    /// Reads the line at `self.start` as a request in words.
    #[cold]
    fn inline(&mut self, buffer: &mut [u8], pipeline: &mut Pipeline) -> Result<Step, String> {
        let start = self.start;
        let Some(end) = self.search(buffer, start, b'\n', "too big inline request")? else {
            return Ok(Step::Partial(0));
        };
        inline::split(&mut buffer[start..end], |first, len| pipeline.push_arg(start + first, len))
            .map_err(|inline::Unbalanced| "unbalanced quotes in request")?;
        self.finish(pipeline);
        Ok(Step::Whole(end + 1))
    }
}

/// What the header of a request says.
enum Count {
    /// So many arguments follow, from this place on.
    Args(usize, usize),
    /// There is nothing to read arguments for.
    Nothing(Step),
}

#[inline]
fn span(start: usize, len: usize) -> Span {
    Span { start: start as u32, len: len as u32 }
}

/// The number of the line `?<digits>\r\n` at `at` and where the next line begins; `None` for whatever is not whole, not
/// in its shortest form or above `most`.
#[inline(always)]
fn number(buffer: &[u8], at: usize, most: usize) -> Option<(usize, usize)> {
    let line = buffer.get(at + 1..)?;
    let mut value = usize::from(line.first()?.wrapping_sub(b'0'));
    let mut len = 1;
    if value > 9 {
        return None;
    }
    // No number that matters has more than ten digits.
    while len < 11 {
        let digit = line.get(len)?.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if value == 0 {
            return None;
        }
        value = value * 10 + usize::from(digit);
        len += 1;
    }
    let ended = *line.get(len)? == b'\r' && *line.get(len + 1)? == b'\n';
    (ended && value <= most).then_some((value, at + len + 3))
}
