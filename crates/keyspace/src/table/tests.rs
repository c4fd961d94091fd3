use std::collections::HashMap;
use std::sync::Arc;

use kvark_base::random::Random;
use kvark_values::NewValue;

use super::*;
use crate::entry::NewEntry;
use crate::key::KeyHasher;
use crate::slab::{PagePool, Slab};

struct World {
    table: Table,
    slab: Slab,
    hasher: KeyHasher,
    model: HashMap<Vec<u8>, u64>,
}

impl World {
    fn new() -> Self {
        let slab = Slab::new(Arc::new(PagePool::default()));
        Self { table: Table::default(), slab, hasher: KeyHasher::new(42, 1), model: HashMap::new() }
    }

    fn find(&self, key: &[u8]) -> Option<Found> {
        // SAFETY: entries of the table are alive.
        self.table.find(self.hasher.hash(key), |entry| unsafe { entry.borrow() }.key() == key)
    }

    fn set(&mut self, key: Vec<u8>, version: u64) {
        let new =
            NewEntry { key: &key, value: NewValue::string(b"1"), expires_at: 0, version, in_tier: false, accessed: 0 };
        let entry = EntryPtr::new(&mut self.slab, new);
        let hasher = self.hasher.clone();
        match self.find(&key) {
            Some(found) => {
                self.table.replace(&found, entry);
                // SAFETY: the table has let go of it.
                unsafe { found.entry.free(&mut self.slab) };
            }
            // SAFETY: entries of the table are alive.
            None => self.table.insert(hasher.hash(&key), entry, |e| hasher.hash(unsafe { e.borrow() }.key())),
        }
        self.model.insert(key, version);
    }

    fn remove(&mut self, key: &[u8]) {
        let found = self.find(key);
        assert_eq!(found.is_some(), self.model.remove(key).is_some());
        if let Some(found) = found {
            self.table.remove(&found);
            // SAFETY: the table has let go of it.
            unsafe { found.entry.free(&mut self.slab) };
        }
    }

    fn check(&self) {
        assert_eq!(self.table.len(), self.model.len());
        for (key, version) in &self.model {
            let found = self.find(key).unwrap_or_else(|| panic!("{key:?} is lost"));
            // SAFETY: entries of the table are alive.
            assert_eq!(unsafe { found.entry.borrow() }.version(), *version);
        }
        assert_eq!(self.table.iter().count(), self.model.len());
    }

    fn clear(&mut self) {
        for key in self.model.keys().cloned().collect::<Vec<_>>() {
            self.remove(&key);
        }
    }
}

fn key_of(number: u64) -> Vec<u8> {
    format!("key:{number:012}").into_bytes()
}

#[test]
fn a_table_equals_a_map_through_growth_splits_and_removals() {
    let (mut world, mut random) = (World::new(), Random::from_seed(1));
    for round in 0..60_000u64 {
        // The balance of sets and removals swings, so that the table fills and empties several times over.
        let fills = (round / 12_000).is_multiple_of(2);
        let key = key_of(random.below(20_000));
        if random.chance(if fills { 9 } else { 2 }, 10) {
            world.set(key, round + 1);
        } else {
            world.remove(&key);
        }
        if round % 5_000 == 0 {
            world.check();
        }
    }
    world.check();
    world.clear();
    assert!(world.table.is_empty());
}

#[test]
fn an_entry_away_from_home_is_found_after_others_leave() {
    // Few buckets and many removals: displaced entries must be pulled back, or a search stops before them.
    let (mut world, mut random) = (World::new(), Random::from_seed(2));
    for round in 0..40_000u64 {
        let key = key_of(random.below(60));
        if random.chance(1, 2) {
            world.set(key, round + 1);
        } else {
            world.remove(&key);
        }
        if round % 16 == 0 {
            world.check();
        }
    }
    world.clear();
}

#[test]
fn a_walk_sees_what_stays_however_the_table_grows() {
    for seed in 0..20 {
        let (mut world, mut random) = (World::new(), Random::from_seed(seed));
        let staying = 1 + random.below(5_000);
        (0..staying).for_each(|number| world.set(key_of(number), 1));
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let (mut place, mut fresh) = (Some(Place::default()), staying);
        while let Some(at) = place {
            // SAFETY: entries of the table are alive.
            place = world.table.walk(at, |e| *seen.entry(unsafe { e.borrow() }.key().to_vec()).or_default() += 1);
            for _ in 0..random.below(40) {
                world.set(key_of(fresh), 1);
                fresh += 1;
            }
            if random.chance(1, 3) {
                world.remove(&key_of(staying + random.below(fresh - staying + 1)));
            }
        }
        for number in 0..staying {
            assert!(
                seen.contains_key(&key_of(number)),
                "seed {seed}: key {number} of {staying} was there all the time"
            );
        }
        world.clear();
    }
}

#[test]
fn a_walk_over_a_table_at_rest_sees_each_entry_once() {
    let mut world = World::new();
    (0..30_000).for_each(|number| world.set(key_of(number), 1));
    let (mut place, mut seen) = (Some(Place::default()), 0);
    while let Some(at) = place {
        place = world.table.walk(at, |_| seen += 1);
    }
    assert_eq!(seen, 30_000);
    world.clear();
}

#[test]
fn a_full_table_takes_about_ten_bytes_a_key() {
    let mut world = World::new();
    let mut most: f64 = 0.0;
    for number in 0..200_000 {
        world.set(key_of(number), 1);
        if number > 20_000 && number % 1000 == 0 {
            most = most.max(world.table.memory_bytes() as f64 / number as f64);
        }
    }
    assert!(most < 12.0, "{most} bytes a key");
    world.clear();
}

#[test]
fn random_entries_are_spread_evenly() {
    let (mut world, mut random) = (World::new(), Random::from_seed(3));
    (0..1000).for_each(|number| world.set(key_of(number), 1));
    let mut drawn: HashMap<Vec<u8>, u32> = HashMap::new();
    for _ in 0..100_000 {
        let entry = world.table.random(&mut random).expect("the table is not empty");
        // SAFETY: entries of the table are alive.
        *drawn.entry(unsafe { entry.borrow() }.key().to_vec()).or_default() += 1;
    }
    assert_eq!(drawn.len(), 1000);
    assert!(drawn.values().all(|&times| (40..200).contains(&times)), "100 draws each were to be expected");
    world.clear();
}
