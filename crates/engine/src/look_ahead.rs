//! A window of requests, looked at before they are executed: what they need is on its way to the cache by then.
//!
//! First every key is hashed and its bucket asked for, then its entry. Then come the members that the requests will look for in
//! collections: step by step, all of them at once (decision 0019).
//!
//! Invariant: nothing that is found here plays a part in an answer, save the row and the hash of the key.

use std::ops::Range;

use kvark_call::{Fault, Pipeline, Request};
use kvark_commands::{Row, resolve};
use kvark_keyspace::{Key, Keyspace};
use kvark_values::Approach;

/// Requests looked at ahead of their execution.
pub(crate) const WINDOW: usize = 64;
/// Members looked at ahead of the requests of a window.
const MOST_MEMBERS: usize = 128;

/// A request, resolved.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub row: Result<&'static Row, Fault>,
    /// The one key it names; `None` for none or several.
    pub key: Option<Hashed>,
}

/// A key without its bytes, which stay in the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hashed {
    hash: u64,
    shard: u32,
}

impl Hashed {
    pub fn with<'a>(self, bytes: &'a [u8]) -> Key<'a> {
        Key { bytes, hash: self.hash, shard: self.shard }
    }
}

/// A member that a request will look for.
#[derive(Debug, Clone, Copy)]
struct Sought {
    request: usize,
    argument: usize,
    key: Hashed,
    approach: Approach,
}

/// The window; its memory is kept for the next one.
#[derive(Debug)]
pub(crate) struct Window {
    pub prepared: Vec<Prepared>,
    sought: Vec<Sought>,
}

impl Default for Window {
    fn default() -> Self {
        Self { prepared: Vec::with_capacity(WINDOW), sought: Vec::with_capacity(MOST_MEMBERS) }
    }
}

impl Window {
    /// Prepares the requests of `pipeline` from `first` on, at most [`WINDOW`] of them, and returns where it ends.
    pub fn look_ahead(
        &mut self,
        keyspace: &Keyspace,
        db: u32,
        pipeline: &Pipeline,
        buffer: &[u8],
        first: usize,
    ) -> usize {
        let end = pipeline.len().min(first + WINDOW);
        self.prepared.clear();
        self.sought.clear();
        if end - first == 1 {
            self.prepare(keyspace, &pipeline.request(buffer, first), first);
        } else {
            self.ask_for_keys(keyspace, db, pipeline, buffer, first..end);
        }
        if self.sought.len() > 1 {
            self.ask_for_members(keyspace, db, pipeline, buffer);
        }
        end
    }

    fn ask_for_keys(&mut self, keyspace: &Keyspace, db: u32, pipeline: &Pipeline, buffer: &[u8], window: Range<usize>) {
        let prefetch = keyspace.prefetch();
        for index in window {
            if let Some(hashed) = self.prepare(keyspace, &pipeline.request(buffer, index), index) {
                prefetch.bucket(db, &hashed.with(&[]));
            }
        }
        for hashed in self.prepared.iter().filter_map(|ready| ready.key) {
            prefetch.entries(db, &hashed.with(&[]));
        }
    }

    #[inline]
    fn prepare(&mut self, keyspace: &Keyspace, request: &Request<'_>, index: usize) -> Option<Hashed> {
        let row = resolve(request);
        let key = row.as_ref().ok().and_then(|row| row.one_key(request)).map(|bytes| {
            let key = keyspace.key(bytes);
            Hashed { hash: key.hash, shard: key.shard }
        });
        if let (Ok(row), Some(key)) = (&row, key) {
            let room = MOST_MEMBERS - self.sought.len();
            let sought = row.members(request).take(room);
            self.sought.extend(sought.map(|argument| Sought {
                request: index,
                argument,
                key,
                approach: Approach::default(),
            }));
        }
        self.prepared.push(Prepared { row, key });
        key
    }

    #[inline(never)]
    fn ask_for_members(&mut self, keyspace: &Keyspace, db: u32, pipeline: &Pipeline, buffer: &[u8]) {
        for _ in 0..Approach::STEPS {
            let mut step = keyspace.step(db);
            for Sought { request, argument, key, approach } in &mut self.sought {
                let request = pipeline.request(buffer, *request);
                step.towards(&key.with(request.arg(1)), request.arg(*argument), approach);
            }
            // What has not begun is no big collection.
            self.sought.retain(|sought| sought.approach != Approach::Begins);
        }
    }
}
