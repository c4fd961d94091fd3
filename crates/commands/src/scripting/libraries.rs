//! The libraries of functions: `FUNCTION ...`.

use std::sync::Arc;

use kvark_base::glob;
use kvark_call::{Fault, Outcome, ReplySink, Request, World};
use kvark_rdb::functions as format;
use kvark_scripts::libraries::Function;
use kvark_scripts::{Beginning, Library, Rights, Shelf};

use super::cached::answer_kill;
use super::loading::{compile, failed};
use super::shelving::{change, payload};
use crate::context::Context;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("libraries.rs");

/// `FUNCTION subcommand [argument ...]`
///
/// About the libraries of functions. FUNCTION HELP lists the sub-commands.
///
/// ```resp
/// > FUNCTION
/// (error) ERR wrong number of arguments for 'function' command
/// ```
pub fn function(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `FUNCTION HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > FUNCTION HELP
/// ...FUNCTION <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("FUNCTION", out)
}

/// `FUNCTION LOAD [REPLACE] code`
///
/// Runs the text of a library once, which registers its functions, and keeps it as the data is kept. REPLACE puts it in the place of the library of that name.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('hi', function(keys, args) return 'hi' end)"
/// "lib"
/// > FCALL hi 0
/// "hi"
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('hi', function(keys, args) return 'ho' end)"
/// (error) ERR Library 'lib' already exists
/// > FUNCTION LOAD REPLACE "#!lua name=lib\n redis.register_function('hi', function(keys, args) return 'ho' end)"
/// "lib"
/// > FCALL hi 0
/// "ho"
/// ```
pub fn load(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let last = req.len() - 1;
    let mut replace = false;
    for at in 2..last {
        if !req.is(at, "REPLACE") {
            return Err(Fault::new(format!("ERR Unknown option given: {}", told(req.arg(at)))));
        }
        replace = true;
    }
    let library = compile(ctx, req.arg(last))?;
    change(ctx, |shelf| {
        if !replace && shelf.library(&library.name).is_some() {
            return Err(Fault::new(format!("ERR Library '{}' already exists", library.name)));
        }
        shelf.with(std::slice::from_ref(&library)).map_err(failed)
    })?;
    out.bulk(library.name.as_bytes());
    Ok(Outcome::Done)
}

/// `FUNCTION DELETE library-name`
///
/// Removes a library with its functions.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('hi', function() return 'hi' end)"
/// "lib"
/// > FUNCTION DELETE lib
/// OK
/// > FUNCTION DELETE lib
/// (error) ERR Library not found
/// ```
pub fn delete(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let name = String::from_utf8_lossy(req.arg(2));
    change(ctx, |shelf| shelf.without(&name).ok_or(Fault::new("ERR Library not found")))?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `FUNCTION FLUSH [ASYNC | SYNC]`
///
/// Removes every library. What is freed takes no time that a client would notice, so both ways are the same. FLUSHALL leaves the libraries alone.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('hi', function() return 'hi' end)"
/// "lib"
/// > FLUSHALL
/// OK
/// > FCALL hi 0
/// "hi"
/// > FUNCTION FLUSH
/// OK
/// > FCALL hi 0
/// (error) ERR Function not found
/// ```
pub fn flush(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() > 3 {
        return Err(wrong_number("flush"));
    }
    if req.len() == 3 && !req.is(2, "ASYNC") && !req.is(2, "SYNC") {
        return Err(Fault::new("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    change(ctx, |_| Ok(Shelf::default()))?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]`
///
/// The libraries, their functions, and with WITHCODE their texts.
///
/// ```resp
/// > FUNCTION LOAD "#!lua name=lib\n redis.register_function('hi', function() return 'hi' end)"
/// "lib"
/// > FUNCTION LIST LIBRARYNAME l*
/// 1) 1) "library_name"
///    2) "lib"
///    3) "engine"
///    4) "LUA"
///    5) "functions"
///    6) 1) 1) "name"
///          2) "hi"
///          3) "description"
///          4) (nil)
///          5) "flags"
///          6) (empty array)
/// ```
pub fn list(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let (mut pattern, mut with_code) = (None, false);
    let mut words = req.args_from(2);
    while let Some(word) = words.next() {
        match word.to_ascii_uppercase().as_slice() {
            b"WITHCODE" if !with_code => with_code = true,
            b"LIBRARYNAME" if pattern.is_none() => {
                pattern = Some(words.next().ok_or(Fault::new("ERR library name argument was not given"))?);
            }
            _ => return Err(Fault::new(format!("ERR Unknown argument {}", told(word)))),
        }
    }
    let shelf = shelf(ctx);
    let wanted =
        |library: &&Arc<Library>| pattern.is_none_or(|pattern| glob::matches(pattern, library.name.as_bytes(), true));
    let wanted: Vec<_> = shelf.libraries().filter(wanted).collect();
    out.array(wanted.len());
    wanted.into_iter().for_each(|library| tell(library, with_code, out));
    Ok(Outcome::Done)
}

fn tell(library: &Library, with_code: bool, out: &mut dyn ReplySink) {
    out.map(3 + usize::from(with_code));
    out.bulk(b"library_name");
    out.bulk(library.name.as_bytes());
    out.bulk(b"engine");
    out.bulk(b"LUA");
    out.bulk(b"functions");
    out.array(library.functions.len());
    library.functions.iter().for_each(|function| tell_function(function, out));
    if with_code {
        out.bulk(b"library_code");
        out.bulk(library.code());
    }
}

fn tell_function(function: &Function, out: &mut dyn ReplySink) {
    out.map(3);
    out.bulk(b"name");
    out.bulk(function.name.as_bytes());
    out.bulk(b"description");
    match &function.description {
        Some(description) => out.bulk(description.as_bytes()),
        None => out.null(),
    }
    out.bulk(b"flags");
    out.set(Rights::names(function.rights).count());
    function.rights.names().for_each(|name| out.status(name));
}

/// `FUNCTION STATS`
///
/// The function that takes longer than `busy-reply-threshold`, if there is one, and how many libraries and functions there are.
///
/// ```resp
/// > FUNCTION STATS
/// 1) "running_script"
/// 2) (nil)
/// 3) "engines"
/// 4) 1) "LUA"
///    2) 1) "libraries_count"
///       2) (integer) 0
///       3) "functions_count"
///       4) (integer) 0
/// ```
pub fn stats(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.map(2);
    out.bulk(b"running_script");
    match ctx.scripts.first_overdue().filter(|overdue| overdue.beginning.is_function) {
        Some(overdue) => tell_running(&overdue.beginning, ctx.world, out),
        None => out.null(),
    }
    // An answer that depends on the log stays where it is until the function has ended, and who asks wants to know why it does not.
    let shelf = ctx.scripts.libraries.shelf(ctx.random);
    out.bulk(b"engines");
    out.map(1);
    out.bulk(b"LUA");
    out.map(2);
    out.bulk(b"libraries_count");
    out.integer(shelf.libraries().len() as i64);
    out.bulk(b"functions_count");
    out.integer(shelf.functions() as i64);
    Ok(Outcome::Done)
}

fn tell_running(beginning: &Beginning, world: &World, out: &mut dyn ReplySink) {
    out.map(3);
    out.bulk(b"name");
    out.bulk(beginning.name.as_bytes());
    out.bulk(b"command");
    out.array(beginning.command.len());
    beginning.command.iter().for_each(|word| out.bulk(word));
    out.bulk(b"duration_ms");
    out.integer(world.clock.uptime().saturating_sub(beginning.at).as_millis() as i64);
}

/// `FUNCTION DUMP`
///
/// All libraries in Redis' own format, for FUNCTION RESTORE here or there.
///
/// ```resp
/// > FUNCTION DUMP
/// "\n\x00...
/// ```
pub fn dump(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.bulk(&payload(&shelf(ctx)));
    Ok(Outcome::Done)
}

/// `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`
///
/// Loads the libraries that FUNCTION DUMP has told, here or in Redis: beside those that are there, instead of them (FLUSH), or each in the place of that of its name
/// (REPLACE). All of them are loaded, or none.
///
/// ```resp
/// > FUNCTION RESTORE nonsense
/// (error) ERR DUMP payload version or checksum are wrong
/// ```
pub fn restore(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() > 4 {
        return Err(wrong_number("restore"));
    }
    let policy = if req.len() == 4 { req.arg(3).to_ascii_uppercase() } else { b"APPEND".to_vec() };
    if !matches!(policy.as_slice(), b"FLUSH" | b"APPEND" | b"REPLACE") {
        return Err(Fault::new("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."));
    }
    let texts = format::restore(req.arg(2)).map_err(|refusal| match refusal {
        kvark_rdb::Refusal::Frame => Fault::new("ERR DUMP payload version or checksum are wrong"),
        kvark_rdb::Refusal::Kind => Fault::new("ERR given type is not a function"),
    })?;
    let mut libraries: Vec<Arc<Library>> = Vec::with_capacity(texts.len());
    for text in texts {
        let library = compile(ctx, &text)?;
        if libraries.iter().any(|other| other.name == library.name) {
            return Err(exists(&library));
        }
        libraries.push(library);
    }
    change(ctx, |shelf| {
        let taken = libraries.iter().find(|library| shelf.library(&library.name).is_some());
        match (policy.as_slice(), taken) {
            (b"FLUSH", _) => Shelf::default().with(&libraries).map_err(failed),
            (b"APPEND", Some(library)) => Err(exists(library)),
            _ => shelf.with(&libraries).map_err(failed),
        }
    })?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `FUNCTION KILL`
///
/// Ends the function that takes longer than `busy-reply-threshold`, unless it has written something.
///
/// ```resp
/// > FUNCTION KILL
/// (error) NOTBUSY No scripts in execution right now.
/// ```
pub fn kill(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_kill(ctx.scripts.kill(true), "SCRIPT KILL", out)
}

/// The libraries of this moment; the answer depends on the log as far as they do.
fn shelf(ctx: &mut Context) -> Arc<Shelf> {
    let shelf = ctx.scripts.libraries.shelf(ctx.random);
    ctx.position = ctx.position.max(shelf.position);
    shelf
}

fn exists(library: &Library) -> Fault {
    Fault::new(format!("ERR Library {} already exists", library.name))
}

fn wrong_number(subcommand: &str) -> Fault {
    Fault::new(format!("ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try FUNCTION HELP."))
}

/// As part of an error, which is one line.
fn told(word: &[u8]) -> String {
    String::from_utf8_lossy(word).replace(['\r', '\n'], " ")
}
