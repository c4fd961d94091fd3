//! Many commands as one: queued after MULTI, executed by EXEC under one hold of all their shards.
//!
//! Invariant: EXEC takes the shards of all keys, those watched among them, before it runs a command; so whoever looks from outside sees
//! all of it or nothing.

use std::sync::atomic::Ordering;

use kvark_call::queue::Queue;
use kvark_call::{Fault, Outcome, Peer, ReplySink, Request, World};
use kvark_keyspace::{Needs, Reach, Transaction, Watch};

use crate::context::{Call, Context};
use crate::monitor::{self, Sender};
use crate::row::{Answer, Flags, Handler, Row};
use crate::table::ROWS;

pub(crate) const SOURCE: &str = include_str!("transactions.rs");

/// `MULTI`
///
/// Begins a transaction: the commands that follow are queued, and EXEC executes them as one.
///
/// ```resp
/// > MULTI
/// OK
/// > SET a 1
/// QUEUED
/// > INCR a
/// QUEUED
/// > EXEC
/// 1) OK
/// 2) (integer) 2
/// ```
pub fn multi(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    if ctx.session.queue.is_open() {
        return Err(Fault::new("ERR MULTI calls can not be nested"));
    }
    ctx.session.queue.open();
    ctx.session.note_transaction();
    out.status("OK");
    Ok(Outcome::Done)
}

/// `DISCARD`
///
/// Forgets the commands that were queued since MULTI, and the keys that are watched.
///
/// ```resp
/// > MULTI
/// OK
/// > SET a 1
/// QUEUED
/// > DISCARD
/// OK
/// > EXISTS a
/// (integer) 0
/// > DISCARD
/// (error) ERR DISCARD without MULTI
/// ```
pub fn discard(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    if !ctx.session.queue.is_open() {
        return Err(Fault::new("ERR DISCARD without MULTI"));
    }
    ctx.session.end_transaction();
    out.status("OK");
    Ok(Outcome::Done)
}

/// `WATCH key [key ...]`
///
/// The next EXEC of this connection does nothing if one of the keys has changed until then, whoever changed it.
///
/// ```resp
/// > SET stock 1
/// OK
/// > WATCH stock
/// OK
/// > DECR stock
/// (integer) 0
/// > MULTI
/// OK
/// > SET sold 1
/// QUEUED
/// > EXEC
/// (nil)
/// > EXISTS sold
/// (integer) 0
/// ```
pub fn watch(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    if ctx.session.queue.is_open() {
        return Err(Fault::new("ERR WATCH inside MULTI is not allowed"));
    }
    let mut watch = ctx.session.watch.take().unwrap_or_else(|| Box::<Watch>::default());
    let keys = watch.downcast_mut::<Watch>().expect("a session watches by WATCH only");
    for key in req.args_from(1) {
        keys.add(&mut ctx.keys, ctx.session.db, key, ctx.now_ms);
    }
    ctx.session.peer.watches.store(keys.len() as u32, Ordering::Relaxed);
    ctx.session.watch = Some(watch);
    out.status("OK");
    Ok(Outcome::Done)
}

/// `UNWATCH`
///
/// Watches no key any more.
///
/// ```resp
/// > WATCH a
/// OK
/// > SET a 1
/// OK
/// > UNWATCH
/// OK
/// > MULTI
/// OK
/// > EXEC
/// (empty array)
/// ```
pub fn unwatch(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    ctx.session.unwatch();
    out.status("OK");
    Ok(Outcome::Done)
}

/// `EXEC`
///
/// Executes the commands that were queued since MULTI, as one: nobody sees a part of it, and after a crash all of it is there or
/// nothing. Answers what each of them answers; an error of one does not keep the others from being executed. Answers nil and does
/// nothing if a watched key has changed, and an error if a command could not be queued.
///
/// ```resp
/// > MULTI
/// OK
/// > SET a one
/// QUEUED
/// > INCR a
/// QUEUED
/// > EXEC
/// 1) OK
/// 2) (error) ERR value is not an integer or out of range
/// > EXEC
/// (error) ERR EXEC without MULTI
/// ```
pub fn exec(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    if !ctx.session.queue.is_open() {
        return Err(Fault::new("ERR EXEC without MULTI"));
    }
    let mut queue = std::mem::take(&mut ctx.session.queue);
    let watch = ctx.session.watch.take();
    ctx.session.peer.watches.store(0, Ordering::Relaxed);
    let watch = watch.as_ref().and_then(|watch| watch.downcast_ref::<Watch>());
    let answer = if queue.is_refused() {
        Err(Fault::new("EXECABORT Transaction discarded because of previous errors."))
    } else {
        Ok(execute(ctx, &queue, watch, out))
    };
    queue.close();
    ctx.session.queue = queue;
    ctx.session.note_transaction();
    answer
}

/// EXEC can't run: the transaction is gone.
pub fn abort(session: &mut kvark_call::Session, reason: &Fault) -> Fault {
    session.end_transaction();
    let reason = reason.message();
    let reason = reason.strip_prefix("ERR ").filter(|text| text.starts_with("wrong number")).unwrap_or(reason);
    Fault::new(format!("EXECABORT Transaction discarded because of: {reason}"))
}

