//! How long commands take, measured with few looks at a clock (`docs/decisions/0017-what-a-command-took.md`).
//!
//! Commands that are brief by nature are measured up to [`GROUP`] at a time, and each is taken to have had its share. Every
//! other command is measured alone. When a group took long, one of it was not brief after all: it counts as the last one, because a long
//! answer ends a group, and the thread measures each command alone for a while.
//!
//! Invariant: a command that is not brief by nature is measured from its begin to its end, and nothing else with it.
//! Invariant: what took longer than a limit that somebody has set is noted. Where a limit is below [`BRIEF_NS`], each
//! command is measured alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kvark_base::Clock;
use kvark_call::{Pipeline, Request, Session, Settings};
use kvark_commands::{Flags, ROWS, Row, find, find_sub};

use crate::engine::Engine;
use crate::tally::Tally;

/// Brief commands that are measured together.
const GROUP: usize = 8;
/// A request with more bytes is not brief.
const BRIEF_LEN: usize = 1024;
/// A longer answer is not brief.
const BRIEF_ANSWER: usize = 4096;
/// A group that took longer had something in it that was not brief.
const BRIEF_NS: u64 = 100_000;
/// So many commands are measured alone then.
const SUSPICION: u32 = 4096;

/// What somebody wants to know, in ticks.
#[derive(Debug)]
pub(crate) struct Limits {
    generation: AtomicU64,
    /// What takes longer is noted; `u64::MAX`: nobody wants to know.
    slow: AtomicU64,
    brief: AtomicU64,
    tracking: AtomicBool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            generation: AtomicU64::new(0),
            slow: AtomicU64::new(u64::MAX),
            brief: AtomicU64::new(u64::MAX),
            tracking: AtomicBool::new(false),
        }
    }
}

impl Limits {
    /// Reads the settings again if they have changed.
    #[inline]
    pub fn keep_up(&self, settings: &Settings, clock: &Clock) {
        if self.generation.load(Ordering::Acquire) != settings.generation() {
            self.read(settings, clock);
        }
    }

    #[cold]
    fn read(&self, settings: &Settings, clock: &Clock) {
        // First the generation: a change behind it is noticed next time.
        let generation = settings.generation();
        let slowlog_us = u64::try_from(settings.number("slowlog-log-slower-than")).ok();
        let latency_ms = u64::try_from(settings.number("latency-monitor-threshold")).ok().filter(|&ms| ms > 0);
        let latency_us = latency_ms.map(|ms| ms.saturating_mul(1000));
        let slow_us = slowlog_us.into_iter().chain(latency_us).min();
        let slow = slow_us.map_or(u64::MAX, |us| clock.span_ticks(us.saturating_mul(1000)));
        self.slow.store(slow, Ordering::Relaxed);
        self.brief.store(clock.span_ticks(BRIEF_NS), Ordering::Relaxed);
        self.tracking.store(settings.flag("latency-tracking"), Ordering::Relaxed);
        self.generation.store(generation, Ordering::Release);
    }

    /// Whether it is counted how often which command took how long.
    pub fn tracking(&self) -> bool {
        self.tracking.load(Ordering::Relaxed)
    }

    /// Whether so many ticks are to be noted.
    pub fn is_slow(&self, ticks: u64) -> bool {
        ticks >= self.slow.load(Ordering::Relaxed)
    }
}

/// What a thread keeps from turn to turn.
#[derive(Default)]
pub(crate) struct Measured {
    /// Its own tally, from its first turn on.
    pub tally: Option<Arc<Tally>>,
    /// Commands that are still to be measured alone.
    pub suspicion: u32,
}

/// A command that took long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slow {
    /// Which request of the pipeline.
    pub request: usize,
    /// Its row.
    pub row: u32,
    /// How long it took.
    pub ticks: u64,
}

/// Measures the commands of one turn.
pub(crate) struct Meter<'t> {
    clock: &'t Clock,
    tally: Arc<Tally>,
    slow: u64,
    brief: u64,
    tracking: bool,
    suspicion: u32,
    /// The request that is looked at.
    pub request: usize,
    /// What took long and was not noted yet.
    pub found: Vec<Slow>,
    /// Since when the open group is measured, and how long the answers were then.
    since: u64,
    answered: usize,
    group: [u32; GROUP],
    len: usize,
}

impl<'t> Meter<'t> {
    /// For one turn, in which answers go behind `answered` bytes.
    #[inline]
    pub fn new(clock: &'t Clock, limits: &Limits, tally: Arc<Tally>, suspicion: u32, answered: usize) -> Self {
        Self {
            clock,
            tally,
            slow: limits.slow.load(Ordering::Relaxed),
            brief: limits.brief.load(Ordering::Relaxed),
            tracking: limits.tracking(),
            suspicion,
            request: 0,
            found: Vec::new(),
            since: 0,
            answered,
            group: [0; GROUP],
            len: 0,
        }
    }

