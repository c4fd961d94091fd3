//! Who is there, and how we speak.

use std::sync::atomic::Ordering;

use kvark_call::{Fault, Outcome, ReplySink, Request, Version};

use crate::args;
use crate::client::check_name;
use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("connection.rs");

/// The release of Redis whose commands, options and texts these are; what clients ask for to know what they may send.
pub const COMPATIBLE_VERSION: &str = "8.4.0";

/// `PING [message]`
///
/// PONG, or the message.
///
/// ```resp
/// > PING
/// PONG
/// > PING "are you there?"
/// "are you there?"
/// ```
pub fn ping(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match req.len() {
        1 | 2 if ctx.session.is_confined() => {
            out.array(2);
            out.bulk(b"pong");
            out.bulk(req.get(1).unwrap_or_default());
        }
        1 => out.status("PONG"),
        2 => out.bulk(req.arg(1)),
        _ => return Err(Fault::arity("ping")),
    }
    Ok(Outcome::Done)
}

/// `ECHO message`
///
/// The message.
///
/// ```resp
/// > ECHO hello
/// "hello"
/// ```
pub fn echo(_ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.bulk(req.arg(1));
    Ok(Outcome::Done)
}

/// `QUIT`
///
/// OK, and the connection is closed.
///
/// ```resp
/// > QUIT
/// OK
/// ```
pub fn quit(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.status("OK");
    Ok(Outcome::Close)
}

/// `RESET`
///
/// The connection is as it was when it was opened: database 0, RESP2, no name, listening to nothing, and without password
/// if one is set.
///
/// ```resp
/// > SELECT 3
/// OK
/// > RESET
/// RESET
/// ```
pub fn reset(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let authenticated = password(ctx).is_empty();
    ctx.world.channels.leave(ctx.session);
    ctx.world.monitors.leave(ctx.session);
    ctx.world.tracking.end(ctx.session);
    ctx.session.reset(authenticated);
    ctx.session.peer.db.store(0, Ordering::Relaxed);
    speak(ctx, Version::Resp2, out);
    out.status("RESET");
    Ok(Outcome::Done)
}

/// `AUTH [username] password`
///
/// Shows the password. The only user is called `default`.
///
/// ```resp
/// > AUTH guess
/// (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
/// ```
pub fn auth(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    match req.len() {
        2 if password(ctx).is_empty() => {
            return Err(Fault::new(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
            ));
        }
        2 => log_in(ctx, b"default", req.arg(1))?,
        3 => log_in(ctx, req.arg(1), req.arg(2))?,
        _ => return Err(Fault::syntax()),
    }
    out.status("OK");
    Ok(Outcome::Done)
}

fn password(ctx: &Context) -> String {
    ctx.world.settings.get("requirepass")
}

fn log_in(ctx: &mut Context, user: &[u8], given: &[u8]) -> Result<(), Fault> {
    let wanted = password(ctx);
    if user != b"default" || !(wanted.is_empty() || is_same(wanted.as_bytes(), given)) {
        return Err(Fault::new("WRONGPASS invalid username-password pair or user is disabled."));
    }
    ctx.session.authenticated = true;
    Ok(())
}

/// Compares in a time that does not tell how much of a guess was right.
fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    let differences = wanted.iter().zip(given).fold(0, |differences, (a, b)| differences | (a ^ b));
    std::hint::black_box(differences) == 0 && wanted.len() == given.len()
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
///
/// Says which protocol to speak, 2 or 3, and answers who the server is.
///
/// ```resp
/// > HELLO 2
///  1) "server"
///  2) "redis"
///  3) "version"
///  4) "8.4.0"
///  5) "proto"
///  6) (integer) 2
///  7) "id"
///  8) (integer) ...
///  9) "mode"
/// 10) "standalone"
/// 11) "role"
/// 12) "master"
/// 13) "modules"
/// 14) (empty array)
/// > HELLO 4
/// (error) NOPROTO unsupported protocol version
/// ```
pub fn hello(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let version = req.get(1).map(parse_version).transpose()?;
    let words = HelloWords::parse(req)?;
    if let Some((user, password)) = words.auth {
        log_in(ctx, user, password)?;
    }
    if !ctx.session.authenticated {
        return Err(Fault::new(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = words.name {
        ctx.session.peer.text.lock().name = name;
    }
    if let Some(version) = version {
        speak(ctx, version, out);
    }
    answer_hello(ctx, out);
    Ok(Outcome::Done)
}

fn parse_version(text: &[u8]) -> Result<Version, Fault> {
    match args::integer_or(text, "ERR Protocol version is not an integer or out of range")? {
        2 => Ok(Version::Resp2),
        3 => Ok(Version::Resp3),
        _ => Err(Fault::new("NOPROTO unsupported protocol version")),
    }
}

#[derive(Default)]
struct HelloWords<'a> {
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<String>,
}

impl<'a> HelloWords<'a> {
    fn parse(req: &Request<'a>) -> Result<Self, Fault> {
        let (mut words, mut at) = (Self::default(), 2);
        while at < req.len() {
            if req.is(at, "AUTH") && at + 2 < req.len() {
                words.auth = Some((req.arg(at + 1), req.arg(at + 2)));
                at += 3;
            } else if req.is(at, "SETNAME") && at + 1 < req.len() {
                words.name = Some(check_name(req.arg(at + 1))?);
                at += 2;
            } else {
                let option = crate::dispatch::one_line(req.arg(at));
                return Err(Fault::new(format!("ERR Syntax error in HELLO option '{option}'")));
            }
        }
        Ok(words)
    }
}

fn speak(ctx: &mut Context, version: Version, out: &mut dyn ReplySink) {
    ctx.session.version = version;
    ctx.session.peer.version.store(version as u8, Ordering::Relaxed);
    out.speak(version);
}

fn answer_hello(ctx: &Context, out: &mut dyn ReplySink) {
    out.map(7);
    for (name, value) in [("server", "redis"), ("version", COMPATIBLE_VERSION)] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"proto");
    out.integer(ctx.session.version as i64);
    out.bulk(b"id");
    out.integer(ctx.session.peer.id as i64);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"modules");
    out.array(0);
}
