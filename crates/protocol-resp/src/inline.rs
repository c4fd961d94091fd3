//! A request typed by hand: words between blanks, with quotes.
//!
//! `"..."` knows `\n \r \t \b \a \xHH` and a backslash before anything else stands for that byte; `'...'` knows `\'`. A
//! closing quote ends its word. Decoding only shortens, so words are decoded where they stand.

/// A quote that does not end, or that ends in the middle of a word.
#[derive(Debug, PartialEq, Eq)]
pub struct Unbalanced;

/// Tells `word` the place and length of every word of `line`, decoded in place.
pub fn split(line: &mut [u8], mut word: impl FnMut(usize, usize)) -> Result<(), Unbalanced> {
    let mut at = 0;
    loop {
        while line.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        if at == line.len() {
            return Ok(());
        }
        let mut reader = Word { line, at, first: at, len: 0 };
        reader.read()?;
        word(reader.first, reader.len);
        at = reader.at;
    }
}

/// What C's `isspace` accepts.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// A word that is being decoded: `len` bytes are done, from `first` on; the next raw byte is at `at`.
struct Word<'a> {
    line: &'a mut [u8],
    at: usize,
    first: usize,
    len: usize,
}

impl Word<'_> {
    fn read(&mut self) -> Result<(), Unbalanced> {
        while let Some(byte) = self.take() {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => break,
                b'"' => return self.read_double_quoted(),
                b'\'' => return self.read_single_quoted(),
                _ => self.put(byte),
            }
        }
        Ok(())
    }

    fn read_double_quoted(&mut self) -> Result<(), Unbalanced> {
        loop {
            match self.take().ok_or(Unbalanced)? {
                b'"' => return self.end_quote(),
                b'\\' => {
                    let byte = self.escape().ok_or(Unbalanced)?;
                    self.put(byte);
                }
                byte => self.put(byte),
            }
        }
    }

    fn read_single_quoted(&mut self) -> Result<(), Unbalanced> {
        loop {
            match self.take().ok_or(Unbalanced)? {
                b'\'' => return self.end_quote(),
                b'\\' if self.line.get(self.at) == Some(&b'\'') => {
                    self.at += 1;
                    self.put(b'\'');
                }
                byte => self.put(byte),
            }
        }
    }

    /// The byte that stands for what follows a backslash.
    fn escape(&mut self) -> Option<u8> {
        Some(match self.take()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            b'x' => match self.hex() {
                Some(byte) => {
                    self.at += 2;
                    byte
                }
                None => b'x',
            },
            other => other,
        })
    }

    /// The byte whose two hexadecimal digits come next.
    fn hex(&self) -> Option<u8> {
        let digit = |at: usize| self.line.get(at).and_then(|&byte| (byte as char).to_digit(16));
        Some((digit(self.at)? * 16 + digit(self.at + 1)?) as u8)
    }

    /// Behind a closing quote comes a blank or nothing.
    fn end_quote(&self) -> Result<(), Unbalanced> {
        match self.line.get(self.at) {
            Some(&byte) if !is_space(byte) => Err(Unbalanced),
            _ => Ok(()),
        }
    }

    fn take(&mut self) -> Option<u8> {
        let byte = *self.line.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn put(&mut self, byte: u8) {
        debug_assert!(self.first + self.len < self.at, "decoding overtakes what it reads");
        self.line[self.first + self.len] = byte;
        self.len += 1;
    }
}
