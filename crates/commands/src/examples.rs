//! The examples of the doc comments, ready to be run through any door, and replies as `redis-cli` shows them.

use kvark_call::{ReplySink, Version};

use crate::docs::Doc;
use crate::table::ROWS;

/// The example of one command. It begins with an empty store and a fresh connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The row it belongs to.
    pub command: &'static str,
    /// What is typed and answered, in order.
    pub steps: Vec<Step>,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The arguments, the command's name first.
    pub request: Vec<Vec<u8>>,
    /// What is answered, as `redis-cli` shows it; three dots stand for anything.
    pub reply: String,
}

impl Step {
    /// Whether a reply that is shown as `shown` is what the example says.
    pub fn is_answered_by(&self, shown: &str) -> bool {
        let mut parts = self.reply.split("...");
        let Some(mut rest) = parts.next().and_then(|first| shown.strip_prefix(first)) else { return false };
        let mut last = None;
        for part in parts {
            if let Some(middle) = last.replace(part) {
                let Some((_, behind)) = rest.split_once(middle) else { return false };
                rest = behind;
            }
        }
        last.map_or(rest.is_empty(), |last: &str| rest.ends_with(last))
    }
}

/// All examples that may be run, one for each command that has one.
pub fn examples() -> Vec<Example> {
    ROWS.iter()
        .map(|row| (row, Doc::of(row)))
        .filter(|(_, doc)| doc.runs)
        .map(|(row, doc)| Example { command: row.name, steps: steps(&doc.example) })
        .collect()
}

/// Splits the lines of an example into steps.
pub fn steps(lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        if let Some(typed) = line.strip_prefix("> ") {
            steps.push(Step { request: split_line(typed), reply: String::new() });
        } else if let Some(step) = steps.last_mut() {
            if !step.reply.is_empty() {
                step.reply.push('\n');
            }
            step.reply.push_str(line);
        }
    }
    steps
}

/// The arguments of a typed line: words, or text between double quotes with `\n`, `\"`, `\x41` and the like in it.
pub fn split_line(line: &str) -> Vec<Vec<u8>> {
    let (mut args, mut bytes) = (Vec::new(), line.bytes().peekable());
    while let Some(&first) = bytes.peek() {
        match first {
            b' ' => drop(bytes.next()),
            b'"' => {
                bytes.next();
                args.push(quoted(&mut bytes));
            }
            _ => args.push(std::iter::from_fn(|| bytes.next_if(|&byte| byte != b' ')).collect()),
        }
    }
    args
}

fn quoted(bytes: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(byte) = bytes.next().filter(|&byte| byte != b'"') {
        text.push(match byte {
            b'\\' => escaped(bytes),
            byte => byte,
        });
    }
    text
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    match bytes.next() {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'x') => {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0) as u8;
            digit() << 4 | digit()
        }
        Some(byte) => byte,
        None => b'\\',
    }
}

/// A reply, kept as it came: the sink of tests and of whoever wants to look at an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A status.
    Status(String),
    /// A failure.
    Error(String),
    /// An integer.
    Integer(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Nothing.
    Null,
    /// Replies in order; pairs one after the other.
    Array(Vec<Reply>),
}

/// Collects replies, as a client of RESP2 would see them.
#[derive(Debug, Default)]
pub struct ReplyCollector {
    /// Whole replies.
    pub replies: Vec<Reply>,
    /// Arrays that are not whole yet, with how many replies each still waits for.
    open: Vec<(usize, Vec<Reply>)>,
    /// The protocol that was asked for.
    pub version: Version,
}

impl ReplyCollector {
    fn add(&mut self, mut reply: Reply) {
        while let Some((missing, mut replies)) = self.open.pop() {
            replies.push(reply);
            if missing > 1 {
                return self.open.push((missing - 1, replies));
            }
            reply = Reply::Array(replies);
        }
        self.replies.push(reply);
    }

    fn begin(&mut self, len: usize) {
        if len == 0 {
            self.add(Reply::Array(Vec::new()));
        } else {
            self.open.push((len, Vec::new()));
        }
    }

    /// Whether an array was announced and not filled.
    pub fn is_incomplete(&self) -> bool {
        !self.open.is_empty()
    }

