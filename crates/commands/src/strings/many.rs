//! Several keys in one command, all of them or none.

use kvark_base::{Millis, number};
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};

use super::conditions::Condition;
use super::options::{Verb, Words};
use super::{Expiry, answer_value, get_value, store};
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("many.rs");

/// `MGET key [key ...]`
///
/// The strings at several keys, nil for each that is missing.
///
/// ```resp
/// > MSET a 1 b 2
/// OK
/// > MGET a nobody b
/// 1) "1"
/// 2) (nil)
/// 3) "2"
/// ```
pub fn mget(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.array(req.len() - 1);
    for key in req.args_from(1) {
        // A key of another type is as good as missing here.
        answer_value(get_value(view, key).unwrap_or(None), out);
    }
    Ok(Outcome::Done)
}

/// `MSET key value [key value ...]`
///
/// Sets several keys at once: nobody sees some of them set and others not, not even after a crash.
///
/// ```resp
/// > MSET a 1 b 2
/// OK
/// > GET b
/// "2"
/// > MSET a 1 b
/// (error) ERR wrong number of arguments for 'mset' command
/// ```
pub fn mset(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let pairs = Pairs::from_args(req, 1, "mset")?;
    pairs.store(w, Expiry::Clear)?;
    out.status("OK");
    Ok(Outcome::Done)
}

/// `MSETNX key value [key value ...]`
///
/// Sets several keys at once if none of them exists: 1 when all were set, 0 when none was.
///
/// ```resp
/// > MSETNX a 1 b 2
/// (integer) 1
/// > MSETNX b 3 c 4
/// (integer) 0
/// > MGET a b c
/// 1) "1"
/// 2) "2"
/// 3) (nil)
/// ```
pub fn msetnx(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let pairs = Pairs::from_args(req, 1, "msetnx")?;
    let written = pairs.meet(w, Condition::IfMissing);
    if written {
        pairs.store(w, Expiry::Clear)?;
    }
    out.integer(written.into());
    Ok(Outcome::Done)
}

/// `MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]`
///
/// Sets several keys at once with one deadline, if none of them exists (NX) or all of them do (XX): 1 when all were set,
/// 0 when none was.
///
/// ```resp
/// > MSETEX 2 a 1 b 2 EX 60
/// (integer) 1
/// > TTL b
/// (integer) 60
/// > MSETEX 2 b 3 c 4 NX
/// (integer) 0
/// > GET b
/// "2"
/// ```
pub fn msetex(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let numkeys = number::parse_i64(req.arg(1)).filter(|numkeys| (1..=i64::from(i32::MAX)).contains(numkeys));
    let numkeys = numkeys.ok_or_else(|| Fault::new("ERR invalid numkeys value"))? as usize;
    let end = 2 + 2 * numkeys;
    if end > req.len() {
        return Err(Fault::new("ERR wrong number of key-value pairs"));
    }
    let options = Words::parse(req, end, Verb::SetMany)?.set_options(w.now_ms(), "msetex")?;
    let pairs = Pairs { req: *req, first: 2, end };
    let written = pairs.meet(w, options.condition);
    if written {
        pairs.store(w, options.expiry)?;
    }
    out.integer(written.into());
    Ok(Outcome::Done)
}

/// Keys and values in turn among the arguments.
struct Pairs<'a> {
    req: Request<'a>,
    first: usize,
    end: usize,
}

impl<'a> Pairs<'a> {
    fn from_args(req: &Request<'a>, first: usize, command: &str) -> Result<Self, Fault> {
        if !(req.len() - first).is_multiple_of(2) {
            return Err(Fault::arity(command));
        }
        Ok(Self { req: *req, first, end: req.len() })
    }

    fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        (self.first..self.end).step_by(2).map(|at| (self.req.arg(at), self.req.arg(at + 1)))
    }

    fn meet(&self, w: &Writer, condition: Condition<'_>) -> bool {
        match condition {
            Condition::IfMissing => self.iter().all(|(key, _)| w.peek(key).is_none()),
            Condition::IfPresent => self.iter().all(|(key, _)| w.peek(key).is_some()),
            _ => true,
        }
    }

    fn store(&self, w: &mut Writer, expiry: Expiry) -> Result<(), Fault> {
        let len_bytes = self.iter().map(|(key, value)| key.len() + value.len()).sum();
        w.bracket((self.end - self.first) / 2, len_bytes)?;
        for (key, value) in self.iter() {
            let kept = if expiry == Expiry::Keep { deadline_of(w, key) } else { 0 };
            store(w, key, value, expiry, kept)?;
        }
        Ok(())
    }
}

fn deadline_of(w: &Writer, key: &[u8]) -> Millis {
    w.peek(key).map_or(0, |entry| entry.expires_at())
}
