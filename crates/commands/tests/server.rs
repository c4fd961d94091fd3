//! Connections, settings, INFO, durability.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{START_MS, Store, session};
use kvark_call::session::{PauseMode, ReplyMode};
use kvark_call::{FactSheet, Facts, Outcome, Version};
use kvark_commands::ShutdownOptions;

const SYNTAX: &str = "(error) ERR syntax error";

#[test]
fn a_password_is_asked_for() {
    let mut store = Store::new();
    store.expect(&[("AUTH default whatever", "OK"), ("CONFIG SET requirepass secret", "OK")]);
    store.session = session(&store.world, "127.0.0.1:6000");
    store.session.authenticated = false;
    let wrong = "(error) WRONGPASS invalid username-password pair or user is disabled.";
    let noauth = "(error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time";
    store.expect(&[
        ("AUTH secre", wrong),
        ("AUTH secrets", wrong),
        ("AUTH nobody secret", wrong),
        ("AUTH a b c", SYNTAX),
        ("HELLO 3", noauth),
        ("HELLO 3 AUTH default wrong", wrong),
        ("HELLO 3 SETNAME", "(error) ERR Syntax error in HELLO option 'SETNAME'"),
        ("HELLO x", "(error) ERR Protocol version is not an integer or out of range"),
        ("HELLO 1", "(error) NOPROTO unsupported protocol version"),
    ]);
    assert!(!store.session.authenticated && store.session.version == Version::Resp2);
    let (out, _) = store.collect(&["HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"]);
    assert_eq!(out.version, Version::Resp3);
    assert!(store.session.authenticated && store.session.version == Version::Resp3);
    assert_eq!(store.type_line("CLIENT GETNAME"), "\"me\"");
    store.type_line("SELECT 5");
    let (out, _) = store.collect(&["RESET"]);
    assert_eq!((out.show(), out.version), ("RESET".to_owned(), Version::Resp2));
    assert!(!store.session.authenticated && store.session.db == 0);
    let peer = &store.session.peer;
    assert_eq!((peer.version.load(Ordering::Relaxed), peer.db.load(Ordering::Relaxed)), (2, 0));
    assert_eq!(store.type_line("AUTH secret"), "OK");
    assert_eq!(store.type_line("CLIENT GETNAME"), "(nil)");
}

#[test]
fn quit_closes_and_replies_can_be_off() {
    let mut store = Store::new();
    assert!(matches!(store.collect(&["QUIT"]).1, Some(Outcome::Close)));
    for (word, mode, reply) in [
        ("OFF", ReplyMode::Off, ""),
        ("SKIP", ReplyMode::Off, ""),
        ("ON", ReplyMode::On, "OK"),
        ("SKIP", ReplyMode::SkipNext, ""),
    ] {
        assert_eq!(store.type_line(&format!("CLIENT REPLY {word}")), reply);
        assert_eq!(store.session.reply, mode);
    }
}

