//! A client inside the process that speaks the wire format, with the methods of a socket that client libraries use: `kvark.redis`
//! hands it to redis-py in a socket's place.
//!
//! Invariant: what is sent is executed detached, on the sender's thread, and a command that waits keeps whoever reads waiting,
//! not whoever sends.
//! Invariant: who waits for bytes is detached and holds nothing; who wakes it touches no Python.

use std::ffi::CString;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kvark_base::{Clock, Error, Kind};
use kvark_call::Peer;
use kvark_engine::Engine;
use kvark_server::Pipe as Session;
use parking_lot::Mutex;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBlockingIOError, PyBrokenPipeError, PyConnectionResetError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::bell::{Bell, SLICE};
use crate::bytes::value;
use crate::errors::of_error;
use crate::handle::forks;
use crate::reply::{Reader, Stop, Taste};
use crate::store::Store;
use crate::words::pack;

/// See the module.
#[pyclass(frozen, module = "kvark._native")]
pub(crate) struct Pipe {
    /// Nothing once it was closed or has ended.
    session: Mutex<Option<Session<Engine>>>,
    peer: Arc<Peer>,
    clock: Clock,
    bell: Arc<Bell>,
    timeout: Mutex<Option<Duration>>,
    /// Bytes that were received for `read` and are not a whole reply yet, or the ones behind it.
    inbox: Mutex<Inbox>,
    /// Somebody polls the descriptor: it can be read exactly as long as there is something to receive.
    polled: AtomicBool,
    born: u32,
}

#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

impl Inbox {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    fn skip(&mut self, len: usize) {
        self.read += len;
        if self.read == self.bytes.len() {
            self.bytes.clear();
            self.read = 0;
        }
    }
}

impl Pipe {
    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        if self.born == forks() {
            return Ok(());
        }
        let message = "the connection was made by the parent process: open a store in this one and connect there";
        Err(of_error(py, &Error::new(Kind::Forked, message)))
    }

    /// Whether there is something to receive, an end included, without a look at what has come.
    fn is_ready(&self) -> bool {
        self.session.lock().as_ref().is_none_or(|session| !session.readable().is_empty() || session.has_ended())
    }

    /// Whether there is something to receive, an end included, even if somebody has to look first.
    fn has_come(&self) -> bool {
        self.session.lock().as_ref().is_none_or(Session::has_come)
    }

    /// Whether a look at what has come may change anything.
    fn has_news(&self) -> bool {
        self.session.lock().as_ref().is_some_and(Session::has_news)
    }

    /// Looks at what has come. Returns how long it has to wait at most until it looks again.
    fn proceed(&self) -> Option<Duration> {
        let mut place = self.session.lock();
        let session = place.as_mut()?;
        session.proceed();
        let until_ms = session.until_ms();
        if session.has_ended() && session.readable().is_empty() {
            *place = None;
        }
        until_ms.map(|at_ms| Duration::from_millis(at_ms.saturating_sub(self.clock.now_ms())))
    }

    /// Waits until there is something to receive, at most for the timeout.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let timeout = *self.timeout.lock();
        self.wait_for(py, timeout)
    }

    fn wait_for(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<()> {
        if !self.polled.load(Ordering::Relaxed) && self.is_ready() {
            return Ok(());
        }
        let until = timeout.map(|timeout| self.clock.uptime() + timeout);
        loop {
            let heard = self.bell.heard();
            if self.polled.load(Ordering::Relaxed) {
                self.bell.hush();
            }
            let again = if self.has_news() { py.detach(|| self.proceed()) } else { None };
            if self.is_ready() {
                return Ok(());
            }
            let left = until.map_or(SLICE, |until| until.saturating_sub(self.clock.uptime()));
            if left.is_zero() {
                return Err(late(timeout));
            }
            py.detach(|| self.bell.wait(heard, left.min(SLICE).min(again.unwrap_or(SLICE))));
            py.check_signals()?;
        }
    }

    /// Hands out at most `most` readable bytes, to `take`, which runs no Python code.
    fn receive<R>(&self, most: usize, peeks: bool, take: impl FnOnce(&[u8]) -> R) -> R {
        let mut place = self.session.lock();
        let Some(session) = place.as_mut() else { return take(&[]) };
        let bytes = session.readable();
        let len = bytes.len().min(most);
        let taken = take(&bytes[..len]);
        if !peeks {
            session.consume(len);
        }
        if self.polled.load(Ordering::Relaxed) && session.has_come() {
            self.bell.show();
        }
        taken
    }

    fn end(&self) {
        // The peer's wake is ours; what it ends is let go of without holding anything.
        self.peer.kill();
        let session = self.session.lock().take();
        drop(session);
    }
}

