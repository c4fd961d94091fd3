//! What happens to keys, published in channels: `__keyspace@<db>__:<key>` and `__keyevent@<db>__:<event>`; and told to clients that have read them.
//!
//! Both are kept in a queue while the shards of their keys are held, and published from its front by whoever has let go of a shard. At level
//! `disk` those of changes that are not synced wait in the queue.
//!
//! Invariant: one thread publishes at a time, so messages leave in the order of the queue.
//! Invariant: locks are taken in this order: shard, publishing, queue, channels, outbox. Whoever publishes waits for no shard.

use std::collections::VecDeque;
use std::sync::Arc;

use kvark_base::Position;
use kvark_call::{Invalidation, World};
use kvark_keyspace::{Classes, Herald, Notice};
use kvark_log::Log;
use parking_lot::Mutex;

use crate::options::Durability;

/// So many notices are published before the shards are let go: a command of many changes keeps no more.
const MOST_KEPT: usize = 4096;

/// See the module.
pub(crate) struct Publisher {
    world: Arc<World>,
    /// What is not synced in it is not published.
    gate: Option<Arc<dyn Log>>,
    queue: Mutex<VecDeque<Kept>>,
    publishing: Mutex<()>,
}

/// What is told when the shards have been let go.
enum Kept {
    Notice(Notice),
    Invalidation(Invalidation),
}

impl Kept {
    /// An invalidation waits for nothing: who reads the key again waits for the sync of what it finds.
    fn position(&self) -> Position {
        match self {
            Self::Notice(notice) => notice.position,
            Self::Invalidation(_) => 0,
        }
    }
}

impl Publisher {
    pub fn new(world: &Arc<World>, log: &Arc<dyn Log>, durability: Durability) -> Self {
        let gate = (durability == Durability::Disk).then(|| Arc::clone(log));
        Self { world: Arc::clone(world), gate, queue: Mutex::default(), publishing: Mutex::default() }
    }

    /// What comes next, if its change is synced.
    fn next(&self, synced: Position) -> Option<Kept> {
        let mut queue = self.queue.lock();
        queue.front().is_some_and(|kept| kept.position() <= synced).then(|| queue.pop_front())?
    }

    fn keep(&self, kept: Kept) {
        let mut queue = self.queue.lock();
        queue.push_back(kept);
        let many = queue.len() > MOST_KEPT;
        drop(queue);
        if many {
            self.tell();
        }
    }

    fn publish(&self, notice: &Notice) {
        let Notice { db, event, key, wanted, .. } = notice;
        let publish = |channel: &[u8], message: &[u8]| {
            self.world.channels.publish(channel, message, &self.world.settings);
        };
        if wanted.has(Classes::BY_KEY) {
            publish(&[format!("__keyspace@{db}__:").as_bytes(), key].concat(), event.name.as_bytes());
        }
        if wanted.has(Classes::BY_EVENT) {
            publish(format!("__keyevent@{db}__:{}", event.name).as_bytes(), key);
        }
    }
}

impl Herald for Publisher {
    fn note(&self, notice: Notice) {
        if !self.world.channels.has_listeners() {
            return;
        }
        self.keep(Kept::Notice(notice));
    }

    fn changed(&self, key: &[u8], author: u64) -> bool {
        let Some(invalidation) = self.world.tracking.forget(key, author) else { return false };
        self.keep(Kept::Invalidation(invalidation));
        true
    }

    fn cleared(&self) {
        self.keep(Kept::Invalidation(self.world.tracking.forget_all()));
    }

    fn tell(&self) {
        let _one_at_a_time = self.publishing.lock();
        let synced = self.gate.as_ref().map_or(Position::MAX, |log| log.synced());
        let mut invalidations = Vec::new();
        while let Some(kept) = self.next(synced) {
            match kept {
                Kept::Notice(notice) => self.publish(&notice),
                Kept::Invalidation(invalidation) => invalidations.push(invalidation),
            }
        }
        if !invalidations.is_empty() {
            self.world.invalidate(&invalidations);
        }
    }
}
