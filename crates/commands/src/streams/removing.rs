//! XDEL, XDELEX, XACK, XACKDEL: entries that go by their ids, and what is pending no more.

use std::collections::BTreeSet;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::Writer;
use kvark_values::Stream;
use kvark_values::stream::{Group, GroupOp, Id, Op};

use super::references::{References, is_referenced, put_forget};
use super::{change, group_of, ids, put_group_op};
use crate::row::Answer;
use crate::{args, typed};

pub(crate) const SOURCE: &str = include_str!("removing.rs");

/// `XDEL key id [id ...]`
///
/// Removes entries from a stream; answers how many there were. What is pending in groups stays so.
///
/// ```resp
/// > XADD log 1-0 level info
/// "1-0"
/// > XDEL log 1-0 2-0
/// (integer) 1
/// > XLEN log
/// (integer) 0
/// ```
pub fn xdel(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let key = req.arg(1);
    let mut ops = Vec::new();
    let count = match typed::stream(w, key)? {
        Some(stream) => put_delete(stream, ids::all(req.args_from(2))?, &mut ops),
        None => 0,
    };
    change(w, key, &ops)?;
    out.integer(count as i64);
    Ok(Outcome::Done)
}

/// Appends the operation that deletes those of `ids` that are there; how many.
fn put_delete(stream: &Stream, ids: impl IntoIterator<Item = Id>, ops: &mut Vec<u8>) -> usize {
    let found: BTreeSet<Id> = ids.into_iter().filter(|&id| stream.get(id).is_some()).collect();
    let found: Vec<Id> = found.into_iter().collect();
    if !found.is_empty() {
        Op::Delete { ids: &found }.encode(ops);
    }
    found.len()
}

/// `XACK key group id [id ...]`
///
/// Acknowledges entries that a group got: they are pending no more. Answers how many were.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XACK jobs workers 1-0
/// (integer) 1
/// > XACK jobs workers 1-0
/// (integer) 0
/// ```
pub fn xack(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name) = (req.arg(1), req.arg(2));
    let mut ops = Vec::new();
    let count = match group_of(typed::stream(w, key)?, name) {
        Some((_, group)) => put_acknowledge(name, group, ids::all(req.args_from(3))?, &mut ops),
        None => 0,
    };
    change(w, key, &ops)?;
    out.integer(count as i64);
    Ok(Outcome::Done)
}

/// Appends the operation that acknowledges those of `ids` that are pending; how many.
fn put_acknowledge(name: &[u8], group: &Group, ids: Vec<Id>, ops: &mut Vec<u8>) -> usize {
    let pending: BTreeSet<Id> = ids.into_iter().filter(|&id| group.pending(id).is_some()).collect();
    let pending: Vec<Id> = pending.into_iter().collect();
    if !pending.is_empty() {
        put_group_op(ops, name, GroupOp::Acknowledge { ids: &pending });
    }
    pending.len()
}

/// What became of one id, as XDELEX and XACKDEL answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    NotFound = -1,
    Deleted = 1,
    StillReferenced = 2,
}

/// `XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
///
/// Removes entries from a stream, with a choice about the groups: what is pending stays so (KEEPREF), is forgotten (DELREF), or keeps its entry in the stream, as does what a group has
/// yet to get (ACKED). Answers for each id 1 if its entry is gone, 2 if it was kept, -1 if there was none.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XDELEX jobs ACKED IDS 2 1-0 2-0
/// 1) (integer) 2
/// 2) (integer) -1
/// > XDELEX jobs DELREF IDS 1 1-0
/// 1) (integer) 1
/// ```
pub fn xdelex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, words) = (req.arg(1), IdWords::parse(req, 2)?);
    let (mut ops, mut fates) = (Vec::new(), vec![Fate::NotFound; words.ids.len()]);
    if let Some(stream) = typed::stream(w, key)? {
        let mut seen = BTreeSet::new();
        let fate = |&id: &Id| fate_of(stream, id, seen.insert(id) && stream.get(id).is_some(), words.references, None);
        fates = words.ids.iter().map(fate).collect();
        // What is pending of entries that are gone already is forgotten, too.
        words.put_ops(stream, &fates, &words.ids, &mut ops);
    }
    change(w, key, &ops)?;
    answer_fates(&fates, out);
    Ok(Outcome::Done)
}

