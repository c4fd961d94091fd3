//! How often which span of time: counts in buckets that grow with the span.
//!
//! ```text
//! span:    0 1 2 ... 63 | 64 66 68 ... 126 | 128 132 ... 252 | ...
//! bucket:  0 1 2 ... 63 | 64 65 66 ...  95 |  96  97 ... 127 | ...
//! ```
//!
//! Spans below 64 have a bucket each; above, each doubling has 32. So a bucket is at most 1/32 as wide as what is in it is long.

/// Buckets of a doubling.
const STEPS: u32 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Spans beyond 2^44 ticks (hours) share the last bucket.
const MOST_BITS: u32 = 44;

/// How many buckets there are.
pub const BUCKETS: usize = ((MOST_BITS - STEP_BITS + 1) * STEPS) as usize;

/// The bucket of a span.
#[inline]
pub fn bucket_of(span: u64) -> usize {
    let span = span.min((1 << MOST_BITS) - 1);
    let doublings = (u64::BITS - span.leading_zeros()).saturating_sub(STEP_BITS + 1);
    (doublings * STEPS) as usize + (span >> doublings) as usize
}

/// The longest span of a bucket.
pub fn longest_of(bucket: usize) -> u64 {
    let doublings = (bucket as u32 / STEPS).saturating_sub(1);
    let first = (bucket as u64 - u64::from(doublings * STEPS)) << doublings;
    first + (1 << doublings) - 1
}

/// Counts by bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram(Vec<u64>);

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; BUCKETS])
    }
}

impl Histogram {
    /// Counts `count` more in `bucket`.
    pub fn add(&mut self, bucket: usize, count: u64) {
        self.0[bucket] += count;
    }

    /// Takes away what `other` has counted.
    pub fn subtract(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(count, less)| *count = count.saturating_sub(*less));
    }

    /// Everything that was counted.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The longest span of the bucket in which the part `percent` of everything is reached; 0 where there is nothing.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((self.total() as f64 * percent / 100.0).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        reached.map_or(0, longest_of)
    }

    /// The buckets in which something was counted: the longest span, and how much.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bucket, &count)| (longest_of(bucket), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_spans_and_is_narrow() {
        assert_eq!((bucket_of(0), bucket_of(63), bucket_of(64), bucket_of(126), bucket_of(128)), (0, 63, 64, 95, 96));
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        for bucket in 0..BUCKETS {
            let longest = longest_of(bucket);
            assert_eq!((bucket_of(longest), bucket_of(longest + 1)), (bucket, (bucket + 1).min(BUCKETS - 1)));
            let first = if bucket == 0 { 0 } else { longest_of(bucket - 1) + 1 };
            assert!((longest - first) * 32 <= first.max(32), "bucket {bucket}: {first} to {longest}");
        }
    }

    #[test]
    fn a_percentile_is_where_that_part_is_reached() {
        let mut histogram = Histogram::default();
        (1..=50).for_each(|span| histogram.add(bucket_of(span), 2));
        let at = |percent| histogram.percentile(percent);
        assert_eq!((at(0.0), at(50.0), at(98.0), at(99.0), at(100.0)), (1, 25, 49, 50, 50));
        let other = histogram.clone();
        histogram.add(bucket_of(7), 1);
        histogram.subtract(&other);
        assert_eq!(histogram.counts().collect::<Vec<_>>(), [(7, 1)]);
        assert_eq!(Histogram::default().percentile(50.0), 0);
    }
}
