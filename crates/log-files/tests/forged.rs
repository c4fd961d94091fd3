//! A batch is handed over only when every part of its place is right: each test forges one part and leaves the others good.

mod world;

use std::path::Path;

use kvark_base::{Kind, Result};
use kvark_disk::{Disk, Memory};
use kvark_log_files::{batch, segment};
use world::{options, reopen};

fn segment_header() -> segment::Header {
    let incarnation = options("/log".into(), 4096).incarnation;
    segment::Header { incarnation, sequence: 1, first: 1, previous_end: 0, synced: 0, epoch: 5, chain: 77 }
}

/// Writes a file: its header, and batches of the one record `x`.
fn write(disk: &Memory, header: segment::Header, batches: &[(batch::Header, u32)]) {
    let mut bytes = vec![0; 4096];
    bytes[..segment::HEADER_LEN].copy_from_slice(&header.encode());
    let mut at = segment::FIRST_BATCH;
    for (batch, identity) in batches {
        let end = at + batch::HEADER_LEN + 2;
        bytes[end - 2..end].copy_from_slice(b"\x01x");
        batch.seal(*identity, &mut bytes[at..end]);
        at = end.next_multiple_of(batch::ALIGN);
    }
    disk.create_dir(Path::new("/log")).unwrap();
    disk.create(&segment::path(Path::new("/log"), header.sequence)).unwrap().write_at(0, &bytes).unwrap();
}

/// The two batches of a good file, the second of which `forge` may change, with the identity it is sealed with.
fn two_batches(forge: impl FnOnce(&mut batch::Header, &mut u32)) -> [(batch::Header, u32); 2] {
    let mut identity = segment_header().identity();
    let first = batch::Header { len_bytes: 2, count: 1, epoch: 5, first: 1, synced: 0, chain: 77 };
    let mut bytes = [0; batch::HEADER_LEN + 2];
    bytes[batch::HEADER_LEN..].copy_from_slice(b"\x01x");
    let mut second = batch::Header { first: 2, chain: first.seal(identity, &mut bytes), ..first };
    let good = identity;
    forge(&mut second, &mut identity);
    [(first, good), (second, identity)]
}

/// How many records recovery takes from a file whose second batch was forged.
fn taken(forge: impl FnOnce(&mut batch::Header, &mut u32)) -> Result<usize> {
    let disk = Memory::new();
    write(&disk, segment_header(), &two_batches(forge));
    Ok(reopen(&disk, 0)?.2.len())
}

#[test]
fn the_unforged_batches_are_taken() {
    assert_eq!(taken(|_, _| {}), Ok(2));
}

#[test]
fn one_wrong_part_is_enough() {
    assert_eq!(taken(|batch, _| batch.epoch = 4), Ok(1), "an earlier epoch");
    assert_eq!(taken(|batch, _| batch.epoch = 6), Ok(1), "a later epoch");
    assert_eq!(taken(|batch, _| batch.chain ^= 1), Ok(1), "another batch before it");
    assert_eq!(taken(|batch, _| batch.first = 1), Ok(1), "a position again");
    assert_eq!(taken(|batch, _| batch.first = 3), Ok(1), "a position too far");
    assert_eq!(taken(|batch, _| batch.count = 2), Ok(1), "more records than there are");
    assert_eq!(taken(|batch, _| batch.count = 0), Ok(1), "fewer records than there are");
    let incarnation = segment_header().incarnation;
    assert_eq!(taken(|_, identity| *identity = segment::identity(incarnation, 2)), Ok(1), "another file");
    assert_eq!(taken(|_, identity| *identity = segment::identity(incarnation ^ 1, 1)), Ok(1), "another log");
}

#[test]
fn a_missing_record_that_was_synced_is_damage() {
    let result = taken(|batch, _| (batch.first, batch.synced) = (3, 2));
    assert_eq!(result.unwrap_err().kind(), Kind::Corrupt);
}

/// Opens a log of two files, the header of the second of which `forge` may change.
fn two_files(forge: impl FnOnce(&mut segment::Header)) -> Result<usize> {
    let disk = Memory::new();
    let batches = two_batches(|_, _| {});
    let mut bytes = [0; batch::HEADER_LEN + 2];
    bytes[batch::HEADER_LEN..].copy_from_slice(b"\x01x");
    let chain = batches[1].0.seal(batches[1].1, &mut bytes);
    write(&disk, segment_header(), &batches);
    let mut header = segment::Header { sequence: 2, first: 3, previous_end: 2, chain, ..segment_header() };
    forge(&mut header);
    let third = batch::Header { first: 3, chain, ..batches[0].0 };
    write(&disk, header, &[(third, header.identity())]);
    Ok(reopen(&disk, 0)?.2.len())
}

#[test]
fn a_file_that_does_not_follow_the_one_before_it_is_refused() {
    assert_eq!(two_files(|_| {}), Ok(3));
    let forgeries: [fn(&mut segment::Header); 3] =
        [|header| header.chain ^= 1, |header| header.previous_end = 1, |header| header.epoch = 4];
    for forge in forgeries {
        let error = two_files(forge).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt);
        assert!(
            error.message().starts_with("/log/000000000002.log: the header at offset 0 does not follow"),
            "{error}"
        );
    }
}
