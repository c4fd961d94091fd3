//! A client without a socket: what it reads is what a socket would have brought, and nothing waits but who reads.

mod toy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kvark_engine::Durability;
use kvark_server::{Pipe, Pipes, Turns};
use toy::Toy;

struct Client {
    pipe: Pipe<Toy>,
    woken: Arc<AtomicUsize>,
}

impl Client {
    fn new(toy: &Arc<Toy>) -> Self {
        let woken = Arc::new(AtomicUsize::new(0));
        let waking = Arc::clone(&woken);
        let wake = Box::new(move || _ = waking.fetch_add(1, SeqCst));
        Self { pipe: Pipe::open(Arc::clone(toy), Pipes::new(&**toy), false, wake), woken }
    }

    fn send(&mut self, bytes: &str) {
        assert!(self.pipe.send(bytes.as_bytes()), "it takes bytes");
    }

    /// Everything that can be read now.
    fn read(&mut self) -> String {
        let bytes = self.pipe.readable().to_vec();
        self.pipe.consume(bytes.len());
        String::from_utf8(bytes).unwrap()
    }

    fn ask(&mut self, bytes: &str) -> String {
        self.send(bytes);
        self.read()
    }

    /// Whether it was woken since the last look.
    fn was_woken(&self) -> bool {
        self.woken.swap(0, SeqCst) > 0
    }
}

#[test]
fn a_pipeline_is_answered_at_once_however_its_bytes_are_cut() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    assert_eq!(client.ask("SET k 1\r\nGET k\r\nPI"), "+OK\r\n$1\r\n1\r\n");
    assert_eq!((client.ask("N"), client.ask("G\r\n")), (String::new(), "+PONG\r\n".into()));
    let many = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(1000);
    let answers: String = many.as_bytes().chunks(7).map(|cut| client.ask(std::str::from_utf8(cut).unwrap())).collect();
    assert_eq!(answers, "$1\r\n1\r\n".repeat(1000));
}

#[test]
fn an_answer_may_be_read_in_parts() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    client.send("SET k hello\r\nGET k\r\n");
    assert_eq!(client.pipe.readable(), b"+OK\r\n$5\r\nhello\r\n");
    client.pipe.consume(6);
    assert_eq!(client.read(), "5\r\nhello\r\n");
}

#[test]
fn at_level_disk_answers_wait_for_their_sync_which_wakes() {
    let toy = Toy::new(Durability::Disk);
    let mut client = Client::new(&toy);
    assert_eq!(client.ask("GET k\r\n"), "$-1\r\n");
    assert_eq!(client.ask("SET k 1\r\nSET k 2\r\n"), "");
    assert_eq!(toy.wanted.load(SeqCst), 2);
    assert_eq!(client.ask("GET k\r\n"), "", "nothing overtakes");
    toy.sync(2);
    assert!(client.was_woken());
    client.pipe.proceed();
    assert_eq!(client.read(), "+OK\r\n+OK\r\n$1\r\n2\r\n");
    client.send("SET k 3\r\n");
    toy.fail();
    assert!(client.was_woken());
    client.pipe.proceed();
    assert_eq!(client.read(), "-MISCONF the disk is gone\r\n");
    assert!(client.pipe.has_ended() && !client.pipe.send(b"PING\r\n"));
}

#[test]
fn answers_that_could_not_be_sealed_are_taken_back() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    toy.seal_fails.store(true, SeqCst);
    assert_eq!(client.ask("SET k 1\r\nGET k\r\n"), "-MISCONF the log is lost\r\n");
    assert!(client.pipe.has_ended());
}

#[test]
fn what_comes_behind_a_parked_command_waits_with_it() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    assert_eq!(client.ask("PING\r\nPARK 20\r\nSET k 1\r\nGET k\r\n"), "+PONG\r\n");
    assert_eq!(client.ask("GET k\r\n"), "");
    assert!(client.pipe.until_ms().is_some() && client.pipe.has_news());
    toy::eventually(|| toy.world().clock.now_ms() >= client.pipe.until_ms().unwrap());
    client.pipe.proceed();
    assert_eq!(client.read(), ":0\r\n+OK\r\n$1\r\n1\r\n$1\r\n1\r\n");
    assert_eq!(client.pipe.until_ms(), None);
}

#[test]
fn a_parked_command_hears_of_its_position() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    assert_eq!(client.ask("PARK 60000 7\r\nPING\r\n"), "");
    toy.sync(6);
    assert!(client.was_woken());
    client.pipe.proceed();
    assert_eq!(client.read(), "");
    toy.sync(7);
    assert!(client.was_woken(), "it is called again");
    client.pipe.proceed();
    assert_eq!(client.read(), ":1\r\n+PONG\r\n");
    assert_eq!(client.ask("PARK 60000 7\r\n"), ":1\r\n", "what is synced already is no wait");
}

#[test]
fn a_held_command_is_tried_again() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    toy.holds.store(2, SeqCst);
    assert_eq!(client.ask("PING\r\nHOLD x\r\nPING\r\n"), "+PONG\r\n");
    client.pipe.proceed();
    assert_eq!((client.read(), client.pipe.until_ms().is_some()), (String::new(), true));
    client.pipe.proceed();
    assert_eq!((client.read(), client.pipe.until_ms()), ("+PONG\r\n+PONG\r\n".into(), None));
}

#[test]
fn messages_wake_and_come_behind_the_answers() {
    let toy = Toy::new(Durability::Os);
    let (mut listener, mut speaker) = (Client::new(&toy), Client::new(&toy));
    assert_eq!(listener.ask("LISTEN news\r\n"), "+OK\r\n");
    assert!(!listener.was_woken());
    assert_eq!(speaker.ask("SAY news hello\r\n"), ":1\r\n");
    assert!(listener.was_woken() && listener.pipe.has_news());
    let message = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    assert_eq!(listener.ask("PING\r\n"), format!("{message}+PONG\r\n"));
    assert_eq!(listener.ask("SAY news hello\r\n"), format!(":1\r\n{message}"));
}

#[test]
fn who_does_not_read_is_not_executed_further_and_loses_nothing() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    client.send(&"BIG 600000\r\n".repeat(300));
    let held = client.pipe.readable().len();
    assert!((1_000_000..100_000_000).contains(&held), "{held} bytes wait");
    let mut read = 0;
    while !client.pipe.readable().is_empty() {
        read += client.read().len();
        client.pipe.proceed();
    }
    assert_eq!(read, 300 * (600_000 + "$600000\r\n\r\n".len()));
}

#[test]
fn an_end_is_an_end_and_nobody_finds_it_any_more() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    assert_eq!(toy.world().sessions.len(), 1);
    assert_eq!(client.ask("QUIT\r\nPING\r\n"), "+OK\r\n");
    assert!(client.pipe.has_ended() && !client.pipe.send(b"PING\r\n"));
    let mut killed = Client::new(&toy);
    killed.send("PARK 60000\r\n");
    killed.pipe.peer().kill();
    assert!(killed.was_woken());
    killed.pipe.proceed();
    assert!(killed.pipe.has_ended());
    drop((client, killed));
    assert!(toy.world().sessions.is_empty());
}

#[test]
fn bytes_that_are_no_request_are_answered_and_end_it() {
    let toy = Toy::new(Durability::Os);
    let mut client = Client::new(&toy);
    let answer = client.ask("PING\r\n*1\r\n!4\r\nPING\r\n");
    assert!(answer.starts_with("+PONG\r\n-ERR Protocol error"), "{answer}");
    assert!(client.pipe.has_ended());
}
