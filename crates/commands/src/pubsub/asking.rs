//! PUBSUB: what is listened to, and by how many.

use kvark_base::glob;
use kvark_call::channels::{Name, Topic};
use kvark_call::{Fault, Outcome, ReplySink, Request};

use crate::context::Context;
use crate::dispatch::one_line;
use crate::help;
use crate::row::Answer;

pub(crate) const SOURCE: &str = include_str!("asking.rs");

/// `PUBSUB subcommand [argument ...]`
///
/// What is listened to. PUBSUB HELP lists the sub-commands.
///
/// ```resp
/// > PUBSUB
/// (error) ERR wrong number of arguments for 'pubsub' command
/// ```
pub fn pubsub(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    pubsub_help(ctx, req, out)
}

/// `PUBSUB HELP`
///
/// Lists the sub-commands.
///
/// ```resp
/// > PUBSUB HELP
/// ...PUBSUB <subcommand> ...
/// ```
pub fn pubsub_help(_ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    help::answer("PUBSUB", out)
}

/// `PUBSUB CHANNELS [pattern]`
///
/// The channels that somebody listens to by name, or those of them that match.
///
/// ```resp
/// > PUBSUB CHANNELS news.*
/// (empty array)
/// ```
pub fn channels(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_names(ctx, req, Topic::Channel, out)
}

/// `PUBSUB SHARDCHANNELS [pattern]`
///
/// The shard channels that somebody listens to, or those of them that match.
///
/// ```resp
/// > PUBSUB SHARDCHANNELS
/// (empty array)
/// ```
pub fn shardchannels(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_names(ctx, req, Topic::ShardChannel, out)
}

fn answer_names(ctx: &Context, req: &Request, topic: Topic, out: &mut dyn ReplySink) -> Answer {
    if req.len() > 3 {
        let word = one_line(req.arg(1));
        let message = format!("ERR unknown subcommand or wrong number of arguments for '{word}'. Try PUBSUB HELP.");
        return Err(Fault::new(message));
    }
    let mut names: Vec<Name> = ctx.world.channels.names(topic);
    if let Some(pattern) = req.get(2) {
        names.retain(|name| glob::matches(pattern, name, false));
    }
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name));
    Ok(Outcome::Done)
}

/// `PUBSUB NUMSUB [channel [channel ...]]`
///
/// How many listen to each of these channels by name.
///
/// ```resp
/// > PUBSUB NUMSUB news
/// 1) "news"
/// 2) (integer) 0
/// ```
pub fn numsub(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_counts(ctx, req, Topic::Channel, out)
}

/// `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`
///
/// How many listen to each of these shard channels.
///
/// ```resp
/// > PUBSUB SHARDNUMSUB news
/// 1) "news"
/// 2) (integer) 0
/// ```
pub fn shardnumsub(ctx: &mut Context, req: &Request, out: &mut dyn ReplySink) -> Answer {
    answer_counts(ctx, req, Topic::ShardChannel, out)
}

fn answer_counts(ctx: &Context, req: &Request, topic: Topic, out: &mut dyn ReplySink) -> Answer {
    out.array(2 * (req.len() - 2));
    for name in req.args_from(2) {
        out.bulk(name);
        out.integer(ctx.world.channels.listeners(topic, name) as i64);
    }
    Ok(Outcome::Done)
}

/// `PUBSUB NUMPAT`
///
/// How many different patterns somebody listens to.
///
/// ```resp
/// > PUBSUB NUMPAT
/// (integer) 0
/// ```
pub fn numpat(ctx: &mut Context, _req: &Request, out: &mut dyn ReplySink) -> Answer {
    out.integer(ctx.world.channels.len(Topic::Pattern) as i64);
    Ok(Outcome::Done)
}
