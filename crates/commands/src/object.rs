//! OBJECT and MEMORY: how a value is kept.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::entry::ACCESS_MASK;
use kvark_keyspace::{EntryRef, View};
use kvark_values::{StringRef, ValueRef};

use crate::context::Context;
use crate::row::Answer;
use crate::{args, help};

pub(crate) const SOURCE: &str = include_str!("object.rs");

/// The longest string that Redis embeds in its object; clients that look at encodings know this number.
const EMBEDDED_LEN: usize = 44;

/// What a key takes in its table: a slot of eight bytes, in tables that are filled to three quarters.
const TABLE_BYTES: usize = 10;

/// `int`, `embstr` or `raw` for a string; a collection names its form itself.
pub(crate) fn encoding_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::String(StringRef::Int(_)) => "int",
        ValueRef::String(StringRef::Bytes(bytes)) if bytes.len() <= EMBEDDED_LEN => "embstr",
        value => value.encoding().unwrap_or("raw"),
    }
}

/// Seconds since an entry was last accessed.
pub(crate) fn idle_seconds(entry: &EntryRef<'_>, now_ms: u64) -> u64 {
    (now_ms / 1000).wrapping_sub(entry.accessed()) & ACCESS_MASK
}

/// `OBJECT subcommand [argument ...]`
///
/// How the value at a key is kept. OBJECT HELP lists the sub-commands.
///
/// ```resp
/// > OBJECT
/// (error) ERR wrong number of arguments for 'object' command
/// ```
pub fn object(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    object_help(ctx, req, out)
}

/// `OBJECT HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > OBJECT HELP
/// ...OBJECT <subcommand> ...
/// ```
pub fn object_help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("OBJECT", out)
}

/// `OBJECT ENCODING key`
///
/// How the value is encoded, in the words of Redis: `int`, `embstr` for a short string, `raw` for a longer one; `listpack` for a
/// small collection (`intset` for a small set of integers), `quicklist`, `hashtable`, `skiplist` or `stream` for others. A
/// missing key is nil.
///
/// ```resp
/// > MSET number 42 text hello
/// OK
/// > OBJECT ENCODING number
/// "int"
/// > OBJECT ENCODING text
/// "embstr"
/// > SADD primes 2 3 5
/// (integer) 3
/// > OBJECT ENCODING primes
/// "intset"
/// > SADD primes seven
/// (integer) 1
/// > OBJECT ENCODING primes
/// "listpack"
/// ```
pub fn encoding(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match view.peek(req.arg(2)) {
        None => out.null(),
        Some(entry) => out.bulk(encoding_of(entry.value()).as_bytes()),
    }
    Ok(Outcome::Done)
}

/// `OBJECT FREQ key`
///
/// How often the key was accessed; told only under an LFU policy, which there is not.
///
/// ```resp
/// > SET a 1
/// OK
/// > OBJECT FREQ a
/// (error) ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
/// ```
pub fn freq(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if view.peek(req.arg(2)).is_some() {
        return Err(Fault::new(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    out.null();
    Ok(Outcome::Done)
}

/// `OBJECT IDLETIME key`
///
/// Seconds since the key was last accessed, modulo three days. A missing key is nil.
///
/// ```resp
/// > SET a 1
/// OK
/// > OBJECT IDLETIME a
/// (integer) ...
/// ```
pub fn idletime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match view.peek(req.arg(2)) {
        None => out.null(),
        Some(entry) => out.integer(idle_seconds(&entry, view.now_ms()) as i64),
    }
    Ok(Outcome::Done)
}

/// `OBJECT REFCOUNT key`
///
/// How many keys share the value: always 1. A missing key is nil.
///
/// ```resp
/// > SET a 1
/// OK
/// > OBJECT REFCOUNT a
/// (integer) 1
/// ```
pub fn refcount(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match view.peek(req.arg(2)) {
        None => out.null(),
        Some(_) => out.integer(1),
    }
    Ok(Outcome::Done)
}

/// `MEMORY subcommand [argument ...]`
///
/// What takes memory. MEMORY HELP lists the sub-commands.
///
/// ```resp
/// > MEMORY
/// (error) ERR wrong number of arguments for 'memory' command
/// ```
pub fn memory(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    memory_help(ctx, req, out)
}

/// `MEMORY HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > MEMORY HELP
/// ...MEMORY <subcommand> ...
/// ```
pub fn memory_help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("MEMORY", out)
}

/// `MEMORY USAGE key [SAMPLES count]`
///
/// The bytes that a key and its value take, the table's share included. It is exact; SAMPLES changes nothing. A missing
/// key is nil.
///
/// ```resp
/// > SET a 1
/// OK
/// > MEMORY USAGE a
/// (integer) ...
/// > MEMORY USAGE nobody
/// (nil)
/// ```
pub fn memory_usage(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let words = 3..req.len();
    if !words.len().is_multiple_of(2) {
        return Err(Fault::syntax());
    }
    for at in words.step_by(2) {
        if !req.is(at, "SAMPLES") || args::integer(req.arg(at + 1))? < 0 {
            return Err(Fault::syntax());
        }
    }
    match view.peek(req.arg(2)) {
        None => out.null(),
        Some(entry) => out.integer((entry.memory_bytes() + TABLE_BYTES) as i64),
    }
    Ok(Outcome::Done)
}
