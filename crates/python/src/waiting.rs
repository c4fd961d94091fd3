//! Commands that wait, for callers inside the process: a thread that waits for its answer, or a [`Waiting`] that asyncio looks after.
//!
//! Invariant: who waits is detached, and looks for signals a few times a second.
//! Invariant: a wait that is given up takes nothing; what it had got in that very moment is lost with it.

use std::sync::Arc;
use std::time::Duration;

use kvark_base::{Error, Kind};
use kvark_call::fault::Parked;
use kvark_call::request::OwnedRequest;
use kvark_call::{Fault, Session, World};
use kvark_engine::Engine;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::DB;
use crate::bell::{Bell, SLICE};
use crate::execute::{Replies, request_of};
use crate::handle::{Handle, forks};
use crate::store::Store;

/// A client of the process itself. It is gone when it is dropped.
pub(crate) struct Caller {
    pub session: Session,
    world: Arc<World>,
    bell: Arc<Bell>,
    born: u32,
}

impl Caller {
    /// A new one, in database `db`.
    pub fn new(engine: &Engine, db: u32) -> Self {
        let (world, bell, nowhere) = (Arc::clone(engine.world()), Arc::new(Bell::default()), String::new());
        let ringing = Arc::clone(&bell);
        let wake = Box::new(move || ringing.ring());
        let peer = world.sessions.register(nowhere.clone(), nowhere, -1, engine.now_ms(), wake);
        let mut session = Session::new(peer, true);
        session.db = db;
        Self { session, world, bell, born: forks() }
    }

    /// Executes `request`, waiting for its answer if need be.
    pub fn execute(&mut self, py: Python<'_>, handle: &Handle, request: &OwnedRequest) -> PyResult<Replies> {
        let engine = handle.shared(py)?;
        let mut replies = Replies::default();
        let begun = py.detach(|| engine.begin(&mut self.session, request, &mut replies));
        if let Some(parked) = begun.map_err(|fault| handle.failure(py, &fault))? {
            self.wait(py, handle, &engine, &parked, &mut replies)?;
        }
        Ok(replies)
    }

    fn wait(
        &mut self,
        py: Python<'_>,
        handle: &Handle,
        engine: &Engine,
        parked: &Parked,
        replies: &mut Replies,
    ) -> PyResult<()> {
        loop {
            let heard = self.bell.heard();
            let over = py.detach(|| engine.resume(&mut self.session, parked, replies));
            if over.map_err(|fault| handle.failure(py, &fault))? {
                return Ok(());
            }
            let looked = if self.session.peer.is_killed() { Err(ended(py, handle)) } else { py.check_signals() };
            if let Err(error) = looked {
                self.give_up(parked);
                return Err(error);
            }
            let left = engine.left(parked).map_or(SLICE, |left| left.min(SLICE));
            py.detach(|| self.bell.wait(heard, left));
        }
    }

    fn give_up(&self, parked: &Parked) {
        parked.ticket.give_up();
        self.session.peer.park(None);
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // The tables of a parent process stay as they were.
        if self.born == forks() {
            self.world.part(&mut self.session);
        }
    }
}

/// The store was closed meanwhile, or the client was killed.
fn ended(py: Python<'_>, handle: &Handle) -> PyErr {
    let message = "the client was ended by CLIENT KILL while it waited: call again";
    handle.failure(py, &Fault::from(Error::new(Kind::Closed, message)))
}

/// A word that may wait, begun; a loop of asyncio looks after it.
#[pyclass(frozen, module = "kvark._native")]
pub(crate) struct Waiting {
    store: Py<Store>,
    begun: Mutex<Begun>,
    bell: Arc<Bell>,
}

struct Begun {
    caller: Caller,
    replies: Replies,
    /// Nothing once it is answered, or given up.
    parked: Option<Parked>,
}

#[pymethods]
impl Waiting {
    /// Executes a word of the collection objects until it is answered or waits.
    #[new]
    #[pyo3(signature = (store, /, *args))]
    fn new(store: &Bound<'_, Store>, args: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let (py, request, handle) = (store.py(), request_of(args)?, store.get().handle());
        let engine = handle.shared(py)?;
        let (mut caller, mut replies) = (Caller::new(&engine, DB), Replies::default());
        let begun = py.detach(|| engine.begin(&mut caller.session, &request, &mut replies));
        let parked = begun.map_err(|fault| handle.failure(py, &fault))?;
        let bell = Arc::clone(&caller.bell);
        let begun = Mutex::new(Begun { caller, replies, parked });
        Ok(Self { store: store.clone().unbind(), begun, bell })
    }

    /// Whether it is answered; if so, `answer` has it.
    fn is_over(&self, py: Python<'_>) -> PyResult<bool> {
        let handle = self.store.get().handle();
        let engine = handle.shared(py)?;
        let over = py.detach(|| {
            let Begun { caller, replies, parked } = &mut *self.begun.lock();
            let Some(waiting) = parked else { return Ok(true) };
            let over = engine.resume(&mut caller.session, waiting, replies)?;
            if over {
                *parked = None;
            }
            Ok(over)
        });
        let over = over.map_err(|fault: Fault| handle.failure(py, &fault))?;
        if !over && self.begun.lock().caller.session.peer.is_killed() {
            self.give_up();
            return Err(ended(py, handle));
        }
        Ok(over)
    }

    /// The answer.
    fn answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let replies = std::mem::take(&mut self.begun.lock().replies);
        replies.into_answer(py)
    }

    /// The seconds until its time is over, None for never.
    fn left(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let engine = self.store.get().handle().shared(py)?;
        let begun = self.begun.lock();
        Ok(begun.parked.as_ref().and_then(|parked| engine.left(parked)).map(|left: Duration| left.as_secs_f64()))
    }

    /// A descriptor that can be read when it may be over.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.bell.fd()?)
    }

    /// Makes the descriptor unreadable until then.
    fn hush(&self) {
        self.bell.hush();
    }

    /// Waits no longer.
    fn give_up(&self) {
        let mut begun = self.begun.lock();
        if let Some(parked) = begun.parked.take() {
            begun.caller.give_up(&parked);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let begun = self.begun.get_mut();
        if begun.caller.born == forks() {
            self.give_up();
        } else {
            // The lines belong to the parent.
            std::mem::forget(begun.parked.take());
        }
    }
}
