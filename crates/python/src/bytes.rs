//! Keys and values as Python hands them over, and values as it gets them back.

use std::ops::Deref;

use kvark_engine::{IntBuffer, StringRef};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::wrong_argument;

/// The bytes of a key: those of a `bytes`, or a `str` in UTF-8 (which Python keeps, so nothing is encoded twice).
#[inline]
pub(crate) fn key<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    match object.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.as_bytes()),
        Err(_) => Err(wrong_argument("a key is str or bytes, not {}", object)),
    }
}

/// The bytes of a value: borrowed from a `bytes`, copied out of anything that may change meanwhile.
pub(crate) enum Value<'a, 'py> {
    Borrowed(&'a Bound<'py, PyBytes>),
    Copied(Bound<'py, PyBytes>),
}

impl Deref for Value<'_, '_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes.as_bytes(),
            Self::Copied(bytes) => bytes.as_bytes(),
        }
    }
}

impl<'py> Value<'_, 'py> {
    /// The object that keeps the bytes alive.
    pub(crate) fn into_owner(self) -> Bound<'py, PyBytes> {
        match self {
            Self::Borrowed(bytes) => bytes.clone(),
            Self::Copied(bytes) => bytes,
        }
    }
}

/// The value that `object` stands for: any object with a buffer, but no text, whose encoding is the caller's to choose.
#[inline]
pub(crate) fn value<'a, 'py>(object: &'a Bound<'py, PyAny>) -> PyResult<Value<'a, 'py>> {
    match object.cast::<PyBytes>() {
        Ok(bytes) => Ok(Value::Borrowed(bytes)),
        Err(_) => copied(object),
    }
}

#[cold]
fn copied<'a, 'py>(object: &Bound<'py, PyAny>) -> PyResult<Value<'a, 'py>> {
    if object.is_instance_of::<PyString>() {
        return Err(wrong_argument("a value is bytes, not {}: choose an encoding, as in value.encode()", object));
    }
    // SAFETY: `object` is alive, and the two calls take it borrowed.
    unsafe {
        if ffi::PyObject_CheckBuffer(object.as_ptr()) == 0 {
            let rule = "a value is bytes, bytearray or memoryview, not {}: encode it first, for example with json.dumps(value).encode()";
            return Err(wrong_argument(rule, object));
        }
        let bytes = Bound::from_owned_ptr_or_err(object.py(), ffi::PyBytes_FromObject(object.as_ptr()))?;
        Ok(Value::Copied(bytes.cast_into_unchecked()))
    }
}

/// A new `bytes` of `slice`, or null with an exception set. Runs no Python code, so a shard may be held.
#[inline]
pub(crate) fn new_bytes(_py: Python<'_>, slice: &[u8]) -> *mut ffi::PyObject {
    // SAFETY: attached, and the slice is readable for its length.
    unsafe { ffi::PyBytes_FromStringAndSize(slice.as_ptr().cast(), slice.len() as ffi::Py_ssize_t) }
}

/// As [`new_bytes`], of a stored value.
#[inline]
pub(crate) fn new_value(py: Python<'_>, value: StringRef<'_>) -> *mut ffi::PyObject {
    match value {
        StringRef::Bytes(bytes) => new_bytes(py, bytes),
        value => new_bytes(py, value.text(&mut IntBuffer::new())),
    }
}
