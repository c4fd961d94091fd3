//! CONFIG: settings read and changed while the server runs.

use std::collections::BTreeMap;

use kvark_base::glob;
use kvark_call::setting::{self, Kind, Setting, TABLE};
use kvark_call::{Fault, Outcome, ReplySink, Request, World};
use kvark_keyspace::{Classes, Notices};
use kvark_values::Forms;

use crate::context::Context;
use crate::dispatch::one_line;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("config.rs");

/// A setting of Redis that can't be changed here, with what it would say.
struct Equivalent {
    name: &'static str,
    value: fn(&Context) -> &'static str,
}

/// What clients and benchmarks ask for, answered by what is the case.
const EQUIVALENTS: [Equivalent; 7] = [
    Equivalent { name: "appendfsync", value: appendfsync },
    Equivalent { name: "appendonly", value: |ctx| if ctx.upkeep.is_durable() { "yes" } else { "no" } },
    Equivalent { name: "cluster-enabled", value: |_| "no" },
    Equivalent { name: "maxmemory", value: |_| "0" },
    Equivalent { name: "maxmemory-policy", value: |_| "noeviction" },
    Equivalent { name: "replica-read-only", value: |_| "yes" },
    Equivalent { name: "save", value: |_| "" },
];

fn appendfsync(ctx: &Context) -> &'static str {
    match ctx.world.settings.get("durability").as_str() {
        "disk" => "always",
        "os" => "everysec",
        _ => "no",
    }
}