/// `XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
///
/// Acknowledges entries that a group got and removes them from the stream, with a choice about the other groups as in XDELEX. Answers for each id 1 if it was
/// acknowledged and is gone, 2 if it was acknowledged and another group still needs it, -1 if it was not pending.
///
/// ```resp
/// > XADD jobs 1-0 do this
/// "1-0"
/// > XGROUP CREATE jobs workers 0
/// OK
/// > XGROUP CREATE jobs auditors 0
/// OK
/// > XREADGROUP GROUP workers ann STREAMS jobs >
/// 1) 1) "jobs"
/// ...
/// > XACKDEL jobs workers ACKED IDS 1 1-0
/// 1) (integer) 2
/// > XACKDEL jobs workers ACKED IDS 1 1-0
/// 1) (integer) -1
/// ```
pub fn xackdel(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, name, words) = (req.arg(1), req.arg(2), IdWords::parse(req, 3)?);
    let (mut ops, mut fates) = (Vec::new(), vec![Fate::NotFound; words.ids.len()]);
    if let Some((stream, group)) = group_of(typed::stream(w, key)?, name) {
        let mut seen = BTreeSet::new();
        let fate = |&id: &Id| {
            let is_pending = seen.insert(id) && group.pending(id).is_some();
            fate_of(stream, id, is_pending, words.references, Some(name))
        };
        fates = words.ids.iter().map(fate).collect();
        put_acknowledge(name, group, words.ids.clone(), &mut ops);
        let deleted: Vec<Id> = words.deleted(&fates).collect();
        words.put_ops(stream, &fates, &deleted, &mut ops);
    }
    change(w, key, &ops)?;
    answer_fates(&fates, out);
    Ok(Outcome::Done)
}

fn fate_of(stream: &Stream, id: Id, found: bool, references: References, but_of: Option<&[u8]>) -> Fate {
    match found {
        false => Fate::NotFound,
        true if references == References::Acked && is_referenced(stream, id, but_of) => Fate::StillReferenced,
        true => Fate::Deleted,
    }
}

fn answer_fates(fates: &[Fate], out: &mut dyn ReplySink) {
    out.array(fates.len());
    fates.iter().for_each(|&fate| out.integer(fate as i64));
}

/// `[KEEPREF | DELREF | ACKED] IDS numids id [id ...]`, in any order.
struct IdWords {
    references: References,
    ids: Vec<Id>,
}

impl IdWords {
    fn parse(req: &Request, first: usize) -> Result<Self, Fault> {
        let (mut references, mut given, mut at) = (None, None, first);
        while at < req.len() {
            if let Some(choice) = References::named(req, at).filter(|_| references.is_none()) {
                references = Some(choice);
                at += 1;
            } else if req.is(at, "IDS") && at + 1 < req.len() && given.is_none() {
                let count = counted(req, at + 1)?;
                given = Some((at + 2)..(at + 2 + count));
                at += 2 + count;
            } else {
                return Err(Fault::syntax());
            }
        }
        let given = given.ok_or_else(|| Fault::new("ERR IDS option is required"))?;
        Ok(Self { references: references.unwrap_or_default(), ids: ids::all(given.map(|at| req.arg(at)))? })
    }

    /// Appends the operations that delete the entries that are gone, and with DELREF what is pending of `forgotten`.
    fn put_ops(&self, stream: &Stream, fates: &[Fate], forgotten: &[Id], ops: &mut Vec<u8>) {
        if self.references == References::Delete {
            put_forget(stream, forgotten, ops);
        }
        put_delete(stream, self.deleted(fates), ops);
    }

    fn deleted(&self, fates: &[Fate]) -> impl Iterator<Item = Id> {
        self.ids.iter().zip(fates).filter(|(_, fate)| **fate == Fate::Deleted).map(|(&id, _)| id)
    }
}

/// The number of ids at argument `at`, which are all there.
fn counted(req: &Request, at: usize) -> Result<usize, Fault> {
    let message = "ERR Number of IDs must be a positive integer";
    let count = usize::try_from(args::integer_or(req.arg(at), message)?).unwrap_or(0);
    match count {
        0 => Err(Fault::new(message)),
        _ if count > req.len() - at - 1 => {
            Err(Fault::new("ERR The `numids` parameter must match the number of arguments"))
        }
        _ => Ok(count),
    }
}
