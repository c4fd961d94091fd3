//! Whole databases: chosen, counted, exchanged, emptied.

use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::args;
use crate::context::Context;
use crate::row::Answer;

use std::sync::atomic::Ordering;

pub(crate) const SOURCE: &str = include_str!("databases.rs");

/// `SELECT index`
///
/// From here on, this connection's keys are those of another database. There are 16, counted from 0.
///
/// ```resp
/// > SELECT 1
/// OK
/// > SELECT 16
/// (error) ERR DB index is out of range
/// ```
pub fn select(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let db = args::database(req.arg(1))?;
    ctx.session.db = db;
    ctx.session.peer.db.store(db, Ordering::Relaxed);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `DBSIZE`
///
/// How many keys the database has; those whose time has come but that are not swept yet count.
///
/// ```resp
/// > MSET a 1 b 2
/// OK
/// > DBSIZE
/// (integer) 2
/// ```
pub fn dbsize(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.depends_on_all();
    out.integer(ctx.keys.len(ctx.session.db) as i64);
    Ok(Outcome::Done)
}

/// `SWAPDB index1 index2`
///
/// Exchanges two databases: whoever has selected one of them sees the keys of the other from now on.
///
/// ```resp
/// > SET a 1
/// OK
/// > SWAPDB 0 1
/// OK
/// > GET a
/// (nil)
/// > SWAPDB 0 1
/// OK
/// > GET a
/// "1"
/// ```
pub fn swapdb(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let first = swap_index(req.arg(1), "ERR invalid first DB index")?;
    let second = swap_index(req.arg(2), "ERR invalid second DB index")?;
    let (first, second) = (args::database_of(first)?, args::database_of(second)?);
    if first != second {
        let position = ctx.keys.swap(first, second, ctx.now_ms)?;
        ctx.wrote(position);
    }
    out.status("OK");
    Ok(Outcome::Done)
}

fn swap_index(text: &[u8], message: &'static str) -> Result<i64, Fault> {
    let index = args::integer_or(text, message)?;
    i32::try_from(index).map(i64::from).map_err(|_| Fault::new(message))
}

/// `FLUSHDB [ASYNC | SYNC]`
///
/// Removes all keys of the database. Both words mean the same here.
///
/// ```resp
/// > SET a 1
/// OK
/// > FLUSHDB
/// OK
/// > DBSIZE
/// (integer) 0
/// ```
pub fn flushdb(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    check_flush(req)?;
    let position = ctx.keys.flush(ctx.session.db)?;
    ctx.wrote(position);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `FLUSHALL [ASYNC | SYNC]`
///
/// Removes all keys of all databases. Both words mean the same here.
///
/// ```resp
/// > SET a 1
/// OK
/// > FLUSHALL
/// OK
/// > DBSIZE
/// (integer) 0
/// ```
pub fn flushall(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    check_flush(req)?;
    let position = ctx.keys.flush_all()?;
    ctx.wrote(position);
    out.status("OK");
    Ok(Outcome::Done)
}

fn check_flush(req: &Request) -> Result<(), Fault> {
    let plain = req.len() == 1 || req.len() == 2 && (req.is(1, "SYNC") || req.is(1, "ASYNC"));
    if plain { Ok(()) } else { Err(Fault::syntax()) }
}
