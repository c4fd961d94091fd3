//! A whole set as bytes. The page is `docs/format/value.md`.

use kvark_base::{Millis, Result};

use super::Set;
use crate::collection::Collection;
use crate::forms::Forms;
use crate::wire::{Reader, put_bytes, put_varint};
use crate::{IntBuffer, StringRef};

/// No member expires.
const LASTING: u8 = 1;
/// Behind each member is its deadline.
const WITH_DEADLINES: u8 = 2;

/// Appends `set`.
pub(super) fn write(set: &Set, out: &mut Vec<u8>) {
    let lasting = set.next_deadline() == 0;
    out.push(if lasting { LASTING } else { WITH_DEADLINES });
    put_varint(out, set.len() as u64);
    for (member, deadline) in set.0.with_deadlines() {
        put_bytes(out, member.text(&mut IntBuffer::new()));
        if !lasting {
            put_varint(out, deadline);
        }
    }
}

/// Appends one member and its deadline.
pub(super) fn write_member(member: StringRef<'_>, deadline: Millis, out: &mut Vec<u8>) {
    put_bytes(out, member.text(&mut IntBuffer::new()));
    put_varint(out, deadline);
}

/// Reads what [`write`] wrote.
pub(super) fn read(reader: &mut Reader<'_>, forms: &Forms) -> Result<Set> {
    let start = reader.clone();
    let kind = reader.byte()?;
    if kind != LASTING && kind != WITH_DEADLINES {
        return Err(start.corrupt());
    }
    let (len, mut set) = (reader.varint()?, Set::default());
    for _ in 0..len {
        let member = StringRef::new(reader.bytes()?);
        let deadline = if kind == WITH_DEADLINES { reader.varint()? } else { 0 };
        set.0.add(member, deadline, forms);
    }
    // A member that comes twice was never written.
    if set.len() as u64 == len { Ok(set) } else { Err(start.corrupt()) }
}
