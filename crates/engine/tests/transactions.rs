//! Many clients at a time: transactions look as if they came one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{Reply, ReplyCollector, split_line};
use kvark_engine::{Durability, Engine, OpenOptions};

struct Client {
    engine: Arc<Engine>,
    session: Session,
}

impl Client {
    fn of(engine: &Arc<Engine>) -> Self {
        let wake = Box::new(|| {});
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, wake);
        Self { engine: Arc::clone(engine), session: Session::new(peer, true) }
    }

    fn say(&mut self, line: &str) -> Reply {
        let mut sink = ReplyCollector::default();
        let request = OwnedRequest::new(split_line(line));
        self.engine.execute(&mut self.session, &request, &mut sink).expect("the log takes it");
        sink.replies.pop().expect("an answer")
    }

    /// The answers of `lines` in one EXEC, or `None` if a watched key has changed.
    fn exec<S: AsRef<str>>(&mut self, lines: &[S]) -> Option<Vec<Reply>> {
        assert_eq!(self.say("MULTI"), Reply::Status("OK".into()));
        for line in lines {
            assert_eq!(self.say(line.as_ref()), Reply::Status("QUEUED".into()), "{}", line.as_ref());
        }
        match self.say("EXEC") {
            Reply::Array(replies) => Some(replies),
            Reply::Null => None,
            other => panic!("EXEC answers {}", other.show()),
        }
    }
}

fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::Integer(number) => *number,
        Reply::Bulk(text) => std::str::from_utf8(text).unwrap().parse().unwrap(),
        other => panic!("{} is no number", other.show()),
    }
}

fn open(folder: &std::path::Path, durability: Durability) -> Arc<Engine> {
    let options = OpenOptions { shards: 16, segment_len_bytes: 1 << 20, durability, ..OpenOptions::at(folder) };
    Engine::open(&options, Settings::default()).expect("the store opens")
}

const ACCOUNTS: usize = 12;

#[test]
fn transfers_keep_their_sum_for_whoever_looks() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Durability::Os);
    let done = AtomicBool::new(false);
    let all: Vec<String> = (0..ACCOUNTS).map(|at| format!("GET account:{at}")).collect();
    let sum = |client: &mut Client| client.exec(&all).unwrap().iter().map(number).sum::<i64>();
    let mut first = Client::of(&engine);
    (0..ACCOUNTS).for_each(|at| drop(first.say(&format!("SET account:{at} 100"))));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                let mut client = Client::of(engine);
                for round in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let (from, to) = ((round * 7 + thread) % ACCOUNTS, (round * 5 + 3 * thread + 1) % ACCOUNTS);
                    let lines = [format!("DECRBY account:{from} 3"), format!("INCRBY account:{to} 3")];
                    assert_eq!(client.exec(&lines).unwrap().len(), 2);
                }
            });
        }
        // What reaches for everything goes on among them, inside of transactions and outside.
        scope.spawn(|| {
            let mut client = Client::of(&engine);
            while !done.load(Ordering::Relaxed) {
                client
                    .exec(&["DBSIZE", "SELECT 1", "SET other 1", "FLUSHDB", "SELECT 0", "INFO", "SCAN 0", "KEYS *"])
                    .unwrap();
                client.say("SWAPDB 2 3");
                client.say("INFO");
                client.say("DBSIZE");
            }
        });
        let told = (0..1000).map(|_| sum(&mut first)).find(|&sum| sum != 100 * ACCOUNTS as i64);
        // Before anything panics: the others wait for it.
        done.store(true, Ordering::Relaxed);
        assert_eq!(told, None);
    });
    assert_eq!(sum(&mut first), 100 * ACCOUNTS as i64);
    engine.close().unwrap();
    drop((first, engine));
    let engine = open(folder.path(), Durability::Os);
    assert_eq!(sum(&mut Client::of(&engine)), 100 * ACCOUNTS as i64, "after a restart");
}

#[test]
fn of_those_who_read_and_write_a_watched_key_one_wins_at_a_time() {
    const EACH: i64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Durability::Os);
    Client::of(&engine).say("SET n 0");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::of(&engine);
                for _ in 0..EACH {
                    loop {
                        client.say("WATCH n");
                        let read = number(&client.say("GET n"));
                        if client.exec(&[format!("SET n {}", read + 1)]).is_some() {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(number(&Client::of(&engine).say("GET n")), 4 * EACH);
}

/// Each may leave when the other stays. Whoever checked only what it writes would let both leave.
#[test]
fn what_was_watched_and_is_not_written_counts_too() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Durability::Os);
    for _ in 0..300 {
        Client::of(&engine).say("MSET a 1 b 1");
        let leave = |own: &'static str| {
            let mut client = Client::of(&engine);
            client.say("WATCH a b");
            if number(&client.say("GET a")) + number(&client.say("GET b")) == 2 {
                client.exec(&[format!("SET {own} 0")]);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| leave("a"));
            leave("b");
        });
        let mut client = Client::of(&engine);
        assert!(number(&client.say("GET a")) + number(&client.say("GET b")) >= 1, "both have left");
    }
}

#[test]
fn at_level_disk_the_answer_waits_for_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Durability::Disk);
    let mut client = Client::of(&engine);
    client.exec(&["SET a 1", "SET b 2"]).unwrap();
    assert!(engine.synced() >= client.session.last_write && client.session.last_write >= 2);
}

#[test]
fn what_is_refused_between_multi_and_exec() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Durability::Os);
    let mut client = Client::of(&engine);
    let error = |text: &str| Reply::Error(text.into());
    let aborted = error("EXECABORT Transaction discarded because of previous errors.");
    for (line, refusal) in [
        ("NOSUCH a", "ERR unknown command 'NOSUCH', with args beginning with: 'a' "),
        ("GET", "ERR wrong number of arguments for 'get' command"),
        ("SAVE", "ERR Command not allowed inside a transaction"),
        ("CLIENT REPLY OFF", "ERR Command not allowed inside a transaction"),
    ] {
        client.say("MULTI");
        client.say("SET a 1");
        assert_eq!(client.say(line), error(refusal));
        assert_eq!(client.say("EXEC"), aborted);
        assert_eq!(client.say("EXISTS a"), Reply::Integer(0));
    }
    client.say("MULTI");
    assert_eq!(client.say("MULTI"), error("ERR MULTI calls can not be nested"));
    assert_eq!(client.say("WATCH a"), error("ERR WATCH inside MULTI is not allowed"));
    client.say("SET a 1");
    assert_eq!(client.say("EXEC"), Reply::Array(vec![Reply::Status("OK".into())]), "those two spoil nothing");
    client.say("MULTI");
    let refusal = "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
    assert_eq!(client.say("EXEC now"), error(refusal));
    assert_eq!(client.say("EXEC"), error("ERR EXEC without MULTI"));
}
