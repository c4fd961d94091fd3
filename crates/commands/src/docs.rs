//! The doc comments of the commands: manual pages, COMMAND DOCS and tests, from one text.
//!
//! A comment is the syntax between backticks, an empty line, the summary, an empty line, and an example between
//! ` ```resp ` and ` ``` `, as `redis-cli` shows it: `> ` before what is typed, then what is answered. Three dots
//! in an answer stand for anything. An example that begins with ` ```resp,shown ` is only read, never run.

use crate::row::{Row, Source};

/// What a command's doc comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    /// `GETRANGE key start end`.
    pub syntax: &'static str,
    /// A few sentences on one line.
    pub summary: String,
    /// The lines of the example.
    pub example: Vec<&'static str>,
    /// Whether the example may be run.
    pub runs: bool,
}

impl Doc {
    /// The doc comment of `row`. Panics when there is none or it has another form, which a test looks for.
    pub fn of(row: &Row) -> Self {
        Self::parse(&comment(row.source))
            .unwrap_or_else(|| panic!("{} has no doc comment of the agreed form", row.name))
    }

    fn parse(lines: &[&'static str]) -> Option<Self> {
        let syntax = lines.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let fence = lines.iter().position(|line| line.starts_with("```resp"))?;
        let end = fence + 1 + lines[fence + 1..].iter().position(|line| *line == "```")?;
        let words = lines[1..fence].iter().flat_map(|line| line.split_whitespace());
        let summary = words.collect::<Vec<_>>().join(" ");
        Some(Self { syntax, summary, example: lines[fence + 1..end].to_vec(), runs: lines[fence] == "```resp" })
    }
}

/// The lines of the doc comment above a function, without their slashes.
fn comment(source: Source) -> Vec<&'static str> {
    let head = format!("\npub fn {}(", source.function);
    let Some(at) = source.text.find(&head) else { return Vec::new() };
    let above = source.text[..at].lines().rev().skip_while(|line| line.starts_with("#["));
    let mut lines: Vec<&str> = above.map_while(|line| line.strip_prefix("///")).collect();
    lines.reverse();
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect()
}
