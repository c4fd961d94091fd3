//! What a client library makes of an answer's bytes: Python objects as redis-py's own parsers give them.
//!
//! A status and bytes are `bytes`, or `str` where the client decodes; a map is a `dict`, sets and arrays are `list`, nothing is `None`; a push is a
//! `tuple`, which nothing else is; an error is what the library makes of its text.
//!
//! Invariant: this runs Python code (the library's errors, the garbage collector), so nothing of ours is held meanwhile.

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyString, PyTuple};

/// How a client wants its replies.
pub(crate) struct Taste<'a, 'py> {
    /// The encoding of its texts and what to do with others, as C strings; nothing for bytes.
    pub decoding: Option<(&'a std::ffi::CStr, &'a std::ffi::CStr)>,
    /// Makes an exception of an error's text.
    pub error: &'a Bound<'py, PyAny>,
}

/// Reads replies from bytes that may not be whole.
pub(crate) struct Reader<'a, 'py> {
    py: Python<'py>,
    bytes: &'a [u8],
    at: usize,
    taste: &'a Taste<'a, 'py>,
}

/// Why there is no reply.
pub(crate) enum Stop {
    /// More bytes have to come first.
    Short,
    Failed(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Failed(error)
    }
}

impl<'a, 'py> Reader<'a, 'py> {
    pub fn new(py: Python<'py>, bytes: &'a [u8], taste: &'a Taste<'a, 'py>) -> Self {
        Self { py, bytes, at: 0, taste }
    }

    /// How many bytes were read.
    pub fn len(&self) -> usize {
        self.at
    }

    /// The next reply.
    pub fn reply(&mut self) -> Result<Bound<'py, PyAny>, Stop> {
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or_else(|| unknown(line))?;
        let py = self.py;
        Ok(match kind {
            b'+' => self.text(rest)?,
            b'-' => self.error(rest)?,
            b':' => number(rest)?.into_pyobject(py).map_err(PyErr::from)?.into_any(),
            b'$' if rest == b"-1" => py.None().into_bound(py),
            b'$' => {
                let bytes = self.bulk(rest)?;
                self.text(bytes)?
            }
            b'*' if rest == b"-1" => py.None().into_bound(py),
            b'*' | b'~' => PyList::new(py, self.replies(length(rest)?)?)?.into_any(),
            b'>' => PyTuple::new(py, self.replies(length(rest)?)?)?.into_any(),
            b'%' => self.map(length(rest)?)?,
            b'_' => py.None().into_bound(py),
            b'#' => PyBool::new(py, rest == b"t").to_owned().into_any(),
            // `inf`, `-inf` and `nan` are words that both understand.
            b',' => py.get_type::<PyFloat>().call1((PyBytes::new(py, rest),))?,
            b'=' => {
                let bytes = self.bulk(rest)?;
                self.text(bytes.get(4..).unwrap_or_default())?
            }
            b'!' => {
                let bytes = self.bulk(rest)?;
                self.error(bytes)?
            }
            b'(' => py.get_type::<pyo3::types::PyInt>().call1((PyBytes::new(py, rest),))?,
            _ => return Err(unknown(line)),
        })
    }

    fn replies(&mut self, len: usize) -> Result<Vec<Bound<'py, PyAny>>, Stop> {
        (0..len).map(|_| self.reply()).collect()
    }

    fn map(&mut self, len: usize) -> Result<Bound<'py, PyAny>, Stop> {
        let pairs = PyDict::new(self.py);
        for _ in 0..len {
            let (key, value) = (self.reply()?, self.reply()?);
            pairs.set_item(key, value)?;
        }
        Ok(pairs.into_any())
    }

    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let len = rest.windows(2).position(|end| end == b"\r\n").ok_or(Stop::Short)?;
        self.at += len + 2;
        Ok(&rest[..len])
    }

    fn bulk(&mut self, len: &[u8]) -> Result<&'a [u8], Stop> {
        let len = length(len)?;
        let bytes = self.bytes.get(self.at..self.at + len + 2).ok_or(Stop::Short)?;
        self.at += len + 2;
        Ok(&bytes[..len])
    }

    fn text(&self, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let Some((encoding, errors)) = self.taste.decoding else { return Ok(PyBytes::new(self.py, bytes).into_any()) };
        // SAFETY: the bytes are readable for their length, the names end with a zero, and the result is owned or an exception is set.
        unsafe {
            let (at, len) = (bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t);
            let text = ffi::PyUnicode_Decode(at, len, encoding.as_ptr(), errors.as_ptr());
            Bound::from_owned_ptr_or_err(self.py, text)
        }
    }

    fn error(&self, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        self.taste.error.call1((PyString::new(self.py, &String::from_utf8_lossy(text)),))
    }
}

fn number(text: &[u8]) -> Result<i64, Stop> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| unknown(b":"))
}

fn length(text: &[u8]) -> Result<usize, Stop> {
    number(text).and_then(|len| usize::try_from(len).map_err(|_| unknown(b"a length below zero")))
}

#[cold]
fn unknown(line: &[u8]) -> Stop {
    Stop::Failed(PyValueError::new_err(format!("no reply begins so: {:?}", String::from_utf8_lossy(line))))
}
