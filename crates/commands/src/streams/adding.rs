//! XADD and XSETID.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::stream::{Id, Op};
use kvark_values::{Collection, Stream};

use super::ids::NewId;
use super::trimming::{Added, Before, Trim, TrimWords};
use super::{answer_id, change, ids};
use crate::events::XTRIM;
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("adding.rs");

/// `XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]`
///
/// Appends an entry to the stream at a key and answers its id. `*` makes an id from the clock, `ms-*` the next one of a millisecond; any other must be above all ids that
/// the stream has had. A missing key is made, unless NOMKSTREAM is given: then nil is answered. MAXLEN and MINID trim the stream afterwards as XTRIM does.
///
/// ```resp
/// > XADD log 1-1 level info
/// "1-1"
/// > XADD log 1-* level warning code 7
/// "1-2"
/// > XADD log MAXLEN = 1 5 level info
/// "5-0"
/// > XADD log 5 level info
/// (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
/// > XADD nobody NOMKSTREAM * level info
/// (nil)
/// > XRANGE log - +
/// 1) 1) "5-0"
///    2) 1) "level"
///       2) "info"
/// ```
pub fn xadd(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, words) = (req.arg(1), Words::parse(w, req)?);
    let Some(Plan { id, ops, trims }) = plan(w, req, &words)? else {
        out.null();
        return Ok(Outcome::Done);
    };
    if trims {
        w.set_second_event(Some(&XTRIM));
    }
    change(w, key, &ops)?;
    answer_id(id, out);
    Ok(Outcome::Done)
}

/// What XADD was asked for.
struct Words {
    may_make: bool,
    trim: Option<Trim>,
    id: NewId,
    fields_at: usize,
}

impl Words {
    fn parse(view: &View, req: &Request) -> Result<Self, Fault> {
        let (mut words, mut may_make, mut at) = (TrimWords::default(), true, 2);
        let mut id = None;
        while at < req.len() && id.is_none() {
            if req.arg(at) != b"*" && words.take(req, &mut at)? {
                continue;
            }
            if req.is(at, "NOMKSTREAM") {
                may_make = false;
            } else {
                id = Some(NewId::parse(req.arg(at))?);
            }
            at += 1;
        }
        let trim = words.finish(view.forms())?;
        let fields = req.len() - at;
        let id = id.filter(|_| fields > 0 && fields.is_multiple_of(2)).ok_or_else(|| Fault::arity("xadd"))?;
        if id == NewId::Exactly(Id::MIN) {
            return Err(Fault::new("ERR The ID specified in XADD must be greater than 0-0"));
        }
        Ok(Self { may_make, trim, id, fields_at: at })
    }
}

/// An entry to be added.
struct Plan {
    id: Id,
    ops: Vec<u8>,
    /// Whether others go for it.
    trims: bool,
}

/// The new id and the operations; `None` when the key is missing and shall not be made.
fn plan(view: &View, req: &Request, words: &Words) -> Result<Option<Plan>, Fault> {
    let none = Stream::default();
    let stream = match typed::stream(view, req.arg(1))? {
        Some(stream) => stream,
        None if words.may_make => &none,
        None => return Ok(None),
    };
    let id = new_id(stream, words.id, view.now_ms())?;
    let mut ops = Vec::with_capacity(req.len_bytes() + 2 * req.len() + 32);
    let pairs: Vec<&[u8]> = req.args_from(words.fields_at).collect();
    Op::Append { id, pairs: &pairs }.encode(&mut ops);
    let mut trims = false;
    if let Some(trim) = words.trim {
        let added = Some(Added { id, joins: stream.has_room(ops.len(), view.forms()) });
        trims = trim.put_ops(Before { stream, added }, &mut ops) > 0;
    }
    Ok(Some(Plan { id, ops, trims }))
}

fn new_id(stream: &Stream, id: NewId, now_ms: u64) -> Result<Id, Fault> {
    if stream.last_id() == Id::MAX {
        return Err(Fault::new("ERR The stream has exhausted the last possible ID, unable to add more items"));
    }
    id.after(stream.last_id(), now_ms)
        .ok_or_else(|| Fault::new("ERR The ID specified in XADD is equal or smaller than the target stream top item"))
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
///
/// Sets the last id of a stream, above which new entries must be; also how many entries were ever added to it, and the highest id that was deleted.
///
/// ```resp
/// > XADD log 1-1 level info
/// "1-1"
/// > XSETID log 9-0 ENTRIESADDED 5 MAXDELETEDID 3-0
/// OK
/// > XADD log 8-0 level info
/// (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
/// ```
pub fn xsetid(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let (last_id, facts) = (ids::id(req.arg(2))?, Facts::parse(req)?);
    let stream = typed::stream(w, key)?.ok_or_else(|| Fault::new("ERR no such key"))?;
    check_last_id(stream, last_id, facts.entries_added)?;
    let mut ops = Vec::new();
    let entries_added = facts.entries_added.unwrap_or(stream.entries_added());
    let max_deleted_id = facts.max_deleted_id.unwrap_or(stream.max_deleted_id());
    Op::SetIds { last_id, entries_added, max_deleted_id }.encode(&mut ops);
    change(w, key, &ops)?;
    out.status("OK");
    Ok(Outcome::Done)
}

struct Facts {
    entries_added: Option<u64>,
    max_deleted_id: Option<Id>,
}

impl Facts {
    fn parse(req: &Request) -> Result<Self, Fault> {
        let (mut entries_added, mut max_deleted_id) = (None, None);
        for at in (3..req.len()).step_by(2) {
            let value = req.get(at + 1).ok_or_else(Fault::syntax)?;
            if req.is(at, "ENTRIESADDED") {
                let number = u64::try_from(args::integer(value)?);
                entries_added = Some(number.map_err(|_| Fault::new("ERR entries_added must be positive"))?);
            } else if req.is(at, "MAXDELETEDID") {
                max_deleted_id = Some(max_deleted(value, ids::id(req.arg(2))?)?).filter(|&id| id > Id::MIN);
            } else {
                return Err(Fault::syntax());
            }
        }
        Ok(Self { entries_added, max_deleted_id })
    }
}

fn max_deleted(text: &[u8], last_id: Id) -> Result<Id, Fault> {
    let id = ids::id(text)?;
    if last_id < id {
        let message = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
        return Err(Fault::new(message));
    }
    Ok(id)
}

fn check_last_id(stream: &Stream, last_id: Id, entries_added: Option<u64>) -> Result<(), Fault> {
    let message = if last_id < stream.max_deleted_id() {
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
    } else if stream.last().is_some_and(|last| last_id < last.id) {
        "ERR The ID specified in XSETID is smaller than the target stream top item"
    } else if entries_added.is_some_and(|added| added < stream.len() as u64) {
        "ERR The entries_added specified in XSETID is smaller than the target stream length"
    } else {
        return Ok(());
    };
    Err(Fault::new(message))
}
