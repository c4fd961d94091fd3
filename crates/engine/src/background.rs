//! What goes on while commands run: four threads, each asleep unless there is something to do.
//!
//! * `kvark-sync` syncs the log, each second at level `os`, at once at level `disk` when somebody waits.
//! * `kvark-keeper` makes room in the log ahead of the writers, removes keys and members whose time has come, and frees what
//!   takes long to free.
//! * `kvark-long` executes requests of clients that take long ([`crate::long`]).
//! * `kvark-checkpoint` runs passes, so that the log stays within its bound, and merges the tier's tables.
//!
//! The last one lets the event loops go first ([`background`]), so that clients hardly notice a pass. Where busy cores leave
//! it too little time and the log has come near its bound, the keeper takes steps of the pass too.
//!
//! Invariant: each holds a shard for one slice at a time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kvark_base::{Error, Kind, Result, background};

use crate::checkpoint::{Checkpointer, Progress};
use crate::engine::{Bells, Engine};
use crate::options::Durability;

const SYNC_EVERY: Duration = Duration::from_secs(1);
const KEEPER_IDLE: Duration = Duration::from_millis(100);
const KEEPER_BUSY: Duration = Duration::from_millis(10);
/// How long between two looks at how fast counts grow.
const SAMPLE_MS: u64 = 100;
const CHECKPOINT_LOOK: Duration = Duration::from_millis(200);
/// After so many looks without anything appended the store counts as idle: a pause between two bursts is none.
const IDLE_LOOKS: u32 = 5;
/// In an idle store a tail of this many bytes is worth a pass.
const IDLE_TAIL_BYTES: u64 = 1 << 20;
/// It is rung for: this is how soon it sees that the engine has gone.
const LONG_LOOK: Duration = Duration::from_secs(1);
const MERGE_MS: u64 = 50;
/// Growth of the tables that is worth asking the allocator for its holes.
const TABLES_STEP: u64 = 4 << 20;

pub(crate) fn start(engine: &Arc<Engine>) -> Result<()> {
    if engine.durability != Durability::Memory {
        spawn(engine, "kvark-sync", sync_loop)?;
        spawn(engine, "kvark-checkpoint", checkpoint_loop)?;
    }
    spawn(engine, "kvark-long", long_loop)?;
    spawn(engine, "kvark-keeper", keeper_loop)
}

/// Between its rounds a thread holds the engine weakly, so that dropping its last handle ends the thread.
fn spawn(engine: &Arc<Engine>, name: &str, rounds: fn(&Weak<Engine>, &Bells)) -> Result<()> {
    let (weak, bells) = (Arc::downgrade(engine), Arc::clone(&engine.bells));
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || rounds(&weak, &bells))
        .map_err(|e| Error::new(Kind::Io, format!("the thread {name} could not be started: {e}")))?;
    engine.threads.lock().push(thread);
    Ok(())
}

/// The engine, unless it is going.
fn alive(weak: &Weak<Engine>) -> Option<Arc<Engine>> {
    weak.upgrade().filter(|engine| !engine.is_stopping())
}

fn sync_loop(weak: &Weak<Engine>, bells: &Bells) {
    let mut told = 0;
    loop {
        bells.sync.wait(SYNC_EVERY);
        let Some(engine) = alive(weak) else { return };
        if engine.log.last() > engine.log.synced() {
            // A failure poisons the log; whoever waits is told and finds out.
            if engine.watched("log-sync", || engine.log.sync()).is_err() {
                engine.tell_synced();
            }
        }
        // A checkpoint syncs too: what counts is how far it is, not by whom.
        let synced = engine.log.synced();
        if synced != std::mem::replace(&mut told, synced) {
            engine.tell_synced();
        }
    }
}

fn keeper_loop(weak: &Weak<Engine>, bells: &Bells) {
    let mut last = 0;
    loop {
        let Some(engine) = alive(weak) else { return };
        engine.tick();
        let now = engine.log.last();
        drop(engine);
        bells.keeper.wait(if now == last { KEEPER_IDLE } else { KEEPER_BUSY });
        last = now;
    }
}

fn long_loop(weak: &Weak<Engine>, bells: &Bells) {
    while let Some(engine) = alive(weak) {
        engine.do_long_work();
        drop(engine);
        bells.long.wait(LONG_LOOK);
    }
}

