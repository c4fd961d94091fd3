//! From a request to its row: found by name in any case, arity checked, refused in Redis' own words.
//!
//! ```text
//! index: 512 places of one row number + 1, 0 is empty; a name's place comes from its folded bytes, the next free one on collision
//! ```

use kvark_base::limits::MAX_KEY_LEN;
use kvark_call::{Fault, Request};

use crate::row::{Flags, Row};
use crate::table::{ROWS, TABLE};

const PLACES: usize = 512;
const _: () = assert!(TABLE.len() < 256 && TABLE.len() * 2 < PLACES);

static INDEX: [u8; PLACES] = build();

const fn build() -> [u8; PLACES] {
    let mut index = [0; PLACES];
    let mut row = 0;
    while row < TABLE.len() {
        let mut place = place_of(TABLE[row].name.as_bytes());
        while index[place] != 0 {
            place = (place + 1) % PLACES;
        }
        index[place] = row as u8 + 1;
        row += 1;
    }
    index
}

/// Where a name belongs; upper and lower case belong in one place.
#[inline]
const fn place_of(name: &[u8]) -> usize {
    let mut hash = name.len() as u32;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ (name[at] & 0xdf) as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    ((hash ^ hash >> 15) as usize) % PLACES
}

/// The longest name in the table.
const MAX_NAME_LEN: usize = 32;

/// The row called `name` (a sub-command as `CLIENT|KILL`), in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Row> {
    if name.len() > MAX_NAME_LEN {
        return None;
    }
    let mut place = place_of(name);
    loop {
        let row = usize::from(INDEX[place]).checked_sub(1)?;
        if ROWS[row].name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(&ROWS[row]);
        }
        place = (place + 1) % PLACES;
    }
}

/// The number of `row` in the table, for counters.
#[inline]
pub fn index(row: &'static Row) -> u32 {
    ((std::ptr::from_ref(row).addr() - ROWS.as_ptr().addr()) / size_of::<Row>()) as u32
}

/// The row that serves `req`, with its arity and the lengths of the keys it may make checked.
#[inline]
pub fn resolve(req: &Request<'_>) -> Result<&'static Row, Fault> {
    let Some(mut row) = find(req.name()) else { return Err(unknown_command(req)) };
    if row.flags.has(Flags::FAMILY) && req.len() > 1 {
        row = find_sub(row, req.arg(1)).ok_or_else(|| unknown_subcommand(row, req))?;
    }
    if !row.takes(req.len()) {
        return Err(Fault::arity(&row.name.to_ascii_lowercase()));
    }
    if row.writes() {
        row.keys(req).try_for_each(check_key)?;
    }
    Ok(row)
}

/// Refuses a key that is too long to be kept.
#[inline]
pub fn check_key(key: &[u8]) -> Result<(), Fault> {
    if key.len() > MAX_KEY_LEN {
        return Err(key_too_long(key.len()));
    }
    Ok(())
}

#[cold]
fn key_too_long(len: usize) -> Fault {
    Fault::new(format!("ERR this key has {len} bytes, and the longest key has {MAX_KEY_LEN}"))
}

/// The row of sub-command `word` of `family`.
pub fn find_sub(family: &Row, word: &[u8]) -> Option<&'static Row> {
    let mut name = [0; MAX_NAME_LEN];
    let split = family.name.len();
    let len = split + 1 + word.len();
    if len > MAX_NAME_LEN {
        return None;
    }
    name[..split].copy_from_slice(family.name.as_bytes());
    name[split] = b'|';
    name[split + 1..len].copy_from_slice(word);
    find(&name[..len])
}

/// How much of a stranger's words a refusal repeats.
const ECHO_LEN: usize = 128;

#[cold]
fn unknown_command(req: &Request<'_>) -> Fault {
    let mut args = String::new();
    for arg in req.args_from(1) {
        let Some(room @ 1..) = ECHO_LEN.checked_sub(args.len()) else { break };
        args += &format!("'{}' ", one_line(&arg[..arg.len().min(room)]));
    }
    let name = one_line(&req.name()[..req.name().len().min(ECHO_LEN)]);
    Fault::new(format!("ERR unknown command '{name}', with args beginning with: {args}"))
}

#[cold]
fn unknown_subcommand(family: &Row, req: &Request<'_>) -> Fault {
    let word = one_line(&req.arg(1)[..req.arg(1).len().min(ECHO_LEN)]);
    Fault::new(format!("ERR unknown subcommand '{word}'. Try {} HELP.", family.name))
}

/// A stranger's bytes as text that stays within one line.
pub(crate) fn one_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(['\r', '\n'], " ")
}
