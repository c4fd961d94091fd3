//! A store, its model, and what may befall them.

mod together;

use std::sync::Arc;
use std::time::Duration;

use kvark_base::random::Random;
use kvark_base::{Clock, Kind, Position, Result};
use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings, World as Surroundings};
use kvark_disk::{Disk, Faulty, Loss};
use kvark_engine::{Durability, Engine, Parts};
use kvark_keyspace::Options as KeyspaceOptions;
use kvark_log_files::{LogFiles, Way};
use kvark_tier::Tier;
use kvark_tier::memory::MemoryTier;

use crate::model::{Model, Only, Op};
use crate::sink::TextSink;
use crate::watched::WatchedTier;

/// Databases that a run uses.
const DBS: u64 = 3;
const KEYS: u64 = 30;
/// The smallest segments, so that a run goes through many.
const SEGMENT_LEN: u64 = 8192;

/// See the module.
pub struct World {
    /// Drives everything.
    pub random: Random,
    durability: Durability,
    clock: Clock,
    disk: Faulty,
    tier: Arc<WatchedTier>,
    engine: Arc<Engine>,
    session: Session,
    model: Model,
    /// The model after each change, with the position of the log at that time; the first is the last known to be synced.
    history: Vec<(Position, Model)>,
    /// Things done so far, for messages.
    pub steps: u64,
}

/// How a store comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The process is killed: the system keeps what was written.
    Kill,
    /// The power fails: only what was synced is sure.
    PowerLoss,
}

/// A store on that disk and that tier, without threads.
pub(crate) fn assemble(
    disk: &Faulty,
    tier: &Arc<WatchedTier>,
    clock: &Clock,
    durability: Durability,
) -> Result<Arc<Engine>> {
    let options = kvark_log_files::Options {
        segment_len_bytes: SEGMENT_LEN,
        way: if durability == Durability::Disk { Way::Gathered } else { Way::Mapped },
        incarnation: 42,
        ..kvark_log_files::Options::new("/log")
    };
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let parts = Parts {
        log: Arc::new(LogFiles::open(shared, options)?),
        tier: Some(Arc::clone(tier) as _),
        keyspace: KeyspaceOptions { shards: 4, seed: 1 },
        durability,
        lock: None,
        background: false,
    };
    Engine::assemble(parts, Arc::new(Surroundings::new(clock.clone(), Settings::default())))
}

/// A session of that store.
pub(crate) fn session_of(engine: &Engine) -> Session {
    let peer = engine.world().sessions.register("sim".into(), String::new(), -1, 0, Box::new(|| {}));
    Session::new(peer, true)
}

impl World {
    /// An empty store on an empty disk.
    pub fn new(seed: u64, durability: Durability) -> Self {
        let clock = Clock::manual(1_700_000_000_000);
        let disk = Faulty::new(seed);
        let tier = Arc::new(WatchedTier::new(Arc::new(MemoryTier::new()), disk.clone()));
        let engine = assemble(&disk, &tier, &clock, durability).expect("a new store opens");
        let session = session_of(&engine);
        let (random, model) = (Random::from_seed(seed), Model::default());
        let history = vec![(0, Model::default())];
        Self { random, durability, clock, disk, tier, engine, session, model, history, steps: 0 }
    }

    fn key(&mut self) -> Vec<u8> {
        format!("k{}", self.random.below(KEYS)).into_bytes()
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.below(10) {
            0..4 => self.random.below(100).to_string().into_bytes(),
            4..9 => (0..self.random.below(50)).map(|_| self.random.next_u64() as u8).collect(),
            _ => vec![b'L'; 4000 + self.random.below(9000) as usize],
        }
    }

