//! The store's calls for one key at a time, and the door to the others.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use kvark_call::Settings;
use kvark_engine::{Condition, Engine, Expiry, OpenOptions, SetOptions, SetOutcome};
use kvark_server::Pipes;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyTuple};

use crate::DB;
use crate::batch;
use crate::bytes::{key as name_of, value as value_of};
use crate::errors::of_error;
use crate::execute::{Helpers, OwnClient};
use crate::handle::Handle;
use crate::scan::{Range, Scan, What};
use crate::settings;
use crate::transaction;
use crate::ttl::{deadline, remaining};

/// An open store; `kvark.Store` adds what a mapping has.
#[pyclass(frozen, subclass, module = "kvark._native")]
pub(crate) struct Store {
    handle: Handle,
    path: Option<PathBuf>,
    durability: &'static str,
    own_client: OwnClient,
    helpers: Helpers,
    pipes: OnceLock<Arc<Pipes>>,
}

impl Store {
    #[inline]
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The store's pipes, of which there is one set.
    pub(crate) fn pipes(&self, engine: &Engine) -> &Arc<Pipes> {
        self.pipes.get_or_init(|| Pipes::new(engine))
    }

    #[inline]
    fn put(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, options: &SetOptions<'_>) -> PyResult<SetOutcome> {
        let (name, value) = (name_of(key)?, value_of(value)?);
        let bytes: &[u8] = &value;
        self.handle.run(key.py(), |engine| engine.set(DB, name, bytes, options))
    }

    fn now_ms(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.handle.attached(py)?.now_ms())
    }

    /// When `key` expires; raises `KeyError` for a missing one.
    fn deadline(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        let name = name_of(key)?;
        let found = self.handle.run(key.py(), |engine| engine.deadline(DB, name))?;
        found.ok_or_else(|| missing(key))
    }
}

