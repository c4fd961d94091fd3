//! From the runs into tables.
//!
//! Invariant: a write that failed cleanly (no space, say) leaves the runs as they were: nothing is lost, and the next
//! flush tries again with new files. Only when the list of tables may have been replaced although an error was reported
//! is nothing more written: then the tier must be opened again.

use std::collections::HashSet;
use std::ffi::OsString;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::path::Path;

use kvark_base::{Error, Kind, Result};
use kvark_tier::{Batch, KeyRange, Snapshot, Tier, prefix_end};
use lsm_tree::{AbstractTree, AnyTree, InternalValue, SeqNo, ValueType};
use parking_lot::MutexGuard;

use crate::runs::{Change, Runs, bytes_of_batch, len_of_batch};
use crate::{FjallTier, fault};

const TABLES: &str = "tables";
const BLOBS: &str = "blobs";
const CURRENT: &str = "current";

/// So many keys of a prefix are removed at a time.
const CLEAR_SLICE: usize = 10_000;

/// The files of the tier at one moment.
pub(crate) struct Files {
    tables: HashSet<OsString>,
    blobs: HashSet<OsString>,
    /// The number of the list of tables.
    pub(crate) list: u64,
}

impl FjallTier {
    /// Adds a batch to the runs.
    pub(crate) fn add(&self, batch: Batch, _writing: &MutexGuard<'_, ()>) -> Result<()> {
        let (bytes, len) = (bytes_of_batch(&batch), len_of_batch(&batch));
        let mut state = self.state.write();
        state.writable()?;
        state.applied_bytes += len as u64;
        state.runs.push(batch, bytes);
        Ok(())
    }

    /// Writes the runs into a table that survives a loss of power.
    pub(crate) fn write_out(&self, _writing: &MutexGuard<'_, ()>) -> Result<()> {
        let (tree, runs) = {
            let state = self.state.read();
            (state.writable()?.clone(), state.runs.clone())
        };
        if runs.is_empty() {
            return Ok(());
        }
        let before = self.files(&tree)?;
        if let Err(error) = self.write_table(&tree, &runs) {
            self.after_failed_flush(&tree, &before);
            return Err(error);
        }
        // Who adds to the runs holds `writing`, so these are all there are.
        self.state.write().runs = Runs::default();
        runs.dispose();
        Ok(())
    }

    fn write_table(&self, tree: &AnyTree, runs: &Runs) -> Result<()> {
        let number = self.numbers.next();
        let stream = runs.merged().map(|change| Ok(internal(change, number)));
        let written = tree.flush_to_tables(stream).map_err(|e| fault::explain("writing a table", &self.dir, e))?;
        let (tables, blobs) = written.ok_or_else(|| {
            Error::new(
                Kind::Io,
                format!("writing a table in {}: the tree made no table of what waits.", self.dir.display()),
            )
        })?;
        if blobs.as_ref().is_some_and(|blobs| !blobs.is_empty()) {
            // The tree syncs a value file but not the directory that names it.
            sync_directory(&self.dir.join(BLOBS))?;
        }
        tree.register_tables(&tables, blobs.as_deref(), None, &[], self.pins.oldest())
            .map_err(|e| fault::explain("replacing the list of tables", &self.dir, e))
    }

    pub(crate) fn files(&self, tree: &AnyTree) -> Result<Files> {
        let names = |folder| file_names(&self.dir.join(folder));
        Ok(Files { tables: names(TABLES)?, blobs: names(BLOBS)?, list: tree.current_version().id() })
    }

    fn after_failed_flush(&self, tree: &AnyTree, before: &Files) {
        let _merging = self.merging.lock();
        // A merge that ended meanwhile made files too: then what is left over waits for the next opening.
        if self.check_list(tree) && tree.current_version().id() == before.list {
            self.sweep(TABLES, &before.tables, &HashSet::new());
            self.sweep(BLOBS, &before.blobs, &HashSet::new());
        }
    }

    pub(crate) fn after_failed_merge(&self, tree: &AnyTree, before: &Files, merging: MutexGuard<'_, ()>) {
        if let Some(_writing) = self.writing.try_lock() {
            if self.check_list(tree) {
                let version = tree.current_version();
                let named = version.iter_tables().map(|table| table.id().to_string().into()).collect();
                self.sweep(TABLES, &before.tables, &named);
            }
            return;
        }
        drop(merging);
        let _writing = self.writing.lock();
        let _merging = self.merging.lock();
        self.check_list(tree);
    }

