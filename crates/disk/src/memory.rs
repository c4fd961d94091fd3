//! Files in heap buffers, with what a loss of power would leave of them.
//!
//! Invariant: a file is two images, the live one and the one last synced; a directory is the live names, the durable
//! names and the changes in between. Directories themselves are durable at once.
//! Invariant: a loss of power leaves, of each sector, the synced bytes or the live ones, and of the changes of a directory's names
//! a prefix (as a journal does).

use std::cell::UnsafeCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Result};
use parking_lot::Mutex;

use crate::mapping::Backing;
use crate::{Disk, File, Lock, Mapping};

/// What a disk writes whole or not at all.
pub const SECTOR_LEN: usize = 512;

/// A disk in memory; clones are the same disk.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Names>>);

#[derive(Default)]
struct Names {
    live: BTreeMap<PathBuf, Arc<Content>>,
    durable: BTreeMap<PathBuf, Arc<Content>>,
    pending: Vec<Change>,
    dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
}

#[derive(Clone)]
enum Change {
    Link(PathBuf, Arc<Content>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Change {
    fn dir(&self) -> &Path {
        let (Change::Link(path, _) | Change::Rename(path, _) | Change::Remove(path)) = self;
        path.parent().unwrap_or(Path::new(""))
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Arc<Content>>) {
        match self {
            Change::Link(path, content) => drop(names.insert(path, content)),
            Change::Remove(path) => drop(names.remove(&path)),
            Change::Rename(from, to) => {
                if let Some(content) = names.remove(&from) {
                    names.insert(to, content);
                }
            }
        }
    }
}

/// Bytes at a fixed address, shared by a file and its mappings.
struct Buffer(Box<[UnsafeCell<u8>]>);

// SAFETY: bytes are read and written through raw pointers, by whoever holds a mapping or the content's lock. A sync that
// reads while a mapping is written sees any part of it, which is what a disk would see too.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn zeroed(len: usize) -> Arc<Self> {
        Arc::new(Self((0..len).map(|_| UnsafeCell::new(0)).collect()))
    }

    fn start(&self) -> *mut u8 {
        self.0.as_ptr().cast::<u8>().cast_mut()
    }

    fn read(&self, offset: usize, out: &mut [u8]) {
        assert!(offset + out.len() <= self.0.len(), "a read beyond the buffer");
        // SAFETY: within the buffer, by the line above; `out` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(self.start().add(offset), out.as_mut_ptr(), out.len()) }
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.0.len(), "a write beyond the buffer");
        // SAFETY: within the buffer, by the line above; `bytes` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start().add(offset), bytes.len()) }
    }
}

