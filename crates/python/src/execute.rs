//! Any command, executed for the process itself: arguments from Python, and the reply as Python objects.
//!
//! A status is `str`, bytes are `bytes`, a map is `dict`, sets and arrays are `list`, nothing is `None`.
//!
//! Invariant: a store has one client of its own, so what a command leaves in its session (`SELECT`) holds for the next one;
//! two threads execute one after the other. A word that may wait for keys is executed by another client in the same database, so that
//! nobody waits behind it.
//! Invariant: the helpers behind the collection objects are other clients: no `SELECT` of the own client reaches them, and
//! each serves one thread at a time, so that threads do not wait for each other.
//! Invariant: a reply is gathered detached and made into objects attached, when nothing is held any more.

use kvark_base::limits::MAX_VALUE_LEN;
use kvark_call::request::OwnedRequest;
use kvark_call::{Delivery, Fault, ReplySink, Version};
use kvark_engine::Engine;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::DB;
use crate::bytes::value;
use crate::errors::{of_fault, of_reply, raise, wrong_argument};
use crate::handle::Handle;
use crate::waiting::Caller;

/// The most bytes of all arguments together.
const MAX_REQUEST_LEN: usize = 2 * MAX_VALUE_LEN;

/// The client that the process itself is; it is registered with its first command.
#[derive(Default)]
pub(crate) struct OwnClient(Mutex<Option<Caller>>);

impl OwnClient {
    /// Executes `args` on the engine of `handle`; a refusal is raised as a client would read it.
    pub(crate) fn execute<'py>(&self, handle: &Handle, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let (py, request) = (args.py(), request_of(args)?);
        let engine = handle.shared(py)?;
        let mut replies = Replies::default();
        let executed = py.detach(|| {
            let mut own = self.0.lock();
            let own = alive(&engine, &mut own);
            if !own.session.queue.is_open() && engine.may_wait_for_keys(&request) {
                return Ok(Some(own.session.db));
            }
            engine.execute(&mut own.session, &request, &mut replies).map(|()| None)
        });
        if let Some(db) = executed.map_err(|fault| handle.failure(py, &fault))? {
            // Others go on with the client meanwhile: somebody else waits in its place.
            replies = Caller::new(&engine, db).execute(py, handle, &request)?;
        }
        replies.into_object(py, of_reply)
    }
}

/// The clients that the collection objects speak through, as many as there were threads at once.
#[derive(Default)]
pub(crate) struct Helpers(Mutex<Vec<Caller>>);

impl Helpers {
    /// Executes `args` on the engine of `handle`; a refusal is raised as by the store's other calls.
    pub(crate) fn execute<'py>(&self, handle: &Handle, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let (py, request) = (args.py(), request_of(args)?);
        let engine = handle.attached(py)?;
        let helper = self.0.lock().pop().filter(|helper| !helper.session.peer.is_killed());
        let mut helper = helper.unwrap_or_else(|| Caller::new(engine, DB));
        let replies = helper.execute(py, handle, &request);
        self.0.lock().push(helper);
        replies?.into_answer(py)
    }
}

pub(crate) fn request_of(args: &Bound<'_, PyTuple>) -> PyResult<OwnedRequest> {
    let bytes = args.iter().map(|arg| bytes_of(&arg)).collect::<PyResult<Vec<_>>>()?;
    let len_bytes: usize = bytes.iter().map(Vec::len).sum();
    if len_bytes > MAX_REQUEST_LEN {
        let message = format!("arguments of {len_bytes} bytes: one command takes {MAX_REQUEST_LEN}; send it in parts");
        return Err(raise(args.py(), "InvalidInput", &message));
    }
    Ok(OwnedRequest::new(bytes))
}

/// The client in `place`, or a new one when there is none, or it was ended by `QUIT` or `CLIENT KILL`.
fn alive<'a>(engine: &Engine, place: &'a mut Option<Caller>) -> &'a mut Caller {
    drop(place.take_if(|own| own.session.peer.is_killed()));
    place.get_or_insert_with(|| Caller::new(engine, DB))
}

/// The bytes of an argument: text in UTF-8, a number in decimal digits, bytes as they are.
fn bytes_of(arg: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = arg.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes().to_vec());
    }
    if arg.is_instance_of::<PyBool>() {
        return Err(wrong_argument("an argument is str, bytes, int or float, not {}", arg));
    }
    if arg.is_instance_of::<PyInt>() || arg.is_instance_of::<PyFloat>() {
        return Ok(arg.str()?.to_str()?.as_bytes().to_vec());
    }
    Ok(value(arg)?.to_vec())
}

/// One reply.
enum Reply {
    Status(String),
    Error(String),
    Integer(i64),
    Bytes(Vec<u8>),
    Double(f64),
    Boolean(bool),
    Null,
    List(Vec<Reply>),
    /// Keys and values in turn.
    Map(Vec<Reply>),
}

