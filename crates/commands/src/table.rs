//! All commands, by name. A row gives name, arity, group, flags, keys, the version of Redis that had it first, and the
//! function by what it holds: `Read` and `Write` the shards of its keys, `Ask` none. Behind that, what its changes are told as.

use crate::bitmaps::{fields, operations, spans};
use crate::client::{peers, tracking};
use crate::geo::searching;
use crate::hashes::{deadlines as field_deadlines, draws as field_draws, fields as hash_fields, numbers};
use crate::hyperloglog::debugging;
use crate::lists::{blocking, indexes, matches, transfers};
use crate::pubsub::asking;
use crate::row::{Flags, Group, Handler, Keys, Row, Source};
use crate::scripting::{cached, functions, libraries};
use crate::sets::{algebra, deadlines, draws};
use crate::streams::{adding, claiming, group_reading, groups, info, pending, reading, removing, trimming};
use crate::strings::{conditions, lcs, many, ranges};
use crate::zsets::{combining, drawing, expiring, leaving, popping, scoring, stretches};
use crate::{
    bitmaps, client, command, config, connection, counters, databases, debug, dump, durability, events, expiry, geo,
    hashes, hyperloglog, keys, latency, lists, monitor, moving, object, pubsub, scan, scripting, server, sets, slowlog,
    sort, streams, strings, transactions, zsets,
};

macro_rules! row {
    ($name:literal, $arity:literal, $group:ident, $flags:expr, $keys:expr, $since:literal,
     $handler:ident($family:ident::$function:ident)) => {
        row!($name, $arity, $group, $flags, $keys, $since, $handler($family::$function), "")
    };
    ($name:literal, $arity:literal, $group:ident, $flags:expr, $keys:expr, $since:literal,
     $handler:ident($family:ident::$function:ident), $event:literal) => {
        Row {
            name: $name,
            arity: $arity,
            group: Group::$group,
            flags: $flags,
            keys: $keys,
            handler: Handler::$handler($family::$function),
            since: $since,
            event: events::usual(Group::$group, $event),
            source: Source { text: $family::SOURCE, function: stringify!($function) },
        }
    };
}

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST).and(Flags::BRIEF);
const WRITE: Flags = Flags::WRITE;
const EMPTY: Flags = Flags::WRITE.and(Flags::DANGEROUS).and(Flags::ANY_KEY);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST).and(Flags::BRIEF);
const MAKE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const MAKE_FAST: Flags = MAKE.and(Flags::FAST).and(Flags::BRIEF);
/// What was there before is freed by somebody else.
const MAKE_BRIEF: Flags = MAKE.and(Flags::BRIEF);
/// Served at any time.
const TOLD: Flags = Flags::LOADING.and(Flags::STALE);
const CONNECT: Flags = TOLD.and(Flags::NOSCRIPT);
const CONNECT_FAST: Flags = TOLD.and(Flags::FAST);
const CONNECT_NOAUTH: Flags = CONNECT.and(Flags::FAST).and(Flags::NOAUTH);
const CONNECT_ADMIN: Flags = CONNECT.and(Flags::ADMIN);
const ADMIN: Flags = Flags::ADMIN.and(Flags::NOSCRIPT);
const ADMIN_ANYTIME: Flags = ADMIN.and(TOLD);
/// About messages.
const ASK_PUBSUB: Flags = TOLD.and(Flags::PUBSUB);
const PUBLISH: Flags = ASK_PUBSUB.and(Flags::FAST).and(Flags::MAY_REPLICATE);
const LISTEN: Flags = ASK_PUBSUB.and(Flags::NOSCRIPT).and(Flags::PUSHES).and(Flags::CONFINED);
/// Perhaps with much at its keys.
const LONG: Flags = Flags::MAY_BE_LONG;
/// It may wait for another client.
const WAITS: Flags = Flags::BLOCKING;
const FAMILY: Flags = TOLD.and(Flags::FAMILY);
/// Part of a transaction's frame.
const FRAME: Flags = CONNECT.and(Flags::FAST).and(Flags::UNQUEUED);
/// Runs a script, which finds out as it goes which keys it reaches.
const RUN: Flags = Flags::NOSCRIPT.and(Flags::STALE).and(Flags::MOVABLE_KEYS).and(Flags::ANY_KEY).and(Flags::SCRIPT);
const RUN_WRITING: Flags = RUN.and(Flags::MAY_REPLICATE);
const RUN_READING: Flags = RUN.and(Flags::READONLY);
/// Changes the libraries of functions.
const SHELVE: Flags = Flags::WRITE.and(Flags::NOSCRIPT).and(Flags::ANY_KEY);
/// Its patterns may lead to any key.
const SORTS: Flags = Flags::DANGEROUS.and(Flags::MOVABLE_KEYS).and(Flags::ANY_KEY);
const MANY: Keys = Keys::Range { first: 1, last: -1, step: 1 };
const PAIRS: Keys = Keys::Range { first: 1, last: -1, step: 2 };
const TWO: Keys = Keys::Range { first: 1, last: 2, step: 1 };
const SECOND: Keys = Keys::Range { first: 2, last: 2, step: 1 };
const FROM_SECOND: Keys = Keys::Range { first: 2, last: -1, step: 1 };
/// What is behind the keys is how long to wait.
const ALL_BUT_LAST: Keys = Keys::Range { first: 1, last: -2, step: 1 };
/// As many as the first argument says, from the second on.
const COUNTED: Keys = Keys::Counted { count_at: 1, step: 1 };
const COUNTED_SECOND: Keys = Keys::Counted { count_at: 2, step: 1 };
const STREAMS: Keys = Keys::Streams { from: 1 };
const STREAMS_OF_GROUP: Keys = Keys::Streams { from: 4 };
/// The first argument, and as many as the second says, from the third on.
const DESTINATION: Keys = Keys::Destination { count_at: 2 };
/// The words of GEORADIUS that a destination stands behind.
const STORE_WORDS: [&str; 2] = ["STORE", "STOREDIST"];
/// The first argument, and the one behind STORE.
const STORING: Keys = Keys::Storing { words: &["STORE"], from: 2 };
const FIRST: Keys = Keys::First;
const MEMBERS: Keys = Keys::WithMembers { from: 2, step: 1 };
const FIELDS: Keys = Keys::WithMembers { from: 2, step: 2 };
const SCORES: Keys = Keys::WithMembers { from: 3, step: 2 };
const NONE: Keys = Keys::None;

/// Every command, sorted by name.
pub static ROWS: [Row; TABLE.len()] = TABLE;

