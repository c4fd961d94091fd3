//! What is published of keys: which events, in which order, and when.

use std::sync::Arc;
use std::time::Duration;

use kvark_base::Clock;
use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings, World};
use kvark_commands::examples::{Reply, ReplyCollector, split_line};
use kvark_engine::{Durability, Engine, OpenOptions, Parts, Scratch};
use kvark_keyspace::Options;
use kvark_log::memory::{MemoryLog, Shelf};

struct Client {
    engine: Arc<Engine>,
    session: Session,
}

impl Client {
    fn of(engine: &Arc<Engine>) -> Self {
        let wake = Box::new(|| {});
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, wake);
        Self { engine: Arc::clone(engine), session: Session::new(peer, true).taking_deliveries() }
    }

    fn say(&mut self, line: &str) {
        let mut sink = ReplyCollector::default();
        self.engine.execute(&mut self.session, &OwnedRequest::new(split_line(line)), &mut sink).unwrap();
        let shown = sink.show();
        assert!(!shown.starts_with("(error)"), "{line} answers {shown}");
    }

    /// Executes a request, whose answer nobody confirms.
    fn say_unconfirmed(&mut self, line: &str) {
        let request = OwnedRequest::new(split_line(line));
        let (buffer, pipeline) = request.as_pipeline();
        let mut sink = ReplyCollector::default();
        self.engine.turn(&mut self.session, &pipeline, buffer, 0, &mut sink, &mut Scratch::default());
    }

    /// What was delivered since the last time: channel and message of each.
    fn heard(&mut self) -> Vec<(String, String)> {
        let mut sink = ReplyCollector::default();
        self.session.tell_deliveries(&mut sink);
        let text = |reply: &Reply| match reply {
            Reply::Bulk(text) => String::from_utf8(text.clone()).unwrap(),
            other => panic!("{} is no text", other.show()),
        };
        let message = |reply: &Reply| match reply {
            Reply::Array(words) => (text(&words[words.len() - 2]), text(&words[words.len() - 1])),
            other => panic!("{} is no message", other.show()),
        };
        sink.replies.iter().map(message).collect()
    }
}

/// Somebody who does things, and somebody who hears of them.
fn pair(engine: &Arc<Engine>, classes: &str) -> (Client, Client) {
    let (mut doer, mut hearer) = (Client::of(engine), Client::of(engine));
    doer.say(&format!("CONFIG SET notify-keyspace-events {classes}"));
    hearer.say("PSUBSCRIBE __key*__:*");
    (doer, hearer)
}

fn engine() -> Arc<Engine> {
    Engine::open(&OpenOptions::in_memory(), Settings::default()).unwrap()
}

/// An engine in which nothing happens by itself.
fn quiet_engine(clock: &Clock, durability: Durability) -> Arc<Engine> {
    let parts = Parts {
        log: Arc::new(MemoryLog::on(&Shelf::default())),
        tier: None,
        keyspace: Options { shards: 4, seed: 1 },
        durability,
        lock: None,
        background: false,
    };
    Engine::assemble(parts, Arc::new(World::new(clock.clone(), Settings::default()))).unwrap()
}

