//! Replies to bytes, in the version that the client speaks.
//!
//! ```text
//!            RESP2                      RESP3
//! status     +OK\r\n                    the same
//! error      -ERR syntax error\r\n      the same
//! integer    :7\r\n                     the same
//! bulk       $5\r\nvalue\r\n            the same
//! null       $-1\r\n, or *-1\r\n        _\r\n
//! array      *2\r\n                     the same
//! map        *4\r\n                     %2\r\n
//! pairs      *4\r\n                     *2\r\n, *2\r\n before each
//! set, push  *2\r\n                     ~2\r\n, >2\r\n
//! double     $3\r\n1.5\r\n              ,1.5\r\n
//! boolean    :1\r\n                     #t\r\n
//! big number $2\r\n12\r\n              (12\r\n
//! verbatim   $4\r\ntext\r\n             =8\r\ntxt:text\r\n
//! ```
//!
//! Invariant: a reply never holds a line end that its text brought along.

use kvark_base::double;
use kvark_call::{ReplySink, Version};

/// Writes replies behind what a buffer holds.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    version: &'a mut Version,
}

impl<'a> Encoder<'a> {
    /// A sink that appends to `out` and keeps the client's choice in `version`.
    pub fn new(out: &'a mut Vec<u8>, version: &'a mut Version) -> Self {
        Self { out, version }
    }

    fn is_resp3(&self) -> bool {
        *self.version == Version::Resp3
    }

    /// `<kind><value>\r\n`.
    #[inline]
    fn head(&mut self, kind: u8, value: usize) {
        if value < 10 {
            return self.out.extend_from_slice(&[kind, b'0' + value as u8, b'\r', b'\n']);
        }
        self.head_of_many(kind, value);
    }

    #[inline]
    fn head_of_many(&mut self, kind: u8, value: usize) {
        if value < 100 {
            let (tens, ones) = ((value / 10) as u8, (value % 10) as u8);
            return self.out.extend_from_slice(&[kind, b'0' + tens, b'0' + ones, b'\r', b'\n']);
        }
        self.line(kind, itoa::Buffer::new().format(value).as_bytes());
    }

    /// `<kind><text>\r\n`.
    #[inline]
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(kind);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// `<kind><text>\r\n` for a text that may hold line ends.
    fn one_line(&mut self, kind: u8, text: &[u8]) {
        let start = self.out.len() + 1;
        self.line(kind, text);
        let end = self.out.len() - 2;
        self.out[start..end].iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    }

    /// The header of many replies: `kind` in RESP3, an array of `flat` in RESP2.
    fn many(&mut self, kind: u8, len: usize, flat: usize) {
        if self.is_resp3() { self.head(kind, len) } else { self.head(b'*', flat) }
    }
}

impl ReplySink for Encoder<'_> {
    #[inline]
    fn status(&mut self, text: &str) {
        if text == "OK" {
            return self.out.extend_from_slice(b"+OK\r\n");
        }
        self.one_line(b'+', text.as_bytes());
    }

    fn error(&mut self, message: &str) {
        self.one_line(b'-', message.trim_end_matches(['\r', '\n']).as_bytes());
    }

    #[inline]
    fn integer(&mut self, value: i64) {
        match usize::try_from(value) {
            Ok(value) => self.head(b':', value),
            Err(_) => self.line(b':', itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    #[inline]
    fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 24);
        self.head(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    #[inline]
    fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline]
    fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    #[inline]
    fn array(&mut self, len: usize) {
        self.head(b'*', len);
    }

    fn map(&mut self, len: usize) {
        self.many(b'%', len, len * 2);
    }

    fn pairs(&mut self, len: usize) {
        self.many(b'*', len, len * 2);
    }

    #[inline]
    fn pair(&mut self) {
        if self.is_resp3() {
            self.array(2);
        }
    }

    #[inline]
    fn keyed(&mut self, len: usize) {
        self.many(b'%', len, len);
    }

    #[inline]
    fn keyed_pair(&mut self) {
        if !self.is_resp3() {
            self.array(2);
        }
    }

    fn set(&mut self, len: usize) {
        self.many(b'~', len, len);
    }

    fn push(&mut self, len: usize) {
        self.many(b'>', len, len);
    }

    fn double(&mut self, value: f64) {
        let text = double::Text::new(value);
        if self.is_resp3() { self.line(b',', text.as_bytes()) } else { self.bulk(text.as_bytes()) }
    }

    fn boolean(&mut self, value: bool) {
        match (self.is_resp3(), value) {
            (true, true) => self.out.extend_from_slice(b"#t\r\n"),
            (true, false) => self.out.extend_from_slice(b"#f\r\n"),
            (false, value) => self.integer(i64::from(value)),
        }
    }

    fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.is_resp3() {
            return self.bulk(text);
        }
        self.head(b'=', text.len() + 4);
        let mut prefix = *b"   :";
        prefix.iter_mut().take(3).zip(format.bytes()).for_each(|(place, byte)| *place = byte);
        self.out.extend_from_slice(&prefix);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    fn big_number(&mut self, digits: &str) {
        if self.is_resp3() { self.one_line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    #[inline]
    fn len_bytes(&self) -> usize {
        self.out.len()
    }

    fn speak(&mut self, version: Version) {
        *self.version = version;
    }
}
