//! The sparse form: registers in order, as runs of the same value.
//!
//! ```text
//! 00llllll           l + 1 registers (1 to 64) hold nothing
//! 01llllll llllllll  l + 1 registers (1 to 16384) hold nothing, high bits first
//! 1vvvvvll           l + 1 registers (1 to 4) hold v + 1 (1 to 32)
//! ```
//!
//! Invariant: the runs of a sound sketch cover all registers, and no more.
//! Invariant: a register is raised by the steps that Redis takes, so the same elements in the same order give the same bytes.

use super::place::{Place, REGISTERS};

/// The most that a run can hold.
pub const MOST: u8 = 32;
const MOST_ZEROS_SHORT: usize = 64;
const MOST_VALUES: usize = 4;
/// A run splits into three at most, of two bytes, one, and two.
const LONGEST_SPLIT: usize = 5;
/// How many runs around a change are looked at to join some of them.
const RUNS_TO_JOIN: usize = 5;

/// Registers in a row that hold the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// So many hold nothing.
    Zeros(usize),
    /// `len` hold `value`.
    Values {
        /// What they hold.
        value: u8,
        /// How many they are.
        len: usize,
    },
}

/// The runs are cut off, or cover too few registers or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

impl Run {
    /// How many registers.
    pub fn registers(self) -> usize {
        match self {
            Self::Zeros(len) | Self::Values { len, .. } => len,
        }
    }

    /// What they hold.
    pub fn value(self) -> u8 {
        match self {
            Self::Zeros(_) => 0,
            Self::Values { value, .. } => value,
        }
    }

    /// The run at the beginning of `bytes`, and how many bytes it takes.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&byte, rest) = bytes.split_first()?;
        let low = usize::from(byte & 0x3f);
        Some(match byte >> 6 {
            0 => (Self::Zeros(low + 1), 1),
            1 => (Self::Zeros((low << 8 | usize::from(*rest.first()?)) + 1), 2),
            _ => (Self::Values { value: (byte >> 2 & 0x1f) + 1, len: usize::from(byte & 3) + 1 }, 1),
        })
    }

    /// Its bytes, and how many of them count.
    fn bytes(self) -> ([u8; 2], usize) {
        match self {
            Self::Zeros(len) if len > MOST_ZEROS_SHORT => {
                let [high, low] = ((len - 1) as u16).to_be_bytes();
                ([0x40 | high, low], 2)
            }
            Self::Zeros(len) => ([(len - 1) as u8, 0], 1),
            Self::Values { value, len } => ([0x80 | (value - 1) << 2 | (len - 1) as u8, 0], 1),
        }
    }
}

/// The runs in `bytes`, up to the first that is cut off.
pub fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> {
    std::iter::from_fn(move || {
        let (run, len) = Run::read(bytes)?;
        bytes = &bytes[len..];
        Some(run)
    })
}

/// Hands over every run and the register it begins with, if they are sound.
pub fn each_run(bytes: &[u8], mut each: impl FnMut(usize, Run)) -> Result<(), Corrupt> {
    let mut at = 0;
    let mut first = 0;
    while at < bytes.len() {
        let (run, len) = Run::read(&bytes[at..]).ok_or(Corrupt)?;
        if first + run.registers() > REGISTERS {
            return Err(Corrupt);
        }
        each(first, run);
        first += run.registers();
        at += len;
    }
    if first == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// The bytes of a sketch that holds nothing.
pub fn empty() -> ([u8; 2], usize) {
    Run::Zeros(REGISTERS).bytes()
}

/// What the register holds.
pub fn register(bytes: &[u8], index: usize) -> Result<u8, Corrupt> {
    Ok(Found::of(bytes, index)?.run.value())
}

/// Where a register was found.
struct Found {
    run: Run,
    /// The run's first register.
    first: usize,
    /// Where the run stands, and where the one before it does.
    at: usize,
    before: usize,
    len: usize,
}

impl Found {
    fn of(bytes: &[u8], index: usize) -> Result<Self, Corrupt> {
        let (mut at, mut before, mut first) = (0, 0, 0);
        loop {
            let (run, len) = Run::read(&bytes[at..]).ok_or(Corrupt)?;
            if index < first + run.registers() {
                return Ok(Self { run, first, at, before, len });
            }
            (before, at, first) = (at, at + len, first + run.registers());
        }
    }

    /// The run with one of its registers set.
    fn split(&self, place: Place) -> Sequence {
        let part = |len| match self.run {
            Run::Zeros(_) => Run::Zeros(len),
            Run::Values { value, .. } => Run::Values { value, len },
        };
        let (before, after) = (place.index - self.first, self.first + self.run.registers() - 1 - place.index);
        let mut sequence = Sequence::default();
        if before > 0 {
            sequence.push(part(before));
        }
        sequence.push(Run::Values { value: place.count, len: 1 });
        if after > 0 {
            sequence.push(part(after));
        }
        sequence
    }
}

/// A few runs.
#[derive(Default)]
struct Sequence {
    bytes: [u8; LONGEST_SPLIT],
    len: usize,
}

impl Sequence {
    fn push(&mut self, run: Run) {
        let (bytes, len) = run.bytes();
        self.bytes[self.len..self.len + len].copy_from_slice(&bytes[..len]);
        self.len += len;
    }
}

/// Raises a register of the sketch whose runs begin at `start` of `bytes`, which may grow to `most_len`; whether there was room.
pub fn raise(bytes: &mut Vec<u8>, start: usize, place: Place, most_len: usize) -> Result<bool, Corrupt> {
    if place.count > MOST {
        return Ok(false);
    }
    let found = Found::of(&bytes[start..], place.index)?;
    if found.run.value() >= place.count {
        return Ok(true);
    }
    let split = found.split(place);
    if split.len > found.len && bytes.len() + split.len - found.len > most_len {
        return Ok(false);
    }
    let at = start + found.at;
    bytes.splice(at..at + found.len, split.bytes[..split.len].iter().copied());
    join(bytes, start + found.before);
    Ok(true)
}

/// Joins neighbours that hold the same, among the few runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..RUNS_TO_JOIN {
        let Some((run, len)) = Run::read(&bytes[at..]) else { return };
        match (run, Run::read(&bytes[at + len..])) {
            (Run::Values { value, len: left }, Some((Run::Values { value: other, len: right }, _)))
                if value == other && left + right <= MOST_VALUES =>
            {
                bytes[at] = Run::Values { value, len: left + right }.bytes().0[0];
                bytes.remove(at + len);
            }
            _ => at += len,
        }
    }
}
