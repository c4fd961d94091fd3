//! LATENCY: what took long, and how long commands take. [`report`] puts it into words and pictures.

pub mod report;

use kvark_base::histogram::Histogram;
use kvark_call::latency::Event;
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::context::Context;
use crate::help;
use crate::row::{Answer, Row};

pub(crate) const SOURCE: &str = include_str!("latency.rs");

/// `LATENCY subcommand [argument ...]`
///
/// What took long. LATENCY HELP lists the sub-commands.
///
/// ```resp
/// > LATENCY
/// (error) ERR wrong number of arguments for 'latency' command
/// ```
pub fn latency(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    help(ctx, req, out)
}

/// `LATENCY HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > LATENCY HELP
/// ...LATENCY <subcommand> ...
/// ```
pub fn help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("LATENCY", out)
}

/// `LATENCY LATEST`
///
/// Of each kind of event that took at least `latency-monitor-threshold`: its name, when it was last seen, how many milliseconds it
/// took then, and the most it ever took.
///
/// ```resp
/// > LATENCY LATEST
/// (empty array)
/// ```
pub fn latest(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let events = ctx.world.latency.events();
    out.array(events.len());
    for (kind, event) in events {
        let latest = event.samples.back();
        out.array(4);
        out.bulk(kind.as_bytes());
        out.integer(latest.map_or(0, |sample| sample.at_seconds as i64));
        out.integer(latest.map_or(0, |sample| sample.took_ms as i64));
        out.integer(event.longest_ms as i64);
    }
    Ok(Outcome::Done)
}

/// `LATENCY HISTORY event`
///
/// The latest events of a kind: in which second, and how many milliseconds the longest of that second took.
///
/// ```resp
/// > LATENCY HISTORY command
/// (empty array)
/// ```
pub fn history(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let samples = event_of(ctx, req.arg(2)).unwrap_or_default().samples;
    out.array(samples.len());
    for sample in samples {
        out.array(2);
        out.integer(sample.at_seconds as i64);
        out.integer(sample.took_ms as i64);
    }
    Ok(Outcome::Done)
}

fn event_of(ctx: &Context, name: &[u8]) -> Option<Event> {
    let found = |(kind, _): &(&str, Event)| kind.as_bytes().eq_ignore_ascii_case(name);
    ctx.world.latency.events().into_iter().find(found).map(|(_, event)| event)
}

/// `LATENCY RESET [event [event ...]]`
///
/// Forgets events of these kinds, or all; how many kinds that were.
///
/// ```resp
/// > LATENCY RESET
/// (integer) 0
/// ```
pub fn reset(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let named = |kind: &str| req.args_from(2).any(|name| name.eq_ignore_ascii_case(kind.as_bytes()));
    out.integer(ctx.world.latency.reset(|kind| req.len() == 2 || named(kind)) as i64);
    Ok(Outcome::Done)
}

/// `LATENCY GRAPH event`
///
/// The latest events of a kind as a picture.
///
/// ```resp
/// > LATENCY GRAPH command
/// (error) ERR No samples available for event 'command'
/// ```
pub fn graph(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let name = crate::dispatch::one_line(req.arg(2));
    let event = event_of(ctx, req.arg(2)).filter(|event| !event.samples.is_empty());
    let event = event.ok_or_else(|| Fault::new(format!("ERR No samples available for event '{name}'")))?;
    out.verbatim("txt", report::graph(&name, &event, ctx.now_ms / 1000).as_bytes());
    Ok(Outcome::Done)
}

/// `LATENCY DOCTOR`
///
/// What was seen, in words, and what may be done about it.
///
/// ```resp
/// > LATENCY DOCTOR
/// "Nothing is watched: ..."
/// ```
pub fn doctor(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let text = report::doctor(&ctx.world.latency.events(), &ctx.world.settings);
    out.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `LATENCY HISTOGRAM [command [command ...]]`
///
/// Of each command that ran, or of these and their sub-commands: how often, and how many of them took at most 1, 2, 4, ... microseconds.
///
/// ```resp
/// > LATENCY HISTOGRAM nosuch
/// (empty array)
/// ```
pub fn histogram(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let times = ctx.upkeep.times();
    let family = |row: &Row| row.name.split('|').next().unwrap_or_default();
    let is_named = |row: &Row, name: &[u8]| [row.name, family(row)].iter().any(|known| is(known, name));
    let is_wanted = |row: &Row| req.len() == 2 || req.args_from(2).any(|name| is_named(row, name));
    let wanted: Vec<_> = times.into_iter().filter(|(row, _)| is_wanted(row)).collect();
    let tick_ns = ctx.world.clock.tick_ns();
    out.map(wanted.len());
    for (row, histogram) in wanted {
        out.bulk(row.name.to_ascii_lowercase().as_bytes());
        tell(&histogram, tick_ns, out);
    }
    Ok(Outcome::Done)
}

fn is(known: &str, name: &[u8]) -> bool {
    known.as_bytes().eq_ignore_ascii_case(name)
}

/// How many calls, and how many of them took at most so many microseconds, where that number grows.
fn tell(histogram: &Histogram, tick_ns: f64, out: &mut dyn ReplySink) {
    let mut steps: Vec<(i64, i64)> = Vec::new();
    let (mut bound_ns, mut seen) = (1024.0, 0);
    for (longest, count) in histogram.counts() {
        while longest as f64 * tick_ns > bound_ns {
            bound_ns *= 2.0;
        }
        seen += count as i64;
        let bound_us = (bound_ns / 1000.0) as i64;
        match steps.last_mut().filter(|(last, _)| *last == bound_us) {
            Some(step) => step.1 = seen,
            None => steps.push((bound_us, seen)),
        }
    }
    out.map(2);
    out.bulk(b"calls");
    out.integer(seen);
    out.bulk(b"histogram_usec");
    out.map(steps.len());
    for (bound_us, seen) in steps {
        out.integer(bound_us);
        out.integer(seen);
    }
}
