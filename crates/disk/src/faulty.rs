//! A disk in memory that fails by seed: EIO, a full disk, a sync that fails, loss of power, kill.
//!
//! Invariant: the same seed and the same calls give the same failures.
//! Invariant: a write that fails has written a prefix; a sync that fails has synced some sectors.

use std::path::Path;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Error, Result};
use parking_lot::Mutex;

use crate::memory::{Memory, MemoryFile};
use crate::{Disk, File, Lock, Mapping};

/// A disk that can be told to fail; clones are the same disk.
#[derive(Clone)]
pub struct Faulty {
    memory: Memory,
    faults: Arc<Mutex<Faults>>,
}

struct Faults {
    random: Random,
    quota_bytes: u64,
    eio_per_mille: u64,
    failing_syncs: u32,
    /// How many calls from now the disk is to be captured, and how.
    capture: Option<(u64, Loss)>,
    captured: Option<Memory>,
}

/// What the next process finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Everything written or mapped: the process was killed.
    Kill,
    /// What was synced, and by chance more: the power failed.
    Power,
}

impl Faulty {
    /// An empty disk that behaves until it is told otherwise.
    pub fn new(seed: u64) -> Self {
        Self::around(Memory::new(), seed)
    }

    fn around(memory: Memory, seed: u64) -> Self {
        let faults = Faults {
            random: Random::from_seed(seed),
            quota_bytes: u64::MAX,
            eio_per_mille: 0,
            failing_syncs: 0,
            capture: None,
            captured: None,
        };
        Self { memory, faults: Arc::new(Mutex::new(faults)) }
    }

    /// From now on all files together take at most so many bytes.
    pub fn set_quota_bytes(&self, quota_bytes: u64) {
        self.faults.lock().quota_bytes = quota_bytes;
    }

    /// The bytes that all files take.
    pub fn used_bytes(&self) -> u64 {
        self.memory.used_bytes()
    }

    /// From now on so many of a thousand calls that change names, lengths or content fail with EIO.
    pub fn set_eio_per_mille(&self, eio_per_mille: u64) {
        self.faults.lock().eio_per_mille = eio_per_mille;
    }

    /// The next so many syncs of a file fail.
    pub fn fail_syncs(&self, failing_syncs: u32) {
        self.faults.lock().failing_syncs = failing_syncs;
    }

    /// The disk as the next process finds it. This one stays as it is.
    pub fn after(&self, loss: Loss) -> Self {
        let mut faults = self.faults.lock();
        let seed = faults.random.next_u64();
        Self::around(self.image(loss, &mut faults.random), seed)
    }

    /// Remembers what the next process would find just before the call that changes something `calls` calls from now;
    /// [`Faulty::captured`] gives it.
    pub fn capture(&self, calls: u64, loss: Loss) {
        let mut faults = self.faults.lock();
        faults.capture = Some((calls, loss));
        faults.captured = None;
    }

    /// The disk as it was captured, if that many calls came.
    pub fn captured(&self) -> Option<Self> {
        let mut faults = self.faults.lock();
        let memory = faults.captured.take()?;
        let seed = faults.random.next_u64();
        Some(Self::around(memory, seed))
    }

    fn image(&self, loss: Loss, random: &mut Random) -> Memory {
        match loss {
            Loss::Kill => self.memory.after_kill(),
            Loss::Power => self.memory.after_power_loss(random),
        }
    }

    /// Counts a call that changes something.
    fn count(&self) {
        let faults = &mut *self.faults.lock();
        match &mut faults.capture {
            Some((0, loss)) => {
                faults.captured = Some(self.image(*loss, &mut faults.random));
                faults.capture = None;
            }
            Some((calls, _)) => *calls -= 1,
            None => {}
        }
    }

    /// Counts a call that changes something, and fails it when its time has come.
    fn trip(&self, what: &str, path: &Path) -> Result<()> {
        self.count();
        let mut faults = self.faults.lock();
        let trips = faults.eio_per_mille;
        if trips > 0 && faults.random.chance(trips, 1000) {
            return Err(Error::io(format_args!("{what} {} failed", path.display()), &eio()));
        }
        Ok(())
    }

    fn wrapped(&self, file: MemoryFile) -> Arc<dyn File> {
        Arc::new(FaultyFile { file, disk: self.clone() })
    }
}

fn eio() -> std::io::Error {
    std::io::Error::other("input/output error (injected)")
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.trip("creating", path)?;
        Ok(self.wrapped(self.memory.create_file(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.wrapped(self.memory.file(path)?))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.memory.exists(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.trip("renaming", from)?;
        self.memory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.trip("removing", path)?;
        self.memory.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.memory.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.memory.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.trip("syncing the directory", dir)?;
        self.memory.sync_dir(dir)
    }

    fn lock(&self, dir: &Path) -> Result<Lock> {
        self.memory.lock(dir)
    }
}

struct FaultyFile {
    file: MemoryFile,
    disk: Faulty,
}

impl FaultyFile {
    /// Refuses to let the file become `len` bytes long when that goes over the quota.
    fn charge(&self, len: u64) -> Result<()> {
        let more = len.saturating_sub(self.file.len()?);
        let quota = self.disk.faults.lock().quota_bytes;
        if more > 0 && self.disk.memory.used_bytes() + more > quota {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(Error::io(format_args!("growing a file by {more} bytes failed"), &full));
        }
        Ok(())
    }
}

impl File for FaultyFile {
    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.charge(offset + bytes.len() as u64)?;
        let failed = self.disk.trip("writing", Path::new("a file"));
        if failed.is_err() && !bytes.is_empty() {
            let written = self.disk.faults.lock().random.below(bytes.len() as u64) as usize;
            self.file.write_at(offset, &bytes[..written])?;
            return failed;
        }
        self.file.write_at(offset, bytes)
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.charge(len)?;
        self.disk.trip("reserving room for", Path::new("a file"))?;
        self.file.allocate(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.disk.trip("cutting", Path::new("a file"))?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.disk.count();
        let mut faults = self.disk.faults.lock();
        if faults.failing_syncs > 0 {
            faults.failing_syncs -= 1;
            self.file.sync_partly(&mut faults.random);
            return Err(Error::io("syncing a file failed", &eio()));
        }
        drop(faults);
        self.file.sync_data()
    }

    fn map(&self, len: usize) -> Result<Mapping> {
        self.file.map(len)
    }
}
