//! The file `STORE`: what was decided when the store was made, as lines a person can read.
//!
//! `docs/format/store.md` has the page.
//!
//! Invariant: it is written once, before anything else of the store, and never changed.

use std::path::Path;

use kvark_base::random::Random;
use kvark_base::{Error, Kind, Result};
use kvark_disk::Disk;

const NAME: &str = "STORE";
const FORMAT: &str = "1";

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manifest {
    /// Tells this store from every other.
    pub incarnation: u64,
    /// How many shards it has.
    pub shards: usize,
    /// The seed of the hash of keys.
    pub seed: u64,
}

impl Manifest {
    /// Reads the manifest in `dir`; `None` when no store was made there.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(NAME);
        if !disk.exists(&path)? {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&disk.read_all(&path)?).into_owned();
        Self::parse(&text).map(Some).ok_or_else(|| {
            let message = format!("{} makes no sense; restore it from a backup of the store: {text:?}", path.display());
            Error::new(Kind::Corrupt, message)
        })
    }

    /// Makes a store in `dir`.
    pub fn create(disk: &dyn Disk, dir: &Path, shards: usize, random: &mut Random) -> Result<Self> {
        let this = Self { incarnation: random.next_u64(), shards, seed: random.next_u64() };
        disk.write_all_atomic(&dir.join(NAME), this.to_string().as_bytes())?;
        Ok(this)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(|line| line.split_once(' '));
        let mut value = |name: &str| lines.next()?.filter(|(found, _)| *found == name).map(|(_, value)| value);
        if value("kvark")? != FORMAT {
            return None;
        }
        let incarnation = u64::from_str_radix(value("incarnation")?, 16).ok()?;
        let shards: usize = value("shards")?.parse().ok()?;
        let seed = u64::from_str_radix(value("seed")?, 16).ok()?;
        let sound = shards.is_power_of_two() && kvark_base::limits::SHARDS.contains(&shards);
        sound.then_some(Self { incarnation, shards, seed })
    }
}

impl std::fmt::Display for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "kvark {FORMAT}")?;
        writeln!(f, "incarnation {:016x}", self.incarnation)?;
        writeln!(f, "shards {}", self.shards)?;
        writeln!(f, "seed {:016x}", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nonsense_is_refused() {
        let disk = kvark_disk::Memory::default();
        let dir = Path::new("/store");
        disk.create_dir(dir).unwrap();
        assert_eq!(Manifest::read(&disk, dir).unwrap(), None);
        let made = Manifest::create(&disk, dir, 8, &mut Random::from_seed(1)).unwrap();
        assert_eq!(Manifest::read(&disk, dir).unwrap(), Some(made));
        for text in ["", "kvark 2\n", &made.to_string().replace("shards 8", "shards 7")] {
            disk.write_all_atomic(&dir.join(NAME), text.as_bytes()).unwrap();
            assert_eq!(Manifest::read(&disk, dir).unwrap_err().kind(), Kind::Corrupt, "{text:?}");
        }
    }

    #[test]
    fn the_page_says_what_is_written() {
        let page = include_str!("../../../docs/format/store.md");
        let example = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
        let manifest = Manifest { incarnation: 0x9f86_d081_884c_7d65, shards: 64, seed: 0x2c26_b46b_68ff_c68f };
        assert_eq!(example, manifest.to_string());
    }
}