#[test]
fn clients_are_listed_and_killed_by_what_is_asked() {
    let mut store = Store::new();
    let others: Vec<_> =
        ["10.0.0.1:1", "10.0.0.2:2", "/tmp/kvark.sock:0"].map(|address| session(&store.world, address)).into();
    others[1].peer.text.lock().name = "second".into();
    store.advance(10_000);
    let late = session(&store.world, "10.0.0.3:3");
    let count = |store: &mut Store, line: &str| store.type_line(line).matches("id=").count();
    assert_eq!(count(&mut store, "CLIENT LIST"), 5);
    assert_eq!(count(&mut store, "CLIENT LIST SKIPME YES"), 4);
    assert_eq!(count(&mut store, "CLIENT LIST ID 1 2 99"), 2);
    assert_eq!(count(&mut store, "CLIENT LIST TYPE pubsub"), 0);
    assert_eq!(count(&mut store, "CLIENT LIST MAXAGE 10"), 4);
    assert_eq!(count(&mut store, "CLIENT LIST IP 10.0.0.2 NAME second"), 1);
    assert_eq!(count(&mut store, "CLIENT LIST NOT-NAME second"), 4);
    let line = store.type_line("CLIENT LIST ADDR 10.0.0.2:2");
    assert!(
        line.starts_with("\"id=3 addr=10.0.0.2:2 laddr=127.0.0.1:6379 fd=7 name=second age=10 idle=10 flags=N db=0 "),
        "{line}"
    );
    assert!(line.ends_with("tot-cmds=0\\n\""), "{line}");
    assert!(store.type_line("CLIENT LIST ID 4").contains(" flags=U "));
    store.expect(&[
        ("CLIENT LIST TYPE other", "(error) ERR Unknown client type 'other'"),
        ("CLIENT LIST TYPE", SYNTAX),
        ("CLIENT KILL ID 0", "(error) ERR client-id should be greater than 0"),
        ("CLIENT KILL ID x", "(error) ERR client-id should be greater than 0"),
        ("CLIENT KILL MAXAGE 0", "(error) ERR maxage should be greater than 0"),
        ("CLIENT KILL MAXAGE x", "(error) ERR maxage is not an integer or out of range"),
        ("CLIENT KILL USER nobody", "(error) ERR No such user 'nobody'"),
        ("CLIENT KILL SKIPME maybe", SYNTAX),
        ("CLIENT KILL what 1", SYNTAX),
        ("CLIENT KILL 10.0.0.1:1", "OK"),
        ("CLIENT KILL ID 3 4", "(integer) 2"),
        ("CLIENT KILL LADDR 127.0.0.1:1 TYPE normal", "(integer) 0"),
    ]);
    assert!(others.iter().all(|other| other.peer.is_killed()) && !late.peer.is_killed());
    let (out, outcome) = store.collect(&["CLIENT", "KILL", "SKIPME", "no"]);
    assert_eq!(out.show(), "(integer) 5");
    assert!(matches!(outcome, Some(Outcome::Close)) && late.peer.is_killed());
}

