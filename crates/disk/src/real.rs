//! The operating system's files.
//!
//! Invariant: a directory has one owner: `LOCK` in it is held with `flock`, which the system lets go of when the last process that
//! holds it ends, however it ends.

use std::fs;
use std::io::{Read, Seek, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use kvark_base::{Error, Kind, Result};

use crate::mapping::Backing;
use crate::{Disk, File, Lock, Mapping};

/// The files of this machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct Real;

struct RealFile {
    file: fs::File,
    path: PathBuf,
}

/// `Err(Error)` out of a system's error, naming what was tried on which path.
fn doing<T>(what: &str, path: &Path, result: std::io::Result<T>) -> Result<T> {
    result.map_err(|e| Error::io(format_args!("{what} {} failed", path.display()), &e))
}

impl Real {
    fn open_with(&self, path: &Path, options: &fs::OpenOptions, what: &str) -> Result<Arc<dyn File>> {
        let file = doing(what, path, options.open(path))?;
        Ok(Arc::new(RealFile { file, path: path.to_path_buf() }))
    }
}

impl Disk for Real {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.open_with(path, fs::OpenOptions::new().read(true).write(true).create(true).truncate(true), "creating")
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.open_with(path, fs::OpenOptions::new().read(true).write(true), "opening")
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        doing("looking for", path, path.try_exists())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        doing("renaming", from, fs::rename(from, to))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        doing("removing", path, fs::remove_file(path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in doing("listing", dir, fs::read_dir(dir))? {
            let entry = doing("listing", dir, entry)?;
            if doing("listing", dir, entry.file_type())?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        doing("making the directory", dir, fs::create_dir_all(dir))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        doing("syncing the directory", dir, fs::File::open(dir).and_then(|handle| handle.sync_all()))
    }

    fn copy_permissions(&self, from: &Path, to: &Path) -> Result<()> {
        match fs::metadata(from) {
            Ok(metadata) => doing("changing the permissions of", to, fs::set_permissions(to, metadata.permissions())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => doing("looking at", from, Err(e)),
        }
    }

    fn lock(&self, dir: &Path) -> Result<Lock> {
        let path = dir.join("LOCK");
        let options = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = doing("opening", &path, options.open(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(busy(dir, &mut file)),
            Err(fs::TryLockError::Error(e)) => {
                return Err(Error::io(format_args!("locking {} failed", path.display()), &e));
            }
        }
        doing("writing", &path, sign(&mut file))?;
        Ok(Lock::holding(file))
    }
}

/// Writes who we are into the file that we hold.
fn sign(file: &mut fs::File) -> std::io::Result<()> {
    let command: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}\n{}\n", std::process::id(), command.join(" "))
}

/// Reads who holds the file that we wanted.
fn busy(dir: &Path, file: &mut fs::File) -> Error {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    let mut lines = text.lines();
    let (pid, command) = (lines.next().unwrap_or("unknown"), lines.next().unwrap_or("unknown"));
    let dir = dir.display();
    let message = if pid == std::process::id().to_string() {
        format!(
            "{dir} is already open in this process (pid {pid}, `{command}`): use the store that is open, or close it first"
        )
    } else {
        format!(
            "{dir} is in use by process {pid} (`{command}`): stop that process, or connect to it, or open another directory"
        )
    };
    Error::new(Kind::Busy, message)
}

impl File for RealFile {
    fn len(&self) -> Result<u64> {
        Ok(doing("looking at", &self.path, self.file.metadata())?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.file.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return doing("reading", &self.path, Err(e)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        doing("writing", &self.path, self.file.write_all_at(bytes, offset))
    }

    fn allocate(&self, len: u64) -> Result<()> {
        doing("reserving room for", &self.path, allocate(&self.file, len))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        doing("cutting", &self.path, self.file.set_len(len))
    }

    fn sync_data(&self) -> Result<()> {
        doing("syncing", &self.path, self.file.sync_data())
    }

    fn map(&self, len: usize) -> Result<Mapping> {
        let have = self.len()?;
        if len == 0 || have < len as u64 {
            let path = self.path.display();
            return Err(Error::new(Kind::Invalid, format!("{len} bytes of {path} can't be mapped: it holds {have}")));
        }
        // SAFETY: a fresh mapping chosen by the kernel, of a descriptor that is open; nothing existing is replaced.
        let start = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(std::ptr::null_mut(), len, protection, libc::MAP_SHARED, self.file.as_raw_fd(), 0)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => {
                // SAFETY: the kernel gave `len` bytes at `start`; `Pages` unmaps them when it is dropped and nobody else knows them.
                Ok(unsafe { Mapping::new(start, len, Arc::new(Pages { start, len })) })
            }
            _ => doing("mapping", &self.path, Err(std::io::Error::last_os_error())),
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
fn allocate(file: &fs::File, len: u64) -> std::io::Result<()> {
    // SAFETY: plain call on an open descriptor.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len as libc::off_t) } {
        0 => Ok(()),
        code => Err(std::io::Error::from_raw_os_error(code)),
    }
}

#[cfg(target_vendor = "apple")]
fn allocate(file: &fs::File, len: u64) -> std::io::Result<()> {
    let have = file.metadata()?.len();
    if have >= len {
        return Ok(());
    }
    let mut wish = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: (len - have) as libc::off_t,
        fst_bytesalloc: 0,
    };
    // SAFETY: `wish` lives across the call on an open descriptor.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PREALLOCATE, &mut wish) } == -1 {
        return Err(std::io::Error::last_os_error());
    }
    file.set_len(len)
}

struct Pages {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: an address range; what is done with it (unmap once, advise) is allowed from any thread.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Backing for Pages {
    fn release(&self, range: Range<usize>) {
        // SAFETY: asks the kernel only for its constant.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let (start, end) = (range.start.next_multiple_of(page), range.end / page * page);
        if start < end {
            // SAFETY: within the mapping; for a shared mapping of a file DONTNEED drops page table entries, never content.
            unsafe { libc::madvise(self.start.as_ptr().add(start).cast(), end - start, libc::MADV_DONTNEED) };
        }
    }

    fn warm(&self, range: Range<usize>) {
        // SAFETY: asks the kernel only for its constant.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let (start, end) = (range.start / page * page, range.end.next_multiple_of(page).min(self.len));
        #[cfg(target_os = "linux")]
        if start < end {
            // SAFETY: within the mapping; populating touches page tables, never content. A refusal (an old kernel) is harmless.
            unsafe { libc::madvise(self.start.as_ptr().add(start).cast(), end - start, libc::MADV_POPULATE_WRITE) };
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (start, end);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length and unmapped only here.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
