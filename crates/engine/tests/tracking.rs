//! What clients that track are told, and when, between their answers.

use std::sync::Arc;

use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{ReplyCollector, split_line};
use kvark_engine::{Engine, OpenOptions};

struct Client {
    engine: Arc<Engine>,
    session: Session,
}

impl Client {
    fn of(engine: &Arc<Engine>) -> Self {
        let wake = Box::new(|| {});
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, wake);
        let mut client = Self { engine: Arc::clone(engine), session: Session::new(peer, true).taking_deliveries() };
        client.say("HELLO 3");
        client
    }

    /// Everything that is told while `line` is executed, as redis-cli shows it, on one line.
    fn say(&mut self, line: &str) -> String {
        let mut sink = ReplyCollector::default();
        self.engine.execute(&mut self.session, &OwnedRequest::new(split_line(line)), &mut sink).unwrap();
        flat(&sink)
    }

    /// What was delivered since the last time.
    fn heard(&mut self) -> String {
        let mut sink = ReplyCollector::default();
        self.session.tell_deliveries(&mut sink);
        flat(&sink)
    }

    fn end(mut self) {
        self.engine.world().part(&mut self.session);
    }
}

fn flat(sink: &ReplyCollector) -> String {
    sink.show().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stale(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{}) \"{key}\"", at + 1)).collect();
    format!("1) \"invalidate\" 2) {}", keys.join(" "))
}

fn engine() -> Arc<Engine> {
    Engine::open(&OpenOptions::in_memory(), Settings::default()).unwrap()
}

fn pair(mode: &str) -> (Client, Client) {
    let engine = engine();
    let (mut reader, writer) = (Client::of(&engine), Client::of(&engine));
    assert_eq!(reader.say(&format!("CLIENT TRACKING ON {mode}")), "OK");
    (reader, writer)
}

#[test]
fn who_has_read_a_key_is_told_once_that_it_has_changed() {
    let (mut reader, mut writer) = pair("");
    writer.say("MSET a 1 b 1");
    assert_eq!(reader.heard(), "");
    reader.say("GET a");
    for line in ["SET a 2", "SET a 3", "SET b 2"] {
        writer.say(line);
    }
    assert_eq!(reader.heard(), stale(&["a"]));
    writer.say("SET a 4");
    assert_eq!(reader.heard(), "");
}

#[test]
fn every_word_that_reads_is_remembered_and_every_change_is_heard() {
    for (reads, changes, key) in [
        ("GET a", "SELECT 5; SET a x", "a"),
        ("MGET a b", "APPEND b x", "b"),
        ("HGETALL h", "HDEL h f", "h"),
        ("HGET h f", "HPEXPIRE h 100000 FIELDS 1 f", "h"),
        ("LRANGE l 0 -1", "LPOP l", "l"),
        ("TTL a", "EXPIRE a 100", "a"),
        ("EXISTS none", "SET none 1", "none"),
        ("LCS a b", "RENAME a c", "a"),
        ("SORT_RO l", "RPUSH l 3", "l"),
        ("PFCOUNT p", "PFADD p x", "p"),
        ("XREAD STREAMS s 0", "XADD s * f v", "s"),
        ("OBJECT ENCODING a", "MOVE a 1", "a"),
        ("MULTI; GET a; EXEC", "DEL a", "a"),
        ("EVAL \"return redis.call('GET', 'a')\" 1 a", "SETRANGE a 1 x", "a"),
        ("GET a", "MULTI; INCRBYFLOAT n 1; SET a 5; EXEC", "a"),
        ("GET a", "EVAL \"return redis.call('SET', 'a', 1)\" 1 a", "a"),
    ] {
        let (mut reader, mut writer) = pair("");
        for line in ["MSET a x b y", "HSET h f v", "RPUSH l 1 2"] {
            writer.say(line);
        }
        reads.split("; ").for_each(|line| drop(reader.say(line)));
        changes.split("; ").for_each(|line| drop(writer.say(line)));
        assert_eq!(reader.heard(), stale(&[key]), "{reads}; {changes}");
    }
}

#[test]
fn what_a_client_changes_itself_is_told_behind_the_answer_or_with_noloop_not() {
    let (mut reader, mut writer) = pair("");
    reader.say("GET a");
    assert_eq!(reader.say("INCR a"), format!("(integer) 1 {}", stale(&["a"])));
    for line in ["GET a", "GET b", "MULTI", "INCR a", "PING", "INCR b"] {
        reader.say(line);
    }
    let answers = "1) (integer) 2 2) PONG 3) (integer) 1";
    assert_eq!(reader.say("EXEC"), format!("{answers} {} {}", stale(&["a"]), stale(&["b"])));
    reader.say("CLIENT TRACKING ON NOLOOP");
    reader.say("GET a");
    assert_eq!(reader.say("INCR a"), "(integer) 3");
    reader.say("GET a");
    writer.say("INCR a");
    assert_eq!(reader.say("PING"), format!("{} PONG", stale(&["a"])));
}

