//! Who answers a script's `redis.call`: checks what a script may do, sees to it that the keys are held, runs the command.
//!
//! ```text
//! not known     holds all      kept to its keys: "contained", else "anything"
//! contained     holds its own  reaches further: "anything" from now on. Nothing done yet: it runs again.
//!                              Else it takes what it needs if nobody has it, and is refused if somebody does.
//! anything      holds all
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kvark_base::meanwhile;
use kvark_call::{FactSheet, Fault, Recording, Request};
use kvark_keyspace::Transaction;
use kvark_scripts::caller::Refused;
use kvark_scripts::{Beginning, Caller, Overdue, Program, Stop};

use crate::context::Context;
use crate::dispatch::{check_key, find_row};
use crate::monitor::Sender;
use crate::row::{Flags, Row};
use crate::transactions::Inner;

/// What was learned of a script; bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Learned(pub u8);

const CONTAINED: u8 = 1;
const ANYTHING: u8 = 2;
/// It asks what everybody knows (INFO).
const FACTS: u8 = 4;

impl Learned {
    pub fn keeps_to_its_keys(self) -> bool {
        self.0 & (CONTAINED | ANYTHING) == CONTAINED
    }

    pub fn wants_facts(self) -> bool {
        self.0 & FACTS != 0
    }
}

const KILLED: &str = "ERR Error running script: Script killed by user with SCRIPT KILL.";
const KILLED_FUNCTION: &str = "ERR Error running script: Script killed by user with FUNCTION KILL.";

/// What is run, and the command that said so.
#[derive(Clone, Copy)]
pub(super) struct Run<'r> {
    pub program: Program<'r>,
    pub command: &'r Request<'r>,
    /// It may not write.
    pub read_only: bool,
}

/// How a script stands in its surroundings.
pub(super) struct Hold {
    /// What everybody knew before a shard was held, if the script may ask.
    pub facts: Option<FactSheet>,
    /// It stands in a transaction, and can't be run again by itself.
    pub within: bool,
}

/// See the module.
pub(super) struct Host<'h, 'c, 'k, 't, 'a, K> {
    inner: Inner<'h, 'c, 'k, 't, 'a>,
    run: Run<'h>,
    declared: K,
    /// It holds every shard.
    holds_all: bool,
    /// It stands in a transaction, and can't be run again by itself.
    within: bool,
    /// It went beyond its keys.
    went_beyond: bool,
    /// It has done something that a second run would do again.
    acted: bool,
    /// When the clock was looked at first.
    started: Option<Duration>,
    /// It takes longer than it may.
    overdue: Option<Arc<Overdue>>,
}

