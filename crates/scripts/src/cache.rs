//! The scripts that a store knows, by their SHA1, and the interpreters that run them.
//!
//! Whoever runs a script takes an interpreter and puts it back, so there are as many as scripts ever ran at one moment. An
//! interpreter compiles what it is given at first sight. Emptying the cache begins a new generation: interpreters of the old one are dropped
//! when they come back.
//!
//! Invariant: nobody waits for an interpreter, and the locks here are held for a look only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use kvark_base::random::Random;
use parking_lot::Mutex;

use crate::libraries::Libraries;
use crate::overdue::{AllOverdue, Beginning, Kill, Overdue, StandIn};
use crate::{Rights, Sha, Vm, header};

/// Scripts that came by EVAL and are kept at most; those that SCRIPT LOAD brought stay.
const MAX_EVALUATED: usize = 500;
/// Interpreters that are kept for the next run at most.
const MAX_IDLE: usize = 64;

/// A script.
#[derive(Debug)]
pub struct Script {
    /// Its name.
    pub sha: Sha,
    /// What its first line grants.
    pub rights: Rights,
    /// Whether it has such a line.
    pub has_header: bool,
    /// What was learned of it; how, is the affair of whoever runs it.
    pub learned: AtomicU8,
    body: Box<[u8]>,
    header_len: usize,
    /// When it was last asked for, in asks.
    used: AtomicU64,
}

impl Script {
    /// The script `body`; the error is about its first line.
    pub fn new(body: &[u8], sha: Sha) -> Result<Self, String> {
        let (rights, header_len) = header::of_script(body)?;
        Ok(Self {
            sha,
            rights,
            has_header: header_len > 0,
            learned: AtomicU8::new(0),
            body: body.into(),
            header_len,
            used: AtomicU64::new(0),
        })
    }

    /// What is compiled: its lines keep their numbers.
    pub(crate) fn lua(&self) -> &[u8] {
        &self.body[self.header_len..]
    }

    /// What errors call it.
    pub fn name(&self) -> String {
        self.sha.to_string()
    }

    /// Its text.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes of its text.
    pub fn len_bytes(&self) -> usize {
        self.body.len()
    }
}

/// Every script of a store.
pub struct Scripts {
    version: &'static str,
    known: Mutex<Known>,
    idle: Mutex<Vec<Vm>>,
    generation: AtomicU64,
    overdue: AllOverdue,
    /// The functions beside them.
    pub libraries: Libraries,
    /// Scripts that made room for others.
    evicted: AtomicU64,
}

#[derive(Default)]
struct Known {
    scripts: HashMap<Sha, (Arc<Script>, bool)>,
    /// How many of them came by EVAL.
    evaluated: usize,
    asks: u64,
}

/// What is known of the cache.
#[derive(Debug, Clone, Copy, Default)]
pub struct CacheFacts {
    /// Scripts that are known.
    pub scripts: usize,
    /// Bytes of their texts.
    pub scripts_bytes: usize,
    /// Scripts that made room for others.
    pub evicted: u64,
    /// Bytes of the interpreters that nobody uses at this moment.
    pub interpreter_bytes: usize,
}

impl Scripts {
    /// No scripts yet; interpreters claim to be this version of Redis.
    pub fn new(version: &'static str) -> Self {
        Self {
            version,
            known: Mutex::default(),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            overdue: AllOverdue::default(),
            libraries: Libraries::new(version),
            evicted: AtomicU64::new(0),
        }
    }

    /// The script of that name.
    pub fn find(&self, sha: Sha) -> Option<Arc<Script>> {
        let mut known = self.known.lock();
        known.asks += 1;
        let (script, _) = known.scripts.get(&sha)?;
        script.used.store(known.asks, Ordering::Relaxed);
        Some(Arc::clone(script))
    }

    /// Whether a script of that name is known.
    pub fn knows(&self, sha: Sha) -> bool {
        self.known.lock().scripts.contains_key(&sha)
    }

    /// Keeps a script that was compiled. `stays`: SCRIPT LOAD brought it.
    pub fn keep(&self, script: Script, stays: bool) -> Arc<Script> {
        let mut known = self.known.lock();
        known.asks += 1;
        script.used.store(known.asks, Ordering::Relaxed);
        if let Some((known_script, stayed)) = known.scripts.get_mut(&script.sha) {
            let moved = stays && !*stayed;
            *stayed |= stays;
            let script = Arc::clone(known_script);
            known.evaluated -= usize::from(moved);
            return script;
        }
        let script = Arc::new(script);
        known.scripts.insert(script.sha, (Arc::clone(&script), stays));
        known.evaluated += usize::from(!stays);
        if known.evaluated > MAX_EVALUATED {
            self.evict(&mut known);
        }
        script
    }

    /// Forgets the script that came by EVAL and was not asked for the longest.
    fn evict(&self, known: &mut Known) {
        let evaluated = known.scripts.values().filter(|(_, stays)| !stays);
        let oldest =
            evaluated.min_by_key(|(script, _)| script.used.load(Ordering::Relaxed)).map(|(script, _)| script.sha);
        if let Some(sha) = oldest {
            known.scripts.remove(&sha);
            known.evaluated -= 1;
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets every script, and every interpreter that is not running one.
    pub fn flush(&self) {
        *self.known.lock() = Known::default();
        self.generation.fetch_add(1, Ordering::Relaxed);
        let dropped = std::mem::take(&mut *self.idle.lock());
        drop(dropped);
    }

    /// An interpreter, for as long as it is wanted.
    pub fn take(&self, random: &mut Random) -> Vm {
        let idle = self.idle.lock().pop();
        idle.unwrap_or_else(|| Vm::new(self.version, random.next_u64() as u32, self.generation.load(Ordering::Relaxed)))
    }

    /// Puts an interpreter back.
    pub fn put_back(&self, mut vm: Vm) {
        if vm.generation != self.generation.load(Ordering::Relaxed) {
            return;
        }
        vm.collect();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(vm);
        }
    }

    /// Whether a script takes longer than it may, so that commands are refused.
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.overdue.is_busy()
    }

    /// Keeps commands refused while a thread that waits for such a script serves others.
    pub fn stand_in(&self) -> StandIn<'_> {
        self.overdue.stand_in()
    }

    /// A script takes longer than it may, and has or has not written.
    pub fn begin_overdue(&self, beginning: Beginning, wrote: bool) -> Arc<Overdue> {
        self.overdue.add(beginning, wrote)
    }

    /// It has ended.
    pub fn end_overdue(&self, overdue: &Arc<Overdue>) {
        self.overdue.remove(overdue);
    }

    /// The script that has taken too long for the longest.
    pub fn first_overdue(&self) -> Option<Arc<Overdue>> {
        self.overdue.first()
    }

    /// Ends the scripts, or the functions, that take longer than they may.
    pub fn kill(&self, functions: bool) -> Kill {
        self.overdue.kill(functions)
    }

    /// What is known of the cache.
    pub fn facts(&self) -> CacheFacts {
        let known = self.known.lock();
        let scripts_bytes = known.scripts.values().map(|(script, _)| script.len_bytes()).sum();
        let scripts = known.scripts.len();
        drop(known);
        let interpreter_bytes = self.idle.lock().iter().map(Vm::used_bytes).sum();
        CacheFacts { scripts, scripts_bytes, evicted: self.evicted.load(Ordering::Relaxed), interpreter_bytes }
    }
}
