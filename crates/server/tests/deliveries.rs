//! What one client has for another: it gets there in order, never inside an answer, and nobody waits for who is slow.

mod toy;

use std::io::Read;
use std::sync::atomic::Ordering::SeqCst;

use kvark_engine::Durability;
use kvark_server::Turns;
use toy::{Client, Toy, eventually, fact, start};

fn message(text: &str) -> String {
    format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n${}\r\n{text}\r\n", text.len())
}

#[test]
fn messages_come_in_order_to_clients_of_every_loop() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 3);
    let mut clients: Vec<Client> = (0..6).map(|_| Client::new(&server)).collect();
    clients.iter_mut().for_each(|client| client.ask("LISTEN news\r\n", "+OK\r\n"));
    let mut speaker = Client::new(&server);
    let mut told = String::new();
    for batch in 0..40 {
        let texts: Vec<String> = (0..50).map(|number| format!("{batch}-{number}")).collect();
        speaker.ask(&texts.iter().map(|text| format!("SAY news {text}\r\n")).collect::<String>(), &":6\r\n".repeat(50));
        told.extend(texts.iter().map(|text| message(text)));
    }
    clients.iter_mut().for_each(|client| client.expect(&told));
}

#[test]
fn a_message_waits_behind_the_answers_before_it() {
    let toy = Toy::new(Durability::Disk);
    let server = start(&toy, 2);
    let (mut listener, mut speaker) = (Client::new(&server), Client::new(&server));
    listener.ask("LISTEN news\r\n", "+OK\r\n");
    listener.send("SET k 1\r\n");
    eventually(|| toy.wanted.load(SeqCst) == 1);
    speaker.ask("SAY news late\r\n", ":1\r\n");
    listener.expect_silence();
    toy.sync(1);
    listener.expect(&format!("+OK\r\n{}", message("late")));
}

#[test]
fn a_message_reaches_a_client_whose_command_waits() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 1);
    let (mut listener, mut speaker) = (Client::new(&server), Client::new(&server));
    listener.ask("LISTEN news\r\n", "+OK\r\n");
    listener.send("PARK 400\r\n");
    eventually(|| fact(&toy, "clients", "blocked_clients") == 1);
    speaker.ask("SAY news now\r\n", ":1\r\n");
    listener.expect(&format!("{}:0\r\n", message("now")));
}

#[test]
fn a_listener_that_does_not_read_is_closed_and_nobody_else_waits() {
    let toy = Toy::with(Durability::Os, &[("client-output-buffer-limit", "pubsub 2mb 0 0")]);
    let server = start(&toy, 1);
    let (mut slow, mut fast, mut speaker) = (Client::new(&server), Client::new(&server), Client::new(&server));
    slow.ask("LISTEN news\r\n", "+OK\r\n");
    fast.ask("LISTEN news\r\n", "+OK\r\n");
    let (text, mut said) = ("x".repeat(100_000), 0);
    while toy.world().sessions.len() == 3 && said < 1000 {
        speaker.send(&format!("*3\r\n$3\r\nSAY\r\n$4\r\nnews\r\n$100000\r\n{text}\r\n"));
        fast.expect(&message(&text));
        said += 1;
    }
    assert!(said < 1000, "nobody was closed");
    assert_eq!(fact(&toy, "stats", "client_output_buffer_limit_disconnections"), 1);
    slow.expect_end();
    speaker.expect(&":2\r\n".repeat(said));
    speaker.ask("SAY news more\r\n", ":1\r\n");
    fast.expect(&message("more"));
}

#[test]
fn messages_do_not_pile_up_before_a_loop_that_is_busy() {
    let toy = Toy::with(Durability::Os, &[("client-output-buffer-limit", "pubsub 1mb 0 0")]);
    let server = start(&toy, 2);
    // Connections are dealt out in turn, so the listener and the sleeper share a loop.
    let mut clients: Vec<Client> = (0..3).map(|_| Client::new(&server)).collect();
    clients.iter_mut().for_each(|client| client.ask("PING\r\n", "+PONG\r\n"));
    let [listener, speaker, sleeper] = &mut clients[..] else { panic!("three") };
    listener.ask("LISTEN news\r\n", "+OK\r\n");
    sleeper.send("NAP 1500\r\n");
    std::thread::sleep(std::time::Duration::from_millis(100));
    let text = "x".repeat(100_000);
    for _ in 0..20 {
        speaker.ask(&format!("*3\r\n$3\r\nSAY\r\n$4\r\nnews\r\n$100000\r\n{text}\r\n"), ":1\r\n");
    }
    let listening = toy.world().sessions.all().into_iter().find(|peer| peer.is_listening()).expect("still listed");
    assert!(listening.is_killed() && listening.outbox.is_outgrown());
    let mut rest = Vec::new();
    // It gets nothing of what it did not fetch, only its end.
    listener.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 0);
    assert_eq!(fact(&toy, "stats", "client_output_buffer_limit_disconnections"), 1);
    assert_eq!(toy.world().channels.listeners(kvark_call::Topic::Channel, b"news"), 0);
}

#[test]
fn who_is_killed_or_goes_listens_no_more() {
    let toy = Toy::new(Durability::Os);
    let server = start(&toy, 2);
    let (mut killed, mut gone, mut speaker) = (Client::new(&server), Client::new(&server), Client::new(&server));
    killed.ask("LISTEN news\r\n", "+OK\r\n");
    toy.world().sessions.all()[0].kill();
    killed.expect_end();
    gone.ask("LISTEN news\r\n", "+OK\r\n");
    speaker.ask("SAY news a\r\n", ":1\r\n");
    drop(gone);
    eventually(|| toy.world().sessions.len() == 1);
    speaker.ask("SAY news b\r\n", ":0\r\n");
    assert_eq!(fact(&toy, "clients", "pubsub_clients"), 0);
}

#[test]
fn a_listener_may_be_silent_beyond_the_timeout() {
    let toy = Toy::with(Durability::Os, &[("timeout", "1")]);
    let server = start(&toy, 1);
    let (mut listener, mut silent) = (Client::new(&server), Client::new(&server));
    listener.ask("LISTEN news\r\n", "+OK\r\n");
    silent.ask("PING\r\n", "+PONG\r\n");
    silent.expect_end();
    Client::new(&server).ask("SAY news still\r\n", ":1\r\n");
    listener.expect(&message("still"));
}
