//! Searches for what is near: GEOSEARCH and GEORADIUS, and their forms that keep what they find.

use kvark_call::{Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::zset::{Edge, Entry};
use kvark_values::{IntBuffer, Zset};

use super::point::Point;
use super::query::{Order, Query, Target, Verb, Words};
use super::{answer_distance, answer_point, cells};
use crate::row::Answer;
use crate::strings::answer_value;
use crate::{typed, zsets};

pub(crate) const SOURCE: &str = include_str!("searching.rs");

/// A member that was found.
struct Hit<'v> {
    entry: Entry<'v>,
    point: Point,
    distance_m: f64,
    /// In the unit that was asked for.
    distance: f64,
}

impl Query<'_> {
    /// The members of `zset` that are within, in the order that is wanted.
    fn hits<'v>(&self, zset: &'v Zset) -> Vec<Hit<'v>> {
        let Some((center, area)) = &self.around else { return Vec::new() };
        let enough = if self.any { self.count } else { usize::MAX };
        let entries = cells::around(center, &area.shape).into_iter().flat_map(|cell| {
            let scores = cell.scores();
            zset.range(zset.place(Edge::BeforeScore(scores.start))..zset.place(Edge::BeforeScore(scores.end)))
        });
        let hits = entries.filter_map(|entry| {
            let point = Point::of_score(entry.score);
            let distance_m = area.shape.distance_m(center, &point)?;
            Some(Hit { entry, point, distance_m, distance: distance_m / area.unit_m })
        });
        let mut hits: Vec<Hit<'v>> = hits.take(enough).collect();
        match self.order {
            None => {}
            Some(Order::Ascending) => hits.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m)),
            Some(Order::Descending) => hits.sort_by(|a, b| b.distance_m.total_cmp(&a.distance_m)),
        }
        if self.count > 0 {
            hits.truncate(self.count);
        }
        hits
    }

    fn answer(&self, view: &View, key: &[u8], out: &mut dyn ReplySink) -> Answer {
        let hits = typed::zset(view, key)?.map_or_else(Vec::new, |zset| self.hits(zset));
        out.array(hits.len());
        hits.iter().for_each(|hit| self.answer_hit(hit, out));
        Ok(Outcome::Done)
    }

    fn answer_hit(&self, hit: &Hit<'_>, out: &mut dyn ReplySink) {
        let extras = [self.with.distance, self.with.hash, self.with.point].iter().filter(|&&wanted| wanted).count();
        if extras > 0 {
            out.array(1 + extras);
        }
        answer_value(Some(hit.entry.member), out);
        if self.with.distance {
            answer_distance(hit.distance, out);
        }
        if self.with.hash {
            out.integer(hit.entry.score as i64);
        }
        if self.with.point {
            answer_point(&hit.point, out);
        }
    }

    fn keep(&self, w: &mut Writer, key: &[u8], target: Target<'_>, out: &mut dyn ReplySink) -> Answer {
        let (mut kept, mut text) = (Zset::default(), IntBuffer::new());
        if let Some(zset) = typed::zset(w, key)? {
            for hit in self.hits(zset) {
                let score = if target.distances { hit.distance } else { hit.entry.score };
                kept.put(hit.entry.member.text(&mut text), score, 0, w.forms());
            }
        }
        zsets::store(w, target.key, kept, out)
    }

    fn answer_or_keep(&self, w: &mut Writer, key: &[u8], out: &mut dyn ReplySink) -> Answer {
        match self.target {
            None => self.answer(w, key, out),
            Some(target) => self.keep(w, key, target, out),
        }
    }
}

