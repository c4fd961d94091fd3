//! How long a key lives: seconds as a number, or a `timedelta`.

use std::time::Duration;

use kvark_base::Millis;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use crate::errors::wrong_argument;

/// Three thousand years: beyond it a deadline means a mistake in the unit.
const MAX_SECONDS: f64 = 1e11;

/// The moment `ttl` from `now_ms` on.
pub(crate) fn deadline(ttl: &Bound<'_, PyAny>, now_ms: Millis) -> PyResult<Millis> {
    let seconds = seconds(ttl)?;
    if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
        let message =
            format!("a ttl lies above 0 and up to {MAX_SECONDS:e} seconds, not {seconds}; delete() removes at once");
        return Err(PyValueError::new_err(message));
    }
    // A deadline never comes early, and never at once.
    Ok(now_ms + (seconds * 1000.0).ceil() as Millis)
}

fn seconds(ttl: &Bound<'_, PyAny>) -> PyResult<f64> {
    if ttl.is_instance_of::<PyFloat>() || ttl.is_instance_of::<PyInt>() {
        return ttl.extract();
    }
    if !ttl.hasattr("total_seconds")? {
        return Err(wrong_argument("a ttl is seconds as int or float, or a datetime.timedelta, not {}", ttl));
    }
    ttl.call_method0("total_seconds")?.extract()
}

/// The seconds from `now_ms` to `deadline_ms`, zero when that has passed.
pub(crate) fn remaining(deadline_ms: Millis, now_ms: Millis) -> f64 {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms)).as_secs_f64()
}
