//! Requests that take long because of how much lies at their keys: they are better executed where nobody waits behind them.
//!
//! Invariant: what is reckoned here takes no longer than looking the keys up; a wrong guess costs time and nothing else.

use kvark_call::Request;
use kvark_keyspace::View;
use kvark_values::{StringRef, ValueRef};

use crate::lists::indexes;
use crate::row::Row;
use crate::zsets::{leaving, stretches};

/// Work that counts as long, in members of a set put into another: a few milliseconds.
const LONG: usize = 4096;
/// Members that are only told, or passed by, in the time of one that is put somewhere.
const LIGHT: usize = 8;
/// Bytes that are copied in that time.
const BYTES: usize = 4096;
/// Bytes of a payload that makes one member.
const PAYLOAD: usize = 16;

/// Whether executing `req` takes long. Its row says that this may be ([`crate::Flags::MAY_BE_LONG`]).
pub fn is_long(row: &Row, view: &View, req: &Request) -> bool {
    if row.name == "RESTORE" {
        return req.get(3).is_some_and(|payload| payload.len() / PAYLOAD > LONG);
    }
    let sizes = row.keys(req).map(|key| view.peek(key).map_or(0, |entry| size(&entry.value())));
    let whole = sizes.clone().fold(0, usize::saturating_add);
    whole > LONG && work(row, view, req, whole, sizes.min().unwrap_or(0)) > LONG
}

fn size(value: &ValueRef<'_>) -> usize {
    match value {
        ValueRef::String(StringRef::Bytes(bytes)) => bytes.len() / BYTES,
        ValueRef::String(StringRef::Int(_)) => 0,
        collection => collection.members(),
    }
}

fn work(row: &Row, view: &View, req: &Request, whole: usize, least: usize) -> usize {
    match row.name {
        "LRANGE" => indexes::named(view, req) / LIGHT,
        "LTRIM" => whole.saturating_sub(indexes::named(view, req)) / LIGHT,
        "LREM" | "LINSERT" | "LPOS" | "SMEMBERS" | "HGETALL" | "HKEYS" | "HVALS" => whole / LIGHT,
        "SINTER" | "SINTERSTORE" | "SINTERCARD" | "ZINTER" | "ZINTERSTORE" | "ZINTERCARD" => least,
        "ZREMRANGEBYRANK" | "ZREMRANGEBYSCORE" | "ZREMRANGEBYLEX" => leaving::named(row.name, view, req),
        "ZRANGESTORE" => stretches::named(row.name, view, req),
        "ZRANGE" | "ZRANGEBYLEX" | "ZRANGEBYSCORE" | "ZREVRANGE" | "ZREVRANGEBYLEX" | "ZREVRANGEBYSCORE" => {
            stretches::named(row.name, view, req) / LIGHT
        }
        _ => whole,
    }
}
