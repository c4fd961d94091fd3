//! The worked example of `docs/format/log.md` is what the encoder writes.

mod world;

use std::path::Path;

use kvark_disk::{Disk, Memory};
use kvark_log::Log;
use kvark_log_files::LogFiles;

const PAGE: &str = include_str!("../../../docs/format/log.md");

/// The lines `offset: bytes` of the page's example.
fn example() -> Vec<(usize, Vec<u8>)> {
    let block =
        PAGE.split("```hex\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has an example");
    let hex = |digits: &str| u8::from_str_radix(digits, 16).expect("two hexadecimal digits");
    let line = |line: &str| {
        let (offset, rest) = line.split_once(": ").expect("an offset");
        let bytes = rest.split("  #").next().expect("bytes").split_whitespace().map(hex).collect();
        (usize::from_str_radix(offset.trim(), 16).expect("a hexadecimal offset"), bytes)
    };
    block.lines().map(line).collect()
}

#[test]
fn the_page_shows_what_the_encoder_writes() {
    let disk = Memory::new();
    let log = LogFiles::open(std::sync::Arc::new(disk.clone()), world::options("/log".into(), 4096)).unwrap();
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    log.append(&[b"hello"]).unwrap();
    log.append(&[b"kv", b"ark!"]).unwrap();
    log.sync().unwrap();
    log.append(&[b"next"]).unwrap();
    log.seal(3).unwrap();
    let written = disk.read_all(Path::new("/log/000000000001.log")).unwrap();
    let mut checked = vec![false; written.len()];
    for (offset, bytes) in example() {
        let there = &written[offset..offset + bytes.len()];
        assert_eq!(bytes, there, "at {offset:#x} the encoder writes {there:02x?}");
        checked[offset..offset + bytes.len()].fill(true);
    }
    for (offset, byte) in written.iter().enumerate() {
        assert!(checked[offset] || *byte == 0, "byte {offset:#x} ({byte:02x}) is not on the page");
    }
}
