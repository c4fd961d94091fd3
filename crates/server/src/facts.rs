//! What the server counts, and how it tells it: the sections `clients` and `stats`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use kvark_base::Millis;
use kvark_call::{FactSheet, Facts, Rate, World};
use parking_lot::Mutex;

use crate::server::Shared;

/// How long the largest buffers are remembered.
const RECENT_MS: Millis = 8000;

/// What one loop counts. Only that loop writes, once a turn.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub received_bytes: AtomicU64,
    pub sent_bytes: AtomicU64,
    pub largest_input: AtomicUsize,
    pub largest_output: AtomicUsize,
    pub waiting: AtomicUsize,
    pub cycles: AtomicU64,
    pub reads: AtomicU64,
    pub writes: AtomicU64,
    pub query_limit_closed: AtomicU64,
    pub output_limit_closed: AtomicU64,
}

impl Counters {
    /// Adds to a counter that nobody else writes.
    pub fn add(counter: &AtomicU64, by: u64) {
        if by > 0 {
            counter.fetch_add(by, Relaxed);
        }
    }

    /// Adds to a counter that nobody else writes and nobody sets back.
    pub fn count(counter: &AtomicU64, by: u64) {
        counter.store(counter.load(Relaxed) + by, Relaxed);
    }

    /// Raises a mark that others take away.
    pub fn raise(mark: &AtomicUsize, value: usize) {
        if value > mark.load(Relaxed) {
            mark.store(value, Relaxed);
        }
    }

    fn reset(&self) {
        for counter in [&self.received_bytes, &self.sent_bytes, &self.query_limit_closed, &self.output_limit_closed] {
            counter.store(0, Relaxed);
        }
    }
}

/// The largest buffers of this window and the one before it.
#[derive(Debug, Default)]
struct Recent {
    since_ms: Millis,
    current: [usize; 2],
    previous: [usize; 2],
}

impl Recent {
    fn update(&mut self, largest: [usize; 2], now_ms: Millis) -> [usize; 2] {
        if now_ms.saturating_sub(self.since_ms) >= RECENT_MS {
            self.previous = std::mem::take(&mut self.current);
            self.since_ms = now_ms;
        }
        self.current = max(self.current, largest);
        max(self.current, self.previous)
    }
}

fn max(left: [usize; 2], right: [usize; 2]) -> [usize; 2] {
    [left[0].max(right[0]), left[1].max(right[1])]
}

/// Tells for a server as long as there is one.
pub(crate) struct ServerFacts {
    world: Weak<World>,
    shared: Weak<Shared>,
    recent: Mutex<Recent>,
    input: Rate,
    output: Rate,
    cycles: Rate,
}

impl ServerFacts {
    pub fn new(world: &Arc<World>, shared: &Arc<Shared>) -> Self {
        Self {
            world: Arc::downgrade(world),
            shared: Arc::downgrade(shared),
            recent: Mutex::default(),
            input: Rate::default(),
            output: Rate::default(),
            cycles: Rate::default(),
        }
    }

    fn tell_rates(&self, sheet: &mut FactSheet) {
        let kilobytes = |rate: &Rate| format!("{:.2}", rate.per_second() as f64 / 1024.0);
        sheet.tell("stats", "instantaneous_input_kbps", kilobytes(&self.input));
        sheet.tell("stats", "instantaneous_output_kbps", kilobytes(&self.output));
        sheet.tell("stats", "instantaneous_eventloop_cycles_per_sec", self.cycles.per_second());
    }

    fn tell_clients(&self, world: &World, shared: &Shared, sheet: &mut FactSheet) {
        let waiting: usize = shared.counters.iter().map(|counters| counters.waiting.load(Relaxed)).sum();
        let largest = shared.counters.iter().fold([0, 0], |largest, counters| {
            max(largest, [counters.largest_input.swap(0, Relaxed), counters.largest_output.swap(0, Relaxed)])
        });
        let [input, output] = self.recent.lock().update(largest, world.clock.now_ms());
        sheet.tell("clients", "connected_clients", shared.connected.load(Relaxed));
        sheet.tell("clients", "maxclients", world.settings.number("maxclients"));
        sheet.tell("clients", "client_recent_max_input_buffer", input);
        sheet.tell("clients", "client_recent_max_output_buffer", output);
        sheet.tell("clients", "blocked_clients", waiting);
    }
}

impl Facts for ServerFacts {
    fn tell(&self, sheet: &mut FactSheet) {
        let (Some(world), Some(shared)) = (self.world.upgrade(), self.shared.upgrade()) else { return };
        let sum = |count| shared.sum(count);
        self.tell_rates(sheet);
        sheet.tell("server", "io_threads_active", u8::from(shared.counters.len() > 1));
        for (number, address) in shared.addresses.iter().enumerate() {
            sheet.tell("server", format!("listener{number}"), listener(address));
        }
        self.tell_clients(&world, &shared, sheet);
        sheet.tell("stats", "total_connections_received", world.sessions.accepted.load(Relaxed));
        sheet.tell("stats", "total_net_input_bytes", sum(|counters| &counters.received_bytes));
        sheet.tell("stats", "total_net_output_bytes", sum(|counters| &counters.sent_bytes));
        sheet.tell("stats", "rejected_connections", world.sessions.rejected.load(Relaxed));
        sheet.tell("stats", "total_reads_processed", sum(|counters| &counters.reads));
        sheet.tell("stats", "total_writes_processed", sum(|counters| &counters.writes));
        sheet.tell("stats", "eventloop_cycles", sum(|counters| &counters.cycles));
        let closed = sum(|counters| &counters.query_limit_closed);
        sheet.tell("stats", "client_query_buffer_limit_disconnections", closed);
        let closed = sum(|counters| &counters.output_limit_closed);
        sheet.tell("stats", "client_output_buffer_limit_disconnections", closed);
    }

    fn sample(&self, now_ms: Millis) {
        let Some(shared) = self.shared.upgrade() else { return };
        self.input.sample(shared.sum(|counters| &counters.received_bytes), now_ms);
        self.output.sample(shared.sum(|counters| &counters.sent_bytes), now_ms);
        self.cycles.sample(shared.sum(|counters| &counters.cycles), now_ms);
    }

    fn reset(&self) {
        if let (Some(world), Some(shared)) = (self.world.upgrade(), self.shared.upgrade()) {
            world.sessions.accepted.store(0, Relaxed);
            world.sessions.rejected.store(0, Relaxed);
            shared.counters.iter().for_each(Counters::reset);
        }
    }
}

/// One place where the server listens, in words.
fn listener(address: &str) -> String {
    match address.rsplit_once(':').filter(|_| !address.starts_with('/')) {
        Some((host, port)) => format!("name=tcp,bind={},port={port}", host.trim_matches(['[', ']'])),
        None => format!("name=unix,bind={address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_buffers_are_forgotten_after_two_windows() {
        let mut recent = Recent::default();
        assert_eq!(recent.update([5, 9], RECENT_MS), [5, 9]);
        assert_eq!(recent.update([7, 1], RECENT_MS + 1), [7, 9]);
        assert_eq!(recent.update([1, 1], RECENT_MS * 2), [7, 9]);
        assert_eq!(recent.update([0, 0], RECENT_MS * 3), [1, 1]);
    }
}