/// The events that follow from `line`, as `event key`.
fn events(doer: &mut Client, hearer: &mut Client, line: &str) -> String {
    doer.say(line);
    let heard = hearer.heard();
    let event = |(channel, key): &(String, String)| format!("{} {key}", channel.rsplit("__:").next().unwrap());
    heard.iter().map(event).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_change_has_its_events_in_order() {
    let (mut doer, mut hearer) = pair(&engine(), "EAnocm");
    for (line, expected) in [
        ("SET a 1", "new a, set a"),
        ("SET a 2 EX 100", "overwritten a, set a, expire a"),
        ("INCR a", "incrby a"),
        ("SET a 2 NX", ""),
        ("PERSIST a", "persist a"),
        ("PERSIST a", ""),
        ("GETEX a PX 100000", "expire a"),
        ("GET b", "keymiss b"),
        ("SADD a2 x", "new a2, sadd a2"),
        ("SET a2 x", "overwritten a2, type_changed a2, set a2"),
        ("SUNIONSTORE a2 none", "keymiss none, del a2"),
        ("LPUSH l 1 2", "new l, lpush l"),
        ("LMOVE l l LEFT RIGHT", "rpush l, lpop l"),
        ("RPOP l 5", "rpop l, del l"),
        ("HSETEX h EX 100 FIELDS 1 f v", "new h, hset h, hexpire h"),
        ("HPEXPIRE h 0 FIELDS 1 f", "hdel h, del h"),
        ("HSETEX h EXAT 1 FIELDS 1 f v", "new h, hset h, hdel h, del h"),
        ("ZADD z INCR 1 m", "new z, zincr z"),
        ("ZPOPMIN z 5", "zpopmin z, del z"),
        ("XADD x MAXLEN 1 1-0 f v", "new x, xadd x"),
        ("XADD x MAXLEN 1 2-0 f v", "xadd x, xtrim x"),
        ("XGROUP CREATE x g 0", "xgroup-create x"),
        ("XREADGROUP GROUP g c STREAMS x >", "xgroup-createconsumer x"),
        ("XREADGROUP GROUP g c STREAMS x 0", ""),
        ("BITFIELD bits SET u8 0 1 INCRBY u8 8 1", "new bits, setbit bits"),
        ("RENAME a b", "new b, rename_from a, rename_to b"),
        ("RPUSH l 1", "new l, rpush l"),
        ("RENAME l b", "new b, rename_from l, rename_to b, overwritten b, type_changed b"),
        ("COPY b c", "new c, copy_to c"),
        ("COPY b c REPLACE", "new c, copy_to c, overwritten c"),
        ("SORT b STORE d", "new d, sortstore d"),
        ("EXPIRE d -1", "del d"),
        ("SET d 1 PXAT 1", "new d, set d, expire d, expired d"),
        ("DEL b c none", "del b, del c"),
        ("SEXPIRE none 1 MEMBERS 1 x", ""),
        ("FLUSHALL", ""),
    ] {
        assert_eq!(events(&mut doer, &mut hearer, line), expected, "{line}");
    }
}

#[test]
fn a_key_that_is_overwritten_behind_its_time_has_expired_before() {
    let clock = Clock::manual(1_700_000_000_000);
    let (mut doer, mut hearer) = pair(&quiet_engine(&clock, Durability::Memory), "EAn");
    for (first, line, expected) in [
        ("SET a 1 PX 1", "SET a 2", "expired a, new a, set a"),
        ("SET b 1 PX 1", "LPUSH b 2", "expired b, new b, lpush b"),
        ("SET c 1 PX 1", "DEL c", "expired c"),
        ("SET d 1 PX 1", "APPEND d x", "expired d, new d, append d"),
    ] {
        doer.say(first);
        clock.advance(Duration::from_millis(1));
        hearer.heard();
        assert_eq!(events(&mut doer, &mut hearer, line), expected, "{line}");
    }
}

#[test]
fn an_event_is_told_by_its_key_and_then_by_its_name_in_its_database() {
    let (mut doer, mut hearer) = pair(&engine(), "KE$");
    doer.say("SELECT 3");
    doer.say("SWAPDB 3 5");
    doer.say("SET a 1 EX 100");
    let told = [("__keyspace@3__:a", "set"), ("__keyevent@3__:set", "a")];
    assert_eq!(hearer.heard(), told.map(|(channel, message)| (channel.to_owned(), message.to_owned())));
}

#[test]
fn only_what_is_wanted_is_told() {
    let engine = engine();
    for (classes, expected) in [("\"\"", ""), ("A", ""), ("K", ""), ("El", "lpush l"), ("En", "new l"), ("Ez", "")] {
        let (mut doer, mut hearer) = pair(&engine, classes);
        assert_eq!(events(&mut doer, &mut hearer, "LPUSH l x"), expected, "{classes}");
        doer.say("DEL l");
    }
}

#[test]
fn events_of_a_transaction_stay_in_order_with_its_messages() {
    let (mut doer, mut hearer) = pair(&engine(), "EA");
    hearer.say("SUBSCRIBE news");
    hearer.heard();
    for line in ["MULTI", "SET a 1", "PUBLISH news x", "SET b 1"] {
        doer.say(line);
    }
    assert_eq!(events(&mut doer, &mut hearer, "EXEC"), "set a, news x, set b");
}

#[test]
fn what_expires_is_told_when_it_goes() {
    let clock = Clock::manual(1_700_000_000_000);
    let engine = quiet_engine(&clock, Durability::Memory);
    let (mut doer, mut hearer) = pair(&engine, "EA");
    doer.say("SELECT 2");
    doer.say("SET k 1 PX 1");
    doer.say("HSET h f 1");
    doer.say("HPEXPIRE h 1 FIELDS 1 f");
    hearer.heard();
    clock.advance(Duration::from_millis(1));
    engine.tick();
    let mut told: Vec<String> = hearer.heard().into_iter().map(|(channel, key)| format!("{channel} {key}")).collect();
    told.sort();
    assert_eq!(told, ["__keyevent@2__:del h", "__keyevent@2__:expired k", "__keyevent@2__:hexpired h"]);
}

#[test]
fn at_level_disk_nothing_is_told_of_a_change_that_is_not_synced() {
    let engine = quiet_engine(&Clock::system(), Durability::Disk);
    let (mut doer, mut hearer) = pair(&engine, "E$");
    doer.say_unconfirmed("SET a 1");
    assert!(hearer.heard().is_empty());
    engine.confirm(doer.session.last_write).unwrap();
    assert_eq!(hearer.heard(), [("__keyevent@0__:set".to_owned(), "a".to_owned())]);
}
