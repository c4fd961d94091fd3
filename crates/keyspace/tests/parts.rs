//! Big collections go to the tier in parts, and come back whole: whatever changes meanwhile, fails, or crashes.
//!
//! `KVARK_LONG` makes the run longer.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use kvark_base::Result;
use kvark_base::random::Random;
use kvark_keyspace::checkpoint::{Checkpoint, Pass};
use kvark_keyspace::parts::{part_at, part_prefix};
use kvark_keyspace::recover::Recovery;
use kvark_keyspace::tier_entry::{TierEntry, TierValue, tier_prefix};
use kvark_keyspace::{Keyspace, Options};
use kvark_log::Log;
use kvark_log::memory::{MemoryLog, Shelf};
use kvark_tier::memory::MemoryTier;
use kvark_tier::{Batch, Tier};
use kvark_values::list::{self, End};
use kvark_values::stream::{self, GroupOp, Id};
use kvark_values::{Forms, StringRef, Type, ValueRef, hash, set, zset};

/// So that some hundred members make a big collection.
const MEMBER_BYTES: usize = 500;
const PART_BYTES: usize = 8_000;
const TYPES: [Type; 5] = [Type::List, Type::Set, Type::Zset, Type::Hash, Type::Stream];
const EVERYTHING: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

struct World {
    shelf: Shelf,
    log: Arc<dyn Log>,
    tier: MemoryTier,
    checkpoint: Checkpoint,
    keyspace: Keyspace,
    pass: Option<Pass>,
    random: Random,
    largest_batch: usize,
    written_bytes: usize,
}

fn open(shelf: &Shelf) -> (Arc<dyn Log>, Keyspace) {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::on(shelf));
    let keyspace = Keyspace::new(Options { shards: 2, seed: 7 }, Arc::clone(&log));
    keyspace.set_part_bytes(PART_BYTES);
    (log, keyspace)
}

fn recover(keyspace: &Keyspace, log: &dyn Log, tier: &MemoryTier, checkpoint: &Checkpoint) -> Result<()> {
    let mut recovery = Recovery::new(keyspace, checkpoint);
    tier.range(EVERYTHING, false, &mut |key, value| recovery.pair(key, value).map(|()| true))?;
    recovery.end_pairs()?;
    log.replay(checkpoint.position, &mut |position, record| recovery.record(position, record))?;
    recovery.take_records()
}

fn member(random: &mut Random) -> Vec<u8> {
    let mut member = format!("{:03}", random.below(300)).into_bytes();
    member.resize(MEMBER_BYTES, b'.');
    member
}

impl World {
    fn new(seed: u64) -> Self {
        let shelf = Shelf::default();
        let (log, keyspace) = open(&shelf);
        log.replay(0, &mut |_, _| Ok(())).unwrap();
        let (tier, random) = (MemoryTier::default(), Random::from_seed(seed));
        let checkpoint = Checkpoint::default();
        // So many that a pass takes several slices for a shard.
        for key in 0..2_500u32 {
            let key = key.to_string();
            let mut writer = keyspace.write_one(2, keyspace.key(key.as_bytes()), 1);
            writer.put(key.as_bytes(), StringRef::Int(1), 0).unwrap();
        }
        Self { shelf, log, tier, checkpoint, keyspace, pass: None, random, largest_batch: 0, written_bytes: 0 }
    }

    /// A database and a key of it.
    fn key(&mut self) -> (u32, Vec<u8>, Type) {
        let of_type = TYPES[self.random.below(5) as usize];
        (2 * self.random.below(2) as u32, of_type.name().as_bytes().to_vec(), of_type)
    }