fn execute(ctx: &mut Context, queue: &Queue, watch: Option<&Watch>, out: &mut dyn ReplySink) -> Outcome {
    let Reach::Free(keyspace) = ctx.keys else { unreachable!("EXEC is not queued") };
    let rows = || queue.commands().map(|(row, request)| (&ROWS[row as usize], request));
    let facts = rows().any(|(row, _)| row.flags.has(Flags::FACTS)).then(|| ctx.world.facts());
    let mut needs = Needs::default();
    rows().for_each(|(row, request)| add_needs(&mut needs, row, &request, |key| keyspace.key(key).shard));
    needs.shards.extend(watch.into_iter().flat_map(Watch::shards));
    let mut transaction = keyspace.transaction(needs, ctx.now_ms);
    if watch.is_some_and(|watch| watch.has_changed(&transaction)) {
        ctx.depends_on_all();
        out.null_array();
        return Outcome::Done;
    }
    out.array(queue.len());
    let mut end = Outcome::Done;
    let mut one = Inner { ctx, transaction: &mut transaction, facts, sender: Sender::Client };
    for (row, request) in rows() {
        if matches!(one.run(row, &request, out), Outcome::Close) {
            end = Outcome::Close;
        }
    }
    let (seen, written) = (transaction.seen(), transaction.written());
    ctx.position = ctx.position.max(seen);
    ctx.wrote(written);
    end
}

fn add_needs(needs: &mut Needs, row: &Row, request: &Request, shard: impl Fn(&[u8]) -> u32) {
    needs.all |= row.flags.has(Flags::ANY_KEY);
    needs.shards.extend(row.keys(request).map(shard));
    if row.writes() {
        needs.effects += 1;
        needs.len_bytes += request.len_bytes();
    }
}

/// The commands of a transaction, on their way.
pub(crate) struct Inner<'i, 'c, 'k, 't, 'a> {
    pub ctx: &'i mut Context<'c, 'k>,
    pub transaction: &'t mut Transaction<'a>,
    /// What INFO tells: whoever has something to tell may need a lock that the transaction holds.
    pub facts: Option<kvark_call::FactSheet>,
    /// Who sends them.
    pub sender: Sender,
}

impl Inner<'_, '_, '_, '_, '_> {
    /// Runs one command; it answers exactly once.
    fn run(&mut self, row: &'static Row, request: &Request, out: &mut dyn ReplySink) -> Outcome {
        self.execute(row, request, out).unwrap_or_else(|fault| {
            out.error(fault.message());
            Outcome::Done
        })
    }

    /// As [`Inner::run`], and leaves the answer of a refusal to the caller.
    pub fn execute(&mut self, row: &'static Row, request: &Request, out: &mut dyn ReplySink) -> Answer {
        if self.ctx.world.monitors.are_there() {
            monitor::tell(self.ctx.world, self.ctx.session, row, request, self.sender);
        }
        let began = self.ctx.world.clock.ticks();
        let answer = self.handle(row, request, out);
        let ticks = self.ctx.world.clock.ticks().saturating_sub(began);
        let peer = &self.ctx.session.peer;
        self.ctx.upkeep.note_call(&Call { peer, row, request, ticks, failed: answer.is_err() });
        match answer {
            Ok(Outcome::Park(parked)) => {
                // Nobody waits in a transaction: its time is over at once.
                parked.answer_at_once(self.ctx.world, self.ctx.session, out);
                Ok(Outcome::Done)
            }
            Err(fault) => {
                self.ctx.upkeep.note_error(&fault);
                Err(fault)
            }
            done => done,
        }
    }

    fn handle(&mut self, row: &'static Row, request: &Request, out: &mut dyn ReplySink) -> Answer {
        let (db, touching) = (self.ctx.session.db, !self.ctx.session.no_touch);
        let (world, peer) = (self.ctx.world, &self.ctx.session.peer);
        match row.handler {
            Handler::Read(handler) => self.transaction.read(db, |view| {
                view.set_touching(touching);
                remember(world, peer, row, request);
                handler(view, request, out)
            }),
            Handler::Write(handler) => {
                let answer = self.transaction.write(db, |writer| {
                    row.prepare(writer, touching, peer.id);
                    remember(world, peer, row, request);
                    handler(writer, request, out)
                });
                self.ctx.session.last_write = self.transaction.written().max(self.ctx.session.last_write);
                answer
            }
            Handler::Ask(handler) => {
                remember(world, peer, row, request);
                self.ask(handler, request, out)
            }
        }
    }

    fn ask(&mut self, handler: crate::row::Ask, request: &Request, out: &mut dyn ReplySink) -> Answer {
        // It may tell somebody something.
        self.transaction.tell_notices();
        let ctx = &mut *self.ctx;
        let mut inner = Context {
            world: ctx.world,
            scripts: ctx.scripts,
            session: &mut *ctx.session,
            keys: Reach::Held(self.transaction),
            upkeep: ctx.upkeep,
            now_ms: ctx.now_ms,
            random: &mut *ctx.random,
            facts: self.facts.as_ref(),
            position: 0,
            written: 0,
        };
        let answer = handler(&mut inner, request, out);
        let (position, written) = (inner.position, inner.written);
        ctx.position = ctx.position.max(position);
        ctx.wrote(written);
        ctx.session.last_write = ctx.session.last_write.max(written);
        answer
    }
}

/// A client that tracks wants to hear of the keys that a command reads. Their shards are held.
fn remember(world: &World, peer: &Peer, row: &Row, request: &Request) {
    if row.is_tracked() {
        world.remember(peer, row.keys(request));
    }
}
