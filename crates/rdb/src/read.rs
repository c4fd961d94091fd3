//! Values in every form that Redis ever wrote become parts.

mod hashes;
mod streams;

use kvark_base::Result;

use crate::kinds;
use crate::packed::listpack::Listpack;
use crate::packed::ziplist::Ziplist;
use crate::packed::{self, Item, intset};
use crate::part::Part;
use crate::source::{Source, nonsense};
use crate::{length, string};

/// Whoever takes the parts; an error ends the reading.
pub type Each<'e> = &'e mut dyn FnMut(Part<'_>) -> Result<()>;

const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// Hands over the parts of the value of `kind` that `bytes` begin with.
pub fn value(kind: u8, version: u16, bytes: &[u8], each: Each<'_>) -> Result<()> {
    let source = &mut Source::new(bytes);
    match kind {
        kinds::STRING => each(Part::Text(&string::take(source)?)),
        kinds::LIST => strings(source, &mut |element| each(Part::Element(element))),
        kinds::LIST_ZIPLIST => elements(Ziplist::open(&string::take(source)?)?, each),
        kinds::LIST_QUICKLIST => ziplist_nodes(source, each),
        kinds::LIST_QUICKLIST_2 => nodes(source, each),
        kinds::SET => strings(source, &mut |member| each(Part::Member { member, expires_at: 0 })),
        kinds::SET_INTSET => integers(&string::take(source)?, each),
        kinds::SET_LISTPACK => members(Listpack::open(&string::take(source)?)?, each),
        kinds::SET_DEADLINES => members_with_deadlines(source, each),
        kinds::ZSET => scored(source, take_spelled_score, each),
        kinds::ZSET_2 => scored(source, take_score, each),
        kinds::ZSET_ZIPLIST => scored_pairs(Ziplist::open(&string::take(source)?)?, each),
        kinds::ZSET_LISTPACK => scored_pairs(Listpack::open(&string::take(source)?)?, each),
        kinds::ZSET_DEADLINES => scored_with_deadlines(source, each),
        kinds::STREAM_LISTPACKS | kinds::STREAM_LISTPACKS_2 | kinds::STREAM_LISTPACKS_3 => {
            streams::read(kind, source, each)
        }
        _ => hashes::read(kind, version, source, each),
    }
}

/// Strings behind their number.
fn strings(source: &mut Source<'_>, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    for _ in 0..length::take(source)? {
        each(&string::take(source)?)?;
    }
    Ok(())
}

fn elements<'a>(items: impl Iterator<Item = Result<Item<'a>>>, each: Each<'_>) -> Result<()> {
    let mut buffer = itoa::Buffer::new();
    for item in items {
        each(Part::Element(item?.text(&mut buffer)))?;
    }
    Ok(())
}

fn ziplist_nodes(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        elements(Ziplist::open(&string::take(source)?)?, each)?;
    }
    Ok(())
}

fn nodes(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        let container = length::take(source)?;
        let node = string::take(source)?;
        match container {
            NODE_PLAIN => each(Part::Element(&node))?,
            NODE_PACKED => elements(Listpack::open(&node)?, each)?,
            _ => return Err(nonsense("a node of a list is of a kind that has no meaning")),
        }
    }
    Ok(())
}

fn integers(bytes: &[u8], each: Each<'_>) -> Result<()> {
    let mut buffer = itoa::Buffer::new();
    intset::each(bytes, |member| each(Part::Member { member: buffer.format(member).as_bytes(), expires_at: 0 }))
}

fn members(items: Listpack<'_>, each: Each<'_>) -> Result<()> {
    let mut buffer = itoa::Buffer::new();
    for item in items {
        each(Part::Member { member: item?.text(&mut buffer), expires_at: 0 })?;
    }
    Ok(())
}

/// Takes the score behind a member.
type TakeScore = fn(&mut Source<'_>) -> Result<f64>;

fn scored(source: &mut Source<'_>, take_score: TakeScore, each: Each<'_>) -> Result<()> {
    for _ in 0..length::take(source)? {
        let member = string::take(source)?;
        each(Part::Scored { member: &member, score: take_score(source)?, expires_at: 0 })?;
    }
    Ok(())
}

fn take_score(source: &mut Source<'_>) -> Result<f64> {
    let score = f64::from_le_bytes(source.array()?);
    if score.is_nan() { Err(nonsense("a score is no number")) } else { Ok(score) }
}

/// A score as Redis wrote it before 4.0: behind the length of its spelling, or one byte for what is no finite number.
fn take_spelled_score(source: &mut Source<'_>) -> Result<f64> {
    match source.byte()? {
        255 => Ok(f64::NEG_INFINITY),
        254 => Ok(f64::INFINITY),
        253 => Err(nonsense("a score is no number")),
        len => packed::score(source.take(len.into())?),
    }
}

fn scored_pairs<'a>(mut items: impl Iterator<Item = Result<Item<'a>>>, each: Each<'_>) -> Result<()> {
    let mut buffer = itoa::Buffer::new();
    while let Some(member) = items.next() {
        let score = items.next().unwrap_or_else(|| Err(nonsense("a member has no score")))?.score()?;
        each(Part::Scored { member: member?.text(&mut buffer), score, expires_at: 0 })?;
    }
    Ok(())
}

fn members_with_deadlines(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    let first = source.unsigned_le(8)?;
    for _ in 0..length::take(source)? {
        let expires_at = hashes::take_deadline(source, first)?;
        each(Part::Member { member: &string::take(source)?, expires_at })?;
    }
    Ok(())
}

fn scored_with_deadlines(source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    let first = source.unsigned_le(8)?;
    for _ in 0..length::take(source)? {
        let expires_at = hashes::take_deadline(source, first)?;
        let member = string::take(source)?;
        each(Part::Scored { member: &member, score: take_score(source)?, expires_at })?;
    }
    Ok(())
}
