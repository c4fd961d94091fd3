//! Functions are called: `FCALL`.

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_scripts::Program;

use super::{Ran, What, check_count, run_once};
use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("functions.rs");

/// `FCALL function numkeys [key [key ...]] [arg [arg ...]]`
///
/// Runs a function of a library that FUNCTION LOAD has brought. It is given its keys and the other arguments as two lists; in everything else it is
/// as a script that EVAL runs.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
/// "lib"
/// > FCALL put 1 k v
/// OK
/// > GET k
/// "v"
/// > FCALL nothing 0
/// (error) ERR Function not found
/// ```
pub fn fcall(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    call(ctx, req, false, out)
}

/// `FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]`
///
/// As FCALL, for a function with the flag `no-writes`.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function{function_name='get', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}"
/// "lib"
/// > SET k v
/// OK
/// > FCALL_RO get 1 k
/// "v"
/// ```
pub fn fcall_ro(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    call(ctx, req, true, out)
}

fn call(ctx: &mut Context, req: &Request, read_only: bool, out: &mut dyn ReplySink) -> Answer {
    loop {
        let shelf = ctx.scripts.libraries.shelf(ctx.random);
        ctx.position = ctx.position.max(shelf.position);
        let found = shelf.find(req.arg(1)).ok_or(Fault::new("ERR Function not found"))?;
        let keys = kvark_base::number::parse_i64(req.arg(2)).ok_or(Fault::new("ERR Bad number of keys provided"))?;
        let keys = check_count(req, keys)?;
        let what = What { program: Program::Function(found), shelf: Some(&shelf) };
        if let Ran::Answered = run_once(ctx, what, req, keys, read_only, out)? {
            return Ok(Outcome::Done);
        }
    }
}
