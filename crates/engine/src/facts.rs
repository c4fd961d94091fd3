//! What the engine tells of itself in `INFO`.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kvark_base::limits::DATABASES;
use kvark_call::{FactSheet, Facts, Fault};
use kvark_commands::{ROWS, Row};
use parking_lot::Mutex;

use crate::engine::Engine;

/// What the engine counts.
pub(crate) struct Counters {
    commands: AtomicU64,
    by_row: Box<[AtomicU64]>,
    errors: Mutex<BTreeMap<String, u64>>,
    error_count: AtomicU64,
    recovery_us: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            commands: AtomicU64::new(0),
            by_row: ROWS.iter().map(|_| AtomicU64::new(0)).collect(),
            errors: Mutex::default(),
            error_count: AtomicU64::new(0),
            recovery_us: AtomicU64::new(0),
        }
    }
}

/// How many kinds of errors are told apart.
const ERROR_KINDS: usize = 128;

impl Counters {
    pub(crate) fn note_commands(&self, count: u64) {
        self.commands.fetch_add(count, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn note_row(&self, row: &'static Row) {
        self.by_row[kvark_commands::index(row) as usize].fetch_add(1, Ordering::Relaxed);
    }

    #[cold]
    pub(crate) fn note_error(&self, fault: &Fault) {
        self.error_count.fetch_add(1, Ordering::Relaxed);
        let code = fault.message().split(' ').next().unwrap_or_default();
        let mut errors = self.errors.lock();
        if errors.len() < ERROR_KINDS || errors.contains_key(code) {
            *errors.entry(code.to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn recovered(&self, after: Duration) {
        self.recovery_us.store(after.as_micros() as u64, Ordering::Relaxed);
    }

    fn reset(&self) {
        self.commands.store(0, Ordering::Relaxed);
        self.error_count.store(0, Ordering::Relaxed);
        self.by_row.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        self.errors.lock().clear();
    }
}

/// The teller; holds the engine weakly, since the engine's world holds the teller.
pub(crate) struct EngineFacts(pub(crate) Weak<Engine>);

impl Facts for EngineFacts {
    fn tell(&self, sheet: &mut FactSheet) {
        let Some(engine) = self.0.upgrade() else { return };
        engine.tell_server(sheet);
        engine.tell_memory(sheet);
        engine.tell_persistence(sheet);
        engine.tell_stats(sheet);
        engine.tell_waiting(sheet);
        engine.tell_keyspace(sheet);
    }

    fn reset(&self) {
        if let Some(engine) = self.0.upgrade() {
            engine.counters.reset();
            engine.keyspace.reset_counts();
        }
    }
}

impl Engine {
    fn tell_server(&self, sheet: &mut FactSheet) {
        let uptime = self.clock().uptime().as_secs();
        // Clients look at this to know which words they may use.
        sheet.tell("server", "redis_version", kvark_commands::COMPATIBLE_VERSION);
        sheet.tell("server", "server_name", "kvark");
        sheet.tell("server", "kvark_version", env!("CARGO_PKG_VERSION"));
        sheet.tell("server", "redis_mode", "standalone");
        sheet.tell("server", "os", std::env::consts::OS);
        sheet.tell("server", "arch_bits", usize::BITS);
        sheet.tell("server", "process_id", std::process::id());
        sheet.tell("server", "tcp_port", self.world.settings.get("port"));
        sheet.tell("server", "server_time_usec", self.clock().now_us());
        sheet.tell("server", "uptime_in_seconds", uptime);
        sheet.tell("server", "uptime_in_days", uptime / 86400);
    }

    fn tell_memory(&self, sheet: &mut FactSheet) {
        let census = self.keyspace.census();
        let used = census.entry_bytes + census.table_bytes;
        sheet.tell("memory", "used_memory", used);
        sheet.tell("memory", "used_memory_entries", census.entry_bytes);
        sheet.tell("memory", "used_memory_tables", census.table_bytes);
        sheet.tell("memory", "used_memory_reserved", self.keyspace.reserved_bytes());
        sheet.tell("memory", "used_memory_rss", resident_bytes());
        sheet.tell("memory", "maxmemory", 0);
        sheet.tell("memory", "maxmemory_policy", "noeviction");
        let scripts = self.scripts.facts();
        sheet.tell("memory", "used_memory_vm_eval", scripts.interpreter_bytes);
        sheet.tell("memory", "used_memory_lua", scripts.interpreter_bytes);
        sheet.tell("memory", "used_memory_scripts_eval", scripts.scripts_bytes);
        sheet.tell("memory", "number_of_cached_scripts", scripts.scripts);
        if let Some(checkpointer) = &self.checkpointer {
            sheet.tell("memory", "used_memory_tier", checkpointer.tier.facts().memory_bytes);
        }
    }

    fn tell_persistence(&self, sheet: &mut FactSheet) {
        let log = self.log.facts();
        sheet.tell("persistence", "loading", 0);
        sheet.tell("persistence", "durability", self.durability.name());
        sheet.tell("persistence", "log_last_position", log.last);
        sheet.tell("persistence", "log_sealed_position", log.sealed);
        sheet.tell("persistence", "log_synced_position", log.synced);
        sheet.tell("persistence", "log_first_position", log.first);
        sheet.tell("persistence", "log_live_bytes", log.live_bytes);
        sheet.tell("persistence", "log_appended_bytes", log.appended_bytes);
        sheet.tell("persistence", "log_batches", log.batches);
        sheet.tell("persistence", "log_syncs", log.syncs);
        sheet.tell("persistence", "recovery_us", self.counters.recovery_us.load(Ordering::Relaxed));
        if let Some(torn) = &self.torn {
            sheet.tell("persistence", "torn_tail", format!("{} bytes at {}", torn.len_bytes, torn.place));
        }
        let Some(checkpointer) = &self.checkpointer else { return };
        let (facts, tier) = (checkpointer.facts(), checkpointer.tier.facts());
        sheet.tell("persistence", "rdb_bgsave_in_progress", u8::from(facts.running));
        sheet.tell("persistence", "rdb_changes_since_last_save", log.last.saturating_sub(facts.position));
        sheet.tell("persistence", "rdb_last_save_time", facts.last_ms / 1000);
        let status = facts.last_error.as_ref().map_or("ok", |_| "err");
        sheet.tell("persistence", "rdb_last_bgsave_status", status);
        sheet.tell("persistence", "checkpoints_completed", facts.completed);
        sheet.tell("persistence", "checkpoint_position", facts.position);
        sheet.tell("persistence", "checkpoint_written_bytes", facts.written_bytes);
        if let Some(error) = facts.last_error {
            sheet.tell("persistence", "checkpoint_last_error", error.message().replace(['\r', '\n'], " "));
        }
        sheet.tell("persistence", "tier_engine", tier.engine);
        sheet.tell("persistence", "tier_disk_bytes", tier.disk_bytes);
        sheet.tell("persistence", "tier_applied_bytes", tier.applied_bytes);
    }

    fn tell_waiting(&self, sheet: &mut FactSheet) {
        let (keys, ends) = self.keyspace.awaited_keys();
        sheet.tell("clients", "total_blocking_keys", keys);
        sheet.tell("clients", "total_blocking_keys_on_nokey", ends);
    }

    fn tell_stats(&self, sheet: &mut FactSheet) {
        let census = self.keyspace.census();
        sheet.tell("stats", "total_commands_processed", self.counters.commands.load(Ordering::Relaxed));
        sheet.tell("stats", "keyspace_hits", census.hits);
        sheet.tell("stats", "keyspace_misses", census.misses);
        sheet.tell("stats", "expired_keys", census.expired);
        sheet.tell("stats", "evicted_keys", 0);
        sheet.tell("stats", "evicted_scripts", self.scripts.facts().evicted);
        sheet.tell("stats", "total_error_replies", self.counters.error_count.load(Ordering::Relaxed));
        for (row, count) in ROWS.iter().zip(&self.counters.by_row) {
            let calls = count.load(Ordering::Relaxed);
            if calls > 0 {
                sheet.tell(
                    "commandstats",
                    format!("cmdstat_{}", row.name.to_ascii_lowercase()),
                    format!("calls={calls}"),
                );
            }
        }
        for (code, count) in &*self.counters.errors.lock() {
            sheet.tell("errorstats", format!("errorstat_{code}"), format!("count={count}"));
        }
    }

    fn tell_keyspace(&self, sheet: &mut FactSheet) {
        let deadlines = self.keyspace.count_deadlines();
        let keys = self.keyspace.census().keys;
        for db in (0..DATABASES).filter(|&db| keys[db] > 0) {
            sheet.tell("keyspace", format!("db{db}"), format!("keys={},expires={},avg_ttl=0", keys[db], deadlines[db]));
        }
    }
}

/// The process's resident memory; 0 where the system does not say.
#[allow(clippy::disallowed_methods)]
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    // SAFETY: a plain question to the system.
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64
}
