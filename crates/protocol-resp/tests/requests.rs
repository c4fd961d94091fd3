//! What a client may send, and the words in which it is refused.

mod common;

use common::{Feed, multibulk, whole};
use kvark_call::{Limits, Pipeline, Protocol};
use kvark_protocol_resp::Resp;

fn words(bytes: &[u8]) -> Vec<Vec<String>> {
    let seen = whole(bytes);
    assert_eq!(seen.error, None);
    let text = |arg: Vec<u8>| String::from_utf8_lossy(&arg).into_owned();
    seen.requests.into_iter().map(|request| request.into_iter().map(text).collect()).collect()
}

fn refusal(bytes: &[u8]) -> String {
    whole(bytes)
        .error
        .expect("it is refused")
        .strip_prefix("ERR Protocol error: ")
        .expect("a protocol error")
        .to_owned()
}

#[test]
fn a_pipeline_is_read_as_places_in_its_buffer() {
    let bytes = [multibulk(&[b"SET", b"key", b"a\r\nb\0c"]), multibulk(&[b"GET", b""])].concat();
    assert_eq!(words(&bytes), [vec!["SET", "key", "a\r\nb\0c"], vec!["GET", ""]]);
}

#[test]
fn inline_words_follow_the_rules_of_quoting() {
    let cases: &[(&str, &[&str])] = &[
        ("PING\r\n", &["PING"]),
        ("PING\n", &["PING"]),
        (" \t SET  a   b \r\n", &["SET", "a", "b"]),
        ("SET k \"a b\"\r\n", &["SET", "k", "a b"]),
        ("SET k 'a b'\r\n", &["SET", "k", "a b"]),
        ("SET k \"\"\r\n", &["SET", "k", ""]),
        ("SET k ''\r\n", &["SET", "k", ""]),
        ("SET k \"\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n", &["SET", "k", "\n\r\t\u{8}\u{7}\\\"q"]),
        ("SET k \"\\x41\\x7a\\xg1\\x4\"\r\n", &["SET", "k", "Azxg1x4"]),
        ("SET k 'it\\'s \\n'\r\n", &["SET", "k", "it's \\n"]),
        ("SET k ab\"c d\"\r\n", &["SET", "k", "abc d"]),
        ("SET \\x41 a\\b\r\n", &["SET", "\\x41", "a\\b"]),
    ];
    for (line, expected) in cases {
        assert_eq!(words(line.as_bytes()), [expected.to_vec()], "{line:?}");
    }
}

#[test]
fn bytes_of_any_value_can_be_typed() {
    assert_eq!(whole(b"SET k \"\\xff\\x00\"\n").requests[0][2], [0xff, 0]);
}

#[test]
fn quotes_that_do_not_match_are_refused() {
    for line in ["a \"b\r\n", "a 'b\r\n", "a \"b\"c\r\n", "a 'b'c\r\n", "a \"b\\\"\r\n", "a \"\\\r\n", "'\\'\n"] {
        assert_eq!(refusal(line.as_bytes()), "unbalanced quotes in request", "{line:?}");
    }
}

#[test]
fn empty_requests_mean_nothing() {
    let bytes = b"\r\n\n*0\r\n*-1\r\n   \r\nPING\r\n*0\r\n*1\r\n$4\r\nPING\r\n";
    assert_eq!(words(bytes), [["PING"], ["PING"]]);
}

