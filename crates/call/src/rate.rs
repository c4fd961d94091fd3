//! How fast a count grows.

use kvark_base::Millis;
use parking_lot::Mutex;

/// Samples that an average is made of.
const SAMPLES: usize = 16;

#[derive(Debug, Default)]
struct Held {
    latest: Option<(u64, Millis)>,
    per_second: [u64; SAMPLES],
    next: usize,
}

/// The average growth over the latest samples.
#[derive(Debug, Default)]
pub struct Rate(Mutex<Held>);

impl Rate {
    /// Notes what the count is at `now_ms`.
    pub fn sample(&self, count: u64, now_ms: Millis) {
        let mut held = self.0.lock();
        if let Some((before, then_ms)) = held.latest.replace((count, now_ms)) {
            let at = held.next;
            // A count that was set back grows from nothing.
            let grown = count.checked_sub(before).unwrap_or(count);
            held.per_second[at] = grown * 1000 / now_ms.saturating_sub(then_ms).max(1);
            held.next = (at + 1) % SAMPLES;
        }
    }

    /// By how much it grows in a second.
    pub fn per_second(&self) -> u64 {
        self.0.lock().per_second.iter().sum::<u64>() / SAMPLES as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_growth_is_found_and_forgotten() {
        let rate = Rate::default();
        (0..=16).for_each(|step| rate.sample(step * 50, step * 100));
        assert_eq!(rate.per_second(), 500);
        rate.sample(0, 1700);
        assert_eq!(rate.per_second(), 468);
        (18..40).for_each(|step| rate.sample(0, step * 100));
        assert_eq!(rate.per_second(), 0);
    }
}
