//! A tier that takes a picture of the whole world just before one of its own calls: what the next process would find if
//! this one ended there, in the middle of a checkpoint.

use std::sync::Arc;

use kvark_base::Result;
use kvark_base::random::Random;
use kvark_disk::{Faulty, Loss};
use kvark_tier::memory::MemoryTier;
use kvark_tier::{Batch, Facts, KeyRange, Snapshot, Tier, Visit};
use std::sync::{Mutex, PoisonError};

/// Log files and tier as the next process finds them.
pub type Picture = (Faulty, MemoryTier);

/// What is to be taken, and what was.
#[derive(Default)]
struct Camera {
    /// Calls that change something until the picture is taken.
    countdown: Option<u64>,
    loss: Option<Loss>,
    seed: u64,
    picture: Option<Picture>,
}

/// See the module.
pub struct WatchedTier {
    tier: Arc<MemoryTier>,
    disk: Faulty,
    camera: Mutex<Camera>,
}

impl WatchedTier {
    /// Watches `tier` beside `disk`.
    pub fn new(tier: Arc<MemoryTier>, disk: Faulty) -> Self {
        Self { tier, disk, camera: Mutex::default() }
    }

    /// Takes a picture before the call that changes something `calls` calls from now.
    pub fn aim(&self, calls: u64, loss: Loss, seed: u64) {
        *self.camera() = Camera { countdown: Some(calls), loss: Some(loss), seed, picture: None };
    }

    /// The picture, if it came to that.
    pub fn picture(&self) -> Option<Picture> {
        self.camera().picture.take()
    }

    fn camera(&self) -> std::sync::MutexGuard<'_, Camera> {
        self.camera.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut camera = self.camera();
        match camera.countdown {
            Some(0) => {
                let mut random = Random::from_seed(camera.seed);
                let percent = 50 * random.below(3);
                let disk = self.disk.after(camera.loss.expect("aimed"));
                camera.picture = Some((disk, self.tier.crash_keeping(&mut random, percent)));
                camera.countdown = None;
            }
            Some(calls) => camera.countdown = Some(calls - 1),
            None => {}
        }
    }
}

impl Tier for WatchedTier {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.tier.get(key)
    }
    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        self.tier.range(range, reverse, visit)
    }
    fn apply(&self, batch: Batch) -> Result<()> {
        self.tick();
        self.tier.apply(batch)
    }
    fn flush(&self) -> Result<()> {
        self.tick();
        self.tier.flush()
    }
    fn clear_prefix(&self, prefix: &[u8]) -> Result<()> {
        self.tick();
        self.tier.clear_prefix(prefix)
    }
    fn snapshot(&self) -> Box<dyn Snapshot> {
        self.tier.snapshot()
    }
    fn maintain(&self, budget_ms: u64) -> Result<bool> {
        self.tier.maintain(budget_ms)
    }
    fn close(&self) -> Result<()> {
        self.tier.close()
    }
    fn facts(&self) -> Facts {
        self.tier.facts()
    }
}
