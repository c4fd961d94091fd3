//! The cheapest clock of a machine: the processor's own counter where it runs at one rate, else the system's.
//!
//! Reading the counter takes a quarter of what the system's clock takes. Its rate is measured against the system's clock from
//! when the [`Ticker`] was made, so it is known the better the longer that is ago.

use std::time::{Duration, Instant};

/// The rate is measured over at least this.
const LEAST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Ticker {
    started: Instant,
    /// The counter at `started`; `None` where there is none to be trusted.
    first: Option<u64>,
}

impl Ticker {
    pub fn new(started: Instant) -> Self {
        Self { started, first: has_counter().then(read_counter) }
    }

    #[inline]
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> u64 {
        if self.first.is_some() { read_counter() } else { self.started.elapsed().as_nanos() as u64 }
    }

    #[allow(clippy::disallowed_methods)]
    pub fn tick_ns(&self) -> f64 {
        let Some(first) = self.first else { return 1.0 };
        while self.started.elapsed() < LEAST {
            std::hint::spin_loop();
        }
        self.started.elapsed().as_nanos() as f64 / read_counter().wrapping_sub(first).max(1) as f64
    }
}

#[cfg(target_arch = "x86_64")]
fn has_counter() -> bool {
    use std::arch::x86_64::__cpuid;
    /// The leaf that says whether the counter runs at one rate in every state of the processor, and its bit.
    const INVARIANT: (u32, u32) = (0x8000_0007, 1 << 8);
    __cpuid(0x8000_0000).eax >= INVARIANT.0 && __cpuid(INVARIANT.0).edx & INVARIANT.1 != 0
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read_counter() -> u64 {
    // SAFETY: every x86-64 processor has this instruction.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn has_counter() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn read_counter() -> u64 {
    unreachable!("there is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn ticks_take_as_long_as_the_systems_clock_says() {
        let started = Instant::now();
        let counted = Ticker::new(started);
        for ticker in [counted, Ticker { started, first: None }] {
            let (ticks, begun) = (ticker.now(), Instant::now());
            std::thread::sleep(Duration::from_millis(20));
            let (ticks, slept) = (ticker.now() - ticks, begun.elapsed().as_nanos() as f64);
            let counted = ticks as f64 * ticker.tick_ns();
            assert!((counted / slept - 1.0).abs() < 0.2, "{counted} ns were counted, {slept} have gone");
        }
    }
}
