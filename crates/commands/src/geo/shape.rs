//! What is searched: a circle, a box whose sides run along meridians and parallels, or a polygon.

use super::point::{EARTH_RADIUS_M, Point, latitude_distance_m};
use super::polygon::Polygon;

/// A shape around a place; all lengths in meters.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// All that is not farther away.
    Circle {
        /// How far.
        radius: f64,
    },
    /// All that is not farther away in either direction than half a side.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
    /// All that is within; its place is its own.
    Polygon(Polygon),
}

/// The degrees that a shape lies within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// From west to east.
    pub longitude: (f64, f64),
    /// From south to north.
    pub latitude: (f64, f64),
}

/// The angle at the center of the Earth that an arc of so many meters has, in degrees.
fn degrees(arc_m: f64) -> f64 {
    arc_m / EARTH_RADIUS_M / (std::f64::consts::PI / 180.0)
}

impl Shape {
    /// How far the farthest point may be, about.
    pub fn reach_m(&self) -> f64 {
        match self {
            Self::Circle { radius } => *radius,
            Self::Polygon(polygon) => polygon.reach_m(),
            Self::Box { width, height } => ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt(),
        }
    }

    /// The degrees that it lies within around `center`. Toward the nearer pole a degree of longitude is the shortest.
    pub fn bounds(&self, center: &Point) -> Bounds {
        let (half_width, half_height) = match self {
            Self::Polygon(polygon) => return polygon.bounds(),
            Self::Circle { radius } => (*radius, *radius),
            Self::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let high = degrees(half_height);
        let narrow_at = if center.latitude < 0.0 { center.latitude - high } else { center.latitude + high };
        let wide = degrees(half_width / narrow_at.to_radians().cos());
        Bounds {
            longitude: (center.longitude - wide, center.longitude + wide),
            latitude: (center.latitude - high, center.latitude + high),
        }
    }

    /// How far `point` is from `center`, if it is within.
    pub fn distance_m(&self, center: &Point, point: &Point) -> Option<f64> {
        match self {
            Self::Polygon(polygon) => polygon.contains(point).then(|| center.distance_m(point)),
            Self::Circle { radius } => Some(center.distance_m(point)).filter(|distance| distance <= radius),
            Self::Box { width, height } => {
                let beside = Point { longitude: center.longitude, latitude: point.latitude };
                let is_within = latitude_distance_m(point.latitude, center.latitude) <= height / 2.0
                    && point.distance_m(&beside) <= width / 2.0;
                is_within.then(|| center.distance_m(point))
            }
        }
    }
}