#[cold]
fn late(timeout: Option<Duration>) -> PyErr {
    if timeout == Some(Duration::ZERO) {
        PyBlockingIOError::new_err((libc::EAGAIN, "nothing has come"))
    } else {
        PyTimeoutError::new_err("timed out")
    }
}

#[cold]
fn ended() -> PyErr {
    PyConnectionResetError::new_err((libc::ECONNRESET, "the connection has ended"))
}

fn time_of(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let time = seconds.map(Duration::try_from_secs_f64).transpose();
    time.map_err(|_| PyValueError::new_err("a timeout is 0 seconds or more"))
}

#[pymethods]
impl Pipe {
    #[new]
    #[pyo3(signature = (store, others = false, /))]
    fn new(store: &Bound<'_, Store>, others: bool) -> PyResult<Self> {
        let engine = store.get().handle().shared(store.py())?;
        let pipes = Arc::clone(store.get().pipes(&engine));
        let clock = engine.world().clock.clone();
        let bell = Arc::new(Bell::default());
        let ringing = Arc::clone(&bell);
        let session = Session::open(engine, pipes, others, Box::new(move || ringing.ring()));
        Ok(Self {
            peer: Arc::clone(session.peer()),
            session: Mutex::new(Some(session)),
            clock,
            bell,
            timeout: Mutex::new(None),
            inbox: Mutex::default(),
            polled: AtomicBool::new(false),
            born: forks(),
        })
    }

    /// Sends `data`, whose commands are executed before this returns, up to one that waits. Raises BrokenPipeError when the
    /// connection has ended.
    #[pyo3(signature = (data, /))]
    fn sendall(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        self.check_fork(py)?;
        let data = value(data)?;
        let bytes: &[u8] = &data;
        let taken = py.detach(|| self.session.lock().as_mut().is_some_and(|session| session.send(bytes)));
        if !taken {
            return Err(PyBrokenPipeError::new_err((libc::EPIPE, "the connection has ended")));
        }
        if self.polled.load(Ordering::Relaxed) && self.has_come() {
            self.bell.show();
        }
        Ok(())
    }

    /// Sends the request of `args`, as `sendall` does its bytes. False, with nothing sent, when the library has to pack them, or it has ended.
    #[pyo3(signature = (args, /))]
    fn send(&self, args: &Bound<'_, PyTuple>) -> PyResult<bool> {
        let py = args.py();
        self.check_fork(py)?;
        let mut request = Vec::with_capacity(128);
        if !pack(args, &mut request)? {
            return Ok(false);
        }
        let taken = py.detach(|| self.session.lock().as_mut().is_some_and(|session| session.send(&request)));
        if taken && self.polled.load(Ordering::Relaxed) && self.has_come() {
            self.bell.show();
        }
        Ok(taken)
    }

