//! What every log must do. A sibling calls [`run`] from its own tests.
//!
//! Invariant: the suite knows a log by its contract only; it makes no file and looks at none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kvark_base::{Error, Kind, Position};

use crate::{Admission, Log};

/// Opens the same log again and again; each opening finds what the one before has left. Dropping a log without closing it is
/// what a killed process does.
pub struct Place {
    open: Box<dyn Fn() -> Box<dyn Log>>,
    by_sync: bool,
}

impl Place {
    /// A log whose sealed records outlive the process.
    pub fn sealed(open: impl Fn() -> Box<dyn Log> + 'static) -> Self {
        Self { open: Box::new(open), by_sync: false }
    }

    /// A log whose records outlive the process once they are synced.
    pub fn synced(open: impl Fn() -> Box<dyn Log> + 'static) -> Self {
        Self { open: Box::new(open), by_sync: true }
    }

    fn open(&self) -> Box<dyn Log> {
        (self.open)()
    }

    /// Has what was appended up to `upto` outlive a kill.
    fn keep(&self, log: &dyn Log, upto: Position) {
        if self.by_sync {
            assert!(log.sync().unwrap() >= upto);
        } else {
            log.seal(upto).unwrap();
        }
    }
}

type Test = (&'static str, fn(Place));
type Records = Vec<(Position, Vec<u8>)>;

/// Runs every test, each on a `fresh` place that should hold segments (or what stands for them) of a few KiB.
pub fn run(fresh: &dyn Fn() -> Place) {
    let tests: &[Test] = &[
        ("positions count from one", positions_count_from_one),
        ("kept records outlive a kill", kept_records_outlive_a_kill),
        ("what was not kept is a prefix or gone", unkept_records_come_back_in_order_or_not_at_all),
        ("a bracket is whole", a_bracket_is_whole),
        ("a bracket keeps to its room", a_bracket_keeps_to_its_room),
        ("a bracket grows and stays whole", a_bracket_grows_and_stays_whole),
        ("a bracket that grew is whole or gone", a_bracket_that_grew_is_whole_or_gone),
        ("replay begins after the position asked for", replay_begins_after_the_position_asked_for),
        ("an error of the reader ends replay", an_error_of_the_reader_ends_replay),
        ("marks keep their order", marks_keep_their_order),
        ("cut keeps what was not cut", cut_keeps_what_was_not_cut),
        ("a closed log refuses", a_closed_log_refuses),
        ("many openings", many_openings),
        ("many threads", many_threads),
    ];
    for (name, test) in tests {
        let result = catch_unwind(AssertUnwindSafe(|| test(fresh())));
        assert!(result.is_ok(), "the contract of a log: {name}");
    }
}

fn replay(log: &dyn Log, after: Position) -> Records {
    let mut records = Vec::new();
    let replayed = log.replay(after, &mut |position, record| {
        records.push((position, record.to_vec()));
        Ok(())
    });
    let replayed = replayed.expect("a good log is replayed");
    assert_eq!(replayed.records, records.len() as u64);
    assert_eq!(replayed.last, records.last().map_or(after, |record| record.0));
    assert_eq!(replayed.torn, None);
    records
}

/// Appends, as a well-behaved writer does: asks first, and lets room be made when it is told to wait.
fn append(log: &dyn Log, record: &[u8]) -> Position {
    while log.admit(record.len()).expect("there is room to be made") == Admission::Wait {
        log.maintain().expect("room is made");
    }
    let middle = record.len() / 2;
    log.append(&[&record[..middle], b"", &record[middle..]]).expect("a record that was admitted is taken")
}

fn numbered(range: std::ops::RangeInclusive<u64>) -> Records {
    range.map(|position| (position, record(position))).collect()
}

/// Records of different lengths, an empty one among them, longer than the shortest varint can say.
fn record(number: u64) -> Vec<u8> {
    let len = [0, 1, 7, 100, 127, 128, 300, 1000][number as usize % 8];
    (0..len).map(|at| (number * 31 + at) as u8).collect()
}

fn positions_count_from_one(place: Place) {
    let log = place.open();
    assert_eq!(replay(&*log, 0), []);
    assert_eq!((log.last(), log.sealed(), log.synced()), (0, 0, 0));
    for position in 1..=50 {
        assert_eq!(append(&*log, &record(position)), position);
        assert_eq!(log.last(), position);
    }
}

fn kept_records_outlive_a_kill(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    for position in 1..=200 {
        append(&*log, &record(position));
        if position % 3 == 0 {
            place.keep(&*log, position);
            assert!(log.sealed() >= position);
        }
    }
    place.keep(&*log, 200);
    drop(log);
    assert_eq!(replay(&*place.open(), 0), numbered(1..=200));
}

fn unkept_records_come_back_in_order_or_not_at_all(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    (1..=5).for_each(|position| assert_eq!(append(&*log, &record(position)), position));
    place.keep(&*log, 5);
    (6..=9).for_each(|position| assert_eq!(append(&*log, &record(position)), position));
    drop(log);
    let records = replay(&*place.open(), 0);
    assert!(records.len() >= 5);
    assert_eq!(records, numbered(1..=records.len() as u64));
}

fn a_bracket_is_whole(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    append(&*log, &record(1));
    for round in 0..30 {
        let first = 2 + round * 10;
        let len = (first..first + 10).map(|position| record(position).len()).sum();
        let mut bracket = log.bracket(10, len).unwrap();
        for position in first..first + 10 {
            assert_eq!(bracket.append(&[&record(position)]), position);
        }
    }
    let sealed = log.sealed();
    assert!(sealed < 2 || sealed % 10 == 1, "{sealed} lies within a bracket");
    place.keep(&*log, 301);
    drop(log);
    assert_eq!(replay(&*place.open(), 0), numbered(1..=301));
}

fn a_bracket_keeps_to_its_room(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    let mut bracket = log.bracket(1, 3).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| bracket.append(&[b"four"]))).is_err());
    assert_eq!(bracket.append(&[b"abc"]), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| bracket.append(&[b""]))).is_err());
    drop(bracket);
    assert_eq!(append(&*log, b"next"), 2);
}