    /// The replies as `redis-cli` shows them.
    pub fn show(&self) -> String {
        self.replies.iter().map(Reply::show).collect::<Vec<_>>().join("\n")
    }
}

impl ReplySink for ReplyCollector {
    fn status(&mut self, text: &str) {
        self.add(Reply::Status(text.to_owned()));
    }
    fn error(&mut self, message: &str) {
        self.add(Reply::Error(message.to_owned()));
    }
    fn integer(&mut self, value: i64) {
        self.add(Reply::Integer(value));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.add(Reply::Bulk(bytes.to_vec()));
    }
    fn bulk_integer(&mut self, value: i64) {
        self.add(Reply::Bulk(value.to_string().into_bytes()));
    }
    fn null(&mut self) {
        self.add(Reply::Null);
    }
    fn null_array(&mut self) {
        self.add(Reply::Null);
    }
    fn array(&mut self, len: usize) {
        self.begin(len);
    }
    fn map(&mut self, len: usize) {
        self.begin(2 * len);
    }
    fn pairs(&mut self, len: usize) {
        self.begin(2 * len);
    }
    fn pair(&mut self) {}
    fn keyed(&mut self, len: usize) {
        self.begin(len);
    }
    fn keyed_pair(&mut self) {
        self.begin(2);
    }
    fn set(&mut self, len: usize) {
        self.begin(len);
    }
    fn push(&mut self, len: usize) {
        self.begin(len);
    }
    fn double(&mut self, value: f64) {
        self.add(Reply::Bulk(value.to_string().into_bytes()));
    }
    fn boolean(&mut self, value: bool) {
        self.add(Reply::Integer(value.into()));
    }
    fn verbatim(&mut self, _format: &str, text: &[u8]) {
        self.add(Reply::Bulk(text.to_vec()));
    }
    fn speak(&mut self, version: Version) {
        self.version = version;
    }
}

impl Reply {
    /// The reply as `redis-cli` shows it.
    pub fn show(&self) -> String {
        match self {
            Self::Status(text) => text.clone(),
            Self::Error(message) => format!("(error) {message}"),
            Self::Integer(value) => format!("(integer) {value}"),
            Self::Bulk(bytes) => show_bytes(bytes),
            Self::Null => "(nil)".to_owned(),
            Self::Array(replies) if replies.is_empty() => "(empty array)".to_owned(),
            Self::Array(replies) => show_array(replies),
        }
    }
}

/// Numbered lines; what is inside is indented by the width of the number.
fn show_array(replies: &[Reply]) -> String {
    let width = replies.len().to_string().len();
    let indent = format!("\n{}", " ".repeat(width + 2));
    let lines = replies
        .iter()
        .enumerate()
        .map(|(at, reply)| format!("{:>width$}) {}", at + 1, reply.show().replace('\n', &indent)));
    lines.collect::<Vec<_>>().join("\n")
}

fn show_bytes(bytes: &[u8]) -> String {
    let mut shown = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => shown.extend(['\\', char::from(byte)]),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\t' => shown.push_str("\\t"),
            b' '..=b'~' => shown.push(char::from(byte)),
            _ => shown.push_str(&format!("\\x{byte:02x}")),
        }
    }
    shown + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_dots_stand_for_anything() {
        for (said, shown, fits) in [
            ("(integer) 1", "(integer) 1", true),
            ("(integer) 1", "(integer) 10", false),
            ("(integer) ...", "(integer) 10", true),
            ("a...b...c", "a-b-b-c", true),
            ("a...b...c", "a-c", false),
            ("...", "", true),
            ("a...a", "a", false),
            ("...x", "yy", false),
        ] {
            let step = Step { request: Vec::new(), reply: said.to_owned() };
            assert_eq!(step.is_answered_by(shown), fits, "{said} {shown}");
        }
    }

    #[test]
    fn lines_are_split_as_typed() {
        let args = split_line(r#"SET  k "a \"b\" \x00\n" ''"#);
        assert_eq!(args, [b"SET".to_vec(), b"k".to_vec(), b"a \"b\" \x00\n".to_vec(), b"''".to_vec()]);
    }
}
