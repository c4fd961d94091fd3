//! What a script may ask of its surroundings while it runs.

use kvark_call::{Fault, Recording, Request};

/// Why a script ends before it would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Somebody wants it to; the error that it ends with.
    Killed(&'static str),
    /// Its surroundings want to begin again, in another way; nothing has happened yet.
    Again,
}

/// Whoever runs a script.
pub trait Caller {
    /// Runs one command, which answers into `reply`, or is refused.
    fn call(&mut self, request: &Request<'_>, reply: &mut Recording) -> Result<(), Refused>;
    /// Whether the user may run this command; `None` when there is no such command.
    fn may_call(&self, request: &Request<'_>) -> Option<bool>;
    /// Asked now and then: whether the script must stop.
    fn tick(&mut self) -> Option<Stop>;
    /// Notes something for whoever runs the server.
    fn log(&mut self, level: i64, text: &[u8]);
}

/// Why a command of a script did not run.
#[derive(Debug)]
pub enum Refused {
    /// This is the error.
    Fault(Fault),
    /// The script ends here.
    Stop(Stop),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
