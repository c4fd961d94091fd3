//! Answers as text, one line each, in the notation of a command line client.

use kvark_call::{ReplySink, Version};

/// Collects answers.
#[derive(Debug, Default)]
pub struct TextSink(pub Vec<String>);

impl TextSink {
    fn line(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    /// All lines, separated by blanks.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.0).join(" ")
    }
}

impl ReplySink for TextSink {
    fn status(&mut self, text: &str) {
        self.line(text);
    }
    fn error(&mut self, message: &str) {
        self.line(format!("!{message}"));
    }
    fn integer(&mut self, value: i64) {
        self.line(format!(":{value}"));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.line(format!("\"{}\"", bytes.escape_ascii()));
    }
    fn bulk_integer(&mut self, value: i64) {
        self.line(format!("\"{value}\""));
    }
    fn null(&mut self) {
        self.line("nil");
    }
    fn null_array(&mut self) {
        self.line("nil");
    }
    fn array(&mut self, len: usize) {
        self.line(format!("*{len}"));
    }
    fn map(&mut self, len: usize) {
        self.line(format!("%{len}"));
    }
    fn set(&mut self, len: usize) {
        self.line(format!("~{len}"));
    }
    fn push(&mut self, len: usize) {
        self.line(format!(">{len}"));
    }
    fn double(&mut self, value: f64) {
        self.line(format!(",{value}"));
    }
    fn boolean(&mut self, value: bool) {
        self.line(format!("#{value}"));
    }
    fn verbatim(&mut self, _format: &str, text: &[u8]) {
        self.bulk(text);
    }
    fn speak(&mut self, _version: Version) {}
}
