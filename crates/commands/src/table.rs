//! All commands, by name.

use crate::row::{Flags, Group, Handler, Keys, Row, Source};
use crate::strings;

macro_rules! row {
    ($name:literal, $arity:literal, $group:ident, $flags:expr, $keys:expr, $since:literal, $handler:ident($family:ident::$function:ident)) => {
        Row {
            name: $name,
            arity: $arity,
            group: Group::$group,
            flags: $flags,
            keys: $keys,
            handler: Handler::$handler($family::$function),
            since: $since,
            source: Source { text: source::$family, function: stringify!($function) },
        }
    };
}

/// The text of each family's file.
#[allow(non_upper_case_globals)]
mod source {
    pub const strings: &str = include_str!("strings.rs");
}

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE;
const FAST: Flags = Flags::FAST;
const OOM: Flags = Flags::DENYOOM;

/// Every command, sorted by name.
pub static ROWS: [Row; TABLE.len()] = TABLE;

pub(crate) const TABLE: [Row; 2] = [
    row!("GET", 2, String, READ.and(FAST), Keys::First, "1.0.0", Read(strings::get)),
    row!("SET", -3, String, WRITE.and(OOM), Keys::First, "1.0.0", Write(strings::set)),
];
