//! How often each command ran, how long that took, and how it ended: counted by each thread for itself.
//!
//! Invariant: a thread's own tally has one writer, so that counting takes no exchange with other processors; the common one
//! has many.
//! Invariant: what was counted is never set back. `CONFIG RESETSTAT` remembers where everything stood.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use kvark_base::histogram::{BUCKETS, Histogram, bucket_of};
use kvark_commands::{ROWS, Row};
use parking_lot::Mutex;

/// What one thread, or many, have counted.
pub(crate) struct Tally {
    has_one_writer: bool,
    rows: Box<[OfRow]>,
}

#[derive(Default)]
struct OfRow {
    calls: AtomicU64,
    ticks: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    /// By bucket; made with the first call that is to be counted there.
    times: OnceLock<Box<[AtomicU64]>>,
}

/// What was counted of one command, by all.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sum {
    /// How often it ran.
    pub calls: u64,
    /// How long that took, in ticks of the clock.
    pub ticks: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often it took how many ticks.
    pub times: Option<Box<Histogram>>,
}

impl Tally {
    fn new(has_one_writer: bool) -> Self {
        Self { has_one_writer, rows: ROWS.iter().map(|_| OfRow::default()).collect() }
    }

    #[inline]
    fn add(&self, counter: &AtomicU64, by: u64) {
        if self.has_one_writer {
            counter.store(counter.load(Relaxed) + by, Relaxed);
        } else {
            counter.fetch_add(by, Relaxed);
        }
    }

    /// `calls` of the row with this number took so many ticks together. Their times are noted as alike if `tracking` says so.
    #[inline]
    pub fn ran(&self, row: u32, calls: u64, ticks: u64, tracking: bool) {
        let of_row = &self.rows[row as usize];
        self.add(&of_row.calls, calls);
        self.add(&of_row.ticks, ticks);
        if tracking {
            let times = of_row.times.get_or_init(|| (0..BUCKETS).map(|_| AtomicU64::new(0)).collect());
            self.add(&times[bucket_of(ticks / calls.max(1))], calls);
        }
    }

    #[cold]
    pub fn rejected(&self, row: &'static Row) {
        self.add(&self.rows[kvark_commands::index(row) as usize].rejected, 1);
    }

    #[cold]
    pub fn failed(&self, row: &'static Row) {
        self.add(&self.rows[kvark_commands::index(row) as usize].failed, 1);
    }

    fn add_to(&self, sums: &mut [Sum]) {
        for (of_row, sum) in self.rows.iter().zip(sums) {
            sum.calls += of_row.calls.load(Relaxed);
            sum.ticks += of_row.ticks.load(Relaxed);
            sum.rejected += of_row.rejected.load(Relaxed);
            sum.failed += of_row.failed.load(Relaxed);
            let Some(times) = of_row.times.get() else { continue };
            let histogram = sum.times.get_or_insert_default();
            times.iter().enumerate().for_each(|(bucket, count)| histogram.add(bucket, count.load(Relaxed)));
        }
    }
}

/// The tallies of all threads.
pub(crate) struct Tallies {
    /// For those who count now and then.
    pub common: Arc<Tally>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    own: Vec<Arc<Tally>>,
    /// What was counted by threads that are gone.
    past: Vec<Sum>,
    /// What everything stood at when it was last set back.
    base: Vec<Sum>,
}

impl Default for Tallies {
    fn default() -> Self {
        let none = || vec![Sum::default(); ROWS.len()];
        let held = Held { own: Vec::new(), past: none(), base: none() };
        Self { common: Arc::new(Tally::new(false)), held: Mutex::new(held) }
    }
}

impl Tallies {
    /// One for a thread that will count much.
    pub fn own(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::new(true));
        self.held.lock().own.push(Arc::clone(&tally));
        tally
    }

    /// What was counted of each row since it was last set back.
    pub fn sums(&self) -> Vec<Sum> {
        let mut held = self.held.lock();
        let mut sums = self.all(&mut held);
        sums.iter_mut().zip(&held.base).for_each(|(sum, base)| sum.subtract(base));
        sums
    }

    /// Sets everything back to nothing.
    pub fn reset(&self) {
        let mut held = self.held.lock();
        held.base = self.all(&mut held);
    }

    fn all(&self, held: &mut Held) -> Vec<Sum> {
        let Held { own, past, .. } = held;
        own.retain(|tally| {
            let is_used = Arc::strong_count(tally) > 1;
            if !is_used {
                tally.add_to(past);
            }
            is_used
        });
        let mut sums = past.clone();
        own.iter().for_each(|tally| tally.add_to(&mut sums));
        self.common.add_to(&mut sums);
        sums
    }
}

impl Sum {
    fn subtract(&mut self, base: &Self) {
        self.calls -= base.calls;
        self.ticks -= base.ticks;
        self.rejected -= base.rejected;
        self.failed -= base.failed;
        if let (Some(times), Some(base)) = (&mut self.times, &base.times) {
            times.subtract(base);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_has_counted_outlives_it_and_a_reset_begins_anew() {
        let tallies = Tallies::default();
        let (own, get) = (tallies.own(), kvark_commands::find(b"GET").unwrap());
        let number = kvark_commands::index(get);
        own.ran(number, 8, 800, true);
        tallies.common.ran(number, 1, 7, true);
        own.failed(get);
        let of_get = |tallies: &Tallies| tallies.sums()[number as usize].clone();
        for _ in 0..2 {
            let sum = of_get(&tallies);
            assert_eq!((sum.calls, sum.ticks, sum.failed, sum.rejected), (9, 807, 1, 0));
            assert_eq!(sum.times.unwrap().counts().collect::<Vec<_>>(), [(7, 1), (101, 8)]);
        }
        drop(own);
        assert_eq!((of_get(&tallies).calls, tallies.held.lock().own.len()), (9, 0));
        tallies.reset();
        let own = tallies.own();
        own.ran(number, 1, 50, true);
        let sum = of_get(&tallies);
        assert_eq!((sum.calls, sum.failed), (1, 0));
        assert_eq!(sum.times.unwrap().counts().collect::<Vec<_>>(), [(50, 1)]);
    }
}
