//! The table against itself and against the doc comments.

mod common;

use std::collections::BTreeSet;

use common::{Store, replayed};
use kvark_call::request::OwnedRequest;
use kvark_commands::docs::Doc;
use kvark_commands::examples::{examples, steps};
use kvark_commands::syntax::spaced;
use kvark_commands::{Flags, Handler, Keys, ROWS, find, index};
use kvark_keyspace::Classes;

#[test]
fn rows_stand_in_order_and_are_found_in_any_case() {
    assert!(ROWS.windows(2).all(|pair| pair[0].name < pair[1].name));
    for (number, row) in ROWS.iter().enumerate() {
        assert_eq!(row.name, row.name.to_ascii_uppercase());
        for name in [row.name.to_owned(), row.name.to_ascii_lowercase()] {
            let found = find(name.as_bytes()).unwrap_or_else(|| panic!("{name} is not found"));
            assert_eq!(index(found) as usize, number);
        }
    }
    // Folding is exact for letters only: `_` and 0x7f fold to the same byte.
    for name in [
        "",
        "G",
        "GETT",
        "GE",
        "CLIENT|",
        "MULT",
        "\x07ET",
        "GET\0",
        "\0",
        "CLIENT\\ID",
        "SORT\x7fRO",
        "CLIENT|",
        "A-NAME-THAT-IS-LONGER-THAN-ANY-COMMAND",
    ] {
        assert!(find(name.as_bytes()).is_none(), "{name}");
    }
}

#[test]
fn each_flag_has_a_bit_of_its_own() {
    // Two branches that add a flag each merge without a conflict.
    let source = include_str!("../src/row.rs");
    let bits: Vec<&str> =
        source.split("Self = Self(1 << ").skip(1).map(|rest| &rest[..rest.find(')').unwrap()]).collect();
    assert!(bits.len() > 20);
    assert_eq!(bits.iter().collect::<BTreeSet<_>>().len(), bits.len(), "{bits:?}");
}

#[test]
fn flags_keys_and_handlers_agree() {
    for row in &ROWS {
        let flags = row.flags;
        assert!(!(flags.has(Flags::WRITE) && flags.has(Flags::READONLY)), "{}", row.name);
        let changes = flags.has(Flags::WRITE) || flags.has(Flags::MAY_REPLICATE);
        match row.handler {
            Handler::Read(_) => assert!(flags.has(Flags::READONLY) && row.keys != Keys::None, "{}", row.name),
            Handler::Write(_) => assert!(changes && row.keys != Keys::None, "{}", row.name),
            Handler::Ask(_) => {}
        }
        let has_subs = ROWS.iter().any(|sub| sub.name.starts_with(&format!("{}|", row.name)));
        assert_eq!(flags.has(Flags::FAMILY), has_subs, "{}", row.name);
    }
}

#[test]
fn a_row_says_which_arguments_are_members() {
    for (line, members) in [
        ("HSET k f v g w", vec!["f", "g"]),
        ("HMGET k f g", vec!["f", "g"]),
        ("HINCRBY k f 1", vec!["f"]),
        ("SISMEMBER k m", vec!["m"]),
        ("ZADD k 1 m 2 n", vec!["m", "n"]),
        ("ZINCRBY k 1 m", vec!["m"]),
        ("ZCARD k", vec![]),
        ("GET k", vec![]),
    ] {
        let request = OwnedRequest::new(line.split(' '));
        let request = request.as_request();
        let row = find(request.name()).unwrap();
        let named: Vec<_> = row.members(&request).map(|argument| request.arg(argument)).collect();
        assert_eq!(named, members.iter().map(|member| member.as_bytes()).collect::<Vec<_>>(), "{line}");
        assert_eq!(row.one_key(&request), Some(&b"k"[..]), "{line}");
    }
}

