//! Requests that take long: they give the answers that they always gave, and nobody who needs none of their shards waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kvark_call::fault::{Parked, Until};
use kvark_call::request::OwnedRequest;
use kvark_call::ticket::End;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{Reply, ReplyCollector, split_line};
use kvark_engine::{Engine, OpenOptions};

const MEMBERS: usize = 40_000;

struct Client {
    engine: Arc<Engine>,
    session: Session,
    woken: Arc<AtomicUsize>,
}

impl Client {
    fn of(engine: &Arc<Engine>) -> Self {
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let wake = Box::new(move || {
            counter.fetch_add(1, Ordering::Release);
        });
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, wake);
        Self { engine: Arc::clone(engine), session: Session::new(peer, true), woken }
    }

    /// One whose server has others to serve.
    fn among_others(engine: &Arc<Engine>) -> Self {
        let client = Self::of(engine);
        Self { session: client.session.among_others(), ..client }
    }

    fn begin(&mut self, request: &OwnedRequest) -> (Option<Parked>, ReplyCollector) {
        let mut sink = ReplyCollector::default();
        (self.engine.begin(&mut self.session, request, &mut sink).unwrap(), sink)
    }

    fn say(&mut self, line: &str) -> Reply {
        let (parked, mut sink) = self.begin(&OwnedRequest::new(split_line(line)));
        if let Some(parked) = parked {
            self.finish(&parked, &mut sink);
        }
        sink.replies.pop().expect("an answer")
    }

    fn finish(&mut self, parked: &Parked, sink: &mut ReplyCollector) {
        while !self.engine.resume(&mut self.session, parked, sink).unwrap() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn hand_over(&mut self, line: &str) -> Parked {
        let (parked, sink) = self.begin(&OwnedRequest::new(split_line(line)));
        assert_eq!(sink.show(), "", "{line} is answered later");
        parked
            .filter(|parked| matches!(parked.until, Until::Done))
            .unwrap_or_else(|| panic!("{line} is not handed over"))
    }
}

fn engine() -> Arc<Engine> {
    Engine::open(&OpenOptions { shards: 16, ..OpenOptions::in_memory() }, Settings::default()).unwrap()
}

fn fill(client: &mut Client, word: &str, key: &str, from: usize) {
    for chunk in (from..from + MEMBERS).collect::<Vec<_>>().chunks(1000) {
        let mut args = vec![word.to_owned(), key.to_owned()];
        for member in chunk {
            if matches!(word, "ZADD" | "HSET") {
                args.push(if key == "x" { "0".into() } else { member.to_string() });
            }
            args.push(member.to_string());
        }
        assert!(client.begin(&OwnedRequest::new(args)).0.is_none());
    }
}

/// Every word that may be long, over collections of which it is, and over small ones.
const WORDS: [&str; 38] = [
    "SUNIONSTORE d s t",
    "SDIFFSTORE d s t",
    "SINTERSTORE d s t",
    "SUNION s t",
    "SDIFF s t",
    "SINTER s t",
    "SINTERCARD 2 s t",
    "ZUNIONSTORE d 2 z y",
    "ZINTERSTORE d 2 z y",
    "ZDIFFSTORE d 2 z y",
    "ZUNION 2 z y",
    "ZINTER 2 z y",
    "ZDIFF 2 z y",
    "ZINTERCARD 2 z y",
    "ZRANGESTORE d z 0 -1",
    "ZRANGE z 0 -1 WITHSCORES",
    "ZRANGEBYSCORE z -inf +inf",
    "ZREVRANGE z 0 -1",
    "ZREVRANGEBYSCORE z +inf -inf",
    "ZRANGEBYLEX z - +",
    "ZREVRANGEBYLEX z + -",
    "COPY s d",
    "SMEMBERS s",
    "HGETALL h",
    "HKEYS h",
    "HVALS h",
    "LRANGE l 0 -1",
    "LREM l 0 77",
    "LINSERT l BEFORE 29999 x",
    "LPOS l 29999",
    "DUMP s",
    "LTRIM l 0 10",
    "ZREMRANGEBYRANK z 0 -10",
    "ZREMRANGEBYSCORE y -inf 59000",
    "ZREMRANGEBYLEX x - [9",
    "RENAME s e",
    "RENAMENX e f",
    "MOVE f 1",
];

fn with_collections(members: &str) -> Client {
    let engine = engine();
    let mut client = Client::of(&engine);
    if members == "many" {
        for (word, key, from) in [
            ("SADD", "s", 0),
            ("SADD", "t", MEMBERS / 2),
            ("ZADD", "z", 0),
            ("ZADD", "y", MEMBERS / 2),
            ("ZADD", "x", 0),
            ("HSET", "h", 0),
            ("RPUSH", "l", 0),
        ] {
            fill(&mut client, word, key, from);
        }
    } else {
        for line in
            ["SADD s a b", "SADD t b c", "ZADD z 1 a 1 b", "ZADD y 1 b 1 c", "HSET h f v", "RPUSH l a b 29999 77"]
        {
            client.say(line);
        }
    }
    client
}