fn a_bracket_grows_and_stays_whole(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    let mut next = 1;
    for round in 0..6 {
        // What stands in the open batch before a bracket does not move with it.
        for _ in 0..round % 3 {
            assert_eq!(append(&*log, &record(next)), next);
            next += 1;
        }
        let first = next;
        let mut bracket = log.bracket(1, record(first).len()).unwrap();
        while next < first + 10 * round + 1 {
            bracket.reserve(1, record(next).len()).unwrap();
            assert_eq!(bracket.append(&[&record(next)]), next);
            next += 1;
        }
        assert!(log.sealed() < first || round == 0, "{} lies within the bracket from {first} on", log.sealed());
        drop(bracket);
        if round % 2 == 0 {
            place.keep(&*log, next - 1);
        }
    }
    place.keep(&*log, next - 1);
    drop(log);
    assert_eq!(replay(&*place.open(), 0), numbered(1..=next - 1));
}

fn a_bracket_that_grew_is_whole_or_gone(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    (1..=3).for_each(|position| assert_eq!(append(&*log, &record(position)), position));
    place.keep(&*log, 3);
    assert_eq!(append(&*log, &record(4)), 4);
    let mut bracket = log.bracket(0, 0).unwrap();
    for position in 5..=60 {
        bracket.reserve(1, record(position).len()).unwrap();
        assert_eq!(bracket.append(&[&record(position)]), position);
    }
    drop(bracket);
    drop(log);
    let records = replay(&*place.open(), 0);
    assert!([3, 4, 60].contains(&records.len()), "{} records: a part of the bracket", records.len());
    assert_eq!(records, numbered(1..=records.len() as u64));
}

fn replay_begins_after_the_position_asked_for(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    (1..=100).for_each(|position| assert_eq!(append(&*log, &record(position)), position));
    log.close().unwrap();
    assert_eq!(replay(&*place.open(), 60), numbered(61..=100));
    assert_eq!(replay(&*place.open(), 100), []);
    let log = place.open();
    assert_eq!(replay(&*log, 130), []);
    assert_eq!(append(&*log, b""), 131, "positions that somebody else remembers are not given out");
}

