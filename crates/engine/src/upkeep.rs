//! What commands may ask of whoever looks after the store.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use kvark_base::histogram::Histogram;
use kvark_base::{Error, Kind, Millis, Result};
use kvark_call::{Fault, Peer, Request};
use kvark_commands::secrets::shown;
use kvark_commands::{Call, Flags, Row, ShutdownOptions, Upkeep};
use kvark_disk::Real;

use crate::checkpoint::FIRST_DATA_KEY;
use crate::config_file;
use crate::engine::Engine;
use crate::options::Durability;

/// How often `DEBUG RELOAD` chases writers before it gives up.
const RELOAD_TRIES: usize = 20;

impl Engine {
    /// Notes a command that ran outside of a turn's own order, which counts as so many calls.
    pub(crate) fn note_run(
        &self,
        peer: &Peer,
        row: &'static Row,
        request: &Request<'_>,
        calls: u64,
        ticks: u64,
        failed: bool,
    ) {
        let common = &self.counters.tallies.common;
        common.ran(kvark_commands::index(row), calls, ticks, self.limits.tracking());
        if failed {
            common.failed(row);
        }
        if self.limits.is_slow(ticks) {
            self.took_long(peer, row, request, ticks);
        }
    }

    /// A command took so long that somebody may want to know.
    #[cold]
    pub(crate) fn took_long(&self, peer: &Peer, row: &'static Row, request: &Request<'_>, ticks: u64) {
        let settings = &self.world.settings;
        let (took_us, at_seconds) = (self.clock().span_ns(ticks) / 1000, self.clock().now_ms() / 1000);
        let threshold_ms = settings.number("latency-monitor-threshold") as u64;
        if threshold_ms > 0 && took_us / 1000 >= threshold_ms {
            let kind = if row.flags.has(Flags::FAST) { "fast-command" } else { "command" };
            self.world.latency.note(kind, took_us / 1000, at_seconds);
        }
        let noted = u64::try_from(settings.number("slowlog-log-slower-than")).is_ok_and(|least_us| took_us >= least_us);
        if noted && row.name != "EXEC" {
            let most = settings.number("slowlog-max-len") as usize;
            self.world.slowlog.note(&shown(row, request), took_us, peer, at_seconds, most);
        }
    }
}

impl Engine {
    /// Does something in the background, and notes it if it takes so long that somebody wants to know.
    pub(crate) fn watched<T>(&self, kind: &'static str, work: impl FnOnce() -> T) -> T {
        let threshold_ms = self.world.settings.number("latency-monitor-threshold") as u64;
        let began = self.clock().ticks();
        let result = work();
        let took_ms = self.clock().span_ns(self.clock().ticks().saturating_sub(began)) / 1_000_000;
        if threshold_ms > 0 && took_ms >= threshold_ms {
            self.world.latency.note(kind, took_ms, self.clock().now_ms() / 1000);
        }
        result
    }
}

impl Upkeep for Engine {
    fn begin_checkpoint(&self) -> Result<()> {
        if self.checkpointer.is_none() {
            return Err(Error::new(Kind::Unsupported, "this store is in memory only: there is nowhere to save it to"));
        }
        self.checkpoint_wanted.store(true, Ordering::Release);
        self.bells.checkpoint.ring();
        Ok(())
    }

    fn is_checkpointing(&self) -> bool {
        let running = self.checkpointer.as_ref().is_some_and(|checkpointer| checkpointer.facts().running);
        running || self.checkpoint_wanted.load(Ordering::Acquire)
    }

    fn last_checkpoint_ms(&self) -> Millis {
        let last_ms = self.checkpointer.as_ref().map_or(0, |checkpointer| checkpointer.facts().last_ms);
        if last_ms == 0 { self.opened_ms } else { last_ms }
    }

    fn want_sync(&self) {
        Self::want_sync(self, self.log.last());
    }

    fn is_durable(&self) -> bool {
        self.durability != Durability::Memory
    }

    fn reload(&self) -> Result<()> {
        let Some(checkpointer) = &self.checkpointer else {
            return Err(Error::new(
                Kind::Unsupported,
                "this store is in memory only: there is nothing to reload it from",
            ));
        };
        let everything = (Bound::Included(FIRST_DATA_KEY), Bound::Unbounded);
        for _ in 0..RELOAD_TRIES {
            self.checkpoint()?;
            let reloaded = self.keyspace.reload_when_clean(|load| {
                checkpointer.tier.range(everything, false, &mut |key, value| load(key, value).map(|()| true))
            })?;
            if reloaded {
                return kvark_commands::scripting::adopt(&self.keyspace, &self.scripts);
            }
        }
        Err(Error::new(
            Kind::Busy,
            format!("writers were faster than {RELOAD_TRIES} checkpoints: pause them, then reload"),
        ))
    }

    fn set_active_expire(&self, active: bool) {
        self.active_expire.store(active, Ordering::Relaxed);
    }

    fn shutdown(&self, options: ShutdownOptions) -> Result<()> {
        if options.save == Some(true) {
            let saved = self.checkpoint();
            if !options.force {
                saved?;
            }
        }
        self.world.request_shutdown();
        Ok(())
    }

    fn abort_shutdown(&self) -> bool {
        // A shutdown here begins at once and waits for nobody, so there is never one to take back.
        false
    }

    fn note_call(&self, call: &Call<'_>) {
        self.counters.note_commands(1);
        self.note_run(call.peer, call.row, call.request, 1, call.ticks, call.failed);
    }

    fn times(&self) -> Vec<(&'static Row, Histogram)> {
        let sums = kvark_commands::ROWS.iter().zip(self.counters.tallies.sums());
        sums.filter_map(|(row, sum)| Some((row, *sum.times?))).filter(|(_, times)| times.total() > 0).collect()
    }

    fn note_error(&self, fault: &Fault) {
        self.counters.note_error(fault);
    }

    fn rewrite_config(&self) -> Option<Result<()>> {
        let file = self.world.config_file.lock();
        file.as_ref().map(|file| config_file::save(&Real, file, &self.world.settings))
    }
}
