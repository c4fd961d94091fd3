//! A whole hash as bytes. The page is `docs/format/value.md`.

use kvark_base::{Millis, Result};

use super::Hash;
use crate::collection::Collection;
use crate::forms::Forms;
use crate::wire::{Reader, put_bytes, put_varint};
use crate::{IntBuffer, StringRef};

/// No field expires.
const LASTING: u8 = 1;
/// Behind each value is the field's deadline.
const WITH_DEADLINES: u8 = 2;

/// Appends `hash`.
pub(super) fn write(hash: &Hash, out: &mut Vec<u8>) {
    let lasting = hash.0.deadlines().is_empty();
    out.push(if lasting { LASTING } else { WITH_DEADLINES });
    put_varint(out, hash.len() as u64);
    for (field, value, deadline) in hash.with_deadlines() {
        write_field(field, value, (!lasting).then_some(deadline), out);
    }
}

/// Appends one field with its value and, where deadlines are written, its deadline.
pub(super) fn write_field(field: StringRef<'_>, value: StringRef<'_>, deadline: Option<Millis>, out: &mut Vec<u8>) {
    put_bytes(out, field.text(&mut IntBuffer::new()));
    put_bytes(out, value.text(&mut IntBuffer::new()));
    if let Some(deadline) = deadline {
        put_varint(out, deadline);
    }
}

/// Reads what [`write`] wrote.
pub(super) fn read(reader: &mut Reader<'_>, forms: &Forms) -> Result<Hash> {
    let start = reader.clone();
    let kind = reader.byte()?;
    if kind != LASTING && kind != WITH_DEADLINES {
        return Err(start.corrupt());
    }
    let (len, mut hash) = (reader.varint()?, Hash::default());
    for _ in 0..len {
        let (field, value) = (StringRef::new(reader.bytes()?), StringRef::new(reader.bytes()?));
        let deadline = if kind == WITH_DEADLINES { reader.varint()? } else { 0 };
        hash.0.set(field, value, Some(deadline), forms);
    }
    // A field that comes twice was never written.
    if hash.len() as u64 == len { Ok(hash) } else { Err(start.corrupt()) }
}