impl Reply {
    /// The reply as an object; an error on top is raised as `refusal` makes it, one further in is handed over.
    fn into_object(self, py: Python<'_>, refusal: impl Fn(Python<'_>, &str) -> PyErr) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Error(message) => Err(refusal(py, &message)),
            reply => reply.nested(py),
        }
    }

    fn nested(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(match self {
            Self::Status(text) => PyString::new(py, &text).into_any(),
            Self::Error(message) => of_reply(py, &message).into_value(py).into_bound(py).into_any(),
            Self::Integer(number) => number.into_pyobject(py)?.into_any(),
            Self::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
            Self::Double(number) => PyFloat::new(py, number).into_any(),
            Self::Boolean(is_true) => PyBool::new(py, is_true).to_owned().into_any(),
            Self::Null => py.None().into_bound(py),
            Self::List(replies) => {
                let objects = replies.into_iter().map(|reply| reply.nested(py)).collect::<PyResult<Vec<_>>>()?;
                PyList::new(py, objects)?.into_any()
            }
            Self::Map(replies) => {
                let (pairs, mut replies) = (PyDict::new(py), replies.into_iter());
                while let (Some(key), Some(value)) = (replies.next(), replies.next()) {
                    pairs.set_item(key.nested(py)?, value.nested(py)?)?;
                }
                pairs.into_any()
            }
        })
    }
}

/// The texts of a message that was delivered, from the first to the last.
pub(crate) fn texts_of(delivery: &Delivery) -> Vec<Vec<u8>> {
    let mut replies = Replies::default();
    delivery.tell(&mut replies);
    let Some(Reply::List(words)) = replies.whole.pop() else { return Vec::new() };
    let text = |word| if let Reply::Bytes(text) = word { Some(text) } else { None };
    words.into_iter().filter_map(text).collect()
}

/// Gathers replies; whichever protocol the session speaks, they come in the forms of RESP3.
#[derive(Default)]
pub(crate) struct Replies {
    whole: Vec<Reply>,
    /// What was announced and is not full yet, the outermost first.
    open: Vec<Open>,
}

struct Open {
    is_map: bool,
    missing: usize,
    replies: Vec<Reply>,
}

impl Replies {
    /// The reply as an object; a refusal is raised as `refusal` makes it. Nothing when there was none (`CLIENT REPLY OFF`).
    fn into_object(
        mut self,
        py: Python<'_>,
        refusal: impl Fn(Python<'_>, &str) -> PyErr,
    ) -> PyResult<Bound<'_, PyAny>> {
        self.whole.pop().unwrap_or(Reply::Null).into_object(py, refusal)
    }

    /// As the store's own calls answer.
    pub(crate) fn into_answer(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.into_object(py, |py, message| of_fault(py, &Fault::new(message.to_owned())))
    }

    fn begin(&mut self, is_map: bool, len: usize) {
        let missing = if is_map { 2 * len } else { len };
        self.open.push(Open { is_map, missing, replies: Vec::new() });
        self.close_full();
    }

    fn add(&mut self, reply: Reply) {
        match self.open.last_mut() {
            None => self.whole.push(reply),
            Some(open) => {
                open.replies.push(reply);
                open.missing -= 1;
                self.close_full();
            }
        }
    }

    fn close_full(&mut self) {
        if let Some(open) = self.open.pop_if(|open| open.missing == 0) {
            self.add(if open.is_map { Reply::Map(open.replies) } else { Reply::List(open.replies) });
        }
    }
}

impl ReplySink for Replies {
    fn status(&mut self, text: &str) {
        self.add(Reply::Status(text.to_owned()));
    }
    fn error(&mut self, message: &str) {
        self.add(Reply::Error(message.to_owned()));
    }
    fn integer(&mut self, value: i64) {
        self.add(Reply::Integer(value));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.add(Reply::Bytes(bytes.to_vec()));
    }
    fn bulk_integer(&mut self, value: i64) {
        self.add(Reply::Bytes(value.to_string().into_bytes()));
    }
    fn null(&mut self) {
        self.add(Reply::Null);
    }
    fn null_array(&mut self) {
        self.add(Reply::Null);
    }
    fn array(&mut self, len: usize) {
        self.begin(false, len);
    }
    fn map(&mut self, len: usize) {
        self.begin(true, len);
    }
    fn set(&mut self, len: usize) {
        self.begin(false, len);
    }
    fn push(&mut self, len: usize) {
        self.begin(false, len);
    }
    fn double(&mut self, value: f64) {
        self.add(Reply::Double(value));
    }
    fn boolean(&mut self, value: bool) {
        self.add(Reply::Boolean(value));
    }
    fn verbatim(&mut self, _format: &str, text: &[u8]) {
        self.add(Reply::Bytes(text.to_vec()));
    }
    fn speak(&mut self, _version: Version) {}
}
