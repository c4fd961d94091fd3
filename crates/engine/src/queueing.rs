//! Requests between MULTI and EXEC: refused, queued, or executed because they are about the transaction itself.

use kvark_base::Millis;
use kvark_base::limits::MAX_QUEUE_LEN;
use kvark_call::{Fault, Outcome, ReplySink, Request, Session};
use kvark_commands::{Flags, Row, transactions};

use crate::engine::Engine;
use crate::turn::Refusal;

impl Engine {
    /// The row of a request that may be queued, or executed if it is about the transaction. One that is refused spoils the
    /// transaction; if that is EXEC, the transaction is gone.
    #[inline(never)]
    pub(crate) fn may_run_in_multi(
        &self,
        session: &mut Session,
        row: &Result<&'static Row, Fault>,
        request: &Request<'_>,
        now_ms: Millis,
    ) -> Result<&'static Row, Refusal> {
        let is_exec = request.is(0, "EXEC");
        let allowed = row.clone().map_err(Refusal::Never).and_then(|row| {
            self.may_stand_here(session, row, is_exec, request, now_ms)?;
            Ok(row)
        });
        allowed.map_err(|refusal| match refusal {
            Refusal::Never(fault) if is_exec => Refusal::Never(transactions::abort(session, &fault)),
            Refusal::Never(fault) => {
                session.queue.refuse();
                Refusal::Never(fault)
            }
            later => later,
        })
    }

    fn may_stand_here(
        &self,
        session: &Session,
        row: &Row,
        is_exec: bool,
        request: &Request<'_>,
        now_ms: Millis,
    ) -> Result<(), Refusal> {
        let queue = &session.queue;
        let writes = if is_exec && queue.writes() { Flags::WRITE } else { Flags::NONE };
        let len_bytes = || if is_exec { queue.len_bytes() } else { request.len_bytes() };
        self.may_run(session, row.flags | writes, len_bytes, now_ms)?;
        if row.flags.has(Flags::NO_MULTI) {
            return Err(Refusal::Never(Fault::new("ERR Command not allowed inside a transaction")));
        }
        let len = queue.len_bytes() + request.len_bytes();
        if len > MAX_QUEUE_LEN && !row.flags.has(Flags::UNQUEUED) {
            let message = format!("ERR the commands since MULTI have {len} bytes: they may have {MAX_QUEUE_LEN}");
            return Err(Refusal::Never(Fault::new(message)));
        }
        Ok(())
    }
}

/// Queues a request for EXEC.
pub(crate) fn queue(
    session: &mut Session,
    row: &'static Row,
    request: &Request<'_>,
    out: &mut dyn ReplySink,
) -> Outcome {
    let writes = row.writes() || row.flags.has(Flags::MAY_REPLICATE);
    session.queue.push(kvark_commands::index(row), writes, request);
    session.note_transaction();
    out.status("QUEUED");
    Outcome::Done
}
