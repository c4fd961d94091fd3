//! What can be run: a script, or a function of a library.

use std::sync::atomic::AtomicU8;

use crate::{Found, Rights, Script};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub enum Program<'p> {
    /// A script, which finds its keys and arguments in KEYS and ARGV.
    Script(&'p Script),
    /// A function, which is given them.
    Function(&'p Found),
}

impl Program<'_> {
    /// What errors call it.
    pub fn name(&self) -> String {
        match self {
            Self::Script(script) => script.name(),
            Self::Function(found) => found.function().name.clone(),
        }
    }

    /// What its flags grant.
    pub fn rights(&self) -> Rights {
        match self {
            Self::Script(script) => script.rights,
            Self::Function(found) => found.function().rights,
        }
    }

    /// Whether it could have said that it writes nothing.
    pub fn has_flags(&self) -> bool {
        match self {
            Self::Script(script) => script.has_header,
            Self::Function(_) => true,
        }
    }

    /// Whether it is a function.
    pub fn is_function(&self) -> bool {
        matches!(self, Self::Function(_))
    }

    /// What was learned of it.
    pub fn learned(&self) -> &AtomicU8 {
        match self {
            Self::Script(script) => &script.learned,
            Self::Function(found) => &found.function().learned,
        }
    }
}
