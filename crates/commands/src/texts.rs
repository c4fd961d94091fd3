//! Byte strings to be answered, in one piece of memory: for what is gone, or no longer held, when the answer is written.

use kvark_call::ReplySink;
use kvark_values::{IntBuffer, StringRef};

/// See the module.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds one.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Answers an array of all.
    pub fn answer(&self, out: &mut dyn ReplySink) {
        out.array(self.ends.len());
        let mut start = 0;
        for &end in &self.ends {
            out.bulk(&self.bytes[start..end]);
            start = end;
        }
    }
}

impl<'a> FromIterator<StringRef<'a>> for Texts {
    fn from_iter<I: IntoIterator<Item = StringRef<'a>>>(strings: I) -> Self {
        let mut texts = Self::default();
        strings.into_iter().for_each(|string| texts.push(string.text(&mut IntBuffer::new())));
        texts
    }
}
