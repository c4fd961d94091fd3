//! CLIENT TRACKING and its kin: a client keeps what it reads, and is told when that is not true any more.

use std::sync::atomic::Ordering;

use kvark_call::tracking::Mode;
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::args;
use crate::context::Context;
use crate::dispatch::one_line;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("tracking.rs");

/// `CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]`
///
/// From now on this connection is told when a key has changed that it has read: by a push in RESP3, or, with REDIRECT, the connection of that id,
/// which in RESP2 has subscribed to `__redis__:invalidate`. With BCAST it is told of all keys, or of those with certain prefixes, whether it has read
/// them or not. OPTIN remembers only what is read behind CLIENT CACHING YES, OPTOUT not what is read behind CLIENT CACHING NO. With NOLOOP it is not told
/// of what it changes itself.
///
/// ```resp
/// > CLIENT TRACKING ON PREFIX user:
/// (error) ERR PREFIX option requires BCAST mode to be enabled
/// > CLIENT TRACKING OFF
/// OK
/// ```
pub fn tracking(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let wish = Wish::parse(ctx, req)?;
    if req.is(2, "OFF") {
        ctx.world.tracking.end(ctx.session);
    } else if req.is(2, "ON") {
        wish.check(ctx)?;
        ctx.world.tracking.begin(ctx.session, wish.mode, &wish.prefixes);
    } else {
        return Err(Fault::syntax());
    }
    out.status("OK");
    Ok(Outcome::Done)
}

/// What is asked for.
#[derive(Default)]
struct Wish<'a> {
    mode: Mode,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> Wish<'a> {
    fn parse(ctx: &Context, req: &Request<'a>) -> Result<Self, Fault> {
        let (mut wish, mut at) = (Self::default(), 3);
        while at < req.len() {
            let more = at + 1 < req.len();
            match () {
                () if req.is(at, "REDIRECT") && more => {
                    at += 1;
                    wish.redirect(ctx, req.arg(at))?;
                }
                () if req.is(at, "PREFIX") && more => {
                    at += 1;
                    wish.prefixes.push(req.arg(at));
                }
                () if req.is(at, "BCAST") => wish.mode.broadcast = true,
                () if req.is(at, "OPTIN") => wish.mode.opt_in = true,
                () if req.is(at, "OPTOUT") => wish.mode.opt_out = true,
                () if req.is(at, "NOLOOP") => wish.mode.no_loop = true,
                () => return Err(Fault::syntax()),
            }
            at += 1;
        }
        Ok(wish)
    }

    fn redirect(&mut self, ctx: &Context, id: &[u8]) -> Result<(), Fault> {
        if self.mode.redirect != 0 {
            return Err(Fault::new("ERR A client can only redirect to a single other client"));
        }
        let id = args::integer(id)?;
        let there = u64::try_from(id).ok().filter(|&id| ctx.world.sessions.find(id).is_some());
        let missing = || Fault::new("ERR The client ID you want redirect to does not exist");
        self.mode.redirect = there.ok_or_else(missing)?;
        Ok(())
    }

    fn check(&self, ctx: &Context) -> Result<(), Fault> {
        let now = ctx.session.peer.tracker.mode();
        let Mode { broadcast, opt_in, opt_out, .. } = self.mode;
        let message = if !broadcast && !self.prefixes.is_empty() {
            "ERR PREFIX option requires BCAST mode to be enabled"
        } else if now.is_some_and(|now| now.broadcast != broadcast) {
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
        } else if broadcast && (opt_in || opt_out) {
            "ERR OPTIN and OPTOUT are not compatible with BCAST"
        } else if opt_in && opt_out {
            "ERR You can't specify both OPTIN mode and OPTOUT mode"
        } else if now.is_some_and(|now| opt_in && now.opt_out || opt_out && now.opt_in) {
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
        } else if !ctx.session.takes_deliveries && self.mode.redirect == 0 {
            "ERR CLIENT TRACKING isn't allowed for a DENY BLOCKING client"
        } else {
            return self.check_prefixes(ctx);
        };
        Err(Fault::new(message))
    }

    /// Of each key a client is told once: no two of its prefixes may be prefixes of one key.
    fn check_prefixes(&self, ctx: &Context) -> Result<(), Fault> {
        let held = ctx.world.tracking.prefixes_of(ctx.session.peer.id);
        for (nth, prefix) in self.prefixes.iter().enumerate() {
            let overlaps = |other: &[u8]| prefix.starts_with(other) || other.starts_with(prefix);
            if let Some(other) = held.iter().find(|other| overlaps(other)) {
                return Err(overlap(prefix, "an existing", other));
            }
            if let Some(other) = self.prefixes[nth + 1..].iter().find(|other| overlaps(other)) {
                return Err(overlap(prefix, "another provided", other));
            }
        }
        Ok(())
    }
}

