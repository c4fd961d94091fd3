//! What a command may ask of the world around it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kvark_base::random::Random;
use kvark_base::{Clock, Millis};
use parking_lot::Mutex;

use crate::{Channels, FactSheet, Facts, Latency, Monitors, Session, Sessions, Settings, SlowLog, Tracking};

/// How a file of settings is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigFormat {
    /// `maxclients = 100`
    Toml,
    /// `maxclients 100`
    RedisConf,
}

/// The file that settings were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// How it is written.
    pub format: ConfigFormat,
}

/// Shared by all sessions of a store.
pub struct World {
    /// Time.
    pub clock: Clock,
    /// What was configured.
    pub settings: Settings,
    /// Where it was configured, if that was a file. Held while the file is written, so that one writes at a time.
    pub config_file: Mutex<Option<ConfigFile>>,
    /// A name for this run of the process: forty digits to the base 16.
    pub run_id: String,
    /// Who is connected.
    pub sessions: Sessions,
    /// Who listens to what.
    pub channels: Channels,
    /// Who is told every command.
    pub monitors: Monitors,
    /// Which commands took long.
    pub slowlog: SlowLog,
    /// Which events took long.
    pub latency: Latency,
    /// Who has read what.
    pub tracking: Tracking,
    facts: Mutex<Vec<Arc<dyn Facts>>>,
    shutdown: AtomicBool,
    on_shutdown: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl World {
    /// A world in which nobody has come yet.
    pub fn new(clock: Clock, settings: Settings) -> Self {
        Self {
            clock,
            settings,
            config_file: Mutex::default(),
            run_id: run_id(),
            sessions: Sessions::default(),
            facts: Mutex::default(),
            channels: Channels::default(),
            monitors: Monitors::default(),
            slowlog: SlowLog::default(),
            latency: Latency::default(),
            tracking: Tracking::default(),
            shutdown: AtomicBool::new(false),
            on_shutdown: Mutex::default(),
        }
    }

    /// Ends a session: its client has gone, and nobody finds it any more.
    pub fn part(&self, session: &mut Session) {
        self.channels.leave(session);
        self.monitors.leave(session);
        self.tracking.end(session);
        self.sessions.forget(session.peer.id);
    }

    /// Adds somebody who has something to tell in `INFO`.
    pub fn add_facts(&self, facts: Arc<dyn Facts>) {
        self.facts.lock().push(facts);
    }

    /// Everything that is known, section by section.
    pub fn facts(&self) -> FactSheet {
        let mut sheet = FactSheet::default();
        let tellers = self.facts.lock().clone();
        tellers.iter().for_each(|facts| facts.tell(&mut sheet));
        self.channels.tell(&mut sheet);
        self.tracking.tell(&mut sheet);
        sheet
    }

    /// Lets everybody look at their counts, to know how fast they grow.
    pub fn sample(&self, now_ms: Millis) {
        let tellers = self.facts.lock().clone();
        tellers.iter().for_each(|facts| facts.sample(now_ms));
    }

    /// Sets everybody's counters back to zero.
    pub fn reset_facts(&self) {
        self.facts.lock().clone().iter().for_each(|facts| facts.reset());
    }

    /// Asks the server to stop (`SHUTDOWN`); calls everybody who wanted to know.
    pub fn request_shutdown(&self) {
        self.shutdown.store(true, Ordering::Release);
        self.on_shutdown.lock().iter().for_each(|tell| tell());
    }

    /// Whether the server was asked to stop.
    pub fn shutdown_requested(&self) -> bool {
        self.shutdown.load(Ordering::Acquire)
    }

    /// Calls `tell` when the server is asked to stop.
    pub fn on_shutdown(&self, tell: Box<dyn Fn() + Send + Sync>) {
        self.on_shutdown.lock().push(tell);
    }
}

fn run_id() -> String {
    let mut random = Random::from_system();
    let mut digits: String = (0..3).map(|_| format!("{:016x}", random.next_u64())).collect();
    digits.truncate(40);
    digits
}