#[test]
fn each_row_has_a_page_of_the_agreed_form() {
    let version =
        |since: &str| since.split('.').count() == 3 && since.split('.').all(|part| part.parse::<u8>().is_ok());
    for row in &ROWS {
        let doc = Doc::of(row);
        assert!(version(row.since), "{} since {}", row.name, row.since);
        assert!(doc.summary.len() > 3 && doc.summary.ends_with('.'), "{}: {:?}", row.name, doc.summary);
        let spelled = row.name.replace('|', " ");
        let rest = doc.syntax.strip_prefix(&spelled).unwrap_or_else(|| panic!("{}: {}", row.name, doc.syntax));
        assert!(rest.is_empty() || rest.starts_with(' '), "{}: {}", row.name, doc.syntax);
        let steps = steps(&doc.example);
        let own = steps.iter().filter(|step| {
            let typed = |at: usize| step.request.get(at).map(|arg| String::from_utf8_lossy(arg).to_ascii_uppercase());
            let one = typed(0).unwrap_or_default();
            one == row.name || typed(1).is_some_and(|sub| format!("{one}|{sub}") == row.name)
        });
        let mut answered = own.filter(|step| !step.reply.starts_with("(error) ERR wrong number")).peekable();
        if !row.flags.has(Flags::FAMILY) {
            assert!(answered.peek().is_some(), "{} has no example of itself", row.name);
        }
        answered.for_each(|step| assert!(row.takes(step.request.len()), "{}: {:?}", row.name, step.request));
    }
}

#[test]
fn arity_is_the_least_that_the_syntax_allows() {
    for row in ROWS.iter().filter(|row| !row.flags.has(Flags::FAMILY)) {
        let syntax = Doc::of(row).syntax;
        let (mut depth, mut required) = (0, 0);
        let (mut optional, mut counting, mut choosing) = (false, true, false);
        for word in spaced(syntax).split_whitespace() {
            match word {
                "<" => choosing = true,
                "|" if choosing => counting = false,
                ">" => (choosing, counting) = (false, true),
                "[" => (depth, optional) = (depth + 1, true),
                "]" => depth -= 1,
                "|" => counting &= depth > 0,
                _ => required += usize::from(depth == 0 && counting),
            }
        }
        let exact = row.arity > 0;
        if row.name.starts_with("GEOSEARCH") {
            // What has no centre is a polygon, which has more arguments than any centre.
            required += 2;
        }
        assert_eq!(usize::from(row.arity.unsigned_abs()), required, "{syntax}");
        // QUIT takes whatever comes, as in Redis.
        assert!(exact != optional || row.name == "QUIT", "{syntax}: arity {}", row.arity);
    }
}

#[test]
fn every_example_is_true_and_replays_to_the_same_store() {
    let mut seen = BTreeSet::new();
    for example in examples() {
        let mut store = Store::new();
        for step in &example.steps {
            let shown = store.run(&step.request);
            let typed: Vec<_> = step.request.iter().map(|arg| String::from_utf8_lossy(arg)).collect();
            assert!(
                step.is_answered_by(&shown),
                "{}\n> {}\nthe page says:\n{}\nthe answer is:\n{shown}",
                example.command,
                typed.join(" "),
                step.reply
            );
        }
        store.keyspace.log().sync().unwrap();
        let now_ms = store.clock.now_ms();
        assert_eq!(store.keyspace.digest(now_ms), replayed(&store.shelf, now_ms), "{}", example.command);
        seen.insert(example.command);
    }
    let unseen: Vec<_> = ROWS.iter().map(|row| row.name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, ["CONFIG|REWRITE", "MONITOR", "PSUBSCRIBE", "SHUTDOWN", "SSUBSCRIBE", "SUBSCRIBE"]);
}

/// Changes that are told under no name of their own: what they do has several, or none.
const UNNAMED: [&str; 19] = [
    "BLMOVE",
    "BLMPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "HGETEX",
    "LMOVE",
    "LMPOP",
    "MOVE",
    "PFCOUNT",
    "PFDEBUG",
    "RENAME",
    "RENAMENX",
    "RPOPLPUSH",
    "SMOVE",
    "XACK",
    "XAUTOCLAIM",
    "XCLAIM",
    "XREADGROUP",
    "ZMPOP",
];

#[test]
fn every_command_that_changes_keys_says_what_that_is_told_as() {
    for row in ROWS.iter().filter(|row| matches!(row.handler, Handler::Write(_))) {
        let unnamed = row.event.name.is_empty();
        assert_eq!(unnamed, UNNAMED.contains(&row.name), "{} is told as '{}'", row.name, row.event.name);
        assert_eq!(unnamed, row.event.class == Classes::NONE, "{}", row.name);
    }
}
