//! Hashes: fields and their values.
//!
//! Read on: [`numbers`] (values that count), [`draws`] (random fields, scans), [`fields`] (several fields with a word about
//! their time), [`deadlines`] (HEXPIRE and its kin).
//!
//! Invariant: setting a field takes its deadline away, unless a word says that it stays; counting leaves it.

pub mod deadlines;
pub mod draws;
pub mod fields;
pub mod numbers;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::hash::Op;
use kvark_values::{Collection, StringRef, Type};

use crate::dispatch::check_key;
use crate::row::Answer;
use crate::strings::answer_value;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("hashes.rs");

/// How many fields the hash at `key` has.
fn len_of(view: &View, key: &[u8]) -> Result<usize, Fault> {
    Ok(typed::hash(view, key)?.map_or(0, |hash| hash.len()))
}

/// Sets fields from pairs of arguments; how many are new.
fn set_pairs(w: &mut Writer, req: &Request) -> Result<usize, Fault> {
    let key = req.arg(1);
    check_key(key)?;
    let (before, mut ops) = (len_of(w, key)?, Vec::new());
    for at in (2..req.len()).step_by(2) {
        Op::Set { field: req.arg(at), value: req.arg(at + 1), expires_at: 0 }.encode(&mut ops);
    }
    Ok(w.change(key, Type::Hash, &ops)? - before)
}

/// `HSET key field value [field value ...]`
///
/// Sets fields of a hash and answers how many of them are new. A missing key is made.
///
/// ```resp
/// > HSET user:100 name Ada role engineer
/// (integer) 2
/// > HSET user:100 role founder
/// (integer) 0
/// > HGET user:100 role
/// "founder"
/// > HSET user:100 name
/// (error) ERR wrong number of arguments for 'hset' command
/// ```
pub fn hset(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() % 2 == 1 {
        return Err(Fault::arity("hset"));
    }
    let new = set_pairs(w, req)?;
    out.integer(new as i64);
    Ok(Outcome::Done)
}

/// `HMSET key field value [field value ...]`
///
/// Sets fields of a hash. HSET does the same and says how many are new.
///
/// ```resp
/// > HMSET user:100 name Ada role engineer
/// OK
/// > HLEN user:100
/// (integer) 2
/// ```
pub fn hmset(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() % 2 == 1 {
        return Err(Fault::arity("hmset"));
    }
    set_pairs(w, req)?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `HSETNX key field value`
///
/// Sets a field of a hash unless it is there: 1 when it was set, 0 when not.
///
/// ```resp
/// > HSETNX user:100 name Ada
/// (integer) 1
/// > HSETNX user:100 name Grace
/// (integer) 0
/// > HGET user:100 name
/// "Ada"
/// ```
pub fn hsetnx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, field) = (req.arg(1), req.arg(2));
    check_key(key)?;
    let missing = typed::hash(w, key)?.is_none_or(|hash| !hash.contains(StringRef::new(field)));
    if missing {
        let mut ops = Vec::new();
        Op::Set { field, value: req.arg(3), expires_at: 0 }.encode(&mut ops);
        w.change(key, Type::Hash, &ops)?;
    }
    out.integer(missing.into());
    Ok(Outcome::Done)
}

/// `HGET key field`
///
/// The value of a field. A missing one is nil.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HGET user:100 name
/// "Ada"
/// > HGET user:100 age
/// (nil)
/// ```
pub fn hget(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let value = typed::hash(view, req.arg(1))?.and_then(|hash| hash.get(StringRef::new(req.arg(2))));
    answer_value(value, out);
    Ok(Outcome::Done)
}

