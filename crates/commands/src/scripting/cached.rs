//! The scripts that the server knows: `SCRIPT ...`.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_scripts::{Kill, Sha};

use super::{keep, no_script};
use crate::context::Context;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("cached.rs");

/// `SCRIPT subcommand [argument ...]`
///
/// About the scripts that the server knows. SCRIPT HELP lists the sub-commands.
///
/// ```resp
/// > SCRIPT
/// (error) ERR wrong number of arguments for 'script' command
/// ```
pub fn script(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `SCRIPT HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > SCRIPT HELP
/// ...SCRIPT <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("SCRIPT", out)
}

/// `SCRIPT LOAD script`
///
/// Keeps a script until SCRIPT FLUSH, without running it, and answers the SHA-1 by which EVALSHA runs it.
///
/// ```resp
/// > SCRIPT LOAD "return 1"
/// "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
/// > EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
/// (integer) 1
/// ```
pub fn load(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let sha = Sha::of(req.arg(2));
    keep(ctx, req.arg(2), sha, true)?;
    out.bulk(&sha.hex());
    Ok(Outcome::Done)
}

/// `SCRIPT EXISTS sha1 [sha1 ...]`
///
/// Whether the server knows each of these scripts.
///
/// ```resp
/// > SCRIPT LOAD "return 1"
/// "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
/// > SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db nonsense
/// 1) (integer) 1
/// 2) (integer) 0
/// ```
pub fn exists(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.array(req.len() - 2);
    for name in req.args_from(2) {
        let is_known = Sha::from_hex(name).is_some_and(|sha| ctx.scripts.knows(sha));
        out.integer(is_known.into());
    }
    Ok(Outcome::Done)
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
///
/// Forgets every script. What is freed takes no time that a client would notice, so both ways are the same.
///
/// ```resp
/// > SCRIPT LOAD "return 1"
/// "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
/// > SCRIPT FLUSH
/// OK
/// > EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
/// (error) NOSCRIPT No matching script. Please use EVAL.
/// ```
pub fn flush(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let is_way = req.len() == 2 || req.len() == 3 && (req.is(2, "ASYNC") || req.is(2, "SYNC"));
    if !is_way {
        return Err(Fault::new("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    ctx.scripts.flush();
    out.status("OK");
    Ok(Outcome::Done)
}

/// `SCRIPT KILL`
///
/// Ends the script that takes longer than `busy-reply-threshold`, unless it has written something.
///
/// ```resp
/// > SCRIPT KILL
/// (error) NOTBUSY No scripts in execution right now.
/// ```
pub fn kill(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_kill(ctx.scripts.kill(false), "FUNCTION KILL", out)
}

/// Answers what became of the wish to end scripts; those of the other kind are ended by `other`.
pub(super) fn answer_kill(kill: Kill, other: &str, out: &mut dyn ReplySink) -> Answer {
    match kill {
        Kill::Done => out.status("OK"),
        Kill::Nobody => return Err(Fault::new("NOTBUSY No scripts in execution right now.")),
        Kill::OtherKind => return Err(super::busy(other)),
        Kill::HasWritten => {
            return Err(Fault::new(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the \
                 script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
            ));
        }
    }
    Ok(Outcome::Done)
}

/// `SCRIPT SHOW sha1`
///
/// The text of a script.
///
/// ```resp
/// > SCRIPT LOAD "return 1"
/// "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
/// > SCRIPT SHOW e0e1f9fabfc9d4800c877a703b823ac0578ff8db
/// "return 1"
/// ```
pub fn show(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let script = Sha::from_hex(req.arg(2)).and_then(|sha| ctx.scripts.find(sha)).ok_or_else(no_script)?;
    out.bulk(script.body());
    Ok(Outcome::Done)
}

/// `SCRIPT DEBUG <YES | SYNC | NO>`
///
/// Whether this client's scripts are debugged. There is no debugger, so only NO is accepted.
///
/// ```resp
/// > SCRIPT DEBUG NO
/// OK
/// > SCRIPT DEBUG YES
/// (error) ERR there is no debugger of scripts
/// ```
pub fn debug(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.is(2, "YES") || req.is(2, "SYNC") {
        return Err(Fault::new("ERR there is no debugger of scripts"));
    }
    if !req.is(2, "NO") {
        return Err(Fault::new("ERR Use SCRIPT DEBUG YES/SYNC/NO"));
    }
    out.status("OK");
    Ok(Outcome::Done)
}
