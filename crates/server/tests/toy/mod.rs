//! A toy in the engine's place: a few words, a log that is a counter, and switches that make it fail or wait.

#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use kvark_base::{Clock, Error, Kind, Position, Result};
use kvark_call::fault::Parked;
use kvark_call::{Pipeline, ReplySink, Request, Session, Settings, Topic, World};
use kvark_engine::{Durability, Turn, TurnEnd};
use kvark_server::{Listen, Server, Turns};
use parking_lot::Mutex;

type Tell = Box<dyn Fn() + Send + Sync>;

pub struct Toy {
    world: Arc<World>,
    durability: Durability,
    values: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    last: AtomicU64,
    synced: AtomicU64,
    pub wanted: AtomicU64,
    pub seals: AtomicUsize,
    pub seal_fails: AtomicBool,
    pub log_fails: AtomicBool,
    /// `HOLD` is held so many times.
    pub holds: AtomicUsize,
    listeners: Mutex<Vec<Tell>>,
}

impl Toy {
    pub fn new(durability: Durability) -> Arc<Self> {
        Self::with(durability, &[])
    }

    pub fn with(durability: Durability, settings: &[(&str, &str)]) -> Arc<Self> {
        let world = World::new(Clock::system(), Settings::default());
        settings.iter().for_each(|(name, value)| world.settings.set(name, value).expect("a good setting"));
        Arc::new(Self {
            world: Arc::new(world),
            durability,
            values: Mutex::default(),
            last: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            seals: AtomicUsize::new(0),
            seal_fails: AtomicBool::new(false),
            log_fails: AtomicBool::new(false),
            holds: AtomicUsize::new(0),
            listeners: Mutex::default(),
        })
    }

    /// As the background does after a sync.
    pub fn sync(&self, upto: Position) {
        self.synced.store(upto, SeqCst);
        self.tell();
    }

    pub fn fail(&self) {
        self.log_fails.store(true, SeqCst);
        self.tell();
    }

    fn tell(&self) {
        self.listeners.lock().iter().for_each(|tell| tell());
    }

    fn word(&self, session: &mut Session, request: &Request<'_>, out: &mut dyn ReplySink, turn: &mut Turn) -> TurnEnd {
        let name = String::from_utf8_lossy(request.name()).to_ascii_uppercase();
        let number = |at: usize| request.get(at).and_then(|arg| std::str::from_utf8(arg).ok()?.parse::<u64>().ok());
        match name.as_str() {
            "AUTH" => {
                session.authenticated = true;
                out.status("OK");
            }
            "SET" => {
                self.values.lock().insert(request.arg(1).to_vec(), request.arg(2).to_vec());
                turn.position = self.last.fetch_add(1, SeqCst) + 1;
                out.status("OK");
            }
            "GET" => match self.values.lock().get(request.arg(1)) {
                Some(value) => out.bulk(value),
                None => out.null(),
            },
            "LEN" => out.integer(request.len_bytes() as i64),
            "BIG" => out.bulk(&vec![b'x'; number(1).expect("a length") as usize]),
            "QUIT" => {
                out.status("OK");
                return TurnEnd::Close;
            }
            "PARK" => {
                let deadline_ms = number(1).map(|ms| self.world.clock.now_ms() + ms);
                let position = number(2);
                return TurnEnd::Parked(Parked::until_synced(position, deadline_ms, resume));
            }
            "LISTEN" => {
                self.world.channels.subscribe(session, Topic::Channel, request.arg(1));
                out.status("OK");
            }
            "SAY" => {
                let told = self.world.channels.publish(request.arg(1), request.arg(2), &self.world.settings);
                out.integer(told as i64);
            }
            // What no command does: it keeps its loop from looking at anybody else.
            "NAP" => std::thread::sleep(Duration::from_millis(number(1).expect("a time"))),
            "BUG" => panic!("a bug on purpose"),
            _ => out.status("PONG"),
        }
        TurnEnd::Drained
    }
}

fn resume(_: &World, _: &mut Session, reached: bool, out: &mut dyn ReplySink) {
    out.integer(i64::from(reached));
}

impl Turns for Toy {
    type Scratch = ();

    fn world(&self) -> &Arc<World> {
        &self.world
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn turn(
        self: &Arc<Self>,
        session: &mut Session,
        pipeline: &Pipeline,
        buffer: &[u8],
        first: usize,
        out: &mut dyn ReplySink,
        (): &mut (),
    ) -> Turn {
        let mut turn = Turn { executed: 0, position: 0, end: TurnEnd::Drained };
        for index in first..pipeline.len() {
            let request = pipeline.request(buffer, index);
            if request.is(0, "HOLD") && self.holds.load(SeqCst) > 0 {
                self.holds.fetch_sub(1, SeqCst);
                turn.end = TurnEnd::Held { retry_ms: request.get(1).map_or(1, |_| 60_000) };
                break;
            }
            turn.end = self.word(session, &request, out, &mut turn);
            turn.executed += 1;
            if !matches!(turn.end, TurnEnd::Drained) {
                break;
            }
        }
        turn
    }

    fn seal(&self, _: Position) -> Result<()> {
        self.seals.fetch_add(1, SeqCst);
        match self.seal_fails.load(SeqCst) {
            true => Err(Error::new(Kind::Poisoned, "the log is lost")),
            false => Ok(()),
        }
    }

    fn failure(&self) -> Option<Error> {
        self.log_fails.load(SeqCst).then(|| Error::new(Kind::Poisoned, "the disk is gone"))
    }

    fn synced(&self) -> Position {
        self.synced.load(SeqCst)
    }

    fn want_sync(&self, upto: Position) {
        self.wanted.fetch_max(upto, SeqCst);
    }

    fn on_synced(&self, tell: Tell) {
        self.listeners.lock().push(tell);
    }
}

/// A client that speaks in bytes.
pub struct Client(pub TcpStream);

impl Client {
    pub fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.local_port().expect("TCP"))).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).unwrap();
    }

    /// Reads exactly as many bytes as `expected` has, and compares.
    #[track_caller]
    pub fn expect(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        if let Err(error) = self.0.read_exact(&mut bytes) {
            panic!("{expected:?} did not come: {error}; {:?}", String::from_utf8_lossy(&bytes));
        }
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[track_caller]
    pub fn ask(&mut self, bytes: &str, expected: &str) {
        self.send(bytes);
        self.expect(expected);
    }

    /// Nothing comes for a moment.
    #[track_caller]
    pub fn expect_silence(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
        let mut byte = [0];
        let error = self.0.read(&mut byte).expect_err("nothing was to come, and no end");
        assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
        self.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    }

    /// The server closes the connection, whatever comes before.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
}

/// A server of `toy` on a free port.
pub fn start(toy: &Arc<Toy>, threads: usize) -> Server {
    Server::start(Arc::clone(toy), Listen { threads, ..Listen::any_port() }).expect("a free port")
}

/// A fact that the server tells.
pub fn fact(toy: &Toy, section: &str, name: &str) -> u64 {
    let sheet = toy.world.facts();
    let lines = sheet.section(section).expect("the section is told");
    lines.iter().find(|(line, _)| line == name).expect("the fact is told").1.parse().expect("a number")
}

/// Waits until `done`, which another thread brings about soon.
#[track_caller]
pub fn eventually(done: impl Fn() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not come to pass within five seconds");
}
