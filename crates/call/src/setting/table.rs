//! Every setting: one row each, by name.

use super::{Kind, Setting};

const fn row(name: &'static str, kind: Kind, default: &'static str, mutable: bool, doc: &'static str) -> Setting {
    Setting { name, alias: None, kind, default, mutable, doc }
}

/// A threshold of a packed form, from 0.
const fn threshold(name: &'static str, default: &'static str, doc: &'static str) -> Setting {
    row(name, Kind::Integer(0, i64::MAX), default, MUTABLE, doc)
}

/// A threshold in bytes.
const fn byte_threshold(name: &'static str, default: &'static str, doc: &'static str) -> Setting {
    row(name, Kind::Memory(0, i64::MAX as u64), default, MUTABLE, doc)
}

impl Setting {
    const fn once(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }
}

const FIXED: bool = false;
const MUTABLE: bool = true;

/// Every setting, by name.
pub const TABLE: &[Setting] = &[
    row("bind", Kind::Text, "127.0.0.1", FIXED, "Addresses to listen on, separated by blanks; `*` is every address."),
    row(
        "busy-reply-threshold",
        Kind::Integer(0, i64::MAX),
        "5000",
        MUTABLE,
        "Milliseconds after which a script that still runs makes every other command answer BUSY, and can be ended by SCRIPT KILL; 0 is never.",
    )
    .once("lua-time-limit"),
    row(
        "client-output-buffer-limit",
        Kind::OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        MUTABLE,
        "When a client that does not read its answers is closed: class, hard limit, soft limit, seconds over the soft limit.",
    ),
    row(
        "client-query-buffer-limit",
        Kind::Memory(1024 * 1024, i64::MAX as u64),
        "1073741824",
        MUTABLE,
        "The most bytes one client may have waiting to be executed.",
    ),
    row("databases", Kind::Integer(16, 16), "16", FIXED, "How many databases SELECT reaches."),
    row("dir", Kind::Text, "./data", FIXED, "The directory that holds the store."),
    row(
        "durability",
        Kind::Choice(&["memory", "os", "disk"]),
        "os",
        FIXED,
        "What an answered write survives: `memory` nothing, `os` a killed process, `disk` a loss of power.",
    ),
    row(
        "enable-debug-command",
        Kind::Choice(&["no", "yes", "local"]),
        "no",
        FIXED,
        "Whether DEBUG is served: to nobody, to everybody, or to local clients only.",
    ),
    threshold("hash-max-listpack-entries", "512", "The most fields of a hash that is kept packed.")
        .once("hash-max-ziplist-entries"),
    byte_threshold(
        "hash-max-listpack-value",
        "64",
        "The most bytes of a field or a value in a hash that is kept packed.",
    )
    .once("hash-max-ziplist-value"),
    byte_threshold("hll-sparse-max-bytes", "3000", "The most bytes of a HyperLogLog that is kept sparse."),
    row(
        "latency-monitor-threshold",
        Kind::Integer(0, i64::MAX),
        "0",
        MUTABLE,
        "Events that take at least this many milliseconds are kept for LATENCY; 0 keeps none.",
    ),
    row(
        "latency-tracking",
        Kind::Flag,
        "yes",
        MUTABLE,
        "Whether it is counted for each command how often it took how long (LATENCY HISTOGRAM, INFO latencystats).",
    ),
    row(
        "latency-tracking-info-percentiles",
        Kind::Percentiles,
        "50 99 99.9",
        MUTABLE,
        "The percentiles that INFO latencystats tells.",
    ),
    row(
        "list-max-listpack-size",
        Kind::Integer(i32::MIN as i64, i32::MAX as i64),
        "-2",
        MUTABLE,
        "The size of the chunks of a list: elements if positive; -1 to -5 are 4, 8, 16, 32 and 64 KiB.",
    )
    .once("list-max-ziplist-size"),
    row(
        "log-max-bytes",
        Kind::Memory(1024 * 1024, 1 << 50),
        "2gb",
        MUTABLE,
        "The bound of the log: checkpoints keep it below this, and with it the time a restart takes.",
    ),
    row("maxclients", Kind::Integer(1, 1_000_000), "10000", MUTABLE, "The most clients at a time."),
    row(
        "notify-keyspace-events",
        Kind::KeyspaceEvents,
        "",
        MUTABLE,
        "Which events of keys are published: `K` and `E` in which channels, and the letters of classes; `A` is most of them.",
    ),
    row("port", Kind::Integer(0, 65535), "6379", FIXED, "The TCP port; 0 is no TCP."),
    row(
        "protected-mode",
        Kind::Flag,
        "yes",
        MUTABLE,
        "Whether commands from other machines are refused while no password is set.",
    ),
    row(
        "proto-max-bulk-len",
        Kind::Memory(1024 * 1024, 512 * 1024 * 1024),
        "512mb",
        MUTABLE,
        "The longest single argument in bytes.",
    ),
    row("requirepass", Kind::Secret, "", MUTABLE, "The password that AUTH asks for; empty is none."),
    threshold("set-max-intset-entries", "512", "The most members of a set of integers that is kept packed."),
    threshold("set-max-listpack-entries", "128", "The most members of a set that is kept packed."),
    threshold("set-max-listpack-value", "64", "The most bytes of a member of a set that is kept packed."),
    row(
        "shards",
        Kind::Integer(0, 1024),
        "0",
        FIXED,
        "Into how many parts a new store is divided, a power of two; 0 is 64. An existing store keeps its number.",
    ),
    row(
        "slowlog-log-slower-than",
        Kind::Integer(-1, i64::MAX),
        "10000",
        MUTABLE,
        "Commands that take longer than this many microseconds are kept for SLOWLOG; 0 keeps all, -1 none.",
    ),
    row("slowlog-max-len", Kind::Integer(0, i64::MAX), "128", MUTABLE, "The most commands that SLOWLOG keeps."),
    byte_threshold("stream-node-max-bytes", "4096", "The most bytes of a chunk of a stream; 0 is no bound."),
    threshold("stream-node-max-entries", "100", "The most entries of a chunk of a stream; 0 is no bound."),
    row("tcp-backlog", Kind::Integer(1, 65535), "511", FIXED, "How many connections may wait to be accepted."),
    row(
        "tcp-keepalive",
        Kind::Integer(0, 86400),
        "300",
        MUTABLE,
        "Seconds between probes of a silent connection; 0 is none.",
    ),
    row("threads", Kind::Integer(0, 256), "0", FIXED, "Event-loop threads; 0 is one a core."),
    row(
        "timeout",
        Kind::Integer(0, 31_536_000),
        "0",
        MUTABLE,
        "Close a client after this many silent seconds; 0 is never.",
    ),
    row(
        "tracking-table-max-keys",
        Kind::Integer(0, i64::MAX),
        "1000000",
        MUTABLE,
        "How many keys are remembered for clients that track what they read; 0 is no bound.",
    ),
    row("unixsocket", Kind::Text, "", FIXED, "The path of a unix socket to listen on; empty is none."),
    row("unixsocketperm", Kind::Text, "700", FIXED, "The unix socket's permissions, in octal."),
    threshold("zset-max-listpack-entries", "128", "The most members of a sorted set that is kept packed.")
        .once("zset-max-ziplist-entries"),
    byte_threshold("zset-max-listpack-value", "64", "The most bytes of a member of a sorted set that is kept packed.")
        .once("zset-max-ziplist-value"),
];
