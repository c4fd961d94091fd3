//! DEBUG: aids for tests. Refused unless `enable-debug-command` allows them.

use std::time::Duration;

use kvark_base::Millis;
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::EntryRef;
use kvark_values::codec;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::context::Context;
use crate::help;
use crate::object::{encoding_of, idle_seconds};
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("debug.rs");

fn allow(ctx: &Context) -> Result<(), Fault> {
    let allowed = match ctx.world.settings.get("enable-debug-command").as_str() {
        "yes" => true,
        "local" => is_local(&ctx.session.peer.address),
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    Err(Fault::new(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    ))
}

/// Whether a peer is in this process, on a unix socket, or on the loopback.
fn is_local(address: &str) -> bool {
    address.is_empty() || address.starts_with('/') || address.starts_with("127.") || address.starts_with("[::1]")
}

/// `DEBUG subcommand [argument ...]`
///
/// Aids for tests. DEBUG HELP lists the sub-commands.
///
/// ```resp
/// > DEBUG
/// (error) ERR wrong number of arguments for 'debug' command
/// ```
pub fn debug(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `DEBUG HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > DEBUG HELP
/// ...DEBUG <subcommand> ...
/// ```
pub fn help(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    help::answer("DEBUG", out)
}

/// `DEBUG SLEEP seconds`
///
/// Answers after so many seconds, decimals allowed. All clients of this event loop wait, as if a command took so long.
///
/// ```resp
/// > DEBUG SLEEP 0.001
/// OK
/// ```
pub fn sleep(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    let seconds: Option<f64> = std::str::from_utf8(req.arg(2)).ok().and_then(|text| text.parse().ok());
    let seconds = seconds.filter(|seconds| seconds.is_finite()).ok_or_else(Fault::not_a_float)?;
    let time = Duration::try_from_secs_f64(seconds.max(0.0)).map_err(|_| Fault::not_a_float())?;
    ctx.world.clock.sleep(time);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `DEBUG ERROR message`
///
/// Answers this error, so that a client library can be tested with it.
///
/// ```resp
/// > DEBUG ERROR "LOADING not yet"
/// (error) LOADING not yet
/// ```
pub fn error(ctx: &mut Context, req: &Request, _out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    Err(Fault::new(String::from_utf8_lossy(req.arg(2)).replace(['\r', '\n'], " ")))
}

/// `DEBUG OBJECT key`
///
/// How the value at a key is kept, in the words of Redis as far as they apply.
///
/// ```resp
/// > SET a hello
/// OK
/// > DEBUG OBJECT a
/// Value at:... refcount:1 encoding:embstr serializedlength:5 lru:... lru_seconds_idle:0 version:...
/// > SADD b 1 2 3
/// (integer) 3
/// > DEBUG OBJECT b
/// Value at:... refcount:1 encoding:intset serializedlength:8 lru:... lru_seconds_idle:0 version:...
/// > DEBUG OBJECT nobody
/// (error) ERR no such key
/// ```
pub fn object(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    let key = req.arg(2);
    let now_ms = ctx.now_ms;
    let (told, seen) = ctx.keys.read(ctx.session.db, [key].into_iter(), now_ms, |view| {
        (view.peek(key).map(|entry| tell_object(&entry, now_ms)), view.seen())
    });
    ctx.position = ctx.position.max(seen);
    out.status(&told.ok_or_else(|| Fault::new("ERR no such key"))?);
    Ok(Outcome::Done)
}

fn tell_object(entry: &EntryRef<'_>, now_ms: Millis) -> String {
    let mut scratch = codec::Scratch::default();
    let (_, payload) = codec::encode(entry.value(), &mut scratch);
    format!(
        "Value at:{:#x} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{} version:{}",
        entry.key().as_ptr().addr(),
        encoding_of(entry.value()),
        payload.len(),
        entry.accessed(),
        idle_seconds(entry, now_ms),
        entry.version(),
    )
}

/// `DEBUG RELOAD`
///
/// Closes the store and recovers everything from disk, as a restart would.
///
/// ```resp
/// > SET a 1
/// OK
/// > DEBUG RELOAD
/// OK
/// > GET a
/// "1"
/// ```
pub fn reload(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    ctx.upkeep.reload()?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST`
///
/// A digest of everything a client can see: databases, keys, values, deadlines. An empty store has zeros.
///
/// ```resp
/// > DEBUG DIGEST
/// 00000000000000000000000000000000
/// ```
pub fn digest(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    ctx.depends_on_all();
    let [high, low] = ctx.keys.digest(ctx.now_ms);
    out.status(&format!("{high:016x}{low:016x}"));
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST-VALUE key [key ...]`
///
/// A digest of the value at each key and of whether it expires, whatever the key is called and whatever form the value has; zeros
/// for a missing one.
///
/// ```resp
/// > MSET a 1 b 1
/// OK
/// > SADD c 1
/// (integer) 1
/// > DEBUG DIGEST-VALUE nobody
/// 1) 0000000000000000
/// ```
pub fn digest_value(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    let (db, now_ms) = (ctx.session.db, ctx.now_ms);
    out.array(req.len() - 2);
    let seen = ctx.keys.read(db, req.args_from(2), now_ms, |view| {
        for key in req.args_from(2) {
            out.status(&format!("{:016x}", view.peek(key).map_or(0, |entry| digest_of_value(&entry))));
        }
        view.seen()
    });
    ctx.position = ctx.position.max(seen);
    Ok(Outcome::Done)
}

fn digest_of_value(entry: &EntryRef<'_>) -> u64 {
    let (value, mut sum) = (entry.value(), 0u64);
    let seed = (value.of_type() as u64) << 1 | u64::from(entry.expires_at() != 0);
    value.each_for_digest(&mut |member| sum = sum.wrapping_add(xxh3_64_with_seed(member, seed)));
    sum
}

/// `DEBUG SET-ACTIVE-EXPIRE 0 | 1`
///
/// Whether keys are removed when their time comes. They are invisible from then on in any case.
///
/// ```resp
/// > DEBUG SET-ACTIVE-EXPIRE 0
/// OK
/// > DEBUG SET-ACTIVE-EXPIRE 1
/// OK
/// ```
pub fn set_active_expire(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    allow(ctx)?;
    ctx.upkeep.set_active_expire(crate::args::integer_between(req.arg(2), 0, 1)? == 1);
    out.status("OK");
    Ok(Outcome::Done)
}
