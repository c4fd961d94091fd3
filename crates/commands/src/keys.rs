//! Keys of any type: there or not, which type, removed.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};

use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("keys.rs");

/// Removes `keys`, all at once; returns how many were there.
pub fn remove<'k>(w: &mut Writer, keys: impl ExactSizeIterator<Item = &'k [u8]> + Clone) -> Result<u64, Fault> {
    if keys.len() > 1 {
        w.bracket(keys.len(), keys.clone().map(<[u8]>::len).sum())?;
    }
    let mut removed = 0;
    for key in keys {
        removed += u64::from(w.remove(key)?);
    }
    Ok(removed)
}

/// `DEL key [key ...]`
///
/// Removes keys, all at once, and answers how many of them there were.
///
/// ```resp
/// > MSET a 1 b 2
/// OK
/// > DEL a b nobody
/// (integer) 2
/// > EXISTS a b
/// (integer) 0
/// ```
pub fn del(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let removed = remove(w, req.args_from(1))?;
    out.integer(removed as i64);
    Ok(Outcome::Done)
}

/// `UNLINK key [key ...]`
///
/// Removes keys as DEL does.
///
/// ```resp
/// > MSET a 1 b 2
/// OK
/// > UNLINK a b
/// (integer) 2
/// ```
pub fn unlink(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    del(w, req, out)
}

/// `EXISTS key [key ...]`
///
/// How many of the keys exist; one that is named twice counts twice.
///
/// ```resp
/// > SET a 1
/// OK
/// > EXISTS a nobody a
/// (integer) 2
/// ```
pub fn exists(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(req.args_from(1).filter(|key| view.glance(key).is_some()).count() as i64);
    Ok(Outcome::Done)
}

/// `TOUCH key [key ...]`
///
/// Notes an access to each of the keys and answers how many of them there are.
///
/// ```resp
/// > SET a 1
/// OK
/// > TOUCH a nobody
/// (integer) 1
/// ```
pub fn touch(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let found: Vec<&[u8]> = req.args_from(1).filter(|key| view.find(key).is_some()).collect();
    // It is what it is for, so CLIENT NO-TOUCH does not keep it from that.
    found.iter().for_each(|key| view.note_access(key, view.now_ms() / 1000));
    out.integer(found.len() as i64);
    Ok(Outcome::Done)
}

/// `TYPE key`
///
/// The type of the value at a key: `string`, `list`, `set`, `zset`, `hash` or `stream`; `none` for a missing key.
///
/// ```resp
/// > SET a 1
/// OK
/// > TYPE a
/// string
/// > RPUSH b 1
/// (integer) 1
/// > TYPE b
/// list
/// > TYPE nobody
/// none
/// ```
pub fn type_of(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.status(view.glance(req.arg(1)).map_or("none", |entry| entry.of_type().name()));
    Ok(Outcome::Done)
}
