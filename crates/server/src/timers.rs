//! Deadlines of waiting connections, the earliest first.
//!
//! Invariant: a connection has at most one deadline, and one that no longer waits has none; so this never outgrows the
//! connections, however often they wait.

use std::collections::BTreeSet;

use kvark_base::Millis;

#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Millis, usize)>);

impl Timers {
    pub fn add(&mut self, deadline_ms: Millis, slot: usize) {
        self.0.insert((deadline_ms, slot));
    }

    pub fn remove(&mut self, deadline_ms: Millis, slot: usize) {
        self.0.remove(&(deadline_ms, slot));
    }

    /// The earliest deadline.
    pub fn next_ms(&self) -> Option<Millis> {
        self.0.first().map(|&(deadline_ms, _)| deadline_ms)
    }

    /// Takes a connection whose deadline has come.
    pub fn pop_due(&mut self, now_ms: Millis) -> Option<usize> {
        self.0.first().filter(|&&(deadline_ms, _)| deadline_ms <= now_ms)?;
        self.0.pop_first().map(|(_, slot)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_only_when_due() {
        let mut timers = Timers::default();
        timers.add(30, 1);
        timers.add(10, 2);
        timers.add(20, 3);
        timers.remove(20, 3);
        assert_eq!((timers.next_ms(), timers.pop_due(9)), (Some(10), None));
        assert_eq!((timers.pop_due(30), timers.pop_due(30), timers.pop_due(30)), (Some(2), Some(1), None));
    }
}
