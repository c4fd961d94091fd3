//! What is raised: the tree that `kvark/_errors.py` draws.

use kvark_base::{Error, Kind};
use kvark_call::Fault;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The Python class called `name` in `kvark._errors`, saying `message`.
pub(crate) fn raise(py: Python<'_>, name: &str, message: &str) -> PyErr {
    let class = py.import("kvark._errors").and_then(|module| module.getattr(name));
    match class.and_then(|class| class.cast_into::<PyType>().map_err(PyErr::from)) {
        Ok(class) => PyErr::from_type(class, message.to_owned()),
        Err(error) => error,
    }
}

/// A failure below the commands, as Python sees it.
#[cold]
pub(crate) fn of_error(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error.kind() {
        Kind::Invalid => "InvalidInput",
        Kind::Busy => "StoreLocked",
        Kind::NoSpace => "DiskFull",
        Kind::Io => "StoreIOError",
        Kind::Corrupt => "StoreCorrupt",
        Kind::Poisoned | Kind::Fenced => "StorePoisoned",
        Kind::Closed => "StoreClosed",
        Kind::Forked => "ForkedStore",
        Kind::Unsupported => "Unsupported",
    };
    raise(py, class, error.message())
}

/// A refusal in a client's words, as Python sees it: the code chooses the class and is left out of the sentence.
#[cold]
pub(crate) fn of_fault(py: Python<'_>, fault: &Fault) -> PyErr {
    let (code, sentence) = fault.message().split_once(' ').unwrap_or(("ERR", fault.message()));
    let class = match code {
        "NOSPACE" => "DiskFull",
        "IOERR" => "StoreIOError",
        "MISCONF" => "StorePoisoned",
        "BUSY" => "StoreBusy",
        "WRONGTYPE" => "WrongType",
        _ => "InvalidInput",
    };
    raise(py, class, sentence)
}

/// The error that a command answered: what befell the store as anywhere else, else `ReplyError` with the whole message.
#[cold]
pub(crate) fn of_reply(py: Python<'_>, message: &str) -> PyErr {
    match message.split_once(' ').map_or("", |(code, _)| code) {
        "NOSPACE" | "IOERR" | "MISCONF" | "BUSY" | "WRONGTYPE" => of_fault(py, &Fault::new(message.to_owned())),
        _ => raise(py, "ReplyError", message),
    }
}

/// `TypeError`: an argument is of a Python type that does not fit.
#[cold]
pub(crate) fn wrong_argument(rule: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let name = found.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(rule.replace("{}", &name))
}
