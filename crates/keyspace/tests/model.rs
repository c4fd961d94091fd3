//! The keyspace against a map, through checkpoints, crashes and recoveries.
//!
//! A run makes random changes, runs passes in pieces between them, and now and then "crashes": a new keyspace is made
//! from what the tier holds and the tail of the log behind the last checkpoint. The digest must be the same.

use std::collections::BTreeMap;
use std::ops::Bound;

use kvark_base::Result;
use kvark_base::random::Random;
use kvark_keyspace::checkpoint::{Checkpoint, Pass};
use kvark_keyspace::recover::Recovery;
use kvark_keyspace::tier_entry::tier_prefix;
use kvark_keyspace::whole::Cursor;
use kvark_keyspace::{Keyspace, Options};
use kvark_log::Log;
use kvark_log::memory::{MemoryLog, Shelf};
use kvark_tier::memory::MemoryTier;
use kvark_tier::{Batch, Tier};
use kvark_values::{IntBuffer, StringRef};
use std::sync::Arc;

type Model = BTreeMap<(u32, Vec<u8>), (Vec<u8>, u64)>;

const OPTIONS: Options = Options { shards: 4, seed: 7 };
struct World {
    shelf: Shelf,
    log: Arc<dyn Log>,
    tier: MemoryTier,
    checkpoint: Checkpoint,
    keyspace: Keyspace,
    pass: Option<Pass>,
    model: Model,
    random: Random,
    now_ms: u64,
}

impl World {
    fn new(seed: u64) -> Result<Self> {
        let shelf = Shelf::default();
        let (log, keyspace) = open(&shelf)?;
        log.replay(0, &mut |_, _| Ok(()))?;
        let checkpoint = Checkpoint::default();
        let (tier, random) = (MemoryTier::default(), Random::from_seed(seed));
        Ok(Self { shelf, log, tier, checkpoint, keyspace, pass: None, model: Model::new(), random, now_ms: 1_000_000 })
    }

    fn key(&mut self) -> (u32, Vec<u8>) {
        (self.random.below(3) as u32, format!("k{}", self.random.below(40)).into_bytes())
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.below(4) {
            0 => self.random.below(1000).to_string().into_bytes(),
            1 => vec![b'x'; 4090 + self.random.below(12) as usize],
            _ => vec![b'v'; self.random.below(60) as usize],
        }
    }

    fn step(&mut self) -> Result<()> {
        match self.random.below(100) {
            0..40 => self.put(),
            40..55 => self.remove(),
            55..65 => self.expire(),
            65..75 => self.splice(),
            75..77 => self.flush(),
            77..79 => self.swap(),
            79..83 => self.pass_time(),
            83..96 => self.pass_on(),
            _ => self.crash(),
        }
    }

