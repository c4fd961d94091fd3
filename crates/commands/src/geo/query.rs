//! The words of a search: from where, how far, what is wanted of what is found, and where it goes.

use kvark_call::{Fault, Request};
use kvark_values::Zset;

use super::point::Point;
use super::polygon::Polygon;
use super::shape::Shape;
use super::{parse_point, parse_unit};
use crate::{args, doubles};

/// Where the search is around.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Center {
    /// A place.
    Point(Point),
    /// A member of the set; nowhere if there is no set.
    Member(Option<Point>),
}

impl Center {
    /// Where `member` is. That it is in the set is looked at before the words behind it.
    fn of_member(zset: Option<&Zset>, member: &[u8]) -> Result<Self, Fault> {
        let missing = || Fault::new("ERR could not decode requested zset member");
        let point = zset.map(|zset| zset.score(member).map(Point::of_score).ok_or_else(missing));
        Ok(Self::Member(point.transpose()?))
    }

    fn point(self) -> Option<Point> {
        match self {
            Self::Point(point) => Some(point),
            Self::Member(point) => point,
        }
    }
}

/// In which order by distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The nearest first.
    Ascending,
    /// The farthest first.
    Descending,
}

/// What is answered of each member beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct With {
    /// The distance.
    pub distance: bool,
    /// The score.
    pub hash: bool,
    /// Longitude and latitude.
    pub point: bool,
}

/// Where what was found is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether the scores are the distances.
    pub distances: bool,
}

/// A shape, and what its unit is.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// What is searched.
    pub shape: Shape,
    /// The unit that distances are answered in, in meters.
    pub unit_m: f64,
}

/// Which words a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GEOSEARCH.
    Search,
    /// GEOSEARCHSTORE.
    SearchStore,
    /// GEORADIUS, GEORADIUSBYMEMBER.
    Radius,
    /// Their forms that only read.
    RadiusReadOnly,
}

impl Verb {
    fn is_search(self) -> bool {
        matches!(self, Self::Search | Self::SearchStore)
    }
}

/// The words as they are read.
#[derive(Debug, Default)]
pub struct Words<'a, 'v> {
    /// The set that is searched.
    zset: Option<&'v Zset>,
    center: Option<Center>,
    area: Option<Area>,
    with: With,
    order: Option<Order>,
    count: usize,
    any: bool,
    target: Option<Target<'a>>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The middle of what is searched, and how far around it; nothing where there is no set.
    pub around: Option<(Point, Area)>,
    /// What is answered.
    pub with: With,
    /// In which order, if that matters.
    pub order: Option<Order>,
    /// At most so many; 0 is any number.
    pub count: usize,
    /// Whether any will do that are within, not only the nearest.
    pub any: bool,
    /// Where the result goes, if it is not answered.
    pub target: Option<Target<'a>>,
}

fn parse_area(number: &[u8], unit: &[u8]) -> Result<Area, Fault> {
    let radius = doubles::double_or(number, "ERR need numeric radius")?;
    if radius < 0.0 {
        return Err(Fault::new("ERR radius cannot be negative"));
    }
    let unit_m = parse_unit(unit)?;
    Ok(Area { shape: Shape::Circle { radius: radius * unit_m }, unit_m })
}

fn parse_box(width: &[u8], height: &[u8], unit: &[u8]) -> Result<Area, Fault> {
    let width = doubles::double_or(width, "ERR need numeric width")?;
    let height = doubles::double_or(height, "ERR need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err(Fault::new("ERR height or width cannot be negative"));
    }
    let unit_m = parse_unit(unit)?;
    Ok(Area { shape: Shape::Box { width: width * unit_m, height: height * unit_m }, unit_m })
}

