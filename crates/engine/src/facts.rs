//! What the engine tells of itself in `INFO`.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kvark_base::Millis;
use kvark_base::limits::DATABASES;
use kvark_base::random::Random;
use kvark_call::setting::percentiles;
use kvark_call::{FactSheet, Facts, Fault, Rate};
use kvark_commands::ROWS;
use kvark_keyspace::Census;
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::options::Durability;
use crate::process;
use crate::tally::{Sum, Tallies};

/// What the engine counts.
pub(crate) struct Counters {
    commands: AtomicU64,
    pub(crate) tallies: Tallies,
    errors: Mutex<BTreeMap<String, u64>>,
    error_count: AtomicU64,
    recovery_us: AtomicU64,
    /// How fast `commands` grows.
    rate: Rate,
    /// The most memory that was ever seen in use.
    peak_bytes: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            commands: AtomicU64::new(0),
            tallies: Tallies::default(),
            errors: Mutex::default(),
            error_count: AtomicU64::new(0),
            recovery_us: AtomicU64::new(0),
            rate: Rate::default(),
            peak_bytes: AtomicU64::new(0),
        }
    }
}

/// How often the background looks around.
const HZ: u32 = 10;
/// How many kinds of errors are told apart.
const ERROR_KINDS: usize = 128;

impl Counters {
    pub(crate) fn note_commands(&self, count: u64) {
        self.commands.fetch_add(count, Ordering::Relaxed);
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
        self.tallies.reset();
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
        engine.tell_commands(sheet);
        engine.tell_cpu(sheet);
        engine.tell_keyspace(sheet);
    }

    fn sample(&self, now_ms: Millis) {
        let Some(engine) = self.0.upgrade() else { return };
        let counters = &engine.counters;
        counters.rate.sample(counters.commands.load(Ordering::Relaxed), now_ms);
        // The allocator looks through all that is free to answer: it is asked only when somebody wants to know.
        let census = engine.keyspace.census();
        counters.peak_bytes.fetch_max(census.entry_bytes + census.table_bytes, Ordering::Relaxed);
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
        let now_us = self.clock().now_us();
        // Clients look at this to know which words they may use.
        sheet.tell("server", "redis_version", kvark_commands::COMPATIBLE_VERSION);
        sheet.tell("server", "server_name", "kvark");
        sheet.tell("server", "kvark_version", env!("CARGO_PKG_VERSION"));
        // This is no build of Redis: what others look for to know which one it is.
        sheet.tell("server", "redis_git_sha1", "00000000");
        sheet.tell("server", "redis_git_dirty", 0);
        sheet.tell("server", "redis_build_id", env!("CARGO_PKG_VERSION"));
        sheet.tell("server", "redis_mode", "standalone");
        sheet.tell("server", "os", process::system());
        sheet.tell("server", "arch_bits", usize::BITS);
        sheet.tell("server", "process_id", std::process::id());
        sheet.tell("server", "run_id", &self.world.run_id);
        sheet.tell("server", "tcp_port", self.world.settings.get("port"));
        sheet.tell("server", "server_time_usec", now_us);
        sheet.tell("server", "uptime_in_seconds", uptime);
        sheet.tell("server", "uptime_in_days", uptime / 86400);
        // How often the background looks at counts and at keys that are due.
        sheet.tell("server", "hz", HZ);
        sheet.tell("server", "configured_hz", HZ);
        sheet.tell("server", "lru_clock", (now_us / 1_000_000) & 0xff_ffff);
        let executable = std::env::current_exe().unwrap_or_default();
        sheet.tell("server", "executable", executable.display());
        let file = self.world.config_file.lock().as_ref().map(|file| file.path.display().to_string());
        sheet.tell("server", "config_file", file.unwrap_or_default());
    }

    fn tell_memory(&self, sheet: &mut FactSheet) {
        let census = self.keyspace.census();
        let used = used_bytes(&census);
        let peak = self.counters.peak_bytes.fetch_max(used, Ordering::Relaxed).max(used);
        let resident = process::resident_bytes();
        sheet.tell_bytes("memory", "used_memory", used);
        sheet.tell_bytes("memory", "used_memory_rss", resident);
        sheet.tell_bytes("memory", "used_memory_peak", peak);
        sheet.tell("memory", "used_memory_peak_perc", percent(used, peak));
        let dataset = used.saturating_sub(census.table_bytes);
        sheet.tell("memory", "used_memory_overhead", census.table_bytes);
        sheet.tell("memory", "used_memory_dataset", dataset);
        sheet.tell("memory", "used_memory_dataset_perc", percent(dataset, used));
        sheet.tell("memory", "used_memory_entries", census.entry_bytes);
        sheet.tell("memory", "used_memory_tables", census.table_bytes);
        sheet.tell("memory", "used_memory_reserved", self.keyspace.reserved_bytes());
        sheet.tell_bytes("memory", "total_system_memory", process::machine_bytes());
        sheet.tell_bytes("memory", "maxmemory", 0);
        sheet.tell("memory", "maxmemory_policy", "noeviction");
        let scripts = self.scripts.facts();
        sheet.tell("memory", "used_memory_vm_eval", scripts.interpreter_bytes);
        sheet.tell("memory", "used_memory_lua", scripts.interpreter_bytes);
        let functions = self.scripts.libraries.facts(&mut Random::from_seed(0));
        sheet.tell("memory", "used_memory_vm_functions", functions.interpreter_bytes);
        sheet.tell("memory", "used_memory_vm_total", scripts.interpreter_bytes + functions.interpreter_bytes);
        sheet.tell("memory", "used_memory_functions", functions.text_bytes);
        sheet.tell("memory", "used_memory_scripts", scripts.scripts_bytes + functions.text_bytes);
        sheet.tell("memory", "number_of_functions", functions.functions);
        sheet.tell("memory", "number_of_libraries", functions.libraries);
        sheet.tell("memory", "used_memory_scripts_eval", scripts.scripts_bytes);
        sheet.tell("memory", "number_of_cached_scripts", scripts.scripts);
        sheet.tell("memory", "mem_fragmentation_ratio", format!("{:.2}", resident as f64 / used.max(1) as f64));
        sheet.tell("memory", "mem_fragmentation_bytes", resident as i64 - used as i64);
        sheet.tell("memory", "mem_clients_normal", self.world.sessions.buffered_bytes());
        sheet.tell("memory", "lazyfree_pending_objects", census.unfreed);
        sheet.tell("memory", "lazyfreed_objects", census.freed);
        if let Some(checkpointer) = &self.checkpointer {
            sheet.tell("memory", "used_memory_tier", checkpointer.tier.facts().memory_bytes);
        }
    }