    fn put(&mut self) -> Result<()> {
        let ((db, key), value) = (self.key(), self.value());
        let expires_at = if self.random.chance(1, 4) { self.now_ms + 1 + self.random.below(300) } else { 0 };
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(&key), self.now_ms);
        writer.put(&key, StringRef::new(&value), expires_at)?;
        drop(writer);
        self.model.insert((db, key), (value, expires_at));
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        let (db, key) = self.key();
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(&key), self.now_ms);
        assert_eq!(writer.remove(&key)?, self.model.remove(&(db, key.clone())).is_some());
        Ok(())
    }

    fn expire(&mut self) -> Result<()> {
        let (db, key) = self.key();
        let at = if self.random.chance(1, 3) { 0 } else { self.now_ms + 1 + self.random.below(300) };
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(&key), self.now_ms);
        let there = self.model.get_mut(&(db, key.clone())).map(|(_, expires_at)| *expires_at = at).is_some();
        assert_eq!(writer.expire_at(&key, at)?, there);
        Ok(())
    }

    fn splice(&mut self) -> Result<()> {
        let ((db, key), bytes) = (self.key(), self.value());
        let offset = self.random.below(50) as usize;
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(&key), self.now_ms);
        let len = writer.splice(&key, offset, &bytes)?;
        drop(writer);
        let (text, _) = self.model.entry((db, key)).or_default();
        text.resize(text.len().max(offset + bytes.len()), 0);
        text[offset..offset + bytes.len()].copy_from_slice(&bytes);
        assert_eq!(len, text.len());
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let db = self.random.below(3) as u32;
        self.keyspace.flush(db)?;
        self.model.retain(|(of, _), _| *of != db);
        Ok(())
    }

    fn swap(&mut self) -> Result<()> {
        let (a, b) = (self.random.below(3) as u32, self.random.below(3) as u32);
        kvark_keyspace::Reach::Free(&self.keyspace).swap(a, b, self.now_ms)?;
        let renamed = |db| {
            if db == a {
                b
            } else if db == b {
                a
            } else {
                db
            }
        };
        self.model =
            std::mem::take(&mut self.model).into_iter().map(|((db, key), v)| ((renamed(db), key), v)).collect();
        Ok(())
    }

    fn pass_time(&mut self) -> Result<()> {
        self.now_ms += self.random.below(100);
        let now_ms = self.now_ms;
        self.model.retain(|_, (_, expires_at)| *expires_at == 0 || *expires_at > now_ms);
        if self.random.chance(1, 2) {
            self.keyspace.sweep(now_ms)?;
        }
        Ok(())
    }

    /// One piece of a pass; the last piece makes a checkpoint, now and then a failing tier throws all of it away.
    fn pass_on(&mut self) -> Result<()> {
        let keyspace = &self.keyspace;
        let pass = self.pass.get_or_insert_with(|| {
            let pass = keyspace.begin_pass();
            for db in (0..16).filter(|db| pass.clear >> db & 1 == 1) {
                self.tier.clear_prefix(&tier_prefix(db)).expect("memory does not fail");
            }
            pass
        });
        let mut batch = Batch::new();
        let more = keyspace.continue_pass(pass, &mut batch, 300);
        let by_key: BTreeMap<_, _> = batch.into_iter().collect();
        self.tier.apply(by_key.into_iter().collect())?;
        if self.random.chance(1, 40) {
            keyspace.abandon_pass(self.pass.take().expect("just there"));
        } else if !more {
            let pass = self.pass.take().expect("just there");
            self.tier.flush()?;
            self.checkpoint = keyspace.checkpoint_of(&pass);
            keyspace.finish_pass(pass);
            self.log.cut(self.checkpoint.position + 1)?;
        }
        Ok(())
    }

    fn crash(&mut self) -> Result<()> {
        self.log.seal(self.log.last())?;
        let before = self.keyspace.digest(self.now_ms);
        self.check();
        self.pass = None;
        // What was applied since the last flush may be there or not.
        let percent = 50 * self.random.below(3);
        self.tier = self.tier.crash_keeping(&mut self.random, percent);
        (self.log, self.keyspace) = open(&self.shelf)?;
        recover(&self.keyspace, &*self.log, &self.tier, &self.checkpoint)?;
        assert_eq!(self.keyspace.digest(self.now_ms), before, "the digest after recovery");
        self.check();
        Ok(())
    }

    fn check(&self) {
        for db in 0..3 {
            let expected: Vec<_> = self.model.range((db, vec![])..(db + 1, vec![])).collect();
            let mut walk = self.keyspace.walk(db, (Bound::Unbounded, Bound::Unbounded), false);
            let mut at = 0;
            walk.next(usize::MAX, self.now_ms, |entry| {
                let ((_, key), (value, expires_at)) = expected[at];
                assert_eq!(entry.key(), key, "keys in order");
                assert_eq!(entry.value().as_string().unwrap().text(&mut IntBuffer::new()), value);
                assert_eq!(entry.expires_at(), *expires_at);
                at += 1;
            });
            assert_eq!(at, expected.len());
            self.check_scan(db, expected.len());
        }
    }

    fn check_scan(&self, db: u32, expected: usize) {
        let (mut cursor, mut seen) = (Some(Cursor::default()), 0);
        while let Some(at) = cursor {
            let at = Cursor::from_number(at.to_number()).expect("a cursor of ours");
            cursor = kvark_keyspace::Reach::Free(&self.keyspace).scan(db, at, 5, self.now_ms, |_| seen += 1);
        }
        assert_eq!(seen, expected, "a scan at rest sees each key once");
    }
}

fn open(shelf: &Shelf) -> Result<(Arc<dyn Log>, Keyspace)> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::on(shelf));
    Ok((Arc::clone(&log), Keyspace::new(OPTIONS, log)))
}

fn recover(keyspace: &Keyspace, log: &dyn Log, tier: &MemoryTier, checkpoint: &Checkpoint) -> Result<()> {
    let mut recovery = Recovery::new(keyspace, checkpoint);
    tier.range((Bound::Unbounded, Bound::Unbounded), false, &mut |key, value| {
        recovery.pair(key, value).map(|()| true)
    })?;
    recovery.end_pairs()?;
    log.replay(checkpoint.position, &mut |position, record| recovery.record(position, record))?;
    recovery.take_records()
}

#[test]
fn a_keyspace_equals_a_map_through_passes_and_crashes() {
    let long = std::env::var_os("KVARK_LONG").is_some();
    for seed in 0..if long { 2_000 } else { 40 } {
        let mut world = World::new(seed).unwrap();
        for step in 0..800 {
            world.step().unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        }
        world.check();
    }
}

/// The notes of a shard once grew without bound when nobody walked again.
#[test]
fn notes_for_a_walk_that_never_comes_are_thrown_away_and_the_next_walk_is_right() {
    let keyspace = Keyspace::new(OPTIONS, Arc::new(MemoryLog::volatile()));
    let everything = (Bound::Unbounded, Bound::Unbounded);
    let put = |key: &[u8]| keyspace.write_one(0, keyspace.key(key), 0).put(key, StringRef::Int(1), 0).unwrap();
    put(b"stays");
    assert_eq!(keyspace.walk(0, everything, false).next(10, 0, |_| ()), 1);
    for round in 0..20_000u32 {
        let key = round.to_be_bytes();
        put(&key);
        keyspace.write_one(0, keyspace.key(&key), 0).remove(&key).unwrap();
    }
    assert!(keyspace.pending_changes() <= 4 * 1026, "{} notes for one key", keyspace.pending_changes());
    put(b"new");
    let mut seen = Vec::new();
    keyspace.walk(0, everything, false).next(10, 0, |entry| seen.push(entry.key().to_vec()));
    assert_eq!(seen, [b"new".to_vec(), b"stays".to_vec()]);
}
