//! CLIENT LIST, INFO, KILL and UNBLOCK: connections described, chosen, closed, called.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use kvark_base::Millis;
use kvark_call::ticket::End;
use kvark_call::{Fault, Outcome, Peer, ReplySink, Request, Topic};

use super::tracking::redirection;
use crate::args;
use crate::context::Context;
use crate::dispatch::one_line;
use crate::row::Answer;
use crate::table::ROWS;

pub(crate) const SOURCE: &str = include_str!("peers.rs");

/// Which connections are meant.
struct Choice<'a> {
    tests: Vec<(bool, Test<'a>)>,
    skip_me: bool,
}

/// What is asked of one connection.
enum Test<'a> {
    Ids(Vec<u64>),
    Kind(Kind),
    User(&'a [u8]),
    Address(&'a [u8]),
    LocalAddress(&'a [u8]),
    Ip(&'a [u8]),
    Name(&'a [u8]),
    LibName(&'a [u8]),
    LibVersion(&'a [u8]),
    Db(u32),
    MinAgeSeconds(u64),
    MinIdleSeconds(u64),
}

/// What `TYPE` tells apart. There are no replicas, and no primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Replication,
    Pubsub,
}

impl Kind {
    fn of(peer: &Peer) -> Self {
        if peer.is_listening() { Self::Pubsub } else { Self::Normal }
    }
}

impl Test<'_> {
    fn holds(&self, peer: &Peer, now_ms: Millis) -> bool {
        let text = peer.text.lock();
        match self {
            Self::Ids(ids) => ids.contains(&peer.id),
            Self::Kind(kind) => *kind == Kind::of(peer),
            Self::User(user) => text.user.as_bytes() == *user,
            Self::Address(address) => peer.address.as_bytes() == *address,
            Self::LocalAddress(address) => peer.local_address.as_bytes() == *address,
            Self::Ip(ip) => ip_of(&peer.address).as_bytes() == *ip,
            Self::Name(name) => text.name.as_bytes() == *name,
            Self::LibName(name) => text.lib_name.as_bytes() == *name,
            Self::LibVersion(version) => text.lib_version.as_bytes() == *version,
            Self::Db(db) => peer.db.load(Relaxed) == *db,
            Self::MinAgeSeconds(age) => now_ms.saturating_sub(peer.created_ms) / 1000 >= *age,
            Self::MinIdleSeconds(idle) => now_ms.saturating_sub(peer.active_ms.load(Relaxed)) / 1000 >= *idle,
        }
    }
}

fn ip_of(address: &str) -> &str {
    let ip = address.rsplit_once(':').map_or(address, |(ip, _)| ip);
    ip.trim_start_matches('[').trim_end_matches(']')
}

impl<'a> Choice<'a> {
    fn parse(req: &Request<'a>, first: usize, skip_me: bool) -> Result<Self, Fault> {
        let mut choice = Self { tests: Vec::new(), skip_me };
        let mut at = first;
        while at < req.len() {
            let word = req.arg(at).to_ascii_uppercase();
            let Some(value) = req.get(at + 1) else { return Err(Fault::syntax()) };
            at += 2;
            if word == b"SKIPME" {
                choice.skip_me = yes_or_no(value)?;
                continue;
            }
            let (negated, word) = word.strip_prefix(b"NOT-").map_or((false, word.as_slice()), |rest| (true, rest));
            let test = if word == b"ID" {
                let ids = parse_ids(req, at - 1)?;
                at += ids.len() - 1;
                Test::Ids(ids)
            } else {
                parse_test(word, value)?
            };
            choice.tests.push((negated, test));
        }
        Ok(choice)
    }

    fn takes(&self, peer: &Peer, me: u64, now_ms: Millis) -> bool {
        !(self.skip_me && peer.id == me)
            && self.tests.iter().all(|(negated, test)| test.holds(peer, now_ms) != *negated)
    }
}

fn parse_test<'a>(word: &[u8], value: &'a [u8]) -> Result<Test<'a>, Fault> {
    Ok(match word {
        b"TYPE" => Test::Kind(parse_type(value)?),
        b"USER" if value == b"default" => Test::User(value),
        b"USER" => return Err(Fault::new(format!("ERR No such user '{}'", one_line(value)))),
        b"ADDR" => Test::Address(value),
        b"LADDR" => Test::LocalAddress(value),
        b"IP" => Test::Ip(value),
        b"NAME" => Test::Name(value),
        b"LIB-NAME" => Test::LibName(value),
        b"LIB-VER" => Test::LibVersion(value),
        b"DB" => Test::Db(args::database(value)?),
        b"MAXAGE" => Test::MinAgeSeconds(seconds(value, "maxage")?),
        b"IDLE" => Test::MinIdleSeconds(seconds(value, "idle")?),
        _ => return Err(Fault::syntax()),
    })
}

fn seconds(value: &[u8], name: &str) -> Result<u64, Fault> {
    let seconds =
        args::integer(value).map_err(|_| Fault::new(format!("ERR {name} is not an integer or out of range")))?;
    u64::try_from(seconds)
        .ok()
        .filter(|&seconds| seconds > 0)
        .ok_or_else(|| Fault::new(format!("ERR {name} should be greater than 0")))
}

/// The numbers from argument `first` on; at least one.
fn parse_ids(req: &Request, first: usize) -> Result<Vec<u64>, Fault> {
    let wrong = "ERR client-id should be greater than 0";
    let positive = |arg: &[u8]| args::integer(arg).ok().and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0);
    let mut ids = vec![positive(req.arg(first)).ok_or_else(|| Fault::new(wrong))?];
    ids.extend(req.args_from(first + 1).map_while(positive));
    Ok(ids)
}

fn parse_type(name: &[u8]) -> Result<Kind, Fault> {
    match name.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(Kind::Normal),
        b"master" | b"primary" | b"slave" | b"replica" => Ok(Kind::Replication),
        b"pubsub" => Ok(Kind::Pubsub),
        _ => Err(Fault::new(format!("ERR Unknown client type '{}'", one_line(name)))),
    }
}

