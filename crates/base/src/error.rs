//! The one error type of the rooms below the commands.
//!
//! A message is a full sentence: what happened, with the numbers, and what to do about it. The kind decides which
//! exception Python raises and whether the store may go on.

use std::borrow::Cow;
use std::fmt;

/// What sort of failure this is; the mapping to Python's exceptions lives in the `python` room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller's input breaks a rule or a limit; nothing else happened.
    Invalid,
    /// Somebody else owns it (a locked directory), try again later or elsewhere.
    Busy,
    /// No space could be reserved; nothing was applied, service resumes when space returns.
    NoSpace,
    /// The operating system refused a file operation.
    Io,
    /// Bytes on disk are not what was written.
    Corrupt,
    /// A write's fate is unknown: nothing more is accepted until the store is opened again.
    Poisoned,
    /// Another writer has taken over the log.
    Fenced,
    /// The store was closed.
    Closed,
    /// The store was opened by another process and reached us by `fork`.
    Forked,
    /// What was asked for can't be done by this build or this machine.
    Unsupported,
}

/// A failure with its [`Kind`] and a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
}

/// The result of everything that can fail below the commands.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The operating system's refusal of `what` (a sentence fragment such as "syncing /x/y.log"). A full disk or quota
    /// becomes [`Kind::NoSpace`], everything else [`Kind::Io`].
    pub fn io(what: impl fmt::Display, source: &std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::NoSpace,
            _ => Kind::Io,
        };
        Self::new(kind, format!("{what}: {source}"))
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
