//! A process that is really killed: what it had sealed is in its files.

mod world;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kvark_disk::Real;
use kvark_log::Log;
use kvark_log_files::LogFiles;
use world::{TempDir, options};

/// Set for the process that is to be killed: the directory to write in.
const VICTIM: &str = "KVARK_TEST_VICTIM";

fn log(dir: &Path) -> LogFiles {
    LogFiles::open(Arc::new(Real), options(dir.to_path_buf(), 16384)).unwrap()
}

/// Appends for ever, and says what was sealed.
fn write_until_killed(dir: &Path) {
    let log = log(dir);
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    loop {
        let position = log.last() + 1;
        log.append(&[&position.to_le_bytes(), &[b'x'; 100][..position as usize % 100]]).unwrap();
        if position.is_multiple_of(3) {
            log.seal(position).unwrap();
            println!("sealed {position}");
        }
        log.maintain().unwrap();
    }
}

#[test]
fn sealed_records_outlive_sigkill() {
    if let Some(dir) = std::env::var_os(VICTIM) {
        return write_until_killed(Path::new(&dir));
    }
    let dir = TempDir::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "sealed_records_outlive_sigkill", "--nocapture"]).env(VICTIM, dir.path());
    let mut victim = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let sealed = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("sealed ")?.parse::<u64>().ok());
    let mut heard = 0;
    for position in sealed {
        heard = position;
        if position == 1500 {
            victim.kill().unwrap();
        }
    }
    victim.wait().unwrap();
    assert!(heard >= 1500, "the victim ended at {heard}, before it was killed");
    let (log, mut last) = (log(dir.path()), 0);
    let check = &mut |position: u64, record: &[u8]| {
        assert_eq!((position, &record[..8]), (last + 1, &position.to_le_bytes()[..]));
        last = position;
        Ok(())
    };
    log.replay(0, check).unwrap();
    assert!(last >= heard, "record {heard} was sealed, but the log ends at {last}");
}
