//! What DUMP answers and RESTORE takes: one value, framed.
//!
//! ```text
//! kind: 1 | the value | version of the format: 2, little-endian | checksum of all before: 8, little-endian
//! ```
//!
//! The string "hi" is `00 026869 0900` and a checksum.
use kvark_base::Result;
use kvark_values::Type;

use crate::checksum::crc64;
use crate::kinds;
use crate::part::Part;
use crate::read;
use crate::source::nonsense;

const VERSION_LEN: usize = 2;
const CHECKSUM_LEN: usize = 8;
/// The latest version of Redis' format that is read.
const LATEST: u16 = 12;

/// A value in Redis' format, framed by version and checksum, both of which were looked at.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    kind: u8,
    of_type: Type,
    version: u16,
    value: &'a [u8],
}

/// Why a payload was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its version is not known, or its checksum is wrong.
    Frame,
    /// It holds no type that is known.
    Kind,
}

impl<'a> Payload<'a> {
    /// Looks at the frame.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (version, value) = body_of(bytes)?;
        let (&kind, value) = value.split_first().ok_or(Refusal::Kind)?;
        let of_type = kinds::type_of(kind).ok_or(Refusal::Kind)?;
        Ok(Self { kind, of_type, version, value })
    }

    /// The type of the value.
    pub fn of_type(&self) -> Type {
        self.of_type
    }

    /// Hands over every part of the value, in order. What follows the value is ignored, as in Redis.
    pub fn read(&self, each: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        let mut parts = 0u64;
        read::value(self.kind, self.version, self.value, &mut |part| {
            parts += 1;
            each(part)
        })?;
        if parts == 0 { Err(nonsense("the value is empty")) } else { Ok(()) }
    }
}

/// What stands in the frame, and its version.
pub(crate) fn body_of(bytes: &[u8]) -> Result<(u16, &[u8]), Refusal> {
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(Refusal::Frame)?;
    let (value, version) = body.split_last_chunk::<VERSION_LEN>().ok_or(Refusal::Frame)?;
    let version = u16::from_le_bytes(*version);
    if !is_known(version) || crc64(body) != u64::from_le_bytes(*checksum) {
        return Err(Refusal::Frame);
    }
    Ok((version, value))
}

fn is_known(version: u16) -> bool {
    (1..=LATEST).contains(&version) || version == kinds::VALKEY
}

/// Frames a value whose first byte is its kind.
pub fn framed(mut value: Vec<u8>, version: u16) -> Vec<u8> {
    value.extend_from_slice(&version.to_le_bytes());
    let checksum = crc64(&value);
    value.extend_from_slice(&checksum.to_le_bytes());
    value
}
