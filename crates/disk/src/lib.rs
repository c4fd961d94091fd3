//! `disk`: the only room that touches files.
//!
//! Read in this order: [`Disk`], [`File`], [`Mapping`]; then the siblings [`real`] (the operating system's files),
//! [`memory`] (heap buffers that remember what was synced) and [`faulty`] (memory that fails by seed).
//!
//! Invariant: no other room opens a file, maps memory or syncs.
//! Invariant: what a file holds survives a loss of power once [`File::sync_data`] has returned; that it is found under
//! its name, once [`Disk::sync_dir`] has. Nothing else promises either.
//! Invariant: after [`File::allocate`] a mapping of that length has a real block behind every page.

pub mod faulty;
mod mapping;
pub mod memory;
pub mod real;

pub use faulty::{Faulty, Loss};
pub use mapping::{Mapping, Warmer};
pub use memory::Memory;
pub use real::Real;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use kvark_base::{Error, Kind, Result};

/// Exclusive use of a directory, until it is dropped.
pub struct Lock(#[allow(dead_code)] Box<dyn Any + Send + Sync>);

impl Lock {
    pub(crate) fn holding(what: impl Any + Send + Sync) -> Self {
        Self(Box::new(what))
    }
}

/// Names and what they stand for.
pub trait Disk: Send + Sync {
    /// A new empty file to read and write; one that had the name is emptied.
    fn create(&self, path: &Path) -> Result<Arc<dyn File>>;

    /// The file of that name, to read and write.
    fn open(&self, path: &Path) -> Result<Arc<dyn File>>;

    /// Whether there is a file of that name.
    fn exists(&self, path: &Path) -> Result<bool>;

    /// Gives a file another name in the same directory; a file that had it is gone.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Takes a name away; the file goes with its last name and handle.
    fn remove(&self, path: &Path) -> Result<()>;

    /// The names of the files in `dir`, sorted.
    fn list(&self, dir: &Path) -> Result<Vec<String>>;

    /// Makes a directory and those above it; not an error when it is there already.
    fn create_dir(&self, dir: &Path) -> Result<()>;

    /// Makes the names in `dir` survive a loss of power.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// Claims `dir` for this process. [`Kind::Busy`] names the process that has it.
    fn lock(&self, dir: &Path) -> Result<Lock>;

    /// Gives `to` the permissions of `from` when there is such a file; only the operating system's files have any.
    fn copy_permissions(&self, _from: &Path, _to: &Path) -> Result<()> {
        Ok(())
    }

    /// Everything the file of that name holds.
    fn read_all(&self, path: &Path) -> Result<Vec<u8>> {
        let file = self.open(path)?;
        let mut bytes = vec![0; file.len()? as usize];
        file.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Makes the file of that name hold `bytes`, for good: after a crash it holds them or what it held before.
    /// Who might not read it before may not read it now.
    fn write_all_atomic(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let fresh = dir.join(name);
        let file = self.create(&fresh)?;
        self.copy_permissions(path, &fresh)?;
        file.write_at(0, bytes)?;
        file.sync_data()?;
        self.rename(&fresh, path)?;
        self.sync_dir(dir)
    }
}

/// An open file. Every method may be called from any thread.
pub trait File: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> Result<u64>;

    /// Whether it holds nothing.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `offset` on until `buffer` is full or the file ends; returns how many bytes were read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;

    /// Writes all of `bytes` at `offset`, and longer makes the file when they go beyond its end. After an error any part of them may
    /// have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes the file at least `len` bytes long with a real block behind each of them: a later write within can't fail
    /// for want of space. What is new reads as zero.
    fn allocate(&self, len: u64) -> Result<()>;

    /// Cuts the file, or makes it longer with a hole.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Makes what was written, also through mappings, survive a loss of power. After an error its fate is unknown, and calling
    /// again doesn't change that.
    fn sync_data(&self) -> Result<()>;

    /// The first `len` bytes as memory that is the file. They must be allocated.
    fn map(&self, len: usize) -> Result<Mapping>;

    /// Fills `buffer` from `offset` on; an error of kind [`Kind::Corrupt`] when the file ends before.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let read = self.read_at(offset, buffer)?;
        if read == buffer.len() {
            return Ok(());
        }
        let wanted = buffer.len();
        let message = format!("a file ends after {read} of the {wanted} bytes that should stand at offset {offset}");
        Err(Error::new(Kind::Corrupt, message))
    }
}
