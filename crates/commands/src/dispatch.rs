//! From a request to its row: found by name in any case, arity checked, refused in Redis' own words.
//!
//! ```text
//! index: 1024 places | first eight bytes of a name, folded, 64 | row number + 1, 0 is empty | whether those bytes are all |
//! ```
//!
//! A name's place comes from its first and last eight bytes and its length; the next free place on collision. Folding
//! clears the bit that tells `a` from `A`, in all bytes alike, so a name of up to eight letters equals no other; the rest are compared
//! byte by byte.

use kvark_base::limits::MAX_KEY_LEN;
use kvark_call::{Fault, Request};

use crate::row::{Flags, Row};
use crate::table::{ROWS, TABLE};

const PLACE_BITS: u32 = 10;
const PLACES: usize = 1 << PLACE_BITS;
const _: () = assert!(TABLE.len() * 2 < PLACES);

#[derive(Clone, Copy)]
struct Place {
    word: u64,
    row: u16,
    is_all: bool,
}

static INDEX: [Place; PLACES] = build();

const fn build() -> [Place; PLACES] {
    let mut index = [Place { word: 0, row: 0, is_all: false }; PLACES];
    let mut row = 0;
    while row < TABLE.len() {
        let name = TABLE[row].name.as_bytes();
        let word = first_word(name);
        let mut place = place_of(name, word);
        while index[place].row != 0 {
            place = (place + 1) % PLACES;
        }
        index[place] = Place { word, row: row as u16 + 1, is_all: is_short_word(name) };
        row += 1;
    }
    index
}

/// Whether a name is its first eight bytes, and folding them loses nothing but their case.
const fn is_short_word(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() && name[at].is_ascii_alphabetic() {
        at += 1;
    }
    at == name.len() && at <= 8
}

const FOLD: u64 = 0xdfdf_dfdf_dfdf_dfdf;

/// The first eight bytes of a name that is not empty, zeros behind a shorter one.
#[inline]
const fn first_word(name: &[u8]) -> u64 {
    let len = name.len();
    let word = if len >= 8 {
        word_at(name, 0)
    } else if len >= 4 {
        half_at(name, 0) | half_at(name, len - 4) << ((len - 4) * 8)
    } else {
        let (middle, last) = (len / 2, len - 1);
        name[0] as u64 | (name[middle] as u64) << (middle * 8) | (name[last] as u64) << (last * 8)
    };
    word & FOLD
}

const fn word_at(name: &[u8], at: usize) -> u64 {
    half_at(name, at) | half_at(name, at + 4) << 32
}

const fn half_at(name: &[u8], at: usize) -> u64 {
    u32::from_le_bytes([name[at], name[at + 1], name[at + 2], name[at + 3]]) as u64
}

/// Where a name belongs; upper and lower case belong in one place.
#[inline]
const fn place_of(name: &[u8], first_word: u64) -> usize {
    let len = name.len();
    let mut mix = first_word;
    if len > 8 {
        mix ^= (word_at(name, len - 8) & FOLD).rotate_left(29) ^ len as u64;
    }
    (mix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACE_BITS)) as usize
}

/// The longest name in the table, and a little more.
const MAX_NAME_LEN: usize = 32;

/// The row called `name` (a sub-command as `CLIENT|KILL`), in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Row> {
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        return None;
    }
    let word = first_word(name);
    let mut place = place_of(name, word);
    loop {
        let Place { word: found, row, is_all } = INDEX[place];
        let row = &ROWS[usize::from(row).checked_sub(1)?];
        let same_len = row.name.len() == name.len();
        if found == word && same_len && (is_all || row.name.as_bytes().eq_ignore_ascii_case(name)) {
            return Some(row);
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
    // A sub-command is reached by its family only; no short name is one.
    let whole = |row: &&Row| row.name.len() <= 8 || !row.name.contains('|');
    let Some(mut row) = find(req.name()).filter(whole) else { return Err(unknown_command(req)) };
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

/// The row that `req` names, with nothing checked.
#[inline]
pub(crate) fn find_row(req: &Request<'_>) -> Option<&'static Row> {
    let row = find(req.name())?;
    if row.flags.has(Flags::FAMILY) && req.len() > 1 { find_sub(row, req.arg(1)) } else { Some(row) }
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
