//! COMMAND: the table, told.

use kvark_base::glob;
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::context::Context;
use crate::docs::Doc;
use crate::row::{Answer, Flags, Group, Keys, Row};
use crate::table::ROWS;
use crate::{dispatch, help, syntax};

pub(crate) const SOURCE: &str = include_str!("command.rs");

/// Rows that are no sub-commands.
fn whole_rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| !row.name.contains('|'))
}

/// `COMMAND`
///
/// All that is known of every command, as COMMAND INFO tells it.
///
/// ```resp
/// > COMMAND
/// ...
/// ```
pub fn command(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.array(whole_rows().count());
    whole_rows().for_each(|row| answer_info(row, out));
    Ok(Outcome::Done)
}

/// `COMMAND HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > COMMAND HELP
/// ...COMMAND <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("COMMAND", out)
}

/// `COMMAND COUNT`
///
/// How many commands there are.
///
/// ```resp
/// > COMMAND COUNT
/// (integer) ...
/// ```
pub fn count(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(whole_rows().count() as i64);
    Ok(Outcome::Done)
}

/// `COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]`
///
/// The names of all commands and sub-commands, or of those that a pattern matches or that belong to a category.
///
/// ```resp
/// > COMMAND LIST FILTERBY PATTERN mset*
/// 1) "mset"
/// 2) "msetex"
/// 3) "msetnx"
/// ```
pub fn list(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let filter = ListFilter::parse(req)?;
    let names: Vec<String> =
        ROWS.iter().filter(|row| filter.takes(row)).map(|row| row.name.to_ascii_lowercase()).collect();
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(Outcome::Done)
}

enum ListFilter<'a> {
    All,
    Module,
    Category(&'a [u8]),
    Pattern(&'a [u8]),
}

impl<'a> ListFilter<'a> {
    fn parse(req: &Request<'a>) -> Result<Self, Fault> {
        match req.len() {
            2 => Ok(Self::All),
            5 if req.is(2, "FILTERBY") && req.is(3, "MODULE") => Ok(Self::Module),
            5 if req.is(2, "FILTERBY") && req.is(3, "ACLCAT") => Ok(Self::Category(req.arg(4))),
            5 if req.is(2, "FILTERBY") && req.is(3, "PATTERN") => Ok(Self::Pattern(req.arg(4))),
            _ => Err(Fault::syntax()),
        }
    }

    fn takes(&self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Module => false,
            Self::Category(name) => {
                categories(row).iter().any(|category| category.as_bytes()[1..].eq_ignore_ascii_case(name))
            }
            Self::Pattern(pattern) => glob::matches(pattern, row.name.as_bytes(), true),
        }
    }
}

/// `COMMAND INFO [command-name [command-name ...]]`
///
/// Of each command its name, arity, flags, the places of its keys (first, last, step), categories, hints, key
/// specifications and sub-commands; nil for one that does not exist.
///
/// ```resp
/// > COMMAND INFO nosuch
/// 1) (nil)
/// > COMMAND INFO get
/// 1)  1) "get"
///     2) (integer) 2
///     3) 1) readonly
///        2) fast
///     4) (integer) 1
///     5) (integer) 1
///     6) (integer) 1
///     7) 1) @read
///        2) @string
///        3) @fast
/// ...
/// ```
pub fn info(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() == 2 {
        return command(ctx, req, out);
    }
    out.array(req.len() - 2);
    for name in req.args_from(2) {
        match dispatch::find(name) {
            Some(row) => answer_info(row, out),
            None => out.null_array(),
        }
    }
    Ok(Outcome::Done)
}

fn answer_info(row: &Row, out: &mut dyn ReplySink) {
    out.array(10);
    out.bulk(row.name.to_ascii_lowercase().as_bytes());
    out.integer(row.arity.into());
    answer_words(&row.flags.names().collect::<Vec<_>>(), out);
    let (first, last, step) = match row.keys {
        Keys::None | Keys::Counted { .. } | Keys::Streams { .. } => (0, 0, 0),
        Keys::First | Keys::WithMembers { .. } | Keys::Destination { .. } | Keys::Storing { .. } => (1, 1, 1),
        Keys::Range { first, last, step } => (first, last, step),
    };
    out.integer(first as i64);
    out.integer(last as i64);
    out.integer(step as i64);
    answer_words(&categories(row), out);
    out.set(0);
    answer_key_specs(row, out);
    let subs: Vec<&Row> = help::subcommands(row.name).collect();
    out.array(subs.len());
    subs.iter().for_each(|sub| answer_info(sub, out));
}

fn answer_words(words: &[&str], out: &mut dyn ReplySink) {
    out.set(words.len());
    words.iter().for_each(|word| out.status(word));
}

