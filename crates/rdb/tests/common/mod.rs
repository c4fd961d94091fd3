//! Payloads that real servers wrote, and parts that can be kept and shown.

#![allow(dead_code)] // Each test uses some of it.

use std::borrow::Cow;

use kvark_rdb::part::Group;
use kvark_rdb::{Dumper, Part, Payload};
use kvark_values::Type;
use kvark_values::stream::Id;

/// What servers wrote, by the name of the server.
pub const SERVERS: [(&str, &str); 3] = [
    ("redis7", include_str!("../payloads/redis7.txt")),
    ("redis8", include_str!("../payloads/redis8.txt")),
    ("valkey9", include_str!("../payloads/valkey9.txt")),
];

/// One value: what it is called, what the server said that it holds, what the server wrote.
#[derive(Debug, Default, Clone)]
pub struct Case {
    pub name: String,
    pub holds: Vec<String>,
    pub payload: Vec<u8>,
}

/// Every case of every server.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (server, text) in SERVERS {
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("case", name)) => cases.push(Case { name: format!("{server}: {name}"), ..Case::default() }),
                Some(("holds", part)) => cases.last_mut().unwrap().holds.push(part.to_owned()),
                Some(("payload", digits)) => cases.last_mut().unwrap().payload = unhex(digits),
                _ => {}
            }
        }
    }
    cases
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// All parts of a payload, kept.
pub fn parts(payload: &[u8]) -> Result<Vec<Part<'static>>, String> {
    let mut kept = Vec::new();
    let payload = Payload::open(payload).map_err(|refusal| format!("{refusal:?}"))?;
    let read = payload.read(&mut |part| {
        kept.push(keep(part));
        Ok(())
    });
    read.map(|()| kept).map_err(|error| error.to_string())
}

/// A test ends soon: what it keeps may stay for ever.
fn leak(bytes: &[u8]) -> &'static [u8] {
    Box::leak(bytes.to_vec().into_boxed_slice())
}

fn keep(part: Part<'_>) -> Part<'static> {
    match part {
        Part::Text(text) => Part::Text(leak(text)),
        Part::Element(element) => Part::Element(leak(element)),
        Part::Member { member, expires_at } => Part::Member { member: leak(member), expires_at },
        Part::Scored { member, score, expires_at } => Part::Scored { member: leak(member), score, expires_at },
        Part::Field { name, value, expires_at } => Part::Field { name: leak(name), value: leak(value), expires_at },
        Part::Entry { id, fields } => {
            let fields: Vec<Cow<'static, [u8]>> = fields.iter().map(|field| Cow::Owned(field.to_vec())).collect();
            Part::Entry { id, fields: fields.leak() }
        }
        Part::Counters(counters) => Part::Counters(counters),
        Part::Group(group) => Part::Group(group.into_owned()),
    }
}

/// The payload that we write for these parts.
pub fn written(of_type: Type, parts: &[Part<'static>]) -> Vec<u8> {
    let first = parts.iter().map(deadline).filter(|&deadline| deadline != 0).min();
    let mut dumper = Dumper::new(of_type, parts.len(), first.unwrap_or(0));
    parts.iter().for_each(|part| dumper.put(part.clone()));
    dumper.finish()
}

fn deadline(part: &Part<'_>) -> u64 {
    match part {
        Part::Member { expires_at, .. } | Part::Scored { expires_at, .. } | Part::Field { expires_at, .. } => {
            *expires_at
        }
        _ => 0,
    }
}

/// The lines that say what the parts are; sorted where their order means nothing.
pub fn lines(parts: &[Part<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = parts.iter().flat_map(lines_of).collect();
    if matches!(parts[0], Part::Member { .. } | Part::Scored { .. } | Part::Field { .. }) {
        lines.sort();
    }
    lines
}

fn lines_of(part: &Part<'_>) -> Vec<String> {
    let line = match part {
        Part::Text(text) => format!("text {}", quoted(text)),
        Part::Element(element) => format!("element {}", quoted(element)),
        Part::Member { member, expires_at } => format!("member {} {expires_at}", quoted(member)),
        Part::Scored { member, score, expires_at } => {
            format!("scored {} {:016x} {expires_at}", quoted(member), score.to_bits())
        }
        Part::Field { name, value, expires_at } => format!("field {} {} {expires_at}", quoted(name), quoted(value)),
        Part::Entry { id, fields } => {
            let fields: String = fields.iter().map(|field| format!(" {}", quoted(field))).collect();
            format!("entry {}{fields}", shown(*id))
        }
        Part::Counters(it) => {
            format!("counters {} {} {}", shown(it.last_id), shown(it.max_deleted_id), it.entries_added)
        }
        Part::Group(group) => return group_lines(group),
    };
    vec![line]
}

fn group_lines(group: &Group<'_>) -> Vec<String> {
    let or = |number: Option<u64>, unknown: &str| number.map_or(unknown.to_owned(), |number| number.to_string());
    let read = or(group.entries_read, "?");
    let mut lines = vec![format!("group {} {} {read}", quoted(&group.name), shown(group.last_id))];
    for it in &group.consumers {
        lines.push(format!("consumer {} {} {}", quoted(&it.name), it.seen_at, or(it.active_at, "never")));
    }
    for it in &group.pending {
        let consumer = quoted(&group.consumers[it.consumer].name);
        lines.push(format!("pending {} {consumer} {} {}", shown(it.id), it.delivered_at, it.deliveries));
    }
    lines
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn shown(id: Id) -> String {
    format!("{}-{}", id.ms, id.seq)
}
