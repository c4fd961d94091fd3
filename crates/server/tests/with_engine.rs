//! The server with the engine behind it: what was answered is there after a stop, at every level that promises it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kvark_call::Settings;
use kvark_engine::{Durability, Engine, OpenOptions};
use kvark_server::{Listen, Server};

fn open(path: &Path, durability: Durability) -> (Arc<Engine>, Server) {
    let options = OpenOptions { durability, shards: 4, segment_len_bytes: 4 << 20, ..OpenOptions::at(path) };
    let engine = Engine::open(&options, Settings::default()).expect("the store opens");
    let server = Server::start(Arc::clone(&engine), Listen { threads: 2, ..Listen::any_port() }).expect("a free port");
    (engine, server)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.local_port().unwrap())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

#[track_caller]
fn ask(mut stream: &TcpStream, request: &str, expected: &str) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), expected);
}

#[test]
fn what_was_answered_is_there_after_a_restart() {
    for durability in [Durability::Os, Durability::Disk] {
        let folder = tempfile::tempdir().unwrap();
        let (engine, server) = open(folder.path(), durability);
        let clients: Vec<TcpStream> = (0..8).map(|_| connect(&server)).collect();
        for (number, client) in clients.iter().enumerate() {
            ask(
                client,
                &format!("SET k{number} first\r\nSET k{number} v{number}\r\nGET k{number}\r\n"),
                &format!("+OK\r\n+OK\r\n$2\r\nv{number}\r\n"),
            );
        }
        ask(&clients[3], "GET k5\r\n", "$2\r\nv5\r\n");
        server.stop();
        engine.close().unwrap();
        let (engine, server) = open(folder.path(), durability);
        let client = connect(&server);
        (0..8).for_each(|number| ask(&client, &format!("GET k{number}\r\n"), &format!("$2\r\nv{number}\r\n")));
        server.stop();
        engine.close().unwrap();
    }
}

/// More than one turn's worth of requests, windows and buffers, through both sides' backpressure.
#[test]
fn a_long_pipeline_of_writes_and_reads_keeps_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, server) = open(folder.path(), Durability::Os);
    let client = connect(&server);
    let requests: String = (0..20_000).map(|n| format!("SET k{} {n}\r\nGET k{}\r\n", n % 97, n % 97)).collect();
    let expected: String = (0..20_000).map(|n| format!("+OK\r\n${}\r\n{n}\r\n", n.to_string().len())).collect();
    let mut writer = client.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(requests.as_bytes()).unwrap());
    ask(&client, "", &expected);
    sender.join().unwrap();
    server.stop();
    engine.close().unwrap();
}
