//! What the disk in memory does when power, space or the device fails.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use kvark_base::Kind;
use kvark_disk::{Disk, Faulty, File, Loss};

const A: &str = "/d/a";

fn disk(seed: u64) -> (Faulty, Arc<dyn File>) {
    let disk = Faulty::new(seed);
    disk.create_dir(Path::new("/d")).unwrap();
    let file = disk.create(Path::new(A)).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    (disk, file)
}

#[test]
fn power_loss_keeps_what_was_synced_and_mixes_the_rest_by_sector() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let (disk, file) = disk(seed);
        file.write_at(0, &[1; 2048]).unwrap();
        file.sync_data().unwrap();
        let mut map = file.map(2048).unwrap();
        map.bytes_mut()[512..1536].fill(2);
        let bytes = disk.after(Loss::Power).read_all(Path::new(A)).unwrap();
        assert_eq!((&bytes[..512], &bytes[1536..]), (&[1; 512][..], &[1; 512][..]));
        let sectors = [bytes[512], bytes[1024]];
        assert!(bytes[512..1024].iter().all(|byte| *byte == sectors[0]), "a sector is whole");
        seen.insert(sectors);
        assert_eq!(disk.after(Loss::Kill).read_all(Path::new(A)).unwrap()[512..1536], [2; 1024]);
    }
    assert_eq!(seen.len(), 4, "old and new, in every combination");
}

#[test]
fn a_name_survives_when_its_directory_was_synced() {
    let mut lost = 0;
    for seed in 0..40 {
        let (disk, _) = disk(seed);
        disk.create(Path::new("/d/b")).unwrap();
        disk.rename(Path::new("/d/b"), Path::new("/d/c")).unwrap();
        let names = disk.after(Loss::Power).list(Path::new("/d")).unwrap();
        assert!(names[0] == "a" && names.len() <= 2, "{names:?}");
        lost += usize::from(names.len() == 1);
        assert_eq!(disk.after(Loss::Kill).list(Path::new("/d")).unwrap(), ["a", "c"]);
        disk.sync_dir(Path::new("/d")).unwrap();
        assert_eq!(disk.after(Loss::Power).list(Path::new("/d")).unwrap(), ["a", "c"]);
    }
    assert!((1..40).contains(&lost));
}

#[test]
fn what_a_kill_leaves_unsynced_is_still_unsynced() {
    let lost = (0..40).filter(|&seed| {
        let (disk, file) = disk(seed);
        file.write_at(0, b"written").unwrap();
        let killed = disk.after(Loss::Kill);
        assert_eq!(killed.read_all(Path::new(A)).unwrap(), b"written");
        killed.after(Loss::Power).read_all(Path::new(A)).unwrap() != b"written"
    });
    assert!((1..40).contains(&lost.count()));
}

#[test]
fn a_full_disk_refuses_growth_only() {
    let (disk, file) = disk(1);
    file.write_at(0, &[1; 100]).unwrap();
    disk.set_quota_bytes(150);
    assert_eq!(file.allocate(151).unwrap_err().kind(), Kind::NoSpace);
    assert_eq!(file.write_at(100, &[1; 51]).unwrap_err().kind(), Kind::NoSpace);
    file.write_at(50, &[1; 100]).unwrap();
    assert_eq!((file.len(), disk.used_bytes()), (Ok(150), 150));
    disk.remove(Path::new(A)).unwrap();
    disk.create(Path::new("/d/b")).unwrap().allocate(150).unwrap();
}

#[test]
fn a_failed_sync_has_synced_some_sectors() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let (disk, file) = disk(seed);
        file.write_at(0, &[0; 1024]).unwrap();
        file.sync_data().unwrap();
        file.write_at(0, &[1; 1024]).unwrap();
        disk.fail_syncs(1);
        assert_eq!(file.sync_data().unwrap_err().kind(), Kind::Io);
        let bytes = disk.after(Loss::Power).read_all(Path::new(A)).unwrap();
        seen.insert([bytes[0], bytes[512]]);
        assert_eq!(file.sync_data(), Ok(()), "one was to fail");
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn the_same_seed_fails_alike() {
    let run = || {
        let (disk, file) = disk(9);
        disk.set_eio_per_mille(400);
        let results: Vec<_> =
            (0..50u64).map(|at| file.write_at(at * 10, &[7; 10]).map_err(|error| error.kind())).collect();
        (results, disk.after(Loss::Power).read_all(Path::new(A)).unwrap())
    };
    let (results, bytes) = run();
    assert_eq!(run(), (results.clone(), bytes));
    assert!(results.contains(&Err(Kind::Io)) && results.contains(&Ok(())));
}