    fn tell_cpu(&self, sheet: &mut FactSheet) {
        let (own, children) = (process::spent(), process::spent_by_children());
        let serving = process::spent_serving();
        for (name, time) in [
            ("used_cpu_sys", own.system),
            ("used_cpu_user", own.user),
            ("used_cpu_sys_children", children.system),
            ("used_cpu_user_children", children.user),
            ("used_cpu_sys_main_thread", serving.system),
            ("used_cpu_user_main_thread", serving.user),
        ] {
            sheet.tell("cpu", name, format!("{:.6}", time.as_secs_f64()));
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
        // The log is what an append-only file is elsewhere.
        sheet.tell("persistence", "aof_enabled", u8::from(self.durability != Durability::Memory));
        sheet.tell("persistence", "aof_last_write_status", if self.failure().is_none() { "ok" } else { "err" });
        sheet.tell("persistence", "aof_current_size", log.live_bytes);
        let Some(checkpointer) = &self.checkpointer else { return };
        let (facts, tier) = (checkpointer.facts(), checkpointer.tier.facts());
        sheet.tell("persistence", "rdb_bgsave_in_progress", u8::from(facts.running));
        sheet.tell("persistence", "rdb_changes_since_last_save", log.last.saturating_sub(facts.position));
        sheet.tell("persistence", "rdb_last_save_time", facts.last_ms / 1000);
        let status = facts.last_error.as_ref().map_or("ok", |_| "err");
        sheet.tell("persistence", "rdb_last_bgsave_status", status);
        sheet.tell("persistence", "rdb_saves", facts.completed);
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
        sheet.tell("stats", "instantaneous_ops_per_sec", self.counters.rate.per_second());
        sheet.tell("stats", "keyspace_hits", census.hits);
        sheet.tell("stats", "keyspace_misses", census.misses);
        sheet.tell("stats", "expired_keys", census.expired);
        sheet.tell("stats", "evicted_keys", 0);
        sheet.tell("stats", "evicted_scripts", self.scripts.facts().evicted);
        sheet.tell("stats", "total_error_replies", self.counters.error_count.load(Ordering::Relaxed));
        for (code, count) in &*self.counters.errors.lock() {
            sheet.tell("errorstats", format!("errorstat_{code}"), format!("count={count}"));
        }
    }

    fn tell_commands(&self, sheet: &mut FactSheet) {
        let tick_ns = self.clock().tick_ns();
        let percentiles =
            percentiles(&self.world.settings.get("latency-tracking-info-percentiles")).unwrap_or_default();
        for (row, sum) in ROWS.iter().zip(self.counters.tallies.sums()) {
            if sum.calls + sum.rejected + sum.failed == 0 {
                continue;
            }
            let name = row.name.to_ascii_lowercase();
            let Sum { calls, ticks, rejected, failed, times } = sum;
            let us = ticks as f64 * tick_ns / 1000.0;
            let each = if calls == 0 { 0.0 } else { us / calls as f64 };
            let told = format!(
                "calls={calls},usec={},usec_per_call={each:.2},rejected_calls={rejected},failed_calls={failed}",
                us as u64
            );
            sheet.tell("commandstats", format!("cmdstat_{name}"), told);
            let Some(times) = times.filter(|times| self.limits.tracking() && times.total() > 0) else { continue };
            let us = |percent: &f64| times.percentile(*percent) as f64 * tick_ns / 1000.0;
            let told: Vec<_> = percentiles.iter().map(|percent| format!("p{percent}={:.3}", us(percent))).collect();
            sheet.tell("latencystats", format!("latency_percentiles_usec_{name}"), told.join(","));
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

/// What the store has in use: everything that was asked of the allocator, where it says so, else entries and tables.
fn used_bytes(census: &Census) -> u64 {
    process::allocated_bytes().unwrap_or(0).max(census.entry_bytes + census.table_bytes)
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", part as f64 * 100.0 / whole.max(1) as f64)
}