fn categories(row: &Row) -> Vec<&'static str> {
    let (flags, of_type) = (row.flags, row.group.type_category());
    let asks_for_commands = row.name.starts_with("COMMAND");
    if flags.has(Flags::FAMILY) {
        // Its sub-commands have theirs.
        return if asks_for_commands { vec!["@slow", "@connection"] } else { vec!["@slow"] };
    }
    if matches!(row.name, "SORT" | "SORT_RO") {
        let reads = if row.writes() { "@write" } else { "@read" };
        return vec![reads, "@set", "@sortedset", "@list", "@slow", "@dangerous"];
    }
    let about_keys = row.group == Group::Generic
        || row.group == Group::Server && (flags.has(Flags::WRITE) || flags.has(Flags::READONLY));
    [
        (about_keys, "@keyspace"),
        (flags.has(Flags::READONLY), "@read"),
        (flags.has(Flags::WRITE), "@write"),
        (of_type.is_some(), of_type.unwrap_or_default()),
        (flags.has(Flags::ADMIN), "@admin"),
        (flags.has(Flags::FAST), "@fast"),
        (!flags.has(Flags::FAST), "@slow"),
        (flags.has(Flags::BLOCKING), "@blocking"),
        (flags.has(Flags::ADMIN) || flags.has(Flags::DANGEROUS), "@dangerous"),
        (row.group == Group::Pubsub, "@pubsub"),
        (row.group == Group::Scripting, "@scripting"),
        (row.group == Group::Connection || asks_for_commands, "@connection"),
    ]
    .into_iter()
    .filter_map(|(belongs, category)| belongs.then_some(category))
    .collect()
}

/// What a command does to its `nth` key, in the words of key specifications.
fn key_flags(row: &Row, nth: usize) -> &'static [&'static str] {
    match (row.name, nth) {
        ("SET" | "SETEX" | "PSETEX" | "MSET" | "MSETEX", _) | ("RENAME" | "COPY", 1) => &["OW", "update"],
        ("SETNX" | "MSETNX", _) | ("RENAMENX", 1) => &["OW", "insert"],
        ("DEL" | "UNLINK", _) => &["RM", "delete"],
        ("GETDEL" | "HGETDEL" | "SPOP", _) | ("SMOVE", 0) | ("RENAME" | "RENAMENX", 0) => &["RW", "access", "delete"],
        ("DELEX" | "DELIFEQ" | "HDEL" | "SREM" | "XAUTOCLAIM" | "XDEL" | "XDELEX" | "XTRIM", _)
        | ("XGROUP|DELCONSUMER" | "XGROUP|DESTROY", _) => &["RW", "delete"],
        ("HSETNX" | "SADD" | "XGROUP|CREATE" | "XGROUP|CREATECONSUMER", _) | ("SMOVE", 1) => &["RW", "insert"],
        ("HEXPIRE" | "HEXPIREAT" | "HPEXPIRE" | "HPEXPIREAT" | "HPERSIST" | "HMSET" | "HSET" | "HSETEX", _)
        | ("XACK" | "XACKDEL" | "XADD" | "XCLAIM" | "XGROUP|SETID" | "XSETID", _) => &["RW", "update"],
        ("SDIFFSTORE" | "SINTERSTORE" | "SUNIONSTORE", nth) => &[["OW", "update"], ["RO", "access"]][nth.min(1)],
        ("RESTORE", _) => &["OW", "update"],
        ("EVAL" | "EVALSHA" | "FCALL", _) => &["RW", "access", "update"],
        ("XREADGROUP", _) => &["RO", "access"],
        ("APPEND" | "LPUSH" | "LPUSHX" | "RPUSH" | "RPUSHX" | "LINSERT", _)
        | ("LMOVE" | "RPOPLPUSH" | "BLMOVE" | "BRPOPLPUSH", 1) => &["RW", "insert"],
        ("LPOP" | "RPOP" | "LMPOP" | "BLPOP" | "BRPOP" | "BLMPOP", _)
        | ("LMOVE" | "RPOPLPUSH" | "BLMOVE" | "BRPOPLPUSH", 0)
        | ("ZPOPMIN" | "ZPOPMAX" | "ZMPOP" | "BZPOPMIN" | "BZPOPMAX" | "BZMPOP", _) => &["RW", "access", "delete"],
        ("BITFIELD", _) => &["RW", "access", "update", "variable_flags"],
        ("BITOP", 0) => &["OW", "update"],
        ("PFADD", _) => &["RW", "insert"],
        ("PFMERGE", 0) => &["RW", "access", "insert"],
        ("BITOP" | "PFMERGE", _) => &["RO", "access"],
        ("PFCOUNT" | "PFDEBUG", _) => &["RW", "access"],
        ("LREM" | "LTRIM", _) => &["RW", "delete"],
        ("ZREM" | "ZREMRANGEBYLEX" | "ZREMRANGEBYRANK" | "ZREMRANGEBYSCORE", _) => &["RW", "delete"],
        ("ZADD" | "GEOADD", _) => &["RW", "update"],
        ("ZRANGESTORE" | "GEOSEARCHSTORE", nth) => &[["OW", "update"], ["RO", "access"]][nth.min(1)],
        _ if matches!(row.keys, Keys::Destination { .. }) => &[["OW", "update"], ["RO", "access"]][nth.min(1)],
        _ if matches!(row.keys, Keys::Storing { .. }) => &[["RO", "access"], ["OW", "update"]][nth.min(1)],
        ("EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" | "PERSIST" | "SETRANGE" | "LSET", _) => &["RW", "update"],
        ("COPY", 0) => &["RO", "access"],
        ("EXISTS" | "STRLEN" | "LLEN" | "TOUCH" | "TYPE" | "ZCARD" | "WATCH", _)
        | ("HEXISTS" | "HLEN" | "HSTRLEN" | "SCARD" | "SISMEMBER" | "XLEN", _)
        | ("MEMORY|USAGE" | "OBJECT|ENCODING" | "OBJECT|FREQ" | "OBJECT|IDLETIME" | "OBJECT|REFCOUNT", _) => &["RO"],
        _ if row.writes() => &["RW", "access", "update"],
        _ => &["RO", "access"],
    }
}

