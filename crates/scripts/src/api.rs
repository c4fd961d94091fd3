//! The table `redis`: how a script reaches the server.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kvark_call::request::Span;
use kvark_call::{ReplySink, Request, Version};

use crate::caller::Refused;
use crate::raw::*;
use crate::{Sha, errors, replies, vm};

/// The levels of `redis.log`.
const LEVELS: [(&std::ffi::CStr, f64); 4] =
    [(c"LOG_DEBUG", 0.0), (c"LOG_VERBOSE", 1.0), (c"LOG_NOTICE", 2.0), (c"LOG_WARNING", 3.0)];
/// What `redis.set_repl` takes. There is one log for everything, so all of them mean the same.
const REPL: [(&std::ffi::CStr, f64); 5] =
    [(c"REPL_NONE", 0.0), (c"REPL_AOF", 1.0), (c"REPL_SLAVE", 2.0), (c"REPL_REPLICA", 2.0), (c"REPL_ALL", 3.0)];

/// Fills the table on top.
pub(crate) unsafe fn open(l: L) {
    for (name, function) in [
        (c"call", call as lua_CFunction),
        (c"pcall", pcall),
        (c"sha1hex", sha1hex),
        (c"error_reply", error_reply),
        (c"status_reply", status_reply),
        (c"setresp", setresp),
        (c"set_repl", set_repl),
        (c"replicate_commands", replicate_commands),
        (c"breakpoint", breakpoint),
        (c"debug", debug),
        (c"acl_check_cmd", acl_check_cmd),
    ] {
        set_function(l, name, function);
    }
    REPL.into_iter().for_each(|(name, number)| set_number(l, name, number));
    set_log(l);
}

/// Sets `log` and its levels in the table on top.
pub(crate) unsafe fn set_log(l: L) {
    set_function(l, c"log", log);
    LEVELS.into_iter().for_each(|(name, number)| set_number(l, name, number));
}

/// Sets what the table on top says of the version.
pub(crate) unsafe fn set_version(l: L, version: &str) {
    let number = version.split('.').filter_map(|part| part.parse::<u32>().ok()).fold(0, |all, part| all << 8 | part);
    set_text(l, c"REDIS_VERSION", version);
    set_number(l, c"REDIS_VERSION_NUM", f64::from(number));
}

unsafe extern "C-unwind" fn call(l: L) -> c_int {
    if run(l) { lua_error(l) } else { 1 }
}

unsafe extern "C-unwind" fn pcall(l: L) -> c_int {
    run(l);
    1
}

/// Runs the command that the arguments are and pushes its reply; whether that is an error.
unsafe fn run(l: L) -> bool {
    if let Err(why) = gather(l) {
        errors::push_text(l, why.as_bytes());
        return true;
    }
    let work = work(l);
    let Some(mut caller) = work.caller else {
        errors::push_text(l, b"redis.call/pcall can only be called inside a script invocation");
        return true;
    };
    if work.stop.is_some() {
        vm::stop(l);
    }
    lua_settop(l, 0);
    work.reply.clear();
    let request = Request::new(&work.args, &work.spans);
    let called = catch_unwind(AssertUnwindSafe(|| caller.as_mut().call(&request, &mut work.reply)));
    match called {
        Ok(Ok(())) => replies::push(l, work),
        Ok(Err(Refused::Fault(fault))) => {
            work.reply.clear();
            work.reply.error(fault.message());
            drop(fault);
            replies::push(l, work)
        }
        Ok(Err(Refused::Stop(stop))) => {
            work.stop = Some(stop);
            vm::stop(l)
        }
        Err(panic) => {
            work.panic = Some(panic);
            work.stop = Some(crate::Stop::Killed("ERR a command of the script has failed"));
            vm::stop(l)
        }
    }
}

/// Copies the arguments into the interpreter's own memory, as a request.
unsafe fn gather(l: L) -> Result<(), &'static str> {
    let count = lua_gettop(l);
    if count == 0 {
        return Err("Please specify at least one argument for this redis lib call");
    }
    let work = work(l);
    work.args.clear();
    work.spans.clear();
    for at in 1..=count {
        let start = work.args.len();
        match lua_type(l, at) {
            LUA_TSTRING => work.args.extend_from_slice(bytes(l, at).unwrap_or_default()),
            LUA_TNUMBER => append_number(&mut work.args, lua_tonumber(l, at)),
            _ => return Err("Lua redis lib command arguments must be strings or integers"),
        }
        let len = work.args.len() - start;
        let (Ok(start), Ok(len)) = (u32::try_from(start), u32::try_from(len)) else {
            return Err("the arguments of a command have 4 GiB at most");
        };
        work.spans.push(Span { start, len });
    }
    Ok(())
}

