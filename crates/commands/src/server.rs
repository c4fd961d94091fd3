//! The server about itself.

use std::sync::atomic::Ordering;

use kvark_call::{FactSheet, Outcome, ReplySink, Request};

use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("server.rs");

/// Sections of INFO in the order in which they are told; others follow. The last two only when asked for.
const SECTIONS: [&str; 12] = [
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "replication",
    "cpu",
    "modules",
    "errorstats",
    "cluster",
    "keyspace",
    "commandstats",
];
const EXTRA: [&str; 2] = ["commandstats", "latencystats"];

/// `INFO [section [section ...]]`
///
/// What everybody tells of themselves, by sections: those named, the usual ones (`default`), or all (`all`, `everything`).
///
/// ```resp
/// > INFO replication
/// "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n..."
/// > INFO nosuch
/// ""
/// ```
pub fn info(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mut sheet = ctx.facts();
    tell_own(ctx, &mut sheet);
    let mut sections: Vec<_> = sheet.sections().filter(|(name, _)| is_wanted(name, req)).collect();
    sections.sort_by_key(|(name, _)| SECTIONS.iter().position(|known| known == name).unwrap_or(SECTIONS.len()));
    let mut text = String::new();
    for (name, lines) in sections {
        if !text.is_empty() {
            text += "\r\n";
        }
        text += &format!("# {}\r\n", title(name));
        lines.iter().for_each(|(name, value)| text += &format!("{name}:{value}\r\n"));
    }
    out.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn is_wanted(section: &str, req: &Request) -> bool {
    let usual = !EXTRA.contains(&section);
    let by = |word: &[u8]| match word.to_ascii_lowercase().as_slice() {
        b"all" | b"everything" => true,
        b"default" => usual,
        word => word == section.as_bytes(),
    };
    if req.len() == 1 { usual } else { req.args_from(1).any(by) }
}

fn title(section: &str) -> String {
    match section {
        "cpu" => "CPU".to_owned(),
        _ => section[..1].to_ascii_uppercase() + &section[1..],
    }
}

/// Adds what can be told from here, unless somebody who knows better has told it.
fn tell_own(ctx: &Context, sheet: &mut FactSheet) {
    let sessions = &ctx.world.sessions;
    let (watched, watching) = sessions.watched();
    let own: [(&'static str, &str, String); 15] = [
        ("clients", "connected_clients", sessions.len().to_string()),
        ("clients", "maxclients", ctx.world.settings.get("maxclients")),
        ("clients", "cluster_connections", "0".to_owned()),
        ("clients", "watching_clients", watching.to_string()),
        ("clients", "total_watched_keys", watched.to_string()),
        ("stats", "total_connections_received", sessions.accepted.load(Ordering::Relaxed).to_string()),
        ("stats", "rejected_connections", sessions.rejected.load(Ordering::Relaxed).to_string()),
        ("replication", "role", "master".to_owned()),
        ("replication", "connected_slaves", "0".to_owned()),
        ("replication", "master_failover_state", "no-failover".to_owned()),
        ("replication", "master_replid", ctx.world.run_id.clone()),
        ("replication", "second_repl_offset", "-1".to_owned()),
        ("replication", "repl_backlog_active", "0".to_owned()),
        ("replication", "master_repl_offset", ctx.keys.last_position().to_string()),
        ("cluster", "cluster_enabled", "0".to_owned()),
    ];
    for (section, name, value) in own {
        let told = sheet.section(section).is_some_and(|lines| lines.iter().any(|(known, _)| known == name));
        if !told {
            sheet.tell(section, name, value);
        }
    }
}

/// `TIME`
///
/// The server's clock: seconds since the Unix epoch, and microseconds of the current one.
///
/// ```resp
/// > TIME
/// 1) "..."
/// 2) "..."
/// ```
pub fn time(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let now_us = ctx.world.clock.now_us();
    out.array(2);
    out.bulk_integer((now_us / 1_000_000) as i64);
    out.bulk_integer((now_us % 1_000_000) as i64);
    Ok(Outcome::Done)
}

/// `LOLWUT [VERSION version]`
///
/// Some tracks of particles, never the same twice, and the version.
///
/// ```resp
/// > LOLWUT
/// "...Kvark ver. ..."
/// ```
pub fn lolwut(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if req.len() == 3 && req.is(1, "VERSION") {
        crate::args::integer(req.arg(2))?;
    }
    let text = format!("{}\nKvark ver. {}\n", tracks(ctx), env!("CARGO_PKG_VERSION"));
    out.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// A bubble chamber: particles come from the middle and turn, each its own way, in 128 steps.
fn tracks(ctx: &mut Context) -> String {
    const WIDTH: usize = 64;
    const HEIGHT: usize = 24;
    let mut picture = vec![vec![b' '; WIDTH]; HEIGHT];
    for trace in [b'.', b'o', b'\'', b'*', b'.', b'+'] {
        let mut unit = || ctx.random.below(1000) as f64 / 1000.0;
        let (mut angle, turn, speed) = (unit() * std::f64::consts::TAU, unit() * 0.3 - 0.15, 0.4 + unit() * 0.4);
        let (mut x, mut y) = (WIDTH as f64 / 2.0, HEIGHT as f64 / 2.0);
        for step in 0..128 {
            // Energy is lost on the way: the circle gets smaller.
            angle += turn * (1.0 + f64::from(step) / 64.0);
            x += 2.0 * speed * angle.cos();
            y += speed * angle.sin();
            let inside = (0.0..WIDTH as f64).contains(&x) && (0.0..HEIGHT as f64).contains(&y);
            if inside {
                picture[y as usize][x as usize] = trace;
            }
        }
    }
    let lines = picture.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
