//! The server as its owner sees it: start, addresses, wait, stop.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, Release, SeqCst},
};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kvark_base::{Error, Kind, Result};
use mio::Poll;
use parking_lot::{Condvar, Mutex};

use crate::accept::Acceptor;
use crate::event_loop::{EventLoop, WAKER};
use crate::facts::{Counters, ServerFacts};
use crate::listen::{Listen, Listener, Port};
use crate::mailbox::Mailbox;
use crate::turns::Turns;

/// What the loops and their owner share.
pub(crate) struct Shared {
    pub mailboxes: Vec<Arc<Mailbox>>,
    pub counters: Vec<Counters>,
    pub addresses: Vec<String>,
    /// Connections now, those on their way to a loop included.
    pub connected: AtomicUsize,
    pub stopping: AtomicBool,
    pub local_port: Option<u16>,
    end: Mutex<End>,
    ended: Condvar,
}

/// How the serving ended.
#[derive(Debug, Default)]
struct End {
    /// Somebody wants it to end, or it has.
    asked: bool,
    /// The bug that ended it.
    failure: Option<Error>,
}

impl Shared {
    /// Tells those who wait that it is over.
    fn end(&self, failure: Option<Error>) {
        let mut end = self.end.lock();
        end.asked = true;
        end.failure = end.failure.take().or(failure);
        self.ended.notify_all();
    }

    /// What the loops have counted together.
    pub fn sum(&self, count: fn(&Counters) -> &AtomicU64) -> u64 {
        self.counters.iter().map(|counters| count(counters).load(Relaxed)).sum()
    }

    /// Makes every loop stop.
    fn stop(&self) {
        self.stopping.store(true, Release);
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake());
    }
}

/// A running server. Dropping it stops it; the engine stays open.
pub struct Server {
    shared: Arc<Shared>,
    addresses: Vec<String>,
    socket_path: Option<PathBuf>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The process whose threads these are. A child that came by `fork` has neither them nor a right to the sockets.
    process: u32,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens as `listen` says and serves `engine` on threads of its own.
    /// Errors: [`Kind::Busy`] where another program listens, [`Kind::Invalid`] for an address that makes no sense.
    pub fn start<E: Turns>(engine: Arc<E>, listen: Listen) -> Result<Self> {
        let bound = listen.bind()?;
        if let (Port::Any, Some(port)) = (listen.port, bound.port) {
            // Whoever asks for the setting wants to know where to connect.
            engine.world().settings.set("port", &port.to_string()).expect("a port is a port");
        }
        let failed = |source: &std::io::Error| Error::io("starting the event loops", source);
        let polls =
            (0..listen.threads()).map(|_| Poll::new()).collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
        let mailbox = |poll: &Poll| Mailbox::new(poll.registry(), WAKER).map(Arc::new);
        let shared = Arc::new(Shared {
            mailboxes: polls.iter().map(mailbox).collect::<Result<_, _>>().map_err(|e| failed(&e))?,
            counters: polls.iter().map(|_| Counters::default()).collect(),
            addresses: bound.addresses.clone(),
            connected: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            local_port: bound.port,
            end: Mutex::default(),
            ended: Condvar::new(),
        });
        let server = Self {
            shared: Arc::clone(&shared),
            addresses: bound.addresses,
            socket_path: bound.socket_path,
            threads: Mutex::default(),
            process: std::process::id(),
        };
        server.connect(&*engine);
        server.spawn(&engine, polls, bound.listeners).map_err(|e| failed(&e))?;
        Ok(server)
    }

    /// Makes the engine's news reach the loops, and the server's counts reach `INFO`.
    fn connect<E: Turns>(&self, engine: &E) {
        let shared = Arc::downgrade(&self.shared);
        engine.on_synced(Box::new(move || {
            let Some(shared) = shared.upgrade() else { return };
            let waiting = |mailbox: &&Arc<Mailbox>| mailbox.awaits_sync.load(SeqCst);
            shared.mailboxes.iter().filter(waiting).for_each(|mailbox| mailbox.wake());
        }));
        let shared = Arc::downgrade(&self.shared);
        engine.world().on_shutdown(Box::new(move || {
            if let Some(shared) = shared.upgrade() {
                shared.end(None);
            }
        }));
        engine.world().add_facts(Arc::new(ServerFacts::new(engine.world(), &self.shared)));
    }

    fn spawn<E: Turns>(&self, engine: &Arc<E>, polls: Vec<Poll>, listeners: Vec<Listener>) -> std::io::Result<()> {
        let mut listeners = Some(listeners);
        for (index, poll) in polls.into_iter().enumerate() {
            let acceptor = listeners.take().map(|listeners| Acceptor::new(listeners, poll.registry())).transpose()?;
            let (engine, shared) = (Arc::clone(engine), Arc::clone(&self.shared));
            let body = move || serve(engine, &shared, index, poll, acceptor);
            self.threads.lock().push(thread::Builder::new().name(format!("kvark-loop-{index}")).spawn(body)?);
        }
        Ok(())
    }

    /// Where it listens: `127.0.0.1:6379`, `[::1]:6379`, `/path/of.sock`.
    pub fn addresses(&self) -> Vec<String> {
        self.addresses.clone()
    }

    /// The TCP port, if it listens on one.
    pub fn local_port(&self) -> Option<u16> {
        self.shared.local_port
    }

    /// Blocks until somebody stops the server or asks for it (`SHUTDOWN`). The caller then stops it.
    /// Errors: an event loop has met a bug, and with it serving has ended.
    pub fn wait(&self) -> Result<()> {
        let mut end = self.shared.end.lock();
        while !end.asked {
            self.shared.ended.wait(&mut end);
        }
        end.failure.clone().map_or(Ok(()), Err)
    }

    /// As [`Server::wait`], but no longer than `time`; false when that has passed.
    pub fn wait_for(&self, time: Duration) -> Result<bool> {
        let mut end = self.shared.end.lock();
        if !end.asked {
            self.shared.ended.wait_for(&mut end, time);
        }
        end.failure.clone().map_or(Ok(end.asked), Err)
    }

    /// Accepts nobody more, finishes the turn, sends for about a second what can be sent, closes everything and joins
    /// its threads. Can be called again, and from any thread but the server's own; in a forked child it does nothing.
    pub fn stop(&self) {
        if std::process::id() != self.process {
            return std::mem::forget(std::mem::take(&mut *self.threads.lock()));
        }
        self.shared.stop();
        for thread in self.threads.lock().drain(..) {
            // A loop never unwinds: its panics are caught where it runs.
            let _ = thread.join();
        }
        if let Some(path) = &self.socket_path {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(path);
        }
        self.shared.end(None);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The body of a loop's thread. A bug in one ends all of them, because what it left behind in the engine is unknown.
fn serve<E: Turns>(engine: Arc<E>, shared: &Arc<Shared>, index: usize, poll: Poll, acceptor: Option<Acceptor>) {
    let run = || EventLoop::new(engine, Arc::clone(shared), index, poll, acceptor).run();
    let failure = match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => Error::io(format!("waiting for events in kvark-loop-{index}"), &error),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Error::new(
                Kind::Poisoned,
                format!("The server has stopped because kvark-loop-{index} met a bug ({text}); open the store again."),
            )
        }
    };
    shared.stop();
    shared.end(Some(failure));
}
