//! Streams: listpacks of entries, counters, consumer groups.
//!
//! ```text
//! listpacks | (id: 16, big-endian, as a string | listpack as a string) ... | entries | last id
//! since kind 19: first id | largest deleted id | entries ever added
//! groups | (name | last id | since kind 19: entries read
//!           | pending | (id: 16 | delivered at: 8 | deliveries) ...
//!           | consumers | (name | seen at: 8 | since kind 21: active at: 8 | pending | id: 16 ...) ...) ...
//! ```
//!
//! Numbers are lengths where no width is given; an id is two of them.

mod entries;

use kvark_base::{Millis, Result};
use kvark_values::stream::Id;

use super::Each;
use crate::part::{Consumer, Counters, Group, Part, Pending};
use crate::source::{Source, nonsense};
use crate::{kinds, length, string};
use entries::Entries;

/// How Redis writes that nobody knows how many entries a group has read.
const UNKNOWN: u64 = u64::MAX;

/// Hands over every entry, the counters, every group.
pub fn read(kind: u8, source: &mut Source<'_>, each: Each<'_>) -> Result<()> {
    let mut entries = Entries::default();
    for _ in 0..length::take(source)? {
        let master = string::take(source)?;
        entries.read_node(take_id(&mut Source::new(&master))?, &string::take(source)?, each)?;
    }
    let counters = take_counters(kind, source, &entries)?;
    each(Part::Counters(counters))?;
    for _ in 0..length::take(source)? {
        let mut group = take_group(kind, source)?;
        if kind == kinds::STREAM_LISTPACKS {
            group.entries_read = entries.before(group.last_id, &counters);
        }
        each(Part::Group(group))?;
    }
    Ok(())
}

fn take_id(source: &mut Source<'_>) -> Result<Id> {
    Ok(Id { ms: source.unsigned_be(8)?, seq: source.unsigned_be(8)? })
}

fn take_short_id(source: &mut Source<'_>) -> Result<Id> {
    Ok(Id { ms: length::take(source)?, seq: length::take(source)? })
}

fn take_counters(kind: u8, source: &mut Source<'_>, entries: &Entries) -> Result<Counters> {
    let (len, last_id) = (length::take(source)?, take_short_id(source)?);
    if len != entries.seen || entries.last.is_some_and(|last| last > last_id) {
        return Err(nonsense("a stream has other entries than it says"));
    }
    if kind == kinds::STREAM_LISTPACKS {
        return Ok(Counters { last_id, max_deleted_id: Id::default(), entries_added: len });
    }
    take_short_id(source)?; // The first id: the first entry says it better.
    Ok(Counters { last_id, max_deleted_id: take_short_id(source)?, entries_added: length::take(source)? })
}

fn take_group<'a>(kind: u8, source: &mut Source<'a>) -> Result<Group<'a>> {
    let (name, last_id) = (string::take(source)?, take_short_id(source)?);
    let entries_read = match kind {
        kinds::STREAM_LISTPACKS => None,
        _ => Some(length::take(source)?).filter(|&read| read != UNKNOWN),
    };
    let mut pending = take_pending(source)?;
    let consumers = take_consumers(kind, source, &mut pending)?;
    let pending = pending.into_iter().map(Unowned::owned).collect::<Result<_>>()?;
    Ok(Group { name, last_id, entries_read, consumers, pending })
}

/// A pending entry whose consumer is not known yet.
struct Unowned {
    pending: Pending,
    has_owner: bool,
}

impl Unowned {
    fn take(source: &mut Source<'_>) -> Result<Self> {
        let id = take_id(source)?;
        let (delivered_at, deliveries) = (take_moment(source)?.unwrap_or(0), length::take(source)?);
        Ok(Self { pending: Pending { id, consumer: 0, delivered_at, deliveries }, has_owner: false })
    }

    fn give_to(&mut self, consumer: usize) -> Result<()> {
        if self.has_owner {
            return Err(nonsense("a pending entry has two consumers"));
        }
        (self.pending.consumer, self.has_owner) = (consumer, true);
        Ok(())
    }

    fn owned(self) -> Result<Pending> {
        if self.has_owner { Ok(self.pending) } else { Err(nonsense("a pending entry has no consumer")) }
    }
}

fn take_pending(source: &mut Source<'_>) -> Result<Vec<Unowned>> {
    let mut pending: Vec<Unowned> = Vec::new();
    for _ in 0..length::take(source)? {
        let next = Unowned::take(source)?;
        if pending.last().is_some_and(|last| last.pending.id >= next.pending.id) {
            return Err(nonsense("pending entries are not in order"));
        }
        pending.push(next);
    }
    Ok(pending)
}

fn take_consumers<'a>(kind: u8, source: &mut Source<'a>, pending: &mut [Unowned]) -> Result<Vec<Consumer<'a>>> {
    let mut consumers = Vec::new();
    for _ in 0..length::take(source)? {
        let (name, seen_at) = (string::take(source)?, take_moment(source)?.unwrap_or(0));
        // Older forms don't say, and Redis takes the one for the other.
        let active_at = if kind == kinds::STREAM_LISTPACKS_3 { take_moment(source)? } else { Some(seen_at) };
        for _ in 0..length::take(source)? {
            let id = take_id(source)?;
            let at = pending.binary_search_by_key(&id, |it| it.pending.id);
            let at = at.map_err(|_| nonsense("a consumer has an entry that its group does not have"))?;
            pending[at].give_to(consumers.len())?;
        }
        consumers.push(Consumer { name, seen_at, active_at });
    }
    Ok(consumers)
}

/// Milliseconds since the Unix epoch; `None` below, which Redis writes for never.
fn take_moment(source: &mut Source<'_>) -> Result<Option<Millis>> {
    Ok(Millis::try_from(source.signed_le(8)?).ok())
}