/// The polygon whose corners stand from argument `at` on, behind their number.
fn parse_polygon(req: &Request, at: usize) -> Result<Polygon, Fault> {
    let corners = args::integer_or(req.arg(at), "ERR invalid number of vertices")?;
    let behind = (req.len() - at - 1) / 2;
    let corners = usize::try_from(corners).ok().filter(|corners| (3..=behind).contains(corners));
    let too_few = || Fault::new("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
    let points = (0..corners.ok_or_else(too_few)?).map(|corner| at + 1 + 2 * corner);
    Ok(Polygon::new(points.map(|at| parse_point(req.arg(at), req.arg(at + 1))).collect::<Result<_, _>>()?))
}

impl<'a, 'v> Words<'a, 'v> {
    /// `GEOSEARCH`
    pub fn of(zset: Option<&'v Zset>) -> Self {
        Self { zset, ..Self::default() }
    }

    /// `GEORADIUS key longitude latitude radius unit`
    pub fn around_point(req: &Request<'a>) -> Result<Self, Fault> {
        let center = Center::Point(parse_point(req.arg(2), req.arg(3))?);
        let area = parse_area(req.arg(4), req.arg(5))?;
        Ok(Self { center: Some(center), area: Some(area), ..Self::default() })
    }

    /// `GEORADIUSBYMEMBER key member radius unit`. Where there is no set, the radius may be anything.
    pub fn around_member(zset: Option<&'v Zset>, req: &Request<'a>) -> Result<Self, Fault> {
        let center = Center::of_member(zset, req.arg(2))?;
        let area = zset.map(|_| parse_area(req.arg(3), req.arg(4))).transpose()?;
        Ok(Self { center: Some(center), area, ..Self::of(zset) })
    }

    /// `GEOSEARCHSTORE destination`
    pub fn into_target(zset: Option<&'v Zset>, key: &'a [u8]) -> Self {
        Self { target: Some(Target { key, distances: false }), ..Self::of(zset) }
    }

    /// Reads the arguments from `first` on.
    pub fn parse(mut self, req: &Request<'a>, first: usize, verb: Verb) -> Result<Query<'a>, Fault> {
        let mut at = first;
        while at < req.len() {
            at += match self.take_plain(req, at, verb) {
                true => 1,
                false if verb.is_search() => self.take_search(req, at)?,
                false => self.take_radius(req, at, verb)?,
            };
        }
        self.check(req, verb)
    }

    /// Takes a word that stands alone.
    fn take_plain(&mut self, req: &Request<'a>, at: usize, verb: Verb) -> bool {
        match req.arg(at).to_ascii_uppercase().as_slice() {
            b"WITHDIST" => self.with.distance = true,
            b"WITHHASH" => self.with.hash = true,
            b"WITHCOORD" => self.with.point = true,
            b"ANY" => self.any = true,
            b"ASC" => self.order = Some(Order::Ascending),
            b"DESC" => self.order = Some(Order::Descending),
            b"STOREDIST" if verb == Verb::SearchStore => {
                self.target = self.target.map(|target| Target { distances: true, ..target });
            }
            _ => return false,
        }
        true
    }

    fn take_count(&mut self, req: &Request<'a>, at: usize) -> Result<usize, Fault> {
        let count = args::integer(req.arg(at + 1))?;
        self.count =
            usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Fault::new("ERR COUNT must be > 0"))?;
        Ok(2)
    }

    /// Takes a word with the arguments behind it; returns how many arguments those were.
    fn take_search(&mut self, req: &Request<'a>, at: usize) -> Result<usize, Fault> {
        let behind = req.len() - at - 1;
        let (by_radius, by_box, by_polygon) = match self.area.as_ref().map(|area| &area.shape) {
            None => (true, true, self.center.is_none()),
            Some(Shape::Circle { .. }) => (true, false, false),
            Some(Shape::Box { .. }) => (false, true, false),
            Some(Shape::Polygon(_)) => (false, false, true),
        };
        let has_polygon = self.area.is_some() && by_polygon;
        let (by_member, by_point) = match self.center {
            _ if has_polygon => (false, false),
            None => (true, true),
            Some(Center::Member(_)) => (true, false),
            Some(Center::Point(_)) => (false, true),
        };
        match req.arg(at).to_ascii_uppercase().as_slice() {
            b"COUNT" if behind >= 1 => return self.take_count(req, at),
            b"FROMMEMBER" if behind >= 1 && by_member => {
                self.center = Some(Center::of_member(self.zset, req.arg(at + 1))?);
            }
            b"FROMLONLAT" if behind >= 2 && by_point => {
                self.center = Some(Center::Point(parse_point(req.arg(at + 1), req.arg(at + 2))?));
                return Ok(3);
            }
            b"BYRADIUS" if behind >= 2 && by_radius => {
                self.area = Some(parse_area(req.arg(at + 1), req.arg(at + 2))?);
                return Ok(3);
            }
            b"BYBOX" if behind >= 3 && by_box => {
                self.area = Some(parse_box(req.arg(at + 1), req.arg(at + 2), req.arg(at + 3))?);
                return Ok(4);
            }
            b"BYPOLYGON" if behind >= 2 && by_polygon => {
                let polygon = parse_polygon(req, at + 1)?;
                let corners = polygon.corners();
                self.center = Some(Center::Point(polygon.middle()));
                self.area = Some(Area { shape: Shape::Polygon(polygon), unit_m: 1.0 });
                return Ok(2 + 2 * corners);
            }
            _ => return Err(Fault::syntax()),
        }
        Ok(2)
    }

    fn take_radius(&mut self, req: &Request<'a>, at: usize, verb: Verb) -> Result<usize, Fault> {
        let Some(next) = req.get(at + 1) else { return Err(Fault::syntax()) };
        match req.arg(at).to_ascii_uppercase().as_slice() {
            b"COUNT" => return self.take_count(req, at),
            b"STORE" if verb == Verb::Radius => self.target = Some(Target { key: next, distances: false }),
            b"STOREDIST" if verb == Verb::Radius => self.target = Some(Target { key: next, distances: true }),
            _ => return Err(Fault::syntax()),
        }
        Ok(2)
    }

    fn check(self, req: &Request, verb: Verb) -> Result<Query<'a>, Fault> {
        if self.target.is_some() && self.with != With::default() {
            let what = if verb == Verb::SearchStore { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            let message = format!("ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
            return Err(Fault::new(message));
        }
        let missing = |which: &str| {
            let name = String::from_utf8_lossy(req.name()).replace(['\r', '\n'], " ");
            Fault::new(format!("ERR exactly one of {which} can be specified for {name}"))
        };
        if self.center.is_none() {
            return Err(missing("FROMMEMBER or FROMLONLAT"));
        }
        if verb.is_search() && self.area.is_none() {
            return Err(missing("BYRADIUS and BYBOX"));
        }
        if self.any && self.count == 0 {
            return Err(Fault::new("ERR the ANY argument requires COUNT argument"));
        }
        Ok(self.into_query())
    }

    fn into_query(self) -> Query<'a> {
        let Self { with, order, count, any, target, .. } = self;
        let around = self.center.and_then(Center::point).zip(self.area);
        // Some of all that are found makes sense only of the nearest, unless any will do.
        let order = order.or((count > 0 && !any).then_some(Order::Ascending));
        Query { around, with, order, count, any, target }
    }
}
