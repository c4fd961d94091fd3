//! Connections, pipelines and waits, over real sockets with a toy in the engine's place.

mod toy;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use kvark_engine::Durability;
use kvark_server::{Listen, Port, Server, Turns};
use toy::{Client, Toy, eventually, fact, start};

#[test]
fn a_pipeline_is_answered_in_order_however_it_is_cut() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let mut client = Client::new(&server);
    client.ask(
        "PING\r\nSET k \"a b\"\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nGET x\r\n",
        "+PONG\r\n+OK\r\n$3\r\na b\r\n$-1\r\n",
    );
    for piece in ["*3\r", "\n$3\r\nS", "ET\r\n$1\r\nk\r\n$5\r\nhel", "lo\r", "\nGET k\r", "\n"] {
        client.send(piece);
        std::thread::sleep(Duration::from_millis(2));
    }
    client.expect("+OK\r\n$5\r\nhello\r\n");
}

#[test]
fn many_connections_on_all_loops_are_served() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 3);
    let mut clients: Vec<Client> = (0..50).map(|_| Client::new(&server)).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&format!("SET k{number} {round}\r\nGET k{number}\r\n"));
        }
        clients.iter_mut().for_each(|client| client.expect(&format!("+OK\r\n$1\r\n{round}\r\n")));
    }
    assert_eq!(fact(&toy, "clients", "connected_clients"), 50);
    assert_eq!(fact(&toy, "stats", "total_connections_received"), 50);
    eventually(|| fact(&toy, "stats", "total_net_output_bytes") >= 50 * 3 * 12);
    drop(clients);
    eventually(|| fact(&toy, "clients", "connected_clients") == 0);
}

#[test]
fn a_long_pipeline_comes_back_whole() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let client = Client::new(&server);
    let mut writer = client.0.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for number in 0..200_000 {
            writer.write_all(format!("LEN {number}\r\n").as_bytes()).unwrap();
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut answers = String::new();
    (&client.0).read_to_string(&mut answers).unwrap();
    sender.join().unwrap();
    assert!(answers.lines().eq((0..200_000u32).map(|number| format!(":{}", 3 + number.to_string().len()))));
}

#[test]
fn arguments_larger_than_every_buffer_arrive() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    for len in [10_000, 65_536, 300_000, 5_000_000] {
        let value = "v".repeat(len);
        client.send(&format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${len}\r\n{value}\r\nGET k\r\nPING\r\n"));
        client.expect(&format!("+OK\r\n${len}\r\n{value}\r\n+PONG\r\n"));
    }
}

#[test]
fn a_client_that_closes_its_side_is_answered_first() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let client = Client::new(&server);
    (&client.0).write_all(b"SET a 1\r\nGET a\r\n").unwrap();
    client.0.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    (&client.0).read_to_string(&mut answers).unwrap();
    assert_eq!(answers, "+OK\r\n$1\r\n1\r\n");
}

#[test]
fn a_protocol_error_is_answered_behind_what_came_before_it() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.ask("PING\r\n*1\r\n!\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    client.expect_end();
    let mut client = Client::new(&server);
    client.ask("PARK 30\r\nPING\r\n*x\r\n", ":0\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n");
    client.expect_end();
}

#[test]
fn quit_answers_and_closes() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.ask("PING\r\nQUIT\r\nPING\r\n", "+PONG\r\n+OK\r\n");
    let mut rest = Vec::new();
    client.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn a_parked_command_waits_for_its_deadline_without_a_thread() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let (mut parked, mut other) = (Client::new(&server), Client::new(&server));
    parked.send("SET k 1\r\nPARK 150\r\nGET k\r\n");
    parked.expect("+OK\r\n");
    other.ask("PING\r\n", "+PONG\r\n");
    eventually(|| fact(&toy, "clients", "blocked_clients") == 1);
    parked.expect(":0\r\n$1\r\n1\r\n");
    eventually(|| fact(&toy, "clients", "blocked_clients") == 0);
}

#[test]
fn a_parked_command_is_resumed_by_its_position() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.send("PARK 60000 7\r\nPING\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 7);
    toy.sync(6);
    client.expect_silence();
    toy.sync(7);
    client.expect(":1\r\n+PONG\r\n");
    client.ask("PARK 60000 7\r\n", ":1\r\n");
}