#[rustfmt::skip]
#[allow(clippy::large_const_arrays)] // It is read at compile time only.
pub(crate) const TABLE: [Row; 349] = [
    row!("APPEND", 3, String, MAKE_FAST, FIRST, "2.0.0", Write(ranges::append), "append"),
    row!("AUTH", -2, Connection, CONNECT_NOAUTH.and(Flags::ALLOW_BUSY), NONE, "1.0.0", Ask(connection::auth)),
    row!("BGSAVE", -1, Server, ADMIN, NONE, "1.0.0", Ask(durability::bgsave)),
    row!("BITCOUNT", -2, Bitmap, READ, FIRST, "2.6.0", Read(spans::bitcount)),
    row!("BITFIELD", -2, Bitmap, MAKE, FIRST, "3.2.0", Write(fields::bitfield), "setbit"),
    row!("BITFIELD_RO", -2, Bitmap, READ_FAST, FIRST, "6.0.0", Read(fields::bitfield_ro)),
    row!("BITOP", -4, Bitmap, MAKE.and(Flags::READS), FROM_SECOND, "2.6.0", Write(operations::bitop), "set"),
    row!("BITPOS", -3, Bitmap, READ, FIRST, "2.8.7", Read(spans::bitpos)),
    row!("BLMOVE", 6, List, MAKE.and(WAITS), TWO, "6.2.0", Write(blocking::blmove)),
    row!("BLMPOP", -5, List, WRITE.and(WAITS).and(Flags::MOVABLE_KEYS), COUNTED_SECOND, "7.0.0", Write(blocking::blmpop)),
    row!("BLPOP", -3, List, WRITE.and(WAITS), ALL_BUT_LAST, "2.0.0", Write(blocking::blpop), "lpop"),
    row!("BRPOP", -3, List, WRITE.and(WAITS), ALL_BUT_LAST, "2.0.0", Write(blocking::brpop), "rpop"),
    row!("BRPOPLPUSH", 4, List, MAKE.and(WAITS), TWO, "2.2.0", Write(blocking::brpoplpush)),
    row!("BZMPOP", -5, SortedSet, WRITE.and(WAITS).and(Flags::MOVABLE_KEYS), COUNTED_SECOND, "7.0.0", Write(popping::bzmpop)),
    row!("BZPOPMAX", -3, SortedSet, WRITE_FAST.and(WAITS), ALL_BUT_LAST, "5.0.0", Write(popping::bzpopmax), "zpopmax"),
    row!("BZPOPMIN", -3, SortedSet, WRITE_FAST.and(WAITS), ALL_BUT_LAST, "5.0.0", Write(popping::bzpopmin), "zpopmin"),
    row!("CLIENT", -2, Connection, FAMILY, NONE, "2.4.0", Ask(client::client)),
    row!("CLIENT|CACHING", 3, Connection, CONNECT, NONE, "6.0.0", Ask(tracking::caching)),
    row!("CLIENT|GETNAME", 2, Connection, CONNECT, NONE, "2.6.9", Ask(client::getname)),
    row!("CLIENT|GETREDIR", 2, Connection, CONNECT, NONE, "6.0.0", Ask(tracking::getredir)),
    row!("CLIENT|HELP", 2, Connection, CONNECT, NONE, "5.0.0", Ask(client::help)),
    row!("CLIENT|ID", 2, Connection, CONNECT, NONE, "5.0.0", Ask(client::id)),
    row!("CLIENT|INFO", 2, Connection, CONNECT, NONE, "6.2.0", Ask(peers::info)),
    row!("CLIENT|KILL", -3, Connection, CONNECT_ADMIN, NONE, "2.4.0", Ask(peers::kill)),
    row!("CLIENT|LIST", -2, Connection, CONNECT_ADMIN, NONE, "2.4.0", Ask(peers::list)),
    row!("CLIENT|NO-EVICT", 3, Connection, CONNECT_ADMIN, NONE, "7.0.0", Ask(client::no_evict)),
    row!("CLIENT|NO-TOUCH", 3, Connection, CONNECT, NONE, "7.2.0", Ask(client::no_touch)),
    row!("CLIENT|PAUSE", -3, Connection, CONNECT_ADMIN, NONE, "3.0.0", Ask(client::pause)),
    row!("CLIENT|REPLY", 3, Connection, CONNECT.and(Flags::NO_MULTI), NONE, "3.2.0", Ask(client::reply)),
    row!("CLIENT|SETINFO", 4, Connection, CONNECT, NONE, "7.2.0", Ask(client::setinfo)),
    row!("CLIENT|SETNAME", 3, Connection, CONNECT, NONE, "2.6.9", Ask(client::setname)),
    row!("CLIENT|TRACKING", -3, Connection, CONNECT, NONE, "6.0.0", Ask(tracking::tracking)),
    row!("CLIENT|TRACKINGINFO", 2, Connection, CONNECT, NONE, "6.2.0", Ask(tracking::trackinginfo)),
    row!("CLIENT|UNBLOCK", -3, Connection, CONNECT_ADMIN, NONE, "5.0.0", Ask(peers::unblock)),
    row!("CLIENT|UNPAUSE", 2, Connection, CONNECT_ADMIN, NONE, "6.2.0", Ask(client::unpause)),
    row!("COMMAND", -1, Server, FAMILY, NONE, "2.8.13", Ask(command::command)),
    row!("COMMAND|COUNT", 2, Server, TOLD, NONE, "2.8.13", Ask(command::count)),
    row!("COMMAND|DOCS", -2, Server, TOLD, NONE, "7.0.0", Ask(command::docs)),
    row!("COMMAND|GETKEYS", -3, Server, TOLD, NONE, "2.8.13", Ask(command::getkeys)),
    row!("COMMAND|GETKEYSANDFLAGS", -3, Server, TOLD, NONE, "7.0.0", Ask(command::getkeysandflags)),
    row!("COMMAND|HELP", 2, Server, TOLD, NONE, "5.0.0", Ask(command::help)),
    row!("COMMAND|INFO", -2, Server, TOLD, NONE, "2.8.13", Ask(command::info)),
    row!("COMMAND|LIST", -2, Server, TOLD, NONE, "7.0.0", Ask(command::list)),
    row!("CONFIG", -2, Server, FAMILY, NONE, "2.0.0", Ask(config::config)),
    row!("CONFIG|GET", -3, Server, ADMIN_ANYTIME, NONE, "2.0.0", Ask(config::get)),
    row!("CONFIG|HELP", 2, Server, TOLD, NONE, "5.0.0", Ask(config::help)),
    row!("CONFIG|RESETSTAT", 2, Server, ADMIN_ANYTIME.and(Flags::NO_MULTI), NONE, "2.0.0", Ask(config::resetstat)),
    row!("CONFIG|REWRITE", 2, Server, ADMIN_ANYTIME, NONE, "2.8.0", Ask(config::rewrite)),
    row!("CONFIG|SET", -4, Server, ADMIN_ANYTIME, NONE, "2.0.0", Ask(config::set)),
    row!("COPY", -3, Generic, MAKE.and(Flags::READS).and(LONG), TWO, "6.2.0", Write(moving::copy), "copy_to"),
    row!("DBSIZE", 1, Server, READ_FAST.and(Flags::ANY_KEY), NONE, "1.0.0", Ask(databases::dbsize)),
    row!("DEBUG", -2, Server, FAMILY, NONE, "1.0.0", Ask(debug::debug)),
    row!("DEBUG|DIGEST", 2, Server, ADMIN_ANYTIME.and(Flags::ANY_KEY), NONE, "1.0.0", Ask(debug::digest)),
    row!("DEBUG|DIGEST-VALUE", -3, Server, ADMIN_ANYTIME.and(Flags::ANY_KEY), NONE, "5.0.0", Ask(debug::digest_value)),
    row!("DEBUG|ERROR", 3, Server, ADMIN_ANYTIME, NONE, "3.0.0", Ask(debug::error)),
    row!("DEBUG|HELP", 2, Server, ADMIN_ANYTIME, NONE, "5.0.0", Ask(debug::help)),
    row!("DEBUG|OBJECT", 3, Server, ADMIN_ANYTIME.and(Flags::ANY_KEY), NONE, "1.0.0", Ask(debug::object)),
    row!("DEBUG|RELOAD", 2, Server, ADMIN_ANYTIME.and(Flags::NO_MULTI), NONE, "1.0.0", Ask(debug::reload)),
    row!("DEBUG|SET-ACTIVE-EXPIRE", 3, Server, ADMIN_ANYTIME, NONE, "2.6.0", Ask(debug::set_active_expire)),
    row!("DEBUG|SLEEP", 3, Server, ADMIN_ANYTIME.and(Flags::BLOCKING), NONE, "1.0.0", Ask(debug::sleep)),
    row!("DECR", 2, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::decr), "incrby"),
    row!("DECRBY", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::decrby), "incrby"),
    row!("DEL", -2, Generic, WRITE.and(Flags::BRIEF), MANY, "1.0.0", Write(keys::del), "del"),
    row!("DELEX", -2, String, WRITE_FAST, FIRST, "8.4.0", Write(conditions::delex), "del"),
    row!("DELIFEQ", 3, String, WRITE_FAST, FIRST, "9.0.0", Write(conditions::delifeq), "del"),
    row!("DIGEST", 2, String, READ_FAST, FIRST, "8.4.0", Read(conditions::digest)),
    row!("DISCARD", 1, Transactions, FRAME.and(Flags::ALLOW_BUSY), NONE, "2.0.0", Ask(transactions::discard)),
    row!("DUMP", 2, Generic, READ.and(LONG), FIRST, "2.6.0", Read(dump::dump)),
    row!("ECHO", 2, Connection, CONNECT_FAST, NONE, "1.0.0", Ask(connection::echo)),
    row!("EVAL", -3, Scripting, RUN_WRITING, COUNTED_SECOND, "2.6.0", Ask(scripting::eval)),
    row!("EVALSHA", -3, Scripting, RUN_WRITING, COUNTED_SECOND, "2.6.0", Ask(scripting::evalsha)),
    row!("EVALSHA_RO", -3, Scripting, RUN_READING, COUNTED_SECOND, "7.0.0", Ask(scripting::evalsha_ro)),
    row!("EVAL_RO", -3, Scripting, RUN_READING, COUNTED_SECOND, "7.0.0", Ask(scripting::eval_ro)),
    row!("EXEC", 1, Transactions, Flags::NOSCRIPT.and(TOLD).and(Flags::UNQUEUED), NONE, "1.2.0", Ask(transactions::exec)),
    row!("EXISTS", -2, Generic, READ_FAST, MANY, "1.0.0", Read(keys::exists)),
    row!("EXPIRE", -3, Generic, WRITE_FAST, FIRST, "1.0.0", Write(expiry::expire), "expire"),
    row!("EXPIREAT", -3, Generic, WRITE_FAST, FIRST, "1.2.0", Write(expiry::expireat), "expire"),
    row!("EXPIRETIME", 2, Generic, READ_FAST, FIRST, "7.0.0", Read(expiry::expiretime)),
    row!("FCALL", -3, Scripting, RUN_WRITING, COUNTED_SECOND, "7.0.0", Ask(functions::fcall)),
    row!("FCALL_RO", -3, Scripting, RUN_READING, COUNTED_SECOND, "7.0.0", Ask(functions::fcall_ro)),
    row!("FLUSHALL", -1, Server, EMPTY, NONE, "1.0.0", Ask(databases::flushall)),
    row!("FLUSHDB", -1, Server, EMPTY, NONE, "1.0.0", Ask(databases::flushdb)),
    row!("FUNCTION", -2, Scripting, FAMILY, NONE, "7.0.0", Ask(libraries::function)),
    row!("FUNCTION|DELETE", 3, Scripting, SHELVE, NONE, "7.0.0", Ask(libraries::delete)),
    row!("FUNCTION|DUMP", 2, Scripting, Flags::NOSCRIPT, NONE, "7.0.0", Ask(libraries::dump)),
    row!("FUNCTION|FLUSH", -2, Scripting, SHELVE, NONE, "7.0.0", Ask(libraries::flush)),
    row!("FUNCTION|HELP", 2, Scripting, TOLD, NONE, "7.0.0", Ask(libraries::help)),
    row!("FUNCTION|KILL", 2, Scripting, Flags::NOSCRIPT.and(Flags::ALLOW_BUSY), NONE, "7.0.0", Ask(libraries::kill)),
    row!("FUNCTION|LIST", -2, Scripting, Flags::NOSCRIPT, NONE, "7.0.0", Ask(libraries::list)),
    row!("FUNCTION|LOAD", -3, Scripting, SHELVE.and(Flags::DENYOOM), NONE, "7.0.0", Ask(libraries::load)),
    row!("FUNCTION|RESTORE", -3, Scripting, SHELVE.and(Flags::DENYOOM), NONE, "7.0.0", Ask(libraries::restore)),
    row!("FUNCTION|STATS", 2, Scripting, Flags::NOSCRIPT.and(Flags::ALLOW_BUSY), NONE, "7.0.0", Ask(libraries::stats)),
    row!("GEOADD", -5, Geo, MAKE, FIRST, "3.2.0", Write(geo::geoadd), "zadd"),
    row!("GEODIST", -4, Geo, READ, FIRST, "3.2.0", Read(geo::geodist)),
    row!("GEOHASH", -2, Geo, READ, FIRST, "3.2.0", Read(geo::geohash)),
    row!("GEOPOS", -2, Geo, READ, FIRST, "3.2.0", Read(geo::geopos)),
    row!("GEORADIUS", -6, Geo, MAKE.and(Flags::MOVABLE_KEYS).and(Flags::READS), Keys::Storing { words: &STORE_WORDS, from: 6 }, "3.2.0", Write(searching::georadius), "georadiusstore"),
    row!("GEORADIUSBYMEMBER", -5, Geo, MAKE.and(Flags::MOVABLE_KEYS).and(Flags::READS), Keys::Storing { words: &STORE_WORDS, from: 5 }, "3.2.0", Write(searching::georadiusbymember), "georadiusstore"),
    row!("GEORADIUSBYMEMBER_RO", -5, Geo, READ, FIRST, "3.2.10", Read(searching::georadiusbymember_ro)),
    row!("GEORADIUS_RO", -6, Geo, READ, FIRST, "3.2.10", Read(searching::georadius_ro)),
    row!("GEOSEARCH", -7, Geo, READ, FIRST, "6.2.0", Read(searching::geosearch)),
    row!("GEOSEARCHSTORE", -8, Geo, MAKE.and(Flags::READS), TWO, "6.2.0", Write(searching::geosearchstore), "geosearchstore"),
    row!("GET", 2, String, READ_FAST, FIRST, "1.0.0", Read(strings::get)),
    row!("GETBIT", 3, Bitmap, READ_FAST, FIRST, "2.2.0", Read(bitmaps::getbit)),
    row!("GETDEL", 2, String, WRITE_FAST.and(Flags::READS), FIRST, "6.2.0", Write(strings::getdel), "del"),
    row!("GETEX", -2, String, WRITE_FAST.and(Flags::READS), FIRST, "6.2.0", Write(strings::getex), "expire"),
    row!("GETRANGE", 4, String, READ, FIRST, "2.4.0", Read(ranges::getrange)),
    row!("GETSET", 3, String, MAKE_FAST.and(Flags::READS), FIRST, "1.0.0", Write(strings::getset), "set"),
    row!("HDEL", -3, Hash, WRITE_FAST, MEMBERS, "2.0.0", Write(hashes::hdel), "hdel"),
    row!("HELLO", -1, Connection, CONNECT_NOAUTH.and(Flags::ALLOW_BUSY), NONE, "6.0.0", Ask(connection::hello)),
    row!("HEXISTS", 3, Hash, READ_FAST, MEMBERS, "2.0.0", Read(hashes::hexists)),
    row!("HEXPIRE", -6, Hash, WRITE_FAST, FIRST, "7.4.0", Write(field_deadlines::hexpire), "hexpire"),
    row!("HEXPIREAT", -6, Hash, WRITE_FAST, FIRST, "7.4.0", Write(field_deadlines::hexpireat), "hexpire"),
    row!("HEXPIRETIME", -5, Hash, READ_FAST, FIRST, "7.4.0", Read(field_deadlines::hexpiretime)),
    row!("HGET", 3, Hash, READ_FAST, MEMBERS, "2.0.0", Read(hashes::hget)),
    row!("HGETALL", 2, Hash, READ.and(LONG), FIRST, "2.0.0", Read(hashes::hgetall)),
    row!("HGETDEL", -5, Hash, WRITE_FAST, FIRST, "8.0.0", Write(hash_fields::hgetdel), "hdel"),
    row!("HGETEX", -5, Hash, WRITE_FAST, FIRST, "8.0.0", Write(hash_fields::hgetex)),
    row!("HINCRBY", 4, Hash, MAKE_FAST, FIELDS, "2.0.0", Write(numbers::hincrby), "hincrby"),
    row!("HINCRBYFLOAT", 4, Hash, MAKE_FAST, FIELDS, "2.6.0", Write(numbers::hincrbyfloat), "hincrbyfloat"),
    row!("HKEYS", 2, Hash, READ.and(LONG), FIRST, "2.0.0", Read(hashes::hkeys)),
    row!("HLEN", 2, Hash, READ_FAST, FIRST, "2.0.0", Read(hashes::hlen)),
    row!("HMGET", -3, Hash, READ_FAST, MEMBERS, "2.0.0", Read(hashes::hmget)),
    row!("HMSET", -4, Hash, MAKE_FAST, FIELDS, "2.0.0", Write(hashes::hmset), "hset"),
    row!("HPERSIST", -5, Hash, WRITE_FAST, FIRST, "7.4.0", Write(field_deadlines::hpersist), "hpersist"),
    row!("HPEXPIRE", -6, Hash, WRITE_FAST, FIRST, "7.4.0", Write(field_deadlines::hpexpire), "hexpire"),
    row!("HPEXPIREAT", -6, Hash, WRITE_FAST, FIRST, "7.4.0", Write(field_deadlines::hpexpireat), "hexpire"),
    row!("HPEXPIRETIME", -5, Hash, READ_FAST, FIRST, "7.4.0", Read(field_deadlines::hpexpiretime)),
    row!("HPTTL", -5, Hash, READ_FAST, FIRST, "7.4.0", Read(field_deadlines::hpttl)),
    row!("HRANDFIELD", -2, Hash, READ, FIRST, "6.2.0", Read(field_draws::hrandfield)),
    row!("HSCAN", -3, Hash, READ, FIRST, "2.8.0", Read(field_draws::hscan)),
    row!("HSET", -4, Hash, MAKE_FAST, FIELDS, "2.0.0", Write(hashes::hset), "hset"),
    row!("HSETEX", -6, Hash, MAKE_FAST, FIRST, "8.0.0", Write(hash_fields::hsetex), "hset"),
    row!("HSETNX", 4, Hash, MAKE_FAST, FIELDS, "2.0.0", Write(hashes::hsetnx), "hset"),
    row!("HSTRLEN", 3, Hash, READ_FAST, MEMBERS, "3.2.0", Read(hashes::hstrlen)),
    row!("HTTL", -5, Hash, READ_FAST, FIRST, "7.4.0", Read(field_deadlines::httl)),
    row!("HVALS", 2, Hash, READ.and(LONG), FIRST, "2.0.0", Read(hashes::hvals)),
    row!("INCR", 2, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::incr), "incrby"),
    row!("INCRBY", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(counters::incrby), "incrby"),
    row!("INCRBYFLOAT", 3, String, MAKE_FAST, FIRST, "2.6.0", Write(counters::incrbyfloat), "incrbyfloat"),
    row!("INFO", -1, Server, TOLD.and(Flags::DANGEROUS).and(Flags::FACTS), NONE, "1.0.0", Ask(server::info)),
    row!("KEYS", 2, Generic, READ.and(Flags::DANGEROUS).and(Flags::ANY_KEY), NONE, "1.0.0", Ask(scan::keys)),
    row!("LASTSAVE", 1, Server, TOLD.and(Flags::FAST), NONE, "1.0.0", Ask(durability::lastsave)),
    row!("LATENCY", -2, Server, FAMILY, NONE, "2.8.13", Ask(latency::latency)),
    row!("LATENCY|DOCTOR", 2, Server, ADMIN_ANYTIME, NONE, "2.8.13", Ask(latency::doctor)),
    row!("LATENCY|GRAPH", 3, Server, ADMIN_ANYTIME, NONE, "2.8.13", Ask(latency::graph)),
    row!("LATENCY|HELP", 2, Server, TOLD, NONE, "2.8.13", Ask(latency::help)),
    row!("LATENCY|HISTOGRAM", -2, Server, ADMIN_ANYTIME, NONE, "7.0.0", Ask(latency::histogram)),
    row!("LATENCY|HISTORY", 3, Server, ADMIN_ANYTIME, NONE, "2.8.13", Ask(latency::history)),
    row!("LATENCY|LATEST", 2, Server, ADMIN_ANYTIME, NONE, "2.8.13", Ask(latency::latest)),
    row!("LATENCY|RESET", -2, Server, ADMIN_ANYTIME, NONE, "2.8.13", Ask(latency::reset)),
    row!("LCS", -3, String, READ, TWO, "7.0.0", Ask(lcs::lcs)),
    row!("LINDEX", 3, List, READ, FIRST, "1.0.0", Read(indexes::lindex)),
    row!("LINSERT", 5, List, MAKE.and(LONG), FIRST, "2.2.0", Write(matches::linsert), "linsert"),
    row!("LLEN", 2, List, READ_FAST, FIRST, "1.0.0", Read(lists::llen)),
    row!("LMOVE", 5, List, MAKE, TWO, "6.2.0", Write(transfers::lmove)),
    row!("LMPOP", -4, List, WRITE.and(Flags::MOVABLE_KEYS), COUNTED, "7.0.0", Write(transfers::lmpop)),
    row!("LOLWUT", -1, Server, READ_FAST, NONE, "5.0.0", Ask(server::lolwut)),
    row!("LPOP", -2, List, WRITE_FAST, FIRST, "1.0.0", Write(lists::lpop), "lpop"),
    row!("LPOS", -3, List, READ.and(LONG), FIRST, "6.0.6", Read(matches::lpos)),
    row!("LPUSH", -3, List, MAKE_FAST, FIRST, "1.0.0", Write(lists::lpush), "lpush"),
    row!("LPUSHX", -3, List, MAKE_FAST, FIRST, "2.2.0", Write(lists::lpushx), "lpush"),
    row!("LRANGE", 4, List, READ.and(LONG), FIRST, "1.0.0", Read(indexes::lrange)),
    row!("LREM", 4, List, WRITE.and(LONG), FIRST, "1.0.0", Write(matches::lrem), "lrem"),
    row!("LSET", 4, List, MAKE, FIRST, "1.0.0", Write(indexes::lset), "lset"),
    row!("LTRIM", 4, List, WRITE.and(LONG), FIRST, "1.0.0", Write(indexes::ltrim), "ltrim"),
    row!("MEMORY", -2, Server, FAMILY, NONE, "4.0.0", Ask(object::memory)),
    row!("MEMORY|HELP", 2, Server, TOLD, NONE, "4.0.0", Ask(object::memory_help)),
    row!("MEMORY|USAGE", -3, Server, READ, SECOND, "4.0.0", Read(object::memory_usage)),
    row!("MGET", -2, String, READ_FAST, MANY, "1.0.0", Read(many::mget)),
    row!("MONITOR", 1, Server, ADMIN_ANYTIME, NONE, "1.0.0", Ask(monitor::monitor)),
    row!("MOVE", 3, Generic, WRITE_FAST.and(LONG), FIRST, "1.0.0", Write(moving::move_to)),
    row!("MSET", -3, String, MAKE, PAIRS, "1.0.1", Write(many::mset), "set"),
    row!("MSETEX", -4, String, MAKE.and(Flags::MOVABLE_KEYS), Keys::Counted { count_at: 1, step: 2 }, "8.4.0", Write(many::msetex), "set"),
    row!("MSETNX", -3, String, MAKE, PAIRS, "1.0.1", Write(many::msetnx), "set"),
    row!("MULTI", 1, Transactions, FRAME.and(Flags::ALLOW_BUSY), NONE, "1.2.0", Ask(transactions::multi)),
    row!("OBJECT", -2, Generic, FAMILY, NONE, "2.2.3", Ask(object::object)),
    row!("OBJECT|ENCODING", 3, Generic, READ, SECOND, "2.2.3", Read(object::encoding)),
    row!("OBJECT|FREQ", 3, Generic, READ, SECOND, "4.0.0", Read(object::freq)),
    row!("OBJECT|HELP", 2, Generic, TOLD, NONE, "6.2.0", Ask(object::object_help)),
    row!("OBJECT|IDLETIME", 3, Generic, READ, SECOND, "2.2.3", Read(object::idletime)),
    row!("OBJECT|REFCOUNT", 3, Generic, READ, SECOND, "2.2.3", Read(object::refcount)),
    row!("PERSIST", 2, Generic, WRITE_FAST, FIRST, "2.2.0", Write(expiry::persist), "persist"),
    row!("PEXPIRE", -3, Generic, WRITE_FAST, FIRST, "2.6.0", Write(expiry::pexpire), "expire"),
    row!("PEXPIREAT", -3, Generic, WRITE_FAST, FIRST, "2.6.0", Write(expiry::pexpireat), "expire"),
    row!("PEXPIRETIME", 2, Generic, READ_FAST, FIRST, "7.0.0", Read(expiry::pexpiretime)),
    row!("PFADD", -2, Hyperloglog, MAKE_FAST, FIRST, "2.8.9", Write(hyperloglog::pfadd), "pfadd"),
    row!("PFCOUNT", -2, Hyperloglog, READ.and(Flags::MAY_REPLICATE).and(Flags::READS), MANY, "2.8.9", Write(hyperloglog::pfcount)),
    row!("PFDEBUG", 3, Hyperloglog, MAKE.and(Flags::ADMIN), SECOND, "2.8.9", Write(debugging::pfdebug)),
    row!("PFMERGE", -2, Hyperloglog, MAKE.and(Flags::READS), MANY, "2.8.9", Write(hyperloglog::pfmerge), "pfadd"),
    row!("PFSELFTEST", 1, Hyperloglog, Flags::ADMIN, NONE, "2.8.9", Ask(debugging::pfselftest)),
    row!("PING", -1, Connection, Flags::FAST.and(Flags::CONFINED), NONE, "1.0.0", Ask(connection::ping)),
    row!("PSETEX", 4, String, MAKE_BRIEF, FIRST, "2.6.0", Write(strings::psetex), "set"),
    row!("PSUBSCRIBE", -2, Pubsub, LISTEN, NONE, "2.0.0", Ask(pubsub::psubscribe)),
    row!("PTTL", 2, Generic, READ_FAST, FIRST, "2.6.0", Read(expiry::pttl)),
    row!("PUBLISH", 3, Pubsub, PUBLISH, NONE, "2.0.0", Ask(pubsub::publish)),
    row!("PUBSUB", -2, Pubsub, FAMILY, NONE, "2.8.0", Ask(asking::pubsub)),
    row!("PUBSUB|CHANNELS", -2, Pubsub, ASK_PUBSUB, NONE, "2.8.0", Ask(asking::channels)),
    row!("PUBSUB|HELP", 2, Pubsub, TOLD, NONE, "6.2.0", Ask(asking::pubsub_help)),
    row!("PUBSUB|NUMPAT", 2, Pubsub, ASK_PUBSUB, NONE, "2.8.0", Ask(asking::numpat)),
    row!("PUBSUB|NUMSUB", -2, Pubsub, ASK_PUBSUB, NONE, "2.8.0", Ask(asking::numsub)),
    row!("PUBSUB|SHARDCHANNELS", -2, Pubsub, ASK_PUBSUB, NONE, "7.0.0", Ask(asking::shardchannels)),
    row!("PUBSUB|SHARDNUMSUB", -2, Pubsub, ASK_PUBSUB, NONE, "7.0.0", Ask(asking::shardnumsub)),
    row!("PUNSUBSCRIBE", -1, Pubsub, LISTEN, NONE, "2.0.0", Ask(pubsub::punsubscribe)),
    row!("QUIT", -1, Connection, CONNECT_NOAUTH.and(Flags::CONFINED).and(Flags::UNQUEUED).and(Flags::ALLOW_BUSY), NONE, "1.0.0", Ask(connection::quit)),
    row!("RANDOMKEY", 1, Generic, READ.and(Flags::ANY_KEY), NONE, "1.0.0", Ask(scan::randomkey)),
    row!("RENAME", 3, Generic, WRITE.and(LONG), TWO, "1.0.0", Write(moving::rename)),
    row!("RENAMENX", 3, Generic, WRITE_FAST.and(LONG), TWO, "1.0.0", Write(moving::renamenx)),
    row!("RESET", 1, Connection, CONNECT_NOAUTH.and(Flags::CONFINED).and(Flags::UNQUEUED).and(Flags::ALLOW_BUSY), NONE, "6.2.0", Ask(connection::reset)),
    row!("RESTORE", -4, Generic, MAKE.and(Flags::DANGEROUS).and(LONG), FIRST, "2.6.0", Write(dump::restore), "restore"),
    row!("RPOP", -2, List, WRITE_FAST, FIRST, "1.0.0", Write(lists::rpop), "rpop"),
    row!("RPOPLPUSH", 3, List, MAKE, TWO, "1.2.0", Write(transfers::rpoplpush)),
    row!("RPUSH", -3, List, MAKE_FAST, FIRST, "1.0.0", Write(lists::rpush), "rpush"),
    row!("RPUSHX", -3, List, MAKE_FAST, FIRST, "2.2.0", Write(lists::rpushx), "rpush"),
    row!("SADD", -3, Set, MAKE_FAST, MEMBERS, "1.0.0", Write(sets::sadd), "sadd"),
    row!("SAVE", 1, Server, ADMIN.and(Flags::BLOCKING).and(Flags::NO_MULTI), NONE, "1.0.0", Ask(durability::save)),
    row!("SCAN", -2, Generic, READ.and(Flags::ANY_KEY), NONE, "2.8.0", Ask(scan::scan)),
    row!("SCARD", 2, Set, READ_FAST, FIRST, "1.0.0", Read(sets::scard)),
    row!("SCRIPT", -2, Scripting, FAMILY, NONE, "2.6.0", Ask(cached::script)),
    row!("SCRIPT|DEBUG", 3, Scripting, Flags::NOSCRIPT, NONE, "3.2.0", Ask(cached::debug)),
    row!("SCRIPT|EXISTS", -3, Scripting, Flags::NOSCRIPT, NONE, "2.6.0", Ask(cached::exists)),
    row!("SCRIPT|FLUSH", -2, Scripting, Flags::NOSCRIPT, NONE, "2.6.0", Ask(cached::flush)),
    row!("SCRIPT|HELP", 2, Scripting, TOLD, NONE, "5.0.0", Ask(cached::help)),
    row!("SCRIPT|KILL", 2, Scripting, Flags::NOSCRIPT.and(Flags::ALLOW_BUSY), NONE, "2.6.0", Ask(cached::kill)),
    row!("SCRIPT|LOAD", 3, Scripting, Flags::NOSCRIPT.and(Flags::STALE), NONE, "2.6.0", Ask(cached::load)),
    row!("SCRIPT|SHOW", 3, Scripting, Flags::NOSCRIPT, NONE, "8.0.0", Ask(cached::show)),
    row!("SDIFF", -2, Set, READ.and(LONG), MANY, "1.0.0", Read(algebra::sdiff)),
    row!("SDIFFSTORE", -3, Set, MAKE.and(Flags::READS).and(LONG), MANY, "1.0.0", Write(algebra::sdiffstore), "sdiffstore"),
    row!("SELECT", 2, Connection, Flags::FAST.and(Flags::LOADING).and(Flags::STALE), NONE, "1.0.0", Ask(databases::select)),
    row!("SET", -3, String, MAKE_BRIEF.and(Flags::READS), FIRST, "1.0.0", Write(strings::set), "set"),
    row!("SETBIT", 4, Bitmap, MAKE, FIRST, "2.2.0", Write(bitmaps::setbit), "setbit"),
    row!("SETEX", 4, String, MAKE_BRIEF, FIRST, "2.0.0", Write(strings::setex), "set"),
    row!("SETNX", 3, String, MAKE_FAST, FIRST, "1.0.0", Write(strings::setnx), "set"),
    row!("SETRANGE", 4, String, MAKE, FIRST, "2.2.0", Write(ranges::setrange), "setrange"),
    row!("SEXPIRE", -6, Set, WRITE_FAST, FIRST, "0.1.0", Write(deadlines::sexpire), "sexpire"),
    row!("SEXPIREAT", -6, Set, WRITE_FAST, FIRST, "0.1.0", Write(deadlines::sexpireat), "sexpire"),
    row!("SEXPIRETIME", -5, Set, READ_FAST, FIRST, "0.1.0", Read(deadlines::sexpiretime)),
    row!("SHUTDOWN", -1, Server, ADMIN_ANYTIME.and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY), NONE, "1.0.0", Ask(durability::shutdown)),
    row!("SINTER", -2, Set, READ.and(LONG), MANY, "1.0.0", Read(algebra::sinter)),
    row!("SINTERCARD", -3, Set, READ.and(Flags::MOVABLE_KEYS).and(LONG), Keys::Counted { count_at: 1, step: 1 }, "7.0.0", Read(algebra::sintercard)),
    row!("SINTERSTORE", -3, Set, MAKE.and(Flags::READS).and(LONG), MANY, "1.0.0", Write(algebra::sinterstore), "sinterstore"),
    row!("SISMEMBER", 3, Set, READ_FAST, MEMBERS, "1.0.0", Read(sets::sismember)),
    row!("SLOWLOG", -2, Server, FAMILY, NONE, "2.2.12", Ask(slowlog::slowlog)),
    row!("SLOWLOG|GET", -2, Server, ADMIN_ANYTIME, NONE, "2.2.12", Ask(slowlog::get)),
    row!("SLOWLOG|HELP", 2, Server, TOLD, NONE, "6.2.0", Ask(slowlog::help)),
    row!("SLOWLOG|LEN", 2, Server, ADMIN_ANYTIME, NONE, "2.2.12", Ask(slowlog::len)),
    row!("SLOWLOG|RESET", 2, Server, ADMIN_ANYTIME, NONE, "2.2.12", Ask(slowlog::reset)),
    row!("SMEMBERS", 2, Set, READ.and(LONG), FIRST, "1.0.0", Read(sets::smembers)),
    row!("SMISMEMBER", -3, Set, READ_FAST, MEMBERS, "6.2.0", Read(sets::smismember)),
    row!("SMOVE", 4, Set, WRITE_FAST, TWO, "1.0.0", Write(sets::smove)),
    row!("SORT", -2, Generic, SORTS.and(MAKE), STORING, "1.0.0", Ask(sort::sort)),
    row!("SORT_RO", -2, Generic, SORTS.and(READ), FIRST, "7.0.0", Ask(sort::sort_ro)),
    row!("SPERSIST", -5, Set, WRITE_FAST, FIRST, "0.1.0", Write(deadlines::spersist), "spersist"),
    row!("SPEXPIRE", -6, Set, WRITE_FAST, FIRST, "0.1.0", Write(deadlines::spexpire), "sexpire"),
    row!("SPEXPIREAT", -6, Set, WRITE_FAST, FIRST, "0.1.0", Write(deadlines::spexpireat), "sexpire"),
    row!("SPEXPIRETIME", -5, Set, READ_FAST, FIRST, "0.1.0", Read(deadlines::spexpiretime)),
    row!("SPOP", -2, Set, WRITE_FAST, FIRST, "1.0.0", Write(draws::spop), "spop"),
    row!("SPTTL", -5, Set, READ_FAST, FIRST, "0.1.0", Read(deadlines::spttl)),
    row!("SPUBLISH", 3, Pubsub, PUBLISH, NONE, "7.0.0", Ask(pubsub::spublish)),
    row!("SRANDMEMBER", -2, Set, READ, FIRST, "1.0.0", Read(draws::srandmember)),
    row!("SREM", -3, Set, WRITE_FAST, MEMBERS, "1.0.0", Write(sets::srem), "srem"),
    row!("SSCAN", -3, Set, READ, FIRST, "2.8.0", Read(sets::sscan)),
    row!("SSUBSCRIBE", -2, Pubsub, LISTEN, NONE, "7.0.0", Ask(pubsub::ssubscribe)),
    row!("STRLEN", 2, String, READ_FAST, FIRST, "2.2.0", Read(ranges::strlen)),
    row!("STTL", -5, Set, READ_FAST, FIRST, "0.1.0", Read(deadlines::sttl)),
    row!("SUBSCRIBE", -2, Pubsub, LISTEN, NONE, "2.0.0", Ask(pubsub::subscribe)),
    row!("SUBSTR", 4, String, READ, FIRST, "1.0.0", Read(ranges::substr)),
    row!("SUNION", -2, Set, READ.and(LONG), MANY, "1.0.0", Read(algebra::sunion)),
    row!("SUNIONSTORE", -3, Set, MAKE.and(Flags::READS).and(LONG), MANY, "1.0.0", Write(algebra::sunionstore), "sunionstore"),
    row!("SUNSUBSCRIBE", -1, Pubsub, LISTEN, NONE, "7.0.0", Ask(pubsub::sunsubscribe)),
    row!("SWAPDB", 3, Server, WRITE_FAST.and(Flags::DANGEROUS).and(Flags::ANY_KEY), NONE, "4.0.0", Ask(databases::swapdb)),
    row!("TIME", 1, Server, CONNECT_FAST, NONE, "2.6.0", Ask(server::time)),
    row!("TOUCH", -2, Generic, READ_FAST, MANY, "3.2.1", Read(keys::touch)),
    row!("TTL", 2, Generic, READ_FAST, FIRST, "1.0.0", Read(expiry::ttl)),
    row!("TYPE", 2, Generic, READ_FAST, FIRST, "1.0.0", Read(keys::type_of)),
    row!("UNLINK", -2, Generic, WRITE_FAST, MANY, "4.0.0", Write(keys::unlink), "del"),
    row!("UNSUBSCRIBE", -1, Pubsub, LISTEN, NONE, "2.0.0", Ask(pubsub::unsubscribe)),
    row!("UNWATCH", 1, Transactions, CONNECT_FAST.and(Flags::ALLOW_BUSY), NONE, "2.2.0", Ask(transactions::unwatch)),
    row!("WAIT", 3, Generic, Flags::BLOCKING, NONE, "3.0.0", Ask(durability::wait)),
    row!("WAITAOF", 4, Generic, Flags::BLOCKING, NONE, "7.2.0", Ask(durability::waitaof)),
    row!("WATCH", -2, Transactions, FRAME, MANY, "2.2.0", Ask(transactions::watch)),
    row!("XACK", -4, Stream, WRITE_FAST.and(Flags::READS), FIRST, "5.0.0", Write(removing::xack)),
    row!("XACKDEL", -6, Stream, WRITE_FAST, FIRST, "8.2.0", Write(removing::xackdel), "xdel"),
    row!("XADD", -5, Stream, MAKE_FAST, FIRST, "5.0.0", Write(adding::xadd), "xadd"),
    row!("XAUTOCLAIM", -6, Stream, WRITE_FAST.and(Flags::READS), FIRST, "6.2.0", Write(claiming::xautoclaim)),
    row!("XCLAIM", -6, Stream, WRITE_FAST.and(Flags::READS), FIRST, "5.0.0", Write(claiming::xclaim)),
    row!("XDEL", -3, Stream, WRITE_FAST, FIRST, "5.0.0", Write(removing::xdel), "xdel"),
    row!("XDELEX", -5, Stream, WRITE_FAST, FIRST, "8.2.0", Write(removing::xdelex), "xdel"),
    row!("XGROUP", -2, Stream, FAMILY, NONE, "5.0.0", Ask(groups::xgroup)),
    row!("XGROUP|CREATE", -5, Stream, MAKE, SECOND, "5.0.0", Write(groups::create), "xgroup-create"),
    row!("XGROUP|CREATECONSUMER", 5, Stream, MAKE, SECOND, "6.2.0", Write(groups::createconsumer), "xgroup-createconsumer"),
    row!("XGROUP|DELCONSUMER", 5, Stream, WRITE, SECOND, "5.0.0", Write(groups::delconsumer), "xgroup-delconsumer"),
    row!("XGROUP|DESTROY", 4, Stream, WRITE, SECOND, "5.0.0", Write(groups::destroy), "xgroup-destroy"),
    row!("XGROUP|HELP", 2, Stream, TOLD, NONE, "5.0.0", Ask(groups::xgroup_help)),
    row!("XGROUP|SETID", -5, Stream, WRITE, SECOND, "5.0.0", Write(groups::setid), "xgroup-setid"),
    row!("XINFO", -2, Stream, FAMILY, NONE, "5.0.0", Ask(info::xinfo)),
    row!("XINFO|CONSUMERS", 4, Stream, READ, SECOND, "5.0.0", Read(info::consumers)),
    row!("XINFO|GROUPS", 3, Stream, READ, SECOND, "5.0.0", Read(info::groups)),
    row!("XINFO|HELP", 2, Stream, TOLD, NONE, "5.0.0", Ask(info::xinfo_help)),
    row!("XINFO|STREAM", -3, Stream, READ, SECOND, "5.0.0", Read(info::stream)),
    row!("XLEN", 2, Stream, READ_FAST, FIRST, "5.0.0", Read(streams::xlen)),
    row!("XPENDING", -3, Stream, READ, FIRST, "5.0.0", Read(pending::xpending)),
    row!("XRANGE", -4, Stream, READ, FIRST, "5.0.0", Read(streams::xrange)),
    row!("XREAD", -4, Stream, READ.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS), STREAMS, "5.0.0", Read(reading::xread)),
    row!("XREADGROUP", -7, Stream, WRITE.and(Flags::BLOCKING).and(Flags::WAITS_FOR_END).and(Flags::MOVABLE_KEYS).and(Flags::READS), STREAMS_OF_GROUP, "5.0.0", Write(group_reading::xreadgroup)),
    row!("XREVRANGE", -4, Stream, READ, FIRST, "5.0.0", Read(streams::xrevrange)),
    row!("XSETID", -3, Stream, MAKE_FAST, FIRST, "5.0.0", Write(adding::xsetid), "xsetid"),
    row!("XTRIM", -4, Stream, WRITE, FIRST, "5.0.0", Write(trimming::xtrim), "xtrim"),
    row!("ZADD", -4, SortedSet, MAKE_FAST, SCORES, "1.2.0", Write(scoring::zadd), "zadd"),
    row!("ZCARD", 2, SortedSet, READ_FAST, FIRST, "1.2.0", Read(zsets::zcard)),
    row!("ZCOUNT", 4, SortedSet, READ_FAST, FIRST, "2.0.0", Read(zsets::zcount)),
    row!("ZDIFF", -3, SortedSet, READ.and(Flags::MOVABLE_KEYS).and(LONG), COUNTED, "6.2.0", Read(combining::zdiff)),
    row!("ZDIFFSTORE", -4, SortedSet, MAKE.and(Flags::MOVABLE_KEYS).and(Flags::READS).and(LONG), DESTINATION, "6.2.0", Write(combining::zdiffstore), "zdiffstore"),
    row!("ZEXPIRE", -6, SortedSet, WRITE_FAST, FIRST, "0.1.0", Write(expiring::zexpire), "zexpire"),
    row!("ZEXPIREAT", -6, SortedSet, WRITE_FAST, FIRST, "0.1.0", Write(expiring::zexpireat), "zexpire"),
    row!("ZEXPIRETIME", -5, SortedSet, READ_FAST, FIRST, "0.1.0", Read(expiring::zexpiretime)),
    row!("ZINCRBY", 4, SortedSet, MAKE_FAST, SCORES, "1.2.0", Write(scoring::zincrby), "zincr"),
    row!("ZINTER", -3, SortedSet, READ.and(Flags::MOVABLE_KEYS).and(LONG), COUNTED, "6.2.0", Read(combining::zinter)),
    row!("ZINTERCARD", -3, SortedSet, READ.and(Flags::MOVABLE_KEYS).and(LONG), COUNTED, "7.0.0", Read(combining::zintercard)),
    row!("ZINTERSTORE", -4, SortedSet, MAKE.and(Flags::MOVABLE_KEYS).and(Flags::READS).and(LONG), DESTINATION, "2.0.0", Write(combining::zinterstore), "zinterstore"),
    row!("ZLEXCOUNT", 4, SortedSet, READ_FAST, FIRST, "2.8.9", Read(zsets::zlexcount)),
    row!("ZMPOP", -4, SortedSet, WRITE.and(Flags::MOVABLE_KEYS), COUNTED, "7.0.0", Write(popping::zmpop)),
    row!("ZMSCORE", -3, SortedSet, READ_FAST, MEMBERS, "6.2.0", Read(zsets::zmscore)),
    row!("ZPERSIST", -5, SortedSet, WRITE_FAST, FIRST, "0.1.0", Write(expiring::zpersist), "zpersist"),
    row!("ZPEXPIRE", -6, SortedSet, WRITE_FAST, FIRST, "0.1.0", Write(expiring::zpexpire), "zexpire"),
    row!("ZPEXPIREAT", -6, SortedSet, WRITE_FAST, FIRST, "0.1.0", Write(expiring::zpexpireat), "zexpire"),
    row!("ZPEXPIRETIME", -5, SortedSet, READ_FAST, FIRST, "0.1.0", Read(expiring::zpexpiretime)),
    row!("ZPOPMAX", -2, SortedSet, WRITE_FAST, FIRST, "5.0.0", Write(popping::zpopmax), "zpopmax"),
    row!("ZPOPMIN", -2, SortedSet, WRITE_FAST, FIRST, "5.0.0", Write(popping::zpopmin), "zpopmin"),
    row!("ZPTTL", -5, SortedSet, READ_FAST, FIRST, "0.1.0", Read(expiring::zpttl)),
    row!("ZRANDMEMBER", -2, SortedSet, READ, FIRST, "6.2.0", Read(drawing::zrandmember)),
    row!("ZRANGE", -4, SortedSet, READ.and(LONG), FIRST, "1.2.0", Read(stretches::zrange)),
    row!("ZRANGEBYLEX", -4, SortedSet, READ.and(LONG), FIRST, "2.8.9", Read(stretches::zrangebylex)),
    row!("ZRANGEBYSCORE", -4, SortedSet, READ.and(LONG), FIRST, "1.0.5", Read(stretches::zrangebyscore)),
    row!("ZRANGESTORE", -5, SortedSet, MAKE.and(Flags::READS).and(LONG), TWO, "6.2.0", Write(stretches::zrangestore), "zrangestore"),
    row!("ZRANK", -3, SortedSet, READ_FAST, MEMBERS, "2.0.0", Read(zsets::zrank)),
    row!("ZREM", -3, SortedSet, WRITE_FAST, MEMBERS, "1.2.0", Write(leaving::zrem), "zrem"),
    row!("ZREMRANGEBYLEX", 4, SortedSet, WRITE.and(LONG), FIRST, "2.8.9", Write(leaving::zremrangebylex), "zremrangebylex"),
    row!("ZREMRANGEBYRANK", 4, SortedSet, WRITE.and(LONG), FIRST, "2.0.0", Write(leaving::zremrangebyrank), "zremrangebyrank"),
    row!("ZREMRANGEBYSCORE", 4, SortedSet, WRITE.and(LONG), FIRST, "1.2.0", Write(leaving::zremrangebyscore), "zremrangebyscore"),
    row!("ZREVRANGE", -4, SortedSet, READ.and(LONG), FIRST, "1.2.0", Read(stretches::zrevrange)),
    row!("ZREVRANGEBYLEX", -4, SortedSet, READ.and(LONG), FIRST, "2.8.9", Read(stretches::zrevrangebylex)),
    row!("ZREVRANGEBYSCORE", -4, SortedSet, READ.and(LONG), FIRST, "2.2.0", Read(stretches::zrevrangebyscore)),
    row!("ZREVRANK", -3, SortedSet, READ_FAST, MEMBERS, "2.0.0", Read(zsets::zrevrank)),
    row!("ZSCAN", -3, SortedSet, READ, FIRST, "2.8.0", Read(drawing::zscan)),
    row!("ZSCORE", 3, SortedSet, READ_FAST, MEMBERS, "1.2.0", Read(zsets::zscore)),
    row!("ZTTL", -5, SortedSet, READ_FAST, FIRST, "0.1.0", Read(expiring::zttl)),
    row!("ZUNION", -3, SortedSet, READ.and(Flags::MOVABLE_KEYS).and(LONG), COUNTED, "6.2.0", Read(combining::zunion)),
    row!("ZUNIONSTORE", -4, SortedSet, MAKE.and(Flags::MOVABLE_KEYS).and(Flags::READS).and(LONG), DESTINATION, "2.0.0", Write(combining::zunionstore), "zunionstore"),
];
