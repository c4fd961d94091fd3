//! A store on a disk that fails, and its twin in memory that nothing befalls: both are sent the same words.
//!
//! After an end the store must be what the twin was, at the latest moment or at one since the last sync; a moment in between would be
//! half of something. What words mean is tested elsewhere: this is about what is left of them.
//!
//! Invariant: words have one outcome, so the twin can be made again from the script.

use std::sync::Arc;
use std::time::Duration;

use kvark_base::random::Random;
use kvark_base::{Clock, Position};
use kvark_call::Session;
use kvark_call::request::OwnedRequest;
use kvark_disk::{Faulty, Loss};
use kvark_engine::{Durability, Engine};
use kvark_tier::memory::MemoryTier;

use crate::sink::TextSink;
use crate::watched::WatchedTier;
use crate::words::{Vocabulary, Words};
use crate::world::{End, assemble, session_of};

/// What was done.
#[derive(Debug, Clone)]
enum Step {
    Say(Words),
    /// Between MULTI and EXEC.
    Together(Vec<Words>),
    Wait(u64),
}

/// A store that hears words.
struct Hearer {
    clock: Clock,
    engine: Arc<Engine>,
    session: Session,
}

impl Hearer {
    fn new(engine: Arc<Engine>, clock: Clock) -> Self {
        // Small enough that most collections outgrow the packed form.
        engine.keyspace().forms().named().for_each(|(_, threshold)| threshold.set(8));
        let session = session_of(&engine);
        Self { clock, engine, session }
    }

    fn hear(&mut self, words: &Words) -> String {
        let mut sink = TextSink::default();
        let request = OwnedRequest::new(words.iter().map(String::as_bytes));
        let done = self.engine.execute(&mut self.session, &request, &mut sink);
        assert!(done.is_ok(), "{words:?}: {done:?}");
        sink.take()
    }

    fn hear_together(&mut self, all: &[Words]) -> String {
        self.hear(&vec!["MULTI".into()]);
        for words in all {
            assert_eq!(self.hear(words), "QUEUED", "{words:?}");
        }
        self.hear(&vec!["EXEC".into()])
    }

    fn wait(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    fn digest(&self) -> [u64; 2] {
        let now_ms = self.engine.now_ms();
        self.engine.keyspace().sweep(now_ms).expect("nothing refuses");
        self.engine.keyspace().digest(now_ms)
    }
}

/// See the module.
pub struct Pair {
    random: Random,
    durability: Durability,
    disk: Faulty,
    tier: Arc<WatchedTier>,
    store: Hearer,
    twin: Hearer,
    script: Vec<Step>,
    /// Position of the log, length of the script and the twin's digest after each step since the last sync.
    history: Vec<(Position, usize, [u64; 2])>,
}

const BEGAN_MS: u64 = 1_700_000_000_000;

fn twin() -> Hearer {
    let clock = Clock::manual(BEGAN_MS);
    let (disk, tier) = (Faulty::new(0), MemoryTier::new());
    let tier = Arc::new(WatchedTier::new(Arc::new(tier), disk.clone()));
    Hearer::new(assemble(&disk, &tier, &clock, Durability::Os).expect("a new store opens"), clock)
}

impl Pair {
    /// Two empty stores.
    pub fn new(seed: u64, durability: Durability) -> Self {
        let (clock, disk) = (Clock::manual(BEGAN_MS), Faulty::new(seed));
        let tier = Arc::new(WatchedTier::new(Arc::new(MemoryTier::new()), disk.clone()));
        let engine = assemble(&disk, &tier, &clock, durability).expect("a new store opens");
        let (store, twin) = (Hearer::new(engine, clock), twin());
        let history = vec![(0, 0, twin.digest())];
        Self { random: Random::from_seed(seed), durability, disk, tier, store, twin, script: vec![], history }
    }

