//! Intsets: sets of integers, since Redis 2.2.
//!
//! ```text
//! width: 4, little-endian (2, 4 or 8) | members: 4 | member, with sign, little-endian, in order ...
//! ```

use kvark_base::Result;

use crate::source::{Source, nonsense};

/// Hands over every member.
pub fn each(bytes: &[u8], mut each: impl FnMut(i64) -> Result<()>) -> Result<()> {
    let mut source = Source::new(bytes);
    let (width, members) = (source.unsigned_le(4)?, source.unsigned_le(4)?);
    if !matches!(width, 2 | 4 | 8) || members.saturating_mul(width) != source.len() as u64 {
        return Err(nonsense("an intset has another length than it says"));
    }
    let mut before = None;
    while !source.is_empty() {
        let member = source.signed_le(width as usize)?;
        if before.is_some_and(|before| before >= member) {
            return Err(nonsense("an intset is not in order"));
        }
        before = Some(member);
        each(member)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<i64>> {
        let mut members = Vec::new();
        each(bytes, |member| {
            members.push(member);
            Ok(())
        })?;
        Ok(members)
    }

    #[test]
    fn members_have_one_width() {
        assert_eq!(read(b"\x02\0\0\0\x02\0\0\0\xfe\xff\x2c\x01"), Ok(vec![-2, 300]));
        assert_eq!(read(b"\x04\0\0\0\x01\0\0\0\0\0\x01\0"), Ok(vec![65536]));
        assert_eq!(read(b"\x08\0\0\0\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f"), Ok(vec![i64::MAX]));
    }

    #[test]
    fn what_is_no_intset_is_refused() {
        let damaged: [&[u8]; 4] = [
            b"\x02\0\0\0\x02\0\0\0\x2c\x01\xfe\xff",
            b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0",
            b"\x02\0\0\0\x02\0\0\0\x01\0",
            b"\x03\0\0\0\x01\0\0\0\x01\0\0",
        ];
        for bytes in damaged {
            assert!(read(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