fn answer_key_specs(row: &Row, out: &mut dyn ReplySink) {
    let range = |last: isize, step: usize| [("lastkey", last as i64), ("keystep", step as i64), ("limit", 0)];
    match row.keys {
        Keys::None => out.set(0),
        Keys::First | Keys::WithMembers { .. } => {
            out.set(1);
            answer_key_spec(1, "range", &range(0, 1), key_flags(row, 0), out);
        }
        // A first key that fares differently has a specification of its own.
        Keys::Range { first, last, step } if key_flags(row, 0) != key_flags(row, 1) => {
            let last = if last < 0 { last } else { last - first as isize - 1 };
            out.set(2);
            answer_key_spec(first, "range", &range(0, step), key_flags(row, 0), out);
            answer_key_spec(first + 1, "range", &range(last, step), key_flags(row, 1), out);
        }
        Keys::Range { first, last, step } => {
            let last = if last < 0 { last } else { last - first as isize };
            out.set(1);
            answer_key_spec(first, "range", &range(last, step), key_flags(row, 0), out);
        }
        Keys::Counted { count_at, step } => {
            out.set(1);
            answer_key_spec(count_at, "keynum", &keynum(step), key_flags(row, 0), out);
        }
        Keys::Destination { count_at } => {
            out.set(2);
            answer_key_spec(1, "range", &range(0, 1), key_flags(row, 0), out);
            answer_key_spec(count_at, "keynum", &keynum(1), key_flags(row, 1), out);
        }
        Keys::Streams { from } => {
            out.set(1);
            let halves = [("lastkey", -1), ("keystep", 1), ("limit", 2)];
            let search = Search::Keyword("STREAMS", from as i64);
            answer_searched_spec(search, "range", &halves, key_flags(row, 0), out);
        }
        Keys::Storing { words, from } => {
            out.set(1 + words.len());
            answer_key_spec(1, "range", &range(0, 1), key_flags(row, 0), out);
            let search = |word| Search::Keyword(word, from as i64);
            words
                .iter()
                .for_each(|word| answer_searched_spec(search(word), "range", &range(0, 1), key_flags(row, 1), out));
        }
    }
}

