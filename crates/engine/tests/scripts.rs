//! Many clients run scripts at a time: each looks as if it ran alone, nobody waits for ever, and a crash leaves all of one or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{Reply, ReplyCollector};
use kvark_engine::{Durability, Engine, OpenOptions};

struct Client {
    engine: Arc<Engine>,
    session: Session,
}

impl Client {
    fn of(engine: &Arc<Engine>) -> Self {
        Self::woken(engine, || {})
    }

    fn woken(engine: &Arc<Engine>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let sessions = &engine.world().sessions;
        let peer = sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, Box::new(wake));
        Self { engine: Arc::clone(engine), session: Session::new(peer, true).taking_deliveries() }
    }

    fn ask(&mut self, args: &[&str]) -> Reply {
        let mut sink = ReplyCollector::default();
        self.engine.execute(&mut self.session, &OwnedRequest::new(args), &mut sink).expect("the log takes it");
        sink.replies.pop().expect("an answer")
    }

    /// Runs a script with keys and arguments.
    fn eval(&mut self, script: &str, keys: &[&str], args: &[&str]) -> Reply {
        let count = keys.len().to_string();
        self.ask(&[&["EVAL", script, &count], keys, args].concat())
    }
}

fn open(folder: &std::path::Path) -> Arc<Engine> {
    let durability = Durability::Os;
    let options = OpenOptions { shards: 16, segment_len_bytes: 1 << 20, durability, ..OpenOptions::at(folder) };
    Engine::open(&options, Settings::default()).expect("the store opens")
}

const ACCOUNTS: usize = 24;
const DECLARED: &str = "redis.call('DECRBY', KEYS[1], ARGV[1]) redis.call('INCRBY', KEYS[2], ARGV[1]) return 1";
const UNDECLARED: &str =
    "redis.call('DECRBY', 'account:' .. ARGV[1], 3) redis.call('INCRBY', 'account:' .. ARGV[2], 3) return 1";
const SUM: &str =
    "local sum = 0 for at = 0, ARGV[1] - 1 do sum = sum + redis.call('GET', 'account:' .. at) end return sum";

#[test]
fn transfers_by_declared_and_undeclared_keys_keep_their_sum() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let done = AtomicBool::new(false);
    let mut first = Client::of(&engine);
    (0..ACCOUNTS).for_each(|at| drop(first.ask(&["SET", &format!("account:{at}"), "100"])));
    let sum = |client: &mut Client| client.eval(SUM, &[], &[&ACCOUNTS.to_string()]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                let mut client = Client::of(engine);
                for round in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let (from, to) = ((round * 7 + thread) % ACCOUNTS, (round * 5 + 3 * thread + 1) % ACCOUNTS);
                    let (from_key, to_key) = (format!("account:{from}"), format!("account:{to}"));
                    let reply = match round % 3 {
                        0 => client.eval(UNDECLARED, &[], &[&from.to_string(), &to.to_string()]),
                        1 => client.eval(DECLARED, &[&from_key, &to_key], &["3"]),
                        _ => {
                            client.ask(&["MULTI"]);
                            client.eval(DECLARED, &[&from_key, &to_key], &["2"]);
                            client.eval(UNDECLARED, &[], &[&to.to_string(), &from.to_string()]);
                            let Reply::Array(replies) = client.ask(&["EXEC"]) else { panic!("EXEC answers an array") };
                            replies.into_iter().next().unwrap()
                        }
                    };
                    assert_eq!(reply, Reply::Integer(1));
                }
            });
        }
        let wrong = (0..400).map(|_| sum(&mut first)).find(|sum| *sum != Reply::Integer(100 * ACCOUNTS as i64));
        // Before anything panics: the others wait for it.
        done.store(true, Ordering::Relaxed);
        assert_eq!(wrong, None);
    });
    let digest = engine.keyspace().digest(0);
    engine.close().unwrap();
    drop((first, engine));
    let engine = open(folder.path());
    assert_eq!(engine.keyspace().digest(0), digest, "after a restart");
}

