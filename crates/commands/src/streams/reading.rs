//! XREAD, and the words that XREADGROUP shares with it.

use std::borrow::Cow;

use kvark_base::Millis;
use kvark_call::fault::{Parked, Wish};
use kvark_call::request::OwnedRequest;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::View;
use kvark_values::Stream;
use kvark_values::stream::{Id, IdBuffer};

use super::{answer_entries, ids};
use crate::row::{Answer, streams_at};
use crate::waiting::{self, Deadline};
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("reading.rs");

/// What XREAD or XREADGROUP was asked for, but for the ids.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// At most so many entries of each stream.
    pub count: usize,
    /// The group and the consumer.
    pub group: Option<(&'a [u8], &'a [u8])>,
    /// Whether nothing becomes pending.
    pub no_ack: bool,
    /// Whether to wait for entries where there are none, and until when.
    pub block: Option<Deadline>,
    keys_at: usize,
    keys: usize,
}

impl<'a> Words<'a> {
    /// Those of `req`.
    pub fn parse(req: &Request<'a>, command: Reader, now_ms: Millis) -> Result<Self, Fault> {
        let mut words = Self { count: usize::MAX, group: None, no_ack: false, block: None, keys_at: 0, keys: 0 };
        let keys_at = 1 + streams_at(req).unwrap_or(req.len());
        let mut at = 1;
        while at + 1 < keys_at && at < req.len() {
            at = words.take(req, at, command, now_ms)?;
        }
        let rest = req.len().checked_sub(keys_at).filter(|&rest| rest > 0).ok_or_else(Fault::syntax)?;
        if !rest.is_multiple_of(2) {
            return Err(command.unbalanced());
        }
        if command == Reader::Group && words.group.is_none() {
            return Err(Fault::new("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(Self { keys_at, keys: rest / 2, ..words })
    }

    /// Takes the word at `at`; where the next one stands.
    fn take(&mut self, req: &Request<'a>, at: usize, command: Reader, now_ms: Millis) -> Result<usize, Fault> {
        let more = req.len() - at - 1;
        if req.is(at, "COUNT") && more > 0 {
            self.count = match args::integer(req.arg(at + 1))? {
                count @ 1.. => count as usize,
                _ => usize::MAX,
            };
            return Ok(at + 2);
        } else if req.is(at, "BLOCK") && more > 0 {
            self.block = Some(waiting::deadline_ms(now_ms, req.arg(at + 1))?);
            return Ok(at + 2);
        } else if req.is(at, "GROUP") && more > 1 {
            command.must_be_group("GROUP")?;
            self.group = Some((req.arg(at + 1), req.arg(at + 2)));
            return Ok(at + 3);
        } else if req.is(at, "NOACK") {
            command.must_be_group("NOACK")?;
            self.no_ack = true;
            return Ok(at + 1);
        }
        Err(Fault::syntax())
    }

    /// Nothing is there: waits for the streams.
    pub fn wait(&self, deadline_ms: Deadline, again: Option<OwnedRequest>) -> Outcome {
        let wish = Wish { keys: self.keys, again, nothing: |out| out.null_array() };
        Outcome::Park(Parked::for_keys(wish, deadline_ms))
    }

    /// The request by which XREAD is tried again: `$` and `+` mean the last id of this moment, not of a later one.
    fn as_of_now(&self, view: &View, req: &Request<'a>) -> Result<OwnedRequest, Fault> {
        let mut args: Vec<Cow<'_, [u8]>> = req.args_from(0).map(Cow::Borrowed).collect();
        for (at, (key, id)) in (self.keys_at + self.keys..).zip(self.streams(req)) {
            if matches!(id, b"$" | b"+") {
                let last_id = typed::stream(view, key)?.map_or(Id::MIN, |stream| stream.last_id());
                args[at] = Cow::Owned(last_id.text(&mut IdBuffer::default()).to_vec());
            }
        }
        Ok(OwnedRequest::new(args))
    }

    /// Each key with the id as it was written.
    pub fn streams(&self, req: &Request<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let (req, keys_at, keys) = (*req, self.keys_at, self.keys);
        (keys_at..keys_at + keys).map(move |at| (req.arg(at), req.arg(at + keys)))
    }
}

/// Which of both commands reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// XREAD.
    Alone,
    /// XREADGROUP.
    Group,
}

impl Reader {
    fn must_be_group(self, word: &str) -> Result<(), Fault> {
        if self == Self::Group {
            return Ok(());
        }
        Err(Fault::new(format!("ERR The {word} option is only supported by XREADGROUP. You called XREAD instead.")))
    }

    fn unbalanced(self) -> Fault {
        let (name, ids) = match self {
            Self::Alone => ("xread", "ID, '+', or '$'"),
            Self::Group => ("xreadgroup", "ID or '>'"),
        };
        Fault::new(format!("ERR Unbalanced '{name}' list of streams: for each stream key an {ids} must be specified."))
    }
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
///
/// Of each stream the entries with ids above the one given, COUNT of them at most; `$` stands for the last id that it has had, `+` asks for its last entry. Streams that have
/// nothing new are left out; if none has, the answer is nil, with BLOCK not before the connection has waited for as many milliseconds (0: for ever) and none has come.
///
/// ```resp
/// > XADD {day}1 1-0 level info
/// "1-0"
/// > XADD {day}2 1-0 level warning
/// "1-0"
/// > XREAD COUNT 10 STREAMS {day}1 {day}2 0 $
/// 1) 1) "{day}1"
///    2) 1) 1) "1-0"
///          2) 1) "level"
///             2) "info"
/// > XREAD STREAMS {day}1 1-0
/// (nil)
/// > XREAD STREAMS {day}2 +
/// 1) 1) "{day}2"
/// ...
/// ```
pub fn xread(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let words = Words::parse(req, Reader::Alone, view.now_ms())?;
    let mut found = Vec::new();
    for (key, after) in words.streams(req) {
        let stream = typed::stream(view, key)?;
        let start = start_of(stream, after)?;
        if let Some((stream, start)) = stream.zip(start).filter(|(stream, start)| has_from(stream, *start)) {
            found.push((key, stream.range(start, Id::MAX).take(words.count)));
        }
    }
    if let Some(deadline_ms) = words.block.filter(|_| found.is_empty()) {
        return Ok(words.wait(deadline_ms, Some(words.as_of_now(view, req)?)));
    }
    answer_streams(found.len(), out);
    for (key, entries) in found {
        out.keyed_pair();
        out.bulk(key);
        answer_entries(entries, out);
    }
    Ok(Outcome::Done)
}

/// The head of an answer about so many streams; nil for none.
pub(super) fn answer_streams(len: usize, out: &mut dyn ReplySink) {
    if len == 0 { out.null_array() } else { out.keyed(len) }
}

/// Where to begin, if anywhere.
fn start_of(stream: Option<&Stream>, after: &[u8]) -> Result<Option<Id>, Fault> {
    Ok(match after {
        b"$" => stream.and_then(|stream| stream.last_id().next()),
        b"+" => stream.and_then(|stream| stream.last()).map(|entry| entry.id),
        b">" => {
            let message =
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";
            return Err(Fault::new(message));
        }
        id => ids::id(id)?.next(),
    })
}

pub(super) fn has_from(stream: &Stream, start: Id) -> bool {
    stream.last().is_some_and(|last| last.id >= start)
}
