//! Events that took long, by their kind, as LATENCY tells them.
//!
//! Invariant: a kind keeps at most [`SAMPLES`] samples, and a second one.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// The most samples of a kind.
pub const SAMPLES: usize = 160;

/// The longest event of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Which second since the Unix epoch.
    pub at_seconds: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// What happened of one kind.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The first first.
    pub samples: VecDeque<Sample>,
    /// The longest ever.
    pub longest_ms: u64,
}

/// All kinds of events that ever took long.
#[derive(Debug, Default)]
pub struct Latency(Mutex<BTreeMap<&'static str, Event>>);

impl Latency {
    /// Notes that something took so long.
    pub fn note(&self, kind: &'static str, took_ms: u64, at_seconds: u64) {
        let mut events = self.0.lock();
        let event = events.entry(kind).or_default();
        event.longest_ms = event.longest_ms.max(took_ms);
        match event.samples.back_mut().filter(|latest| latest.at_seconds == at_seconds) {
            Some(latest) => latest.took_ms = latest.took_ms.max(took_ms),
            None => {
                if event.samples.len() == SAMPLES {
                    event.samples.pop_front();
                }
                event.samples.push_back(Sample { at_seconds, took_ms });
            }
        }
    }

    /// What happened, by kind.
    pub fn events(&self) -> Vec<(&'static str, Event)> {
        self.0.lock().iter().map(|(kind, event)| (*kind, event.clone())).collect()
    }

    /// Forgets the events of which `chosen` says so; how many kinds.
    pub fn reset(&self, chosen: impl Fn(&str) -> bool) -> usize {
        let mut events = self.0.lock();
        let before = events.len();
        events.retain(|kind, _| !chosen(kind));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_longest_event_and_old_seconds_go() {
        let latency = Latency::default();
        for (took_ms, at_seconds) in [(5, 1), (9, 1), (7, 1), (3, 2)] {
            latency.note("command", took_ms, at_seconds);
        }
        let (_, event) = &latency.events()[0];
        let samples: Vec<_> = event.samples.iter().map(|sample| (sample.at_seconds, sample.took_ms)).collect();
        assert_eq!((samples, event.longest_ms), (vec![(1, 9), (2, 3)], 9));
        (3..300).for_each(|second| latency.note("command", 1, second));
        let (_, event) = &latency.events()[0];
        assert_eq!((event.samples.len(), event.samples[0].at_seconds, event.longest_ms), (SAMPLES, 140, 9));
        assert_eq!((latency.reset(|kind| kind == "fork"), latency.reset(|_| true)), (0, 1));
        assert!(latency.events().is_empty());
    }
}