struct Heap(#[allow(dead_code)] Arc<Buffer>);

impl Backing for Heap {
    fn release(&self, _range: Range<usize>) {}
}

struct Content(Mutex<Images>);

struct Images {
    buffer: Arc<Buffer>,
    len: usize,
    synced: Vec<u8>,
}

impl Images {
    /// A file that holds `bytes`, synced.
    fn holding(bytes: Vec<u8>) -> Self {
        let buffer = Buffer::zeroed(bytes.len());
        buffer.write(0, &bytes);
        Self { buffer, len: bytes.len(), synced: bytes }
    }

    fn live(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.buffer.read(0, &mut bytes);
        bytes
    }

    fn resize(&mut self, len: usize) -> Result<()> {
        if len < self.len {
            self.buffer.write(len, &vec![0; self.len - len]);
        } else if len > self.buffer.0.len() {
            if Arc::strong_count(&self.buffer) > 1 {
                return Err(Error::new(Kind::Invalid, format!("a mapped file can't grow to {len} bytes in memory")));
            }
            let grown = Buffer::zeroed(len.max(self.buffer.0.len() * 2));
            grown.write(0, &self.live());
            self.buffer = grown;
        }
        self.len = len;
        Ok(())
    }

    /// What a loss of power leaves: sector by sector the synced bytes or the live ones.
    fn torn(&self, random: &mut Random) -> Vec<u8> {
        let live = self.live();
        let mut bytes = if random.chance(1, 2) { vec![0; live.len()] } else { vec![0; self.synced.len()] };
        for (at, sector) in bytes.chunks_mut(SECTOR_LEN).enumerate() {
            let source = if random.chance(1, 2) { &live } else { &self.synced };
            let start = (at * SECTOR_LEN).min(source.len());
            let end = (start + sector.len()).min(source.len());
            sector[..end - start].copy_from_slice(&source[start..end]);
        }
        bytes
    }
}

impl Clone for Images {
    fn clone(&self) -> Self {
        Self { synced: self.synced.clone(), ..Self::holding(self.live()) }
    }
}

/// Files that were copied, by the file they are a copy of: two names of one file are two names of one copy.
#[derive(Default)]
struct Copies(BTreeMap<*const Content, Arc<Content>>);

impl Copies {
    fn of(&mut self, content: &Arc<Content>, image: impl FnOnce(&Images) -> Images) -> Arc<Content> {
        let copy = || Arc::new(Content(Mutex::new(image(&content.0.lock()))));
        self.0.entry(Arc::as_ptr(content)).or_insert_with(copy).clone()
    }
}

impl Content {
    /// Lets the synced image be a mixture, as a sync that failed leaves it.
    pub(crate) fn sync_partly(&self, random: &mut Random) {
        let mut images = self.0.lock();
        images.synced = images.torn(random);
    }
}

impl Memory {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of all files that have a name.
    pub fn used_bytes(&self) -> u64 {
        self.0.lock().live.values().map(|content| content.0.lock().len as u64).sum()
    }

    /// The disk that the next process finds when this one was killed: all that was written, also through mappings, synced or not.
    pub fn after_kill(&self) -> Self {
        let names = self.0.lock();
        let mut copies = Copies::default();
        let mut copy = |content: &Arc<Content>| copies.of(content, Images::clone);
        let mut all =
            |paths: &BTreeMap<PathBuf, Arc<Content>>| paths.iter().map(|(p, c)| (p.clone(), copy(c))).collect();
        let (live, durable) = (all(&names.live), all(&names.durable));
        let pending = names.pending.iter().map(|change| match change {
            Change::Link(path, content) => Change::Link(path.clone(), copy(content)),
            other => other.clone(),
        });
        let pending = pending.collect();
        Self(Arc::new(Mutex::new(Names { live, durable, pending, dirs: names.dirs.clone(), locked: BTreeSet::new() })))
    }

    /// The disk that the next process finds when the power failed.
    pub fn after_power_loss(&self, random: &mut Random) -> Self {
        let names = self.0.lock();
        let mut copies = Copies::default();
        let mut live = BTreeMap::new();
        for (path, content) in names.surviving(random) {
            live.insert(path, copies.of(&content, |images| Images::holding(images.torn(random))));
        }
        let names = Names { durable: live.clone(), live, dirs: names.dirs.clone(), ..Names::default() };
        Self(Arc::new(Mutex::new(names)))
    }

    fn content(&self, path: &Path, what: &str) -> Result<Arc<Content>> {
        self.0.lock().live.get(path).cloned().ok_or_else(|| missing(path, what))
    }

    /// A handle on a file's content, for the sibling that makes it fail.
    pub(crate) fn file(&self, path: &Path) -> Result<MemoryFile> {
        Ok(MemoryFile(self.content(path, "opening")?))
    }

    pub(crate) fn create_file(&self, path: &Path) -> Result<MemoryFile> {
        let mut names = self.0.lock();
        let dir = path.parent().unwrap_or(Path::new(""));
        if !names.dirs.contains(dir) {
            return Err(missing(dir, "creating a file in"));
        }
        if let Some(content) = names.live.get(path) {
            content.0.lock().resize(0)?;
            return Ok(MemoryFile(content.clone()));
        }
        let content = Arc::new(Content(Mutex::new(Images::holding(Vec::new()))));
        names.change(Change::Link(path.to_path_buf(), content.clone()));
        Ok(MemoryFile(content))
    }
}

impl Names {
    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.live);
        self.pending.push(change);
    }

    /// The durable names and, for each directory, a prefix of the changes since.
    fn surviving(&self, random: &mut Random) -> BTreeMap<PathBuf, Arc<Content>> {
        let mut names = self.durable.clone();
        let mut lost: BTreeSet<&Path> = BTreeSet::new();
        for change in &self.pending {
            if !lost.contains(change.dir()) && random.chance(3, 4) {
                change.clone().apply(&mut names);
            } else {
                lost.insert(change.dir());
            }
        }
        names
    }
}