fn sorted(reply: Reply) -> String {
    let mut lines: Vec<String> =
        reply.show().lines().map(|line| line.split_once(") ").map_or(line, |(_, rest)| rest).to_owned()).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn a_long_request_answers_as_it_does_at_once() {
    let (mut here, there) = (with_collections("many"), with_collections("many"));
    let mut there = Client::among_others(&there.engine);
    for line in WORDS {
        let by_hand = sorted(here.say(line));
        let parked = there.hand_over(line);
        let mut sink = ReplyCollector::default();
        there.finish(&parked, &mut sink);
        assert!(there.woken.load(Ordering::Acquire) > 0);
        assert_eq!(sorted(sink.replies.pop().expect("an answer")), by_hand, "{line}");
        assert_eq!(there.engine.keyspace().digest(0), here.engine.keyspace().digest(0), "{line}");
    }
}

#[test]
fn a_short_one_is_not_handed_over() {
    let small = with_collections("few");
    let mut client = Client::among_others(&small.engine);
    for line in WORDS {
        let (parked, _) = client.begin(&OwnedRequest::new(split_line(line)));
        assert!(parked.is_none(), "{line}");
    }
    let big = with_collections("many");
    let mut client = Client::among_others(&big.engine);
    for line in [
        "LRANGE l 0 10",
        "ZRANGE z 5 9",
        "ZRANGEBYSCORE z 5 9",
        "ZRANGE z 0 -1 BYSCORE LIMIT 0 3",
        "ZREMRANGEBYSCORE z 5 9",
        "LTRIM l 1 -1",
        "LRANGE s 0 -1",
    ] {
        let (parked, _) = client.begin(&OwnedRequest::new(split_line(line)));
        assert!(parked.is_none(), "{line}");
    }
    // Nobody waits in a transaction.
    client.say("MULTI");
    client.say("SUNIONSTORE d s t");
    assert_eq!(client.say("EXEC").show(), "1) (integer) 60000");
}

#[test]
fn who_needs_its_shards_is_held_back_and_who_does_not_goes_on() {
    let engine = with_collections("many").engine;
    let keyspace = engine.keyspace();
    let mut client = Client::among_others(&engine);
    let free = (0..)
        .map(|n| format!("k{n}"))
        .find(|key| {
            !["s", "t"].iter().any(|held| keyspace.key(held.as_bytes()).shard == keyspace.key(key.as_bytes()).shard)
        })
        .unwrap();
    let announced = keyspace.announce([&b"s"[..], b"t"].into_iter());
    let held = |client: &mut Client, line: &str| {
        let (buffer, pipeline) = {
            let request = OwnedRequest::new(split_line(line));
            let (buffer, pipeline) = request.as_pipeline();
            (buffer.to_vec(), pipeline)
        };
        let mut scratch = kvark_engine::Scratch::default();
        let turn =
            engine.turn(&mut client.session, &pipeline, &buffer, 0, &mut ReplyCollector::default(), &mut scratch);
        matches!(turn.end, kvark_engine::TurnEnd::Held { .. })
    };
    assert!(!held(&mut client, &format!("SET {free} v")) && !held(&mut client, "PING") && !held(&mut client, "MULTI"));
    assert!(!held(&mut client, "SADD s x"), "it is queued only");
    assert!(held(&mut client, "EXEC"));
    drop(announced);
    assert_eq!(client.say("DISCARD").show(), "OK");
    let announced = keyspace.announce([&b"s"[..], b"t"].into_iter());
    for line in ["SADD s x", "SISMEMBER t 5", "DBSIZE", "KEYS *", "FLUSHALL", "INFO", "EVAL \"return 1\" 0"] {
        assert!(held(&mut client, line), "{line}");
    }
    drop(announced);
    assert!(!held(&mut client, "SADD s x"));
}

#[test]
fn one_that_has_gone_meanwhile_is_not_told_and_one_that_went_before_does_nothing() {
    let engine = with_collections("many").engine;
    let mut clients: [Client; 3] = std::array::from_fn(|_| Client::among_others(&engine));
    let first = clients[0].hand_over("SUNIONSTORE d s t");
    let second = clients[1].hand_over("SUNIONSTORE e s t");
    assert!(second.ticket.give_up().is_none());
    let third = clients[2].hand_over("SUNION s t");
    let mut sink = ReplyCollector::default();
    clients[0].finish(&first, &mut sink);
    assert!(!clients[0].session.peer.unblock(End::TimedOut));
    clients[2].finish(&third, &mut sink);
    assert_eq!(clients[0].say("EXISTS d e").show(), "(integer) 1");
}
