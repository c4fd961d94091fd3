//! Libraries of functions, as FUNCTION DUMP answers and FUNCTION RESTORE takes them.
//!
//! ```text
//! ( f5 | the library's text, a string ) for each library | version of the format: 2 | checksum: 8
//! ```

use crate::payload::{Refusal, body_of, framed};
use crate::source::Source;
use crate::string;

/// Before the text of a library.
const FUNCTION: u8 = 0xf5;
/// The first version that has it, so that every Redis with functions takes it.
const VERSION: u16 = 10;

/// The libraries with these texts, framed.
pub fn dump<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for text in texts {
        out.push(FUNCTION);
        string::put(&mut out, text);
    }
    framed(out, VERSION)
}

/// The texts in a payload.
pub fn restore(payload: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let (_, body) = body_of(payload)?;
    let mut source = Source::new(body);
    let mut texts = Vec::new();
    while !source.is_empty() {
        if source.byte().map_err(|_| Refusal::Kind)? != FUNCTION {
            return Err(Refusal::Kind);
        }
        texts.push(string::take(&mut source).map_err(|_| Refusal::Kind)?.into_owned());
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dumped_is_restored_and_damage_is_refused() {
        let texts = [b"#!lua name=a\n".to_vec(), vec![b'x'; 1000], Vec::new()];
        let payload = dump(texts.iter().map(Vec::as_slice));
        assert_eq!(restore(&payload), Ok(texts.to_vec()));
        assert_eq!(restore(&dump([].into_iter())), Ok(Vec::new()));
        for at in 0..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] ^= 4;
            assert_eq!(restore(&damaged), Err(Refusal::Frame));
        }
        assert_eq!(restore(&framed(vec![0, 1, 2], VERSION)), Err(Refusal::Kind));
        assert_eq!(restore(&framed(vec![FUNCTION, 40], VERSION)), Err(Refusal::Kind));
    }
}