    fn op(&mut self) -> Op {
        let key = self.key();
        match self.random.below(60) {
            0..20 => Op::Set {
                key,
                value: self.value(),
                px: None,
                only: [Only::Always, Only::IfMissing, Only::IfPresent][self.random.below(3) as usize],
                keep_ttl: self.random.chance(1, 3),
                get: self.random.chance(1, 3),
            },
            20..24 => Op::Set {
                key,
                value: self.value(),
                px: Some(1 + self.random.below(500)),
                only: Only::Always,
                keep_ttl: false,
                get: false,
            },
            24..28 => Op::Mset((0..1 + self.random.below(5)).map(|_| (self.key(), self.value())).collect()),
            28..31 => Op::Get(key),
            31..33 => Op::Getdel(key),
            33..37 => Op::Del((0..1 + self.random.below(3)).map(|_| self.key()).collect()),
            37..41 => Op::Append(key, self.value()),
            41..44 => Op::Setrange(key, self.random.below(100), self.value()),
            44..47 => Op::Incrby(key, self.random.below(2000) as i64 - 1000),
            47..49 => Op::Rename(key, self.key()),
            49..51 => {
                let (to, db) = (self.key(), self.random.below(DBS) as u32);
                Op::Copy { from: key, to, db, replace: self.random.chance(1, 2) }
            }
            51..53 => Op::Move(key, self.random.below(DBS) as u32),
            53..55 => Op::Pexpireat(key, self.clock.now_ms() + self.random.below(400)),
            55 => Op::Persist(key),
            56 => Op::Pexpiretime(key),
            57 => Op::Dbsize,
            58 if self.random.chance(1, 4) => Op::Flushdb,
            58 => Op::Get(key),
            _ => Op::Swapdb(self.random.below(DBS) as u32, self.random.below(DBS) as u32),
        }
    }

    /// Does one thing, or several as one.
    pub fn act(&mut self, may_refuse: bool) {
        if self.random.chance(1, 8) {
            self.act_together(may_refuse);
        } else {
            self.act_alone(may_refuse);
        }
    }

    /// Does one thing, in the store and in the model, and compares the answers. While the disk refuses, the store may
    /// refuse too; then nothing must have changed.
    fn act_alone(&mut self, may_refuse: bool) {
        self.steps += 1;
        let (op, db) = (self.op(), self.random.below(DBS) as u32);
        self.session.db = db;
        self.sweep_model();
        let mut sink = TextSink::default();
        let request = OwnedRequest::new(op.words());
        let done = self.engine.execute(&mut self.session, &request, &mut sink);
        let answer = sink.take();
        let refused = done.is_err() || ["!NOSPACE", "!IOERR", "!MISCONF"].iter().any(|code| answer.starts_with(code));
        if refused && may_refuse {
            return;
        }
        assert!(done.is_ok(), "step {}: {op:?}: {done:?}", self.steps);
        let expected = self.model.apply(db, &op, self.clock.now_ms());
        // An expired key may be counted until it is swept; nothing else tells of it.
        if !matches!(op, Op::Dbsize) {
            assert_eq!(answer, expected, "step {}: db {db}, {op:?}", self.steps);
        }
        self.note();
    }

    fn note(&mut self) {
        let position = self.engine.keyspace().log().last();
        if self.engine.synced() >= position {
            self.history.clear();
        }
        self.history.push((position, self.model.clone()));
    }

    fn sweep_model(&mut self) {
        self.model.pass_time(self.clock.now_ms());
    }

    /// What goes on in the background, by chance.
    pub fn background(&mut self) {
        match self.random.below(12) {
            0..4 => self.clock.advance(Duration::from_millis(self.random.below(40))),
            4..7 => self.engine.tick(),
            7 => {
                let _ = self.engine.checkpoint();
            }
            8 => {
                let _ = self.engine.keyspace().log().sync();
                if self.engine.synced() >= self.engine.keyspace().log().last() {
                    let latest = self.history.pop().expect("there is always a latest");
                    self.history = vec![latest];
                }
            }
            _ => {}
        }
    }

    /// Files begin to fail, or to behave again. At level `disk` only for want of space: there a write that fails is a sync that
    /// fails, and [`World::poison`] looks after those.
    pub fn vex(&mut self) -> bool {
        let used = self.disk.used_bytes();
        match self.random.below(3) {
            0 => self.disk.set_quota_bytes(used + self.random.below(20_000)),
            1 if self.durability == Durability::Os => self.disk.set_eio_per_mille(self.random.below(200)),
            _ => {
                self.soothe();
                return false;
            }
        }
        true
    }

    /// Files behave again.
    pub fn soothe(&mut self) {
        self.disk.set_quota_bytes(u64::MAX);
        self.disk.set_eio_per_mille(0);
        self.engine.tick();
    }

