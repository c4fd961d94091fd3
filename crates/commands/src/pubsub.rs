//! Messages between clients: who listens, and what they are told. [`asking`] is about what is listened to.
//!
//! Listening and ceasing to are answered by a push for each name, so a request may have several answers, and none of them is
//! held back by `CLIENT REPLY`.

pub mod asking;

use kvark_call::channels::{Name, Topic};
use kvark_call::{Fault, Outcome, ReplySink, Request, Session};

use crate::context::Context;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("pubsub.rs");

/// `SUBSCRIBE channel [channel ...]`
///
/// From here on this client is told every message to these channels. Answers for each channel how many channels and
/// patterns it listens to. In RESP2 it may then only send the words of this kind, PING (which answers a pair), QUIT and
/// RESET; in RESP3, where messages are told from answers, everything.
///
/// ```resp,shown
/// > SUBSCRIBE news
/// 1) "subscribe"
/// 2) "news"
/// 3) (integer) 1
/// ```
pub fn subscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    begin(ctx, req, Topic::Channel, "SUBSCRIBE", out)
}

/// `PSUBSCRIBE pattern [pattern ...]`
///
/// As SUBSCRIBE, to all channels whose names match. Who listens to a channel in several ways is told in each of them.
///
/// ```resp,shown
/// > PSUBSCRIBE news.*
/// 1) "psubscribe"
/// 2) "news.*"
/// 3) (integer) 1
/// ```
pub fn psubscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    begin(ctx, req, Topic::Pattern, "PSUBSCRIBE", out)
}

/// `SSUBSCRIBE shardchannel [shardchannel ...]`
///
/// As SUBSCRIBE, to shard channels, which in a cluster stay with the slot of their names. They are counted by themselves.
///
/// ```resp,shown
/// > SSUBSCRIBE news
/// 1) "ssubscribe"
/// 2) "news"
/// 3) (integer) 1
/// ```
pub fn ssubscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    begin(ctx, req, Topic::ShardChannel, "SSUBSCRIBE", out)
}

/// `UNSUBSCRIBE [channel [channel ...]]`
///
/// This client listens no more to these channels, or to none at all. Answers for each how many channels and patterns are
/// left, once with nil where there was nothing to leave.
///
/// ```resp
/// > UNSUBSCRIBE news
/// 1) "unsubscribe"
/// 2) "news"
/// 3) (integer) 0
/// > UNSUBSCRIBE
/// 1) "unsubscribe"
/// 2) (nil)
/// 3) (integer) 0
/// ```
pub fn unsubscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    end(ctx, req, Topic::Channel, "unsubscribe", out)
}

/// `PUNSUBSCRIBE [pattern [pattern ...]]`
///
/// As UNSUBSCRIBE, for patterns.
///
/// ```resp
/// > PUNSUBSCRIBE news.*
/// 1) "punsubscribe"
/// 2) "news.*"
/// 3) (integer) 0
/// ```
pub fn punsubscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    end(ctx, req, Topic::Pattern, "punsubscribe", out)
}

/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`
///
/// As UNSUBSCRIBE, for shard channels.
///
/// ```resp
/// > SUNSUBSCRIBE news
/// 1) "sunsubscribe"
/// 2) "news"
/// 3) (integer) 0
/// ```
pub fn sunsubscribe(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    end(ctx, req, Topic::ShardChannel, "sunsubscribe", out)
}

fn begin(ctx: &mut Context, req: &Request, topic: Topic, word: &str, out: &mut dyn ReplySink) -> Answer {
    if !ctx.session.takes_deliveries {
        return Err(Fault::new(format!("ERR {word} isn't allowed for a DENY BLOCKING client")));
    }
    let word = word.to_ascii_lowercase();
    for name in req.args_from(1) {
        ctx.world.channels.subscribe(ctx.session, topic, name);
        push(ctx.session, topic, &word, Some(name), out);
    }
    Ok(Outcome::Done)
}

fn end(ctx: &mut Context, req: &Request, topic: Topic, word: &str, out: &mut dyn ReplySink) -> Answer {
    let names: Vec<Name> = match req.len() {
        1 => ctx.session.subscriptions.names(topic),
        _ => req.args_from(1).map(Name::from).collect(),
    };
    if names.is_empty() {
        push(ctx.session, topic, word, None, out);
    }
    for name in names {
        ctx.world.channels.unsubscribe(ctx.session, topic, &name);
        push(ctx.session, topic, word, Some(&name), out);
    }
    Ok(Outcome::Done)
}

fn push(session: &Session, topic: Topic, word: &str, name: Option<&[u8]>, out: &mut dyn ReplySink) {
    let counted: &[Topic] = match topic {
        Topic::Channel | Topic::Pattern => &[Topic::Channel, Topic::Pattern],
        Topic::ShardChannel => &[Topic::ShardChannel],
    };
    let count: usize = counted.iter().map(|&topic| session.subscriptions.len(topic)).sum();
    out.push(3);
    out.bulk(word.as_bytes());
    match name {
        Some(name) => out.bulk(name),
        None => out.null(),
    }
    out.integer(count as i64);
}

/// `PUBLISH channel message`
///
/// Tells everybody who listens to the channel, and answers how many they are. Nothing is kept: who comes later is not
/// told.
///
/// ```resp
/// > PUBLISH news "nobody hears this"
/// (integer) 0
/// ```
pub fn publish(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let told = ctx.world.channels.publish(req.arg(1), req.arg(2), &ctx.world.settings);
    out.integer(told as i64);
    Ok(Outcome::Done)
}

/// `SPUBLISH shardchannel message`
///
/// As PUBLISH, to a shard channel.
///
/// ```resp
/// > SPUBLISH news "nobody hears this"
/// (integer) 0
/// ```
pub fn spublish(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    let told = ctx.world.channels.publish_in_shard(req.arg(1), req.arg(2), &ctx.world.settings);
    out.integer(told as i64);
    Ok(Outcome::Done)
}
