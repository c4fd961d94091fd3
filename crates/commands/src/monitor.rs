//! MONITOR: every command, told while it happens.

use std::fmt::Write as _;

use kvark_call::{Fault, Outcome, ReplySink, Request, Session, World};

use crate::context::Context;
use crate::row::{Answer, Flags, Row};
use crate::secrets;

pub(crate) const SOURCE: &str = include_str!("monitor.rs");

/// `MONITOR`
///
/// From here on this client is told every command that is executed, with the time, the database and the client's address; those of
/// administration left out, and without passwords. RESET ends that.
///
/// ```resp,shown
/// > MONITOR
/// OK
/// ```
pub fn monitor(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    if !ctx.session.takes_deliveries {
        return Err(Fault::new("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    ctx.world.monitors.join(ctx.session);
    out.status("OK");
    Ok(Outcome::Done)
}

/// Who sends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The client itself.
    Client,
    /// A script of the client's.
    Script,
}

/// Tells a command of `session` to all who want to see them.
#[cold]
pub fn tell(world: &World, session: &Session, row: &Row, req: &Request, sender: Sender) {
    if row.flags.has(Flags::ADMIN) {
        return;
    }
    let now_us = world.clock.now_us();
    let (peer, db) = (&session.peer, session.db);
    let from = match sender {
        Sender::Script => "lua".to_owned(),
        Sender::Client if peer.address.starts_with('/') => format!("unix:{}", peer.local_address),
        Sender::Client => peer.address.clone(),
    };
    let mut line = format!("{}.{:06} [{db} {from}]", now_us / 1_000_000, now_us % 1_000_000);
    secrets::shown(row, req).iter().for_each(|arg| quote(arg, &mut line));
    world.monitors.tell(&line, &world.settings);
}

/// A blank and the argument in quotes, so that it stays within its line.
fn quote(arg: &[u8], line: &mut String) {
    line.push_str(" \"");
    for &byte in arg {
        match byte {
            b'\\' | b'"' => line.extend(['\\', byte as char]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(byte as char),
            // Writing to a string cannot fail.
            _ => drop(write!(line, "\\x{byte:02x}")),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_stays_within_its_line_and_its_quotes() {
        let mut line = String::new();
        quote(b"a \"b\" \\ \r\n\t\x07\x08\x00\xff~", &mut line);
        assert_eq!(line, r#" "a \"b\" \\ \r\n\t\a\b\x00\xff~""#);
    }
}
