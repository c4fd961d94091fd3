//! The value at a key as the type that a command is about; any other type is refused.

use kvark_call::Fault;
use kvark_keyspace::{EntryRef, View};
use kvark_values::{Hash, List, Set, Stream, StringRef, ValueRef, Zset};

/// The string that an entry holds.
#[inline]
pub fn string_of<'v>(entry: &EntryRef<'v>) -> Result<StringRef<'v>, Fault> {
    entry.value().as_string().ok_or_else(Fault::wrong_type)
}

macro_rules! typed {
    ($($(#[$doc:meta])* $name:ident $variant:ident $of_type:ident,)*) => {
        $(
            $(#[$doc])*
            #[inline]
            pub fn $name<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<&'v $of_type>, Fault> {
                match view.find(key).map(|entry| entry.value()) {
                    None => Ok(None),
                    Some(ValueRef::$variant(found)) => Ok(Some(found)),
                    Some(_) => Err(Fault::wrong_type()),
                }
            }
        )*
    };
}

typed! {
    /// The list at `key`.
    list List List,
    /// The set at `key`.
    set Set Set,
    /// The sorted set at `key`.
    zset Zset Zset,
    /// The hash at `key`.
    hash Hash Hash,
    /// The stream at `key`.
    stream Stream Stream,
}