/// `KeyError`, as a `dict` raises it.
#[cold]
fn missing(key: &Bound<'_, PyAny>) -> PyErr {
    PyKeyError::new_err(key.clone().unbind())
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (path, settings, /))]
    fn new(py: Python<'_>, path: Option<PathBuf>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let checked = Settings::default();
        settings::apply(&checked, settings)?;
        let mut options = OpenOptions::from_settings(&checked).map_err(|error| of_error(py, &error))?;
        options.dir.clone_from(&path);
        let durability = options.durability.name();
        let engine = py.detach(|| Engine::open(&options, checked)).map_err(|error| of_error(py, &error))?;
        Ok(Self {
            handle: Handle::new(engine),
            path,
            durability,
            own_client: OwnClient::default(),
            helpers: Helpers::default(),
            pipes: OnceLock::new(),
        })
    }

    /// The directory, `None` for a store in memory.
    #[getter]
    fn path(&self) -> Option<String> {
        self.path.as_ref().map(|path| path.to_string_lossy().into_owned())
    }

    /// What a write survives once it has returned: `memory` nothing, `os` a killed process, `disk` a loss of power.
    #[getter]
    fn durability(&self) -> &'static str {
        self.durability
    }

    /// Whether the store was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// The value of `key`, or `default` when there is none.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.handle.find(key.py(), name_of(key)?)?.or(default))
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.find(key.py(), name_of(key)?)?.ok_or_else(|| missing(key))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name = name_of(key)?;
        self.handle.run(key.py(), |engine| engine.exists(DB, name))
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put(key, value, &SetOptions::default()).map(drop)
    }

    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.delete(key)? { Ok(()) } else { Err(missing(key)) }
    }

    /// Sets `key` to `value`; whether it was set. A plain set ends an earlier ttl.
    ///
    /// `ttl`: seconds (int, float) or a timedelta until the key expires. `keep_ttl`: the earlier ttl stays. `nx`: only
    /// when the key is missing. `xx`: only when it is there. `get`: returns the value before, or None, instead.
    #[pyo3(signature = (key, value, /, *, ttl = None, nx = false, xx = false, keep_ttl = false, get = false))]
    #[allow(clippy::too_many_arguments)]
    fn set<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        ttl: Option<&Bound<'py, PyAny>>,
        nx: bool,
        xx: bool,
        keep_ttl: bool,
        get: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = key.py();
        let condition = match (nx, xx) {
            (false, false) => Condition::Always,
            (true, false) => Condition::IfMissing,
            (false, true) => Condition::IfPresent,
            (true, true) => {
                return Err(PyValueError::new_err("nx (only if missing) and xx (only if there) exclude each other"));
            }
        };
        let expiry = match (ttl, keep_ttl) {
            (None, false) => Expiry::Clear,
            (None, true) => Expiry::Keep,
            (Some(ttl), false) => Expiry::At(deadline(ttl, self.now_ms(py)?)?),
            (Some(_), true) => return Err(PyValueError::new_err("ttl and keep_ttl exclude each other")),
        };
        let outcome = self.put(key, value, &SetOptions { condition, expiry, return_old: get })?;
        if get {
            return Ok(outcome.old.map(|old| PyBytes::new(py, &old).into_any()));
        }
        Ok(Some(PyBool::new(py, outcome.written).to_owned().into_any()))
    }

    /// Removes `key`; whether it was there.
    #[pyo3(signature = (key, /))]
    fn delete(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name = name_of(key)?;
        self.handle.run(key.py(), |engine| engine.delete(DB, name))
    }

    /// Removes `key` and returns the value it had, None when it was missing.
    #[pyo3(signature = (key, /))]
    fn _take<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let name = name_of(key)?;
        let taken = self.handle.run(key.py(), |engine| engine.take(DB, name))?;
        Ok(taken.map(|value| PyBytes::new(key.py(), &value)))
    }

    /// Adds `by` to the number at `key`, which counts as 0 when missing; returns the sum. The value is its decimal digits.
    #[pyo3(signature = (key, by = 1, /))]
    fn incr(&self, key: &Bound<'_, PyAny>, by: i64) -> PyResult<i64> {
        let name = name_of(key)?;
        self.handle.run(key.py(), |engine| engine.increment(DB, name, by))
    }

    /// The seconds until `key` expires, None for never. Raises KeyError for a missing key.
    #[pyo3(signature = (key, /))]
    fn ttl(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        let now_ms = self.now_ms(key.py())?;
        Ok(self.deadline(key)?.map(|deadline_ms| remaining(deadline_ms, now_ms)))
    }

    /// Makes `key` expire after `ttl` seconds (int, float) or a timedelta; whether it was there.
    #[pyo3(signature = (key, ttl, /))]
    fn expire(&self, key: &Bound<'_, PyAny>, ttl: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name = name_of(key)?;
        let deadline_ms = deadline(ttl, self.now_ms(key.py())?)?;
        self.handle.run(key.py(), |engine| engine.expire_at(DB, name, Some(deadline_ms)))
    }

    /// Makes `key` stay; whether it was there and had a ttl.
    #[pyo3(signature = (key, /))]
    fn persist(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let name = name_of(key)?;
        self.handle.run(key.py(), |engine| match engine.deadline(DB, name)? {
            Some(Some(_)) => engine.expire_at(DB, name, None),
            _ => Ok(false),
        })
    }

    /// What is at `key`: version, value (None for another type than a string) and deadline in milliseconds.
    #[pyo3(signature = (key, /))]
    fn _look<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<transaction::Seen<'py>>> {
        transaction::look(&self.handle, key.py(), name_of(key)?)
    }

    /// Makes all changes if every key is at the version that was read; whether it was so.
    #[pyo3(signature = (reads, changes, /))]
    fn _commit(&self, reads: &Bound<'_, PyList>, changes: &Bound<'_, PyList>) -> PyResult<bool> {
        transaction::commit(&self.handle, reads, changes)
    }

    /// The moment `ttl` from now on, in milliseconds.
    #[pyo3(signature = (ttl, /))]
    fn _deadline_ms(&self, ttl: &Bound<'_, PyAny>) -> PyResult<u64> {
        deadline(ttl, self.now_ms(ttl.py())?)
    }

    /// The store's clock.
    fn _now_ms(&self, py: Python<'_>) -> PyResult<u64> {
        self.now_ms(py)
    }

    /// The values of `keys` in their order, None for each that is missing.
    #[pyo3(signature = (keys, /))]
    fn get_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        batch::get_many(&self.handle, keys)
    }

    /// Sets every pair of a mapping, or of an iterable of pairs. A crash in the middle leaves whole groups of a few
    /// hundred pairs, in their order.
    #[pyo3(signature = (items, /, *, ttl = None))]
    fn set_many(&self, items: &Bound<'_, PyAny>, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        batch::set_many(&self.handle, items, ttl)
    }

    /// Removes every one of `keys`; how many were there.
    #[pyo3(signature = (keys, /))]
    fn delete_many(&self, keys: &Bound<'_, PyAny>) -> PyResult<u64> {
        batch::delete_many(&self.handle, keys)
    }

    /// An iterator over (key, value) in byte order of the keys: `start <= key < stop`, beginning with `prefix`, at most
    /// `limit`, from the end with `reverse`. The store may change meanwhile: a key that is there all the time is seen
    /// once, one that comes or goes may be seen or not.
    #[pyo3(signature = (*, prefix = None, start = None, stop = None, reverse = false, limit = None))]
    fn scan(
        slf: Bound<'_, Self>,
        prefix: Option<&Bound<'_, PyAny>>,
        start: Option<&Bound<'_, PyAny>>,
        stop: Option<&Bound<'_, PyAny>>,
        reverse: bool,
        limit: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Scan> {
        slf.get().handle.attached(slf.py())?;
        let limit = match limit.map(|limit| limit.extract::<i64>()).transpose()? {
            Some(limit) => Some(usize::try_from(limit).map_err(|_| PyValueError::new_err("a limit is 0 or more"))?),
            None => None,
        };
        Ok(Scan::new(slf.unbind(), What::Items, Range::new(prefix, start, stop, reverse)?, limit))
    }

    fn __iter__(slf: Bound<'_, Self>) -> PyResult<Scan> {
        Self::_walk(slf, "keys", false)
    }

    fn __reversed__(slf: Bound<'_, Self>) -> PyResult<Scan> {
        Self::_walk(slf, "keys", true)
    }

    /// An iterator over all `keys`, `values` or `items`.
    #[pyo3(signature = (what, reverse, /))]
    fn _walk(slf: Bound<'_, Self>, what: &str, reverse: bool) -> PyResult<Scan> {
        slf.get().handle.attached(slf.py())?;
        let what = match what {
            "keys" => What::Keys,
            "values" => What::Values,
            _ => What::Items,
        };
        Ok(Scan::new(slf.unbind(), what, Range::everything(reverse), None))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.handle.attached(py)?.len(DB) as usize)
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.__len__(py)? > 0)
    }

    /// Whether some write waits for the disk at this moment, so that a read may have to wait too.
    #[getter]
    fn _pending(&self, py: Python<'_>) -> PyResult<bool> {
        let engine = self.handle.attached(py)?;
        Ok(engine.keyspace().log().last() > engine.synced())
    }

    /// Executes any command of the server, as one client of it would: `db.execute("SETRANGE", "k", 6, b"text")`.
    ///
    /// Arguments are str (as UTF-8), bytes, int or float. Replies are those of RESP3: a status comes back as str, bytes as
    /// bytes, a map as dict, sets and arrays as list, a double as float, nothing as None. What a command refuses is a ReplyError. SELECT and the like hold for later
    /// calls of `execute`, not for the other calls, which stay with database 0.
    #[pyo3(signature = (*args))]
    fn execute<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        if args.is_empty() {
            return Err(PyTypeError::new_err("execute() takes a command and its arguments"));
        }
        self.own_client.execute(&self.handle, args)
    }

    /// Executes a word of the collection objects in database 0. A refusal is raised as by the other calls.
    #[pyo3(signature = (*args))]
    fn _ask<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.helpers.execute(&self.handle, args)
    }

    /// Sends `data` to everybody who listens to `channel`, in this process and over the wire; how often it was told. Nothing
    /// is kept: who listens later is not told.
    #[pyo3(signature = (channel, data, /))]
    fn publish(&self, channel: &Bound<'_, PyAny>, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let world = self.handle.attached(channel.py())?.world();
        Ok(world.channels.publish(name_of(channel)?, &value_of(data)?, &world.settings))
    }

    /// Removes every key.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.handle.run_long(py, true, |engine| engine.clear(DB))
    }

    /// Writes to the tier what is in the log only, so that the next opening has less to replay. Happens by itself too.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.handle.shared(py)?;
        py.detach(move || engine.checkpoint()).map_err(|error| of_error(py, &error))
    }

    /// What the store tells of itself: section -> name -> value.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let engine = self.handle.shared(py)?;
        let sheet = py.detach(move || engine.world().facts());
        let sections = PyDict::new(py);
        for (section, lines) in sheet.sections() {
            let facts = PyDict::new(py);
            for (name, value) in lines {
                match value.parse::<i64>() {
                    Ok(number) => facts.set_item(name, number)?,
                    Err(_) => facts.set_item(name, value)?,
                }
            }
            sections.set_item(section, facts)?;
        }
        Ok(sections)
    }

    /// Closes the store; closing again does nothing. In a forked child nothing happens to the store.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.handle.close(py)
    }
}
