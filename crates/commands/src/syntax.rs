//! The arguments of a command, read from the syntax line of its doc comment, as COMMAND DOCS tells them.
//!
//! `NAME` is a token, `name` an argument, `[...]` may be left out, `<a | b>` is one of both (in brackets without `<>`), `x [x ...]` may
//! be repeated. A token takes the arguments behind it: `EX seconds` is one argument with a token.

use kvark_call::ReplySink;

use crate::docs::Doc;
use crate::row::Row;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Argument {
    /// Its name, in lower case.
    pub name: String,
    /// `key`, `string`, `integer`, ..., `pure-token`, `oneof` or `block`.
    pub kind: &'static str,
    /// The word that introduces it.
    pub token: Option<String>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it may be repeated.
    pub multiple: bool,
    /// What a `oneof` or a `block` is made of.
    pub inner: Vec<Argument>,
}

/// The arguments of `row`.
pub fn arguments(doc: &Doc, row: &Row) -> Vec<Argument> {
    let spaced = spaced(doc.syntax);
    let words: Vec<&str> = spaced.split_whitespace().skip(row.name.split('|').count()).collect();
    Parser { words: &words, at: 0 }.alternatives()
}

/// `syntax` with blanks around its brackets.
pub fn spaced(syntax: &str) -> String {
    let mut spaced = syntax.to_owned();
    for bracket in ["[", "]", "<", ">"] {
        spaced = spaced.replace(bracket, &format!(" {bracket} "));
    }
    spaced
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// Up to the closing bracket: one sequence, or a choice among several.
    fn alternatives(&mut self) -> Vec<Argument> {
        let mut choices = vec![Vec::new()];
        while let Some(word) = self.next() {
            match word {
                "]" | ">" => break,
                "|" => choices.push(Vec::new()),
                "..." => {}
                "[" => {
                    let inner = self.alternatives();
                    let multiple = self.words[..self.at].ends_with(&["...", "]"]);
                    close_bracket(choices.last_mut().expect("there is always one"), inner, multiple);
                }
                "<" => {
                    let inner = self.alternatives();
                    push_choice(choices.last_mut().expect("there is always one"), as_one(inner));
                }
                word => push_word(choices.last_mut().expect("there is always one"), word),
            }
        }
        if choices.len() == 1 {
            return choices.remove(0);
        }
        let inner: Vec<Argument> = choices.into_iter().map(as_one).collect();
        let name = inner[0].name.clone();
        vec![Argument { name, kind: "oneof", inner, ..Argument::default() }]
    }
}

/// Adds what stood in brackets: a repetition of what is there already, or something that may be left out.
fn close_bracket(sequence: &mut Vec<Argument>, inner: Vec<Argument>, multiple: bool) {
    let names = |arguments: &[Argument]| arguments.iter().map(|argument| argument.name.clone()).collect::<Vec<_>>();
    let start = sequence.len().saturating_sub(inner.len());
    if !sequence.is_empty() && names(&sequence[start..]) == names(&inner) {
        let repeated = as_one(sequence.split_off(start));
        sequence.push(Argument { multiple: true, ..repeated });
    } else {
        sequence.push(Argument { optional: true, multiple, ..as_one(inner) });
    }
}

/// Adds one of several; a token before it introduces it.
fn push_choice(sequence: &mut Vec<Argument>, choice: Argument) {
    match sequence.last_mut() {
        Some(last) if last.kind == "pure-token" => *last = Argument { token: last.token.take(), ..choice },
        _ => sequence.push(choice),
    }
}

fn push_word(sequence: &mut Vec<Argument>, word: &str) {
    let is_token = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_token {
        let (name, token) = (word.to_ascii_lowercase(), Some(word.to_owned()));
        return sequence.push(Argument { name, kind: "pure-token", token, ..Argument::default() });
    }
    let argument = Argument { name: word.to_owned(), kind: kind_of(word), ..Argument::default() };
    match sequence.last_mut() {
        Some(last) if last.kind == "pure-token" => {
            *last = Argument { token: last.token.take(), ..argument };
        }
        Some(last) if last.token.is_some() && last.kind != "block" => {
            let (token, first) = (last.token.take(), std::mem::take(last));
            let name = token.clone().unwrap_or_default().to_ascii_lowercase();
            *last = Argument { name, kind: "block", token, inner: vec![first, argument], ..Argument::default() };
        }
        _ => sequence.push(argument),
    }
}

