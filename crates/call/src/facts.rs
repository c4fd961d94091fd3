//! What a room tells of itself. `INFO` is a loop over everybody's facts; no room sees the whole.

use std::fmt::Display;

/// Lines under section names, in the order in which they were told.
#[derive(Debug, Clone, Default)]
pub struct FactSheet {
    sections: Vec<(&'static str, Vec<(String, String)>)>,
}

impl FactSheet {
    /// Tells one fact. `section` in lower case (`memory`), `name` as `INFO` prints it.
    pub fn tell(&mut self, section: &'static str, name: impl Into<String>, value: impl Display) {
        let line = (name.into(), value.to_string());
        match self.sections.iter_mut().find(|(name, _)| *name == section) {
            Some((_, lines)) => lines.push(line),
            None => self.sections.push((section, vec![line])),
        }
    }

    /// The lines of one section.
    pub fn section(&self, name: &str) -> Option<&[(String, String)]> {
        self.sections.iter().find(|(section, _)| section.eq_ignore_ascii_case(name)).map(|(_, lines)| lines.as_slice())
    }

    /// All sections.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &[(String, String)])> {
        self.sections.iter().map(|(name, lines)| (*name, lines.as_slice()))
    }
}

/// Somebody who has something to tell.
pub trait Facts: Send + Sync {
    /// Adds what it knows to `sheet`.
    fn tell(&self, sheet: &mut FactSheet);
    /// Sets its counters back to zero (`CONFIG RESETSTAT`).
    fn reset(&self) {}
}