    /// The store comes to its end, in the middle of a checkpoint where it comes to one in time, and is opened again by
    /// another process.
    pub fn end(&mut self, end: End) {
        let loss = match end {
            End::Kill => Loss::Kill,
            End::PowerLoss => Loss::Power,
        };
        // What the tier had not flushed was in the process's memory, or on its way: any part of it may be left.
        self.tier.aim(self.random.below(6), loss, self.random.next_u64());
        let _ = self.engine.checkpoint();
        let picture = self.tier.picture();
        if picture.is_none() {
            self.tier.aim(0, loss, self.random.next_u64());
            let _ = self.tier.flush();
        }
        let (disk, tier) = picture.or_else(|| self.tier.picture()).expect("the camera was aimed at the next call");
        self.tier = Arc::new(WatchedTier::new(Arc::new(tier), disk.clone()));
        self.disk = disk;
        self.engine.abandon();
        self.engine = assemble(&self.disk, &self.tier, &self.clock, self.durability)
            .unwrap_or_else(|error| panic!("step {}: the store does not open after {end:?}: {error}", self.steps));
        self.session = session_of(&self.engine);
        self.find_itself(end);
    }

    /// The recovered store must be the model: of now where nothing may be lost, of some moment since the last sync
    /// otherwise. A moment in between would be half of something.
    fn find_itself(&mut self, end: End) {
        let exact = end == End::Kill || self.durability == Durability::Disk;
        let found = self.keys();
        let now_ms = self.clock.now_ms();
        let candidates = if exact { &self.history[self.history.len() - 1..] } else { &self.history[..] };
        let matching = candidates.iter().rev().find(|(_, model)| {
            let mut model = model.clone();
            model.pass_time(now_ms);
            model == found
        });
        let Some((_, model)) = matching else {
            panic!(
                "step {}: after {end:?} the store is at no moment it ever was at: {}",
                self.steps,
                self.difference(&found)
            );
        };
        self.model = model.clone();
        self.sweep_model();
        self.history = vec![(self.engine.keyspace().log().last(), self.model.clone())];
    }

    fn difference(&self, found: &Model) -> String {
        let show = |key: &(u32, Vec<u8>), model: &Model| {
            model.keys.get(key).map(|(value, at)| format!("{} bytes, {at}", value.len()))
        };
        let keys: std::collections::BTreeSet<_> = found.keys.keys().chain(self.model.keys.keys()).collect();
        let different = keys.into_iter().filter(|key| found.keys.get(*key) != self.model.keys.get(*key));
        different
            .map(|key| format!("{key:?}: found {:?}, latest {:?}; ", show(key, found), show(key, &self.model)))
            .collect()
    }

    /// Everything that the store holds.
    fn keys(&self) -> Model {
        let mut model = Model::default();
        for db in 0..DBS as u32 {
            self.engine.keyspace().each(db, self.clock.now_ms(), |entry| {
                let value = entry
                    .value()
                    .as_string()
                    .expect("all keys are strings here")
                    .text(&mut kvark_engine::IntBuffer::new())
                    .to_vec();
                model.keys.insert((db, entry.key().to_vec()), (value, entry.expires_at()));
            });
        }
        model
    }

    /// The store holds what the model holds.
    pub fn check(&mut self) {
        self.sweep_model();
        let found = self.keys();
        assert!(found == self.model, "step {}: {}", self.steps, self.difference(&found));
    }

    /// Makes the next sync fail: from then on writes are refused and reads served.
    pub fn poison(&mut self) {
        match self.durability {
            Durability::Disk => self.disk.set_eio_per_mille(1000),
            _ => self.disk.fail_syncs(1),
        }
        let before = self.keys();
        let mut sink = TextSink::default();
        let set = OwnedRequest::new(["SET", "k0", "poison"]);
        let _ = self.engine.execute(&mut self.session, &set, &mut sink);
        if self.engine.keyspace().log().sync().is_ok() {
            return; // nothing was waiting to be synced
        }
        sink.take();
        let refused = self.engine.execute(&mut self.session, &set, &mut sink);
        let answer = sink.take();
        assert!(
            refused.is_err() || answer.starts_with("!MISCONF"),
            "after a failed sync a write was answered {answer}"
        );
        let error = self.engine.keyspace().log().sync().expect_err("the log is poisoned");
        assert_eq!(error.kind(), Kind::Poisoned);
        assert!(before.keys.len() <= self.keys().keys.len() + 1, "reads go on");
    }
}