fn as_one(mut sequence: Vec<Argument>) -> Argument {
    if sequence.len() == 1 {
        return sequence.remove(0);
    }
    let name = sequence.first().map_or_else(String::new, |first| first.name.clone());
    Argument { name, kind: "block", inner: sequence, ..Argument::default() }
}

fn kind_of(name: &str) -> &'static str {
    match name {
        "key" | "key1" | "key2" | "newkey" | "source" | "destination" | "destkey" => "key",
        "pattern" => "pattern",
        "unix-time-seconds" | "unix-time-milliseconds" => "unix-time",
        "seconds" | "milliseconds" | "increment" | "decrement" | "numkeys" | "offset" | "start" | "end" | "cursor"
        | "count" | "bit" | "index" | "index1" | "index2" | "db" | "destination-db" | "min-match-len" | "timeout"
        | "numreplicas" | "numlocal" | "protover" | "client-id" => "integer",
        _ => "string",
    }
}

/// Answers `arguments` as COMMAND DOCS does.
pub fn answer(arguments: &[Argument], out: &mut dyn ReplySink) {
    out.array(arguments.len());
    for argument in arguments {
        answer_one(argument, out);
    }
}

fn answer_one(argument: &Argument, out: &mut dyn ReplySink) {
    let nested = !argument.inner.is_empty();
    let mut words = vec![("name", argument.name.as_str()), ("type", argument.kind)];
    if !nested {
        words.push(("display_text", &argument.name));
    }
    words.extend(argument.token.as_deref().map(|token| ("token", token)));
    let flags: Vec<&str> = [(argument.optional, "optional"), (argument.multiple, "multiple")]
        .into_iter()
        .filter_map(|(set, flag)| set.then_some(flag))
        .collect();
    let is_key = argument.kind == "key";
    out.map(words.len() + usize::from(is_key) + usize::from(!flags.is_empty()) + usize::from(nested));
    for (name, value) in words {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    if is_key {
        out.bulk(b"key_spec_index");
        out.integer(0);
    }
    if !flags.is_empty() {
        out.bulk(b"flags");
        out.set(flags.len());
        flags.iter().for_each(|flag| out.status(flag));
    }
    if nested {
        out.bulk(b"arguments");
        answer(&argument.inner, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(arguments: &[Argument]) -> String {
        let one = |argument: &Argument| {
            let token = argument.token.as_deref().map_or_else(String::new, |token| format!("{token}:"));
            let inner = if argument.inner.is_empty() { String::new() } else { format!("({})", show(&argument.inner)) };
            let flags =
                format!("{}{}", if argument.optional { "?" } else { "" }, if argument.multiple { "*" } else { "" });
            format!("{token}{}={}{flags}{inner}", argument.name, argument.kind)
        };
        arguments.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn syntax_lines_become_arguments() {
        for (name, shown) in [
            ("GET", "key=key"),
            ("DEL", "key=key*"),
            ("MSET", "key=block*(key=key value=string)"),
            (
                "EXPIRE",
                "key=key seconds=integer nx=oneof?(NX:nx=pure-token XX:xx=pure-token GT:gt=pure-token LT:lt=pure-token)",
            ),
            ("BITFIELD_RO", "key=key GET:get=block?*(encoding=string offset=integer)"),
            (
                "BITOP",
                "and=oneof(AND:and=pure-token OR:or=pure-token XOR:xor=pure-token NOT:not=pure-token \
                 DIFF:diff=pure-token DIFF1:diff1=pure-token ANDOR:andor=pure-token ONE:one=pure-token) \
                 destkey=key key=key*",
            ),
            ("SCAN", "cursor=integer MATCH:pattern=pattern? COUNT:count=integer? TYPE:type=string?"),
            (
                "HELLO",
                "protover=block?(protover=integer AUTH:auth=block?(username=string password=string) SETNAME:clientname=string?)",
            ),
        ] {
            let row = crate::find(name.as_bytes()).unwrap();
            assert_eq!(show(&arguments(&Doc::of(row), row)), shown, "{name}");
        }
    }
}