    /// True when the list in force on disk is the one that the tree works with; poisons the tier otherwise.
    fn check_list(&self, tree: &AnyTree) -> bool {
        let expected = tree.current_version().id();
        let current = self.dir.join(CURRENT);
        let found = std::fs::read(&current).ok().and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?)));
        if found != Some(expected) {
            self.state.write().poisoned = Some(Error::new(
                Kind::Poisoned,
                format!(
                    "An error was reported while {} was replaced, and it names list {found:?} where {expected} was \
                     expected. Nothing more is written to the tier: close the store and open it again.",
                    current.display()
                ),
            ));
        }
        found == Some(expected)
    }

    /// Removes what a failed write left in `folder`, so that a full disk gets its space back. What can't be removed
    /// now is removed when the tier is opened.
    fn sweep(&self, folder: &str, before: &HashSet<OsString>, named: &HashSet<OsString>) {
        let folder = self.dir.join(folder);
        for name in file_names(&folder).unwrap_or_default() {
            if !before.contains(&name) && !named.contains(&name) {
                let _ = std::fs::remove_file(folder.join(name));
            }
        }
    }

    /// Removes all keys of a prefix: as whole tables where these hold nothing else, else key by key.
    pub(crate) fn clear(&self, prefix: &[u8]) -> Result<()> {
        let end = prefix_end(prefix);
        let range: KeyRange<'_> = (Included(prefix), end.as_deref().map_or(Unbounded, Excluded));
        if self.drop_whole_tables(range)? {
            return Ok(());
        }
        let mut last: Option<Vec<u8>> = None;
        loop {
            let low = last.as_deref().map_or(Included(prefix), Excluded);
            let slice = self.keys((low, range.1), CLEAR_SLICE)?;
            let Some((key, _)) = slice.last() else { return Ok(()) };
            last = Some(key.clone());
            self.apply(slice)?;
        }
    }

    /// The removal of the first `limit` keys of a range.
    fn keys(&self, range: KeyRange<'_>, limit: usize) -> Result<Batch> {
        let mut batch = Batch::new();
        let visit = &mut |key: &[u8], _: &[u8]| {
            batch.push((key.to_vec(), None));
            Ok(batch.len() < limit)
        };
        self.view()?.range(range, false, visit)?;
        Ok(batch)
    }

    /// Drops every table that meets `range`, if none of them holds anything else. Dropping only some of them could
    /// bring back what a dropped table had removed from an older one.
    fn drop_whole_tables(&self, range: KeyRange<'_>) -> Result<bool> {
        let writing = self.writing.lock();
        self.write_out(&writing)?;
        let _merging = self.merging.lock();
        let tree = self.state.read().writable()?.clone();
        let version = tree.current_version();
        let keys = version.iter_tables().map(|table| &table.metadata.key_range);
        let meeting: Vec<_> = keys.filter(|keys| keys.overlaps_with_bounds(&range)).collect();
        if meeting.is_empty() {
            return Ok(true);
        }
        if !meeting.iter().all(|keys| is_within(keys.min(), &range) && is_within(keys.max(), &range)) {
            return Ok(false);
        }
        let dropped = tree.drop_range::<&[u8], _>(range);
        if dropped.is_err() {
            self.check_list(&tree);
        }
        dropped.map(|()| true).map_err(|e| fault::explain("dropping tables", &self.dir, e))
    }
}

fn is_within(key: &[u8], range: &KeyRange<'_>) -> bool {
    use std::ops::RangeBounds;
    RangeBounds::<[u8]>::contains(range, key)
}

fn internal(change: &Change, number: SeqNo) -> InternalValue {
    match &change.1 {
        Some(value) => InternalValue::from_components(change.0.as_slice(), value.as_slice(), number, ValueType::Value),
        None => InternalValue::new_tombstone(change.0.as_slice(), number),
    }
}

fn file_names(folder: &Path) -> Result<HashSet<OsString>> {
    let explain = |e| Error::io(format!("listing {}", folder.display()), &e);
    let entries = std::fs::read_dir(folder).map_err(explain)?;
    entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(explain)).collect()
}

/// Makes the names in `dir` survive a loss of power.
pub(crate) fn sync_directory(dir: &Path) -> Result<()> {
    let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| Error::io(format!("syncing the directory {}", dir.display()), &e))
}