    /// Says one thing to both, or lets time pass; and what goes on in the background, by chance.
    pub fn act(&mut self) {
        if self.random.chance(1, 6) {
            let ms = self.random.below(60);
            self.store.wait(ms);
            self.twin.wait(ms);
            self.script.push(Step::Wait(ms));
        } else if self.random.chance(1, 8) {
            let now_ms = self.store.clock.now_ms();
            let count = 1 + self.random.below(6);
            let all: Vec<Words> = (0..count).map(|_| Vocabulary { random: &mut self.random, now_ms }.any()).collect();
            let answers = [self.store.hear_together(&all), self.twin.hear_together(&all)];
            assert_eq!(answers[0], answers[1], "{all:?}");
            self.script.push(Step::Together(all));
        } else {
            let now_ms = self.store.clock.now_ms();
            let words = Vocabulary { random: &mut self.random, now_ms }.any();
            let answers = [self.store.hear(&words), self.twin.hear(&words)];
            assert_eq!(answers[0], answers[1], "{words:?}");
            self.script.push(Step::Say(words));
        }
        self.background();
        self.note();
    }

    fn background(&mut self) {
        let log = self.store.engine.keyspace().log();
        match self.random.below(20) {
            0..4 => self.store.engine.tick(),
            4 => self.store.engine.checkpoint().expect("nothing refuses"),
            5 => drop(log.sync().expect("nothing refuses")),
            _ => {}
        }
    }

    fn note(&mut self) {
        let position = self.store.engine.keyspace().log().last();
        if self.store.engine.synced() >= position {
            self.history.clear();
        }
        self.history.push((position, self.script.len(), self.twin.digest()));
    }

    /// Both hold the same.
    pub fn check(&self) {
        assert_eq!(self.store.digest(), self.twin.digest(), "after {} steps", self.script.len());
    }

    /// The store comes to its end, in the middle of a checkpoint where it comes to one in time, and is opened again.
    pub fn end(&mut self, end: End) {
        let loss = if end == End::Kill { Loss::Kill } else { Loss::Power };
        self.tier.aim(self.random.below(6), loss, self.random.next_u64());
        let _ = self.store.engine.checkpoint();
        let picture = self.tier.picture();
        if picture.is_none() {
            self.tier.aim(0, loss, self.random.next_u64());
            let _ = kvark_tier::Tier::flush(&*self.tier);
        }
        let (disk, tier) = picture.or_else(|| self.tier.picture()).expect("the camera was aimed at the next call");
        self.tier = Arc::new(WatchedTier::new(Arc::new(tier), disk.clone()));
        self.disk = disk;
        self.store.engine.abandon();
        let clock = self.store.clock.clone();
        let engine = assemble(&self.disk, &self.tier, &clock, self.durability)
            .unwrap_or_else(|error| panic!("the store does not open after {end:?}: {error}"));
        self.store = Hearer::new(engine, clock);
        self.find_itself(end);
    }

    fn find_itself(&mut self, end: End) {
        let exact = end == End::Kill || self.durability == Durability::Disk;
        let found = self.store.digest();
        let from = if exact { self.history.len() - 1 } else { 0 };
        // What was due meanwhile is gone from both: earlier moments are looked at as they would be now.
        let lengths: Vec<usize> = self.history[from..].iter().rev().map(|moment| moment.1).collect();
        let matching = lengths.into_iter().find(|&len| {
            let twin = self.twin_at(len);
            let same = twin.digest() == found;
            if same {
                self.twin = twin;
                self.script.truncate(len);
            }
            same
        });
        assert!(
            matching.is_some(),
            "after {end:?} the store is at no moment it ever was at ({} steps)",
            self.script.len()
        );
        let position = self.store.engine.keyspace().log().last();
        self.history = vec![(position, self.script.len(), self.twin.digest())];
    }

    /// The twin as it was after so many steps, now.
    fn twin_at(&self, steps: usize) -> Hearer {
        let mut twin = twin();
        for step in &self.script[..steps] {
            match step {
                Step::Say(words) => drop(twin.hear(words)),
                Step::Together(all) => drop(twin.hear_together(all)),
                Step::Wait(ms) => twin.wait(*ms),
            }
        }
        twin.wait(self.store.clock.now_ms() - twin.clock.now_ms());
        twin
    }
}
