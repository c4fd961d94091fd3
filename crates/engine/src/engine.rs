//! The engine itself: what it is made of, and when an answer may leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvark_base::{Clock, Error, Kind, Millis, Position, Result, meanwhile};
use kvark_call::World;
use kvark_disk::Lock;
use kvark_keyspace::{Keyspace, Options as KeyspaceOptions};
use kvark_log::{Log, TornTail};
use kvark_scripts::Scripts;
use kvark_tier::Tier;
use parking_lot::{Condvar, Mutex};

use crate::checkpoint::Checkpointer;
use crate::facts::{Counters, EngineFacts};
use crate::long::LongWork;
use crate::meter::Limits;
use crate::notices::Publisher;
use crate::options::Durability;

/// What an engine is put together from, before recovery.
pub struct Parts {
    /// Where effects go.
    pub log: Arc<dyn Log>,
    /// What checkpoints are written to; `None` for a store in memory.
    pub tier: Option<Arc<dyn Tier>>,
    /// Shards and seed.
    pub keyspace: KeyspaceOptions,
    /// The level of every write.
    pub durability: Durability,
    /// The claim on the store's directory, held until the engine goes.
    pub lock: Option<Lock>,
    /// Whether threads of its own sync, sweep and checkpoint. Simulations do that by hand.
    pub background: bool,
}

/// One store, open. Shared by everybody who serves it.
pub struct Engine {
    pub(crate) world: Arc<World>,
    pub(crate) keyspace: Arc<Keyspace>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) durability: Durability,
    pub(crate) checkpointer: Option<Checkpointer>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) limits: Limits,
    /// The wall clock as of the latest tick of the background: what an access is noted with.
    pub(crate) coarse_ms: AtomicU64,
    /// When the background last looked at how fast counts grow.
    pub(crate) sampled_ms: AtomicU64,
    pub(crate) active_expire: AtomicBool,
    /// Somebody asked for a checkpoint that has not begun.
    pub(crate) checkpoint_wanted: AtomicBool,
    pub(crate) opened_ms: Millis,
    /// The log is above its bound: writes wait for the checkpoint.
    pub(crate) over_bound: AtomicBool,
    pub(crate) bells: Arc<Bells>,
    sync_upto: AtomicU64,
    synced_listeners: Mutex<Vec<Tell>>,
    pub(crate) long_work: LongWork,
    /// Whether threads of its own look after it.
    pub(crate) has_background: bool,
    pub(crate) torn: Option<TornTail>,
    pub(crate) threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    stopping: AtomicBool,
    closed: Mutex<Option<Result<()>>>,
    lock: Mutex<Option<Lock>>,
}

/// Somebody sleeps until it rings.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    condition: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.rung.lock() = true;
        self.condition.notify_one();
    }

    /// Sleeps until it rings, at most `timeout`.
    pub(crate) fn wait(&self, timeout: std::time::Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.condition.wait_for(&mut rung, timeout);
        }
        *rung = false;
    }
}

type Tell = Box<dyn Fn() + Send + Sync>;

/// How the background is woken.
#[derive(Default)]
pub(crate) struct Bells {
    pub(crate) sync: Bell,
    pub(crate) keeper: Bell,
    pub(crate) checkpoint: Bell,
    pub(crate) long: Bell,
}

impl Engine {
    /// Puts an engine together and recovers: what the tier holds, then the tail of the log.
    pub fn assemble(parts: Parts, world: Arc<World>) -> Result<Arc<Self>> {
        let keyspace = Arc::new(Keyspace::new(parts.keyspace, Arc::clone(&parts.log)));
        let publisher = Publisher::new(&world, &parts.log, parts.durability);
        keyspace.notices().set_herald(Box::new(publisher));
        let told = Arc::downgrade(&keyspace);
        let track = move |tracked| told.upgrade().map_or((), |keyspace| keyspace.notices().track(tracked));
        world.tracking.set_switch(Box::new(track));
        kvark_commands::config::adopt(&world, keyspace.forms(), keyspace.notices());
        let scripts = Arc::new(Scripts::new(kvark_commands::COMPATIBLE_VERSION));
        keyspace.set_patience(serve_others_of(&scripts));
        let counters = Arc::new(Counters::default());
        let started = world.clock.uptime();
        let torn = crate::open::recover(&keyspace, &*parts.log, parts.tier.as_deref())?;
        kvark_commands::scripting::adopt(&keyspace, &scripts)?;
        counters.recovered(world.clock.uptime().saturating_sub(started));
        let checkpointer = parts.tier.map(Checkpointer::new);
        let engine = Arc::new(Self {
            coarse_ms: AtomicU64::new(world.clock.now_ms()),
            opened_ms: world.clock.now_ms(),
            world,
            keyspace,
            log: parts.log,
            durability: parts.durability,
            checkpointer,
            counters,
            scripts,
            limits: Limits::default(),
            sampled_ms: AtomicU64::new(0),
            active_expire: AtomicBool::new(true),
            checkpoint_wanted: AtomicBool::new(false),
            over_bound: AtomicBool::new(false),
            bells: Arc::default(),
            sync_upto: AtomicU64::new(0),
            synced_listeners: Mutex::default(),
            long_work: LongWork::default(),
            has_background: parts.background,
            torn,
            threads: Mutex::default(),
            stopping: AtomicBool::new(false),
            closed: Mutex::new(None),
            lock: Mutex::new(parts.lock),
        });
        engine.world.add_facts(Arc::new(EngineFacts(Arc::downgrade(&engine))));
        engine.log.maintain()?;
        if parts.background {
            crate::background::start(&engine)?;
        }
        Ok(engine)
    }

