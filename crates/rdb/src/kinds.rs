//! The numbers by which Redis tells one form of a value from another, and the version of its format that had it first.
//!
//! 6 and 7 are values of modules. 8 was never used.

use kvark_values::Type;

pub const STRING: u8 = 0;
pub const LIST: u8 = 1;
pub const SET: u8 = 2;
/// Scores are spelled in decimals.
pub const ZSET: u8 = 3;
pub const HASH: u8 = 4;
/// Scores are doubles. Version 8.
pub const ZSET_2: u8 = 5;
pub const HASH_ZIPMAP: u8 = 9;
pub const LIST_ZIPLIST: u8 = 10;
pub const SET_INTSET: u8 = 11;
pub const ZSET_ZIPLIST: u8 = 12;
pub const HASH_ZIPLIST: u8 = 13;
/// Nodes are ziplists. Version 7.
pub const LIST_QUICKLIST: u8 = 14;
/// Version 9.
pub const STREAM_LISTPACKS: u8 = 15;
/// Version 10, as the next three.
pub const HASH_LISTPACK: u8 = 16;
pub const ZSET_LISTPACK: u8 = 17;
/// Nodes are listpacks, or one large element.
pub const LIST_QUICKLIST_2: u8 = 18;
/// With the first entry, the largest that was deleted, and how many there ever were.
pub const STREAM_LISTPACKS_2: u8 = 19;
/// Version 11, as the next one.
pub const SET_LISTPACK: u8 = 20;
/// With the time when a consumer was active.
pub const STREAM_LISTPACKS_3: u8 = 21;
/// Fields with deadlines, before Redis 7.4 was finished; Valkey has another meaning for 22.
pub const HASH_METADATA_PRE_GA: u8 = 22;
pub const HASH_LISTPACK_EX_PRE_GA: u8 = 23;
/// Fields with deadlines, relative to the first of them. Version 12, as the next one.
pub const HASH_METADATA: u8 = 24;
pub const HASH_LISTPACK_EX: u8 = 25;
/// Fields with deadlines, in Valkey. Version 80.
pub const HASH_2: u8 = 22;
/// Members with deadlines. Kvark's own: Redis has no such thing and refuses the number.
pub const SET_DEADLINES: u8 = 200;
/// Members with deadlines, and scores as doubles. Kvark's own.
pub const ZSET_DEADLINES: u8 = 201;

/// From this version on it is Valkey's format.
pub const VALKEY: u16 = 80;

/// The type that `kind` is a form of.
pub fn type_of(kind: u8) -> Option<Type> {
    match kind {
        STRING => Some(Type::String),
        LIST | LIST_ZIPLIST | LIST_QUICKLIST | LIST_QUICKLIST_2 => Some(Type::List),
        SET | SET_INTSET | SET_LISTPACK | SET_DEADLINES => Some(Type::Set),
        ZSET | ZSET_2 | ZSET_ZIPLIST | ZSET_LISTPACK | ZSET_DEADLINES => Some(Type::Zset),
        HASH | HASH_ZIPMAP | HASH_ZIPLIST | HASH_LISTPACK => Some(Type::Hash),
        HASH_METADATA_PRE_GA..=HASH_LISTPACK_EX => Some(Type::Hash),
        STREAM_LISTPACKS | STREAM_LISTPACKS_2 | STREAM_LISTPACKS_3 => Some(Type::Stream),
        _ => None,
    }
}
