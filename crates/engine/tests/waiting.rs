//! Clients that wait for keys: in which order they are served, by what, and what happens to those who leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kvark_call::fault::Parked;
use kvark_call::request::OwnedRequest;
use kvark_call::ticket::End;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{Reply, ReplyCollector, split_line};
use kvark_engine::{Engine, OpenOptions};

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
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, wake);
        Self { engine: Arc::clone(engine), session: Session::new(peer, true), woken }
    }

    /// The command's answer; it does not wait.
    fn say(&mut self, line: &str) -> String {
        let mut sink = ReplyCollector::default();
        let parked = self.engine.begin(&mut self.session, &request(line), &mut sink).unwrap();
        assert!(parked.is_none(), "{line} waits");
        sink.show().replace('\n', " ")
    }

    /// Begins a command that waits.
    fn wait(&mut self, line: &str) -> Parked {
        let mut sink = ReplyCollector::default();
        let parked = self.engine.begin(&mut self.session, &request(line), &mut sink).unwrap();
        assert_eq!(sink.show(), "", "who waits has no answer");
        parked.unwrap_or_else(|| panic!("{line} does not wait"))
    }

    /// The answer that has come, if one has.
    fn answer(&mut self, parked: &Parked) -> Option<String> {
        let mut sink = ReplyCollector::default();
        let over = self.engine.resume(&mut self.session, parked, &mut sink).unwrap();
        over.then(|| sink.show().replace('\n', " "))
    }
}

fn request(line: &str) -> OwnedRequest {
    OwnedRequest::new(split_line(line))
}

fn engine() -> Arc<Engine> {
    Engine::open(&OpenOptions { shards: 16, ..OpenOptions::in_memory() }, Settings::default()).unwrap()
}

#[test]
fn who_came_first_is_served_first_whatever_else_it_waits_for() {
    let engine = engine();
    let [mut first, mut second, mut third, mut other] = std::array::from_fn(|_| Client::of(&engine));
    let one = first.wait("BLPOP a b c 0");
    let two = second.wait("BRPOP b 0");
    let three = third.wait("BLMPOP 0 2 c b LEFT COUNT 5");
    assert_eq!(other.say("RPUSH b 1"), "(integer) 1");
    assert_eq!(first.answer(&one).as_deref(), Some("1) \"b\" 2) \"1\""));
    assert_eq!((second.answer(&two), third.answer(&three)), (None, None));
    assert_eq!(first.woken.load(Ordering::Relaxed), 1);
    assert_eq!(other.say("RPUSH b 2 3 4"), "(integer) 3", "who pushes sees what it did");
    assert_eq!(second.answer(&two).as_deref(), Some("1) \"b\" 2) \"4\""));
    assert_eq!(third.answer(&three).as_deref(), Some("1) \"b\" 2) 1) \"2\"    2) \"3\""));
    assert_eq!(other.say("EXISTS a b c"), "(integer) 0");
    assert_eq!(engine.keyspace().awaited_keys(), (0, 0), "nobody stands anywhere any more");
}

#[test]
fn one_that_is_served_serves_the_next() {
    let engine = engine();
    let mut clients: Vec<Client> = (0..9).map(|_| Client::of(&engine)).collect();
    let chain: Vec<Parked> =
        (0..8).map(|at| clients[at].wait(&format!("BLMOVE l{at} l{} LEFT RIGHT 0", at + 1))).collect();
    assert_eq!(clients[8].say("RPUSH l0 x"), "(integer) 1");
    for (client, parked) in clients.iter_mut().zip(&chain) {
        assert_eq!(client.answer(parked).as_deref(), Some("\"x\""));
    }
    assert_eq!(clients[8].say("LRANGE l8 0 -1"), "1) \"x\"");
}

#[test]
fn a_transaction_is_over_before_anybody_is_served() {
    let engine = engine();
    let [mut waiting, mut reader, mut busy] = std::array::from_fn(|_| Client::of(&engine));
    let parked = waiting.wait("BLPOP a 0");
    let read = reader.wait("XREAD BLOCK 0 STREAMS s $");
    for line in ["MULTI", "RPUSH a 1", "DEL a", "SET a x", "DEL a", "RPUSH a 2 3", "XADD s 1-1 f v", "XADD s 2-1 f w"] {
        busy.say(line);
    }
    assert!(busy.say("EXEC").ends_with("\"2-1\""));
    assert_eq!(waiting.answer(&parked).as_deref(), Some("1) \"a\" 2) \"2\""));
    let entries = reader.answer(&read).unwrap();
    assert!(entries.contains("\"1-1\"") && entries.contains("\"2-1\""), "{entries}");
    // Nobody waits between MULTI and EXEC.
    for line in ["MULTI", "BLPOP nothing 0", "BLMOVE nothing a LEFT LEFT 0", "BLPOP a 0"] {
        busy.say(line);
    }
    assert_eq!(busy.say("EXEC"), "1) (nil) 2) (nil) 3) 1) \"a\"    2) \"3\"");
}

#[test]
fn nothing_is_done_for_one_that_has_left() {
    let engine = engine();
    let [mut gone, mut unblocked, mut late, mut pusher] = std::array::from_fn(|_| Client::of(&engine));
    let first = gone.wait("BLPOP a 0");
    let second = unblocked.wait("BLPOP a 0");
    let third = late.wait("BLPOP a 0.01");
    assert!(first.ticket.give_up().is_none());
    assert!(unblocked.session.peer.unblock(End::Unblocked) && !unblocked.session.peer.unblock(End::TimedOut));
    std::thread::sleep(std::time::Duration::from_millis(15));
    assert_eq!(late.answer(&third).as_deref(), Some("(nil)"));
    let text = unblocked.answer(&second).unwrap();
    assert_eq!(text, "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK");
    assert_eq!((pusher.say("RPUSH a 1"), pusher.say("LLEN a")), ("(integer) 1".into(), "(integer) 1".into()));
    assert_eq!(pusher.say("CLIENT UNBLOCK 1"), "(integer) 0");
}

