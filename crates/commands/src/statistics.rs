//! What each command has cost: the `commandstats` of INFO.

use std::sync::atomic::{AtomicU64, Ordering};

use kvark_call::{FactSheet, Facts};

use crate::table::ROWS;

/// Counters of one command.
#[derive(Debug, Default)]
struct Cost {
    calls: AtomicU64,
    ns: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
}

/// Counters of all commands, by their numbers in the table. Whoever executes adds to them, a turn at a time if it likes.
#[derive(Debug)]
pub struct CommandStats(Box<[Cost]>);

impl Default for CommandStats {
    fn default() -> Self {
        Self(ROWS.iter().map(|_| Cost::default()).collect())
    }
}

impl CommandStats {
    /// Command `index` was executed `calls` times, which took `ns` nanoseconds in all.
    pub fn executed(&self, index: u32, calls: u64, ns: u64) {
        let cost = &self.0[index as usize];
        cost.calls.fetch_add(calls, Ordering::Relaxed);
        cost.ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Command `index` was refused before it ran.
    pub fn rejected(&self, index: u32) {
        self.0[index as usize].rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Command `index` ran and answered an error.
    pub fn failed(&self, index: u32) {
        self.0[index as usize].failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Facts for CommandStats {
    fn tell(&self, sheet: &mut FactSheet) {
        for (row, cost) in ROWS.iter().zip(&self.0) {
            let [calls, ns, rejected, failed] =
                [&cost.calls, &cost.ns, &cost.rejected, &cost.failed].map(|counter| counter.load(Ordering::Relaxed));
            if calls + rejected + failed == 0 {
                continue;
            }
            let per_call = ns as f64 / 1000.0 / calls.max(1) as f64;
            let value = format!(
                "calls={calls},usec={},usec_per_call={per_call:.2},rejected_calls={rejected},failed_calls={failed}",
                ns / 1000
            );
            sheet.tell("commandstats", format!("cmdstat_{}", row.name.to_ascii_lowercase()), value);
        }
    }

    fn reset(&self) {
        for cost in &self.0 {
            [&cost.calls, &cost.ns, &cost.rejected, &cost.failed]
                .iter()
                .for_each(|counter| counter.store(0, Ordering::Relaxed));
        }
    }
}
