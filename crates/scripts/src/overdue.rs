//! Scripts that take longer than they may: others are told so, and one that has written nothing can be ended.
//!
//! ```text
//! state   quiet -> wrote (the script itself, before its first write)
//!         quiet -> ended (SCRIPT KILL); whichever comes first
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

const QUIET: u8 = 0;
const WROTE: u8 = 1;
const ENDED: u8 = 2;

/// A script beyond its time.
#[derive(Debug)]
pub struct Overdue {
    state: AtomicU8,
    /// What it is.
    pub beginning: Beginning,
}

/// What runs, and since when.
#[derive(Debug)]
pub struct Beginning {
    /// It is a function.
    pub is_function: bool,
    /// What errors call it.
    pub name: String,
    /// The command that began it.
    pub command: Vec<Vec<u8>>,
    /// The time then, as the clock counts it.
    pub at: Duration,
}

impl Overdue {
    /// Whether somebody wants its end.
    pub fn is_ended(&self) -> bool {
        self.state.load(Ordering::Acquire) == ENDED
    }

    /// It is about to write; false when it may not any more.
    pub fn may_write(&self) -> bool {
        self.state.compare_exchange(QUIET, WROTE, Ordering::AcqRel, Ordering::Acquire) != Err(ENDED)
    }
}

/// Every script beyond its time.
#[derive(Debug, Default)]
pub(crate) struct AllOverdue {
    /// How many there are, and how many threads stand in for one that such a script keeps: what every command looks at.
    busy: AtomicUsize,
    list: Mutex<Vec<Arc<Overdue>>>,
}

/// What became of the wish to end scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// None of that kind takes too long.
    Nobody,
    /// It is of the other kind.
    OtherKind,
    /// It has written, so it goes on.
    HasWritten,
    /// It ends.
    Done,
}

/// As long as this lives, commands are refused.
pub struct StandIn<'o>(&'o AllOverdue);

impl Drop for StandIn<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl AllOverdue {
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    pub fn stand_in(&self) -> StandIn<'_> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        StandIn(self)
    }

    pub fn add(&self, beginning: Beginning, wrote: bool) -> Arc<Overdue> {
        let state = AtomicU8::new(if wrote { WROTE } else { QUIET });
        let overdue = Arc::new(Overdue { state, beginning });
        self.list.lock().push(Arc::clone(&overdue));
        self.busy.fetch_add(1, Ordering::AcqRel);
        overdue
    }

    pub fn remove(&self, overdue: &Arc<Overdue>) {
        self.list.lock().retain(|other| !Arc::ptr_eq(other, overdue));
        self.busy.fetch_sub(1, Ordering::AcqRel);
    }

    /// The one that has taken too long for the longest.
    pub fn first(&self) -> Option<Arc<Overdue>> {
        self.list.lock().first().cloned()
    }

    pub fn kill(&self, functions: bool) -> Kill {
        let list = self.list.lock();
        let mut of_kind = list.iter().filter(|overdue| overdue.beginning.is_function == functions).peekable();
        if of_kind.peek().is_none() {
            return if list.is_empty() { Kill::Nobody } else { Kill::OtherKind };
        }
        let end = |overdue: &Arc<Overdue>| {
            overdue.state.compare_exchange(QUIET, ENDED, Ordering::AcqRel, Ordering::Acquire) != Err(WROTE)
        };
        // Every one of them that can be, not just the first.
        if of_kind.map(end).fold(false, |any, ended| any | ended) { Kill::Done } else { Kill::HasWritten }
    }
}
