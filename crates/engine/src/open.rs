//! Opening: which log, which tier, and back to where the last process stood.
//!
//! ```text
//! STORE    what was decided when the store was made (`manifest`)
//! LOCK     who has it open
//! log/     segments
//! tier/    the ordered store beneath memory
//! ```

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Clock, Error, Kind, Result};
use kvark_call::{Settings, World};
use kvark_disk::{Disk, Lock, Real};
use kvark_keyspace::checkpoint::Checkpoint;
use kvark_keyspace::recover::Recovery;
use kvark_keyspace::{Keyspace, Options as KeyspaceOptions};
use kvark_log::memory::MemoryLog;
use kvark_log::{Log, TornTail};
use kvark_log_files::{LogFiles, Way};
use kvark_tier::Tier;
use kvark_tier_fjall::FjallTier;

use crate::checkpoint::{FIRST_DATA_KEY, read_checkpoint};
use crate::engine::{Engine, Parts};
use crate::manifest::Manifest;
use crate::options::{Durability, OpenOptions};

impl Engine {
    /// Opens the store that `options` describe; makes it when it isn't there.
    pub fn open(options: &OpenOptions, settings: Settings) -> Result<Arc<Self>> {
        options.check()?;
        let invalid = |message| Error::new(Kind::Invalid, format!("log-max-bytes: {message}"));
        settings.set("log-max-bytes", &options.log_max_bytes.to_string()).map_err(invalid)?;
        settings.set("durability", options.durability.name()).map_err(invalid)?;
        let world = Arc::new(World::new(Clock::system(), settings));
        let parts = match (&options.dir, options.durability) {
            (Some(dir), Durability::Memory) => {
                refuse_durable(&Real, dir)?;
                volatile(options)
            }
            (Some(dir), _) => durable(options, dir)?,
            (None, _) => volatile(options),
        };
        Self::assemble(parts, world)
    }
}

/// A store in memory must not be taken for the durable one in its directory.
fn refuse_durable(disk: &dyn Disk, dir: &Path) -> Result<()> {
    if Manifest::read(disk, dir)?.is_none() {
        return Ok(());
    }
    let message = format!(
        "{} holds a durable store, and level 'memory' would neither read nor keep it: open it with level 'os' or 'disk', or name \
         another directory",
        dir.display()
    );
    Err(Error::new(Kind::Invalid, message))
}

fn volatile(options: &OpenOptions) -> Parts {
    Parts {
        log: Arc::new(MemoryLog::volatile()),
        tier: None,
        keyspace: KeyspaceOptions { shards: options.shards, seed: Random::from_system().next_u64() },
        durability: Durability::Memory,
        lock: None,
        background: true,
    }
}

fn durable(options: &OpenOptions, dir: &Path) -> Result<Parts> {
    let disk: Arc<dyn Disk> = Arc::new(Real);
    let (manifest, lock) = claim(&*disk, dir, options)?;
    let log_options = kvark_log_files::Options {
        dir: dir.join("log"),
        segment_len_bytes: options.segment_len_bytes.min(options.log_max_bytes / 4),
        way: if options.durability == Durability::Disk { Way::Gathered } else { Way::Mapped },
        incarnation: manifest.incarnation,
    };
    // Every key is in memory: the tier is read once, from end to end. A cache of its blocks and filters would serve nobody.
    let tier_options = kvark_tier_fjall::Options {
        cache_bytes: 1 << 20,
        memory_bytes: 8 << 20,
        filter_bits: 0.0,
        ..kvark_tier_fjall::Options::default()
    };
    let tier = FjallTier::open(&dir.join("tier"), tier_options)?;
    Ok(Parts {
        log: Arc::new(LogFiles::open(disk, log_options)?),
        tier: Some(Arc::new(tier)),
        keyspace: KeyspaceOptions { shards: manifest.shards, seed: manifest.seed },
        durability: options.durability,
        lock: Some(lock),
        background: true,
    })
}

/// Takes the directory for this process; makes the store when it isn't there.
fn claim(disk: &dyn Disk, dir: &Path, options: &OpenOptions) -> Result<(Manifest, Lock)> {
    disk.create_dir(dir)?;
    let lock = disk.lock(dir)?;
    let manifest = match Manifest::read(disk, dir)? {
        Some(manifest) => manifest,
        None => Manifest::create(disk, dir, options.shards, &mut Random::from_system())?,
    };
    Ok((manifest, lock))
}

/// State = tier + tail of the log.
pub(crate) fn recover(keyspace: &Keyspace, log: &dyn Log, tier: Option<&dyn Tier>) -> Result<Option<TornTail>> {
    let checkpoint = tier.map_or(Ok(Checkpoint::default()), read_checkpoint)?;
    let mut recovery = Recovery::new(keyspace, &checkpoint);
    if let Some(tier) = tier {
        let everything = (Bound::Included(FIRST_DATA_KEY), Bound::Unbounded);
        tier.range(everything, false, &mut |key, value| recovery.pair(key, value).map(|()| true))?;
        recovery.end_pairs()?;
    }
    let replayed = log.replay(checkpoint.position, &mut |position, record| recovery.record(position, record))?;
    recovery.take_records()?;
    Ok(replayed.torn)
}