fn checkpoint_loop(weak: &Weak<Engine>, bells: &Bells) {
    background::enter();
    let (mut last, mut quiet_looks) = (0, 0);
    let mut tables = Tables::default();
    loop {
        bells.checkpoint.wait(CHECKPOINT_LOOK);
        let Some(engine) = alive(weak) else { return };
        let Some(checkpointer) = &engine.checkpointer else { return };
        let now = engine.log.last();
        quiet_looks = if now == std::mem::replace(&mut last, now) { quiet_looks + 1 } else { 0 };
        let idle = quiet_looks >= IDLE_LOOKS;
        if idle && tables.grown(&engine) {
            give_back_memory();
        }
        if checkpointer.is_running() || engine.checkpoint_wanted() || checkpointer.is_due(&engine, idle) {
            // A failure is told in INFO and tried again at the next look.
            let _ = engine.pass();
            give_back_memory();
        } else if idle {
            // Under load the tier merges by itself when too much lies unmerged: later is cheaper, more falls together.
            let _ = checkpointer.tier.maintain(MERGE_MS);
        }
    }
}

impl Checkpointer {
    /// Whether the log has grown to half its bound, or the store is idle and has a tail worth a pass.
    fn is_due(&self, engine: &Engine, idle: bool) -> bool {
        let log = engine.log.facts();
        let behind = log.last > self.facts().position;
        behind && (log.live_bytes > engine.log_max_bytes() / 2 || idle && log.live_bytes > IDLE_TAIL_BYTES)
    }
}

impl Engine {
    pub(crate) fn log_max_bytes(&self) -> u64 {
        self.world.settings.number("log-max-bytes") as u64
    }

    /// One round of the keeper: time, room in the log, keys that are due.
    pub fn tick(&self) {
        let now_ms = self.clock().now_ms();
        self.coarse_ms.store(now_ms, Ordering::Relaxed);
        if now_ms.saturating_sub(self.sampled_ms.load(Ordering::Relaxed)) >= SAMPLE_MS {
            self.sampled_ms.store(now_ms, Ordering::Relaxed);
            self.world.sample(now_ms);
        }
        // Failures are kept by the log for whoever asks to come in, and tried again at the next tick.
        while matches!(self.log.maintain(), Ok(true)) {}
        // Whoever pauses the clients that write wants nothing to change.
        if self.active_expire.load(Ordering::Relaxed) && self.world.sessions.paused(now_ms).is_none() {
            let _ = self.watched("expire-cycle", || self.keyspace.sweep(now_ms));
        }
        self.serve_waiting();
        let _ = self.log.seal(self.log.last());
        self.keyspace.free_discarded();
        if let Some(checkpointer) = &self.checkpointer {
            let (live, bound) = (self.log.facts().live_bytes, self.log_max_bytes());
            self.over_bound.store(live > bound, Ordering::Relaxed);
            if live > bound / 4 * 3 {
                self.bells.checkpoint.ring();
                if checkpointer.is_running() {
                    let _ = checkpointer.step(&self.keyspace, &*self.log, now_ms);
                }
            }
        }
    }

    /// Runs a checkpoint of everything that has happened until now, and waits for it.
    pub fn checkpoint(&self) -> Result<()> {
        if self.checkpointer.as_ref().is_some_and(Checkpointer::is_running) {
            // What is under way may have passed by what the caller means.
            self.pass()?;
        }
        self.pass()
    }

    /// Finishes the pass under way, or runs a new one.
    fn pass(&self) -> Result<()> {
        let Some(checkpointer) = &self.checkpointer else {
            return Err(Error::new(Kind::Unsupported, "a store in memory has nowhere to write a checkpoint to"));
        };
        let (wanted, before) = (self.checkpoint_wanted(), checkpointer.facts().completed);
        while !self.is_stopping() {
            let progress = checkpointer.step(&self.keyspace, &*self.log, self.clock().now_ms())?;
            // The last step may have been the keeper's.
            if progress == Progress::Complete || checkpointer.facts().completed > before {
                // Taken back only now: whoever asked sees it under way until it is done.
                self.checkpoint_wanted.fetch_and(!wanted, Ordering::AcqRel);
                return Ok(());
            }
        }
        checkpointer.abandon(&self.keyspace);
        Ok(())
    }

    fn checkpoint_wanted(&self) -> bool {
        self.checkpoint_wanted.load(Ordering::Acquire)
    }
}

/// Remembers how much memory the tables took.
#[derive(Default)]
struct Tables {
    bytes: u64,
}

impl Tables {
    /// Whether they have grown by a few megabytes since the last yes.
    fn grown(&mut self, engine: &Engine) -> bool {
        let bytes = engine.keyspace.census().table_bytes;
        let grown = bytes > self.bytes + TABLES_STEP;
        if grown {
            self.bytes = bytes;
        }
        grown
    }
}

/// Tables grow segment by segment and a pass gathers megabytes in small pieces: both leave holes in the allocator's heaps,
/// which keeps them unless it is asked.
fn give_back_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: only memory that nobody has is given back.
    unsafe {
        libc::malloc_trim(0);
    }
}