impl<'h, 'c, 'k, 't, 'a, K: Iterator<Item = &'h [u8]> + Clone> Host<'h, 'c, 'k, 't, 'a, K> {
    pub fn new(
        ctx: &'h mut Context<'c, 'k>,
        transaction: &'t mut Transaction<'a>,
        hold: Hold,
        run: Run<'h>,
        declared: K,
    ) -> Self {
        let (holds_all, Hold { facts, within }) = (transaction.holds_all(), hold);
        let inner = Inner { ctx, transaction, facts, sender: Sender::Script };
        Self { inner, run, declared, holds_all, within, went_beyond: false, acted: false, started: None, overdue: None }
    }

    /// After a run: what it says of the next one.
    pub fn learn(&self) {
        let bit = if self.went_beyond { ANYTHING } else { CONTAINED };
        // A word on what everybody reads is written once.
        if self.run.program.learned().load(Ordering::Relaxed) & bit == 0 {
            self.run.program.learned().fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The row of a command that a script may call.
    fn row(&self, request: &Request<'_>) -> Result<&'static Row, Fault> {
        let row = find_row(request).ok_or(Fault::new("ERR Unknown Redis command called from script"))?;
        if !row.takes(request.len()) {
            return Err(Fault::new("ERR Wrong number of args calling Redis command from script"));
        }
        if row.flags.has(Flags::NOSCRIPT) {
            return Err(Fault::new("ERR This Redis command is not allowed from script"));
        }
        if self.run.read_only && (row.writes() || row.flags.has(Flags::MAY_REPLICATE)) {
            return Err(Fault::new("ERR Write commands are not allowed from read-only scripts."));
        }
        if row.writes() {
            row.keys(request).try_for_each(check_key)?;
        }
        Ok(row)
    }

    /// Sees to it that everything that the command reaches is held.
    fn reach(&mut self, row: &'static Row, request: &Request<'_>) -> Result<(), Refused> {
        if row.flags.has(Flags::FACTS) && self.inner.facts.is_none() {
            self.want_facts()?;
        }
        if self.holds_all {
            if !self.went_beyond && !self.within {
                self.went_beyond = row.flags.has(Flags::ANY_KEY) || !self.has_declared(row, request);
            }
            return Ok(());
        }
        let transaction = &*self.inner.transaction;
        if row.flags.has(Flags::ANY_KEY) {
            return self.hold(None);
        }
        if row.keys(request).all(|key| transaction.holds(key)) {
            return Ok(());
        }
        let shards: Vec<u32> = row.keys(request).map(|key| transaction.shard_of(key)).collect();
        self.hold(Some(&shards))
    }

    fn has_declared(&self, row: &'static Row, request: &Request<'_>) -> bool {
        row.keys(request).all(|key| self.declared.clone().any(|declared| declared == key))
    }

    fn killed(&self) -> Stop {
        Stop::Killed(if self.run.program.is_function() { KILLED_FUNCTION } else { KILLED })
    }

    /// Nobody ends it from here on; or somebody has.
    fn check_end_before_write(&self) -> Result<(), Refused> {
        match &self.overdue {
            Some(overdue) if !overdue.may_write() => Err(Refused::Stop(self.killed())),
            _ => Ok(()),
        }
    }

    /// The script needs what it does not hold.
    #[cold]
    fn hold(&mut self, shards: Option<&[u32]>) -> Result<(), Refused> {
        self.went_beyond = true;
        self.learn();
        if !self.acted {
            return Err(Refused::Stop(Stop::Again));
        }
        if self.inner.transaction.try_hold(shards) {
            return Ok(());
        }
        Err(Fault::new(
            "BUSY this script has written and now reaches for a key that it did not declare and somebody else holds. \
             From now on it holds every key: run it again",
        )
        .into())
    }

    /// The script asks for what only somebody can tell who holds nothing.
    #[cold]
    fn want_facts(&mut self) -> Result<(), Refused> {
        self.run.program.learned().fetch_or(FACTS, Ordering::Relaxed);
        if self.acted || self.within {
            return Err(Fault::new("BUSY this script asks for INFO after it has done something: run it again").into());
        }
        Err(Refused::Stop(Stop::Again))
    }
}

impl<K> Drop for Host<'_, '_, '_, '_, '_, K> {
    fn drop(&mut self) {
        if let Some(overdue) = &self.overdue {
            self.inner.ctx.scripts.end_overdue(overdue);
        }
    }
}

impl<'h, K: Iterator<Item = &'h [u8]> + Clone> Caller for Host<'h, '_, '_, '_, '_, K> {
    fn call(&mut self, request: &Request<'_>, reply: &mut Recording) -> Result<(), Refused> {
        let row = self.row(request)?;
        self.reach(row, request)?;
        if row.writes() {
            self.check_end_before_write()?;
        }
        self.acted |= !row.flags.has(Flags::READONLY);
        self.inner.execute(row, request, reply)?;
        Ok(())
    }

    fn may_call(&self, request: &Request<'_>) -> Option<bool> {
        // There is one user, who may do everything.
        find_row(request).filter(|row| row.takes(request.len())).map(|_| true)
    }

    fn tick(&mut self) -> Option<Stop> {
        let world = self.inner.ctx.world;
        let now = world.clock.uptime();
        let started = *self.started.get_or_insert(now);
        if self.overdue.is_none() {
            let limit_ms = world.settings.number("busy-reply-threshold") as u64;
            if limit_ms == 0 || now - started < Duration::from_millis(limit_ms) {
                return None;
            }
            let wrote = self.inner.transaction.written() > 0;
            let beginning = Beginning {
                is_function: self.run.program.is_function(),
                name: self.run.program.name(),
                command: self.run.command.args_from(0).map(<[u8]>::to_vec).collect(),
                at: started,
            };
            self.overdue = Some(self.inner.ctx.scripts.begin_overdue(beginning, wrote));
        }
        meanwhile::serve();
        if world.shutdown_requested() {
            return Some(Stop::Killed("ERR the server stops"));
        }
        self.overdue.as_ref().filter(|overdue| overdue.is_ended()).map(|_| self.killed())
    }

    fn log(&mut self, level: i64, text: &[u8]) {
        note("script", &self.run.program.name(), level, text);
    }
}

/// What a script has to say to whoever runs the server.
pub(super) fn note(what: &str, name: &str, level: i64, text: &[u8]) {
    const LEVELS: [&str; 4] = ["debug", "verbose", "notice", "warning"];
    let level = LEVELS.get(level as usize).copied().unwrap_or_default();
    eprintln!("kvark: {what} {name}: {level}: {}", String::from_utf8_lossy(text));
}
