//! A store without engine, server or disk: just enough to run commands.
#![allow(dead_code)]

mod log;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use kvark_base::histogram::Histogram;
use kvark_base::random::Random;
use kvark_base::{Clock, Millis};
use kvark_call::request::OwnedRequest;
use kvark_call::{Fault, Outcome, ReplySink, Request, Session, Settings, World};
use kvark_commands::examples::{ReplyCollector, split_line};
use kvark_commands::{Call, Context, Flags, Handler, Row, ShutdownOptions, Upkeep, resolve};
use kvark_keyspace::checkpoint::Checkpoint;
use kvark_keyspace::recover::Recovery;
use kvark_keyspace::{Keyspace, Options, Reach};
use kvark_log::Log;
use kvark_log::memory::{MemoryLog, Shelf};

use log::Watched;

/// Where the clock of these tests begins.
pub const START_MS: Millis = 1_700_000_000_000;

#[derive(Default)]
pub struct Notes {
    pub checkpoints: Cell<u32>,
    pub syncs_wanted: Cell<u32>,
    pub active_expire: Cell<Option<bool>>,
    pub shutdown: Cell<Option<ShutdownOptions>>,
    pub checkpointing: Cell<bool>,
    pub durable: Cell<bool>,
}

impl Upkeep for Notes {
    fn begin_checkpoint(&self) -> kvark_base::Result<()> {
        self.checkpoints.set(self.checkpoints.get() + 1);
        Ok(())
    }
    fn is_checkpointing(&self) -> bool {
        self.checkpointing.get()
    }
    fn last_checkpoint_ms(&self) -> Millis {
        START_MS
    }
    fn want_sync(&self) {
        self.syncs_wanted.set(self.syncs_wanted.get() + 1);
    }
    fn is_durable(&self) -> bool {
        self.durable.get()
    }
    fn reload(&self) -> kvark_base::Result<()> {
        Ok(())
    }
    fn set_active_expire(&self, active: bool) {
        self.active_expire.set(Some(active));
    }
    fn shutdown(&self, options: ShutdownOptions) -> kvark_base::Result<()> {
        self.shutdown.set(Some(options));
        Ok(())
    }
    fn abort_shutdown(&self) -> bool {
        self.shutdown.take().is_some()
    }
    fn note_call(&self, _call: &Call<'_>) {}
    fn times(&self) -> Vec<(&'static Row, Histogram)> {
        Vec::new()
    }
    fn note_error(&self, _fault: &Fault) {}
    fn rewrite_config(&self) -> Option<kvark_base::Result<()>> {
        None
    }
}

pub struct Store {
    pub clock: Clock,
    pub world: World,
    pub keyspace: Keyspace,
    pub notes: Notes,
    pub session: Session,
    pub random: Random,
    pub scripts: kvark_scripts::Scripts,
    pub shelf: Shelf,
    log: Arc<Watched>,
    /// Whether whoever answered waits until the log is synced, as a server at its work would.
    pub resumes: bool,
}

impl Store {
    pub fn new() -> Self {
        let clock = Clock::manual(START_MS);
        let settings = Settings::default();
        settings.set("enable-debug-command", "yes").unwrap();
        let world = World::new(clock.clone(), settings);
        let shelf = Shelf::default();
        let log = Arc::new(Watched::new(MemoryLog::on(&shelf)));
        let keyspace = Keyspace::new(Options { shards: 4, seed: 42 }, Arc::clone(&log) as _);
        let session = session(&world, "127.0.0.1:5000");
        let notes = Notes { durable: Cell::new(true), ..Notes::default() };
        let scripts = kvark_scripts::Scripts::new(kvark_commands::COMPATIBLE_VERSION);
        Self {
            clock,
            world,
            keyspace,
            notes,
            session,
            random: Random::from_seed(1),
            scripts,
            shelf,
            log,
            resumes: true,
        }
    }

    /// Whether brackets of the log refuse to grow from now on.
    pub fn refuse_growth(&self, refuse: bool) {
        self.log.full.store(refuse, std::sync::atomic::Ordering::Relaxed);
    }

    pub fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    /// Runs a typed line and shows the reply as `redis-cli` does.
    pub fn type_line(&mut self, line: &str) -> String {
        self.run(&split_line(line))
    }

