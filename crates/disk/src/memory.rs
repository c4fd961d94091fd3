//! Files in heap buffers, with what a loss of power would leave of them.
//!
//! Invariant: a file is two images, the live one and the one last synced; a directory is the live names, the durable
//! names and the changes in between. Directories themselves are durable at once.
//! Invariant: a loss of power leaves, of each sector, the synced bytes or the live ones, and of the changes of a directory's names
//! a prefix (as a journal does).

mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Result};
use parking_lot::Mutex;

use crate::{Disk, File, Lock};
pub(crate) use content::MemoryFile;
use content::{Content, Copies, Images};

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
