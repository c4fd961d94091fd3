//! A polygon on the map: straight lines between its corners in degrees. Lines may cross; what is enclosed an odd number of times is within.
//!
//! Whether a place is within is found by the crossings of a ray with the edges (W. R. Franklin, PNPOLY,
//! <https://wrfranklin.org/Research/Short_Notes/pnpoly.html>).

use super::point::Point;
use super::shape::Bounds;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon(Vec<Point>);

impl Polygon {
    /// One with these corners; there are three at least.
    pub fn new(corners: Vec<Point>) -> Self {
        debug_assert!(corners.len() > 2);
        Self(corners)
    }

    /// How many corners it has.
    pub fn corners(&self) -> usize {
        self.0.len()
    }

    /// The middle of its corners on the sphere, which distances are counted from.
    pub fn middle(&self) -> Point {
        let sum = self.0.iter().fold([0.0; 3], |[x, y, z], corner| {
            let (longitude, latitude) = (corner.longitude.to_radians(), corner.latitude.to_radians());
            let across = latitude.cos();
            [x + across * longitude.cos(), y + across * longitude.sin(), z + latitude.sin()]
        });
        let [x, y, z] = sum;
        // To the last bit as Valkey reckons: `hypot` and `to_degrees` would round otherwise.
        let (across, degree) = ((x * x + y * y).sqrt(), std::f64::consts::PI / 180.0);
        Point { longitude: y.atan2(x) / degree, latitude: z.atan2(across) / degree }
    }

    /// The degrees that it lies within.
    pub fn bounds(&self) -> Bounds {
        let range = |of: fn(&Point) -> f64| {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            self.0.iter().map(of).fold(ends, |(low, high), degrees| (low.min(degrees), high.max(degrees)))
        };
        Bounds { longitude: range(|corner| corner.longitude), latitude: range(|corner| corner.latitude) }
    }

    /// How far the farthest corner of its bounds is from its middle, in meters.
    pub fn reach_m(&self) -> f64 {
        let (middle, bounds) = (self.middle(), self.bounds());
        let ends = |(low, high)| [low, high];
        let corners = ends(bounds.longitude)
            .into_iter()
            .flat_map(|longitude| ends(bounds.latitude).into_iter().map(move |latitude| Point { longitude, latitude }));
        corners.map(|corner| middle.distance_m(&corner)).fold(0.0, f64::max)
    }

    /// Whether `place` is within.
    pub fn contains(&self, place: &Point) -> bool {
        let before = self.0.iter().cycle().skip(self.0.len() - 1);
        let crossed = self.0.iter().zip(before).filter(|(a, b)| {
            (a.latitude > place.latitude) != (b.latitude > place.latitude) && {
                let share = (place.latitude - a.latitude) / (b.latitude - a.latitude);
                place.longitude < (b.longitude - a.longitude) * share + a.longitude
            }
        });
        crossed.count() % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(corners: &[(f64, f64)]) -> Polygon {
        Polygon::new(corners.iter().map(|&(longitude, latitude)| Point { longitude, latitude }).collect())
    }

    fn holds(polygon: &Polygon, longitude: f64, latitude: f64) -> bool {
        polygon.contains(&Point { longitude, latitude })
    }

    #[test]
    fn a_dent_is_outside() {
        let arrow = polygon(&[(0.0, 0.0), (10.0, 10.0), (20.0, 0.0), (10.0, 5.0)]);
        assert!(holds(&arrow, 10.0, 7.0) && holds(&arrow, 4.0, 3.0) && holds(&arrow, 16.0, 3.0));
        assert!(!holds(&arrow, 10.0, 4.0) && !holds(&arrow, 10.0, 11.0) && !holds(&arrow, -1.0, 0.0));
        assert_eq!(arrow.bounds(), Bounds { longitude: (0.0, 20.0), latitude: (0.0, 10.0) });
    }

    #[test]
    fn what_is_enclosed_twice_is_outside() {
        let star = polygon(&[(0.0, 10.0), (6.0, -8.0), (-9.0, 3.0), (9.0, 3.0), (-6.0, -8.0)]);
        assert!(!holds(&star, 0.0, 0.0));
        assert!(holds(&star, 0.0, 8.0) && holds(&star, 7.0, 2.5));
    }

    #[test]
    fn the_middle_is_on_the_sphere() {
        let middle = polygon(&[(-30.0, 0.0), (30.0, 0.0), (0.0, 60.0)]).middle();
        assert!(middle.longitude.abs() < 1e-9 && (20.0..25.0).contains(&middle.latitude), "{middle:?}");
        assert!(polygon(&[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]).reach_m() > 70_000.0);
    }
}
