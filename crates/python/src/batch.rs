//! Many keys at a time.
//!
//! Invariant: what a detached batch borrows is kept alive by references of its own, and is `bytes` or `str`, which
//! never change.

use kvark_engine::Engine;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::DB;
use crate::bytes::{key, value};
use crate::handle::Handle;
use crate::ttl::deadline;

/// Above this many keys a batch detaches, since other threads would wait long for it.
const LONG: usize = 128;
/// Keys of which the cache is asked for ahead of time.
const WINDOW: usize = 64;

/// Items of a list of which the cache is asked for ahead of time.
const AHEAD: usize = 8;

/// The values of `keys`, `None` for each that is missing.
pub(crate) fn get_many<'py>(handle: &Handle, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let py = keys.py();
    let keys = keys.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let names = keys.iter().map(key).collect::<PyResult<Vec<_>>>()?;
    let mut found: Vec<Bound<'py, PyAny>> = Vec::with_capacity(names.len());
    for window in names.chunks(WINDOW) {
        look_ahead(handle.attached(py)?, window);
        for name in window {
            found.push(handle.find(py, name)?.unwrap_or_else(|| py.None().into_bound(py)));
        }
    }
    PyList::new(py, found)
}

/// Asks the cache for what the keys of one window will touch.
fn look_ahead(engine: &Engine, names: &[&[u8]]) {
    let prefetch = engine.keyspace().prefetch();
    let keys: Vec<_> = names.iter().map(|name| engine.keyspace().key(name)).collect();
    keys.iter().for_each(|key| prefetch.bucket(DB, key));
    keys.iter().for_each(|key| prefetch.entries(DB, key));
}

/// Sets every pair of a mapping, or of an iterable of pairs.
pub(crate) fn set_many(handle: &Handle, items: &Bound<'_, PyAny>, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let py = items.py();
    let pairs = pairs_of(items)?;
    let borrowed =
        pairs.iter().map(|(name, value)| Ok((key(name)?, value.as_bytes()))).collect::<PyResult<Vec<_>>>()?;
    let now_ms = handle.attached(py)?.now_ms();
    let expires_at = ttl.map_or(Ok(0), |ttl| deadline(ttl, now_ms))?;
    handle.run_long(py, borrowed.len() > LONG, |engine| engine.set_many(DB, &borrowed, expires_at))
}

type Pairs<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyBytes>)>;

fn pairs_of<'py>(items: &Bound<'py, PyAny>) -> PyResult<Pairs<'py>> {
    if let Ok(items) = items.cast_exact::<PyDict>() {
        return items.iter().map(|(name, object)| pair(name, &object)).collect();
    }
    if let Ok(list) = items.cast_exact::<PyList>() {
        return pairs_of_list(list);
    }
    let is_mapping = items.hasattr("keys")?;
    let items = if is_mapping { items.call_method0("items")? } else { items.clone() };
    items.try_iter()?.map(|item| pair_of(&item?)).collect()
}

fn pair_of<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyBytes>)> {
    let (name, object): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
    pair(name, &object)
}

/// The pairs of a list. Pair, key and value are three objects anywhere in memory: the cache is asked for the pair some
/// steps ahead, and for what it holds once that has arrived.
fn pairs_of_list<'py>(list: &Bound<'py, PyList>) -> PyResult<Pairs<'py>> {
    let mut pairs = Vec::with_capacity(list.len());
    for index in 0..list.len() {
        ask_for(item_at(list, index + 2 * AHEAD));
        ask_for_members(item_at(list, index + AHEAD));
        pairs.push(pair_of(&list.get_item(index)?)?);
    }
    Ok(pairs)
}

/// The address of an item, which is not looked at; null behind the list's end.
fn item_at(list: &Bound<'_, PyList>, index: usize) -> *mut ffi::PyObject {
    if index >= list.len() {
        return std::ptr::null_mut();
    }
    // SAFETY: attached, a list, and within it; the borrowed reference is used before anything runs that could change the list.
    unsafe { ffi::PyList_GetItem(list.as_ptr(), index as ffi::Py_ssize_t) }
}

fn ask_for_members(item: *mut ffi::PyObject) {
    // SAFETY: attached; an item of a list that nobody has changed since it was read is alive, a tuple was seen to be one.
    unsafe {
        if !item.is_null() && ffi::PyTuple_CheckExact(item) != 0 && ffi::PyTuple_Size(item) == 2 {
            ask_for(ffi::PyTuple_GetItem(item, 0));
            ask_for(ffi::PyTuple_GetItem(item, 1));
        }
    }
}

/// Asks the cache for an object of up to two lines; any address is allowed.
fn ask_for(object: *mut ffi::PyObject) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(object.cast(), _MM_HINT_T0);
        _mm_prefetch(object.cast::<i8>().wrapping_add(64), _MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = object;
}

fn pair<'py>(
    name: Bound<'py, PyAny>,
    object: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyBytes>)> {
    Ok((name, value(object)?.into_owner()))
}

/// Removes every one of `keys`; how many were there.
pub(crate) fn delete_many(handle: &Handle, keys: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = keys.py();
    let keys = keys.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let names = keys.iter().map(key).collect::<PyResult<Vec<_>>>()?;
    handle.run_long(py, names.len() > LONG, |engine| engine.delete_many(DB, &names))
}
