//! XGROUP: groups and their consumers come and go.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::Stream;
use kvark_values::stream::{Group, GroupOp, Id};

use super::{change, group_of, ids, misused, put_group_op};
use crate::context::Context;
use crate::dispatch::one_line;
use crate::row::Answer;
use crate::{args, help, typed};

pub(crate) const SOURCE: &str = include_str!("groups.rs");

/// `XGROUP subcommand [argument ...]`
///
/// Groups of consumers that share the entries of a stream. XGROUP HELP lists the sub-commands.
///
/// ```resp
/// > XGROUP
/// (error) ERR wrong number of arguments for 'xgroup' command
/// ```
pub fn xgroup(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    xgroup_help(ctx, req, out)
}

/// `XGROUP HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > XGROUP HELP
/// ...XGROUP <subcommand> ...
/// ```
pub fn xgroup_help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("XGROUP", out)
}

/// `XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]`
///
/// Makes a group that gets the entries of a stream above an id; `$` is the last id that the stream has had. MKSTREAM makes a missing key. ENTRIESREAD says how many entries
/// there were up to the id, for the lag that XINFO GROUPS tells.
///
/// ```resp
/// > XGROUP CREATE jobs workers $ MKSTREAM
/// OK
/// > XGROUP CREATE jobs workers 0
/// (error) BUSYGROUP Consumer Group name already exists
/// ```
pub fn create(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name, options) = (req.arg(2), req.arg(3), Options::parse(req)?);
    let stream = typed::stream(w, key)?;
    if stream.is_none() && !options.may_make {
        return Err(no_key());
    }
    let last_id = match req.arg(4) {
        b"$" => last_id_of(stream),
        id => ids::id(id)?,
    };
    if group_of(stream, name).is_some() {
        return Err(Fault::new("BUSYGROUP Consumer Group name already exists"));
    }
    let entries_read = options.entries_read_of(stream);
    change_group(w, key, name, GroupOp::Create { last_id, entries_read })?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]`
///
/// Sets the id above which a group gets entries.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers $
/// OK
/// > XGROUP SETID jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// ```
pub fn setid(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name, options) = (req.arg(2), req.arg(3), Options::parse(req)?);
    let (stream, _) = existing(w, key, name)?;
    let last_id = match req.arg(4) {
        b"$" => stream.last_id(),
        id => ids::id_or_edge(id, 0)?,
    };
    let entries_read = options.entries_read_of(Some(stream));
    change_group(w, key, name, GroupOp::SetRead { last_id, entries_read })?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `XGROUP DESTROY key group`
///
/// Removes a group with its consumers and all that is pending; 1 if there was one, 0 if not.
///
/// ```resp
/// > XGROUP CREATE jobs workers $ MKSTREAM
/// OK
/// > XGROUP DESTROY jobs workers
/// (integer) 1
/// > XGROUP DESTROY jobs workers
/// (integer) 0
/// ```
pub fn destroy(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name) = (req.arg(2), req.arg(3));
    let is_there = typed::stream(w, key)?.ok_or_else(no_key)?.group(name).is_some();
    if is_there {
        change_group(w, key, name, GroupOp::Destroy)?;
    }
    out.integer(is_there.into());
    Ok(Outcome::Done)
}

/// `XGROUP CREATECONSUMER key group consumer`
///
/// Makes a consumer; 1 if it is new, 0 if it was there. XREADGROUP makes consumers, too.
///
/// ```resp
/// > XGROUP CREATE jobs workers $ MKSTREAM
/// OK
/// > XGROUP CREATECONSUMER jobs workers ann
/// (integer) 1
/// > XGROUP CREATECONSUMER jobs workers ann
/// (integer) 0
/// ```
pub fn createconsumer(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name, consumer) = (req.arg(2), req.arg(3), req.arg(4));
    let is_new = existing(w, key, name)?.1.consumer(consumer).is_none();
    if is_new {
        let seen_at = w.now_ms();
        change_group(w, key, name, GroupOp::SetConsumer { consumer, seen_at, active_at: 0 })?;
    }
    out.integer(is_new.into());
    Ok(Outcome::Done)
}

/// `XGROUP DELCONSUMER key group consumer`
///
/// Removes a consumer and what is pending for it; answers how many entries that were.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XGROUP DELCONSUMER jobs workers ann
/// (integer) 1
/// ```
pub fn delconsumer(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name, consumer) = (req.arg(2), req.arg(3), req.arg(4));
    let pending = existing(w, key, name)?.1.consumer(consumer).map(|it| it.pending_len());
    if pending.is_some() {
        change_group(w, key, name, GroupOp::DeleteConsumer { consumer })?;
    }
    out.integer(pending.unwrap_or(0) as i64);
    Ok(Outcome::Done)
}

fn change_group(w: &mut Writer, key: &[u8], name: &[u8], op: GroupOp) -> Result<(), Fault> {
    let mut ops = Vec::new();
    put_group_op(&mut ops, name, op);
    change(w, key, &ops)
}

fn last_id_of(stream: Option<&Stream>) -> Id {
    stream.map_or(Id::MIN, Stream::last_id)
}

fn no_key() -> Fault {
    Fault::new(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
    )
}

/// That there is no such group at a key that exists.
pub(super) fn no_group(key: &[u8], name: &[u8]) -> Fault {
    let (key, name) = (one_line(key), one_line(name));
    Fault::new(format!("NOGROUP No such consumer group '{name}' for key name '{key}'"))
}

fn existing<'v>(view: &'v View, key: &[u8], name: &[u8]) -> Result<(&'v Stream, &'v Group), Fault> {
    let stream = typed::stream(view, key)?.ok_or_else(no_key)?;
    group_of(Some(stream), name).ok_or_else(|| no_group(key, name))
}

/// `[MKSTREAM] [ENTRIESREAD entries-read]`
#[derive(Default)]
struct Options {
    may_make: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(req: &Request) -> Result<Self, Fault> {
        let (mut options, mut at) = (Self::default(), 5);
        if req.len() > 8 {
            return Err(misused(req));
        }
        while at < req.len() {
            if req.is(1, "CREATE") && req.is(at, "MKSTREAM") {
                options.may_make = true;
                at += 1;
            } else if req.is(at, "ENTRIESREAD") && at + 1 < req.len() {
                options.entries_read = entries_read(req.arg(at + 1))?;
                at += 2;
            } else {
                return Err(misused(req));
            }
        }
        Ok(options)
    }

    /// A group can't have read more entries than there were.
    fn entries_read_of(&self, stream: Option<&Stream>) -> Option<u64> {
        self.entries_read.map(|read| read.min(stream.map_or(0, Stream::entries_added)))
    }
}

/// A number, or -1 if it is not known.
fn entries_read(text: &[u8]) -> Result<Option<u64>, Fault> {
    match args::integer(text)? {
        -1 => Ok(None),
        number => {
            u64::try_from(number).map(Some).map_err(|_| Fault::new("ERR value for ENTRIESREAD must be positive or -1"))
        }
    }
}
