//! CLIENT: a connection about itself. [`peers`] is about the others, [`tracking`] about what it has read.

pub mod peers;
pub mod tracking;

use std::sync::atomic::Ordering;

use kvark_call::session::{PauseMode, ReplyMode};
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::args;
use crate::context::Context;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("client.rs");

/// `CLIENT subcommand [argument ...]`
///
/// What is known of connections, and what can be done to them. CLIENT HELP lists the sub-commands.
///
/// ```resp
/// > CLIENT
/// (error) ERR wrong number of arguments for 'client' command
/// ```
pub fn client(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `CLIENT HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > CLIENT HELP
/// ...CLIENT <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("CLIENT", out)
}

/// `CLIENT ID`
///
/// The number of this connection; it is never used again.
///
/// ```resp
/// > CLIENT ID
/// (integer) ...
/// ```
pub fn id(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(ctx.session.peer.id as i64);
    Ok(Outcome::Done)
}

/// `CLIENT SETNAME connection-name`
///
/// Gives this connection a name, for CLIENT LIST. An empty one takes it away.
///
/// ```resp
/// > CLIENT SETNAME worker-1
/// OK
/// > CLIENT GETNAME
/// "worker-1"
/// > CLIENT SETNAME "worker 1"
/// (error) ERR Client names cannot contain spaces, newlines or special characters.
/// ```
pub fn setname(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.session.peer.text.lock().name = check_name(req.arg(2))?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// A name that leaves the columns of CLIENT LIST apart.
pub(crate) fn check_name(name: &[u8]) -> Result<String, Fault> {
    one_column(name)
        .ok_or_else(|| Fault::new("ERR Client names cannot contain spaces, newlines or special characters."))
}

fn one_column(text: &[u8]) -> Option<String> {
    let plain = text.iter().all(|byte| (b'!'..=b'~').contains(byte));
    plain.then(|| String::from_utf8_lossy(text).into_owned())
}

/// `CLIENT GETNAME`
///
/// The name of this connection, nil when it has none.
///
/// ```resp
/// > CLIENT GETNAME
/// (nil)
/// ```
pub fn getname(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    match ctx.session.peer.text.lock().name.as_str() {
        "" => out.null(),
        name => out.bulk(name.as_bytes()),
    }
    Ok(Outcome::Done)
}

/// `CLIENT SETINFO LIB-NAME libname | LIB-VER libver`
///
/// Notes which library the client uses, for CLIENT LIST.
///
/// ```resp
/// > CLIENT SETINFO LIB-NAME redis-py
/// OK
/// > CLIENT SETINFO COLOUR red
/// (error) ERR Unrecognized option 'COLOUR'
/// ```
pub fn setinfo(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let option = crate::dispatch::one_line(req.arg(2));
    if !req.is(2, "LIB-NAME") && !req.is(2, "LIB-VER") {
        return Err(Fault::new(format!("ERR Unrecognized option '{option}'")));
    }
    let message = || format!("ERR {option} cannot contain spaces, newlines or special characters.");
    let value = one_column(req.arg(3)).ok_or_else(|| Fault::new(message()))?;
    let mut text = ctx.session.peer.text.lock();
    if req.is(2, "LIB-NAME") {
        text.lib_name = value;
    } else {
        text.lib_version = value;
    }
    out.status("OK");
    Ok(Outcome::Done)
}

/// `CLIENT NO-EVICT ON | OFF`
///
/// Notes that this connection shall not be closed when memory is short.
///
/// ```resp
/// > CLIENT NO-EVICT ON
/// OK
/// > CLIENT NO-EVICT maybe
/// (error) ERR syntax error
/// ```
pub fn no_evict(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.session.peer.no_evict.store(on_or_off(req)?, Ordering::Relaxed);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `CLIENT NO-TOUCH ON | OFF`
///
/// Whether this connection's reads leave no trace in OBJECT IDLETIME.
///
/// ```resp
/// > CLIENT NO-TOUCH ON
/// OK
/// ```
pub fn no_touch(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.session.no_touch = on_or_off(req)?;
    out.status("OK");
    Ok(Outcome::Done)
}

fn on_or_off(req: &Request) -> Result<bool, Fault> {
    match (req.is(2, "ON"), req.is(2, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Fault::syntax()),
    }
}

/// `CLIENT REPLY ON | OFF | SKIP`
///
/// Whether this connection wants answers: all, none, or not for the next command. Only ON is answered itself.
///
/// ```resp
/// > CLIENT REPLY ON
/// OK
/// > CLIENT REPLY loud
/// (error) ERR syntax error
/// ```
pub fn reply(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mode = &mut ctx.session.reply;
    if req.is(2, "ON") {
        *mode = ReplyMode::On;
        out.status("OK");
    } else if req.is(2, "OFF") {
        *mode = ReplyMode::Off;
    } else if req.is(2, "SKIP") {
        if *mode != ReplyMode::Off {
            *mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Fault::syntax());
    }
    Ok(Outcome::Done)
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`
///
/// Holds back all commands, or those that may write, for so many milliseconds.
///
/// ```resp
/// > CLIENT PAUSE 0 WRITE
/// OK
/// > CLIENT PAUSE -1
/// (error) ERR timeout is negative
/// ```
pub fn pause(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mode = match req.get(3) {
        None => PauseMode::All,
        Some(_) if req.is(3, "ALL") => PauseMode::All,
        Some(_) if req.is(3, "WRITE") => PauseMode::Writes,
        Some(_) => return Err(Fault::new("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    if req.len() > 4 {
        return Err(Fault::arity("client|pause"));
    }
    let timeout_ms = args::timeout_ms(req.arg(2), ctx.now_ms)?;
    ctx.world.sessions.pause(mode, ctx.now_ms + timeout_ms);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `CLIENT UNPAUSE`
///
/// Ends a pause.
///
/// ```resp
/// > CLIENT UNPAUSE
/// OK
/// ```
pub fn unpause(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.world.sessions.unpause();
    out.status("OK");
    Ok(Outcome::Done)
}
