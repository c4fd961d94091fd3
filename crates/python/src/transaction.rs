//! What a transaction of the embedded store asks of the engine: a look at a key, and the commit.
//!
//! The rest of it, what it has read and what it will write, is Python: `python/kvark/_transactions.py`.

use kvark_engine::{Change, Read};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::DB;
use crate::handle::Handle;

/// Version, value (`None` for another type) and deadline in milliseconds (0: none).
pub(crate) type Seen<'py> = (u64, Option<Bound<'py, PyBytes>>, u64);

/// What is at `name`.
pub(crate) fn look<'py>(handle: &Handle, py: Python<'py>, name: &[u8]) -> PyResult<Option<Seen<'py>>> {
    let seen = handle.run(py, |engine| engine.look(DB, name))?;
    Ok(seen.map(|seen| (seen.version, seen.value.map(|value| PyBytes::new(py, &value)), seen.expires_at)))
}

/// Commits; whether all that was read is still true.
pub(crate) fn commit(handle: &Handle, reads: &Bound<'_, PyList>, changes: &Bound<'_, PyList>) -> PyResult<bool> {
    let py = reads.py();
    let reads = reads.iter().map(|read| read.extract()).collect::<PyResult<Vec<(Bound<'_, PyBytes>, u64)>>>()?;
    let changes = changes
        .iter()
        .map(|change| change.extract())
        .collect::<PyResult<Vec<(Bound<'_, PyBytes>, Option<Bound<'_, PyBytes>>, u64)>>>()?;
    let reads: Vec<Read<'_>> = reads.iter().map(|(name, version)| (name.as_bytes(), *version)).collect();
    let changes: Vec<Change<'_>> = changes
        .iter()
        .map(|(name, value, expires_at)| (name.as_bytes(), value.as_ref().map(|value| (value.as_bytes(), *expires_at))))
        .collect();
    handle.run(py, |engine| engine.commit(DB, &reads, &changes))
}
