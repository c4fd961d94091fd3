//! The only reader of the wall clock, and of the processor's.
//!
//! Invariant: a [`Clock`] never goes back within one process: a step of the system's clock backwards is held until real
//! time has caught up, so that a key seen as expired is never seen alive again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ticks::Ticker;

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// A source of time, shared by clones: the system's, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System { latest_us: AtomicU64, started: Instant, ticker: Ticker },
    Manual { now_us: AtomicU64 },
}

impl Clock {
    /// The system's clock.
    #[allow(clippy::disallowed_methods)]
    pub fn system() -> Self {
        let started = Instant::now();
        Self(Arc::new(Source::System { latest_us: AtomicU64::new(0), started, ticker: Ticker::new(started) }))
    }

    /// A clock that stands at `now_ms` until [`Clock::advance`] moves it.
    pub fn manual(now_ms: Millis) -> Self {
        Self(Arc::new(Source::Manual { now_us: AtomicU64::new(now_ms * 1000) }))
    }

    /// Microseconds since the Unix epoch.
    #[allow(clippy::disallowed_methods)]
    pub fn now_us(&self) -> u64 {
        match &*self.0 {
            Source::System { latest_us, .. } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64);
                latest_us.fetch_max(now, Ordering::Relaxed).max(now)
            }
            Source::Manual { now_us } => now_us.load(Ordering::Relaxed),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> Millis {
        self.now_us() / 1000
    }

    /// Time since this clock was made; never affected by steps of the system's clock.
    #[allow(clippy::disallowed_methods)]
    pub fn uptime(&self) -> Duration {
        match &*self.0 {
            Source::System { started, .. } => started.elapsed(),
            Source::Manual { now_us } => Duration::from_micros(now_us.load(Ordering::Relaxed)),
        }
    }

    /// A mark of the cheapest clock there is. Only the difference of two says something, by [`Clock::span_ns`].
    #[inline]
    pub fn ticks(&self) -> u64 {
        match &*self.0 {
            Source::System { ticker, .. } => ticker.now(),
            Source::Manual { now_us } => now_us.load(Ordering::Relaxed) * 1000,
        }
    }

    /// How many nanoseconds `ticks` are. Not for the hot path.
    pub fn span_ns(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.tick_ns()) as u64
    }

    /// How many ticks `nanoseconds` are. Not for the hot path.
    pub fn span_ticks(&self, nanoseconds: u64) -> u64 {
        (nanoseconds as f64 / self.tick_ns()) as u64
    }

    /// How many nanoseconds a tick is.
    pub fn tick_ns(&self) -> f64 {
        match &*self.0 {
            Source::System { ticker, .. } => ticker.tick_ns(),
            Source::Manual { .. } => 1.0,
        }
    }

    /// Keeps this thread for so long; a manual clock is moved forward instead.
    pub fn sleep(&self, time: Duration) {
        match &*self.0 {
            Source::System { .. } => std::thread::sleep(time),
            Source::Manual { .. } => self.advance(time),
        }
    }

    /// Moves a manual clock forward. Panics on the system's clock: that one has another owner.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::System { .. } => panic!("only a manual clock can be moved"),
            Source::Manual { now_us } => now_us.fetch_add(by.as_micros() as u64, Ordering::Relaxed),
        };
    }
}
