//! How a caller inside the process is woken: by a bell that any thread may ring.
//!
//! Invariant: who rings touches no Python and never waits.
//! Invariant: a bell's pipe lives as long as the bell, so nobody writes to a descriptor that is somebody else's by now.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How long a wait may keep a signal (Ctrl-C) from being looked at.
pub(crate) const SLICE: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Bell {
    /// How often it has rung.
    rings: Mutex<u64>,
    rung: Condvar,
    /// For who waits in an event loop of Python: a byte for each ring.
    pipe: OnceLock<(PipeReader, PipeWriter)>,
}

impl Bell {
    pub fn ring(&self) {
        *self.rings.lock() += 1;
        self.rung.notify_all();
        self.show();
    }

    /// How often it has rung: look at this, then at what there is, then wait.
    pub fn heard(&self) -> u64 {
        *self.rings.lock()
    }

    /// Waits until it rings, unless it has rung since `heard`.
    pub fn wait(&self, heard: u64, time: Duration) {
        let mut rings = self.rings.lock();
        if *rings == heard {
            self.rung.wait_for(&mut rings, time);
        }
    }

    /// Sends everybody who waits to look.
    pub fn wake_others(&self) {
        self.rung.notify_all();
    }

    /// The descriptor that can be read once it has rung.
    pub fn fd(&self) -> std::io::Result<RawFd> {
        if self.pipe.get().is_none() {
            // Another thread may be first: then this pipe goes again.
            let _ = self.pipe.set(pipe()?);
        }
        Ok(self.pipe.get().expect("it was set").0.as_raw_fd())
    }

    /// Makes the descriptor readable.
    pub fn show(&self) {
        if let Some((_, writer)) = self.pipe.get() {
            // A full pipe says as much as one with a byte more in it, so nobody waits for room.
            let _ = (&*writer).write(&[0]);
        }
    }

    /// Makes the descriptor unreadable until the next ring.
    pub fn hush(&self) {
        if let Some((reader, _)) = self.pipe.get() {
            let mut rings = [0; 64];
            while matches!((&*reader).read(&mut rings), Ok(64)) {}
        }
    }
}

/// A pipe at which nobody waits.
fn pipe() -> std::io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = std::io::pipe()?;
    for fd in [reader.as_raw_fd(), writer.as_raw_fd()] {
        // SAFETY: a flag of a descriptor of ours.
        if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } == -1 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok((reader, writer))
}
