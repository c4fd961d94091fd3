//! What a record costs: mapped segments beside a gathered `write`, both on the machine's disk.
//!
//! `cargo bench -p kvark-log-files` prints a table of processor nanoseconds per record, of the writing thread and of the
//! whole process (which includes what is prepared and synced behind its back). `cargo test` runs it small.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kvark_base::Clock;
use kvark_base::checksum::crc32c;
use kvark_disk::{Disk, File, Real};
use kvark_log::memory::MemoryLog;
use kvark_log::{Admission, Log};
use kvark_log_files::{LogFiles, Options};

const RECORD_LEN: usize = 100;

struct Size {
    records: u64,
    segment_len_bytes: u64,
}

fn main() {
    let full = std::env::args().any(|arg| arg == "--bench");
    let size = if full {
        Size { records: 4_000_000, segment_len_bytes: 64 << 20 }
    } else {
        Size { records: 20_000, segment_len_bytes: 256 << 10 }
    };
    let dir = std::env::temp_dir().join(format!("kvark-bench-log-{}", std::process::id()));
    println!(
        "| {} records of {RECORD_LEN} bytes | writer ns | process ns | elapsed ns |\n|---|---|---|---|",
        size.records
    );
    for (every, sync) in [(1, None), (16, None), (64, None), (1, Some(1000)), (16, Some(1000)), (16, Some(20))] {
        mapped(&dir, &size, every, sync, Life::Recycled);
    }
    mapped(&dir, &size, 1, None, Life::Fresh);
    mapped(&dir, &size, 16, Some(1000), Life::Fresh);
    for (every, sync) in [(1, None), (16, None), (64, None), (16, Some(1000))] {
        written(&dir, &size, every, sync);
    }
    volatile(&size);
    std::fs::remove_dir_all(&dir).expect("the bench's own directory goes");
}

/// Seconds of processor time that `clock` counts.
fn cpu(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives across the call, which fills it.
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn measured(name: &str, records: u64, work: impl FnOnce()) {
    let clock = Clock::system();
    let now =
        || (cpu(libc::CLOCK_THREAD_CPUTIME_ID), cpu(libc::CLOCK_PROCESS_CPUTIME_ID), clock.uptime().as_secs_f64());
    let before = now();
    work();
    let after = now();
    let each = |seconds: f64| seconds * 1e9 / records as f64;
    let (writer, process, elapsed) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
    println!("| {name} | {:.1} | {:.1} | {:.1} |", each(writer), each(process), each(elapsed));
}

fn syncing(sync_ms: Option<u64>) -> String {
    sync_ms.map_or(String::new(), |ms| format!(", synced each {ms} ms"))
}

/// Calls `turn` each millisecond until `work` is done.
fn beside(turn: impl Fn() + Sync, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                turn();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        work();
        done.store(true, Ordering::Release);
    });
}

/// Calls `sync` when its time has come.
fn each_ms(clock: &Clock, sync_ms: Option<u64>, next: &parking_lot::Mutex<u64>, sync: impl FnOnce()) {
    let Some(sync_ms) = sync_ms else { return };
    let mut next = next.lock();
    if clock.now_ms() >= *next {
        sync();
        *next = clock.now_ms() + sync_ms;
    }
}

/// Whether the files were written before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Fresh,
    Recycled,
}

fn mapped(dir: &Path, size: &Size, every: u64, sync_ms: Option<u64>, life: Life) {
    let options = Options { segment_len_bytes: size.segment_len_bytes, ..Options::new(dir.join("mapped")) };
    let log = LogFiles::open(Arc::new(Real), options).unwrap();
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    let (clock, next) = (Clock::system(), parking_lot::Mutex::new(0));
    let turn = || {
        // As after a checkpoint: much of the log at once.
        if life == Life::Recycled && log.facts().live_bytes > 4 * size.segment_len_bytes {
            log.cut(log.sealed()).unwrap();
        }
        log.maintain().unwrap();
        each_ms(&clock, sync_ms, &next, || {
            log.sync().unwrap();
        });
    };
    let record = [7u8; RECORD_LEN];
    let fill = |records: u64| {
        for number in 1..=records {
            if number % every == 0 && log.admit(RECORD_LEN * every as usize) == Ok(Admission::Wait) {
                std::thread::yield_now();
            }
            let position = log.append(&[&record[..3], &record[3..20], &record[20..21], &record[21..]]).unwrap();
            if number % every == 0 {
                log.seal(position).unwrap();
            }
        }
    };
    beside(turn, || {
        if life == Life::Recycled {
            fill(size.segment_len_bytes * 12 / RECORD_LEN as u64);
        }
        let name = format!("mapped, {life:?}, sealed each {every}{}", syncing(sync_ms));
        measured(&name, size.records, || fill(size.records));
    });
    log.close().unwrap();
    std::fs::remove_dir_all(dir.join("mapped")).unwrap();
}

/// The rival: records gathered in a buffer, one `write` for each `every`, into files that were filled before.
fn written(dir: &Path, size: &Size, every: u64, sync_ms: Option<u64>) {
    std::fs::create_dir_all(dir).unwrap();
    let len = size.segment_len_bytes;
    let file: Arc<dyn File> = Real.create(&dir.join("written")).unwrap();
    file.allocate(len).unwrap();
    (0..len / 4096).for_each(|page| file.write_at(page * 4096, &[0; 4096]).unwrap());
    let (clock, next) = (Clock::system(), parking_lot::Mutex::new(0));
    let turn = || each_ms(&clock, sync_ms, &next, || file.sync_data().unwrap());
    let record = [7u8; RECORD_LEN];
    let mut buffer = Vec::with_capacity(1 << 20);
    let mut at = 0;
    let fill = || {
        for number in 1..=size.records {
            buffer.push(RECORD_LEN as u8);
            for part in [&record[..3], &record[3..20], &record[20..21], &record[21..]] {
                buffer.extend_from_slice(part);
            }
            if number % every == 0 {
                let checksum = crc32c(&buffer);
                buffer.extend_from_slice(&[checksum as u8; 40]);
                at = if at + buffer.len() as u64 > len { 0 } else { at };
                file.write_at(at, &buffer).unwrap();
                at += buffer.len() as u64;
                buffer.clear();
            }
        }
    };
    let name = format!("written, each {every}{}", syncing(sync_ms));
    beside(turn, || measured(&name, size.records, fill));
    Real.remove(&dir.join("written")).unwrap();
}

fn volatile(size: &Size) {
    let log = MemoryLog::volatile();
    measured("volatile, sealed each 1", size.records, || {
        for _ in 0..size.records {
            let position = log.append(&[&[7u8; RECORD_LEN]]).unwrap();
            log.seal(position).unwrap();
        }
    });
}
