//! A value goes to another key or another database, with its deadline.
//!
//! Invariant: what is taken from one place and put into another is both or neither, also after a crash.

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{EntryRef, Event, Writer};
use kvark_values::{NewValue, Type, codec};

use crate::args;
use crate::events::{MOVE_FROM, MOVE_TO, RENAME_FROM, RENAME_TO};
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("moving.rs");

/// What is taken along.
struct Load {
    value: NewValue<'static>,
    of_type: Type,
    len_bytes: usize,
    expires_at: Millis,
}

/// What is told of the old place, and of the new one.
type Move = (&'static Event, &'static Event);

const RENAME: Move = (&RENAME_FROM, &RENAME_TO);
const MOVE: Move = (&MOVE_FROM, &MOVE_TO);

impl Load {
    fn of(entry: EntryRef<'_>) -> Self {
        let value = entry.value();
        let len_bytes = codec::encode(value, &mut codec::Scratch::default()).1.len();
        Self { value: value.to_owned(), of_type: entry.of_type(), len_bytes, expires_at: entry.expires_at() }
    }

    /// Puts it there, which is told as `event`.
    fn put(self, w: &mut Writer, db: u32, key: &[u8], event: &'static Event) -> Result<(), Fault> {
        let of_type = self.of_type;
        let before = w.put_anew_in(db, key, self.value, self.expires_at)?;
        w.tell_in(db, event, key);
        w.tell_overwritten(before, db, key, of_type);
        Ok(())
    }

    /// Puts it there and removes `from` in the selected database, which is told as these two.
    fn move_to(self, w: &mut Writer, db: u32, key: &[u8], from: &[u8], told: Move) -> Result<(), Fault> {
        w.bracket(2, self.len_bytes + key.len() + from.len())?;
        let of_type = self.of_type;
        let before = w.put_anew_in(db, key, self.value, self.expires_at)?;
        w.remove(from)?;
        w.tell(told.0, from);
        w.tell_in(db, told.1, key);
        w.tell_overwritten(before, db, key, of_type);
        Ok(())
    }
}

fn no_such_key() -> Fault {
    Fault::new("ERR no such key")
}

/// `RENAME key newkey`
///
/// Gives a key another name, deadline included; what had that name is gone.
///
/// ```resp
/// > SET {user}old ada EX 60
/// OK
/// > RENAME {user}old {user}new
/// OK
/// > TTL {user}new
/// (integer) 60
/// > RENAME {user}old {user}new
/// (error) ERR no such key
/// > RPUSH {user}todo read write
/// (integer) 2
/// > RENAME {user}todo {user}done
/// OK
/// > LRANGE {user}done 0 -1
/// 1) "read"
/// 2) "write"
/// ```
pub fn rename(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (from, to) = (req.arg(1), req.arg(2));
    let load = Load::of(w.find(from).ok_or_else(no_such_key)?);
    if from != to {
        let db = w.db();
        load.move_to(w, db, to, from, RENAME)?;
    }
    out.status("OK");
    Ok(Outcome::Done)
}

/// `RENAMENX key newkey`
///
/// Gives a key another name unless a key has that one already: 1 when it was renamed, 0 when not.
///
/// ```resp
/// > MSET {pair}a 1 {pair}b 2
/// OK
/// > RENAMENX {pair}a {pair}b
/// (integer) 0
/// > RENAMENX {pair}a {pair}c
/// (integer) 1
/// ```
pub fn renamenx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (from, to) = (req.arg(1), req.arg(2));
    let load = Load::of(w.find(from).ok_or_else(no_such_key)?);
    let free = w.peek(to).is_none();
    if free {
        let db = w.db();
        load.move_to(w, db, to, from, RENAME)?;
    }
    out.integer(free.into());
    Ok(Outcome::Done)
}

fn same_object() -> Fault {
    Fault::new("ERR source and destination objects are the same")
}

/// `COPY source destination [DB destination-db] [REPLACE]`
///
/// Copies a key, deadline included, to another key, perhaps of another database: 1 when it was copied, 0 when there is no
/// such key, or the destination exists and REPLACE was not given.
///
/// ```resp
/// > MSET {pair}a 1 {pair}b 2
/// OK
/// > COPY {pair}a {pair}b
/// (integer) 0
/// > COPY {pair}a {pair}b REPLACE
/// (integer) 1
/// > GET {pair}b
/// "1"
/// > SADD {pair}set red green
/// (integer) 2
/// > COPY {pair}set {pair}other
/// (integer) 1
/// > SCARD {pair}other
/// (integer) 2
/// ```
pub fn copy(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (mut db, mut replace, mut at) = (w.db(), false, 3);
    while at < req.len() {
        if req.is(at, "REPLACE") {
            replace = true;
        } else if req.is(at, "DB") && at + 1 < req.len() {
            at += 1;
            db = args::database(req.arg(at))?;
        } else {
            return Err(Fault::syntax());
        }
        at += 1;
    }
    let (from, to) = (req.arg(1), req.arg(2));
    if db == w.db() && from == to {
        return Err(same_object());
    }
    let load = w.find(from).filter(|_| replace || w.peek_in(db, to).is_none()).map(Load::of);
    let event = w.silence();
    let copied = load.map(|load| load.put(w, db, to, event)).transpose()?.is_some();
    out.integer(copied.into());
    Ok(Outcome::Done)
}

/// `MOVE key db`
///
/// Moves a key, deadline included, to another database: 1 when it was moved, 0 when there is no such key, or that database
/// has one of its name.
///
/// ```resp
/// > SET a 1
/// OK
/// > MOVE a 1
/// (integer) 1
/// > MOVE a 1
/// (integer) 0
/// > SADD colors red
/// (integer) 1
/// > MOVE colors 1
/// (integer) 1
/// > MOVE a 99
/// (error) ERR DB index is out of range
/// ```
pub fn move_to(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (key, db) = (req.arg(1), args::database(req.arg(2))?);
    if db == w.db() {
        return Err(same_object());
    }
    let load = w.find(key).filter(|_| w.peek_in(db, key).is_none()).map(Load::of);
    let moved = load.map(|load| load.move_to(w, db, key, key, MOVE)).transpose()?.is_some();
    out.integer(moved.into());
    Ok(Outcome::Done)
}
