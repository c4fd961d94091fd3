//! What goes out, in the terms of RESP3; a sink writes the older form where its client speaks the older protocol.

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Version {
    /// RESP2.
    #[default]
    Resp2 = 2,
    /// RESP3.
    Resp3 = 3,
}

/// Where a command answers. A header (`array`, `map`, ...) is followed by exactly as many replies as it announced.
pub trait ReplySink {
    /// A short status such as `OK`; without line ends.
    fn status(&mut self, text: &str);
    /// A failure: a code in capitals, a blank, a sentence.
    fn error(&mut self, message: &str);
    /// An integer.
    fn integer(&mut self, value: i64);
    /// Bytes.
    fn bulk(&mut self, bytes: &[u8]);
    /// An integer as bytes (the value of a counter).
    fn bulk_integer(&mut self, value: i64);
    /// Nothing.
    fn null(&mut self);
    /// Nothing where a list was expected (RESP2 tells the two apart).
    fn null_array(&mut self);
    /// `len` replies follow.
    fn array(&mut self, len: usize);
    /// `len` pairs follow (RESP2: an array of twice as many).
    fn map(&mut self, len: usize);
    /// `len` pairs in order follow, each begun by [`ReplySink::pair`]: an array of arrays of two (RESP2: an array of twice as many).
    fn pairs(&mut self, len: usize) {
        self.array(len);
    }
    /// The two replies of one of the announced [`ReplySink::pairs`] follow (RESP2: nothing to be said).
    fn pair(&mut self) {
        self.array(2);
    }
    /// `len` pairs follow, each begun by [`ReplySink::keyed_pair`]: a map (RESP2: an array of arrays of two).
    fn keyed(&mut self, len: usize) {
        self.map(len);
    }
    /// The two replies of one of the announced [`ReplySink::keyed`] follow (RESP3: nothing to be said).
    fn keyed_pair(&mut self) {}
    /// `len` replies without order follow (RESP2: an array).
    fn set(&mut self, len: usize);
    /// `len` replies of an out-of-band message follow (RESP2: an array).
    fn push(&mut self, len: usize);
    /// A double (RESP2: bytes).
    fn double(&mut self, value: f64);
    /// True or false (RESP2: 1 or 0).
    fn boolean(&mut self, value: bool);
    /// Text with a three-letter format such as `txt` (RESP2: bytes).
    fn verbatim(&mut self, format: &str, text: &[u8]);
    /// A number of any length, by its digits (RESP2: bytes).
    fn big_number(&mut self, digits: &str) {
        self.bulk(digits.as_bytes());
    }
    /// From here on, speak `version`.
    fn speak(&mut self, version: Version);
    /// How long everything is that was answered into it so far, in bytes; 0 where nobody counts.
    fn len_bytes(&self) -> usize {
        0
    }
}
