//! What is on disk, and waiting for it.
//!
//! Every answered write is in the log already, as the store's durability says. SAVE and its kin speak of the checkpoint,
//! which is what a restart begins with; they are answered by what comes nearest to their promise.

use kvark_base::{Millis, Position};
use kvark_call::fault::Parked;
use kvark_call::{Fault, Outcome, ReplySink, Request, Session, World};

use crate::args;
use crate::context::{Context, ShutdownOptions};
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("durability.rs");

/// Waits until the log is synced up to `position`, or until `deadline_ms`.
fn wait_for_sync(
    ctx: &Context,
    position: Position,
    deadline_ms: Option<Millis>,
    resume: fn(&World, &mut Session, bool, &mut dyn ReplySink),
) -> Outcome {
    ctx.upkeep.want_sync();
    Outcome::Park(Parked::until_synced(Some(position), deadline_ms, resume))
}

/// `SAVE`
///
/// Begins a checkpoint, and answers when everything written so far survives a loss of power.
///
/// ```resp
/// > SAVE
/// OK
/// ```
pub fn save(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.upkeep.begin_checkpoint()?;
    let position = ctx.keys.last_position();
    if ctx.keys.synced_position() < position {
        return Ok(wait_for_sync(ctx, position, None, saved));
    }
    out.status("OK");
    Ok(Outcome::Done)
}

fn saved(_world: &World, _session: &mut Session, synced: bool, out: &mut dyn ReplySink) {
    if synced {
        out.status("OK");
    } else {
        out.error("ERR The log was not synced");
    }
}

/// `BGSAVE [SCHEDULE]`
///
/// Begins a checkpoint.
///
/// ```resp
/// > BGSAVE SCHEDULE
/// Background saving ...
/// > BGSAVE later
/// (error) ERR syntax error
/// ```
pub fn bgsave(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let schedule = req.is(1, "SCHEDULE");
    if req.len() > 2 || req.len() == 2 && !schedule {
        return Err(Fault::syntax());
    }
    let busy = ctx.upkeep.is_checkpointing();
    if busy && !schedule {
        return Err(Fault::new("ERR Background save already in progress"));
    }
    ctx.upkeep.begin_checkpoint()?;
    out.status(if busy { "Background saving scheduled" } else { "Background saving started" });
    Ok(Outcome::Done)
}

/// `LASTSAVE`
///
/// When the latest checkpoint was finished, in seconds since the Unix epoch.
///
/// ```resp
/// > LASTSAVE
/// (integer) ...
/// ```
pub fn lastsave(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer((ctx.upkeep.last_checkpoint_ms() / 1000) as i64);
    Ok(Outcome::Done)
}

/// `WAIT numreplicas timeout`
///
/// How many replicas have this connection's writes. There are none, so it is answered at once.
///
/// ```resp
/// > SET a 1
/// OK
/// > WAIT 0 100
/// (integer) 0
/// ```
pub fn wait(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    args::integer(req.arg(1))?;
    args::timeout_ms(req.arg(2), ctx.now_ms)?;
    out.integer(0);
    Ok(Outcome::Done)
}

/// `WAITAOF numlocal numreplicas timeout`
///
/// Waits until this connection's writes survive a loss of power here (numlocal 1), for at most timeout milliseconds (0 is
/// for ever), and answers whether they do, and on how many replicas. There are none, so nobody waits for them.
///
/// ```resp
/// > SET a 1
/// OK
/// > WAITAOF 1 0 0
/// 1) (integer) 1
/// 2) (integer) 0
/// ```
pub fn waitaof(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let local = args::integer_between(req.arg(1), 0, 1)? == 1;
    if args::integer(req.arg(2))? < 0 {
        return Err(Fault::new("ERR value is out of range, must be positive"));
    }
    let timeout_ms = args::timeout_ms(req.arg(3), ctx.now_ms)?;
    if local && !ctx.upkeep.is_durable() {
        return Err(Fault::new("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."));
    }
    let position = ctx.session.last_write;
    let synced = ctx.keys.synced_position() >= position;
    if local && !synced {
        let deadline_ms = (timeout_ms > 0).then(|| ctx.now_ms + timeout_ms);
        return Ok(wait_for_sync(ctx, position, deadline_ms, answer_synced));
    }
    answer_synced(ctx.world, ctx.session, synced, out);
    Ok(Outcome::Done)
}

fn answer_synced(_world: &World, _session: &mut Session, synced: bool, out: &mut dyn ReplySink) {
    out.array(2);
    out.integer(synced.into());
    out.integer(0);
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
///
/// Stops the server. With SAVE a checkpoint is taken first; what was answered is kept in any case. ABORT takes back a
/// shutdown that has not happened yet. There is no answer when it works: the connection closes.
///
/// ```resp,shown
/// > SHUTDOWN
/// ```
pub fn shutdown(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (mut options, mut abort) = (ShutdownOptions::default(), false);
    for word in req.args_from(1) {
        match word.to_ascii_uppercase().as_slice() {
            b"SAVE" if options.save != Some(false) => options.save = Some(true),
            b"NOSAVE" if options.save != Some(true) => options.save = Some(false),
            b"NOW" => options.now = true,
            b"FORCE" => options.force = true,
            b"ABORT" => abort = true,
            _ => return Err(Fault::syntax()),
        }
    }
    if ctx.scripts.is_busy() && options.save != Some(false) {
        return Err(crate::scripting::busy_fault(ctx.scripts));
    }
    if !abort {
        ctx.upkeep.shutdown(options)?;
        return Ok(Outcome::Close);
    }
    if options != ShutdownOptions::default() {
        return Err(Fault::syntax());
    }
    if !ctx.upkeep.abort_shutdown() {
        return Err(Fault::new("ERR No shutdown in progress."));
    }
    out.status("OK");
    Ok(Outcome::Done)
}
