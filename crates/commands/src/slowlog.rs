//! SLOWLOG: the commands that took long.

use kvark_call::slowlog::SlowEntry;
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::args;
use crate::context::Context;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("slowlog.rs");

/// How many are told when nobody says how many.
const USUAL: usize = 10;

/// `SLOWLOG subcommand [argument ...]`
///
/// Commands that took long. SLOWLOG HELP lists the sub-commands.
///
/// ```resp
/// > SLOWLOG
/// (error) ERR wrong number of arguments for 'slowlog' command
/// ```
pub fn slowlog(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `SLOWLOG HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > SLOWLOG HELP
/// ...SLOWLOG <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("SLOWLOG", out)
}

/// `SLOWLOG GET [count]`
///
/// The latest commands that took longer than `slowlog-log-slower-than`: ten, or so many, or with -1 all. Of each its number, when
/// it ended, how many microseconds it took, the command itself (shortened, and without passwords), and the client's address and name.
///
/// ```resp
/// > SLOWLOG GET 0
/// (empty array)
/// > SLOWLOG GET -2
/// (error) ERR count should be greater than or equal to -1
/// ```
pub fn get(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let most = match req.get(2) {
        None => USUAL,
        Some(count) => match args::integer_or(count, "ERR count should be greater than or equal to -1")? {
            -1 => usize::MAX,
            count => {
                usize::try_from(count).map_err(|_| Fault::new("ERR count should be greater than or equal to -1"))?
            }
        },
    };
    if req.len() > 3 {
        return Err(Fault::arity("slowlog|get"));
    }
    let entries = ctx.world.slowlog.latest(most);
    out.array(entries.len());
    entries.iter().for_each(|entry| tell(entry, out));
    Ok(Outcome::Done)
}

fn tell(entry: &SlowEntry, out: &mut dyn ReplySink) {
    out.array(6);
    out.integer(entry.id as i64);
    out.integer(entry.at_seconds as i64);
    out.integer(entry.took_us as i64);
    out.array(entry.args.len());
    entry.args.iter().for_each(|arg| out.bulk(arg));
    out.bulk(entry.address.as_bytes());
    out.bulk(entry.name.as_bytes());
}

/// `SLOWLOG LEN`
///
/// How many commands are kept.
///
/// ```resp
/// > SLOWLOG LEN
/// (integer) ...
/// ```
pub fn len(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(ctx.world.slowlog.len() as i64);
    Ok(Outcome::Done)
}

/// `SLOWLOG RESET`
///
/// Forgets the commands that are kept.
///
/// ```resp
/// > SLOWLOG RESET
/// OK
/// ```
pub fn reset(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.world.slowlog.reset();
    out.status("OK");
    Ok(Outcome::Done)
}