    pub fn run<A: AsRef<[u8]>>(&mut self, args: &[A]) -> String {
        self.collect(args).0.show()
    }

    pub fn collect<A: AsRef<[u8]>>(&mut self, args: &[A]) -> (ReplyCollector, Option<Outcome>) {
        let owned = OwnedRequest::new(args);
        let req = owned.as_request();
        let mut out = ReplyCollector::default();
        let (before, units) = (self.keyspace.log().last(), self.log.units());
        match resolve(&req).and_then(|row| Ok((row, self.execute(row, &req, &mut out)?))) {
            Ok((row, outcome)) => {
                assert!(self.log.units() <= units + 1, "{}: a crash could leave half of it", row.name);
                assert!(!out.is_incomplete(), "{} announced more than it answered", row.name);
                let outcome = self.settle(outcome, &mut out);
                (out, Some(outcome))
            }
            Err(fault) => {
                assert_eq!(before, self.keyspace.log().last(), "an error came after an effect: {}", fault.message());
                let mut out = ReplyCollector::default();
                out.error(fault.message());
                (out, None)
            }
        }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut ReplyCollector) -> Outcome {
        match outcome {
            Outcome::Park(parked) if self.resumes => {
                self.keyspace.log().sync().unwrap();
                parked.resume(true, &self.world, &mut self.session, out);
                Outcome::Done
            }
            outcome => outcome,
        }
    }

    fn execute(&mut self, row: &'static Row, req: &Request, out: &mut dyn ReplySink) -> Result<Outcome, Fault> {
        let now_ms = self.clock.now_ms();
        let db = self.session.db;
        if self.session.queue.is_open() && !row.flags.has(Flags::UNQUEUED) {
            self.session.queue.push(kvark_commands::index(row), row.writes(), req);
            out.status("QUEUED");
            return Ok(Outcome::Done);
        }
        match row.handler {
            Handler::Read(read) => {
                let mut view = self.keyspace.view_many(db, row.keys(req), now_ms);
                view.set_touching(!self.session.no_touch);
                read(&view, req, out)
            }
            Handler::Write(write) => {
                let mut keys = row.keys(req);
                let mut w = match (keys.len(), keys.next()) {
                    (1, Some(key)) => self.keyspace.write_one(db, self.keyspace.key(key), now_ms),
                    _ => self.keyspace.write_many(db, row.keys(req), now_ms),
                };
                row.prepare(&mut w, !self.session.no_touch, self.session.peer.id);
                let outcome = write(&mut w, req, out);
                self.session.last_write = self.session.last_write.max(w.written());
                outcome
            }
            Handler::Ask(ask) => {
                let mut ctx = Context {
                    world: &self.world,
                    scripts: &self.scripts,
                    session: &mut self.session,
                    keys: Reach::Free(&self.keyspace),
                    upkeep: &self.notes,
                    now_ms,
                    random: &mut self.random,
                    facts: None,
                    position: 0,
                    written: 0,
                };
                ask(&mut ctx, req, out)
            }
        }
    }

    /// Asserts each line's reply.
    #[track_caller]
    pub fn expect(&mut self, lines: &[(&str, &str)]) {
        for (line, reply) in lines {
            assert_eq!(self.type_line(line), *reply, "{line}");
        }
    }
}

pub fn session(world: &World, address: &str) -> Session {
    let peer =
        world.sessions.register(address.into(), "127.0.0.1:6379".into(), 7, world.clock.now_ms(), Box::new(|| {}));
    Session::new(peer, true)
}

/// The digest of what the log would give back after a crash: replays it into a fresh keyspace.
pub fn replayed(shelf: &Shelf, now_ms: Millis) -> [u64; 2] {
    let keyspace = Keyspace::new(Options { shards: 4, seed: 42 }, Arc::new(MemoryLog::volatile()));
    let nothing = Checkpoint { position: 0, names: std::array::from_fn(|db| db as u8), named_at: 0 };
    let mut recovery = Recovery::new(&keyspace, &nothing);
    MemoryLog::on(shelf).replay(0, &mut |position, record| recovery.record(position, record)).unwrap();
    recovery.take_records().unwrap();
    keyspace.digest(now_ms)
}
