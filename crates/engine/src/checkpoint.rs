//! From memory to the tier, slice by slice, and the cut of the log behind it.
//!
//! ```text
//! tier key 00 'c':  format 1 | position 8 | named_at 8 | names 16
//! ```
//!
//! Invariant: the checkpoint is written after a flush of all its entries and flushed itself before the log is cut.
//! Invariant: the log is synced before the tier is handed what it says. Else a loss of power could leave the tier ahead of
//! the log: one half of a bracket there and the other nowhere.
//! Invariant: one pass at a time, one step of it at a time; a failed pass leaves everything it took dirty.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kvark_base::background::breathe;
use kvark_base::{Error, Kind, Millis, Position, Result};
use kvark_keyspace::Keyspace;
use kvark_keyspace::checkpoint::{Checkpoint, Pass};
use kvark_keyspace::parts::part_prefix;
use kvark_keyspace::tier_entry::tier_prefix;
use kvark_log::Log;
use kvark_tier::{Batch, Tier};
use parking_lot::Mutex;

const CHECKPOINT_KEY: &[u8] = b"\0c";
const FORMAT: u8 = 1;
/// Where the keys of databases begin.
pub(crate) const FIRST_DATA_KEY: &[u8] = &[1];
/// Bytes gathered before the tier is handed a sorted batch.
const BATCH_BYTES: usize = 4 << 20;

/// What `INFO` tells of checkpoints.
#[derive(Debug, Default, Clone)]
pub struct CheckpointFacts {
    /// Passes completed.
    pub completed: u64,
    /// Whether a pass is under way.
    pub running: bool,
    /// When the latest pass was complete, 0 for never.
    pub last_ms: Millis,
    /// How the latest pass ended.
    pub last_error: Option<Error>,
    /// Bytes handed to the tier.
    pub written_bytes: u64,
    /// The log is cut below this position.
    pub position: Position,
}

/// Runs passes, step by step: whoever has time takes the next step.
pub(crate) struct Checkpointer {
    pub(crate) tier: Arc<dyn Tier>,
    /// The pass under way.
    work: Mutex<Option<Pass>>,
    is_running: AtomicBool,
    facts: Mutex<CheckpointFacts>,
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to do.
    More,
    /// The pass is complete and the log is cut.
    Complete,
}

impl Checkpointer {
    pub(crate) fn new(tier: Arc<dyn Tier>) -> Self {
        Self { tier, work: Mutex::default(), is_running: AtomicBool::new(false), facts: Mutex::default() }
    }

    pub(crate) fn facts(&self) -> CheckpointFacts {
        CheckpointFacts { running: self.is_running.load(Ordering::Relaxed), ..self.facts.lock().clone() }
    }

    /// Whether a pass is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    /// Takes the next step of the pass under way, or the first of a new one.
    pub(crate) fn step(&self, keyspace: &Keyspace, log: &dyn Log, now_ms: Millis) -> Result<Progress> {
        let mut work = self.work.lock();
        let result = match &mut *work {
            Some(pass) => self.advance(keyspace, log, pass),
            none => self.begin(log, none.insert(keyspace.begin_pass())).map(|()| None),
        };
        let result = match result {
            Ok(None) => {
                self.is_running.store(true, Ordering::Relaxed);
                return Ok(Progress::More);
            }
            Ok(Some(checkpoint)) => {
                keyspace.finish_pass(work.take().expect("it has just advanced"));
                log.cut(checkpoint.position + 1).map(|()| checkpoint.position)
            }
            Err(error) => {
                keyspace.abandon_pass(work.take().expect("it has just failed"));
                Err(error)
            }
        };
        self.is_running.store(false, Ordering::Relaxed);
        self.note(&result, now_ms);
        result.map(|_| Progress::Complete)
    }

    /// Gives up the pass under way, if there is one: what it took is dirty again.
    pub(crate) fn abandon(&self, keyspace: &Keyspace) {
        if let Some(pass) = self.work.lock().take() {
            keyspace.abandon_pass(pass);
            self.is_running.store(false, Ordering::Relaxed);
        }
    }

    fn note(&self, result: &Result<Position>, now_ms: Millis) {
        let mut facts = self.facts.lock();
        facts.last_error = result.as_ref().err().cloned();
        if let Ok(position) = *result {
            facts.completed += 1;
            facts.last_ms = now_ms;
            facts.position = position;
        }
    }

    fn begin(&self, log: &dyn Log, pass: &Pass) -> Result<()> {
        if pass.clear == 0 {
            return Ok(());
        }
        log.sync()?;
        // A clearing may outlive a crash that what was done before it does not: entries go before the parts that they speak of.
        for prefix_of in [tier_prefix, part_prefix] {
            self.tier.flush()?;
            (0..kvark_base::limits::ALL_DATABASES as u8)
                .filter(|db| pass.clear >> db & 1 == 1)
                .try_for_each(|db| self.tier.clear_prefix(&prefix_of(db)))?;
        }
        Ok(())
    }

