//! What a room tells of itself. `INFO` is a loop over everybody's facts; no room sees the whole.

use std::fmt::Display;

use kvark_base::Millis;

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

    /// Tells a number of bytes, and behind it the same for people.
    pub fn tell_bytes(&mut self, section: &'static str, name: &str, bytes: u64) {
        self.tell(section, name, bytes);
        self.tell(section, format!("{name}_human"), human(bytes));
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

/// `1536` is `1.50K`.
fn human(bytes: u64) -> String {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    let power = (bytes.max(1).ilog2() / 10) as usize;
    match power.checked_sub(1) {
        None => format!("{bytes}B"),
        Some(unit) => format!("{:.2}{}", bytes as f64 / (1u64 << (10 * power)) as f64, UNITS[unit]),
    }
}

/// Somebody who has something to tell.
pub trait Facts: Send + Sync {
    /// Adds what it knows to `sheet`.
    fn tell(&self, sheet: &mut FactSheet);
    /// Looks at its counts, about ten times a second, to know how fast they grow.
    fn sample(&self, _now_ms: Millis) {}
    /// Sets its counters back to zero (`CONFIG RESETSTAT`).
    fn reset(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit_for_people() {
        let shown = [0, 1023, 1024, 1536, 5 << 20, u64::MAX].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "1.50K", "5.00M", "16.00E"]);
    }
}
