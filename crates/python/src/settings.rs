//! The table of settings as Python reads it: flags, variables, files and keywords are made from it there.

use kvark_call::Settings;
use kvark_call::setting::{self, Kind, TABLE};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// One row.
#[pyclass(frozen, get_all, module = "kvark._native")]
pub(crate) struct Setting {
    name: &'static str,
    alias: Option<&'static str>,
    /// `text`, `secret`, `integer`, `memory`, `flag`, `choice`, `keyspace-events` or `output-limits`.
    kind: &'static str,
    choices: Vec<&'static str>,
    default: &'static str,
    mutable: bool,
    doc: &'static str,
}

#[pymethods]
impl Setting {
    fn __repr__(&self) -> String {
        format!("Setting({}={:?})", self.name, self.default)
    }
}

/// Every row, by name.
pub(crate) fn table(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let rows = TABLE.iter().map(|row| {
        let (kind, choices) = kind_of(row.kind);
        let (name, alias, default, mutable, doc) = (row.name, row.alias, row.default, row.mutable, row.doc);
        Bound::new(py, Setting { name, alias, kind, choices, default, mutable, doc })
    });
    PyTuple::new(py, rows.collect::<PyResult<Vec<_>>>()?)
}

fn kind_of(kind: Kind) -> (&'static str, Vec<&'static str>) {
    match kind {
        Kind::Text => ("text", vec![]),
        Kind::Secret => ("secret", vec![]),
        Kind::Integer(..) => ("integer", vec![]),
        Kind::Memory(..) => ("memory", vec![]),
        Kind::Flag => ("flag", vec!["yes", "no"]),
        Kind::Choice(words) => ("choice", words.to_vec()),
        Kind::KeyspaceEvents => ("keyspace-events", vec![]),
        Kind::OutputLimits => ("output-limits", vec![]),
        Kind::Percentiles => ("percentiles", vec![]),
    }
}

/// `value` in the form in which the setting `name` is kept. Raises `ValueError` for a name that has no row and a value
/// that does not pass its row's check.
#[pyfunction]
#[pyo3(signature = (name, value, /))]
pub(crate) fn check_setting(name: &str, value: &str) -> PyResult<String> {
    let row = setting::find(name).ok_or_else(|| PyValueError::new_err(format!("there is no setting '{name}'")))?;
    setting::normalize(&TABLE[row], value).map_err(PyValueError::new_err)
}

/// Sets every pair of `given`, whose values may be text or integers.
pub(crate) fn apply(settings: &Settings, given: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        settings
            .set(&name, &value.str()?.to_cow()?)
            .map_err(|sentence| PyValueError::new_err(format!("{name}: {sentence}")))?;
    }
    Ok(())
}
