//! Zipmaps: small hashes before Redis 2.6. They are read, never written.
//!
//! ```text
//! fields: 1 (254 and above: count them) | field | value ... | ff
//!
//! field: length (1, or fe and 4 bytes little-endian), bytes
//! value: length, unused: 1, bytes, so many unused bytes
//! ```

use kvark_base::Result;

use crate::source::{Source, nonsense};

const END: u8 = 0xff;
const LONG: u8 = 0xfe;

/// Hands over every field and its value.
pub fn each(bytes: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
    let mut source = Source::new(bytes);
    let (claimed, mut seen) = (source.byte()?, 0);
    while source.peek()? != END {
        let len = take_length(&mut source)?;
        let field = source.take_claimed(len)?;
        let len = take_length(&mut source)?;
        let unused = source.byte()?;
        let value = source.take_claimed(len)?;
        source.take(unused.into())?;
        each(field, value)?;
        seen += 1;
    }
    if source.len() != 1 || (claimed < LONG && seen != u64::from(claimed)) {
        return Err(nonsense("a zipmap has another number of fields than it says"));
    }
    Ok(())
}

fn take_length(source: &mut Source<'_>) -> Result<u64> {
    match source.byte()? {
        LONG => source.unsigned_le(4),
        END => Err(nonsense("a zipmap ends within a field")),
        short => Ok(short.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut fields = Vec::new();
        each(bytes, |field, value| {
            fields.push((field.to_vec(), value.to_vec()));
            Ok(())
        })?;
        Ok(fields)
    }

    #[test]
    fn fields_and_values_are_read_without_what_is_unused() {
        let fields = vec![(b"foo".to_vec(), b"bar".to_vec()), (b"".to_vec(), b"world".to_vec())];
        assert_eq!(read(b"\x02\x03foo\x03\x00bar\x00\xfe\x05\0\0\0\x02world??\xff"), Ok(fields));
    }

    #[test]
    fn what_is_no_zipmap_is_refused() {
        let damaged: [&[u8]; 5] =
            [b"", b"\x01\xff", b"\x01\x01f\xff", b"\x01\x01f\x01\x05v\xff", b"\x01\x01f\x01\x00v\xff\xff"];
        for bytes in damaged {
            assert!(read(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