fn keynum(step: usize) -> [(&'static str, i64); 3] {
    [("keynumidx", 0), ("firstkey", 1), ("keystep", step as i64)]
}

/// Where the search for keys begins.
enum Search {
    Index(i64),
    Keyword(&'static str, i64),
}

impl Search {
    fn answer(&self, out: &mut dyn ReplySink) {
        match *self {
            Self::Index(index) => answer_spec("index", &[("index", index)], out),
            Self::Keyword(word, from) => {
                out.map(2);
                out.bulk(b"type");
                out.bulk(b"keyword");
                out.bulk(b"spec");
                out.map(2);
                out.bulk(b"keyword");
                out.bulk(word.as_bytes());
                out.bulk(b"startfrom");
                out.integer(from);
            }
        }
    }
}

fn answer_key_spec(index: usize, kind: &str, find: &[(&str, i64)], flags: &[&str], out: &mut dyn ReplySink) {
    answer_searched_spec(Search::Index(index as i64), kind, find, flags, out);
}

fn answer_searched_spec(search: Search, kind: &str, find: &[(&str, i64)], flags: &[&str], out: &mut dyn ReplySink) {
    out.map(3);
    out.bulk(b"flags");
    answer_words(flags, out);
    out.bulk(b"begin_search");
    search.answer(out);
    out.bulk(b"find_keys");
    answer_spec(kind, find, out);
}

fn answer_spec(kind: &str, numbers: &[(&str, i64)], out: &mut dyn ReplySink) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(numbers.len());
    for (name, number) in numbers {
        out.bulk(name.as_bytes());
        out.integer(*number);
    }
}

/// `COMMAND DOCS [command-name [command-name ...]]`
///
/// Of each command its summary, the version that had it first, its group, its arguments and its sub-commands.
///
/// ```resp
/// > COMMAND DOCS ping
/// 1) "ping"
/// 2) 1) "summary"
///    2) "PONG, or the message."
/// ...
/// ```
pub fn docs(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let rows: Vec<&Row> =
        if req.len() == 2 { whole_rows().collect() } else { req.args_from(2).filter_map(dispatch::find).collect() };
    out.map(rows.len());
    rows.iter().for_each(|row| answer_docs(row, out));
    Ok(Outcome::Done)
}

fn answer_docs(row: &Row, out: &mut dyn ReplySink) {
    let doc = Doc::of(row);
    let arguments = syntax::arguments(&doc, row);
    let subs: Vec<&Row> = help::subcommands(row.name).collect();
    out.bulk(row.name.to_ascii_lowercase().as_bytes());
    out.map(3 + usize::from(!arguments.is_empty()) + usize::from(!subs.is_empty()));
    for (name, value) in [("summary", doc.summary.as_str()), ("since", row.since), ("group", row.group.name())] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    if !arguments.is_empty() {
        out.bulk(b"arguments");
        syntax::answer(&arguments, out);
    }
    if !subs.is_empty() {
        out.bulk(b"subcommands");
        out.map(subs.len());
        subs.iter().for_each(|sub| answer_docs(sub, out));
    }
}

/// `COMMAND GETKEYS command [argument ...]`
///
/// The keys among the arguments of a command.
///
/// ```resp
/// > COMMAND GETKEYS MSET a 1 b 2
/// 1) "a"
/// 2) "b"
/// > COMMAND GETKEYS PING
/// (error) ERR The command has no key arguments
/// ```
pub fn getkeys(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (_, keys) = keys_of(req)?;
    out.array(keys.len());
    keys.iter().for_each(|key| out.bulk(key));
    Ok(Outcome::Done)
}

/// `COMMAND GETKEYSANDFLAGS command [argument ...]`
///
/// The keys among the arguments of a command, and what it does to them.
///
/// ```resp
/// > COMMAND GETKEYSANDFLAGS GET a
/// 1) 1) "a"
///    2) 1) RO
///       2) access
/// ```
pub fn getkeysandflags(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (row, keys) = keys_of(req)?;
    out.array(keys.len());
    for (nth, key) in keys.iter().enumerate() {
        out.array(2);
        out.bulk(key);
        answer_words(key_flags(row, nth), out);
    }
    Ok(Outcome::Done)
}

fn keys_of<'a>(req: &Request<'a>) -> Result<(&'static Row, Vec<&'a [u8]>), Fault> {
    let inner = req.tail(2);
    let row = dispatch::find(inner.name()).and_then(|row| {
        let family = row.flags.has(Flags::FAMILY) && inner.len() > 1;
        if family { dispatch::find_sub(row, inner.arg(1)) } else { Some(row) }
    });
    let row = row.ok_or_else(|| Fault::new("ERR Invalid command specified"))?;
    if row.keys == Keys::None {
        return Err(Fault::new("ERR The command has no key arguments"));
    }
    if !row.takes(inner.len()) {
        return Err(Fault::new("ERR Invalid number of arguments specified for command"));
    }
    let keys: Vec<&[u8]> = row.keys(&inner).collect();
    if (keys.is_empty() && row.group != Group::Scripting) || !counts_its_keys(row, &inner) {
        return Err(Fault::new("ERR Invalid arguments specified for command"));
    }
    Ok((row, keys))
}

/// Whether the number of keys that a request announces is one, and so many follow.
fn counts_its_keys(row: &Row, req: &Request) -> bool {
    let (count_at, step) = match row.keys {
        Keys::Counted { count_at, step } => (count_at, step),
        Keys::Destination { count_at } => (count_at, 1),
        _ => return true,
    };
    let room = (req.len() - 1).saturating_sub(count_at) / step;
    let count = req.get(count_at).and_then(kvark_base::number::parse_i64).and_then(|count| usize::try_from(count).ok());
    count.is_some_and(|count| count <= room && (count > 0 || row.group == Group::Scripting))
}