#[test]
fn a_pause_is_noted_with_its_end() {
    let mut store = Store::new();
    store.expect(&[
        ("CLIENT PAUSE x", "(error) ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE 10 SOME", "(error) ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ("CLIENT PAUSE 5000 WRITE", "OK"),
    ]);
    let until = START_MS + 5000;
    assert_eq!(store.world.sessions.paused(START_MS), Some((PauseMode::Writes, until)));
    store.type_line("CLIENT UNPAUSE");
    assert_eq!(store.world.sessions.paused(START_MS), None);
}

#[test]
fn names_stay_within_their_column() {
    Store::new().expect(&[
        ("CLIENT SETNAME \"a\\nb\"", "(error) ERR Client names cannot contain spaces, newlines or special characters."),
        (
            "CLIENT SETINFO lib-ver \"1 2\"",
            "(error) ERR lib-ver cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT SETINFO lib-ver 1.2", "OK"),
        ("CLIENT SETNAME x", "OK"),
        ("CLIENT SETNAME \"\"", "OK"),
        ("CLIENT GETNAME", "(nil)"),
        ("CLIENT NO-EVICT x", SYNTAX),
    ]);
}

#[test]
fn settings_change_together_or_not_at_all() {
    let mut store = Store::new();
    let unknown = "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'";
    let failed = |name: &str, reason: &str| {
        format!("(error) ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    assert_eq!(store.type_line("CONFIG SET timeout"), "(error) ERR wrong number of arguments for 'config|set' command");
    assert_eq!(store.type_line("CONFIG SET timeout 1 maxclients"), SYNTAX);
    assert_eq!(store.type_line("CONFIG SET timeout 1 nosuch 2 port x"), unknown);
    assert_eq!(store.type_line("CONFIG SET timeout 1 port 2"), failed("port", "can't set immutable config"));
    assert_eq!(store.type_line("CONFIG SET timeout 1 TIMEOUT 2"), failed("TIMEOUT", "duplicate parameter"));
    assert_eq!(store.type_line("CONFIG SET timeout 1 maxmemory 5"), failed("maxmemory", "can't set immutable config"));
    assert_eq!(
        store.type_line("CONFIG SET timeout 1 maxclients 0"),
        failed("maxclients", "argument must be between 1 and 1000000 inclusive")
    );
    let entries = "hash-max-ziplist-entries";
    assert_eq!(
        store.type_line(&format!("CONFIG SET {entries} 1 hash-max-listpack-entries 2")),
        failed("hash-max-listpack-entries", "duplicate parameter")
    );
    store.expect(&[
        ("CONFIG SET hash-max-ziplist-entries 7", "OK"),
        ("CONFIG GET hash-max-listpack-entries", "1) \"hash-max-listpack-entries\"\n2) \"7\""),
        ("CONFIG GET hash-max-zip*s", "1) \"hash-max-ziplist-entries\"\n2) \"7\""),
    ]);
    assert_eq!(store.type_line("CONFIG GET timeout"), "1) \"timeout\"\n2) \"0\"");
    assert_eq!(store.type_line("CONFIG SET port 6379x"), failed("port", "can't set immutable config"));
    store.expect(&[
        ("CONFIG SET port 6379 timeout 0", "OK"),
        ("CONFIG SET save \"\" appendonly yes", "OK"),
        (
            "CONFIG GET save appendonly appendfsync nosuch",
            "1) \"appendfsync\"\n2) \"everysec\"\n3) \"appendonly\"\n4) \"yes\"\n5) \"save\"\n6) \"\"",
        ),
        ("CONFIG GET TIME?UT timeout", "1) \"timeout\"\n2) \"0\""),
        ("CONFIG SET client-query-buffer-limit 2mb", "OK"),
        ("CONFIG GET client-query-buffer-limit", "1) \"client-query-buffer-limit\"\n2) \"2097152\""),
        ("CONFIG SET client-output-buffer-limit \"pubsub 1mb 2 3\"", "OK"),
        (
            "CONFIG GET client-output-buffer-limit",
            "1) \"client-output-buffer-limit\"\n2) \"normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2 3\"",
        ),
        ("CONFIG REWRITE", "(error) ERR The server is running without a config file"),
    ]);
}

#[derive(Default)]
struct Told {
    reset: AtomicBool,
}

impl Facts for Told {
    fn tell(&self, sheet: &mut FactSheet) {
        sheet.tell("keyspace", "db0", "keys=1,expires=0,avg_ttl=0,subexpiry=0");
        sheet.tell("server", "redis_version", "8.4.0");
        sheet.tell("tier", "tier_engine", "none");
        sheet.tell("clients", "maxclients", "77");
        sheet.tell("commandstats", "cmdstat_get", "calls=3");
    }

    fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

#[test]
fn info_is_told_by_sections() {
    let mut store = Store::new();
    let told = Arc::new(Told::default());
    store.world.add_facts(Arc::clone(&told) as _);
    let titles = |text: String| -> Vec<String> {
        text.split("# ").skip(1).map(|part| part[..part.find('\\').unwrap()].to_owned()).collect()
    };
    let usual = ["Server", "Clients", "Stats", "Replication", "Cluster", "Keyspace", "Tier"];
    assert_eq!(titles(store.type_line("INFO")), usual);
    assert_eq!(titles(store.type_line("INFO default")), usual);
    assert_eq!(titles(store.type_line("INFO all")).len(), 8);
    assert_eq!(titles(store.type_line("info keyspace SERVER nosuch")), ["Server", "Keyspace"]);
    assert_eq!(store.type_line("INFO commandstats"), "\"# Commandstats\\r\\ncmdstat_get:calls=3\\r\\n\"");
    let clients = "\"# Clients\\r\\nmaxclients:77\\r\\npubsub_clients:0\\r\\ntracking_clients:0\\r\\n\
                   connected_clients:1\\r\\ncluster_connections:0\\r\\n\
                   watching_clients:0\\r\\ntotal_watched_keys:0\\r\\n\"";
    assert_eq!(store.type_line("INFO clients"), clients);
    store.type_line("CONFIG RESETSTAT");
    assert!(told.reset.load(Ordering::Relaxed));
}

#[test]
fn commands_tell_of_themselves() {
    let mut store = Store::new();
    store.expect(&[
        ("COMMAND LIST FILTERBY", SYNTAX),
        ("COMMAND LIST FILTERBY MODULE x", "(empty array)"),
        ("COMMAND GETKEYS nosuch a", "(error) ERR Invalid command specified"),
        ("COMMAND GETKEYS GET", "(error) ERR Invalid number of arguments specified for command"),
        ("COMMAND GETKEYS GET a b", "(error) ERR Invalid number of arguments specified for command"),
        ("COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 5", "1) \"a\"\n2) \"b\""),
        ("COMMAND GETKEYS MSETEX x a 1", "(error) ERR Invalid arguments specified for command"),
        ("COMMAND GETKEYS ZINTERSTORE to 144367 a", "(error) ERR Invalid arguments specified for command"),
        ("COMMAND GETKEYS ZINTER 0 a", "(error) ERR Invalid arguments specified for command"),
        ("COMMAND GETKEYS EVAL text 0", "(empty array)"),
        (
            "COMMAND GETKEYSANDFLAGS SMOVE a b x",
            "1) 1) \"a\"\n   2) 1) RW\n      2) access\n      3) delete\n2) 1) \"b\"\n   2) 1) RW\n      2) insert",
        ),
        (
            "COMMAND GETKEYSANDFLAGS SUNIONSTORE to a",
            "1) 1) \"to\"\n   2) 1) OW\n      2) update\n2) 1) \"a\"\n   2) 1) RO\n      2) access",
        ),
        ("CONFIG|GET port", "(error) ERR unknown command 'CONFIG|GET', with args beginning with: 'port' "),
        ("COMMAND GETKEYS OBJECT ENCODING a", "1) \"a\""),
        ("COMMAND GETKEYS RENAME a b", "1) \"a\"\n2) \"b\""),
        ("COMMAND GETKEYS LCS a b IDX", "1) \"a\"\n2) \"b\""),
        ("COMMAND INFO msetex", "1)  1) \"msetex\"\n    2) (integer) -4\n    3) 1) write\n       2) denyoom\n       3) movablekeys\n    4) (integer) 0\n    5) (integer) 0\n    6) (integer) 0\n    7) 1) @write\n       2) @string\n       3) @slow\n    8) (empty array)\n    9) 1) 1) \"flags\"\n          2) 1) OW\n             2) update\n          3) \"begin_search\"\n          4) 1) \"type\"\n             2) \"index\"\n             3) \"spec\"\n             4) 1) \"index\"\n                2) (integer) 1\n          5) \"find_keys\"\n          6) 1) \"type\"\n             2) \"keynum\"\n             3) \"spec\"\n             4) 1) \"keynumidx\"\n                2) (integer) 0\n                3) \"firstkey\"\n                4) (integer) 1\n                5) \"keystep\"\n                6) (integer) 2\n   10) (empty array)"),
        ("COMMAND DOCS nosuch", "(empty array)"),
        ("COMMAND INFO get|key", "1) (nil)"),
        (
            "COMMAND GETKEYSANDFLAGS RENAME a b",
            "1) 1) \"a\"\n   2) 1) RW\n      2) access\n      3) delete\n2) 1) \"b\"\n   2) 1) OW\n      2) update",
        ),
    ]);
    assert!(store.type_line("COMMAND LIST FILTERBY ACLCAT DANGEROUS").contains("\"flushall\""));
    assert!(store.type_line("CLIENT HELP").contains("KILL address"));
}

#[test]
fn debug_is_refused_unless_allowed() {
    let mut store = Store::new();
    let refused = "(error) ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
    store.world.settings.set("enable-debug-command", "no").unwrap();
    for line in [
        "DEBUG SLEEP 0",
        "DEBUG ERROR text",
        "DEBUG OBJECT a",
        "DEBUG RELOAD",
        "DEBUG DIGEST",
        "DEBUG DIGEST-VALUE a",
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "DEBUG HELP",
    ] {
        assert_eq!(store.type_line(line), refused, "{line}");
    }
    store.world.settings.set("enable-debug-command", "local").unwrap();
    assert_eq!(store.type_line("DEBUG SLEEP 0"), "OK");
    store.session = session(&store.world, "192.0.2.7:1");
    assert_eq!(store.type_line("DEBUG SLEEP 0"), refused);
}

#[test]
fn debug_sleep_takes_its_time_and_digests_tell_values_apart() {
    let mut store = Store::new();
    assert_eq!(store.type_line("DEBUG SLEEP 1.5"), "OK");
    assert_eq!(store.clock.now_ms(), START_MS + 1500);
    for wrong in ["DEBUG SLEEP x", "DEBUG SLEEP inf", "DEBUG SLEEP nan"] {
        assert_eq!(store.type_line(wrong), "(error) ERR value is not a valid float");
    }
    store.type_line("MSET a x b x c y");
    let digest = |store: &mut Store, key: &str| store.type_line(&format!("DEBUG DIGEST-VALUE {key}"));
    assert_eq!(digest(&mut store, "a"), digest(&mut store, "b"));
    assert_ne!(digest(&mut store, "a"), digest(&mut store, "c"));
    store.type_line("EXPIRE b 10");
    assert_ne!(digest(&mut store, "a"), digest(&mut store, "b"));
    store.type_line("DEBUG SET-ACTIVE-EXPIRE 0");
    assert_eq!(store.notes.active_expire.get(), Some(false));
}

#[test]
fn waiting_is_for_the_connections_own_writes() {
    let mut store = Store::new();
    store.resumes = false;
    store.expect(&[
        ("WAIT x 0", "(error) ERR value is not an integer or out of range"),
        ("WAIT 1 -1", "(error) ERR timeout is negative"),
        ("WAIT 1 0", "(integer) 0"),
        ("WAITAOF 2 0 0", "(error) ERR value is out of range, value must between 0 and 1"),
        ("WAITAOF 1 -1 0", "(error) ERR value is out of range, must be positive"),
        ("WAITAOF 1 0 0", "1) (integer) 1\n2) (integer) 0"),
        ("SET a 1", "OK"),
        ("WAITAOF 0 0 0", "1) (integer) 0\n2) (integer) 0"),
    ]);
    match store.collect(&["WAITAOF", "1", "0", "250"]).1 {
        Some(Outcome::Park(parked)) => {
            assert_eq!((parked.position(), parked.deadline_ms), (Some(1), Some(START_MS + 250)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.notes.syncs_wanted.get(), 1);
    store.keyspace.log().sync().unwrap();
    assert_eq!(store.type_line("WAITAOF 1 0 0"), "1) (integer) 1\n2) (integer) 0");
    store.notes.durable.set(false);
    let refused = "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(store.type_line("WAITAOF 1 0 0"), refused);
}

#[test]
fn saving_and_stopping_are_handed_on() {
    let mut store = Store::new();
    store.expect(&[
        ("SET a 1", "OK"),
        ("SAVE", "OK"),
        ("BGSAVE", "Background saving started"),
        ("LASTSAVE", "(integer) 1700000000"),
    ]);
    assert_eq!(store.notes.checkpoints.get(), 2);
    store.notes.checkpointing.set(true);
    store.expect(&[
        ("BGSAVE", "(error) ERR Background save already in progress"),
        ("BGSAVE SCHEDULE", "Background saving scheduled"),
        ("SHUTDOWN SAVE NOSAVE", SYNTAX),
        ("SHUTDOWN ABORT NOW", SYNTAX),
        ("SHUTDOWN ABORT", "(error) ERR No shutdown in progress."),
    ]);
    let (out, outcome) = store.collect(&["SHUTDOWN", "NOSAVE", "FORCE"]);
    assert!(out.replies.is_empty() && matches!(outcome, Some(Outcome::Close)));
    let options = ShutdownOptions { save: Some(false), now: false, force: true };
    assert_eq!(store.notes.shutdown.get(), Some(options));
    assert_eq!(store.type_line("SHUTDOWN ABORT"), "OK");
}