#[test]
fn a_value_that_comes_by_any_way_serves() {
    let arrivals = [
        "RESTORE",
        "RENAME b a",
        "COPY b a",
        "SORT b ALPHA STORE a",
        "LMOVE b a LEFT LEFT",
        "SWAPDB 0 1",
        "LINSERT",
        "MOVE",
    ];
    for arrival in arrivals {
        let engine = engine();
        let [mut waiting, mut other] = std::array::from_fn(|_| Client::of(&engine));
        let parked = waiting.wait("BLPOP a 0");
        other.say("RPUSH b x");
        match arrival {
            "RESTORE" => {
                let mut sink = ReplyCollector::default();
                engine.execute(&mut other.session, &request("DUMP b"), &mut sink).unwrap();
                let Some(Reply::Bulk(payload)) = sink.replies.pop() else { panic!("DUMP answers a payload") };
                let restore = OwnedRequest::new([&b"RESTORE"[..], b"a", b"0", &payload]);
                engine.execute(&mut other.session, &restore, &mut ReplyCollector::default()).unwrap();
            }
            "LINSERT" => {
                other.say("SET a text");
                assert_eq!(waiting.answer(&parked), None, "a string is nothing to pop");
                other.say("RENAME b a");
            }
            "SWAPDB 0 1" => {
                other.say("SELECT 1");
                other.say("RPUSH a x");
                assert_eq!(waiting.answer(&parked), None, "that is another database");
                other.say(arrival);
            }
            "MOVE" => {
                other.say("SELECT 1");
                other.say("RPUSH a x");
                other.say("MOVE a 0");
            }
            line => drop(other.say(line)),
        }
        assert_eq!(waiting.answer(&parked).as_deref(), Some("1) \"a\" 2) \"x\""), "{arrival}");
    }
}

#[test]
fn a_group_reader_hears_of_the_end_and_others_do_not() {
    for end in ["DEL s", "FLUSHALL", "SET s x", "XGROUP DESTROY s g", "RENAME s t", "PEXPIREAT s 1"] {
        let engine = engine();
        let [mut group, mut plain, mut other] = std::array::from_fn(|_| Client::of(&engine));
        other.say("XGROUP CREATE s g $ MKSTREAM");
        let parked = group.wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
        let read = plain.wait("XREAD BLOCK 0 STREAMS s $");
        assert_eq!(engine.keyspace().awaited_keys(), (1, 1));
        other.say("XGROUP CREATECONSUMER s g d");
        assert_eq!(group.answer(&parked), None, "that is no news");
        other.say(end);
        let told = group.answer(&parked).unwrap_or_else(|| panic!("{end} ends the wait"));
        assert!(told.starts_with(if end == "SET s x" { "(error) WRONGTYPE" } else { "(error) NOGROUP" }), "{told}");
        assert_eq!(plain.answer(&read), None, "{end}");
    }
}

/// Every element goes to exactly one, and no element lies there while somebody waits for it.
#[test]
fn many_threads_lose_and_double_nothing() {
    const PRODUCERS: usize = 3;
    const EACH: usize = if cfg!(debug_assertions) { 400 } else { 4000 };
    let engine = engine();
    let (taken, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut sums: Vec<Vec<String>> = Vec::new();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|number| {
                let (engine, taken, done) = (&engine, &taken, &done);
                scope.spawn(move || consume(engine, number, taken, done))
            })
            .collect();
        let pushing: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut client = Client::of(engine);
                    for at in 0..EACH {
                        client.say(&format!("RPUSH q{} {producer}-{at}", at % 3));
                    }
                })
            })
            .collect();
        pushing.into_iter().for_each(|thread| thread.join().unwrap());
        while taken.load(Ordering::Relaxed) < PRODUCERS * EACH {
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
        sums = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
    });
    let mut all: Vec<String> = sums.concat();
    all.sort();
    let mut expected: Vec<String> =
        (0..PRODUCERS).flat_map(|producer| (0..EACH).map(move |at| format!("\"{producer}-{at}\""))).collect();
    expected.sort();
    assert_eq!(all, expected);
    assert_eq!(engine.keyspace().awaited_keys(), (0, 0));
}

/// What one consumer has got.
fn consume(engine: &Arc<Engine>, number: usize, taken: &AtomicUsize, done: &AtomicBool) -> Vec<String> {
    let mut client = Client::of(engine);
    let line =
        ["BLPOP q0 q1 q2 0", "BRPOP q2 q1 q0 0", "BLMOVE q1 q0 LEFT RIGHT 0", "BLMPOP 0 3 q1 q0 q2 LEFT"][number];
    let mut got = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let mut sink = ReplyCollector::default();
        if let Some(parked) = client.engine.begin(&mut client.session, &request(line), &mut sink).unwrap() {
            while !client.engine.resume(&mut client.session, &parked, &mut sink).unwrap() {
                if done.load(Ordering::Relaxed) {
                    client.session.peer.unblock(End::TimedOut);
                }
                std::thread::yield_now();
            }
        }
        // What is moved is somebody else's to take.
        let shown = sink.show();
        if number != 2 && shown != "(nil)" {
            got.push(shown.rsplit(' ').next().unwrap().to_owned());
            taken.fetch_add(1, Ordering::Relaxed);
        }
    }
    got
}