fn yes_or_no(word: &[u8]) -> Result<bool, Fault> {
    match word.to_ascii_lowercase().as_slice() {
        b"yes" => Ok(true),
        b"no" => Ok(false),
        _ => Err(Fault::syntax()),
    }
}

/// One line of CLIENT LIST.
fn describe(peer: &Peer, now_ms: Millis, line: &mut String) {
    let text = peer.text.lock();
    let since = |then_ms: Millis| now_ms.saturating_sub(then_ms) / 1000;
    let command = ROWS.get(peer.last_command.load(Relaxed) as usize).map(|row| row.name.to_ascii_lowercase());
    let (query, output) = (peer.query_bytes.load(Relaxed), peer.output_bytes.load(Relaxed));
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} watch={} \
         qbuf={query} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={output} oll=0 omem={output} tot-mem={} \
         events={} cmd={} user={} redir={} resp={} lib-name={} lib-ver={} tot-net-in={} tot-net-out={} tot-cmds={}",
        peer.id,
        peer.address,
        peer.local_address,
        peer.fd,
        text.name,
        since(peer.created_ms),
        since(peer.active_ms.load(Relaxed)),
        flags_of(peer),
        peer.db.load(Relaxed),
        peer.listening_to(Topic::Channel),
        peer.listening_to(Topic::Pattern),
        peer.listening_to(Topic::ShardChannel),
        peer.queued.load(Relaxed),
        peer.watches.load(Relaxed),
        size_of::<Peer>() as u64 + query + output,
        if output > 0 { "rw" } else { "r" },
        command.as_deref().unwrap_or("NULL"),
        text.user,
        redirection(peer.tracker.mode()),
        peer.version.load(Relaxed),
        text.lib_name,
        text.lib_version,
        peer.received_bytes.load(Relaxed),
        peer.sent_bytes.load(Relaxed),
        peer.commands.load(Relaxed),
    );
}

fn flags_of(peer: &Peer) -> String {
    let (tracks, mut flags) = (peer.tracker.mode(), String::new());
    for (flag, set) in [
        ('O', peer.monitoring.load(Relaxed)),
        ('t', tracks.is_some()),
        ('R', peer.tracker.is_broken()),
        ('B', tracks.is_some_and(|mode| mode.broadcast)),
        ('P', peer.is_listening()),
        ('A', peer.is_killed()),
        ('x', peer.queued.load(Relaxed) >= 0),
        ('b', peer.is_parked()),
        ('U', peer.address.starts_with('/') || peer.local_address.starts_with('/')),
        ('e', peer.no_evict.load(Relaxed)),
    ] {
        flags.extend(set.then_some(flag));
    }
    if flags.is_empty() { "N".to_owned() } else { flags }
}

