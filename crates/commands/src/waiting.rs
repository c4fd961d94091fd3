//! What all words have in common that wait for keys.

use kvark_base::Millis;
use kvark_call::fault::{Parked, Wish};
use kvark_call::{Fault, Outcome, ReplySink};

use crate::{args, doubles};

/// When a wait ends at the latest; `None` is never.
pub type Deadline = Option<Millis>;

/// The deadline that a timeout in seconds means, which may have a fraction; 0 is for ever.
pub fn deadline(now_ms: Millis, seconds: &[u8]) -> Result<Deadline, Fault> {
    let seconds = doubles::double_or(seconds, "ERR timeout is not a float or out of range")?;
    from_now(now_ms, (seconds * 1000.0).ceil())
}

/// The deadline that a timeout in milliseconds means; 0 is for ever.
pub fn deadline_ms(now_ms: Millis, milliseconds: &[u8]) -> Result<Deadline, Fault> {
    let timeout_ms = args::timeout_ms(milliseconds, now_ms)?;
    Ok((timeout_ms > 0).then(|| now_ms + timeout_ms))
}

fn from_now(now_ms: Millis, milliseconds: f64) -> Result<Deadline, Fault> {
    if milliseconds < 0.0 {
        return Err(Fault::new("ERR timeout is negative"));
    }
    if milliseconds + now_ms as f64 >= i64::MAX as f64 {
        return Err(Fault::new("ERR timeout is out of range"));
    }
    Ok((milliseconds > 0.0).then(|| now_ms + milliseconds as Millis))
}

/// The command waits for the first `keys` of its keys. `nothing` answers where nobody may wait.
pub fn for_keys(keys: usize, deadline_ms: Deadline, nothing: fn(&mut dyn ReplySink)) -> Outcome {
    Outcome::Park(Parked::for_keys(Wish { keys, again: None, nothing }, deadline_ms))
}
