//! What every disk must do, run on each of them.

use std::path::{Path, PathBuf};

use kvark_base::Kind;
use kvark_base::random::Random;
use kvark_disk::{Disk, Faulty, Memory, Real};

/// A directory that goes when it is dropped.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let name = format!("kvark-disk-{}-{:016x}", std::process::id(), Random::from_system().next_u64());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `test` on every disk, each with a directory of its own.
fn on_every_disk(test: fn(&dyn Disk, &Path)) {
    let disks: [(&str, Box<dyn Disk>); 3] =
        [("real", Box::new(Real)), ("memory", Box::new(Memory::new())), ("faulty", Box::new(Faulty::new(1)))];
    for (name, disk) in disks {
        println!("{name}");
        let dir = TempDir::new();
        disk.create_dir(&dir.0.join("deep")).unwrap();
        disk.create_dir(&dir.0.join("deep")).unwrap();
        test(&*disk, &dir.0.join("deep"));
    }
}

#[test]
fn a_file_holds_what_was_written() {
    on_every_disk(|disk, dir| {
        let file = disk.create(&dir.join("a")).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_at(3, b"defg").unwrap();
        file.write_at(1, b"bc").unwrap();
        assert_eq!(disk.read_all(&dir.join("a")).unwrap(), b"\0bcdefg");
        let mut buffer = [9; 4];
        assert_eq!(file.read_at(5, &mut buffer), Ok(2));
        assert_eq!(&buffer, b"fg\x09\x09");
        assert_eq!(file.read_exact_at(5, &mut buffer).unwrap_err().kind(), Kind::Corrupt);
        file.set_len(2).unwrap();
        file.allocate(4).unwrap();
        file.allocate(1).unwrap();
        assert_eq!(disk.read_all(&dir.join("a")).unwrap(), b"\0b\0\0", "what was cut off doesn't come back");
        file.sync_data().unwrap();
        assert!(disk.create(&dir.join("a")).unwrap().is_empty().unwrap());
    });
}

#[test]
fn names_come_and_go() {
    on_every_disk(|disk, dir| {
        disk.create(&dir.join("b")).unwrap().write_at(0, b"bee").unwrap();
        disk.create(&dir.join("a")).unwrap();
        assert_eq!(disk.list(dir).unwrap(), ["a", "b"]);
        disk.rename(&dir.join("b"), &dir.join("a")).unwrap();
        assert_eq!(disk.list(dir).unwrap(), ["a"]);
        assert_eq!(disk.read_all(&dir.join("a")).unwrap(), b"bee");
        assert_eq!((disk.exists(&dir.join("a")), disk.exists(&dir.join("b"))), (Ok(true), Ok(false)));
        disk.sync_dir(dir).unwrap();
        disk.remove(&dir.join("a")).unwrap();
        assert_eq!(disk.list(dir).unwrap(), [""; 0]);
        for refused in
            [disk.remove(&dir.join("a")), disk.open(&dir.join("a")).map(drop), disk.list(&dir.join("none")).map(drop)]
        {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), Kind::Io);
            assert!(error.message().contains(dir.to_str().unwrap()), "{error}");
        }
    });
}

#[test]
fn a_mapping_is_the_file() {
    on_every_disk(|disk, dir| {
        let file = disk.create(&dir.join("a")).unwrap();
        file.allocate(8192).unwrap();
        file.write_at(4000, b"before").unwrap();
        let mut map = file.map(8192).unwrap();
        assert_eq!((map.len(), &map.bytes()[4000..4006]), (8192, &b"before"[..]));
        map.bytes_mut()[5000..5005].copy_from_slice(b"after");
        map.release(0..8192);
        assert_eq!(&map.bytes()[5000..5005], b"after", "released bytes keep what they hold");
        assert_eq!(&disk.read_all(&dir.join("a")).unwrap()[5000..5005], b"after");
        drop(map);
        file.sync_data().unwrap();
        assert_eq!(file.map(8193).map(|_| ()).unwrap_err().kind(), Kind::Invalid);
        assert_eq!(file.map(0).map(|_| ()).unwrap_err().kind(), Kind::Invalid);
    });
}

#[test]
fn a_whole_file_is_written_at_once() {
    on_every_disk(|disk, dir| {
        disk.write_all_atomic(&dir.join("a"), b"one").unwrap();
        disk.write_all_atomic(&dir.join("a"), b"two").unwrap();
        assert_eq!(disk.read_all(&dir.join("a")).unwrap(), b"two");
        assert_eq!(disk.list(dir).unwrap(), ["a"]);
    });
}

#[test]
fn a_directory_has_one_owner() {
    on_every_disk(|disk, dir| {
        let lock = disk.lock(dir).unwrap();
        let error = disk.lock(dir).map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Busy);
        assert!(error.message().contains("already open in this process"), "{error}");
        assert!(error.message().contains(&std::process::id().to_string()), "{error}");
        drop(lock);
        disk.lock(dir).unwrap();
    });
}

#[test]
fn the_owner_of_a_directory_is_named_to_others() {
    const OWNER: &str = "KVARK_TEST_OWNS";
    if let Some(dir) = std::env::var_os(OWNER) {
        let _lock = Real.lock(Path::new(&dir)).unwrap();
        Real.create(&Path::new(&dir).join("owned")).unwrap();
        // Until the test that started us closes our input.
        let _ = std::io::read_to_string(std::io::stdin());
        return;
    }
    let dir = TempDir::new();
    Real.create_dir(&dir.0).unwrap();
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_owner_of_a_directory_is_named_to_others"]).env(OWNER, &dir.0);
    let mut owner = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    while !Real.exists(&dir.0.join("owned")).unwrap() {
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert_eq!(owner.try_wait().unwrap(), None, "the owner ended early");
    }
    let error = Real.lock(&dir.0).map(drop).unwrap_err();
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.message().contains(&format!("is in use by process {} (`", owner.id())), "{error}");
    assert!(error.message().contains("--exact the_owner_of_a_directory_is_named_to_others`)"), "{error}");
    Real.lock(&dir.0).expect("the lock of a killed process is free");
}