    /// One batch; behind the last one the checkpoint itself.
    fn advance(&self, keyspace: &Keyspace, log: &dyn Log, pass: &mut Pass) -> Result<Option<Checkpoint>> {
        let mut batch = Batch::new();
        let more = keyspace.continue_pass(pass, &mut batch, BATCH_BYTES);
        log.sync()?;
        self.apply(batch)?;
        if more {
            return Ok(None);
        }
        self.tier.flush()?;
        let checkpoint = keyspace.checkpoint_of(pass);
        self.tier.apply(vec![(CHECKPOINT_KEY.to_vec(), Some(encode(&checkpoint)))])?;
        self.tier.flush()?;
        Ok(Some(checkpoint))
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let batch = sorted(batch);
        let bytes: usize = batch.iter().map(len).sum();
        if !batch.is_empty() {
            self.tier.apply(batch)?;
        }
        self.facts.lock().written_bytes += bytes as u64;
        Ok(())
    }
}

fn len((key, value): &(Vec<u8>, Option<Vec<u8>>)) -> usize {
    breathe();
    key.len() + value.as_ref().map_or(0, Vec::len)
}

/// The batch by key; of several words on one key the latest.
///
/// Keys of a store have long beginnings in common, and comparing those is most of the work of sorting. So the eight bytes
/// behind the common beginning stand for each key, and only where they are equal the keys themselves are looked at.
fn sorted(mut batch: Batch) -> Batch {
    let Some(((first, _), rest)) = batch.split_first() else { return batch };
    let shared = |key: &[u8]| {
        breathe();
        first.iter().zip(key).take_while(|(a, b)| a == b).count()
    };
    let common = rest.iter().map(|(key, _)| shared(key)).min().unwrap_or(0);
    let head = |(at, (key, _)): (u32, &(Vec<u8>, _))| {
        breathe();
        (behind(key, common), at)
    };
    let mut order: Vec<(u64, u32)> = (0..).zip(&batch).map(head).collect();
    let key_of = |at: u32| &batch[at as usize].0;
    // By place where keys are equal: the later word comes behind the earlier one.
    order.sort_unstable_by(|a, b| {
        breathe();
        a.0.cmp(&b.0).then_with(|| key_of(a.1).cmp(key_of(b.1))).then(a.1.cmp(&b.1))
    });
    let mut result: Batch = Vec::with_capacity(batch.len());
    for (_, at) in order {
        breathe();
        let word = std::mem::take(&mut batch[at as usize]);
        match result.last_mut() {
            Some(last) if last.0 == word.0 => *last = word,
            _ => result.push(word),
        }
    }
    result
}

/// Eight bytes of `key` from `start` on as a number that compares as they do; zeros where it ends.
fn behind(key: &[u8], start: usize) -> u64 {
    let mut bytes = [0; 8];
    let taken = &key[start.min(key.len())..];
    let len = taken.len().min(8);
    bytes[..len].copy_from_slice(&taken[..len]);
    u64::from_be_bytes(bytes)
}

fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&checkpoint.position.to_le_bytes());
    bytes.extend_from_slice(&checkpoint.named_at.to_le_bytes());
    bytes.extend_from_slice(&checkpoint.names);
    bytes
}

/// The checkpoint that `tier` remembers; that of an empty store when there was none.
pub(crate) fn read_checkpoint(tier: &dyn Tier) -> Result<Checkpoint> {
    let Some(bytes) = tier.get(CHECKPOINT_KEY)? else {
        return Ok(Checkpoint::default());
    };
    decode(&bytes).ok_or_else(|| {
        let message =
            format!("the checkpoint in the tier makes no sense ({bytes:02x?}): was it written by a newer kvark?");
        Error::new(Kind::Corrupt, message)
    })
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (&format, rest) = bytes.split_first()?;
    let (position, rest) = rest.split_first_chunk()?;
    let (named_at, names) = rest.split_first_chunk()?;
    let (position, named_at) = (u64::from_le_bytes(*position), u64::from_le_bytes(*named_at));
    let names: [u8; kvark_base::limits::DATABASES] = names.try_into().ok()?;
    (format == FORMAT).then_some(Checkpoint { position, names, named_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;
    use std::collections::BTreeMap;

    #[test]
    fn a_batch_is_sorted_and_the_latest_word_counts() {
        let mut random = Random::from_seed(5);
        for round in 0..200u64 {
            let prefix = vec![b'p'; random.below(20) as usize];
            let mut batch = Batch::new();
            for _ in 0..random.below(60) {
                let mut key = prefix.clone();
                key.extend((0..random.below(12)).map(|_| random.below(3) as u8));
                batch.push((key, random.chance(3, 4).then(|| random.next_u64().to_le_bytes().to_vec())));
            }
            let expected: BTreeMap<_, _> = batch.iter().cloned().collect();
            assert_eq!(sorted(batch), expected.into_iter().collect::<Batch>(), "round {round}");
        }
    }
}
