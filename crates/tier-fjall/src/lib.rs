//! `tier-fjall`: the tier on the LSM-tree beneath fjall (crate `lsm-tree`).
//!
//! Read in this order: [`FjallTier`], [`Options`], `runs` (what is not yet in a table), `writing` (how it gets there),
//! `view` (how both are read as one), `upkeep` (merging tables), `fault` (errors).
//!
//! Invariant: there is no journal here, because the log above is one. What [`Tier::apply`] took
//! lives in memory as sorted runs until a flush writes it into one table.
//! Invariant: there are no threads here: work is done within the caller's call.
//! Invariant: one process at a time has the directory; the owner of the store holds its lock.
//! Invariant: nothing is written into an existing table. A flush writes new files, syncs them and their directories,
//! writes the list of all tables under a new number, syncs it, and renames `current` over the old one: a crash at any
//! moment leaves the old list or the new one, with every file that it names.
//!
//! ```text
//! dir/current     the number and checksum of the list in force
//! dir/v<n>        the list: which tables in which level, which value files
//! dir/tables/<n>  a table: sorted blocks of pairs, an index, a filter, each with its checksum
//! dir/blobs/<n>   values of at least Options::separate_values_from bytes, each with its checksum
//! ```

mod fault;
mod runs;
mod upkeep;
mod view;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kvark_base::{Clock, Error, Kind, Result};
use kvark_tier::{Batch, Facts, KeyRange, Snapshot, Tier, Visit, check_batch};
use lsm_tree::config::{BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry};
use lsm_tree::{AbstractTree, AnyTree, Cache, CompressionType, Config, KvSeparationOptions, SequenceNumberCounter};
use parking_lot::{Mutex, RwLock};

use crate::runs::Runs;
use crate::view::{Pins, View};

/// What this room is built on, as `INFO` names it.
const ENGINE: &str = "fjall (lsm-tree 3.1.10)";

/// How much memory and disk the tree may trade for speed.
#[derive(Debug, Clone)]
pub struct Options {
    /// What may be applied and wait in memory before `apply` writes it into a table by itself; a larger batch waits alone.
    pub memory_bytes: usize,
    /// Blocks kept in memory after they were read.
    pub cache_bytes: u64,
    /// The size of a table that upkeep writes; also the unit of its work, which can't be interrupted.
    pub table_bytes: u64,
    /// The size of a block before compression: larger is faster to walk, smaller is faster for a single key.
    pub block_bytes: u32,
    /// Bits per key for the filters that spare a look into tables without the key; zero for none.
    pub filter_bits: f32,
    /// Values of at least this many bytes are kept in files of their own and not rewritten by each merge.
    pub separate_values_from: u32,
    /// Compress blocks and separate values with LZ4; needs the feature `lz4`.
    pub compress: bool,
    /// So many tables may lie unmerged before `apply` merges by itself, whatever that costs its caller.
    pub unmerged_tables: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_bytes: 16 << 20,
            cache_bytes: 16 << 20,
            table_bytes: 16 << 20,
            block_bytes: 8 << 10,
            filter_bits: 10.0,
            separate_values_from: 4 << 10,
            compress: false,
            unmerged_tables: 16,
        }
    }
}

/// The tier in a directory.
pub struct FjallTier {
    dir: PathBuf,
    options: Options,
    clock: Clock,
    /// Gives each table and each list of tables its number in time; a view sees what is below its own.
    numbers: SequenceNumberCounter,
    pins: Arc<Pins>,
    state: RwLock<State>,
    /// Held by whoever adds to the runs or writes them out; taken before `merging`.
    writing: Mutex<()>,
    /// Held by whoever merges tables.
    merging: Mutex<()>,
    /// Bytes of superseded separate values that the last attempt to give them back had to leave.
    stale_kept: AtomicU64,
}

/// Both halves of what is stored. Taken for moments only, never while a file is awaited.
struct State {
    /// `None` after `close`.
    tree: Option<AnyTree>,
    runs: Runs,
    applied_bytes: u64,
    /// Why nothing more may be written: the fate of an earlier write is unknown.
    poisoned: Option<Error>,
}

impl State {
    fn tree(&self) -> Result<&AnyTree> {
        self.tree.as_ref().ok_or_else(|| Error::new(Kind::Closed, "The tier was closed. Open the store again."))
    }

    /// The tree, if it may be changed.
    fn writable(&self) -> Result<&AnyTree> {
        match &self.poisoned {
            Some(error) => Err(error.clone()),
            None => self.tree(),
        }
    }
}

