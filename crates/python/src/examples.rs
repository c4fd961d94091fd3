//! The examples of the commands' manual, for the tests that run them through every door.

use kvark_engine::examples;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What is typed (the name first), and the answer as `redis-cli` shows it; three dots in it stand for anything.
type Step<'py> = (Vec<Bound<'py, PyBytes>>, String);

/// The commands that have an example, with its steps.
#[pyfunction(name = "examples")]
pub(crate) fn all(py: Python<'_>) -> Vec<(&'static str, Vec<Step<'_>>)> {
    let typed = |request: &[Vec<u8>]| request.iter().map(|arg| PyBytes::new(py, arg)).collect();
    let examples = examples::examples().into_iter();
    examples
        .map(|example| {
            (example.command, example.steps.into_iter().map(|step| (typed(&step.request), step.reply)).collect())
        })
        .collect()
}