    /// Commands follow: what was done until now belongs to none.
    #[inline]
    pub fn resume(&mut self) {
        self.since = self.clock.ticks();
    }

    /// A command is about to run. Whether it is brief, as far as can be seen.
    #[inline]
    pub fn begins(&mut self, row: &'static Row, request: &Request<'_>) -> bool {
        let brief = self.suspicion == 0 && self.slow > self.brief && is_brief(row, request);
        if !brief {
            self.part();
            self.suspicion = self.suspicion.saturating_sub(1);
        }
        brief
    }

    /// A command has run, and all answers so far are so long.
    #[inline]
    pub fn ended(&mut self, row: &'static Row, brief: bool, answered: usize) {
        self.group[self.len] = kvark_commands::index(row);
        self.len += 1;
        let answer = answered.saturating_sub(std::mem::replace(&mut self.answered, answered));
        if !brief || self.len == GROUP || answer > BRIEF_ANSWER {
            self.part();
        }
    }

    /// Ends the open group.
    #[inline]
    pub fn part(&mut self) {
        if self.len > 0 {
            self.close();
        }
    }

    fn close(&mut self) {
        let now = self.clock.ticks();
        let took = now.saturating_sub(std::mem::replace(&mut self.since, now));
        let len = std::mem::take(&mut self.len);
        let group = &self.group[..len];
        for alike in group.chunk_by(|left, right| left == right) {
            let calls = alike.len() as u64;
            self.tally.ran(alike[0], calls, took * calls / len as u64, self.tracking);
        }
        if took > self.brief || took >= self.slow {
            self.took_long(len, took);
        }
    }

    #[cold]
    fn took_long(&mut self, len: usize, ticks: u64) {
        if len > 1 {
            self.suspicion = SUSPICION;
        }
        if ticks >= self.slow {
            // A longer answer than a brief one's ends a group, so it is the last one's.
            self.found.push(Slow { request: self.request, row: self.group[len - 1], ticks });
        }
    }

    /// The command that has run waits, and will be noted when it does no more.
    #[cold]
    pub fn forget(&mut self) {
        self.found.retain(|slow| slow.request != self.request);
    }

    /// A command was refused before it ran.
    #[cold]
    pub fn rejected(&self, row: &'static Row) {
        self.tally.rejected(row);
    }

    /// A command has run and failed.
    #[cold]
    pub fn failed(&self, row: &'static Row) {
        self.tally.failed(row);
    }

    /// What the thread keeps of it.
    #[inline]
    pub fn into_measured(self) -> Measured {
        Measured { tally: Some(self.tally), suspicion: self.suspicion }
    }
}

/// Whether a command takes about as long as looking at the clock does: a fast one without options, few bytes long.
#[inline]
fn is_brief(row: &Row, request: &Request<'_>) -> bool {
    row.flags.has(Flags::BRIEF)
        && !row.flags.has(Flags::MAY_BE_LONG)
        && request.len() == usize::from(row.arity.unsigned_abs())
        && request.extent() <= BRIEF_LEN
}

impl Engine {
    #[inline]
    pub(crate) fn meter(&self, measured: Measured, passing: bool, answered: usize) -> Meter<'_> {
        self.limits.keep_up(&self.world.settings, self.clock());
        let tallies = &self.counters.tallies;
        let new = || if passing { Arc::clone(&tallies.common) } else { tallies.own() };
        let tally = measured.tally.unwrap_or_else(new);
        Meter::new(self.clock(), &self.limits, tally, measured.suspicion, answered)
    }

    /// Notes what took long, for whoever wants to know.
    #[cold]
    pub(crate) fn note_slow(&self, session: &Session, pipeline: &Pipeline, buffer: &[u8], meter: &mut Meter<'_>) {
        for slow in std::mem::take(&mut meter.found) {
            let row = &ROWS[slow.row as usize];
            self.took_long(&session.peer, row, &pipeline.request(buffer, slow.request), slow.ticks);
        }
    }
}

/// Counts a refusal for the command that was meant, if there is such a one.
#[cold]
pub(crate) fn note_rejected(request: &Request<'_>, meter: &Meter<'_>) {
    let Some(row) = find(request.name()) else { return };
    let family = row.flags.has(Flags::FAMILY) && request.len() > 1;
    let row = if family { find_sub(row, request.arg(1)) } else { Some(row) };
    row.into_iter().for_each(|row| meter.rejected(row));
}
