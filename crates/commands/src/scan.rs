//! Looking for keys: all of them, some of them, any of them.
//!
//! Invariant: no shard is held while the answer is written.

use kvark_base::glob;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::EntryRef;
use kvark_keyspace::whole::Cursor;

use crate::context::Context;
use crate::row::Answer;
use crate::texts::Texts;
use crate::{args, dispatch};

pub(crate) const SOURCE: &str = include_str!("scan.rs");

/// `KEYS pattern`
///
/// All keys that match a pattern: `*` stands for anything, `?` for one byte, `[ab]` and `[a-z]` for one of these, `[^a]` for
/// one of the others, `\` makes the next byte stand for itself. It looks at every key; SCAN does so in small steps.
///
/// ```resp
/// > MSET user:1 ada user:2 bob order:1 book
/// OK
/// > KEYS order:*
/// 1) "order:1"
/// > KEYS user:[^1]
/// 1) "user:2"
/// ```
pub fn keys(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.depends_on_all();
    let (pattern, mut found) = (req.arg(1), Texts::default());
    ctx.keys.each(ctx.session.db, ctx.now_ms, |entry| {
        if glob::matches(pattern, entry.key(), false) {
            found.push(entry.key());
        }
    });
    found.answer(out);
    Ok(Outcome::Done)
}

/// What SCAN is to find.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Filter<'a> {
    fn parse(req: &Request<'a>) -> Result<Self, Fault> {
        let mut filter = Self { pattern: None, type_name: None, count: 10 };
        let mut at = 2;
        while at < req.len() {
            let value = req.get(at + 1);
            match (req.arg(at).to_ascii_uppercase().as_slice(), value) {
                (b"COUNT", Some(count)) => {
                    let count = args::integer(count)?;
                    filter.count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or_else(Fault::syntax)?;
                }
                (b"MATCH", Some(pattern)) => filter.pattern = Some(pattern).filter(|&pattern| pattern != b"*"),
                (b"TYPE", Some(name)) => filter.type_name = Some(known_type(name)?),
                (b"NOVALUES", _) => return Err(Fault::new("ERR NOVALUES option can only be used in HSCAN")),
                _ => return Err(Fault::syntax()),
            }
            at += 2;
        }
        Ok(filter)
    }

    fn takes(&self, entry: &EntryRef<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), false))
            && self.type_name.is_none_or(|name| name.eq_ignore_ascii_case(entry.of_type().name().as_bytes()))
    }
}

/// Types that a client may ask for, whether a key can hold them here or not.
const TYPES: [&str; 6] = ["string", "list", "set", "zset", "hash", "stream"];

fn known_type(name: &[u8]) -> Result<&[u8], Fault> {
    if TYPES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) {
        return Ok(name);
    }
    Err(Fault::new(format!("ERR unknown type name '{}'", dispatch::one_line(name))))
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
///
/// Some keys, and the cursor to go on with: a walk over all keys in small steps begins with cursor 0 and ends when 0 is
/// answered. A key that is there during the whole walk is found at least once. COUNT says how many keys to look at in
/// this step (10), before MATCH and TYPE choose among them.
///
/// ```resp
/// > MSET user:1 ada user:2 bob
/// OK
/// > SCAN 0 MATCH *:2 COUNT 100
/// 1) "0"
/// 2) 1) "user:2"
/// > SADD colors red
/// (integer) 1
/// > SCAN 0 TYPE set COUNT 100
/// 1) "0"
/// 2) 1) "colors"
/// > SCAN here
/// (error) ERR invalid cursor
/// ```
pub fn scan(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let cursor = parse_cursor(req.arg(1)).ok_or_else(|| Fault::new("ERR invalid cursor"))?;
    let filter = Filter::parse(req)?;
    ctx.depends_on_all();
    let mut found = Texts::default();
    let next = ctx.keys.scan(ctx.session.db, cursor, filter.count, ctx.now_ms, |entry| {
        if filter.takes(entry) {
            found.push(entry.key());
        }
    });
    out.array(2);
    out.bulk(next.map_or(0, Cursor::to_number).to_string().as_bytes());
    found.answer(out);
    Ok(Outcome::Done)
}

fn parse_cursor(text: &[u8]) -> Option<Cursor> {
    let number: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Cursor::from_number(number)
}

/// `RANDOMKEY`
///
/// A key, any key; nil when there is none.
///
/// ```resp
/// > RANDOMKEY
/// (nil)
/// > SET only one
/// OK
/// > RANDOMKEY
/// "only"
/// ```
pub fn randomkey(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.depends_on_all();
    match ctx.keys.random_key(ctx.session.db, ctx.now_ms, ctx.random) {
        None => out.null(),
        Some(key) => out.bulk(&key),
    }
    Ok(Outcome::Done)
}