fn an_error_of_the_reader_ends_replay(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    (1..=9).for_each(|position| assert_eq!(append(&*log, &record(position)), position));
    log.close().unwrap();
    let refusal = Error::new(Kind::Invalid, "enough");
    let mut seen = 0;
    let result = place.open().replay(0, &mut |position, _| {
        seen = position;
        if position == 4 { Err(refusal.clone()) } else { Ok(()) }
    });
    assert_eq!((result, seen), (Err(refusal), 4));
    assert_eq!(replay(&*place.open(), 0), numbered(1..=9));
}

fn marks_keep_their_order(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    for round in 1..=40 {
        append(&*log, &record(round));
        match round % 4 {
            0 => assert!(log.sync().unwrap() >= round && log.synced() >= round),
            1 => log.seal(round).unwrap(),
            _ => {}
        }
        assert!(log.synced() <= log.sealed() && log.sealed() <= log.last());
    }
    let facts = log.facts();
    assert_eq!((facts.last, facts.sealed, facts.synced, facts.first), (40, 40, 40, 1));
    assert!(facts.syncs >= 1 && facts.batches >= 10 && facts.appended_bytes > 0 && facts.live_bytes > 0);
    let before = log.facts();
    log.seal(40).unwrap();
    assert_eq!(log.sync(), Ok(40));
    assert_eq!(log.facts().batches, before.batches, "there was nothing to seal");
}

fn cut_keeps_what_was_not_cut(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    for position in 1..=400 {
        append(&*log, &record(position));
        if position % 50 == 0 {
            place.keep(&*log, position);
            log.cut(position - 20).unwrap();
            assert!(log.facts().first <= position - 20);
        }
    }
    place.keep(&*log, 400);
    drop(log);
    let log = place.open();
    assert_eq!(replay(&*log, 379), numbered(380..=400));
    assert_eq!(append(&*log, b""), 401);
}

fn a_closed_log_refuses(place: Place) {
    let log = place.open();
    replay(&*log, 0);
    append(&*log, &record(1));
    log.close().unwrap();
    assert_eq!(log.close(), Ok(()), "closing twice is closing");
    assert_eq!(log.append(&[b"late"]).unwrap_err().kind(), Kind::Closed);
    assert_eq!(log.bracket(1, 4).map(|_| ()).unwrap_err().kind(), Kind::Closed);
    assert_eq!(log.admit(1).unwrap_err().kind(), Kind::Closed);
    assert_eq!(log.maintain().unwrap_err().kind(), Kind::Closed);
    assert_eq!(log.cut(1).unwrap_err().kind(), Kind::Closed);
    assert_eq!((log.last(), log.sealed(), log.synced()), (1, 1, 1));
    assert_eq!(replay(&*place.open(), 0), numbered(1..=1));
}

fn many_openings(place: Place) {
    let mut last = 0;
    for opening in 0..12 {
        let log = place.open();
        assert_eq!(replay(&*log, 0), numbered(1..=last));
        for _ in 0..opening % 4 {
            last += 1;
            assert_eq!(append(&*log, &record(last)), last);
        }
        place.keep(&*log, last);
        if opening % 3 == 0 {
            log.close().unwrap();
        }
    }
}

fn many_threads(place: Place) {
    const EACH: u64 = 200;
    let log = place.open();
    replay(&*log, 0);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..EACH {
                    let position = append(&**log, &[&[thread], &number.to_le_bytes()[..]].concat());
                    match number % 20 {
                        0 => assert!(log.sync().unwrap() >= position),
                        _ => log.seal(position).unwrap(),
                    }
                    if number % 20 == 1 {
                        log.maintain().unwrap();
                    }
                    assert!(log.sealed() >= position);
                }
            });
        }
    });
    place.keep(&*log, 4 * EACH);
    drop(log);
    let records = replay(&*place.open(), 0);
    assert!(records.iter().map(|record| record.0).eq(1..=4 * EACH));
    for thread in 0..4u8 {
        let own = records.iter().filter(|(_, record)| record[0] == thread).map(|(_, record)| record[1..].to_vec());
        assert!(own.eq((0..EACH).map(|number| number.to_le_bytes().to_vec())), "the records of a thread stay in order");
    }
}
