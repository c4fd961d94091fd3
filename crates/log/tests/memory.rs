//! The log in memory meets the contract.

use kvark_base::Kind;
use kvark_log::memory::{MemoryLog, Shelf};
use kvark_log::{Log, suite};

#[test]
fn the_log_in_memory_meets_the_contract() {
    suite::run(&|| {
        let shelf = Shelf::default();
        suite::Place::sealed(move || Box::new(MemoryLog::on(&shelf)))
    });
}

#[test]
fn a_volatile_log_counts_and_keeps_nothing() {
    let log = MemoryLog::volatile();
    assert_eq!(log.replay(41, &mut |_, _| panic!("nothing is kept")).unwrap().last, 41);
    assert_eq!(log.append(&[b"a", b"b"]), Ok(42));
    assert_eq!(log.bracket(2, 2).unwrap().append(&[b"c"]), 43);
    assert_eq!(log.seal(43), Ok(()));
    assert_eq!((log.last(), log.sealed(), log.synced(), log.sync()), (43, 43, 43, Ok(43)));
    assert_eq!(log.facts().live_bytes, 0);
    log.close().unwrap();
    assert_eq!(log.append(&[b"late"]).unwrap_err().kind(), Kind::Closed);
}

#[test]
fn records_that_were_cut_are_missed() {
    let shelf = Shelf::default();
    let log = MemoryLog::on(&shelf);
    log.replay(0, &mut |_, _| Ok(())).unwrap();
    (0..5).for_each(|_| drop(log.append(&[b"x"])));
    log.seal(5).unwrap();
    log.cut(4).unwrap();
    let error = MemoryLog::on(&shelf).replay(1, &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
}