    /// The next reply, waiting for it as `settimeout` says. Texts are decoded if an encoding is named; an error is what `error` makes of
    /// its text, and is returned; a push is a tuple. Raises ConnectionResetError at the end.
    #[pyo3(signature = (encoding, errors, error, /))]
    fn read<'py>(
        &self,
        encoding: Option<&str>,
        errors: &str,
        error: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = error.py();
        self.check_fork(py)?;
        let names =
            encoding.map(|encoding| Ok::<_, PyErr>((CString::new(encoding)?, CString::new(errors)?))).transpose()?;
        let decoding = names.as_ref().map(|(encoding, errors)| (&**encoding, &**errors));
        let taste = Taste { decoding, error };
        // Nothing is held while Python code may run: another reader, if there is one, finds an empty inbox.
        let mut inbox = std::mem::take(&mut *self.inbox.lock());
        let reply = loop {
            if !inbox.rest().is_empty() {
                let mut reader = Reader::new(py, inbox.rest(), &taste);
                match reader.reply() {
                    Ok(reply) => {
                        let len = reader.len();
                        inbox.skip(len);
                        break Ok(reply);
                    }
                    Err(Stop::Failed(error)) => break Err(error),
                    Err(Stop::Short) => {}
                }
            }
            if let Err(error) = self.wait(py) {
                break Err(error);
            }
            if self.receive(usize::MAX, false, |bytes| {
                inbox.bytes.extend_from_slice(bytes);
                bytes.is_empty()
            }) {
                break Err(ended());
            }
        };
        *self.inbox.lock() = inbox;
        reply
    }

    /// Whether there is something to `read`, waiting `seconds` for it (None: for ever). Raises ConnectionResetError at the end.
    #[pyo3(signature = (seconds, /))]
    fn can_read(&self, py: Python<'_>, seconds: Option<f64>) -> PyResult<bool> {
        self.check_fork(py)?;
        if !self.inbox.lock().rest().is_empty() {
            return Ok(true);
        }
        if seconds == Some(0.0) && !self.has_come() {
            return Ok(false);
        }
        match self.wait_for(py, time_of(seconds)?) {
            Ok(()) if self.pending() == 0 => Err(ended()),
            Ok(()) => Ok(true),
            Err(error)
                if error.is_instance_of::<PyTimeoutError>(py) || error.is_instance_of::<PyBlockingIOError>(py) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether it may be used for another command: it has not ended, and nothing was left unread.
    fn is_quiet(&self) -> bool {
        self.born == forks() && self.inbox.lock().rest().is_empty() && !self.has_come()
    }

    /// At most `size` bytes, waiting for them as `settimeout` says; none at the end. `MSG_PEEK` leaves them there.
    #[pyo3(signature = (size, flags = 0, /))]
    fn recv<'py>(&self, py: Python<'py>, size: usize, flags: i32) -> PyResult<Bound<'py, PyBytes>> {
        self.check_fork(py)?;
        self.wait(py)?;
        Ok(self.receive(size, flags & libc::MSG_PEEK != 0, |bytes| PyBytes::new(py, bytes)))
    }

    /// As `recv`, into `buffer`; how many bytes came.
    #[pyo3(signature = (buffer, size = 0, flags = 0, /))]
    fn recv_into(&self, buffer: &Bound<'_, PyAny>, size: usize, flags: i32) -> PyResult<usize> {
        let py = buffer.py();
        self.check_fork(py)?;
        let buffer = PyBuffer::<u8>::get(buffer)?;
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return Err(PyValueError::new_err("bytes are received into a writable, contiguous buffer"));
        }
        self.wait(py)?;
        let room = buffer.len_bytes();
        let most = if size == 0 { room } else { room.min(size) };
        Ok(self.receive(most, flags & libc::MSG_PEEK != 0, |bytes| {
            // SAFETY: the buffer is writable, contiguous and at least as long, and nobody else runs Python code meanwhile.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.buf_ptr().cast(), bytes.len()) };
            bytes.len()
        }))
    }

    /// Everything that can be received now: None for nothing yet, no bytes at the end. Never waits.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.check_fork(py)?;
        if self.has_news() {
            py.detach(|| self.proceed());
        }
        if !self.is_ready() {
            return Ok(None);
        }
        Ok(Some(self.receive(usize::MAX, false, |bytes| PyBytes::new(py, bytes))))
    }

    /// The seconds until `take` is worth another call without a ring, None if only a ring makes it so.
    fn due(&self) -> Option<f64> {
        let until_ms = self.session.lock().as_ref()?.until_ms()?;
        Some(Duration::from_millis(until_ms.saturating_sub(self.clock.now_ms())).as_secs_f64())
    }

    /// A descriptor that can be read once there may be something to `take`; `hush` it before.
    fn watch(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.check_fork(py)?;
        Ok(self.bell.fd()?)
    }

    /// Makes the watched descriptor unreadable until the next ring.
    fn hush(&self) {
        self.bell.hush();
    }

    /// How many bytes can be received now.
    fn pending(&self) -> usize {
        self.session.lock().as_ref().map_or(0, |session| session.readable().len())
    }

    /// A descriptor for `poll`: it can be read as long as there is something to receive. -1 at the end.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.check_fork(py)?;
        let fd = self.bell.fd()?;
        if !self.polled.swap(true, Ordering::Relaxed) {
            // What has come before rang no descriptor.
            py.detach(|| self.proceed());
            if self.has_come() {
                self.bell.show();
            }
        }
        Ok(fd)
    }

    /// How long to wait for bytes: None is for ever, 0 not at all.
    #[pyo3(signature = (seconds, /))]
    fn settimeout(&self, seconds: Option<f64>) -> PyResult<()> {
        *self.timeout.lock() = time_of(seconds)?;
        Ok(())
    }

    fn gettimeout(&self) -> Option<f64> {
        self.timeout.lock().map(|timeout| timeout.as_secs_f64())
    }

    #[pyo3(signature = (blocking, /))]
    fn setblocking(&self, blocking: bool) {
        *self.timeout.lock() = if blocking { None } else { Some(Duration::ZERO) };
    }

    /// Ends the connection; who waits for bytes finds none.
    #[pyo3(signature = (how, /))]
    fn shutdown(&self, py: Python<'_>, how: i32) {
        let _ = how;
        self.close(py);
    }

    /// Ends the connection; closing again does nothing. In a forked child nothing happens to the parent's.
    fn close(&self, py: Python<'_>) {
        if self.born == forks() {
            py.detach(|| self.end());
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.born != forks() {
            // It belongs to the parent, and somebody may have held its tables when it forked.
            std::mem::forget(self.session.get_mut().take());
        }
    }
}