/// `HMGET key field [field ...]`
///
/// The values of fields, in their order. A missing one is nil.
///
/// ```resp
/// > HSET user:100 name Ada role engineer
/// (integer) 2
/// > HMGET user:100 role age name
/// 1) "engineer"
/// 2) (nil)
/// 3) "Ada"
/// ```
pub fn hmget(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let hash = typed::hash(view, req.arg(1))?;
    out.array(req.len() - 2);
    for field in req.args_from(2) {
        answer_value(hash.and_then(|hash| hash.get(StringRef::new(field))), out);
    }
    Ok(Outcome::Done)
}

/// `HGETALL key`
///
/// All fields with their values. A missing key has none.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HGETALL user:100
/// 1) "name"
/// 2) "Ada"
/// ```
pub fn hgetall(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let hash = typed::hash(view, req.arg(1))?;
    out.map(hash.map_or(0, |hash| hash.len()));
    for (field, value) in hash.into_iter().flat_map(|hash| hash.iter()) {
        answer_value(Some(field), out);
        answer_value(Some(value), out);
    }
    Ok(Outcome::Done)
}

/// `HKEYS key`
///
/// All fields. A missing key has none.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HKEYS user:100
/// 1) "name"
/// ```
pub fn hkeys(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let hash = typed::hash(view, req.arg(1))?;
    out.array(hash.map_or(0, |hash| hash.len()));
    hash.into_iter().flat_map(|hash| hash.iter()).for_each(|(field, _)| answer_value(Some(field), out));
    Ok(Outcome::Done)
}

/// `HVALS key`
///
/// All values. A missing key has none.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HVALS user:100
/// 1) "Ada"
/// ```
pub fn hvals(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let hash = typed::hash(view, req.arg(1))?;
    out.array(hash.map_or(0, |hash| hash.len()));
    hash.into_iter().flat_map(|hash| hash.iter()).for_each(|(_, value)| answer_value(Some(value), out));
    Ok(Outcome::Done)
}

/// `HDEL key field [field ...]`
///
/// Removes fields and answers how many were there. A hash that is left without fields goes.
///
/// ```resp
/// > HSET user:100 name Ada role engineer
/// (integer) 2
/// > HDEL user:100 name age
/// (integer) 1
/// > HDEL user:100 role
/// (integer) 1
/// > EXISTS user:100
/// (integer) 0
/// ```
pub fn hdel(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, mut ops) = (req.arg(1), Vec::new());
    let hash = typed::hash(w, key)?;
    let before = hash.map_or(0, |hash| hash.len());
    for field in req.args_from(2).filter(|field| hash.is_some_and(|hash| hash.contains(StringRef::new(field)))) {
        Op::Remove { field }.encode(&mut ops);
    }
    let left = if ops.is_empty() { before } else { w.change(key, Type::Hash, &ops)? };
    out.integer((before - left) as i64);
    Ok(Outcome::Done)
}

/// `HLEN key`
///
/// How many fields a hash has. A missing key has none.
///
/// ```resp
/// > HSET user:100 name Ada role engineer
/// (integer) 2
/// > HLEN user:100
/// (integer) 2
/// ```
pub fn hlen(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(len_of(view, req.arg(1))? as i64);
    Ok(Outcome::Done)
}

/// `HEXISTS key field`
///
/// Whether a hash has a field.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HEXISTS user:100 name
/// (integer) 1
/// > HEXISTS user:100 age
/// (integer) 0
/// ```
pub fn hexists(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let there = typed::hash(view, req.arg(1))?.is_some_and(|hash| hash.contains(StringRef::new(req.arg(2))));
    out.integer(there.into());
    Ok(Outcome::Done)
}

/// `HSTRLEN key field`
///
/// How many bytes the value of a field has. A missing one has none.
///
/// ```resp
/// > HSET user:100 name Ada
/// (integer) 1
/// > HSTRLEN user:100 name
/// (integer) 3
/// ```
pub fn hstrlen(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let value = typed::hash(view, req.arg(1))?.and_then(|hash| hash.get(StringRef::new(req.arg(2))));
    out.integer(value.map_or(0, |value| value.text_len()) as i64);
    Ok(Outcome::Done)
}
