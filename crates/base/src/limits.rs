//! Every limit has a name here. It is checked where a request comes in and asserted where bytes are encoded.

/// The longest key in bytes. The tier stores a key behind a few bytes of prefix and counts the whole in a `u16`.
pub const MAX_KEY_LEN: usize = 65_000;

/// The longest value of a string key in bytes (Redis' own `proto-max-bulk-len` default).
pub const MAX_VALUE_LEN: usize = 512 * 1024 * 1024;

/// How many logical databases `SELECT` reaches.
pub const DATABASES: usize = 16;

/// The database that no client reaches: what the server itself keeps as it keeps keys, which is the libraries of functions.
pub const OWN_DATABASE: u32 = DATABASES as u32;

/// How many databases there are, with that one.
pub const ALL_DATABASES: usize = DATABASES + 1;

/// The most arguments of one command (Redis' own limit of a multibulk length).
pub const MAX_ARGS: usize = 1024 * 1024;

/// The most bytes of the commands that wait for EXEC (Redis' own bound of what a client has sent and is not executed).
pub const MAX_QUEUE_LEN: usize = 1 << 30;

/// The most memory of one interpreter of scripts, in bytes.
pub const MAX_SCRIPT_MEMORY: usize = 1 << 30;

/// The longest inline command in bytes.
pub const MAX_INLINE_LEN: usize = 64 * 1024;

/// The largest record in the log: one value, one key and their frame.
pub const MAX_RECORD_LEN: usize = MAX_VALUE_LEN + MAX_KEY_LEN + 64;

/// The fewest and the most shards of a store; always a power of two.
pub const SHARDS: std::ops::RangeInclusive<usize> = 1..=1024;

const _: () = assert!(MAX_KEY_LEN + 64 <= u16::MAX as usize);
const _: () = assert!(MAX_RECORD_LEN < u32::MAX as usize);
