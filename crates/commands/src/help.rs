//! What `... HELP` says, made from the doc comments of the sub-commands.

use kvark_call::{Outcome, ReplySink};

use crate::docs::Doc;
use crate::row::{Answer, Row};
use crate::table::ROWS;

/// The sub-commands of the family called `name`.
pub fn subcommands(name: &str) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.name.split_once('|').is_some_and(|(family, _)| family == name))
}

/// Answers the list of sub-commands of `family`.
pub fn answer(family: &str, out: &mut dyn ReplySink) -> Answer {
    let docs: Vec<Doc> = subcommands(family).map(Doc::of).collect();
    out.array(1 + 2 * docs.len());
    out.status(&format!("{family} <subcommand> [<argument> ...], where the sub-command is one of:"));
    for doc in docs {
        out.status(doc.syntax.strip_prefix(family).unwrap_or(doc.syntax).trim_start());
        out.status(&format!("    {}", doc.summary));
    }
    Ok(Outcome::Done)
}