    fn change(&mut self, most: u64) {
        let (db, key, of_type) = self.key();
        let mut ops = Vec::new();
        for _ in 0..1 + self.random.below(most) {
            self.op(of_type, &mut ops);
        }
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(&key), 1);
        if writer.find(&key).is_some_and(|entry| entry.of_type() != of_type) {
            writer.remove(&key).unwrap();
        }
        writer.change(&key, of_type, &ops).unwrap();
    }

    fn op(&mut self, of_type: Type, ops: &mut Vec<u8>) {
        let (random, pick) = (&mut self.random, |random: &mut Random| random.below(10));
        let (name, index) = (&member(random)[..], random.below(200) as usize);
        match (of_type, pick(random)) {
            (Type::List, 0..4) => list::Op::Push { end: End::Back, value: name }.encode(ops),
            (Type::List, 4..6) => list::Op::Push { end: End::Front, value: name }.encode(ops),
            (Type::List, 6) => list::Op::Pop { end: End::Front, n: 3 }.encode(ops),
            (Type::List, 7) => list::Op::Set { index, value: b"short" }.encode(ops),
            (Type::List, _) => list::remove_at(&[index], ops),
            (Type::Set, 0..7) => set::Op::Add { member: name, deadline: 0 }.encode(ops),
            (Type::Set, _) => set::Op::Remove { member: name }.encode(ops),
            (Type::Zset, 0..7) => zset::Op::Put { member: name, score: index as f64, deadline: 0 }.encode(ops),
            (Type::Zset, _) => zset::Op::Remove { member: name }.encode(ops),
            (Type::Hash, 0..7) => hash::Op::Set { field: name, value: b"v", expires_at: 0 }.encode(ops),
            (Type::Hash, _) => hash::Op::Remove { field: name }.encode(ops),
            (_, 0..6) => {
                let id = Id::new(self.log.last() * 10_000 + ops.len() as u64, 0);
                stream::Op::Append { id, pairs: &[b"field", name] }.encode(ops);
            }
            (_, 6) => stream::Op::Trim { through: Id::new(self.log.last() * 7_000, 0) }.encode(ops),
            (_, 7) => self.group_op(GroupOp::Create { last_id: Id::MIN, entries_read: None }, ops),
            _ => {
                let ids = [Id::new(index as u64, 0)];
                self.group_op(GroupOp::Assign { consumer: b"c", delivered_at: 1, deliveries: 1, ids: &ids }, ops);
            }
        }
    }

    fn group_op(&self, op: GroupOp<'_>, ops: &mut Vec<u8>) {
        stream::Op::Group { name: b"group", op }.encode(ops);
    }

    fn step(&mut self) -> Result<()> {
        let (db, key, _) = self.key();
        match self.random.below(1000) {
            0..500 => self.change(80),
            500..600 => self.pass_on().map(drop)?,
            600..605 => _ = self.keyspace.write_one(db, self.keyspace.key(&key), 1).remove(&key)?,
            605..610 => {
                self.keyspace.write_one(db, self.keyspace.key(&key), 1).put(&key, StringRef::new(b"text"), 0)?
            }
            610..615 => _ = self.keyspace.write_one(db, self.keyspace.key(&key), 1).expire_at(&key, 1 << 40)?,
            615..617 => _ = self.keyspace.flush(db)?,
            617..620 => _ = kvark_keyspace::Reach::Free(&self.keyspace).swap(0, 2, 0)?,
            620..980 => _ = self.pass_on()?,
            _ => self.crash()?,
        }
        Ok(())
    }

    /// One piece of a pass; a few of them fail.
    fn pass_on(&mut self) -> Result<bool> {
        let keyspace = &self.keyspace;
        let pass = self.pass.get_or_insert_with(|| {
            let pass = keyspace.begin_pass();
            for db in (0..16).filter(|db| pass.clear >> db & 1 == 1) {
                self.tier.flush().unwrap();
                self.tier.clear_prefix(&tier_prefix(db)).unwrap();
                self.tier.flush().unwrap();
                self.tier.clear_prefix(&part_prefix(db)).unwrap();
            }
            pass
        });
        let mut batch = Batch::new();
        let more = keyspace.continue_pass(pass, &mut batch, 500);
        let fails = self.random.chance(1, 200);
        let by_key: BTreeMap<_, _> = batch.into_iter().collect();
        let len: usize = by_key.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        self.largest_batch = self.largest_batch.max(len);
        self.written_bytes += len;
        if !fails || self.random.chance(1, 2) {
            self.tier.apply(by_key.into_iter().collect())?;
        }
        if fails {
            keyspace.abandon_pass(self.pass.take().unwrap());
        } else if !more {
            let pass = self.pass.take().unwrap();
            self.tier.flush()?;
            self.checkpoint = keyspace.checkpoint_of(&pass);
            keyspace.finish_pass(pass);
            self.log.cut(self.checkpoint.position + 1)?;
        }
        Ok(more || fails)
    }

    fn whole_pass(&mut self) {
        while self.pass_on().unwrap() || self.pass.is_some() {}
    }

    fn crash(&mut self) -> Result<()> {
        self.log.seal(self.log.last())?;
        let before = self.keyspace.digest(1);
        self.pass = None;
        let percent = 50 * self.random.below(3);
        self.tier = self.tier.crash_keeping(&mut self.random, percent);
        (self.log, self.keyspace) = open(&self.shelf);
        recover(&self.keyspace, &*self.log, &self.tier, &self.checkpoint)?;
        assert_eq!(self.keyspace.digest(1), before, "the digest after recovery");
        Ok(())
    }

    /// How many parts the entries of the tier speak of, and how many there are.
    fn parts(&self) -> (usize, usize) {
        let (mut spoken_of, mut there) = (0, 0);
        let mut visit = |key: &[u8], value: &[u8]| {
            if part_at(key).is_some() {
                there += 1;
            } else if let TierValue::InParts(_, written) = TierEntry::decode(key, value, &Forms::default())?.value {
                spoken_of += written.parts as usize;
            }
            Ok(true)
        };
        self.tier.range(EVERYTHING, false, &mut visit).unwrap();
        (spoken_of, there)
    }
}