/// `CLIENT INFO`
///
/// This connection, as a line of CLIENT LIST.
///
/// ```resp
/// > CLIENT INFO
/// "id=..."
/// ```
pub fn info(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let mut line = String::new();
    describe(&ctx.session.peer, ctx.now_ms, &mut line);
    out.verbatim("txt", line.as_bytes());
    Ok(Outcome::Done)
}

/// `CLIENT LIST [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]] [USER username] [ADDR address] [LADDR address] [IP ip] [NAME name] [LIB-NAME libname] [LIB-VER libver] [DB index] [MAXAGE seconds] [IDLE seconds] [SKIPME YES | NO]`
///
/// A line of `name=value` words for each connection, or for those of which all that is asked holds. `NOT-` before a word
/// asks for the opposite.
///
/// ```resp
/// > CLIENT LIST TYPE NORMAL SKIPME NO
/// "id=..."
/// > CLIENT LIST NAME nobody
/// ""
/// ```
pub fn list(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let choice = Choice::parse(req, 2, false)?;
    let (me, mut lines) = (ctx.session.peer.id, String::new());
    for peer in ctx.world.sessions.all() {
        if choice.takes(&peer, me, ctx.now_ms) {
            describe(&peer, ctx.now_ms, &mut lines);
        }
    }
    out.verbatim("txt", lines.as_bytes());
    Ok(Outcome::Done)
}

/// `CLIENT KILL address | [ID client-id [client-id ...]] [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [USER username] [ADDR address] [LADDR address] [IP ip] [NAME name] [LIB-NAME libname] [LIB-VER libver] [DB index] [MAXAGE seconds] [IDLE seconds] [SKIPME YES | NO]`
///
/// Closes connections: the one from an address, or all of which everything that is asked holds, this one excepted unless
/// SKIPME NO says otherwise. Answers OK in the first form and how many were closed in the second.
///
/// ```resp
/// > CLIENT KILL 192.0.2.1:1
/// (error) ERR No such client
/// > CLIENT KILL NAME nobody
/// (integer) 0
/// ```
pub fn kill(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let by_address = req.len() == 3;
    let choice = if by_address {
        Choice { tests: vec![(false, Test::Address(req.arg(2)))], skip_me: false }
    } else {
        Choice::parse(req, 2, true)?
    };
    let me = ctx.session.peer.id;
    let mut chosen = ctx.world.sessions.all();
    chosen.retain(|peer| choice.takes(peer, me, ctx.now_ms));
    if by_address && chosen.is_empty() {
        return Err(Fault::new("ERR No such client"));
    }
    chosen.iter().filter(|peer| peer.id != me).for_each(|peer| peer.kill());
    if by_address {
        out.status("OK");
    } else {
        out.integer(chosen.len() as i64);
    }
    let suicide = chosen.iter().any(|peer| peer.id == me);
    Ok(if suicide { Outcome::Close } else { Outcome::Done })
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
///
/// Ends the wait of another connection's command, as if its time was over or with an error. Answers 1, or 0 when it did not wait.
///
/// ```resp
/// > CLIENT UNBLOCK 12345 ERROR
/// (integer) 0
/// > CLIENT UNBLOCK 12345 NOW
/// (error) ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
/// ```
pub fn unblock(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let end = match () {
        () if req.len() > 4 => return Err(Fault::arity("client|unblock")),
        () if req.len() == 3 || req.is(3, "TIMEOUT") => End::TimedOut,
        () if req.is(3, "ERROR") => End::Unblocked,
        () => return Err(Fault::new("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    };
    let id = args::integer(req.arg(2))?;
    let peer = u64::try_from(id).ok().and_then(|id| ctx.world.sessions.find(id));
    out.integer(i64::from(peer.is_some_and(|peer| peer.unblock(end))));
    Ok(Outcome::Done)
}