#[test]
fn a_client_that_broadcasts_is_told_of_all_keys_of_its_prefixes_at_once() {
    let (mut reader, mut writer) = pair("BCAST PREFIX a: PREFIX b: NOLOOP");
    writer.say("MSET a:1 x c:1 x b:1 x a:2 x");
    assert_eq!(reader.heard(), format!("{} {}", stale(&["a:1", "a:2"]), stale(&["b:1"])));
    assert_eq!(reader.say("SET a:1 y"), "OK");
    reader.say("CLIENT TRACKING OFF");
    writer.say("SET a:1 z");
    assert_eq!(reader.heard(), "");
}

#[test]
fn a_client_chooses_what_is_remembered() {
    for (mode, said, others) in [("OPTIN", "CLIENT CACHING YES", false), ("OPTOUT", "CLIENT CACHING NO", true)] {
        let (mut reader, mut writer) = pair(mode);
        let expected = |key: &str, remembered: bool| if remembered { stale(&[key]) } else { String::new() };
        for (lines, key, chosen) in [
            (vec!["GET a"], "a", false),
            (vec![said, "GET b", "GET a"], "b", true),
            (vec![said, "PING", "GET b"], "b", false),
            (vec![said, "MULTI", "GET c", "EXEC"], "c", true),
        ] {
            lines.iter().for_each(|line| drop(reader.say(line)));
            writer.say(&format!("SET {key} x"));
            assert_eq!(reader.heard(), expected(key, chosen != others), "{mode} {lines:?}");
        }
    }
}

#[test]
fn another_client_may_be_told_until_it_goes() {
    let engine = engine();
    let (mut reader, mut writer, mut target) = (Client::of(&engine), Client::of(&engine), Client::of(&engine));
    let id = target.session.peer.id;
    assert_eq!(reader.say(&format!("CLIENT TRACKING ON REDIRECT {id}")), "OK");
    reader.say("GET a");
    writer.say("SET a 1");
    assert_eq!((reader.heard(), target.heard()), (String::new(), stale(&["a"])));
    target.say("HELLO 2");
    reader.say("GET a");
    writer.say("SET a 2");
    assert_eq!(target.heard(), "", "a client of RESP2 that listens to nothing has no form for it");
    target.say("SUBSCRIBE __redis__:invalidate");
    reader.say("GET a");
    writer.say("SET a 2");
    assert_eq!(target.heard(), "1) \"message\" 2) \"__redis__:invalidate\" 3) 1) \"a\"");
    target.end();
    reader.say("GET a");
    writer.say("SET a 3");
    assert_eq!(reader.heard(), format!("1) \"tracking-redir-broken\" 2) (integer) {id}"));
    assert!(reader.say("CLIENT TRACKINGINFO").contains("broken_redirect"));
    assert!(writer.say("CLIENT LIST").contains("flags=tR "));
}

#[test]
fn emptying_and_exchanging_databases_makes_everything_stale() {
    for line in ["FLUSHALL", "FLUSHDB", "SWAPDB 0 1"] {
        let (mut reader, mut writer) = pair("");
        reader.say("GET a");
        writer.say(line);
        assert_eq!(reader.heard(), "1) \"invalidate\" 2) (nil)", "{line}");
    }
}

#[test]
fn the_table_is_bounded_and_told_of() {
    let (mut reader, mut writer) = pair("");
    writer.say("CONFIG SET tracking-table-max-keys 2");
    assert_eq!(reader.say("MGET a b c"), format!("1) (nil) 2) (nil) 3) (nil) {}", stale(&["a"])));
    let facts = writer.say("INFO everything");
    for fact in ["tracking_clients:1", "tracking_total_keys:2", "tracking_total_items:2", "tracking_total_prefixes:0"] {
        assert!(facts.contains(fact), "{fact}");
    }
    writer.say("CONFIG SET tracking-table-max-keys 1");
    assert_eq!(reader.heard(), stale(&["b"]));
    writer.say(r#"CONFIG SET notify-keyspace-events """#);
    writer.say("SET c 1");
    assert_eq!(reader.heard(), stale(&["c"]), "another setting changes nothing");
    reader.say("GET c");
    reader.end();
    assert!(writer.say("INFO everything").contains("tracking_total_keys:0"));
}

#[test]
fn what_expires_is_stale() {
    let (mut reader, mut writer) = pair("");
    writer.say("SET a 1 PX 1");
    writer.say("HSET h f 1");
    writer.say("HPEXPIRE h 1 FIELDS 1 f");
    reader.say("MGET a h");
    let mut told = String::new();
    for _ in 0..4000 {
        told += &reader.heard();
        if told.contains("\"a\"") && told.contains("\"h\"") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("told only {told}");
}
