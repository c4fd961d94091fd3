//! The squares of the map that a shape lies in, as ranges of scores: the square where its center is, and those around it.
//!
//! Invariant: a place within the shape is in one of the squares, unless the shape is so large, or so near to a pole, that nine squares of the
//! coarsest division cannot hold it.

use std::ops::Range;

use super::point::{LATITUDES, LONGITUDES, Point, STEPS, interleave};
use super::shape::{Bounds, Shape};

/// Half the length of the equator on the map, in meters.
const MAP_REACH_M: f64 = 20_037_726.37;

/// One of 4^`steps` equal parts of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    x: u32,
    y: u32,
    steps: u8,
}

impl Cell {
    fn of(point: &Point, steps: u8) -> Self {
        Self { x: LONGITUDES.part(point.longitude, steps), y: LATITUDES.part(point.latitude, steps), steps }
    }

    /// Its neighbour so far to the east and to the north; the map is round in both directions.
    fn neighbor(self, east: i32, north: i32) -> Self {
        let mask = (1 << self.steps) - 1;
        let moved = |part: u32, by: i32| part.wrapping_add_signed(by) & mask;
        let (x, y) = (
            if east == 0 { self.x } else { moved(self.x, east) },
            if north == 0 { self.y } else { moved(self.y, north) },
        );
        Self { x, y, ..self }
    }

    fn bounds(self) -> Bounds {
        Bounds { longitude: LONGITUDES.bounds(self.x, self.steps), latitude: LATITUDES.bounds(self.y, self.steps) }
    }

    /// The scores of the places in it.
    pub fn scores(self) -> Range<f64> {
        let (bits, shift) = (interleave(self.x, self.y), 2 * (STEPS - self.steps));
        (bits << shift) as f64..((bits + 1) << shift) as f64
    }
}

/// How finely the map is divided so that nine squares hold a shape that reaches so far, in most places.
fn steps_for(reach_m: f64, latitude: f64) -> u8 {
    if reach_m == 0.0 {
        return STEPS;
    }
    let (mut reach_m, mut steps) = (reach_m, -1);
    while reach_m < MAP_REACH_M {
        reach_m *= 2.0;
        steps += 1;
    }
    // Squares are narrower toward the poles.
    steps -= i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    steps.clamp(1, i32::from(STEPS)) as u8
}

/// Whether the neighbours of `cell` reach as far as `wanted` in each direction.
fn are_enough(cell: Cell, wanted: &Bounds) -> bool {
    cell.neighbor(0, 1).bounds().latitude.1 >= wanted.latitude.1
        && cell.neighbor(0, -1).bounds().latitude.0 <= wanted.latitude.0
        && cell.neighbor(1, 0).bounds().longitude.1 >= wanted.longitude.1
        && cell.neighbor(-1, 0).bounds().longitude.0 <= wanted.longitude.0
}

/// In this order: the center, the sides, the corners.
const AROUND: [(i32, i32); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// The squares that `shape` around `center` lies in, each once.
pub fn around(center: &Point, shape: &Shape) -> Vec<Cell> {
    let wanted = shape.bounds(center);
    let mut cell = Cell::of(center, steps_for(shape.reach_m(), center.latitude));
    if cell.steps > 1 && !are_enough(cell, &wanted) {
        cell = Cell::of(center, cell.steps - 1);
    }
    let own = cell.bounds();
    // A neighbour is of use if the shape reaches beyond the middle square on its side.
    let is_useful = |&&(east, north): &&(i32, i32)| {
        cell.steps < 2
            || !(north < 0 && own.latitude.0 < wanted.latitude.0
                || north > 0 && own.latitude.1 > wanted.latitude.1
                || east < 0 && own.longitude.0 < wanted.longitude.0
                || east > 0 && own.longitude.1 > wanted.longitude.1)
    };
    let mut cells = Vec::with_capacity(AROUND.len());
    for &(east, north) in AROUND.iter().filter(is_useful) {
        let neighbor = cell.neighbor(east, north);
        // Where the map is divided in four, going east and going west is the same.
        if !cells.contains(&neighbor) {
            cells.push(neighbor);
        }
    }
    cells
}
