//! Takes connections in and deals them to the loops.
//!
//! One loop accepts for all: then every loop gets as many connections as its neighbour, and `maxclients` has one place.
//! (Several listeners on one port let the kernel deal by hash, which leaves loops idle when there are few clients.)

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kvark_base::Millis;
use kvark_call::Session;
use mio::{Registry, Token};

use crate::Turns;
use crate::connection::Connection;
use crate::event_loop::EventLoop;
use crate::listen::{self, Listener};
use crate::rules::Rules;
use crate::stream::Stream;

/// The least token of a listener; connections have their slots as tokens.
const FIRST_TOKEN: usize = usize::MAX - 65_536;
/// Connections that are taken in before those that are there are served again.
const MOST_PER_TURN: usize = 256;
/// How long to wait when the process has no file descriptors left.
const RETRY_MS: Millis = 100;

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";
const PROTECTED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is \
set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect \
from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the \
command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is \
running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this \
change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and \
setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for \
testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password for the default user. \
NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\
\r\n";

/// A connection that nobody serves yet.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub stream: Stream,
    pub address: String,
    pub local_address: String,
    /// Whether it comes from this machine.
    pub local: bool,
}

/// The listening sockets, with the loop whose turn it is to get a connection.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listeners: Vec<Listener>,
    next_loop: usize,
    /// Somebody may be waiting to be accepted.
    waiting: bool,
    /// The process had no file descriptors: try again then.
    pub retry_ms: Option<Millis>,
}

impl Acceptor {
    pub fn new(mut listeners: Vec<Listener>, registry: &Registry) -> io::Result<Self> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            listener.watch(registry, Token(FIRST_TOKEN + index))?;
        }
        Ok(Self { listeners, next_loop: 0, waiting: false, retry_ms: None })
    }

    /// Whether there is something to do without a new event.
    pub fn has_work(&self) -> bool {
        self.waiting && self.retry_ms.is_none()
    }

    /// Takes in who waits.
    fn accept(&mut self, now_ms: Millis) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        if !self.waiting || self.retry_ms.is_some_and(|retry_ms| now_ms < retry_ms) {
            return arrivals;
        }
        self.retry_ms = None;
        self.waiting = false;
        for listener in &self.listeners {
            loop {
                if arrivals.len() == MOST_PER_TURN {
                    self.waiting = true;
                    return arrivals;
                }
                match listener.accept() {
                    Ok(arrival) => arrivals.push(arrival),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_passing(&error) => {}
                    Err(_) => {
                        self.waiting = true;
                        self.retry_ms = Some(now_ms + RETRY_MS);
                        break;
                    }
                }
            }
        }
        arrivals
    }
}

/// Whether only this one connection failed.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}

/// What a client is told that may not come in.
fn refusal(rules: &Rules, local: bool, connected: usize) -> Option<&'static [u8]> {
    if connected >= rules.max_clients {
        return Some(TOO_MANY);
    }
    (rules.local_only && !local).then_some(PROTECTED)
}

impl<E: Turns> EventLoop<E> {
    /// Whether `token` belongs to a listener; if so, somebody waits there.
    pub fn is_listener(&mut self, token: Token) -> bool {
        let listening = token.0 >= FIRST_TOKEN;
        if let Some(acceptor) = self.acceptor.as_mut().filter(|_| listening) {
            acceptor.waiting = true;
        }
        listening
    }

    /// Takes in who waits, and deals them out.
    pub fn accept(&mut self) {
        let Some(acceptor) = &mut self.acceptor else { return };
        for arrival in acceptor.accept(self.now_ms) {
            if let Some(text) = refusal(&self.rules, arrival.local, self.shared.connected.load(Relaxed)) {
                self.engine.world().sessions.rejected.fetch_add(1, Relaxed);
                // The client goes either way; who can't take this line at once does without.
                let _ = arrival.stream.send(text);
                continue;
            }
            self.shared.connected.fetch_add(1, Relaxed);
            let Some(acceptor) = &mut self.acceptor else { return };
            let to = acceptor.next_loop % self.shared.mailboxes.len();
            acceptor.next_loop = to + 1;
            if to == self.index { self.adopt(arrival) } else { self.shared.mailboxes[to].send(arrival) }
        }
    }

    /// Serves a connection from now on.
    pub fn adopt(&mut self, arrival: Arrival) {
        let Arrival { mut stream, address, local_address, .. } = arrival;
        let slot = self.slots.vacant();
        listen::tune(&stream, self.rules.keepalive_seconds);
        if stream.watch(self.poll.registry(), Token(slot), false, false).is_err() {
            self.shared.connected.fetch_sub(1, Relaxed);
            return;
        }
        let mailbox = Arc::clone(&self.mailbox);
        let wake = Box::new(move || mailbox.nudge(slot));
        let sessions = &self.engine.world().sessions;
        let peer = sessions.register(address, local_address, stream.fd(), self.now_ms, wake);
        let session = Session::new(peer, !self.rules.has_password).taking_deliveries().among_others();
        let conn = Connection::new(stream, session, listen::protocol(), self.now_ms);
        self.slots.put(slot, Box::new(conn));
    }
}

#[cfg(test)]
mod tests {
    use kvark_call::Settings;

    use super::*;

    #[test]
    fn strangers_are_turned_away_while_there_is_no_password() {
        let settings = Settings::default();
        assert_eq!(refusal(&Rules::new(&settings), true, 0), None);
        assert_eq!(refusal(&Rules::new(&settings), false, 0), Some(PROTECTED));
        settings.set("requirepass", "secret").unwrap();
        assert_eq!(refusal(&Rules::new(&settings), false, 0), None);
        settings.set("requirepass", "").unwrap();
        settings.set("protected-mode", "no").unwrap();
        assert_eq!(refusal(&Rules::new(&settings), false, 0), None);
    }
}
