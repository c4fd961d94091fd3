//! Walks in key order, a chunk at a time: between two chunks nothing is held and the store may change.
//!
//! Invariant: `bytes` are made while the entry's shard is held, pairs only when they are handed over (making a tuple may
//! run the garbage collector, and with it Python code).

use std::ops::Bound as Edge;
use std::vec::IntoIter;

use kvark_call::Fault;
use kvark_engine::{Bounds, Engine, EntryRef, prefix_end};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::DB;
use crate::bytes::{key, new_bytes, new_value};
use crate::errors::{of_error, of_fault};
use crate::store::Store;

/// The first chunk is small, for the many who want the first few; later ones double up to the most.
const FIRST_CHUNK: usize = 32;
const MOST: usize = 512;

/// What a walk hands over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Keys,
    Values,
    Items,
}

/// Where a walk goes; keys in between move towards each other as it does.
pub(crate) struct Range {
    pub(crate) low: Edge<Vec<u8>>,
    pub(crate) high: Edge<Vec<u8>>,
    pub(crate) reverse: bool,
}

impl Range {
    pub(crate) fn everything(reverse: bool) -> Self {
        Self { low: Edge::Unbounded, high: Edge::Unbounded, reverse }
    }

    /// `start <= key < stop`, and beginning with `prefix`.
    pub(crate) fn new(
        prefix: Option<&Bound<'_, PyAny>>,
        start: Option<&Bound<'_, PyAny>>,
        stop: Option<&Bound<'_, PyAny>>,
        reverse: bool,
    ) -> PyResult<Self> {
        let prefix = prefix.map(key).transpose()?;
        let start = start.map(key).transpose()?;
        let low = start.max(prefix).map(<[u8]>::to_vec);
        let stop = stop.map(key).transpose()?.map(<[u8]>::to_vec);
        // No end of the prefix (all 0xff) is no bound; that orders above every bound there is.
        let high = [stop, prefix.and_then(prefix_end)].into_iter().flatten().min();
        Ok(Self {
            low: low.map_or(Edge::Unbounded, Edge::Included),
            high: high.map_or(Edge::Unbounded, Edge::Excluded),
            reverse,
        })
    }

    fn bounds(&self) -> Bounds<'_> {
        (self.low.as_ref().map(Vec::as_slice), self.high.as_ref().map(Vec::as_slice))
    }

    /// Goes on behind `last`.
    fn pass(&mut self, last: &[u8]) {
        let edge = if self.reverse { &mut self.high } else { &mut self.low };
        *edge = Edge::Excluded(last.to_vec());
    }
}

/// A key and its value, or null where they were not asked for. Owned.
struct Pair(*mut ffi::PyObject, *mut ffi::PyObject);

// SAFETY: owned references; they are used and dropped by attached threads only.
unsafe impl Send for Pair {}
// SAFETY: as above; nothing looks at a pair through a shared reference.
unsafe impl Sync for Pair {}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: owned references or null, and pairs are dropped by attached threads only.
        unsafe {
            ffi::Py_XDECREF(self.0);
            ffi::Py_XDECREF(self.1);
        }
    }
}

impl Pair {
    /// Hands the pair over as `what`.
    fn into_object<'py>(mut self, py: Python<'py>, what: What) -> PyResult<Bound<'py, PyAny>> {
        let key = std::mem::replace(&mut self.0, std::ptr::null_mut());
        let value = std::mem::replace(&mut self.1, std::ptr::null_mut());
        // SAFETY: both are owned references or null, and ownership goes over to what is returned.
        unsafe {
            match what {
                What::Keys => Ok(Bound::from_owned_ptr(py, key)),
                What::Values => {
                    ffi::Py_XDECREF(key);
                    Ok(Bound::from_owned_ptr(py, value))
                }
                What::Items => {
                    let pair = [Bound::from_owned_ptr(py, key), Bound::from_owned_ptr(py, value)];
                    Ok(PyTuple::new(py, pair)?.into_any())
                }
            }
        }
    }
}

/// An iterator over a range of a store, in key order.
#[pyclass(module = "kvark._native")]
pub(crate) struct Scan {
    store: Py<Store>,
    what: What,
    range: Range,
    left: usize,
    chunk: usize,
    ready: IntoIter<Pair>,
    done: bool,
}

impl Scan {
    pub(crate) fn new(store: Py<Store>, what: What, range: Range, limit: Option<usize>) -> Self {
        let left = limit.unwrap_or(usize::MAX);
        Self { store, what, range, left, chunk: 0, ready: Vec::new().into_iter(), done: left == 0 }
    }

    /// Fetches the next chunk; false at the end.
    fn fetch(&mut self, py: Python<'_>) -> PyResult<bool> {
        if self.done {
            return Ok(false);
        }
        let store = self.store.clone_ref(py);
        if self.chunk == 0 {
            self.make_order(py, store.get())?;
        }
        // Who names a limit wants all of it.
        self.chunk = if self.left < MOST { self.left } else { (self.chunk * 2).clamp(FIRST_CHUNK, MOST) };
        let wanted = self.chunk;
        let pairs = self.collect(py, store.get().handle().attached(py)?, wanted)?;
        self.left -= pairs.len();
        self.done = pairs.len() < wanted || self.left == 0;
        self.ready = pairs.into_iter();
        Ok(self.ready.len() > 0)
    }

    /// The first look at the order may have to make it, which is long work for a big store: without the interpreter.
    fn make_order(&self, py: Python<'_>, store: &Store) -> PyResult<()> {
        let engine = store.handle().shared(py)?;
        let bounds = self.range.bounds();
        py.detach(|| {
            engine.walk(DB, bounds, self.range.reverse).next(1, engine.now_ms(), |_| ());
            drop(engine);
        });
        Ok(())
    }

    fn collect(&mut self, py: Python<'_>, engine: &Engine, wanted: usize) -> PyResult<Vec<Pair>> {
        let mut pairs = Vec::with_capacity(wanted);
        let mut last: Vec<u8> = Vec::new();
        let (what, mut failed) = (self.what, false);
        let mut walk = engine.walk(DB, self.range.bounds(), self.range.reverse);
        walk.next(wanted, engine.now_ms(), |entry| {
            let name = if what == What::Values { std::ptr::null_mut() } else { new_bytes(py, entry.key()) };
            let value = if what == What::Keys { std::ptr::null_mut() } else { new_string(py, entry) };
            failed |= (name.is_null() && what != What::Values) || (value.is_null() && what != What::Keys);
            last.clear();
            last.extend_from_slice(entry.key());
            pairs.push(Pair(name, value));
        });
        if failed {
            return Err(PyErr::fetch(py));
        }
        let seen = walk.seen();
        drop(walk);
        // What others have just written may wait for its sync, and then so does whoever reads it.
        let confirmed = if engine.waits_for(seen) { py.detach(|| engine.confirm(seen)) } else { engine.confirm(seen) };
        confirmed.map_err(|error| of_error(py, &error))?;
        if !pairs.is_empty() {
            self.range.pass(&last);
        }
        Ok(pairs)
    }
}

#[pymethods]
impl Scan {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            if let Some(pair) = self.ready.next() {
                return pair.into_object(py, self.what).map(Some);
            }
            if !self.fetch(py)? {
                return Ok(None);
            }
        }
    }
}

/// The string of an entry, or null with an exception set.
fn new_string(py: Python<'_>, entry: &EntryRef<'_>) -> *mut ffi::PyObject {
    match entry.value().as_string() {
        Some(string) => new_value(py, string),
        None => {
            of_fault(py, &Fault::wrong_type()).restore(py);
            std::ptr::null_mut()
        }
    }
}