/// A script that kept to its keys, and that holds just those, writes and then reaches for the keys of others who do the same. Nobody
/// may wait for the other here: each either gets the key or is refused.
#[test]
fn scripts_that_leave_their_keys_after_a_write_never_wait_for_each_other() {
    const ROUNDS: usize = 150;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let (reached, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let barrier = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let (engine, reached, refused, barrier) = (&engine, &reached, &refused, &barrier);
            scope.spawn(move || {
                let mut client = Client::of(engine);
                for round in 0..ROUNDS {
                    let script = format!(
                        "redis.call('INCR', KEYS[1]) if ARGV[1] ~= '' then redis.call('INCR', ARGV[1]) end -- {thread} {round}"
                    );
                    let (own, other) = (format!("own:{thread}"), format!("own:{}", (thread + 1) % 4));
                    assert_eq!(client.eval(&script, &[&own], &[""]), Reply::Null);
                    barrier.wait();
                    match client.eval(&script, &[&own], &[&other]) {
                        Reply::Null => reached.fetch_add(1, Ordering::Relaxed),
                        Reply::Error(message) if message.starts_with("BUSY") => refused.fetch_add(1, Ordering::Relaxed),
                        reply => panic!("{}", reply.show()),
                    };
                    // From now on it holds everything, and is never refused.
                    assert_eq!(client.eval(&script, &[&own], &[&other]), Reply::Null);
                }
            });
        }
    });
    let (reached, refused) = (reached.into_inner(), refused.into_inner());
    assert_eq!(reached + refused, 4 * ROUNDS as u64);
    let mut client = Client::of(&engine);
    let total: i64 = (0..4)
        .map(|thread| match client.ask(&["GET", &format!("own:{thread}")]) {
            Reply::Bulk(text) => String::from_utf8(text).unwrap().parse::<i64>().unwrap(),
            other => panic!("{}", other.show()),
        })
        .sum();
    // Three runs each, of which the second and the third change two keys, unless the second was refused half way.
    assert_eq!(total, 4 * ROUNDS as i64 * 5 - refused as i64);
}

#[test]
fn a_script_that_keeps_to_its_keys_holds_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let begun = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&begun);
    let mut listener = Client::woken(&engine, move || note.store(true, Ordering::Release));
    listener.ask(&["SUBSCRIBE", "begun"]);
    begun.store(false, Ordering::Release);
    const SCRIPT: &str = "if ARGV[1] == 'slow' then redis.call('PUBLISH', 'begun', 1) for at = 1, 2e7 do end end \
                          return redis.call('INCR', KEYS[1])";
    let mut client = Client::of(&engine);
    assert_eq!(client.eval(SCRIPT, &["its-own"], &["quick"]), Reply::Integer(1));
    std::thread::scope(|scope| {
        scope.spawn(|| Client::of(&engine).eval(SCRIPT, &["its-own"], &["slow"]));
        while !begun.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        for at in 0..64 {
            // Of a shard each or so, but not that of the script.
            let key = format!("other:{at}");
            if engine.keyspace().key(key.as_bytes()).shard != engine.keyspace().key(b"its-own").shard {
                client.ask(&["SET", &key, "1"]);
            }
        }
    });
    let version = |key: &str| engine.look(0, key.as_bytes()).unwrap().map_or(0, |seen| seen.version);
    let last = (0..64).map(|at| version(&format!("other:{at}"))).max().unwrap();
    assert!(last < version("its-own"), "they were written while it ran");
}

#[test]
fn info_in_a_script_tells_what_was_known_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut client = Client::of(&engine);
    let script = "return redis.call('INFO', 'server'):match('redis_version')";
    for _ in 0..3 {
        assert_eq!(client.eval(script, &["k"], &[]), Reply::Bulk(b"redis_version".to_vec()));
    }
}

#[test]
fn an_error_after_a_write_keeps_the_write() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut client = Client::of(&engine);
    let reply = client.eval("redis.call('SET', KEYS[1], 'v') error('then')", &["k"], &[]);
    assert!(matches!(reply, Reply::Error(message) if message.starts_with("ERR user_script:1: then")));
    engine.close().unwrap();
    drop((client, engine));
    let engine = open(folder.path());
    assert_eq!(Client::of(&engine).ask(&["GET", "k"]), Reply::Bulk(b"v".to_vec()));
}
