//! The entries of a listpack of a stream, written as differences from a master entry.
//!
//! ```text
//! entries | deleted | master's fields | name ... | 0
//! flags | ms - master's | seq - master's | (unless same: fields) | (name, unless same | value) ... | elements of the entry
//!
//! flags: 1 deleted, 2 same fields as the master
//! ```
//!
//! Invariant: ids rise, from one listpack to the next too.

use std::borrow::Cow;

use kvark_base::Result;
use kvark_base::limits::MAX_ARGS;
use kvark_values::stream::Id;

use crate::packed::Item;
use crate::packed::listpack::Listpack;
use crate::part::{Counters, Part};
use crate::read::Each;
use crate::source::nonsense;

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// What was seen of the entries.
#[derive(Debug, Default)]
pub struct Entries {
    /// How many there are.
    pub seen: u64,
    /// The id of the first.
    pub first: Option<Id>,
    /// The id of the last.
    pub last: Option<Id>,
}

impl Entries {
    /// Hands over the entries of one listpack.
    pub fn read_node(&mut self, master: Id, bytes: &[u8], each: Each<'_>) -> Result<()> {
        let mut items = Listpack::open(bytes)?;
        let (kept, deleted) = (due_count(&mut items)?, due_count(&mut items)?);
        let names = take_names(&mut items)?;
        if items.due_integer()? != 0 {
            return Err(nonsense("a listpack of a stream has no end of its master entry"));
        }
        let mut seen_deleted = 0;
        for _ in 0..kept.saturating_add(deleted) {
            let entry = Entry::take(&mut items, master, &names)?;
            match entry.is_deleted {
                true => seen_deleted += 1,
                false => self.hand_over(&entry, each)?,
            }
        }
        if seen_deleted != deleted {
            return Err(nonsense("a listpack of a stream has another number of deleted entries than it says"));
        }
        items.expect_end()
    }

    fn hand_over(&mut self, entry: &Entry<'_>, each: Each<'_>) -> Result<()> {
        if self.last.is_some_and(|last| last >= entry.id) {
            return Err(nonsense("the entries of a stream are not in order"));
        }
        self.first.get_or_insert(entry.id);
        self.last = Some(entry.id);
        self.seen += 1;
        each(Part::Entry { id: entry.id, fields: &entry.fields })
    }

    /// How many entries there were up to `id`, as far as that is certain.
    pub fn before(&self, id: Id, counters: &Counters) -> Option<u64> {
        let Some(first) = self.first else { return Some(counters.entries_added).filter(|_| id <= counters.last_id) };
        match id {
            id if id < first => Some(counters.entries_added - self.seen),
            id if id == first => Some(counters.entries_added - self.seen + 1),
            id if id == counters.last_id => Some(counters.entries_added),
            _ => None,
        }
    }
}

struct Entry<'a> {
    id: Id,
    is_deleted: bool,
    fields: Vec<Cow<'a, [u8]>>,
}

impl<'a> Entry<'a> {
    fn take(items: &mut Listpack<'a>, master: Id, names: &[Cow<'a, [u8]>]) -> Result<Self> {
        let (flags, ms, seq) = (items.due_integer()?, items.due_integer()?, items.due_integer()?);
        let id = Id { ms: master.ms.wrapping_add_signed(ms), seq: master.seq.wrapping_add_signed(seq) };
        let (fields, elements) = match flags & SAME_FIELDS {
            0 => take_own_fields(items)?,
            _ => take_values(items, names)?,
        };
        if items.due_integer()? != elements {
            return Err(nonsense("an entry of a stream has another number of elements than it says"));
        }
        Ok(Self { id, is_deleted: flags & DELETED != 0, fields })
    }
}

type FieldsAndElements<'a> = (Vec<Cow<'a, [u8]>>, i64);

fn take_own_fields<'a>(items: &mut Listpack<'a>) -> Result<FieldsAndElements<'a>> {
    let (count, mut fields) = (due_field_count(items)?, Vec::new());
    for _ in 0..count {
        fields.push(text(items.due()?));
        fields.push(text(items.due()?));
    }
    let elements = fields.len() as i64 + 4;
    Ok((fields, elements))
}

fn take_values<'a>(items: &mut Listpack<'a>, names: &[Cow<'a, [u8]>]) -> Result<FieldsAndElements<'a>> {
    let mut fields = Vec::with_capacity(2 * names.len());
    for name in names {
        fields.push(name.clone());
        fields.push(text(items.due()?));
    }
    Ok((fields, names.len() as i64 + 3))
}

fn take_names<'a>(items: &mut Listpack<'a>) -> Result<Vec<Cow<'a, [u8]>>> {
    let (count, mut names) = (due_field_count(items)?, Vec::new());
    for _ in 0..count {
        names.push(text(items.due()?));
    }
    Ok(names)
}

/// An entry has no more fields than a command could give it: a listpack that was compressed may have far more elements than the
/// payload had bytes, and each field takes memory of its own here.
fn due_field_count(items: &mut Listpack<'_>) -> Result<u64> {
    let count = due_count(items)?;
    if count > MAX_ARGS as u64 / 2 { Err(nonsense("an entry of a stream has too many fields")) } else { Ok(count) }
}

fn due_count(items: &mut Listpack<'_>) -> Result<u64> {
    u64::try_from(items.due_integer()?).map_err(|_| nonsense("a number of fields or entries is below zero"))
}

fn text(item: Item<'_>) -> Cow<'_, [u8]> {
    match item {
        Item::Bytes(bytes) => Cow::Borrowed(bytes),
        Item::Int(number) => Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()),
    }
}