impl FjallTier {
    /// Opens the tier in `dir`, which is created if it is missing.
    pub fn open(dir: &Path, options: Options) -> Result<Self> {
        make_directory(dir)?;
        let visible = SequenceNumberCounter::new(1);
        let numbers = SequenceNumberCounter::new(1);
        let config = configure(Config::new(dir, numbers.clone(), visible.clone()), &options)?;
        let tree = config.open().map_err(|error| fault::explain("opening the tier", dir, error))?;
        let next = tree.get_highest_persisted_seqno().unwrap_or(0) + 1;
        numbers.fetch_max(next);
        visible.fetch_max(next);
        Ok(Self {
            dir: dir.to_path_buf(),
            options,
            clock: Clock::system(),
            numbers,
            pins: Arc::new(Pins::new(visible)),
            state: RwLock::new(State { tree: Some(tree), runs: Runs::default(), applied_bytes: 0, poisoned: None }),
            writing: Mutex::new(()),
            merging: Mutex::new(()),
            stale_kept: AtomicU64::new(0),
        })
    }

    fn view(&self) -> Result<View> {
        let state = self.state.read();
        let tree = state.tree()?.clone();
        Ok(View::new(self.dir.clone(), tree, state.runs.clone(), self.pins.pin()))
    }
}

/// Creates `dir` so that its name survives a loss of power.
fn make_directory(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(dir).map_err(|e| Error::io(format!("creating {}", dir.display()), &e))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => writing::sync_directory(parent),
        _ => Ok(()),
    }
}

fn configure(config: Config, options: &Options) -> Result<Config> {
    let compression = compression(options.compress)?;
    let separation =
        KvSeparationOptions::default().separation_threshold(options.separate_values_from).compression(compression);
    let filter = match options.filter_bits {
        bits if bits > 0.0 => FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(bits)),
        _ => FilterPolicyEntry::None,
    };
    Ok(config
        .use_cache(Arc::new(Cache::with_capacity_bytes(options.cache_bytes)))
        .data_block_size_policy(BlockSizePolicy::all(options.block_bytes))
        .data_block_compression_policy(CompressionPolicy::all(compression))
        .filter_policy(FilterPolicy::all(filter))
        .with_kv_separation(Some(separation))
        .with_compaction_filter_factory(Some(Arc::new(upkeep::Breathing))))
}

fn compression(wanted: bool) -> Result<CompressionType> {
    #[cfg(feature = "lz4")]
    if wanted {
        return Ok(CompressionType::Lz4);
    }
    if wanted {
        return Err(Error::new(Kind::Unsupported, "This build has no LZ4. Open the tier without compression."));
    }
    Ok(CompressionType::None)
}

impl Tier for FjallTier {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let tree = {
            let state = self.state.read();
            let tree = state.tree()?;
            if let Some(change) = state.runs.get(key) {
                return Ok(change.map(<[u8]>::to_vec));
            }
            tree.clone()
        };
        view::get_from_tree(&tree, &self.dir, key, lsm_tree::SeqNo::MAX)
    }

    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        self.view()?.range(range, reverse, visit)
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        check_batch(&batch)?;
        // Space is made before the batch is taken: when that fails, nothing was applied and memory stays bounded.
        let waiting = self.state.read().runs.bytes();
        if waiting > 0 && waiting + runs::bytes_of_batch(&batch) > self.options.memory_bytes {
            self.flush()?;
            self.merge_if_late()?;
        }
        self.add(batch, &self.writing.lock())
    }

    fn flush(&self) -> Result<()> {
        self.write_out(&self.writing.lock())
    }

    fn clear_prefix(&self, prefix: &[u8]) -> Result<()> {
        self.clear(prefix)
    }

    fn snapshot(&self) -> Box<dyn Snapshot> {
        match self.view() {
            Ok(view) => Box::new(view),
            Err(error) => Box::new(view::Unreadable(error)),
        }
    }

    fn maintain(&self, budget_ms: u64) -> Result<bool> {
        self.merge_for(budget_ms)
    }

    fn close(&self) -> Result<()> {
        let writing = self.writing.lock();
        if self.state.read().tree.is_none() {
            return Ok(());
        }
        self.write_out(&writing)?;
        let _merging = self.merging.lock();
        self.state.write().tree = None;
        Ok(())
    }

    fn facts(&self) -> Facts {
        let state = self.state.read();
        let mut facts = Facts { engine: ENGINE, applied_bytes: state.applied_bytes, ..Facts::default() };
        if let Some(tree) = &state.tree {
            facts.disk_bytes = tree.disk_space();
            let pinned = tree.pinned_filter_size() + tree.pinned_block_index_size();
            facts.memory_bytes = (state.runs.bytes() + pinned) as u64 + tree.tree_config().cache.size();
        }
        facts
    }
}
