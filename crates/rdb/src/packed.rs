//! Many elements in one string: the packed forms that Redis keeps small values in, and writes as they are.

pub mod intset;
pub mod listpack;
pub mod ziplist;
pub mod zipmap;

use kvark_base::Result;

use crate::source::nonsense;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// The integer that it spells.
    Int(i64),
}

impl<'a> Item<'a> {
    /// Its bytes, which may have to be spelled into `buffer`.
    pub fn text<'t>(self, buffer: &'t mut itoa::Buffer) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(number) => buffer.format(number).as_bytes(),
        }
    }

    /// The integer it is. Some writers leave one as bytes, so those are looked at too.
    pub fn integer(self) -> Result<i64> {
        let spelled = |bytes| kvark_base::number::parse_i64(bytes).ok_or_else(|| nonsense("an element is no integer"));
        match self {
            Self::Bytes(bytes) => spelled(bytes),
            Self::Int(number) => Ok(number),
        }
    }

    /// The score it is.
    pub fn score(self) -> Result<f64> {
        match self {
            Self::Bytes(bytes) => score(bytes),
            Self::Int(number) => Ok(number as f64),
        }
    }
}

/// A score that is spelled in decimals.
pub fn score(text: &[u8]) -> Result<f64> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.filter(|number: &f64| !number.is_nan()).ok_or_else(|| nonsense("a score is no number"))
}
