//! The engine behind a Python object: open, closed, or opened by a parent process.
//!
//! Invariant: the interpreter's lock is the guard of the engine's address: whoever borrows through it stays attached, and
//! whoever detaches takes a share first. So closing takes the address away while attached, and lets go afterwards.
//! Invariant: a process that came by `fork` neither uses nor drops an engine: its threads and its claim stayed behind.

use std::os::raw::c_int;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use kvark_base::{Error, Kind};
use kvark_call::Fault;
use kvark_engine::{Durability, Engine, IntBuffer, StringRef};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::DB;
use crate::bytes::new_value;
use crate::errors::{of_error, of_fault};

/// How often this process came by `fork` since the module was loaded: a look at it is cheaper than asking for the pid.
static FORKS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" {
    // The C library has it on every POSIX system; the `libc` crate declares it for some of them only.
    fn pthread_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
    ) -> c_int;
}

unsafe extern "C" fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Counts forks from here on.
pub(crate) fn watch_forks() -> PyResult<()> {
    // SAFETY: the handler touches one atomic, which is allowed after a fork.
    match unsafe { pthread_atfork(None, None, Some(count_fork)) } {
        0 => Ok(()),
        code => Err(std::io::Error::from_raw_os_error(code).into()),
    }
}

/// How often this process came by `fork`.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// See the module.
pub(crate) struct Handle {
    engine: AtomicPtr<Engine>,
    born: u32,
    /// Calls wait for the disk, so they detach.
    waits: bool,
}

impl Handle {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let waits = engine.durability() == Durability::Disk;
        Self { engine: AtomicPtr::new(Arc::into_raw(engine).cast_mut()), born: forks(), waits }
    }

    /// The engine, for a caller that stays attached as long as it uses it.
    #[inline]
    pub(crate) fn attached<'a>(&'a self, py: Python<'a>) -> PyResult<&'a Engine> {
        let engine = self.engine.load(Ordering::Relaxed);
        if engine.is_null() || self.is_forked() {
            return Err(self.refusal(py));
        }
        // SAFETY: the address came from `Arc::into_raw` and is taken away only by an attached thread, which is not this
        // one as long as the caller stays attached and calls nothing that closes.
        Ok(unsafe { &*engine })
    }

    /// A share of the engine, for a caller that detaches.
    pub(crate) fn shared(&self, py: Python<'_>) -> PyResult<Arc<Engine>> {
        let engine = ptr::from_ref(self.attached(py)?);
        // SAFETY: the address came from `Arc::into_raw`, whose share this handle still holds.
        unsafe {
            Arc::increment_strong_count(engine);
            Ok(Arc::from_raw(engine))
        }
    }

    /// Runs `call` on the engine: attached, unless the store waits for its disk.
    #[inline]
    pub(crate) fn run<R: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Engine) -> Result<R, Fault> + Send,
    ) -> PyResult<R> {
        self.run_long(py, false, call)
    }

    /// As [`Handle::run`]; a call that is long is detached anyhow.
    #[inline]
    pub(crate) fn run_long<R: Send>(
        &self,
        py: Python<'_>,
        long: bool,
        call: impl FnOnce(&Engine) -> Result<R, Fault> + Send,
    ) -> PyResult<R> {
        let result = if long || self.waits {
            let engine = self.shared(py)?;
            py.detach(move || call(&engine))
        } else {
            call(self.attached(py)?)
        };
        result.map_err(|fault| self.failure(py, &fault))
    }

    /// The value of `name` as `bytes`.
    #[inline]
    pub(crate) fn find<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.waits {
            // What is read may have to be synced first, so the value is copied twice.
            let copy = |value: StringRef<'_>| value.text(&mut IntBuffer::new()).to_vec();
            let found = self.run(py, |engine| engine.get(DB, name, copy))?;
            return Ok(found.map(|value| PyBytes::new(py, &value).into_any()));
        }
        match self.attached(py)?.get(DB, name, |value| new_value(py, value)) {
            Ok(None) => Ok(None),
            // SAFETY: an owned reference, or null with an exception set.
            Ok(Some(value)) => unsafe { Bound::from_owned_ptr_or_err(py, value).map(Some) },
            Err(fault) => Err(self.failure(py, &fault)),
        }
    }

    /// What a refused call raises; a store that another thread has closed meanwhile says so.
    #[cold]
    pub(crate) fn failure(&self, py: Python<'_>, fault: &Fault) -> PyErr {
        if self.is_closed() { self.refusal(py) } else { of_fault(py, fault) }
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.born != forks()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.engine.load(Ordering::Relaxed).is_null()
    }

    /// Closes the store and lets go of it; what was closed stays closed. A forked child lets go of nothing.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.take() {
            None => Ok(()),
            Some(engine) => py
                .detach(|| {
                    dismiss(&engine);
                    let closed = engine.close();
                    drop(engine);
                    closed
                })
                .map_err(|error| of_error(py, &error)),
        }
    }

    fn take(&self) -> Option<Arc<Engine>> {
        let engine = self.engine.swap(ptr::null_mut(), Ordering::AcqRel);
        if engine.is_null() || self.is_forked() {
            return None;
        }
        // SAFETY: the address came from `Arc::into_raw`, and the swap made this the only one to take it back.
        Some(unsafe { Arc::from_raw(engine) })
    }

    #[cold]
    fn refusal(&self, py: Python<'_>) -> PyErr {
        let error = if self.is_forked() {
            let message = "the store was opened by the parent process and its threads did not come along: open it after the \
                           fork, in one process only, or serve it and connect";
            Error::new(Kind::Forked, message)
        } else {
            Error::new(Kind::Closed, "the store is closed: open it again with kvark.open()")
        };
        of_error(py, &error)
    }
}

/// Ends the clients inside the process; who waits for a message is told.
fn dismiss(engine: &Engine) {
    let peers = engine.world().sessions.all();
    peers.iter().filter(|peer| peer.fd < 0).for_each(|peer| peer.kill());
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the interpreter may be going, so this does not detach.
        if let Some(engine) = self.take() {
            dismiss(&engine);
            let _ = engine.close();
        }
    }
}
