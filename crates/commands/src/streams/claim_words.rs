//! The arguments of XCLAIM and XAUTOCLAIM.

use kvark_call::{Fault, Request};
use kvark_values::stream::Id;

use super::ids;
use crate::args;
use crate::dispatch::one_line;

/// The options of XCLAIM.
pub(super) struct Options {
    pub(super) min_idle: i64,
    pub(super) ids_end: usize,
    pub(super) delivered_at: Option<i64>,
    pub(super) retry_count: Option<u64>,
    pub(super) force: bool,
    pub(super) just_id: bool,
    pub(super) last_id: Id,
}

impl Options {
    pub(super) fn parse(req: &Request, now_ms: u64) -> Result<Self, Fault> {
        let min_idle = args::integer_or(req.arg(4), "ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
        let ids_end = (5..req.len()).find(|&at| ids::id(req.arg(at)).is_err()).unwrap_or(req.len());
        let (force, just_id, last_id) = (false, false, Id::MIN);
        let mut options = Self { min_idle, ids_end, delivered_at: None, retry_count: None, force, just_id, last_id };
        let mut at = ids_end;
        while at < req.len() {
            at = options.take(req, at, now_ms)?;
        }
        Ok(options)
    }

    /// Takes the option at `at`; where the next one stands.
    fn take(&mut self, req: &Request, at: usize, now_ms: u64) -> Result<usize, Fault> {
        let has_more = at + 1 < req.len();
        if req.is(at, "FORCE") {
            self.force = true;
            return Ok(at + 1);
        } else if req.is(at, "JUSTID") {
            self.just_id = true;
            return Ok(at + 1);
        } else if has_more && req.is(at, "IDLE") {
            let idle = args::integer_or(req.arg(at + 1), "ERR Invalid IDLE option argument for XCLAIM")?;
            self.delivered_at = Some((now_ms as i64).saturating_sub(idle));
        } else if has_more && req.is(at, "TIME") {
            self.delivered_at = Some(args::integer_or(req.arg(at + 1), "ERR Invalid TIME option argument for XCLAIM")?);
        } else if has_more && req.is(at, "RETRYCOUNT") {
            let count = args::integer_or(req.arg(at + 1), "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
            self.retry_count = u64::try_from(count).ok();
        } else if has_more && req.is(at, "LASTID") {
            self.last_id = ids::id(req.arg(at + 1))?;
        } else {
            let option = one_line(req.arg(at));
            return Err(Fault::new(format!("ERR Unrecognized XCLAIM option '{option}'")));
        }
        Ok(at + 2)
    }
}

/// The arguments of XAUTOCLAIM.
pub(super) struct Scan {
    pub(super) min_idle: i64,
    pub(super) start: Id,
    pub(super) count: usize,
    pub(super) just_id: bool,
}

impl Scan {
    pub(super) fn parse(req: &Request) -> Result<Self, Fault> {
        let min_idle = args::integer_or(req.arg(4), "ERR Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
        let mut scan = Self { min_idle, start: ids::start(req.arg(5))?, count: 100, just_id: false };
        let mut at = 6;
        while at < req.len() {
            if req.is(at, "COUNT") && at + 1 < req.len() {
                scan.count = count(req.arg(at + 1))?;
                at += 1;
            } else if req.is(at, "JUSTID") {
                scan.just_id = true;
            } else {
                return Err(Fault::syntax());
            }
            at += 1;
        }
        Ok(scan)
    }
}

/// So many entries may be claimed at once.
const MOST: usize = i64::MAX as usize / 16;

fn count(text: &[u8]) -> Result<usize, Fault> {
    let refused = "ERR COUNT must be > 0";
    args::count(text, 1, refused).and_then(|count| if count > MOST { Err(Fault::new(refused)) } else { Ok(count) })
}
