//! Whatever happens to the process or the power, and whenever: what was promised is there, in order, and nothing else.
//!
//! Each run is a seed. `KVARK_RUNS=n` runs n of them, `KVARK_LONG=1` 20,000; `KVARK_SEED=s` begins at another one.

mod world;

use kvark_base::random::Random;
use kvark_base::{Kind, Position};
use kvark_disk::{Faulty, Loss};
use kvark_log::{Admission, Log};
use kvark_log_files::{LogFiles, Way};
use world::{Records, open, reopen, reopen_in, seeds};

/// A log and what is known of it.
struct Run {
    random: Random,
    way: Way,
    disk: Faulty,
    log: LogFiles,
    /// Every record appended and not known to be lost.
    records: Records,
    /// First and last position of every bracket.
    brackets: Vec<(Position, Position)>,
    /// Nobody will ask for records up to here.
    after: Position,
    /// The highest position that recovery was ever asked about or has handed over.
    highest: Position,
}

impl Run {
    fn new(seed: u64) -> Self {
        let disk = Faulty::new(seed);
        let way = if seed.is_multiple_of(2) { Way::Mapped } else { Way::Gathered };
        let (log, _, records) = reopen_in(way, &disk, 0).unwrap();
        let random = Random::from_seed(seed ^ 0x5eed);
        Self { random, way, disk, log, records, brackets: vec![], after: 0, highest: 0 }
    }

    fn record(&mut self) -> Vec<u8> {
        let most = [1, 20, 200, 200, 1000, 9000][self.random.below(6) as usize];
        let mut record = vec![0; self.random.below(most) as usize];
        self.random.fill(&mut record);
        record
    }

    fn append(&mut self) {
        let record = self.record();
        let before = self.log.last();
        match self.log.append(&[&record[..record.len() / 2], &record[record.len() / 2..]]) {
            Ok(position) => {
                assert_eq!(position, before + 1);
                self.records.push((position, record));
            }
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Io | Kind::NoSpace | Kind::Poisoned), "{error}");
                assert_eq!(self.log.last(), before, "a refused record leaves no trace");
            }
        }
    }

    fn bracket(&mut self) {
        let records: Vec<_> = (0..2 + self.random.below(4)).map(|_| self.record()).collect();
        let len = records.iter().map(Vec::len).sum();
        let grows = self.random.chance(1, 2);
        let room = if grows { (0, 0) } else { (records.len(), len) };
        let Ok(mut bracket) = self.log.bracket(room.0, room.1) else { return };
        let first = self.records.len();
        for record in records {
            match bracket.reserve(1, record.len()) {
                Ok(()) => self.records.push((bracket.append(&[&record]), record)),
                Err(error) => assert!(grows && matches!(error.kind(), Kind::Io | Kind::NoSpace), "{error}"),
            }
        }
        drop(bracket);
        if let Some((position, _)) = self.records.get(first) {
            self.brackets.push((*position, self.log.last()));
        }
    }

    fn act(&mut self) {
        match self.random.below(20) {
            0..=8 => self.append(),
            9..=10 => self.bracket(),
            11..=14 => drop(self.log.seal(self.log.last())),
            15 => drop(self.log.sync()),
            16 => drop(self.log.admit(100)),
            17..=18 => drop(self.log.maintain()),
            _ => self.cut(),
        }
        let (synced, sealed, last) = (self.log.synced(), self.log.sealed(), self.log.last());
        assert!(synced <= sealed && sealed <= last);
    }

    /// As a checkpoint does: it is sure of some synced records, and gives them up.
    fn cut(&mut self) {
        let synced = self.log.synced();
        if synced > self.after {
            self.after += self.random.below(synced - self.after + 1);
            let _ = self.log.cut(self.after + 1);
        }
    }

    /// Opens the log on what `disk` holds now and checks it: everything up to `promised` must be there.
    fn go_on(&mut self, disk: Faulty, promised: Position) {
        if self.random.chance(1, 8) {
            // A checkpoint may be ahead of what the log has kept.
            self.after += self.random.below(self.log.last() - self.after + 1);
        }
        let (log, replayed, found) = reopen_in(self.way, &disk, self.after).unwrap_or_else(|error| panic!("{error}"));
        let expected: Vec<_> = self.records.iter().filter(|record| record.0 > self.after).cloned().collect();
        assert!(found.len() <= expected.len(), "{} records out of {}", found.len(), expected.len());
        assert_eq!(found, expected[..found.len()], "a prefix, in order, byte for byte");
        let end = found.last().map_or(self.after, |record| record.0);
        let first_lost = expected.get(found.len()).map_or(Position::MAX, |record| record.0);
        assert!(first_lost > promised, "record {first_lost} is lost though {promised} was promised: {replayed:?}");
        let split = self.brackets.iter().find(|bracket| bracket.0 <= end && end < bracket.1 && bracket.0 > self.after);
        assert_eq!(split, None, "a bracket is whole or not there, but the log ends at {end}");
        self.highest = self.highest.max(end);
        assert!(log.last() >= self.highest, "positions are not given out again");
        self.records.retain(|record| record.0 <= end);
        self.brackets.retain(|bracket| bracket.1 <= end);
        (self.disk, self.log) = (disk, log);
    }

    fn promised(&self, loss: Loss) -> Position {
        let sealed_is_kept = loss == Loss::Kill && self.way == Way::Mapped;
        if sealed_is_kept { self.log.sealed() } else { self.log.synced() }
    }

    fn loss(&mut self) -> Loss {
        if self.random.chance(1, 2) { Loss::Kill } else { Loss::Power }
    }

    fn is_poisoned(&self) -> bool {
        self.log.admit(1).is_err_and(|error| error.kind() == Kind::Poisoned)
    }

    /// Ends between two calls.
    fn end_between(&mut self) {
        let loss = self.loss();
        let promised = self.promised(loss);
        self.go_on(self.disk.after(loss), promised);
    }

    /// Ends within a call, at one of the things that it does to the disk.
    fn end_within(&mut self) {
        let loss = self.loss();
        self.disk.capture(self.random.below(6), loss);
        for _ in 0..200 {
            let promised = self.promised(loss);
            self.act();
            if let Some(disk) = self.disk.captured() {
                return self.go_on(disk, promised);
            }
        }
        self.end_between();
    }

    /// Ends, and ends again while it recovers.
    fn end_within_recovery(&mut self) {
        let (loss, again) = (self.loss(), self.loss());
        let promised = self.promised(if loss == Loss::Kill { again } else { loss });
        let disk = self.disk.after(loss);
        disk.capture(self.random.below(8), again);
        reopen_in(self.way, &disk, self.after).unwrap_or_else(|error| panic!("{error}"));
        self.go_on(disk.captured().unwrap_or(disk), promised);
    }
}

