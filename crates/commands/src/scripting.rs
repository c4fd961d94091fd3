//! Scripts: many commands as one, found out as they come. What Lua is and what a script sees of it is the room `scripts`; here is what
//! its commands do to the store.
//!
//! A script that is not known holds every shard, as Redis runs a script alone. One that kept to the keys it declared holds just their shards
//! from then on (`host`).
//!
//! Invariant: a script takes its shards before its first command, in ascending order. It may take more later only if nobody has
//! them, so it waits for nobody while it holds something, and cannot be part of a deadlock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Needs, Reach, Transaction};
use kvark_scripts::{End, Program, Rights, Script, Scripts, Sha, Shelf, Vm};

use crate::context::Context;
use crate::row::Answer;

pub mod cached;
pub mod functions;
mod host;
pub mod libraries;
mod loading;
mod shelving;

pub use shelving::adopt;

use host::{Hold, Host, Learned, Run};

pub(crate) const SOURCE: &str = include_str!("scripting.rs");

/// `EVAL script numkeys [key [key ...]] [arg [arg ...]]`
///
/// Runs a script in Lua 5.1, which finds its keys in `KEYS`, the rest in `ARGV`, and reaches the store by `redis.call`. Nobody sees a
/// part of what it does, and after a crash all of it is there or nothing.
///
/// ```resp
/// > EVAL "return redis.call('SET', KEYS[1], ARGV[1])" 1 k v
/// OK
/// > EVAL "return {redis.call('GET', KEYS[1]), 3.9, false, {ok='fine'}}" 1 k
/// 1) "v"
/// 2) (integer) 3
/// 3) (nil)
/// 4) fine
/// > EVAL "return redis.call('INCR', KEYS[1])" 1 k
/// (error) ERR value is not an integer or out of range script: ..., on @user_script:1.
/// ```
pub fn eval(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    run_text(ctx, req, false, out)
}

/// `EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]`
///
/// As EVAL, for a script that writes nothing.
///
/// ```resp
/// > SET k v
/// OK
/// > EVAL_RO "return redis.call('GET', KEYS[1])" 1 k
/// "v"
/// > EVAL_RO "return redis.pcall('DEL', KEYS[1])" 1 k
/// (error) ERR Write commands are not allowed from read-only scripts.
/// ```
pub fn eval_ro(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    run_text(ctx, req, true, out)
}

/// `EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]`
///
/// As EVAL, for a script that the server knows, by its SHA-1.
///
/// ```resp
/// > SCRIPT LOAD "return ARGV[1]"
/// "098e0f0d1448c0a81dafe820f66d460eb09263da"
/// > EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 0 hello
/// "hello"
/// > EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
/// (error) NOSCRIPT No matching script. Please use EVAL.
/// ```
pub fn evalsha(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    run_known(ctx, req, false, out)
}

/// `EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]`
///
/// As EVALSHA, for a script that writes nothing.
///
/// ```resp
/// > SCRIPT LOAD "return ARGV[1]"
/// "098e0f0d1448c0a81dafe820f66d460eb09263da"
/// > EVALSHA_RO 098e0f0d1448c0a81dafe820f66d460eb09263da 0 hello
/// "hello"
/// ```
pub fn evalsha_ro(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    run_known(ctx, req, true, out)
}

fn run_text(ctx: &mut Context, req: &Request, read_only: bool, out: &mut dyn ReplySink) -> Answer {
    let keys = count_keys(req)?;
    let sha = Sha::of(req.arg(1));
    let script = match ctx.scripts.find(sha) {
        Some(script) => script,
        None => keep(ctx, req.arg(1), sha, false)?,
    };
    run(ctx, What { program: Program::Script(&script), shelf: None }, req, keys, read_only, out)
}

fn run_known(ctx: &mut Context, req: &Request, read_only: bool, out: &mut dyn ReplySink) -> Answer {
    let script = Sha::from_hex(req.arg(1)).and_then(|sha| ctx.scripts.find(sha)).ok_or_else(no_script)?;
    let keys = count_keys(req)?;
    run(ctx, What { program: Program::Script(&script), shelf: None }, req, keys, read_only, out)
}

/// A command is refused because a script takes longer than it may.
pub fn busy_fault(scripts: &Scripts) -> Fault {
    let is_function = scripts.first_overdue().is_some_and(|overdue| overdue.beginning.is_function);
    busy(if is_function { "FUNCTION KILL" } else { "SCRIPT KILL" })
}

fn busy(end_by: &str) -> Fault {
    Fault::new(format!("BUSY Redis is busy running a script. You can only call {end_by} or SHUTDOWN NOSAVE."))
}

fn no_script() -> Fault {
    Fault::new("NOSCRIPT No matching script. Please use EVAL.")
}

/// Compiles a script, and keeps it. `stays`: until the cache is emptied.
fn keep(ctx: &mut Context, body: &[u8], sha: Sha, stays: bool) -> Result<Arc<Script>, Fault> {
    let script = Script::new(body, sha).map_err(|error| Fault::new(format!("ERR {error}")))?;
    let mut vm = ctx.scripts.take(ctx.random);
    let compiled = vm.load(&script);
    ctx.scripts.put_back(vm);
    compiled.map_err(|error| not_compiled(&error))?;
    Ok(ctx.scripts.keep(script, stays))
}

