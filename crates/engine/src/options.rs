//! What a store is opened with.

use std::path::PathBuf;

use kvark_base::{Error, Kind, Result};
use kvark_call::Settings;

/// What an answered write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: the store is gone with its process.
    Memory,
    /// A killed process. A loss of power costs at most about a second.
    Os,
    /// A loss of power.
    Disk,
}

impl Durability {
    /// The level called `name`.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "memory" => Ok(Self::Memory),
            "os" => Ok(Self::Os),
            "disk" => Ok(Self::Disk),
            _ => {
                let message = format!("there is no durability level '{name}': use memory, os or disk");
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Disk => "disk",
        }
    }
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The store's directory; `None` is a store in memory, which needs level [`Durability::Memory`].
    pub dir: Option<PathBuf>,
    /// The level of every write.
    pub durability: Durability,
    /// How many shards a new store gets, a power of two; an old one keeps its own.
    pub shards: usize,
    /// The bound of the log in bytes.
    pub log_max_bytes: u64,
    /// The size of a log segment in bytes.
    pub segment_len_bytes: u64,
}

impl OpenOptions {
    /// Shards of a new store, unless somebody says otherwise.
    pub const SHARDS: usize = 64;

    /// A store in memory.
    pub fn in_memory() -> Self {
        Self {
            dir: None,
            durability: Durability::Memory,
            shards: Self::SHARDS,
            log_max_bytes: 2 << 30,
            segment_len_bytes: 64 << 20,
        }
    }

    /// A store in `dir` at level `os`.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: Some(dir.into()), durability: Durability::Os, ..Self::in_memory() }
    }

    /// What `settings` say: `dir`, `durability`, `shards`, `log-max-bytes`.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let durability = Durability::from_name(&settings.get("durability"))?;
        let shards = match settings.number("shards") {
            0 => Self::SHARDS,
            shards => shards as usize,
        };
        let log_max_bytes = settings.number("log-max-bytes") as u64;
        let dir = Some(PathBuf::from(settings.get("dir")));
        Ok(Self { dir, durability, shards, log_max_bytes, ..Self::in_memory() })
    }

    /// An error unless the options go together.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.shards.is_power_of_two() || !kvark_base::limits::SHARDS.contains(&self.shards) {
            let message = format!("a store has a power of two of shards from 1 to 1024, not {}", self.shards);
            return Err(Error::new(Kind::Invalid, message));
        }
        if self.dir.is_none() && self.durability != Durability::Memory {
            let level = self.durability.name();
            let message =
                format!("a store without a directory can't keep level '{level}': give it one, or use level 'memory'");
            return Err(Error::new(Kind::Invalid, message));
        }
        Ok(())
    }
}
