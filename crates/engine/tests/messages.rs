//! What a client that listens reads, and when, between its own answers.

use std::sync::Arc;

use kvark_call::request::OwnedRequest;
use kvark_call::{Session, Settings, World};
use kvark_commands::examples::{ReplyCollector, split_line};
use kvark_engine::{Engine, OpenOptions};

fn engine() -> Arc<Engine> {
    Engine::open(&OpenOptions::in_memory(), Settings::default()).unwrap()
}

fn listener(world: &World) -> Session {
    let peer = world.sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, Box::new(|| {}));
    Session::new(peer, true).taking_deliveries()
}

fn ask(engine: &Arc<Engine>, session: &mut Session, line: &str) -> String {
    let mut sink = ReplyCollector::default();
    engine.execute(session, &OwnedRequest::new(split_line(line)), &mut sink).unwrap();
    sink.show().replace('\n', " ")
}

fn message(text: &str) -> String {
    format!("1) \"message\" 2) \"a\" 3) \"{text}\"")
}

#[test]
fn a_message_comes_before_the_answer_to_what_was_asked_later() {
    let engine = engine();
    let mut session = listener(engine.world());
    assert_eq!(ask(&engine, &mut session, "SUBSCRIBE a"), "1) \"subscribe\" 2) \"a\" 3) (integer) 1");
    assert_eq!(ask(&engine, &mut session, "PING"), "1) \"pong\" 2) \"\"");
    engine.world().channels.publish(b"a", b"x", &engine.world().settings);
    assert_eq!(ask(&engine, &mut session, "PING"), format!("{} 1) \"pong\" 2) \"\"", message("x")));
    engine.world().channels.publish(b"a", b"y", &engine.world().settings);
    let last = ask(&engine, &mut session, "UNSUBSCRIBE");
    assert_eq!(last, format!("{} 1) \"unsubscribe\" 2) \"a\" 3) (integer) 0", message("y")));
    assert_eq!(ask(&engine, &mut session, "PING"), "PONG");
}

#[test]
fn who_wants_no_answers_is_still_told_messages_and_what_it_listens_to() {
    let engine = engine();
    let mut session = listener(engine.world());
    ask(&engine, &mut session, "HELLO 3");
    assert_eq!(ask(&engine, &mut session, "CLIENT REPLY OFF"), "");
    assert_eq!(ask(&engine, &mut session, "SUBSCRIBE a"), "1) \"subscribe\" 2) \"a\" 3) (integer) 1");
    assert_eq!(ask(&engine, &mut session, "PUBLISH a x"), message("x"));
    assert_eq!(ask(&engine, &mut session, "GET k"), "");
    assert_eq!(ask(&engine, &mut session, "UNSUBSCRIBE a"), "1) \"unsubscribe\" 2) \"a\" 3) (integer) 0");
}
