//! The tier in a directory meets the contract, with usual options and with ones so small that every step reaches tables.

use kvark_tier_fjall::{FjallTier, Options};

fn open(options: Options) -> (tempfile::TempDir, FjallTier) {
    let dir = tempfile::tempdir().unwrap();
    let tier = FjallTier::open(&dir.path().join("tier"), options).unwrap();
    (dir, tier)
}

/// Everything reaches tables at once, tables are tiny, and most values live in files of their own.
fn tiny() -> Options {
    Options {
        memory_bytes: 1 << 10,
        table_bytes: 2 << 10,
        separate_values_from: 100,
        block_bytes: 512,
        unmerged_tables: 5,
        ..Options::default()
    }
}

mod usual {
    kvark_tier::contract_tests!(super::open(super::Options::default()));
}

mod tiny {
    kvark_tier::contract_tests!(super::open(super::tiny()));
}
