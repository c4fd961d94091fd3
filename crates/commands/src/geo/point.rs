//! A place on Earth, and how it becomes a score: longitude and latitude as 26 bits each, interleaved.
//!
//! ```text
//! bit of the score   51 50 49 48 ... 1 0
//! of                 lo la lo la ... lo la      the first bits halve the map, the next ones the halves
//! ```
//!
//! So places that are near each other mostly have scores that are near each other, and the places of a [`super::cells::Cell`] are
//! one range of scores. The projection is that of web maps (EPSG:3857), which ends near the poles.

/// The easternmost longitude.
const MAX_LONGITUDE: f64 = 180.0;
/// The northernmost latitude of the map.
const MAX_LATITUDE: f64 = 85.051_128_78;
/// Bits of each coordinate in a score.
pub const STEPS: u8 = 26;
/// The radius of the Earth in meters: the quadratic mean of that of WGS-84.
pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// The letters of a geohash, five bits each.
const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// In degrees, east is positive.
    pub longitude: f64,
    /// In degrees, north is positive.
    pub latitude: f64,
}

/// From least to most, in degrees.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    min: f64,
    max: f64,
}

/// All longitudes.
pub const LONGITUDES: Scale = Scale { min: -MAX_LONGITUDE, max: MAX_LONGITUDE };
/// The latitudes of the map.
pub const LATITUDES: Scale = Scale { min: -MAX_LATITUDE, max: MAX_LATITUDE };
/// The latitudes of geohashes.
const ALL_LATITUDES: Scale = Scale { min: -90.0, max: 90.0 };

impl Scale {
    /// Which of 2^`steps` equal parts `degrees` is in. The upper end is in a part of its own.
    pub fn part(self, degrees: f64, steps: u8) -> u32 {
        ((degrees - self.min) / (self.max - self.min) * (1u64 << steps) as f64) as u32
    }

    /// Where that part begins and ends.
    pub fn bounds(self, part: u32, steps: u8) -> (f64, f64) {
        let at = |part: u32| self.min + f64::from(part) / (1u64 << steps) as f64 * (self.max - self.min);
        (at(part), at(part.wrapping_add(1)))
    }

    /// The middle of that part.
    fn middle(self, part: u32, steps: u8) -> f64 {
        let (low, high) = self.bounds(part, steps);
        ((low + high) / 2.0).clamp(self.min, self.max)
    }
}

impl Point {
    /// Whether it is on the map.
    pub fn is_on_map(&self) -> bool {
        self.longitude.abs() <= MAX_LONGITUDE && self.latitude.abs() <= MAX_LATITUDE
    }

    /// Its score.
    pub fn score(&self) -> f64 {
        let (x, y) = (LONGITUDES.part(self.longitude, STEPS), LATITUDES.part(self.latitude, STEPS));
        interleave(x, y) as f64
    }

    /// The middle of the square, some decimeters wide, that has this score.
    pub fn of_score(score: f64) -> Self {
        let (x, y) = separate(score as u64);
        Self { longitude: LONGITUDES.middle(x, STEPS), latitude: LATITUDES.middle(y, STEPS) }
    }

    /// Its geohash (Niemeyer, 2008), whose latitudes reach to the poles. The 52 bits fill ten letters; the eleventh is always 0.
    pub fn geohash(&self) -> [u8; 11] {
        let bits = interleave(LONGITUDES.part(self.longitude, STEPS), ALL_LATITUDES.part(self.latitude, STEPS));
        std::array::from_fn(|at| match at {
            10 => LETTERS[0],
            _ => LETTERS[(bits >> (47 - 5 * at) & 31) as usize],
        })
    }

    /// The way to `other` in meters, on a sphere (the haversine formula).
    pub fn distance_m(&self, other: &Self) -> f64 {
        let half_width = ((other.longitude.to_radians() - self.longitude.to_radians()) / 2.0).sin();
        if half_width == 0.0 {
            return latitude_distance_m(self.latitude, other.latitude);
        }
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_height = ((to - from) / 2.0).sin();
        let chord = half_height * half_height + from.cos() * to.cos() * half_width * half_width;
        2.0 * EARTH_RADIUS_M * chord.sqrt().asin()
    }
}

/// The way along a meridian, in meters.
pub fn latitude_distance_m(from: f64, to: f64) -> f64 {
    EARTH_RADIUS_M * (to.to_radians() - from.to_radians()).abs()
}

/// The bits of `x` in the odd places, those of `y` in the even ones.
pub fn interleave(x: u32, y: u32) -> u64 {
    spread(x) << 1 | spread(y)
}

/// What [`interleave`] was given.
fn separate(bits: u64) -> (u32, u32) {
    (gather(bits >> 1), gather(bits))
}

/// How far apart the halves are pulled, and which bits they are then.
const MASKS: [(u32, u64); 5] = [
    (16, 0x0000_ffff_0000_ffff),
    (8, 0x00ff_00ff_00ff_00ff),
    (4, 0x0f0f_0f0f_0f0f_0f0f),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
];

fn spread(bits: u32) -> u64 {
    MASKS.iter().fold(u64::from(bits), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

fn gather(bits: u64) -> u32 {
    let bits = MASKS.iter().rev().fold(bits, |bits, (shift, mask)| {
        let kept = bits & mask;
        kept | kept >> shift
    });
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;

    #[test]
    fn a_score_is_that_of_redis() {
        for (longitude, latitude, score) in [
            (13.361389, 38.115556, 3_479_099_956_230_698.0),
            (15.087269, 37.502669, 3_479_447_370_796_909.0),
            (0.0, 0.0, 3_377_699_720_527_872.0),
            (-180.0, -85.05112878, 0.0),
        ] {
            assert_eq!(Point { longitude, latitude }.score(), score, "{longitude} {latitude}");
        }
    }

    #[test]
    fn a_score_names_a_square_and_its_middle_has_that_score() {
        let mut random = Random::from_seed(4);
        for _ in 0..10_000 {
            let score = random.below(1 << 52) as f64;
            let point = Point::of_score(score);
            assert!(point.is_on_map() && point.score() == score, "{point:?}");
        }
    }

    #[test]
    fn a_geohash_is_the_one_of_the_place() {
        let palermo = Point { longitude: 13.361389, latitude: 38.115556 };
        assert_eq!(&Point::of_score(palermo.score()).geohash(), b"sqc8b49rny0");
    }

    #[test]
    fn bits_that_were_interleaved_come_apart() {
        let mut random = Random::from_seed(9);
        assert_eq!(interleave(1, 0), 2);
        for _ in 0..1000 {
            let (x, y) = (random.next_u64() as u32, random.next_u64() as u32);
            assert_eq!(separate(interleave(x, y)), (x, y));
        }
    }
}
