//! A whole sketch: a header, and its registers in one of two forms.
//!
//! ```text
//! magic HYLL, 4 | form, 1 (0 dense, 1 sparse) | zeros, 3 | count, 8, low byte first | registers
//! ```
//!
//! The count is what was estimated last; the highest bit says that the registers have changed since.
//!
//! Invariant: the bytes are Redis' own, so a value moves between both as it is.

use super::dense::{self, DENSE_LEN, Registers};
use super::estimate::Histogram;
use super::place::{Place, REGISTERS};
use super::sparse::{self, Corrupt};

const MAGIC: [u8; 4] = *b"HYLL";
const FORM_AT: usize = 4;
/// Where the count stands.
pub const COUNT_AT: usize = 8;
/// The byte whose highest bit says that the count is old.
pub const STALE_AT: usize = 15;
const STALE: u8 = 0x80;
/// Where the registers begin.
pub const HEADER_LEN: usize = 16;

/// How registers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Six bits for each.
    Dense = 0,
    /// Runs of the same value.
    Sparse = 1,
}

impl Form {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}

/// A sketch in somebody else's memory.
#[derive(Debug, Clone, Copy)]
pub struct SketchRef<'a> {
    bytes: &'a [u8],
    form: Form,
}

impl<'a> SketchRef<'a> {
    /// The string `bytes`, if it is a sketch by its header and its length. Its registers may still be corrupt.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let form = match bytes.get(FORM_AT)? {
            0 if bytes.len() == HEADER_LEN + DENSE_LEN => Form::Dense,
            1 if bytes.len() >= HEADER_LEN => Form::Sparse,
            _ => return None,
        };
        bytes.starts_with(&MAGIC).then_some(Self { bytes, form })
    }

    /// How its registers are kept.
    pub fn form(self) -> Form {
        self.form
    }

    /// Its registers as they are kept.
    pub fn body(self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// The count, unless it is old.
    pub fn count(self) -> Option<u64> {
        let count = self.bytes[COUNT_AT..HEADER_LEN].try_into().expect("eight bytes");
        (!self.is_stale()).then_some(u64::from_le_bytes(count))
    }

    /// Whether the count is old.
    pub fn is_stale(self) -> bool {
        self.bytes[STALE_AT] & STALE != 0
    }

    /// The byte that says that the count is old.
    pub fn stale_byte(self) -> u8 {
        self.bytes[STALE_AT] | STALE
    }

    /// What a register holds.
    pub fn register(self, index: usize) -> Result<u8, Corrupt> {
        match self.form {
            Form::Dense => Ok(dense::register(self.body(), index)),
            Form::Sparse => sparse::register(self.body(), index),
        }
    }

    /// How many registers hold each value.
    pub fn histogram(self) -> Result<Histogram, Corrupt> {
        if self.form == Form::Dense {
            return Ok(dense::histogram(self.body()));
        }
        let mut histogram = [0; 64];
        sparse::each_run(self.body(), |_, run| histogram[usize::from(run.value())] += run.registers() as u32)?;
        Ok(histogram)
    }

    /// Raises each of `registers` to what the sketch holds.
    pub fn raise(self, registers: &mut Registers) -> Result<(), Corrupt> {
        match self.form {
            Form::Dense => dense::raise(registers, self.body()),
            Form::Sparse => sparse::each_run(self.body(), |first, run| {
                let covered = &mut registers[first..first + run.registers()];
                covered.iter_mut().for_each(|register| *register = (*register).max(run.value()));
            })?,
        }
        Ok(())
    }

    /// A copy that can be changed.
    pub fn to_sketch(self) -> Sketch {
        Sketch { bytes: self.bytes.to_vec(), form: self.form }
    }
}

/// A sketch that can be changed.
#[derive(Debug, Clone)]
pub struct Sketch {
    bytes: Vec<u8>,
    form: Form,
}

impl Sketch {
    /// One that nothing was added to.
    pub fn empty() -> Self {
        let (runs, len) = sparse::empty();
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        bytes[FORM_AT] = Form::Sparse as u8;
        bytes.extend_from_slice(&runs[..len]);
        Self { bytes, form: Form::Sparse }
    }

    /// The sketch, borrowed.
    pub fn as_ref(&self) -> SketchRef<'_> {
        SketchRef { bytes: &self.bytes, form: self.form }
    }

    /// The string.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Raises a register; it becomes dense when it would be longer than `most_sparse_len` otherwise.
    pub fn raise(&mut self, place: Place, most_sparse_len: usize) -> Result<(), Corrupt> {
        if self.form == Form::Sparse {
            if sparse::raise(&mut self.bytes, HEADER_LEN, place, most_sparse_len)? {
                return Ok(());
            }
            self.make_dense()?;
        }
        if self.as_ref().register(place.index)? < place.count {
            dense::set(&mut self.bytes[HEADER_LEN..], place);
        }
        Ok(())
    }

    /// Makes it dense; the count stays.
    pub fn make_dense(&mut self) -> Result<(), Corrupt> {
        if self.form == Form::Dense {
            return Ok(());
        }
        let mut registers = [0; REGISTERS];
        self.as_ref().raise(&mut registers)?;
        self.form = Form::Dense;
        self.bytes[FORM_AT] = Form::Dense as u8;
        self.bytes.resize(HEADER_LEN + DENSE_LEN, 0);
        self.set_registers(&registers);
        Ok(())
    }

    /// Sets every register of a dense sketch.
    pub fn set_registers(&mut self, registers: &Registers) {
        debug_assert_eq!(self.form, Form::Dense, "runs are not written over");
        dense::pack(registers, &mut self.bytes[HEADER_LEN..]);
    }

    /// Says that the count is old.
    pub fn make_stale(&mut self) {
        self.bytes[STALE_AT] |= STALE;
    }
}