fn not_compiled(error: &str) -> Fault {
    Fault::new(format!("ERR Error compiling script (new function): {error}"))
}

/// How many of the arguments are keys.
fn count_keys(req: &Request) -> Result<usize, Fault> {
    check_count(req, kvark_base::number::parse_i64(req.arg(2)).ok_or_else(Fault::not_an_integer)?)
}

fn check_count(req: &Request, count: i64) -> Result<usize, Fault> {
    if count > (req.len() - 3) as i64 {
        return Err(Fault::new("ERR Number of keys can't be greater than number of args"));
    }
    usize::try_from(count).map_err(|_| Fault::new("ERR Number of keys can't be negative"))
}

/// What is run; a function is one of those on a shelf.
#[derive(Clone, Copy)]
struct What<'w> {
    program: Program<'w>,
    shelf: Option<&'w Arc<Shelf>>,
}

fn run(
    ctx: &mut Context,
    what: What<'_>,
    req: &Request,
    keys: usize,
    read_only: bool,
    out: &mut dyn ReplySink,
) -> Answer {
    match run_once(ctx, what, req, keys, read_only, out)? {
        Ran::Answered => Ok(Outcome::Done),
        Ran::Outdated => unreachable!("only functions are replaced"),
    }
}

/// How a run ended.
enum Ran {
    Answered,
    /// Not at all: the function was replaced before it had taken its shards.
    Outdated,
}

fn run_once(
    ctx: &mut Context,
    what: What<'_>,
    req: &Request,
    keys: usize,
    read_only: bool,
    out: &mut dyn ReplySink,
) -> Result<Ran, Fault> {
    let What { program, shelf } = what;
    let promises = program.rights().has(Rights::NO_WRITES);
    if read_only && program.has_flags() && !promises {
        return Err(Fault::new("ERR Can not execute a script with write flag using *_ro command."));
    }
    let is_function = program.is_function();
    let mut vm = if is_function { ctx.scripts.libraries.take(ctx.random) } else { ctx.scripts.take(ctx.random) };
    let one = One { run: Run { program, command: req, read_only: read_only || promises }, shelf, keys };
    let db = ctx.session.db;
    let end = one.run(ctx, &mut vm, out);
    ctx.session.db = db;
    if is_function {
        ctx.scripts.libraries.put_back(vm);
    } else {
        ctx.scripts.put_back(vm);
    }
    match end.map_err(|error| not_compiled(&error))? {
        End::Failed { message, counted: false } => return Err(Fault::new(message)),
        End::Failed { message, counted: true } => out.error(&message),
        End::Answered => {}
        End::Again => return Ok(Ran::Outdated),
    }
    Ok(Ran::Answered)
}

/// One run of a script.
struct One<'r> {
    run: Run<'r>,
    shelf: Option<&'r Arc<Shelf>>,
    keys: usize,
}

impl One<'_> {
    fn declared(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.run.command.args_from(3).take(self.keys)
    }

    /// Runs it under a hold of its own, or of the transaction that it stands in.
    fn run(&self, ctx: &mut Context, vm: &mut Vm, out: &mut dyn ReplySink) -> Result<End, String> {
        if let Some(transaction) = ctx.keys.take_held() {
            let facts = ctx.facts.cloned();
            let end = self.run_on(ctx, vm, transaction, Hold { facts, within: true }, out);
            ctx.keys = Reach::Held(transaction);
            return end;
        }
        let Reach::Free(keyspace) = ctx.keys else { unreachable!("nobody holds anything") };
        loop {
            let learned = Learned::of(self.run.program);
            let facts = learned.wants_facts().then(|| ctx.world.facts());
            let mut needs = Needs { all: !learned.keeps_to_its_keys(), ..Needs::default() };
            if !needs.all {
                needs.shards.extend(self.declared().map(|key| keyspace.key(key).shard));
            }
            let mut transaction = keyspace.transaction(needs, ctx.now_ms);
            if self.is_outdated(ctx) {
                return Ok(End::Again);
            }
            let end = self.run_on(ctx, vm, &mut transaction, Hold { facts, within: false }, out);
            let (seen, written) = (transaction.seen(), transaction.written());
            drop(transaction);
            ctx.position = ctx.position.max(seen);
            ctx.wrote(written);
            if !matches!(end, Ok(End::Again)) {
                return end;
            }
        }
    }

    /// Another function has taken the place of this one, and whoever did that may have been told so already.
    fn is_outdated(&self, ctx: &Context) -> bool {
        self.shelf.is_some_and(|shelf| !ctx.scripts.libraries.is_current(shelf))
    }

    fn run_on(
        &self,
        ctx: &mut Context,
        vm: &mut Vm,
        transaction: &mut Transaction<'_>,
        hold: Hold,
        out: &mut dyn ReplySink,
    ) -> Result<End, String> {
        let mut host = Host::new(ctx, transaction, hold, self.run, self.declared());
        let mut keys = self.declared();
        let mut args = self.run.command.args_from(3 + self.keys);
        let end = vm.run(self.run.program, &mut keys, &mut args, &mut host, out);
        host.learn();
        end
    }
}

/// What a script was found to do, from one run to the next.
impl Learned {
    fn of(program: Program<'_>) -> Self {
        Self(program.learned().load(Ordering::Relaxed))
    }
}