fn missing(path: &Path, what: &str) -> Error {
    Error::io(format_args!("{what} {} failed", path.display()), &std::io::ErrorKind::NotFound.into())
}

impl Disk for Memory {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.create_file(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.file(path)?))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        Ok(self.0.lock().live.contains_key(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        assert_eq!(from.parent(), to.parent(), "a file stays in its directory");
        self.content(from, "renaming")?;
        self.0.lock().change(Change::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.content(path, "removing")?;
        self.0.lock().change(Change::Remove(path.to_path_buf()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        let names = self.0.lock();
        if !names.dirs.contains(dir) {
            return Err(missing(dir, "listing"));
        }
        let here = names.live.keys().filter(|path| path.parent() == Some(dir));
        Ok(here.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.0.lock().dirs.extend(dir.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let names = &mut *self.0.lock();
        let (here, elsewhere) = std::mem::take(&mut names.pending).into_iter().partition(|change| change.dir() == dir);
        names.pending = elsewhere;
        let here: Vec<Change> = here;
        here.into_iter().for_each(|change| change.apply(&mut names.durable));
        Ok(())
    }

    fn lock(&self, dir: &Path) -> Result<Lock> {
        if !self.0.lock().locked.insert(dir.to_path_buf()) {
            let (pid, dir) = (std::process::id(), dir.display());
            let message = format!(
                "{dir} is already open in this process (pid {pid}): use the store that is open, or close it first"
            );
            return Err(Error::new(Kind::Busy, message));
        }
        Ok(Lock::holding(Held(self.clone(), dir.to_path_buf())))
    }
}

struct Held(Memory, PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().locked.remove(&self.1);
    }
}

pub(crate) struct MemoryFile(Arc<Content>);

impl MemoryFile {
    pub(crate) fn sync_partly(&self, random: &mut Random) {
        self.0.sync_partly(random);
    }
}

impl File for MemoryFile {
    fn len(&self) -> Result<u64> {
        Ok(self.0.0.lock().len as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let images = self.0.0.lock();
        let start = (offset as usize).min(images.len);
        let len = buffer.len().min(images.len - start);
        images.buffer.read(start, &mut buffer[..len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut images = self.0.0.lock();
        let end = offset as usize + bytes.len();
        if end > images.len {
            images.resize(end)?;
        }
        images.buffer.write(offset as usize, bytes);
        Ok(())
    }

    fn allocate(&self, len: u64) -> Result<()> {
        let mut images = self.0.0.lock();
        let len = images.len.max(len as usize);
        images.resize(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.0.lock().resize(len as usize)
    }

    fn sync_data(&self) -> Result<()> {
        let mut images = self.0.0.lock();
        images.synced = images.live();
        Ok(())
    }

    fn map(&self, len: usize) -> Result<Mapping> {
        let images = self.0.0.lock();
        if len == 0 || images.len < len {
            return Err(Error::new(
                Kind::Invalid,
                format!("{len} bytes of a file that holds {} can't be mapped", images.len),
            ));
        }
        let start = NonNull::new(images.buffer.start()).expect("a buffer has an address");
        // SAFETY: the buffer is at least as long as the file and lives in `Heap`; files reach its bytes by raw pointer only.
        Ok(unsafe { Mapping::new(start, len, Box::new(Heap(images.buffer.clone()))) })
    }
}