/// `GEOSEARCH key [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON corners longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
///
/// The members that are near a member or a place: within a radius, or in a box around it. BYPOLYGON (which Redis has not) needs no such middle: it answers those
/// within a polygon, with distances in meters from the middle of its corners. Units are `m`, `km`, `ft` and `mi`. ASC has the
/// nearest first, DESC the farthest. COUNT answers so many of the nearest, with ANY the first that are found. WITHDIST answers the
/// distance of each too, WITHHASH its score, WITHCOORD longitude and latitude.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge
/// (integer) 3
/// > GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC
/// 1) "Catania"
/// 2) "Palermo"
/// > GEOSEARCH sicily FROMMEMBER Catania BYBOX 400 400 km DESC COUNT 1 WITHDIST
/// 1) 1) "Palermo"
///    2) "166.2742"
/// > GEOSEARCH sicily BYPOLYGON 3 13 37 16 37 16 38
/// 1) "Catania"
/// > GEOSEARCH sicily BYRADIUS 200 km COUNT 1 ASC WITHDIST
/// (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
/// ```
pub fn geosearch(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let query = Words::of(typed::zset(view, req.arg(1))?).parse(req, 2, Verb::Search)?;
    query.answer(view, req.arg(1), out)
}

/// `GEOSEARCHSTORE destination source [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON corners longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]`
///
/// Puts what GEOSEARCH would answer at `destination`, in place of whatever is there: how many members it has. With STOREDIST their scores are
/// the distances.
///
/// ```resp
/// > GEOADD {sicily} 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEOSEARCHSTORE {sicily}:near {sicily} FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST
/// (integer) 1
/// > ZRANGE {sicily}:near 0 -1 WITHSCORES
/// 1) "Catania"
/// 2) "56.4412578701582"
/// ```
pub fn geosearchstore(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let query = Words::into_target(typed::zset(w, req.arg(2))?, req.arg(1)).parse(req, 3, Verb::SearchStore)?;
    query.answer_or_keep(w, req.arg(2), out)
}

/// `GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`
///
/// The members within a radius of a place; the older form of GEOSEARCH and GEOSEARCHSTORE.
///
/// ```resp
/// > GEOADD {sicily} 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEORADIUS {sicily} 15 37 200 km WITHDIST WITHHASH ASC COUNT 1
/// 1) 1) "Catania"
///    2) "56.4413"
///    3) (integer) 3479447370796909
/// > GEORADIUS {sicily} 15 37 200 km STORE {sicily}:near
/// (integer) 2
/// > COMMAND GETKEYS GEORADIUS sicily 15 37 200 km STORE STOREDIST STOREDIST near
/// 1) "sicily"
/// 2) "near"
/// ```
pub fn georadius(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    typed::zset(w, req.arg(1))?;
    let query = Words::around_point(req)?.parse(req, 6, Verb::Radius)?;
    query.answer_or_keep(w, req.arg(1), out)
}

/// `GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`
///
/// GEORADIUS without STORE and STOREDIST.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEORADIUS_RO sicily 15 37 100 km WITHCOORD
/// 1) 1) "Catania"
///    2) 1) "15.087267458438873"
///       2) "37.50266842333162"
/// ```
pub fn georadius_ro(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    typed::zset(view, req.arg(1))?;
    Words::around_point(req)?.parse(req, 6, Verb::RadiusReadOnly)?.answer(view, req.arg(1), out)
}

/// `GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`
///
/// The members within a radius of a member; the older form of GEOSEARCH and GEOSEARCHSTORE.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEORADIUSBYMEMBER sicily Palermo 200 km DESC
/// 1) "Catania"
/// 2) "Palermo"
/// > GEORADIUSBYMEMBER sicily Atlantis 200 km
/// (error) ERR could not decode requested zset member
/// ```
pub fn georadiusbymember(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let query = Words::around_member(typed::zset(w, req.arg(1))?, req)?.parse(req, 5, Verb::Radius)?;
    query.answer_or_keep(w, req.arg(1), out)
}

/// `GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`
///
/// GEORADIUSBYMEMBER without STORE and STOREDIST.
///
/// ```resp
/// > GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
/// (integer) 2
/// > GEORADIUSBYMEMBER_RO sicily Palermo 100 mi
/// 1) "Palermo"
/// ```
pub fn georadiusbymember_ro(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let query = Words::around_member(typed::zset(view, req.arg(1))?, req)?.parse(req, 5, Verb::RadiusReadOnly)?;
    query.answer(view, req.arg(1), out)
}
