//! A redis.conf: a line is a name and words, bare or quoted.
//!
//! Invariant: the lines of `client-output-buffer-limit` add up, and a rewritten one holds one class.

use kvark_call::Settings;
use kvark_call::setting::{self, Kind, Setting, TABLE};

use super::{Edit, Said, Text};

/// The values in `text`. Errors: where a line with quotes that do not match begins.
pub(super) fn read(text: &str) -> Result<Text, usize> {
    let mut said = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        said.extend(read_line(line, begin)?);
        begin += line.len();
    }
    Ok(Text { said, end: text.len() })
}

fn read_line(line: &str, begin: usize) -> Result<Option<Said>, usize> {
    let indent = line.len() - line.trim_start().len();
    let words = line.trim();
    if words.is_empty() || words.starts_with('#') {
        return Ok(None);
    }
    let (name, name_len) = word(words).ok_or(begin)?;
    let mut arguments = Vec::new();
    let mut rest = words[name_len..].trim_start();
    while !rest.is_empty() {
        let (argument, len) = word(rest).ok_or(begin)?;
        arguments.push(argument);
        rest = rest[len..].trim_start();
    }
    Ok(setting::find(&name).map(|row| Said {
        row: &TABLE[row],
        value: arguments.join(" "),
        at: begin + indent + name_len..begin + indent + words.len(),
        lines: begin..begin + line.len(),
    }))
}

/// The first word of `text` and how many bytes it takes; `None` when its quotes do not match.
fn word(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let Some(quote) = quote else {
        let len = text.find(char::is_whitespace).unwrap_or(text.len());
        return Some((text[..len].to_owned(), len));
    };
    let len = quoted_len(text, quote)?;
    let inside = &text[1..len - 1];
    let ends = text[len..].chars().next().is_none_or(char::is_whitespace);
    let word = || if quote == '"' { unescape(inside) } else { inside.replace("\\'", "'") };
    ends.then(|| (word(), len))
}

/// How many bytes the quoted word takes, with its quotes.
fn quoted_len(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => drop(chars.next()?),
            _ if char == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (char, len) = escaped(&rest[at + 1..]);
        plain.push(char);
        rest = &rest[at + 1 + len..];
    }
    plain + rest
}

/// What stands behind a backslash, and how many bytes say it.
fn escaped(text: &str) -> (char, usize) {
    let code = text.strip_prefix('x').and_then(|digits| digits.get(..2));
    if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        return (char::from(byte), 3);
    }
    match text.chars().next() {
        Some('n') => ('\n', 1),
        Some('r') => ('\r', 1),
        Some('t') => ('\t', 1),
        Some('b') => ('\x08', 1),
        Some('a') => ('\x07', 1),
        Some(char) => (char, char.len_utf8()),
        None => ('\\', 0),
    }
}

/// `value` as one word: bare where nobody could read it otherwise.
pub(super) fn spell(value: &str) -> String {
    let bare = |char: char| char.is_ascii_alphanumeric() || "-_.:/*+=@,%".contains(char);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    let escape = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if char.is_ascii_control() => format!("\\x{:02x}", u32::from(char)),
        _ => char.to_string(),
    };
    format!("\"{}\"", value.chars().map(escape).collect::<String>())
}

/// Whether several lines of this setting are one value.
pub(super) fn adds_up(row: &Setting) -> bool {
    row.kind == Kind::OutputLimits
}

/// One line a class.
pub(super) fn limit_lines(current: &str) -> Vec<String> {
    classes(current).map(|class| format!("client-output-buffer-limit {class}")).collect()
}

fn classes(value: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = value.split(' ').collect();
    words.chunks_exact(4).map(|class| class.join(" ")).collect::<Vec<_>>().into_iter()
}

/// Gives each of the lines one class, in order; the last line is followed by the classes that are left, and lines that are left go.
pub(super) fn update_limits(lines: &[&Said], settings: &Settings) -> Vec<Edit> {
    let Some(last) = lines.last() else { return Vec::new() };
    let current = settings.get(last.row.name);
    let together: Vec<&str> = lines.iter().map(|said| said.value.as_str()).collect();
    if setting::normalize(last.row, &together.join(" ")).is_ok_and(|value| value == current) {
        return Vec::new();
    }
    let mut classes = classes(&current);
    let mut edits = Vec::new();
    for (number, said) in lines.iter().enumerate() {
        let Some(class) = classes.next() else {
            edits.push((said.lines.clone(), String::new()));
            continue;
        };
        let more: Vec<String> = if number + 1 == lines.len() { classes.by_ref().collect() } else { Vec::new() };
        if more.is_empty() && setting::normalize(said.row, &said.value).is_ok_and(|value| value == class) {
            continue;
        }
        let more = more.iter().map(|class| format!("\nclient-output-buffer-limit {class}"));
        edits.push((said.at.clone(), format!(" {class}{}", more.collect::<String>())));
    }
    edits
}
