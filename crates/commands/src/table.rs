//! All commands, by name. A row gives name, arity, group, flags, keys, the version of Redis that had it first, and the
//! function by what it holds: `Read` and `Write` the shards of its keys, `Ask` none.

use crate::row::{Flags, Group, Handler, Keys, Row, Source};
use crate::strings::{conditions, lcs, many, ranges};
use crate::{counters, databases, expiry, keys, moving, scan, strings};

macro_rules! row {
    ($name:literal, $arity:literal, $group:ident, $flags:expr, $keys:expr, $since:literal,
     $handler:ident($family:ident::$function:ident)) => {
        Row {
            name: $name,
            arity: $arity,
            group: Group::$group,
            flags: $flags,
            keys: $keys,
            handler: Handler::$handler($family::$function),
            since: $since,
            source: Source { text: $family::SOURCE, function: stringify!($function) },
        }
    };
}

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const MAKE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const MAKE_FAST: Flags = MAKE.and(Flags::FAST);
const MANY: Keys = Keys::Range { first: 1, last: -1, step: 1 };
const PAIRS: Keys = Keys::Range { first: 1, last: -1, step: 2 };
const TWO: Keys = Keys::Range { first: 1, last: 2, step: 1 };
const FIRST: Keys = Keys::First;
const NONE: Keys = Keys::None;

/// Every command, sorted by name.
pub static ROWS: [Row; TABLE.len()] = TABLE;

#[rustfmt::skip]
pub(crate) const TABLE: [Row; 51] = [
    row!("APPEND", 3, String, MAKE_FAST, FIRST, "2.0.0", Write(ranges::append)),
    row!("COPY", -3, Generic, MAKE, TWO, "6.2.0", Write(moving::copy)),
    row!("DBSIZE", 1, Server, READ_FAST, NONE, "1.0.0", Ask(databases::dbsize)),
    row!("DECR", 2, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::decr)),
    row!("DECRBY", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::decrby)),
    row!("DEL", -2, Generic, WRITE, MANY, "1.0.0", Write(keys::del)),
    row!("DELEX", -2, String, WRITE_FAST, FIRST, "8.4.0", Write(conditions::delex)),
    row!("DIGEST", 2, String, READ_FAST, FIRST, "8.4.0", Read(conditions::digest)),
    row!("EXISTS", -2, Generic, READ_FAST, MANY, "1.0.0", Read(keys::exists)),
    row!("EXPIRE", -3, Generic, WRITE_FAST, FIRST, "1.0.0", Write(expiry::expire)),
    row!("EXPIREAT", -3, Generic, WRITE_FAST, FIRST, "1.2.0", Write(expiry::expireat)),
    row!("EXPIRETIME", 2, Generic, READ_FAST, FIRST, "7.0.0", Read(expiry::expiretime)),
    row!("FLUSHALL", -1, Server, WRITE, NONE, "1.0.0", Ask(databases::flushall)),
    row!("FLUSHDB", -1, Server, WRITE, NONE, "1.0.0", Ask(databases::flushdb)),
    row!("GET", 2, String, READ_FAST, FIRST, "1.0.0", Read(strings::get)),
    row!("GETDEL", 2, String, WRITE_FAST, FIRST, "6.2.0", Write(strings::getdel)),
    row!("GETEX", -2, String, WRITE_FAST, FIRST, "6.2.0", Write(strings::getex)),
    row!("GETRANGE", 4, String, READ, FIRST, "2.4.0", Read(ranges::getrange)),
    row!("GETSET", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(strings::getset)),
    row!("INCR", 2, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::incr)),
    row!("INCRBY", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::incrby)),
    row!("INCRBYFLOAT", 3, String, MAKE_FAST, FIRST, "2.6.0", Write(counters::incrbyfloat)),
    row!("KEYS", 2, Generic, READ.and(Flags::DANGEROUS), NONE, "1.0.0", Ask(scan::keys)),
    row!("LCS", -3, String, READ, TWO, "7.0.0", Ask(lcs::lcs)),
    row!("MGET", -2, String, READ_FAST, MANY, "1.0.0", Read(many::mget)),
    row!("MOVE", 3, Generic, WRITE_FAST, FIRST, "1.0.0", Write(moving::move_to)),
    row!("MSET", -3, String, MAKE, PAIRS, "1.0.1", Write(many::mset)),
    row!("MSETEX", -4, String, MAKE.and(Flags::MOVABLE_KEYS), Keys::Counted { count_at: 1, step: 2 }, "8.4.0", Write(many::msetex)),
    row!("MSETNX", -3, String, MAKE, PAIRS, "1.0.1", Write(many::msetnx)),
    row!("PERSIST", 2, Generic, WRITE_FAST, FIRST, "2.2.0", Write(expiry::persist)),
    row!("PEXPIRE", -3, Generic, WRITE_FAST, FIRST, "2.6.0", Write(expiry::pexpire)),
    row!("PEXPIREAT", -3, Generic, WRITE_FAST, FIRST, "2.6.0", Write(expiry::pexpireat)),
    row!("PEXPIRETIME", 2, Generic, READ_FAST, FIRST, "7.0.0", Read(expiry::pexpiretime)),
    row!("PSETEX", 4, String, MAKE, FIRST, "2.6.0", Write(strings::psetex)),
    row!("PTTL", 2, Generic, READ_FAST, FIRST, "2.6.0", Read(expiry::pttl)),
    row!("RANDOMKEY", 1, Generic, READ, NONE, "1.0.0", Ask(scan::randomkey)),
    row!("RENAME", 3, Generic, WRITE, TWO, "1.0.0", Write(moving::rename)),
    row!("RENAMENX", 3, Generic, WRITE_FAST, TWO, "1.0.0", Write(moving::renamenx)),
    row!("SCAN", -2, Generic, READ, NONE, "2.8.0", Ask(scan::scan)),
    row!("SELECT", 2, Connection, Flags::FAST.and(Flags::LOADING).and(Flags::STALE), NONE, "1.0.0", Ask(databases::select)),
    row!("SET", -3, String, MAKE, FIRST, "1.0.0", Write(strings::set)),
    row!("SETEX", 4, String, MAKE, FIRST, "2.0.0", Write(strings::setex)),
    row!("SETNX", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(strings::setnx)),
    row!("SETRANGE", 4, String, MAKE, FIRST, "2.2.0", Write(ranges::setrange)),
    row!("STRLEN", 2, String, READ_FAST, FIRST, "2.2.0", Read(ranges::strlen)),
    row!("SUBSTR", 4, String, READ, FIRST, "1.0.0", Read(ranges::substr)),
    row!("SWAPDB", 3, Server, WRITE_FAST, NONE, "4.0.0", Ask(databases::swapdb)),
    row!("TOUCH", -2, Generic, READ_FAST, MANY, "3.2.1", Read(keys::touch)),
    row!("TTL", 2, Generic, READ_FAST, FIRST, "1.0.0", Read(expiry::ttl)),
    row!("TYPE", 2, Generic, READ_FAST, FIRST, "1.0.0", Read(keys::type_of)),
    row!("UNLINK", -2, Generic, WRITE_FAST, MANY, "4.0.0", Write(keys::unlink)),
];
