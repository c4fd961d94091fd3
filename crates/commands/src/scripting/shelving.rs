//! Where the libraries of functions are kept: all of them are one value, at one key of the database that no client reaches.
//!
//! So the log, the tier and the recovery have them as they have any key, and a change of them is one effect, which is there after a crash or is not.
//! The value is what FUNCTION DUMP answers.
//!
//! Invariant: who changes them holds the shard of that key until the new ones stand on the shelf, so the order of the log is that of the shelf.

use kvark_base::limits::{MAX_VALUE_LEN, OWN_DATABASE};
use kvark_base::{Error, Kind, Position, Result};
use kvark_call::Fault;
use kvark_keyspace::{Keyspace, Writer};
use kvark_rdb::functions as format;
use kvark_scripts::{Library, Scripts, Shelf};
use kvark_values::{StringRef, ValueRef};

use crate::context::Context;

const KEY: &[u8] = b"functions";

/// The libraries that `keyspace` has are those of `scripts` from here on.
pub fn adopt(keyspace: &Keyspace, scripts: &Scripts) -> Result<()> {
    let view = keyspace.view_one(OWN_DATABASE, keyspace.key(KEY), 0);
    let nonsense = || {
        let message = "the libraries of functions in this store make no sense: was it written by a newer kvark?";
        Error::new(Kind::Corrupt, message)
    };
    let texts = match view.peek(KEY).map(|entry| entry.value()) {
        None => Vec::new(),
        Some(ValueRef::String(StringRef::Bytes(payload))) => format::restore(payload).map_err(|_| nonsense())?,
        Some(_) => return Err(nonsense()),
    };
    scripts.libraries.adopt(texts);
    Ok(())
}

/// What FUNCTION DUMP answers.
pub(super) fn payload(shelf: &Shelf) -> Vec<u8> {
    format::dump(shelf.libraries().map(|library| Library::code(library)))
}

/// What comes of the libraries by `next` takes their place, in the log and on the shelf.
pub(super) fn change(ctx: &mut Context, next: impl Fn(&Shelf) -> Result<Shelf, Fault>) -> Result<(), Fault> {
    loop {
        let base = ctx.scripts.libraries.shelf(ctx.random);
        let shelf = next(&base)?;
        let (scripts, now_ms) = (ctx.scripts, ctx.now_ms);
        let written = ctx.keys.write(OWN_DATABASE, std::iter::once(KEY), now_ms, |writer| {
            // Somebody else was faster.
            if scripts.libraries.is_current(&base) { put(writer, scripts, shelf).map(Some) } else { Ok(None) }
        })?;
        if let Some(position) = written {
            ctx.wrote(position);
            return Ok(());
        }
    }
}

fn put(writer: &mut Writer<'_>, scripts: &Scripts, mut shelf: Shelf) -> Result<Position, Fault> {
    if shelf.libraries().len() == 0 {
        writer.remove(KEY)?;
    } else {
        let payload = payload(&shelf);
        if payload.len() > MAX_VALUE_LEN {
            return Err(Fault::new("ERR all libraries of functions together have 512 MiB at most"));
        }
        writer.put(KEY, StringRef::Bytes(&payload), 0)?;
    }
    shelf.position = writer.written();
    scripts.libraries.replace(shelf);
    Ok(writer.written())
}