#[test]
fn big_collections_come_back_through_passes_and_crashes() {
    let long = std::env::var_os("KVARK_LONG").is_some();
    let mut parts = 0;
    for seed in 0..if long { 1_000 } else { 12 } {
        let mut world = World::new(seed);
        for step in 0..600 {
            world.step().unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        }
        // What was dropped in the last pass goes in the next one.
        (0..2).for_each(|_| world.whole_pass());
        let (spoken_of, there) = world.parts();
        assert_eq!(spoken_of, there, "seed {seed}: parts that nobody speaks of stay");
        parts += there;
        world.crash().unwrap();
    }
    assert!(parts > 100, "hardly any collection was big: {parts} parts");
}

/// A world with one big hash in the tier.
fn with_hash() -> World {
    let mut world = World::new(3);
    make_hash(&world);
    world.whole_pass();
    world
}

fn make_hash(world: &World) {
    let mut ops = Vec::new();
    for field in 0..2000u32 {
        let (field, value) = (field.to_string(), [b'v'; 200]);
        hash::Op::Set { field: field.as_bytes(), value: &value, expires_at: 0 }.encode(&mut ops);
    }
    world.keyspace.write_one(0, world.keyspace.key(b"hash"), 1).change(b"hash", Type::Hash, &ops).unwrap();
}

/// The pass that wrote its parts began before its database was emptied, so the next one clears them.
#[test]
fn parts_that_are_cleared_with_an_older_generation_are_written_again() {
    let mut world = World::new(3);
    world.pass = Some(world.keyspace.begin_pass());
    world.keyspace.flush(0).unwrap();
    make_hash(&world);
    (0..2).for_each(|_| world.whole_pass());
    let (spoken_of, there) = world.parts();
    assert!(spoken_of == there && there > 10, "{there} parts, {spoken_of} spoken of");
    world.crash().unwrap();
}

fn touch(world: &World, field: u32) {
    let (field, mut ops) = (field.to_string(), Vec::new());
    hash::Op::Set { field: field.as_bytes(), value: b"new", expires_at: 0 }.encode(&mut ops);
    world.keyspace.write_one(0, world.keyspace.key(b"hash"), 1).change(b"hash", Type::Hash, &ops).unwrap();
}

#[test]
fn a_small_change_of_a_big_collection_is_a_small_part() {
    let mut world = with_hash();
    assert!(world.written_bytes > 400_000 && world.largest_batch < 30_000, "{} bytes", world.largest_batch);
    world.written_bytes = 0;
    touch(&world, 7);
    world.whole_pass();
    assert!(world.written_bytes < 100, "{} bytes for a change of one field", world.written_bytes);
    world.crash().unwrap();
    let view = world.keyspace.view_one(0, world.keyspace.key(b"hash"), 1);
    let ValueRef::Hash(hash) = view.peek(b"hash").unwrap().value() else { panic!("it is a hash") };
    assert_eq!(hash.get(StringRef::new(b"7")), Some(StringRef::new(b"new")));
}

#[test]
fn many_changes_are_copied_anew_and_the_old_parts_go() {
    let mut world = with_hash();
    for round in 0..200 {
        touch(&world, round);
        world.whole_pass();
    }
    let (spoken_of, there) = world.parts();
    assert!(spoken_of == there && there < 120, "{there} parts, {spoken_of} spoken of");
    world.crash().unwrap();
}

#[test]
fn a_part_that_is_missing_is_refused_with_its_key() {
    let mut world = with_hash();
    let mut last = None;
    world
        .tier
        .range(EVERYTHING, true, &mut |key, _| {
            last = Some(key.to_vec());
            Ok(false)
        })
        .unwrap();
    world.tier.apply(vec![(last.unwrap(), None)]).unwrap();
    let (log, keyspace) = open(&world.shelf);
    let error = recover(&keyspace, &*log, &world.tier, &world.checkpoint).unwrap_err();
    assert!(error.message().contains("is missing") && error.message().contains("kvark check"), "{error}");
    world.pass = None;
}
