//! What changes are told as, where the row of the command does not say it or says only the usual.

use kvark_keyspace::{Classes, Event};

use crate::row::Group;

/// The event that the row of a command names; none is no event.
pub(crate) const fn usual(group: Group, name: &'static str) -> Event {
    let class = match (group, name.as_bytes()) {
        (_, b"") => Classes::NONE,
        (Group::Generic, _) | (_, b"del" | b"expire") => Classes::GENERIC,
        (Group::Bitmap | Group::Hyperloglog | Group::String, _) => Classes::STRING,
        (Group::Geo | Group::SortedSet, _) => Classes::ZSET,
        (Group::Hash, _) => Classes::HASH,
        (Group::List, _) => Classes::LIST,
        (Group::Set, _) => Classes::SET,
        (Group::Stream, _) => Classes::STREAM,
        _ => panic!("commands of this group change no keys"),
    };
    Event { class, name }
}

macro_rules! events {
    ($($(#[$doc:meta])* $constant:ident $class:ident $name:literal,)*) => {
        $(
            $(#[$doc])*
            pub(crate) const $constant: Event = Event { class: Classes::$class, name: $name };
        )*
    };
}

events! {
    /// A key has another name now: told of the old one.
    RENAME_FROM GENERIC "rename_from",
    /// And of the new one.
    RENAME_TO GENERIC "rename_to",
    /// A key went to another database: told in the old one.
    MOVE_FROM GENERIC "move_from",
    /// And in the new one.
    MOVE_TO GENERIC "move_to",
    /// A number was raised or lowered, whoever asked for that.
    INCRBY STRING "incrby",
    /// A value was put in front of a list.
    LPUSH LIST "lpush",
    /// A value was put behind a list.
    RPUSH LIST "rpush",
    /// Values were taken from the front of a list.
    LPOP LIST "lpop",
    /// Values were taken from the end of a list.
    RPOP LIST "rpop",
    /// A list was sorted into this one.
    SORTSTORE LIST "sortstore",
    /// Fields were removed.
    HDEL HASH "hdel",
    /// Fields got a deadline.
    HEXPIRE HASH "hexpire",
    /// Fields lost their deadline.
    HPERSIST HASH "hpersist",
    /// Members came into a set.
    SADD SET "sadd",
    /// Members left a set.
    SREM SET "srem",
    /// Members left a sorted set.
    ZREM ZSET "zrem",
    /// A score was raised or lowered.
    ZINCR ZSET "zincr",
    /// The members with the lowest scores were taken.
    ZPOPMIN ZSET "zpopmin",
    /// The members with the highest scores were taken.
    ZPOPMAX ZSET "zpopmax",
    /// Entries went because a stream has a bound.
    XTRIM STREAM "xtrim",
    /// A consumer of a group was seen for the first time.
    CREATECONSUMER STREAM "xgroup-createconsumer",
}