fn overlap(prefix: &[u8], which: &str, other: &[u8]) -> Fault {
    let (prefix, other) = (one_line(prefix), one_line(other));
    Fault::new(format!(
        "ERR Prefix '{prefix}' overlaps with {which} prefix '{other}'. Prefixes for a single client must not overlap."
    ))
}

/// `CLIENT CACHING <YES | NO>`
///
/// Whether the keys that the next command, or transaction, reads are remembered: YES where CLIENT TRACKING said OPTIN, NO where it said OPTOUT.
///
/// ```resp
/// > CLIENT CACHING YES
/// (error) ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
/// ```
pub fn caching(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let tracker = &ctx.session.peer.tracker;
    let Some(mode) = tracker.mode() else {
        let message = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";
        return Err(Fault::new(message));
    };
    if req.is(2, "YES") && !mode.opt_in {
        return Err(Fault::new("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
    }
    if req.is(2, "NO") && !mode.opt_out {
        return Err(Fault::new("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
    }
    if !req.is(2, "YES") && !req.is(2, "NO") {
        return Err(Fault::syntax());
    }
    tracker.caching.store(true, Ordering::Relaxed);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `CLIENT GETREDIR`
///
/// The id of the connection that is told in the place of this one: 0 is this one itself, -1 says that it does not track.
///
/// ```resp
/// > CLIENT GETREDIR
/// (integer) -1
/// ```
pub fn getredir(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(redirection(ctx.session.peer.tracker.mode()));
    Ok(Outcome::Done)
}

/// As it is shown: -1 where nobody tracks.
pub(super) fn redirection(mode: Option<Mode>) -> i64 {
    mode.map_or(-1, |mode| mode.redirect as i64)
}

/// `CLIENT TRACKINGINFO`
///
/// How this connection tracks: flags, the connection that is told in its place, prefixes.
///
/// ```resp
/// > CLIENT TRACKINGINFO
/// 1) "flags"
/// 2) 1) "off"
/// 3) "redirect"
/// 4) (integer) -1
/// 5) "prefixes"
/// 6) (empty array)
/// ```
pub fn trackinginfo(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    let tracker = &ctx.session.peer.tracker;
    let now = tracker.mode();
    let mode = now.unwrap_or_default();
    let caching = tracker.caching.load(Ordering::Relaxed);
    let flags = [
        (now.is_none(), "off"),
        (now.is_some(), "on"),
        (mode.broadcast, "bcast"),
        (mode.opt_in, "optin"),
        (mode.opt_in && caching, "caching-yes"),
        (mode.opt_out, "optout"),
        (mode.opt_out && caching, "caching-no"),
        (mode.no_loop, "noloop"),
        (tracker.is_broken(), "broken_redirect"),
    ];
    let flags: Vec<&str> = flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
    let prefixes = ctx.world.tracking.prefixes_of(ctx.session.peer.id);
    out.map(3);
    out.bulk(b"flags");
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.integer(redirection(now));
    out.bulk(b"prefixes");
    out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(Outcome::Done)
}