    /// The world its sessions live in.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Its keys.
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// The level of every write.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// What recovery cut off the end of the log, if a write was torn.
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.world.clock
    }

    pub(crate) fn coarse_ms(&self) -> Millis {
        self.coarse_ms.load(Ordering::Relaxed)
    }

    /// Level `os` for everything up to `upto`: a killed process loses none of it.
    #[inline]
    pub fn seal(&self, upto: Position) -> Result<()> {
        self.log.seal(upto)
    }

    /// The last position that survives a loss of power.
    #[inline]
    pub fn synced(&self) -> Position {
        self.log.synced()
    }

    /// Why the log takes nothing more and syncs nothing more, if it has failed for ever.
    pub fn failure(&self) -> Option<Error> {
        let for_ever = |error: &Error| matches!(error.kind(), Kind::Poisoned | Kind::Fenced | Kind::Closed);
        // Nothing can be sealed up to there, so the log has to look at its state instead of its marks.
        self.log.seal(Position::MAX).err().filter(for_ever)
    }

    /// Waits until an answer that depends on the log up to `upto` may leave.
    #[inline]
    pub fn confirm(&self, upto: Position) -> Result<()> {
        match self.durability {
            Durability::Memory => Ok(()),
            Durability::Os => self.log.seal(upto),
            Durability::Disk => {
                // Whoever comes first syncs for everybody behind it.
                while self.log.synced() < upto {
                    self.log.sync()?;
                    self.tell_synced();
                }
                Ok(())
            }
        }
    }

    /// Whether [`Engine::confirm`] would wait for the disk.
    #[inline]
    pub fn waits_for(&self, upto: Position) -> bool {
        self.durability == Durability::Disk && self.log.synced() < upto
    }

    /// Asks the background to sync soon; many asks are one sync.
    pub fn want_sync(&self, upto: Position) {
        if self.sync_upto.fetch_max(upto, Ordering::AcqRel) < upto {
            self.bells.sync.ring();
        }
    }

    /// `tell` is called from the background whenever `synced` has grown, or the log has failed.
    pub fn on_synced(&self, tell: Tell) {
        self.synced_listeners.lock().push(tell);
    }

    pub(crate) fn tell_synced(&self) {
        // First what others hear of the changes, then the answers.
        self.keyspace.notices().tell();
        self.synced_listeners.lock().iter().for_each(|tell| tell());
    }

    /// Asks the background to make room in the log soon.
    pub(crate) fn want_room(&self) {
        self.bells.keeper.ring();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Stops the background, syncs and closes everything. Later calls give the first one's result.
    pub fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock();
        if let Some(result) = &*closed {
            return result.clone();
        }
        self.stopping.store(true, Ordering::Release);
        self.bells.keeper.ring();
        self.bells.sync.ring();
        self.bells.checkpoint.ring();
        self.bells.long.ring();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // The last handle may be dropped by the background itself; it does not wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        let log = self.log.close();
        let tier = self.checkpointer.as_ref().map_or(Ok(()), |checkpointer| checkpointer.tier.close());
        self.lock.lock().take();
        let result = log.and(tier);
        *closed = Some(result.clone());
        result
    }

    /// Lets go of everything without touching a file: for a process that came by `fork`.
    pub fn abandon(&self) {
        std::mem::forget(std::mem::take(&mut *self.threads.lock()));
        *self.closed.lock() = Some(Ok(()));
        self.stopping.store(true, Ordering::Release);
    }
}

/// Whoever waits for a shard that a script holds beyond its time serves others meanwhile.
fn serve_others_of(scripts: &Arc<Scripts>) -> Tell {
    let scripts = Arc::clone(scripts);
    Box::new(move || {
        if scripts.is_busy() {
            let _refusing = scripts.stand_in();
            meanwhile::serve();
        }
    })
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure.
        let _ = self.close();
    }
}
