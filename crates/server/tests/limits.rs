//! What clients may not do: too many, too much, too slow, too quiet, from too far.

mod toy;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use kvark_base::Kind;
use kvark_engine::Durability;
use kvark_server::{Listen, Port, Server, Turns};
use toy::{Client, Toy, eventually, fact, start};

#[test]
fn one_client_too_many_is_told_so() {
    let toy = Toy::with(Durability::Os, &[("maxclients", "2")]);
    let server = start(&toy, 2);
    let (mut first, mut second) = (Client::new(&server), Client::new(&server));
    first.ask("PING\r\n", "+PONG\r\n");
    second.ask("PING\r\n", "+PONG\r\n");
    let mut third = Client::new(&server);
    third.expect("-ERR max number of clients reached\r\n");
    third.expect_end();
    assert_eq!(fact(&toy, "stats", "rejected_connections"), 1);
    drop(first);
    eventually(|| fact(&toy, "clients", "connected_clients") == 1);
    Client::new(&server).ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn an_endless_request_is_cut_off() {
    let toy = Toy::with(Durability::Os, &[("client-query-buffer-limit", "1mb")]);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.send("*1000\r\n");
    let argument = format!("$100000\r\n{}\r\n", "x".repeat(100_000));
    // It may be cut off in the middle of a write.
    let _ = (0..30).try_for_each(|_| client.0.write_all(argument.as_bytes()));
    client.expect_end();
    assert_eq!(fact(&toy, "stats", "client_query_buffer_limit_disconnections"), 1);
}

#[test]
fn a_client_that_does_not_read_is_neither_executed_nor_kept_in_memory() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.ask("PING\r\n", "+PONG\r\n");
    client.send(&"BIG 100000\r\n".repeat(2000));
    let peer = toy.world().sessions.all().remove(0);
    let stands_still = || {
        let before = peer.commands.load(SeqCst);
        std::thread::sleep(Duration::from_millis(200));
        before > 1 && before == peer.commands.load(SeqCst)
    };
    eventually(stands_still);
    assert!(peer.commands.load(SeqCst) < 1000, "{:?}", peer.commands);
    assert!(peer.output_bytes.load(SeqCst) < 32 * 1024 * 1024, "{:?}", peer.output_bytes);
    // It is served on as soon as it reads.
    let len = (100_000 + "$100000\r\n\r\n".len()) * 2000;
    let received = std::io::copy(&mut (&client.0).take(len as u64), &mut std::io::sink()).unwrap();
    assert_eq!(received, len as u64);
}

#[test]
fn a_slow_reader_is_closed_at_its_limits() {
    for limit in ["normal 3mb 0 0", "normal 0 2mb 1"] {
        let toy = Toy::with(Durability::Os, &[("client-output-buffer-limit", limit)]);
        let server = start(&toy, 1);
        let mut client = Client::new(&server);
        let _ = (0..500).try_for_each(|_| client.0.write_all(b"BIG 100000\r\n"));
        eventually(|| fact(&toy, "stats", "client_output_buffer_limit_disconnections") == 1);
        client.expect_end();
    }
}

#[test]
fn a_silent_client_is_closed_after_the_timeout() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let (mut silent, mut parked) = (Client::new(&server), Client::new(&server));
    silent.ask("PING\r\n", "+PONG\r\n");
    parked.send("PARK 2500\r\n");
    eventually(|| fact(&toy, "clients", "blocked_clients") == 1);
    toy.world().settings.set("timeout", "1").unwrap();
    silent.expect_end();
    parked.expect(":0\r\n");
}

#[test]
fn a_client_without_the_password_is_read_one_request_at_a_time() {
    let toy = Toy::with(Durability::Os, &[("requirepass", "secret")]);
    let server = start(&toy, 1);
    let value = "x".repeat(20_000);
    let mut client = Client::new(&server);
    client.send(&format!("AUTH secret\r\n*2\r\n$3\r\nLEN\r\n$20000\r\n{value}\r\n"));
    client.expect("+OK\r\n:20003\r\n");
    let mut stranger = Client::new(&server);
    stranger.ask("*2\r\n$3\r\nLEN\r\n$20000\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n");
    stranger.expect_end();
}

/// A directory that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kvark-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn on_unix_socket(path: &std::path::Path) -> Listen {
    Listen { port: Port::None, unix_socket: Some((path.to_owned(), 0o600)), threads: 1, ..Listen::any_port() }
}

#[test]
fn a_unix_socket_has_its_permissions_and_goes_with_the_server() {
    let folder = Folder::new("unix");
    let path = folder.0.join("kvark.sock");
    let toy = Toy::new(Durability::Os);
    let server = Server::start(Arc::clone(&toy), on_unix_socket(&path)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((server.addresses(), server.local_port()), (vec![path.display().to_string()], None));
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    assert_eq!(toy.world().sessions.all()[0].address, format!("{}:0", path.display()));
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_stale_unix_socket_is_replaced_and_a_living_one_is_not() {
    let folder = Folder::new("stale");
    let path = folder.0.join("kvark.sock");
    let toy = Toy::new(Durability::Os);
    drop(UnixListener::bind(&path).unwrap());
    let server = Server::start(Arc::clone(&toy), on_unix_socket(&path)).unwrap();
    let error = Server::start(Arc::clone(&toy), on_unix_socket(&path)).expect_err("somebody answers there");
    assert_eq!(error.kind(), Kind::Busy);
    UnixStream::connect(&path).expect("the first one still listens");
    drop(server);
    std::fs::write(&path, "precious").unwrap();
    let error = Server::start(toy, on_unix_socket(&path)).expect_err("a file is there");
    assert_eq!((error.kind(), std::fs::read(&path).unwrap()), (Kind::Invalid, b"precious".to_vec()));
}

#[test]
fn nowhere_to_listen_is_an_error() {
    let listen = Listen { port: Port::None, ..Listen::any_port() };
    assert_eq!(Server::start(Toy::new(Durability::Os), listen).expect_err("nowhere").kind(), Kind::Invalid);
}