#[test]
fn a_client_that_goes_while_parked_is_forgotten() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.send("PARK 60000\r\n");
    eventually(|| fact(&toy, "clients", "blocked_clients") == 1);
    drop(client);
    eventually(|| fact(&toy, "clients", "connected_clients") == 0);
    eventually(|| fact(&toy, "clients", "blocked_clients") == 0);
    // Request and end arrive together, while the loop does not look.
    let mut busy = Client::new(&server);
    let client = Client::new(&server);
    eventually(|| fact(&toy, "clients", "connected_clients") == 2);
    busy.send("NAP 100\r\n");
    (&client.0).write_all(b"PARK 60000\r\n").unwrap();
    client.0.shutdown(Shutdown::Write).unwrap();
    eventually(|| fact(&toy, "clients", "connected_clients") == 1);
}

#[test]
fn a_held_request_is_tried_again_and_keeps_its_place() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    toy.holds.store(3, SeqCst);
    client.ask("PING\r\nHOLD\r\nSET k 1\r\nGET k\r\n", "+PONG\r\n+PONG\r\n+OK\r\n$1\r\n1\r\n");
    assert_eq!(toy.holds.load(SeqCst), 0);
    toy.holds.store(1, SeqCst);
    client.send("HOLD long\r\nPING\r\n");
    eventually(|| toy.holds.load(SeqCst) == 0);
    client.expect_silence();
    toy.world().sessions.all()[0].wake();
    client.expect("+PONG\r\n+PONG\r\n");
}

#[test]
fn a_killed_client_is_closed() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let (mut first, mut second) = (Client::new(&server), Client::new(&server));
    first.ask("PING\r\n", "+PONG\r\n");
    second.ask("PING\r\n", "+PONG\r\n");
    let address = first.0.local_addr().unwrap().to_string();
    let peer = toy.world().sessions.all().into_iter().find(|peer| peer.address == address).expect("it is listed");
    peer.kill();
    first.expect_end();
    second.ask("PING\r\n", "+PONG\r\n");
    assert_eq!(toy.world().sessions.len(), 1);
}

#[test]
fn what_others_see_of_a_client_is_kept() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let mut client = Client::new(&server);
    client.ask("PING\r\nPING\r\n", "+PONG\r\n+PONG\r\n");
    let peer = &toy.world().sessions.all()[0];
    assert_eq!(peer.received_bytes.load(SeqCst), 12);
    eventually(|| peer.sent_bytes.load(SeqCst) == 14);
    assert_eq!((peer.commands.load(SeqCst), peer.output_bytes.load(SeqCst)), (2, 0));
    assert_eq!(peer.local_address, server.addresses()[0]);
    assert_eq!(toy.world().settings.number("port"), i64::from(server.local_port().unwrap()));
    assert!(peer.fd > 0);
}

#[test]
fn stopping_sends_what_was_answered_and_closes() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let mut client = Client::new(&server);
    client.ask("PING\r\n", "+PONG\r\n");
    server.stop();
    server.stop();
    client.expect_end();
    assert!(TcpStream::connect(("127.0.0.1", server.local_port().unwrap())).is_err());
    assert!(toy.world().sessions.is_empty());
    server.wait().unwrap();
}

#[test]
fn waiting_ends_when_shutdown_is_asked_for() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    assert!(!server.wait_for(Duration::from_millis(10)).unwrap());
    let world = Arc::clone(toy.world());
    let asker = std::thread::spawn(move || world.request_shutdown());
    server.wait().unwrap();
    asker.join().unwrap();
}

#[test]
fn a_bug_in_a_turn_ends_the_serving_and_is_told() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let (mut first, mut second) = (Client::new(&server), Client::new(&server));
    first.ask("PING\r\n", "+PONG\r\n");
    second.send("BUG\r\n");
    let error = server.wait().expect_err("it has failed");
    assert!(error.message().contains("a bug on purpose"), "{error}");
    second.expect_end();
    first.expect_end();
}

#[test]
fn a_port_in_use_is_told_with_its_address() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let taken = Listen { port: Port::Fixed(server.local_port().unwrap()), ..Listen::any_port() };
    let error = Server::start(Arc::clone(&toy), taken).expect_err("it is taken");
    assert_eq!(error.kind(), kvark_base::Kind::Busy);
    assert!(error.message().contains(&server.addresses()[0]), "{error}");
}

#[test]
fn several_addresses_share_a_free_port() {
    let toy = Toy::new(Durability::Os);
    let bind = vec!["127.0.0.1".to_owned(), "-::1".to_owned()];
    let server = Server::start(toy, Listen { bind, threads: 1, ..Listen::any_port() }).unwrap();
    for address in server.addresses() {
        let mut client = Client(TcpStream::connect(&address).unwrap());
        client.ask("PING\r\n", "+PONG\r\n");
    }
}
