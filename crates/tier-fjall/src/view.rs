//! Runs and tree read as one, as they were at one moment.
//!
//! Invariant: a change in the runs hides what the tree says of its key. While a flush ends, a view may see a change in
//! both places; it is the same change.
//! Invariant: what a view can see is not merged away before the view is dropped ([`Pins`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kvark_base::{Error, Result};
use kvark_tier::{KeyRange, Snapshot, Visit, is_empty};
use lsm_tree::{AbstractTree, AnyTree, Guard, KvPair, SeqNo, SequenceNumberCounter};
use parking_lot::Mutex;

use crate::fault;
use crate::runs::{Change, Runs};

/// Which moments are still being read.
pub(crate) struct Pins {
    /// Everything below this number is in the tree.
    visible: SequenceNumberCounter,
    pinned: Mutex<BTreeMap<SeqNo, usize>>,
}

/// One moment that is being read.
pub(crate) struct Pin {
    pins: Arc<Pins>,
    moment: SeqNo,
}

impl Pins {
    pub(crate) fn new(visible: SequenceNumberCounter) -> Self {
        Self { visible, pinned: Mutex::default() }
    }

    /// Keeps this moment readable.
    pub(crate) fn pin(self: &Arc<Self>) -> Pin {
        let mut pinned = self.pinned.lock();
        let moment = self.visible.get();
        *pinned.entry(moment).or_default() += 1;
        Pin { pins: Arc::clone(self), moment }
    }

    /// Nobody reads a moment before this one.
    pub(crate) fn oldest(&self) -> SeqNo {
        let pinned = self.pinned.lock();
        pinned.first_key_value().map_or_else(|| self.visible.get(), |(moment, _)| *moment)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pinned = self.pins.pinned.lock();
        if let Some(readers) = pinned.get_mut(&self.moment) {
            *readers -= 1;
            if *readers == 0 {
                pinned.remove(&self.moment);
            }
        }
    }
}

/// The tier at one moment.
pub(crate) struct View {
    dir: PathBuf,
    tree: AnyTree,
    runs: Runs,
    pin: Pin,
}

impl View {
    pub(crate) fn new(dir: PathBuf, tree: AnyTree, runs: Runs, pin: Pin) -> Self {
        Self { dir, tree, runs, pin }
    }

    fn walk_both(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        let mut fresh = self.runs.walk(&range, reverse);
        let mut stored = Stored::new(self, range, reverse);
        let mut pending = stored.next()?;
        loop {
            let go_on = match (fresh.peek(), &pending) {
                (None, None) => return Ok(()),
                (Some(change), due) if comes_first(change, due.as_ref(), reverse) => {
                    fresh.pass();
                    if due.as_ref().is_some_and(|(key, _)| **key == *change.0) {
                        pending = stored.next()?;
                    }
                    match &change.1 {
                        Some(value) => visit(&change.0, value)?,
                        None => true,
                    }
                }
                (_, Some((key, value))) => {
                    let go_on = visit(key, value)?;
                    pending = stored.next()?;
                    go_on
                }
                (Some(_), None) => unreachable!("a change comes first when nothing else is left"),
            };
            if !go_on {
                return Ok(());
            }
        }
    }
}

/// True when the change is due before the stored pair.
fn comes_first(change: &Change, stored: Option<&KvPair>, reverse: bool) -> bool {
    let Some((key, _)) = stored else { return true };
    if reverse { change.0.as_slice() >= &**key } else { change.0.as_slice() <= &**key }
}

/// The tree's pairs in order.
struct Stored<'a> {
    pairs: Box<dyn DoubleEndedIterator<Item = lsm_tree::IterGuardImpl> + Send>,
    dir: &'a Path,
    reverse: bool,
}

impl<'a> Stored<'a> {
    fn new(view: &'a View, range: KeyRange<'_>, reverse: bool) -> Self {
        let pairs = view.tree.range::<&[u8], _>(range, view.pin.moment, None);
        Self { pairs, dir: &view.dir, reverse }
    }

    fn next(&mut self) -> Result<Option<KvPair>> {
        let guard = if self.reverse { self.pairs.next_back() } else { self.pairs.next() };
        let pair = guard.map(Guard::into_inner).transpose();
        pair.map_err(|error| fault::explain("walking a range", self.dir, error))
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.runs.get(key) {
            Some(change) => Ok(change.map(<[u8]>::to_vec)),
            None => get_from_tree(&self.tree, &self.dir, key, self.pin.moment),
        }
    }

    fn range(&self, range: KeyRange<'_>, reverse: bool, visit: &mut Visit<'_>) -> Result<()> {
        if is_empty(&range) {
            return Ok(());
        }
        self.walk_both(range, reverse, visit)
    }
}

/// The value that the tree alone had for `key` at `moment`.
pub(crate) fn get_from_tree(tree: &AnyTree, dir: &Path, key: &[u8], moment: SeqNo) -> Result<Option<Vec<u8>>> {
    if key.is_empty() {
        return Ok(None);
    }
    let value = tree.get(key, moment).map_err(|error| fault::explain("reading a key", dir, error))?;
    Ok(value.map(|value| value.to_vec()))
}

/// The snapshot of a tier that can't be read any more.
pub(crate) struct Unreadable(pub(crate) Error);

impl Snapshot for Unreadable {
    fn get(&self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(self.0.clone())
    }

    fn range(&self, _range: KeyRange<'_>, _reverse: bool, _visit: &mut Visit<'_>) -> Result<()> {
        Err(self.0.clone())
    }
}
