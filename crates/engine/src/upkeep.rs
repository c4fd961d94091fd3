//! What commands may ask of whoever looks after the store.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use kvark_base::{Error, Kind, Millis, Result};
use kvark_call::Fault;
use kvark_commands::{Row, ShutdownOptions, Upkeep};
use kvark_disk::Real;

use crate::checkpoint::FIRST_DATA_KEY;
use crate::config_file;
use crate::engine::Engine;
use crate::options::Durability;

/// How often `DEBUG RELOAD` chases writers before it gives up.
const RELOAD_TRIES: usize = 20;

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
                return Ok(());
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

    fn note_command(&self, row: &'static Row) {
        self.counters.note_commands(1);
        self.counters.note_row(row);
    }

    fn note_error(&self, fault: &Fault) {
        self.counters.note_error(fault);
    }

    fn rewrite_config(&self) -> Option<Result<()>> {
        let file = self.world.config_file.lock();
        file.as_ref().map(|file| config_file::save(&Real, file, &self.world.settings))
    }
}