#[test]
fn what_was_promised_outlives_kill_and_power_loss() {
    for seed in seeds(100) {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..8 {
            for _ in 0..run.random.below(60) {
                run.act();
            }
            match run.random.below(3) {
                0 => run.end_between(),
                1 => run.end_within(),
                _ => run.end_within_recovery(),
            }
        }
    }
}

#[test]
fn a_closed_log_is_whole_after_power_loss() {
    for seed in seeds(20) {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..4 {
            (0..run.random.below(80)).for_each(|_| run.act());
            run.log.close().unwrap();
            run.go_on(run.disk.after(Loss::Power), run.log.last());
        }
    }
}

#[test]
fn a_disk_that_fails_leaves_nothing_half_done_and_service_resumes() {
    for seed in seeds(40) {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for round in 0..6 {
            let quota = run.disk.used_bytes() + run.random.below(20_000);
            if round % 2 == 0 {
                run.disk.set_quota_bytes(quota)
            } else {
                run.disk.set_eio_per_mille(300)
            }
            (0..80).for_each(|_| run.act());
            run.disk.set_quota_bytes(u64::MAX);
            run.disk.set_eio_per_mille(0);
            if run.is_poisoned() {
                assert_eq!(run.way, Way::Gathered, "only what a sync writes is of unknown fate");
                run.end_between();
                continue;
            }
            while run.log.admit(3000).is_ok_and(|admission| admission == Admission::Wait)
                || run.log.admit(3000).is_err()
            {
                run.log.maintain().unwrap();
            }
            let before = run.records.len();
            run.append();
            assert_eq!(run.records.len(), before + 1, "service resumes");
            run.log.seal(run.log.last()).unwrap();
            run.end_between();
        }
    }
}