/// `CONFIG subcommand [argument ...]`
///
/// Settings. CONFIG HELP lists the sub-commands.
///
/// ```resp
/// > CONFIG
/// (error) ERR wrong number of arguments for 'config' command
/// ```
pub fn config(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `CONFIG HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > CONFIG HELP
/// ...CONFIG <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("CONFIG", out)
}

/// `CONFIG GET pattern [pattern ...]`
///
/// The settings whose names match, with their values.
///
/// ```resp
/// > CONFIG GET maxmemory*
/// 1) "maxmemory"
/// 2) "0"
/// 3) "maxmemory-policy"
/// 4) "noeviction"
/// ```
pub fn get(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mut found = BTreeMap::new();
    for pattern in req.args_from(2) {
        let takes = |name: &str| glob::matches(pattern, name.as_bytes(), true);
        let names = TABLE.iter().flat_map(Setting::names).filter(|name| takes(name));
        found.extend(names.map(|name| (name, ctx.world.settings.get(name))));
        let equivalents = EQUIVALENTS.iter().filter(|one| takes(one.name));
        found.extend(equivalents.map(|one| (one.name, (one.value)(ctx).to_owned())));
    }
    out.map(found.len());
    for (name, value) in &found {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    Ok(Outcome::Done)
}

/// `CONFIG SET parameter value [parameter value ...]`
///
/// Changes settings, all of them or, if one is refused, none.
///
/// ```resp
/// > CONFIG SET timeout 60 tcp-keepalive 30
/// OK
/// > CONFIG SET timeout 0 tcp-keepalive often
/// (error) ERR CONFIG SET failed (possibly related to argument 'tcp-keepalive') - argument couldn't be parsed into an integer
/// > CONFIG GET timeout
/// 1) "timeout"
/// 2) "60"
/// > CONFIG SET timeout 0 tcp-keepalive 300
/// OK
/// ```
pub fn set(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if !req.len().is_multiple_of(2) {
        return Err(Fault::syntax());
    }
    for (name, value) in checked(ctx, req)? {
        ctx.world.settings.set(name, &value).map_err(|reason| failed(name, &reason))?;
    }
    adopt(ctx.world, ctx.keys.forms(), ctx.keys.notices());
    ctx.world.bound_tracking();
    out.status("OK");
    Ok(Outcome::Done)
}

/// Makes the thresholds of packed forms, what is told of keys, and how many are tracked, what the settings say, whoever else changes settings meanwhile.
pub fn adopt(world: &World, forms: &Forms, notices: &Notices) {
    let settings = &world.settings;
    loop {
        let generation = settings.generation();
        forms.named().for_each(|(name, threshold)| threshold.set(settings.number(name)));
        world.tracking.set_most_keys(settings.number("tracking-table-max-keys") as usize);
        let events = settings.get("notify-keyspace-events");
        notices.want(Classes::parse(&events).expect("the letters passed their check"));
        if settings.generation() == generation {
            return;
        }
    }
}

/// All pairs, each of them fit to be set.
fn checked(ctx: &Context, req: &Request) -> Result<Vec<(&'static str, String)>, Fault> {
    let pairs = || (2..req.len()).step_by(2).map(|at| (String::from_utf8_lossy(req.arg(at)), req.arg(at + 1)));
    if let Some((name, _)) = pairs().find(|(name, _)| setting::find(name).is_none() && equivalent(name).is_none()) {
        let name = one_line(name.as_bytes());
        let message = format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
        return Err(Fault::new(message));
    }
    let mut checked: Vec<(&'static str, String)> = Vec::new();
    for (name, value) in pairs() {
        if let Some(pair) = check_one(ctx, &name, value)? {
            if checked.iter().any(|(other, _)| *other == pair.0) {
                return Err(failed(&name, "duplicate parameter"));
            }
            checked.push(pair);
        }
    }
    Ok(checked)
}

fn equivalent(name: &str) -> Option<&'static Equivalent> {
    EQUIVALENTS.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}

/// The value as it will be kept; `None` where a setting that can't be changed already has it.
fn check_one(ctx: &Context, name: &str, value: &[u8]) -> Result<Option<(&'static str, String)>, Fault> {
    let immutable = || failed(name, "can't set immutable config");
    let Some(index) = setting::find(name) else {
        let same = equivalent(name).is_some_and(|one| (one.value)(ctx).as_bytes().eq_ignore_ascii_case(value));
        return if same { Ok(None) } else { Err(immutable()) };
    };
    let row = &TABLE[index];
    let value = std::str::from_utf8(value).map_err(|_| failed(name, "the value is not UTF-8"))?;
    let normal = setting::normalize(row, value);
    let value = normal.map_err(|reason| if row.mutable { failed(name, &reason) } else { immutable() })?;
    if !row.mutable {
        return if value == ctx.world.settings.get(row.name) { Ok(None) } else { Err(immutable()) };
    }
    let value = match row.kind {
        Kind::OutputLimits => merge_limits(&ctx.world.settings.get(row.name), &value),
        _ => value,
    };
    Ok(Some((row.name, value)))
}

fn failed(name: &str, reason: &str) -> Fault {
    let (name, reason) = (one_line(name.as_bytes()), one_line(reason.as_bytes()));
    Fault::new(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
}

/// The limits of all classes: those in `new`, and those in `old` that `new` does not speak of.
fn merge_limits(old: &str, new: &str) -> String {
    let rows = |text: &str| -> Vec<(String, String)> {
        let words: Vec<&str> = text.split(' ').collect();
        words.chunks_exact(4).map(|row| (row[0].to_owned(), row.join(" "))).collect()
    };
    let mut merged = rows(old);
    for (class, row) in rows(new) {
        match merged.iter_mut().find(|(known, _)| *known == class) {
            Some(place) => place.1 = row,
            None => merged.push((class, row)),
        }
    }
    merged.into_iter().map(|(_, row)| row).collect::<Vec<_>>().join(" ")
}

/// `CONFIG RESETSTAT`
///
/// Sets the counters of INFO back to zero.
///
/// ```resp
/// > CONFIG RESETSTAT
/// OK
/// ```
pub fn resetstat(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.keys.reset_counts();
    ctx.world.sessions.accepted.store(0, std::sync::atomic::Ordering::Relaxed);
    ctx.world.sessions.rejected.store(0, std::sync::atomic::Ordering::Relaxed);
    ctx.world.reset_facts();
    out.status("OK");
    Ok(Outcome::Done)
}

/// `CONFIG REWRITE`
///
/// Writes the settings to the file they were read from.
///
/// ```resp,shown
/// > CONFIG REWRITE
/// (error) ERR The server is running without a config file
/// ```
pub fn rewrite(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    match ctx.upkeep.rewrite_config() {
        None => return Err(Fault::new("ERR The server is running without a config file")),
        Some(Ok(())) => out.status("OK"),
        Some(Err(error)) => {
            return Err(Fault::new(format!("ERR Rewriting config file: {}", one_line(error.message().as_bytes()))));
        }
    }
    Ok(Outcome::Done)
}
