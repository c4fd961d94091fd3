//! When an answer may leave: never before the log is where its writes are.

mod toy;

use std::sync::atomic::Ordering::SeqCst;

use kvark_engine::Durability;
use toy::{Client, Toy, eventually, start};

#[test]
fn at_level_disk_answers_wait_for_their_sync_and_pipelines_flow() {
    let toy = Toy::new(Durability::Disk);
    let server = start(&toy, 1);
    let (mut writer, mut reader) = (Client::new(&server), Client::new(&server));
    writer.ask("PING\r\n", "+PONG\r\n");
    writer.send("GET k\r\nSET k 1\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 1);
    writer.send("SET k 2\r\nGET k\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 2);
    // What depends on nothing leaves for others, and nothing overtakes within one connection.
    reader.ask("PING\r\n", "+PONG\r\n");
    writer.expect_silence();
    toy.sync(1);
    writer.expect("$-1\r\n+OK\r\n");
    writer.expect_silence();
    toy.sync(2);
    writer.expect("+OK\r\n$1\r\n2\r\n");
}

#[test]
fn at_level_os_answers_wait_for_the_seal_of_their_turn_only() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.ask("SET k 1\r\nSET k 2\r\nSET k 3\r\n", "+OK\r\n+OK\r\n+OK\r\n");
    assert_eq!((toy.seals.load(SeqCst), toy.wanted.load(SeqCst)), (1, 0));
    client.ask("GET k\r\n", "$1\r\n3\r\n");
    assert_eq!(toy.seals.load(SeqCst), 1);
}

#[test]
fn a_failed_seal_is_never_answered_with_ok() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let (mut writer, mut reader) = (Client::new(&server), Client::new(&server));
    toy.seal_fails.store(true, SeqCst);
    writer.ask("SET k 1\r\nSET k 2\r\n", "-MISCONF the log is lost\r\n");
    writer.expect_end();
    reader.ask("GET k\r\n", "$1\r\n2\r\n");
}

#[test]
fn a_log_that_fails_while_answers_wait_takes_them_back() {
    let toy = Toy::new(Durability::Disk);
    let server = start(&toy, 1);
    let (mut first, mut second) = (Client::new(&server), Client::new(&server));
    first.send("SET k 1\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 1);
    second.send("PARK 60000 9\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 9);
    toy.fail();
    first.expect("-MISCONF the disk is gone\r\n");
    first.expect_end();
    second.expect("-MISCONF the disk is gone\r\n");
    second.expect_end();
}

#[test]
fn a_stop_does_not_let_gated_answers_out() {
    let toy = Toy::new(Durability::Disk);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.send("SET k 1\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 1);
    server.stop();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.0, &mut rest);
    assert_eq!(rest, b"");
}
