//! Places on Earth, kept as scores of a sorted set: places near each other have scores near each other.
//!
//! Read in this order: [`point`] (from degrees to a score), [`shape`] (what is searched), [`cells`] (which scores that may be),
//! [`query`] (the words of a search), [`searching`].
//!
//! Invariant: a place is the 52-bit score that Redis gives it, so that sets move between both.

pub mod cells;
pub mod point;
pub mod polygon;
mod query;
pub mod searching;
pub mod shape;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};

use crate::row::Answer;
use crate::zsets::scoring::{Words, add};
use crate::{doubles, typed};
use point::Point;

pub(crate) const SOURCE: &str = include_str!("geo.rs");

/// Reads a longitude and a latitude.
fn parse_point(longitude: &[u8], latitude: &[u8]) -> Result<Point, Fault> {
    let point = Point { longitude: doubles::double(longitude)?, latitude: doubles::double(latitude)? };
    if point.is_on_map() {
        return Ok(point);
    }
    let Point { longitude, latitude } = point;
    Err(Fault::new(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")))
}

/// How many meters a unit has.
fn parse_unit(text: &[u8]) -> Result<f64, Fault> {
    match text.to_ascii_lowercase().as_slice() {
        b"m" => Ok(1.0),
        b"km" => Ok(1000.0),
        b"ft" => Ok(0.3048),
        b"mi" => Ok(1609.34),
        _ => Err(Fault::new("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// Answers a distance with four places behind the point.
fn answer_distance(distance: f64, out: &mut dyn ReplySink) {
    let units = (distance * 10_000.0).round_ties_even() as i64;
    out.bulk(format!("{}.{:04}", units / 10_000, units % 10_000).as_bytes());
}

fn answer_point(point: &Point, out: &mut dyn ReplySink) {
    out.array(2);
    out.double(point.longitude);
    out.double(point.latitude);
}

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
///
/// Puts members at places: how many were added, with CH also those that were moved. NX leaves members alone that are there, XX those that are
/// not. Longitudes are from -180 to 180, latitudes from -85.05112878 to 85.05112878 degrees. What is made is a sorted set.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEOADD sicily CH 13.5 38 Palermo
/// (integer) 1
/// > GEOADD sicily 0 90 Pole
/// (error) ERR invalid longitude,latitude pair 0.000000,90.000000
/// ```
pub fn geoadd(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (words, first) = parse_words(req);
    let count = req.len() - first;
    if !count.is_multiple_of(3) || count == 0 || words.nx && words.xx {
        return Err(Fault::syntax());
    }
    let place = |at: usize| Ok((parse_point(req.arg(at), req.arg(at + 1))?.score(), req.arg(at + 2)));
    let pairs = (first..req.len()).step_by(3).map(place).collect::<Result<Vec<_>, Fault>>()?;
    let added = add(w, req.arg(1), &words, &pairs)?;
    out.integer(added.count(&words));
    Ok(Outcome::Done)
}

fn parse_words(req: &Request) -> (Words, usize) {
    let (mut words, mut at) = (Words::default(), 2);
    loop {
        match () {
            () if req.is(at, "NX") => words.nx = true,
            () if req.is(at, "XX") => words.xx = true,
            () if req.is(at, "CH") => words.ch = true,
            () => return (words, at),
        }
        at += 1;
    }
}

/// Where each of the members from argument 2 on is, if it is there.
fn places<'v>(view: &'v View<'_>, req: &'v Request<'_>) -> Result<impl Iterator<Item = Option<Point>> + 'v, Fault> {
    let zset = typed::zset(view, req.arg(1))?;
    Ok(req.args_from(2).map(move |member| zset?.score(member).map(Point::of_score)))
}

/// `GEOPOS key [member [member ...]]`
///
/// Longitude and latitude of members, nil for each that is not there.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo
/// (integer) 1
/// > GEOPOS sicily Palermo Atlantis
/// 1) 1) "13.361389338970184"
///    2) "38.1155563954963"
/// 2) (nil)
/// ```
pub fn geopos(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let places = places(view, req)?;
    out.array(req.len() - 2);
    for place in places {
        match place {
            None => out.null_array(),
            Some(point) => answer_point(&point, out),
        }
    }
    Ok(Outcome::Done)
}

/// `GEOHASH key [member [member ...]]`
///
/// The geohashes of members, in eleven letters, nil for each that is not there.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo
/// (integer) 1
/// > GEOHASH sicily Palermo Atlantis
/// 1) "sqc8b49rny0"
/// 2) (nil)
/// ```
pub fn geohash(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let places = places(view, req)?;
    out.array(req.len() - 2);
    for place in places {
        match place {
            None => out.null(),
            Some(point) => out.bulk(&point.geohash()),
        }
    }
    Ok(Outcome::Done)
}

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
///
/// The distance between two members in meters, or in another unit; nil when one of them is not there. The Earth is taken for a
/// sphere, so it may be wrong by 0.5 %.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEODIST sicily Palermo Catania
/// "166274.1516"
/// > GEODIST sicily Palermo Catania km
/// "166.2742"
/// > GEODIST sicily Palermo Atlantis
/// (nil)
/// ```
pub fn geodist(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let unit_m = match req.len() {
        4 => 1.0,
        5 => parse_unit(req.arg(4))?,
        _ => return Err(Fault::syntax()),
    };
    let zset = typed::zset(view, req.arg(1))?;
    let place = |member: &[u8]| zset?.score(member).map(Point::of_score);
    match (place(req.arg(2)), place(req.arg(3))) {
        (Some(from), Some(to)) => answer_distance(from.distance_m(&to) / unit_m, out),
        _ => out.null(),
    }
    Ok(Outcome::Done)
}
