//! Hashes, with and without deadlines of fields.
//!
//! ```text
//! kind 22 (Redis)    fields | deadline, name, value ...
//! kind 22 (Valkey)   fields | name, value, deadline: 8 (-1 for none) ...
//! kind 23            listpack of name, value, deadline ...
//! kind 24            first deadline: 8 | fields | deadline - first + 1 (0 for none), name, value ...
//! kind 25            first deadline: 8 | listpack of name, value, deadline ...
//! ```

use kvark_base::{Millis, Result};

use super::Each;
use crate::kinds;
use crate::packed::listpack::Listpack;
use crate::packed::ziplist::Ziplist;
use crate::packed::{Item, zipmap};
use crate::part::Part;
use crate::source::{Source, nonsense};
use crate::{length, string};

/// The latest deadline there may be: moments are signed in Redis.
const LAST_DEADLINE: Millis = i64::MAX as Millis;

/// Hands over every field.
pub fn read(kind: u8, version: u16, source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    match kind {
        kinds::HASH => plain(source, each),
        kinds::HASH_ZIPMAP => {
            zipmap::each(&string::take(source)?, |name, value| each(Part::Field { name, value, expires_at: 0 }))
        }
        kinds::HASH_ZIPLIST => pairs(Ziplist::open(&string::take(source)?)?, each),
        kinds::HASH_LISTPACK => pairs(Listpack::open(&string::take(source)?)?, each),
        kinds::HASH_2 if version >= kinds::VALKEY => of_valkey(source, each),
        _ if version >= kinds::VALKEY => Err(nonsense("Valkey has no such form of a hash")),
        kinds::HASH_METADATA_PRE_GA => with_deadlines(source, None, each),
        kinds::HASH_METADATA => {
            let first = source.unsigned_le(8)?;
            with_deadlines(source, Some(first), each)
        }
        kinds::HASH_LISTPACK_EX_PRE_GA => triples(Listpack::open(&string::take(source)?)?, each),
        kinds::HASH_LISTPACK_EX => {
            source.take(8)?;
            triples(Listpack::open(&string::take(source)?)?, each)
        }
        _ => Err(nonsense("there is no such form of a hash")),
    }
}

fn plain(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        let name = string::take(source)?;
        each(Part::Field { name: &name, value: &string::take(source)?, expires_at: 0 })?;
    }
    Ok(())
}

fn pairs<'a>(mut items: impl Iterator<Item = Result<Item<'a>>>, each: Each<'_>) -> Result<()> {
    let (mut name_buffer, mut value_buffer) = (itoa::Buffer::new(), itoa::Buffer::new());
    while let Some(name) = items.next() {
        let value = items.next().unwrap_or_else(|| Err(nonsense("a field has no value")))?;
        let (name, value) = (name?.text(&mut name_buffer), value.text(&mut value_buffer));
        each(Part::Field { name, value, expires_at: 0 })?;
    }
    Ok(())
}

fn of_valkey(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        let (name, value) = (string::take(source)?, string::take(source)?);
        let expires_at = match source.signed_le(8)? {
            -1 => 0,
            deadline => checked(deadline.try_into().unwrap_or(Millis::MAX))?.max(1),
        };
        each(Part::Field { name: &name, value: &value, expires_at })?;
    }
    Ok(())
}

fn with_deadlines(source: &mut Source<'_>, first: Option<Millis>, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        let expires_at = match first {
            Some(first) => take_deadline(source, first)?,
            None => checked(length::take(source)?)?,
        };
        let name = string::take(source)?;
        each(Part::Field { name: &name, value: &string::take(source)?, expires_at })?;
    }
    Ok(())
}

/// A deadline that is written as its distance from the first, plus one; 0 is none.
pub fn take_deadline(source: &mut Source<'_>, first: Millis) -> Result<Millis> {
    match length::take(source)? {
        0 => Ok(0),
        distance => checked(first.saturating_add(distance - 1)),
    }
}

fn triples(mut items: Listpack<'_>, each: Each<'_>) -> Result<()> {
    let (mut name_buffer, mut value_buffer) = (itoa::Buffer::new(), itoa::Buffer::new());
    while let Some(name) = items.next() {
        let (value, deadline) = (items.due()?, items.due_integer()?);
        let (name, value) = (name?.text(&mut name_buffer), value.text(&mut value_buffer));
        let expires_at = checked(deadline.try_into().unwrap_or(Millis::MAX))?;
        each(Part::Field { name, value, expires_at })?;
    }
    Ok(())
}

fn checked(deadline: Millis) -> Result<Millis> {
    if deadline > LAST_DEADLINE { Err(nonsense("a deadline is later than deadlines go")) } else { Ok(deadline) }
}
