//! Every example of the manual through the engine with real files: the answers are what the page says, and the store is
//! the same, digest by digest, after a restart from the log, after one from the tier, and after both together.
//!
//! A digest of the whole store is compared, because "is the key there?" stayed green when an effect was lost on purpose.

use std::path::Path;
use std::sync::Arc;

use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings};
use kvark_commands::examples::{Example, ReplyCollector, examples};
use kvark_engine::{Durability, Engine, OpenOptions};

fn open(dir: &Path) -> Arc<Engine> {
    let options =
        OpenOptions { shards: 4, segment_len_bytes: 1 << 20, durability: Durability::Os, ..OpenOptions::at(dir) };
    let settings = Settings::default();
    settings.set("enable-debug-command", "yes").unwrap();
    Engine::open(&options, settings).expect("the store opens")
}

fn session_of(engine: &Engine) -> Session {
    let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, Box::new(|| {}));
    Session::new(peer, true)
}

fn run(engine: &Arc<Engine>, example: &Example) {
    let mut session = session_of(engine);
    for step in &example.steps {
        let mut sink = ReplyCollector::default();
        engine.execute(&mut session, &OwnedRequest::new(&step.request), &mut sink).expect("the log takes it");
        let (shown, typed) = (sink.show(), step.request.concat());
        let typed = typed.escape_ascii();
        assert!(
            step.is_answered_by(&shown),
            "{}: {typed}\nthe page says:\n{}\nthe answer is:\n{shown}",
            example.command,
            step.reply
        );
    }
}

/// Deadlines of the examples lie in the future, but some are near: both sides look at the same moment.
fn digest(engine: &Engine, now_ms: u64) -> [u64; 2] {
    engine.keyspace().digest(now_ms)
}

fn reopened(engine: Arc<Engine>, dir: &Path) -> Arc<Engine> {
    engine.close().expect("it closes");
    drop(engine);
    open(dir)
}

#[test]
fn every_example_is_true_and_survives_restarts() {
    let folder = tempfile::tempdir().unwrap();
    for example in examples() {
        let dir = folder.path().join(example.command.replace('|', "-"));
        let engine = open(&dir);
        run(&engine, &example);
        let now_ms = engine.now_ms();
        let before = digest(&engine, now_ms);
        let engine = reopened(engine, &dir);
        assert_eq!(digest(&engine, now_ms), before, "{}: replayed from the log", example.command);
        engine.checkpoint().expect("a checkpoint");
        let engine = reopened(engine, &dir);
        assert_eq!(digest(&engine, now_ms), before, "{}: loaded from the tier", example.command);
        engine.close().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn all_examples_in_one_store_with_checkpoints_between_survive_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    for (number, example) in examples().iter().enumerate() {
        // Answers depend on an empty store and are checked above; here the effects count.
        let mut session = session_of(&engine);
        session.db = number as u32 % 16;
        for step in &example.steps {
            let mut sink = ReplyCollector::default();
            engine.execute(&mut session, &OwnedRequest::new(&step.request), &mut sink).expect("the log takes it");
        }
        if number % 7 == 3 {
            engine.checkpoint().expect("a checkpoint");
        }
        if number % 10 == 9 {
            let now_ms = engine.now_ms();
            let before = digest(&engine, now_ms);
            engine = reopened(engine, folder.path());
            assert_eq!(digest(&engine, now_ms), before, "after {}", example.command);
        }
    }
}

#[test]
fn a_store_in_memory_never_touches_the_directory_of_a_durable_one() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.set(0, b"k", b"v", &Default::default()).unwrap();
    engine.close().unwrap();
    drop(engine);
    let options = OpenOptions { durability: Durability::Memory, ..OpenOptions::at(folder.path()) };
    let Err(error) = Engine::open(&options, Settings::default()) else {
        panic!("it would lose what it is asked to keep")
    };
    assert!(error.message().contains("durable store"), "{error}");
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let Err(error) = Engine::open(&OpenOptions::at(folder.path()), Settings::default()) else { panic!("two owners") };
    assert_eq!(error.kind(), kvark_base::Kind::Busy);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    drop(engine);
    drop(open(folder.path()));
}