#[test]
fn recovery_that_fails_can_be_tried_again() {
    for seed in seeds(30) {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..4 {
            (0..60).for_each(|_| run.act());
            let loss = run.loss();
            let promised = run.promised(loss);
            let disk = run.disk.after(loss);
            disk.set_eio_per_mille(300);
            for _ in 0..3 {
                if let Err(error) = reopen_in(run.way, &disk, run.after) {
                    assert!(matches!(error.kind(), Kind::Io | Kind::NoSpace), "{error}");
                }
            }
            disk.set_eio_per_mille(0);
            run.go_on(disk, promised);
        }
    }
}

#[test]
fn a_full_disk_refuses_cleanly_until_there_is_space() {
    let disk = Faulty::new(1);
    let (log, _, _) = reopen(&disk, 0).unwrap();
    disk.set_quota_bytes(disk.used_bytes());
    let mut last = 0;
    let error = loop {
        match log.append(&[&[1; 100]]) {
            Ok(position) => last = position,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::NoSpace);
    assert!(last > 20 && log.last() == last);
    assert_eq!(log.admit(100).unwrap_err().kind(), Kind::NoSpace);
    assert_eq!(log.bracket(3, 300).map(|_| ()).unwrap_err().kind(), Kind::NoSpace);
    assert_eq!(log.maintain().unwrap_err().kind(), Kind::NoSpace);
    disk.set_quota_bytes(u64::MAX);
    assert_eq!(log.maintain(), Ok(true));
    assert_eq!(log.admit(100), Ok(Admission::Ready));
    assert_eq!(log.append(&[&[2; 100]]), Ok(last + 1));
    log.close().unwrap();
    assert_eq!(reopen(&disk, 0).unwrap().2.len() as u64, last + 1);
}

#[test]
fn a_bracket_that_can_not_grow_keeps_what_it_holds() {
    let disk = Faulty::new(4);
    let (log, _, _) = reopen(&disk, 0).unwrap();
    disk.set_quota_bytes(disk.used_bytes());
    log.append(&[b"before"]).unwrap();
    let mut bracket = log.bracket(1, 100).unwrap();
    assert_eq!(bracket.append(&[&[1; 100]]), 2);
    assert_eq!(bracket.reserve(1, 1 << 20).unwrap_err().kind(), Kind::NoSpace);
    bracket.reserve(1, 100).unwrap();
    assert_eq!(bracket.append(&[&[2; 100]]), 3);
    disk.set_quota_bytes(u64::MAX);
    bracket.reserve(1, 1 << 20).unwrap();
    assert_eq!(bracket.append(&[&vec![3; 1 << 20]]), 4);
    drop(bracket);
    assert_eq!(log.append(&[b"behind"]), Ok(5));
    log.close().unwrap();
    let lens: Vec<_> = reopen(&disk, 0).unwrap().2.iter().map(|(_, record)| record.len()).collect();
    assert_eq!(lens, [6, 100, 100, 1 << 20, 6]);
}

#[test]
fn a_failed_sync_poisons() {
    let disk = Faulty::new(2);
    let (log, _, _) = reopen(&disk, 0).unwrap();
    log.append(&[b"one"]).unwrap();
    assert_eq!(log.sync(), Ok(1));
    log.append(&[b"two"]).unwrap();
    disk.fail_syncs(1);
    assert_eq!(log.sync().unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(log.append(&[b"three"]).unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(log.bracket(1, 1).map(|_| ()).unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(log.admit(1).unwrap_err().kind(), Kind::Poisoned);
    assert_eq!(log.sync().unwrap_err().kind(), Kind::Poisoned, "trying again doesn't heal it");
    assert_eq!((log.last(), log.synced()), (2, 1), "facts can still be read");
    assert_eq!(log.close().unwrap_err().kind(), Kind::Poisoned);
    let records = reopen(&disk.after(Loss::Power), 0).unwrap().2;
    assert_eq!(records[0], (1, b"one".to_vec()));
}

#[test]
fn a_log_that_was_not_replayed_takes_nothing() {
    let log = open(&Faulty::new(3));
    assert_eq!(log.append(&[b"x"]).unwrap_err().kind(), Kind::Invalid);
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    assert_eq!(log.append(&[b"x"]), Ok(1));
    assert_eq!(log.replay(0, &mut |_, _| Ok(())).unwrap_err().kind(), Kind::Invalid);
}
