//! SORT: the members of a list, a set or a sorted set in another order, or what other keys say of them.
//!
//! Read on: [`options`] (the words behind SORT), [`pattern`] (the keys that BY and GET look at), [`order`].
//!
//! Invariant: everything that one SORT looks at is held from its first look to its last. Patterns may lead to any key, so with
//! patterns all shards are held; without, that of the key and that of the destination.
//! Invariant: no shard is held while an answer is written.

pub mod options;
pub mod order;
pub mod pattern;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::{List, NewValue, StringRef, Value, ValueRef};

use crate::context::Context;
use crate::events::SORTSTORE;
use crate::row::Answer;
use crate::strings::text_of;
use options::{Options, Order, Storing};

pub(crate) const SOURCE: &str = include_str!("sort.rs");

/// `SORT key [BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]`
///
/// The members of a list, a set or a sorted set in the order of the numbers that they are; with ALPHA, of their bytes. DESC turns the order
/// around, LIMIT answers a part of it.
///
/// BY takes the order from other keys: the member stands for `*` in the pattern, and `->field` behind it asks for a field of a
/// hash. A pattern without `*` leaves the members in the order in which they are. GET answers other keys in the same way, `#` the
/// member itself; what is missing is nil. STORE puts the answer into a list and answers how long it is.
///
/// ```resp
/// > RPUSH ids 3 1 2
/// (integer) 3
/// > SORT ids
/// 1) "1"
/// 2) "2"
/// 3) "3"
/// > MSET price:1 30 price:2 10 price:3 20
/// OK
/// > SORT ids BY price:* DESC LIMIT 0 2 GET # GET price:*
/// 1) "1"
/// 2) "30"
/// 3) "3"
/// 4) "20"
/// > SORT ids BY price:* STORE cheap
/// (integer) 3
/// > LRANGE cheap 0 -1
/// 1) "2"
/// 2) "3"
/// 3) "1"
/// > HSET fruit:1 name apple
/// (integer) 1
/// > SORT ids GET fruit:*->name LIMIT 0 2
/// 1) "apple"
/// 2) (nil)
/// > RPUSH names ada bob
/// (integer) 2
/// > SORT names
/// (error) ERR One or more scores can't be converted into double
/// > SORT names ALPHA DESC
/// 1) "bob"
/// 2) "ada"
/// ```
pub fn sort(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let options = Options::parse(req, Storing::Allowed)?;
    match options.store {
        None => answer(ctx, req.arg(1), &options, out),
        Some(destination) => store(ctx, req.arg(1), destination, &options, out),
    }
}

/// `SORT_RO key [BY by-pattern] [LIMIT offset count] [GET get-pattern [GET get-pattern ...]] [ASC | DESC] [ALPHA]`
///
/// As SORT, which see, but never writes.
///
/// ```resp
/// > RPUSH ids 3 1 2
/// (integer) 3
/// > SORT_RO ids DESC LIMIT 0 1
/// 1) "3"
/// > SORT_RO ids STORE sorted
/// (error) ERR syntax error
/// ```
pub fn sort_ro(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let options = Options::parse(req, Storing::Refused)?;
    answer(ctx, req.arg(1), &options, out)
}

fn answer(ctx: &mut Context, key: &[u8], options: &Options, out: &mut dyn ReplySink) -> Answer {
    let (db, now_ms) = (ctx.session.db, ctx.now_ms);
    let sort = |view: &View<'_>| (sorted(view, key, options), view.seen());
    let (sorted, seen) = if options.looks_elsewhere() {
        ctx.keys.read_all(db, now_ms, sort)
    } else {
        ctx.keys.read(db, [key].into_iter(), now_ms, sort)
    };
    ctx.position = ctx.position.max(seen);
    let texts = sorted?;
    out.array(texts.len());
    texts.iter().for_each(|text| match text {
        Some(text) => out.bulk(text),
        None => out.null(),
    });
    Ok(Outcome::Done)
}

fn store(ctx: &mut Context, key: &[u8], to: &[u8], options: &Options, out: &mut dyn ReplySink) -> Answer {
    let (db, now_ms) = (ctx.session.db, ctx.now_ms);
    let author = ctx.session.peer.id;
    let sort = |w: &mut Writer<'_>| {
        w.set_author(author);
        (put_sorted(w, key, to, options), w.seen(), w.written())
    };
    let (count, seen, written) = if options.looks_elsewhere() {
        ctx.keys.write_all(db, now_ms, sort)
    } else {
        ctx.keys.write(db, [key, to].into_iter(), now_ms, sort)
    };
    ctx.position = ctx.position.max(seen);
    ctx.wrote(written);
    out.integer(count? as i64);
    Ok(Outcome::Done)
}

fn put_sorted(w: &mut Writer, key: &[u8], to: &[u8], options: &Options) -> Result<usize, Fault> {
    w.set_event(&SORTSTORE);
    w.tell_misses();
    let texts = sorted(w, key, options)?;
    if texts.is_empty() {
        w.remove(to)?;
    } else {
        let values = texts.iter().map(|text| StringRef::new(text.as_deref().unwrap_or_default()));
        let list = List::from_values(values, w.forms());
        w.put_value(to, NewValue::Owned(Value::List(list)), 0)?;
    }
    Ok(texts.len())
}

/// What SORT answers: members, or what GET says of them.
fn sorted(view: &View, key: &[u8], options: &Options) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let Some(source) = view.find(key).map(|entry| entry.value()) else { return Ok(Vec::new()) };
    let span = options.span(source.members());
    let chosen: Vec<Vec<u8>> = match options.order(matches!(source, ValueRef::Set(_))) {
        Order::AsKept => members(source, options.descending)?.skip(span.start).take(span.len()).map(text_of).collect(),
        order => {
            let mut all: Vec<Vec<u8>> = members(source, false)?.map(text_of).collect();
            order::arrange(view, &mut all, order, options.descending)?;
            all.drain(span).collect()
        }
    };
    Ok(if options.get.is_empty() {
        chosen.into_iter().map(Some).collect()
    } else {
        chosen.iter().flat_map(|member| options.get.iter().map(|get| get.text(view, member))).collect()
    })
}

/// The members in the order in which they are kept; a set has none, so it is not turned around.
fn members<'v>(source: ValueRef<'v>, backwards: bool) -> Result<Box<dyn Iterator<Item = StringRef<'v>> + 'v>, Fault> {
    Ok(match source {
        ValueRef::List(list) if backwards => Box::new(list.iter().rev()),
        ValueRef::List(list) => Box::new(list.iter()),
        ValueRef::Set(set) => Box::new(set.iter()),
        ValueRef::Zset(zset) if backwards => Box::new(zset.iter().rev().map(|entry| entry.member)),
        ValueRef::Zset(zset) => Box::new(zset.iter().map(|entry| entry.member)),
        _ => return Err(Fault::wrong_type()),
    })
}
