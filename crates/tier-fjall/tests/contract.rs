//! The tier in a directory meets the contract, with usual options and with ones so small that every step reaches tables.

mod common;

use kvark_tier_fjall::{FjallTier, Options};

fn open(options: Options) -> (tempfile::TempDir, FjallTier) {
    let dir = tempfile::tempdir().unwrap();
    let tier = common::open(&dir.path().join("tier"), options);
    (dir, tier)
}

mod usual {
    kvark_tier::contract_tests!(super::open(super::Options::default()));
}

mod tiny {
    kvark_tier::contract_tests!(super::open(super::common::tiny()));
}