fn append_number(args: &mut Vec<u8>, number: f64) {
    let whole = number as i64;
    if whole as f64 == number {
        args.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else {
        args.extend_from_slice(kvark_base::double::Text::new(number).as_bytes());
    }
}

unsafe extern "C-unwind" fn acl_check_cmd(l: L) -> c_int {
    if lua_gettop(l) == 0 {
        errors::push_text(l, b"Please specify at least one argument for this redis.acl_check_cmd() call");
        lua_error(l);
    }
    if let Err(why) = gather(l) {
        errors::push_text(l, why.as_bytes());
        lua_error(l);
    }
    let work = work(l);
    let request = Request::new(&work.args, &work.spans);
    match work.caller.and_then(|caller| caller.as_ref().may_call(&request)) {
        Some(may) => lua_pushboolean(l, may.into()),
        None => {
            errors::push_text(l, b"Invalid command passed to redis.acl_check_cmd()");
            lua_error(l);
        }
    }
    1
}

unsafe extern "C-unwind" fn log(l: L) -> c_int {
    let count = lua_gettop(l);
    if count < 2 {
        errors::push_text(l, b"redis.log() requires two arguments or more.");
        lua_error(l);
    }
    if lua_type(l, 1) != LUA_TNUMBER {
        errors::push_text(l, b"First argument must be a number (log level).");
        lua_error(l);
    }
    let level = lua_tonumber(l, 1) as i64;
    if !(0..=3).contains(&level) {
        errors::push_text(l, b"Invalid log level.");
        lua_error(l);
    }
    let work = work(l);
    work.scratch.clear();
    for at in 2..=count {
        if at > 2 {
            work.scratch.push(b' ');
        }
        work.scratch.extend_from_slice(bytes(l, at).unwrap_or_default());
    }
    if let Some(mut caller) = work.caller {
        caller.as_mut().log(level, &work.scratch);
    }
    0
}

unsafe extern "C-unwind" fn sha1hex(l: L) -> c_int {
    if lua_gettop(l) != 1 {
        errors::push_text(l, b"wrong number of arguments");
        lua_error(l);
    }
    push(l, &Sha::of(bytes(l, 1).unwrap_or_default()).hex());
    1
}

unsafe extern "C-unwind" fn error_reply(l: L) -> c_int {
    if !is_one_text(l) {
        errors::push_text(l, b"wrong number or type of arguments");
        return 1;
    }
    let text = bytes(l, 1).unwrap_or_default();
    if text.first() == Some(&b'-') {
        errors::push_text(l, text);
        return 1;
    }
    push(l, b"-");
    push(l, text);
    lua_concat(l, 2);
    errors::push_text(l, bytes(l, -1).unwrap_or_default());
    1
}

unsafe extern "C-unwind" fn status_reply(l: L) -> c_int {
    if !is_one_text(l) {
        errors::push_text(l, b"wrong number or type of arguments");
        return 1;
    }
    lua_createtable(l, 0, 1);
    lua_pushvalue(l, 1);
    lua_setfield(l, -2, c"ok".as_ptr());
    1
}

unsafe fn is_one_text(l: L) -> bool {
    lua_gettop(l) == 1 && lua_type(l, 1) == LUA_TSTRING
}

unsafe extern "C-unwind" fn setresp(l: L) -> c_int {
    if lua_gettop(l) != 1 {
        errors::push_text(l, b"redis.setresp() requires one argument.");
        lua_error(l);
    }
    work(l).version = match lua_tonumber(l, 1) as i64 {
        2 => Version::Resp2,
        3 => Version::Resp3,
        _ => {
            errors::push_text(l, b"RESP version must be 2 or 3.");
            lua_error(l);
        }
    };
    0
}

unsafe extern "C-unwind" fn set_repl(l: L) -> c_int {
    if lua_gettop(l) != 1 {
        errors::push_text(l, b"redis.set_repl() requires one argument.");
        lua_error(l);
    }
    if !(0..=3).contains(&(lua_tonumber(l, 1) as i64)) {
        errors::push_text(l, b"Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
        lua_error(l);
    }
    0
}

/// The effects of a script are what is logged, so there is nothing to choose.
unsafe extern "C-unwind" fn replicate_commands(l: L) -> c_int {
    lua_pushboolean(l, 1);
    1
}

/// There is no debugger, so no script is being debugged, which is what Redis answers then.
unsafe extern "C-unwind" fn breakpoint(l: L) -> c_int {
    lua_pushboolean(l, 0);
    1
}

/// Tells a debugger something; there is none.
unsafe extern "C-unwind" fn debug(_: L) -> c_int {
    0
}
