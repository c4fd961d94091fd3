//! Merging tables, so that a walk and a lookup meet few of them and superseded pairs give their space back.
//!
//! Invariant: one step merges a few tables of [`Options::table_bytes`](crate::Options::table_bytes); a budget is checked
//! between steps, for a step can't be interrupted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kvark_base::Result;
use kvark_base::background::breathe;
use lsm_tree::compaction::Leveled;
use lsm_tree::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};
use lsm_tree::{AbstractTree, AnyTree};

use crate::{FjallTier, fault};

/// As many unmerged tables make a merge worth its cost.
const MERGE_FROM: u8 = 4;

impl FjallTier {
    /// Merges until the budget is used; true when there may be more to do.
    pub(crate) fn merge_for(&self, budget_ms: u64) -> Result<bool> {
        let end = self.clock.uptime() + Duration::from_millis(budget_ms);
        while self.merge_step()? {
            if self.clock.uptime() >= end {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the caller pay for a merge when upkeep doesn't keep up with what is applied.
    pub(crate) fn merge_if_late(&self) -> Result<()> {
        let tables = self.state.read().writable()?.l0_run_count();
        if tables > self.options.unmerged_tables {
            self.merge_step()?;
        }
        Ok(())
    }

    /// One merge; false when none is due.
    fn merge_step(&self) -> Result<bool> {
        let merging = self.merging.lock();
        let tree = self.state.read().writable()?.clone();
        let before = self.files(&tree)?;
        let merged = self.merge(&tree);
        if let Err(error) = merged {
            self.after_failed_merge(&tree, &before, merging);
            return Err(fault::explain("merging tables", &self.dir, error));
        }
        Ok(tree.current_version().id() != before.list)
    }

    fn merge(&self, tree: &AnyTree) -> lsm_tree::Result<()> {
        if self.values_outweigh(tree) {
            // The first merge finds out which value files are dead, the second drops them.
            for _ in 0..2 {
                tree.major_compact(self.options.table_bytes, self.pins.oldest())?;
            }
            self.stale_kept.store(tree.stale_blob_bytes(), Ordering::Relaxed);
            return Ok(());
        }
        let strategy =
            Leveled::default().with_table_target_size(self.options.table_bytes).with_l0_threshold(MERGE_FROM);
        tree.compact(Arc::new(strategy), self.pins.oldest())
    }

    /// True when superseded separate values take more than all tables and more than half of the disk: then merging
    /// everything writes less than it gives back. Not tried twice for the same bytes.
    fn values_outweigh(&self, tree: &AnyTree) -> bool {
        let stale = tree.stale_blob_bytes();
        let tables = tree.current_version().iter_tables().map(|table| table.metadata.file_size).sum::<u64>();
        stale > tables && stale > tree.disk_space() / 2 && stale > self.stale_kept.load(Ordering::Relaxed)
    }
}

/// Keeps every pair, and lets others run between two of them.
#[derive(Debug)]
pub(crate) struct Breathing;

impl Factory for Breathing {
    fn name(&self) -> &str {
        "breathing"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Self)
    }
}

impl CompactionFilter for Breathing {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        breathe();
        Ok(Verdict::Keep)
    }
}
