//! A reply kept as it was told, to be told again: to another client, later, in whichever version that one speaks.
//!
//! ```text
//! kind, one byte | number, eight bytes | as many bytes of text as the number says (of a text) |
//! ```

use crate::{ReplySink, Version};

/// Kinds from here on carry text.
const TEXTS: u8 = 0x80;
const STATUS: u8 = TEXTS;
const ERROR: u8 = TEXTS | 1;
const BULK: u8 = TEXTS | 2;
const FORMAT: u8 = TEXTS | 3;
const VERBATIM: u8 = TEXTS | 4;
const BIG_NUMBER: u8 = TEXTS | 5;
const INTEGER: u8 = 0;
const BULK_INTEGER: u8 = 1;
const NULL: u8 = 2;
const NULL_ARRAY: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const PAIRS: u8 = 6;
const PAIR: u8 = 7;
const KEYED: u8 = 8;
const KEYED_PAIR: u8 = 9;
const SET: u8 = 10;
const PUSH: u8 = 11;
const DOUBLE: u8 = 12;
const BOOLEAN: u8 = 13;
const SPEAK: u8 = 14;

/// What one step of a reply takes beside its text.
const STEP_LEN: usize = 9;

/// A reply, or several, kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording(Vec<u8>);

impl Recording {
    /// An empty one with room for so many steps and bytes of text.
    pub fn with_room(steps: usize, text_len: usize) -> Self {
        Self(Vec::with_capacity(steps * STEP_LEN + text_len))
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Tells `out` everything in order.
    pub fn play(&self, out: &mut dyn ReplySink) {
        let (mut rest, mut format) = (self.0.as_slice(), "txt");
        while let Some((head, behind)) = rest.split_first_chunk::<STEP_LEN>() {
            let [kind, number @ ..] = *head;
            let number = u64::from_le_bytes(number);
            let (text, behind) = behind.split_at(if kind >= TEXTS { number as usize } else { 0 });
            rest = behind;
            match kind {
                FORMAT => format = word(text),
                VERBATIM => out.verbatim(format, text),
                _ if kind >= TEXTS => play_text(kind, text, out),
                _ => play_number(kind, number, out),
            }
        }
    }

    fn number(&mut self, kind: u8, number: u64) {
        self.0.push(kind);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, kind: u8, text: &[u8]) {
        self.number(kind, text.len() as u64);
        self.0.extend_from_slice(text);
    }
}

/// A text that was a `str` when it was recorded.
fn word(text: &[u8]) -> &str {
    std::str::from_utf8(text).expect("it was text")
}

fn play_text(kind: u8, text: &[u8], out: &mut dyn ReplySink) {
    match kind {
        STATUS => out.status(word(text)),
        ERROR => out.error(word(text)),
        BIG_NUMBER => out.big_number(word(text)),
        _ => out.bulk(text),
    }
}

fn play_number(kind: u8, number: u64, out: &mut dyn ReplySink) {
    let len = number as usize;
    match kind {
        INTEGER => out.integer(number as i64),
        BULK_INTEGER => out.bulk_integer(number as i64),
        NULL => out.null(),
        NULL_ARRAY => out.null_array(),
        ARRAY => out.array(len),
        MAP => out.map(len),
        PAIRS => out.pairs(len),
        PAIR => out.pair(),
        KEYED => out.keyed(len),
        KEYED_PAIR => out.keyed_pair(),
        SET => out.set(len),
        PUSH => out.push(len),
        DOUBLE => out.double(f64::from_bits(number)),
        BOOLEAN => out.boolean(number != 0),
        SPEAK => out.speak(if number == 3 { Version::Resp3 } else { Version::Resp2 }),
        _ => unreachable!("no step is of kind {kind}"),
    }
}

impl ReplySink for Recording {
    fn status(&mut self, text: &str) {
        self.text(STATUS, text.as_bytes());
    }
    fn error(&mut self, message: &str) {
        self.text(ERROR, message.as_bytes());
    }
    fn integer(&mut self, value: i64) {
        self.number(INTEGER, value as u64);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.text(BULK, bytes);
    }
    fn bulk_integer(&mut self, value: i64) {
        self.number(BULK_INTEGER, value as u64);
    }
    fn null(&mut self) {
        self.number(NULL, 0);
    }
    fn null_array(&mut self) {
        self.number(NULL_ARRAY, 0);
    }
    fn array(&mut self, len: usize) {
        self.number(ARRAY, len as u64);
    }
    fn map(&mut self, len: usize) {
        self.number(MAP, len as u64);
    }
    fn pairs(&mut self, len: usize) {
        self.number(PAIRS, len as u64);
    }
    fn pair(&mut self) {
        self.number(PAIR, 0);
    }
    fn keyed(&mut self, len: usize) {
        self.number(KEYED, len as u64);
    }
    fn keyed_pair(&mut self) {
        self.number(KEYED_PAIR, 0);
    }
    fn set(&mut self, len: usize) {
        self.number(SET, len as u64);
    }
    fn push(&mut self, len: usize) {
        self.number(PUSH, len as u64);
    }
    fn double(&mut self, value: f64) {
        self.number(DOUBLE, value.to_bits());
    }
    fn boolean(&mut self, value: bool) {
        self.number(BOOLEAN, u64::from(value));
    }
    fn verbatim(&mut self, format: &str, text: &[u8]) {
        self.text(FORMAT, format.as_bytes());
        self.text(VERBATIM, text);
    }
    fn big_number(&mut self, digits: &str) {
        self.text(BIG_NUMBER, digits.as_bytes());
    }
    fn speak(&mut self, version: Version) {
        self.number(SPEAK, version as u64);
    }
    fn len_bytes(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(out: &mut dyn ReplySink) {
        out.push(3);
        out.status("OK");
        out.error("ERR no");
        out.integer(-7);
        out.array(2);
        out.bulk(b"a\0\r\nb");
        out.bulk(b"");
        out.bulk_integer(i64::MIN);
        out.null();
        out.null_array();
        out.map(1);
        out.pairs(1);
        out.pair();
        out.keyed(1);
        out.keyed_pair();
        out.set(2);
        out.double(-0.5);
        out.boolean(true);
        out.boolean(false);
        out.verbatim("mkd", b"# text");
        out.verbatim("txt", b"more");
        out.big_number("12345678901234567890");
        out.speak(Version::Resp3);
        out.speak(Version::Resp2);
    }

    #[test]
    fn what_is_played_is_what_was_told() {
        let mut first = Recording::default();
        tell(&mut first);
        let mut second = Recording::default();
        first.play(&mut second);
        assert_eq!(second, first);
        assert_eq!(first.0[..STEP_LEN], [PUSH, 3, 0, 0, 0, 0, 0, 0, 0]);
    }
}