#[test]
fn wrong_lengths_are_refused_in_redis_words() {
    let cases: &[(&str, &str)] = &[
        ("*x\r\n", "invalid multibulk length"),
        ("*\r\n", "invalid multibulk length"),
        ("*03\r\n", "invalid multibulk length"),
        ("*+3\r\n", "invalid multibulk length"),
        ("*3 \r\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*99999999999999999999\r\n", "invalid multibulk length"),
        ("*1\r\nfoo\r\n", "expected '$', got 'f'"),
        ("*1\r\n\r\n", "expected '$', got '\r'"),
        ("*1\r\n$x\r\n", "invalid bulk length"),
        ("*1\r\n$\r\n", "invalid bulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$01\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("*1\r\n$9223372036854775808\r\n", "invalid bulk length"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(bytes.as_bytes()), *expected, "{bytes:?}");
    }
}

#[test]
fn requests_before_a_refusal_are_kept() {
    let seen = whole(b"PING\r\n*2\r\n$3\r\nGET\r\n!1\r\nPING\r\n");
    assert_eq!(seen.requests, [[b"PING".to_vec()]]);
    assert_eq!(seen.error.as_deref(), Some("ERR Protocol error: expected '$', got '!'"));
}

#[test]
fn lines_without_an_end_are_refused_at_64_kib() {
    for (start, expected) in [
        ("", "too big inline request"),
        ("*", "too big mbulk count string"),
        ("*1\r\n$", "too big bulk count string"),
        ("*2\r\n$1\r\na\r\n$", "too big bulk count string"),
    ] {
        let mut feed = Feed::default();
        feed.push(start.as_bytes(), usize::MAX);
        let room = 64 * 1024 - start.len() + start.rfind(['$', '*']).unwrap_or(0);
        feed.push(&vec![b'1'; room], usize::MAX);
        assert_eq!(feed.seen.error, None, "{start:?}");
        feed.push(b"1", usize::MAX);
        assert_eq!(feed.seen.error, Some(format!("ERR Protocol error: {expected}")), "{start:?}");
    }
}

#[test]
fn a_client_without_the_password_may_send_small_requests_only() {
    let stranger = Limits { authenticated: false, ..Limits::default() };
    let ask = |bytes: &str| {
        let mut feed = Feed::with_limits(stranger);
        feed.push(bytes.as_bytes(), 1);
        feed.seen.error
    };
    assert_eq!(ask("*10\r\n$16384\r\n"), None);
    assert_eq!(ask("*11\r\n").as_deref(), Some("ERR Protocol error: unauthenticated multibulk length"));
    assert_eq!(ask("*2\r\n$16385\r\n").as_deref(), Some("ERR Protocol error: unauthenticated bulk length"));
    let mut feed = Feed::with_limits(stranger);
    feed.push(&multibulk(&[b"AUTH", b"secret"]), 1);
    feed.resp.limit(Limits::default());
    feed.push(&multibulk(&[b"ECHO", &[b'x'; 20_000]]), 1);
    assert_eq!((feed.seen.requests.len(), feed.seen.error), (2, None));
}

#[test]
fn limits_of_the_server_are_kept() {
    let mut feed = Feed::with_limits(Limits { max_bulk_len: 5, max_args: 2, authenticated: true });
    feed.push(b"*2\r\n$5\r\n12345\r\n$6\r\n", usize::MAX);
    assert_eq!(feed.seen.error.as_deref(), Some("ERR Protocol error: invalid bulk length"));
    let mut feed = Feed::with_limits(Limits { max_bulk_len: 5, max_args: 2, authenticated: true });
    feed.push(b"*3\r\n", usize::MAX);
    assert_eq!(feed.seen.error.as_deref(), Some("ERR Protocol error: invalid multibulk length"));
}

#[test]
fn at_most_so_many_requests_are_read_at_a_time() {
    let mut bytes = b"PING\r\n".repeat(5);
    let (mut resp, mut pipeline) = (Resp::default(), Pipeline::default());
    let parsed = resp.parse(&mut bytes, 2, &mut pipeline).unwrap();
    assert_eq!((pipeline.len(), parsed.consumed), (2, 12));
    pipeline.clear();
    let parsed = resp.parse(&mut bytes, 2, &mut pipeline).unwrap();
    assert_eq!((pipeline.len(), parsed.consumed), (2, 24));
}

#[test]
fn an_announced_length_is_told_and_costs_nothing() {
    let mut feed = Feed::default();
    feed.push(b"PING\r\n*1000000\r\n$3\r\nSET\r\n$536870912\r\nabc", usize::MAX);
    let header = "*1000000\r\n$3\r\nSET\r\n$536870912\r\n".len();
    assert_eq!(feed.wants, header + 536_870_912 + 2);
    assert_eq!(feed.buffer.len(), header + 3);
}
