//! CONFIG REWRITE: the settings go back into the file they came from.
//!
//! Read in this order: [`rewrite`] (text to text), then what differs by format: [`toml`] and [`redis_conf`] find the values
//! in a text and spell them. `python/kvark/_config.py` is the reader.
//!
//! Invariant: what the reader makes of the new text is what the settings hold, but for fixed settings that the file does not name.
//! Invariant: a value that already says what is the case keeps its spelling; comments and unknown lines keep every byte.

mod redis_conf;
#[cfg(test)]
mod tests;
mod toml;

use std::ops::Range;

use kvark_base::{Error, Kind, Result};
use kvark_call::setting::{self, Setting, TABLE};
use kvark_call::{ConfigFile, ConfigFormat, Settings};
use kvark_disk::Disk;

/// One place of a text that gives a setting its value.
struct Said {
    row: &'static Setting,
    /// As the setting would be given it.
    value: String,
    /// Where the value stands.
    at: Range<usize>,
    /// The lines it stands on, with their ends.
    lines: Range<usize>,
}

/// What a text says.
struct Text {
    said: Vec<Said>,
    /// Where another line may go.
    end: usize,
}

/// New text for a place of the old one.
type Edit = (Range<usize>, String);

/// Writes `settings` into `file`; after a crash it holds the old text or the new one.
pub(crate) fn save(disk: &dyn Disk, file: &ConfigFile, settings: &Settings) -> Result<()> {
    let path = file.path.display();
    let text = String::from_utf8(disk.read_all(&file.path)?)
        .map_err(|_| Error::new(Kind::Invalid, format!("{path} is not UTF-8, so it was left as it is")))?;
    let new = rewrite(&text, file.format, settings).map_err(|line| {
        let message = format!("{path}:{line} makes no sense, so the file was left as it is: correct that line first");
        Error::new(Kind::Invalid, message)
    })?;
    if new == text { Ok(()) } else { disk.write_all_atomic(&file.path, new.as_bytes()) }
}

/// `text` with the values that `settings` hold. Errors: the number of the line that can't be read.
fn rewrite(text: &str, format: ConfigFormat, settings: &Settings) -> Result<String, usize> {
    let read = match format {
        ConfigFormat::Toml => toml::read(text),
        ConfigFormat::RedisConf => redis_conf::read(text),
    };
    let read = read.map_err(|at| line_of(text, at))?;
    let (limits, plain): (Vec<&Said>, Vec<&Said>) =
        read.said.iter().partition(|said| format == ConfigFormat::RedisConf && redis_conf::adds_up(said.row));
    let mut edits: Vec<Edit> = plain.into_iter().filter_map(|said| update(said, format, settings)).collect();
    edits.extend(redis_conf::update_limits(&limits, settings));
    edits.push((read.end..read.end, appended(text, &read, format, settings)));
    edits.sort_by_key(|(at, _)| (at.start, at.end));
    Ok(apply(text, &edits))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What has to change where a setting is named; `None` when it says what is the case.
fn update(said: &Said, format: ConfigFormat, settings: &Settings) -> Option<Edit> {
    let current = settings.get(said.row.name);
    if setting::normalize(said.row, &said.value).is_ok_and(|value| value == current) {
        return None;
    }
    let spelled = match format {
        ConfigFormat::Toml => toml::spell(said.row, &current),
        ConfigFormat::RedisConf => format!(" {}", redis_conf::spell(&current)),
    };
    Some((said.at.clone(), spelled))
}

/// Lines for what was changed or given elsewhere, and is not named in the file.
fn appended(text: &str, read: &Text, format: ConfigFormat, settings: &Settings) -> String {
    let defaults = Settings::default();
    let unnamed = |row: &&Setting| row.mutable && read.said.iter().all(|said| said.row.name != row.name);
    let ending = line_ending(text);
    let mut lines = String::new();
    for row in TABLE.iter().filter(unnamed) {
        let current = settings.get(row.name);
        if current != defaults.get(row.name) {
            for line in lines_for(row, &current, format) {
                lines.extend([line.as_str(), ending]);
            }
        }
    }
    let open = !(text[..read.end].is_empty() || text[..read.end].ends_with(['\n', '\r']));
    if open && !lines.is_empty() { format!("{ending}{lines}") } else { lines }
}

fn lines_for(row: &Setting, current: &str, format: ConfigFormat) -> Vec<String> {
    match format {
        ConfigFormat::Toml => vec![format!("{} = {}", row.name, toml::spell(row, current))],
        ConfigFormat::RedisConf if redis_conf::adds_up(row) => redis_conf::limit_lines(current),
        ConfigFormat::RedisConf => vec![format!("{} {}", row.name, redis_conf::spell(current))],
    }
}

fn line_ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// `text` with `edits`, which stand in order and do not overlap.
fn apply(text: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for (at, replacement) in edits {
        new.push_str(&text[done..at.start]);
        new.push_str(replacement);
        done = at.end;
    }
    new.push_str(&text[done..]);
    new
}
