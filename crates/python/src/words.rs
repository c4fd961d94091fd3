//! A command's arguments as the bytes of a request: what a client library's packer does, for arguments of the plain types.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString, PyTuple};

/// Appends the request of `args` to `out`. False, and nothing that counts, if the library has to pack them itself: a name of two words, a
/// memoryview, a subclass, a text that is no UTF-8, and what it refuses.
pub(crate) fn pack(args: &Bound<'_, PyTuple>, out: &mut Vec<u8>) -> PyResult<bool> {
    head(b'*', args.len(), out);
    for (index, arg) in args.iter().enumerate() {
        if let Ok(bytes) = arg.cast_exact::<PyBytes>() {
            if index == 0 && bytes.as_bytes().contains(&b' ') {
                return Ok(false);
            }
            word(bytes.as_bytes(), out);
        } else if let Ok(text) = arg.cast_exact::<PyString>() {
            let Ok(text) = text.to_str() else { return Ok(false) };
            if index == 0 && text.contains(' ') {
                return Ok(false);
            }
            word(text.as_bytes(), out);
        } else if arg.is_exact_instance_of::<PyInt>() || arg.is_exact_instance_of::<PyFloat>() {
            word(arg.repr()?.to_str()?.as_bytes(), out);
        } else {
            return Ok(false);
        }
    }
    Ok(args.len() > 0)
}

fn head(kind: u8, len: usize, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), len);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(kind);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

fn word(bytes: &[u8], out: &mut Vec<u8>) {
    head(b'$', bytes.len(), out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}
