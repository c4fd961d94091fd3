//! Every reply in both versions, byte for byte.

use kvark_call::{Protocol, Recording, ReplySink, Version};
use kvark_protocol_resp::{Encoder, Resp};

/// The bytes of a reply in RESP2 and RESP3.
fn both(tell: impl Fn(&mut dyn ReplySink)) -> (String, String) {
    let bytes = |mut version: Version| {
        let mut out = Vec::new();
        tell(&mut Encoder::new(&mut out, &mut version));
        String::from_utf8(out).expect("text")
    };
    (bytes(Version::Resp2), bytes(Version::Resp3))
}

#[track_caller]
fn check(tell: impl Fn(&mut dyn ReplySink), resp2: &str, resp3: &str) {
    assert_eq!(both(&tell), (resp2.to_owned(), resp3.to_owned()));
    // A reply that was kept and is told later is the same reply.
    let mut kept = Recording::default();
    tell(&mut kept);
    assert_eq!(both(|out| kept.play(out)), (resp2.to_owned(), resp3.to_owned()), "kept");
}

#[test]
fn forms_that_both_versions_share() {
    check(|out| out.status("OK"), "+OK\r\n", "+OK\r\n");
    check(|out| out.status("a\r\nb"), "+a  b\r\n", "+a  b\r\n");
    check(|out| out.error("ERR syntax error"), "-ERR syntax error\r\n", "-ERR syntax error\r\n");
    check(|out| out.error("ERR '\r\nx\n'\r\n"), "-ERR '  x '\r\n", "-ERR '  x '\r\n");
    check(|out| out.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n");
    check(|out| out.bulk_integer(-17), "$3\r\n-17\r\n", "$3\r\n-17\r\n");
    check(|out| out.array(0), "*0\r\n", "*0\r\n");
}

#[test]
fn integers_of_every_length() {
    for value in [0, 7, 10, 99, 100, 12345, i64::MAX, -1, i64::MIN] {
        let expected = format!(":{value}\r\n");
        check(|out| out.integer(value), &expected, &expected);
    }
    for len in [0, 9, 10, 99, 100, 1000, 70_000] {
        let text = "x".repeat(len);
        let expected = format!("${len}\r\n{text}\r\n");
        check(|out| out.bulk(text.as_bytes()), &expected, &expected);
    }
}

#[test]
fn forms_that_differ() {
    check(|out| out.null(), "$-1\r\n", "_\r\n");
    check(|out| out.null_array(), "*-1\r\n", "_\r\n");
    check(|out| out.map(6), "*12\r\n", "%6\r\n");
    check(|out| out.pairs(6), "*12\r\n", "*6\r\n");
    check(|out| out.pair(), "", "*2\r\n");
    check(|out| out.keyed(6), "*6\r\n", "%6\r\n");
    check(|out| out.keyed_pair(), "*2\r\n", "");
    check(|out| out.set(3), "*3\r\n", "~3\r\n");
    check(|out| out.push(2), "*2\r\n", ">2\r\n");
    check(|out| out.boolean(true), ":1\r\n", "#t\r\n");
    check(|out| out.boolean(false), ":0\r\n", "#f\r\n");
    check(|out| out.verbatim("txt", b"a b"), "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n");
    check(|out| out.double(2.5), "$3\r\n2.5\r\n", ",2.5\r\n");
    check(|out| out.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
}

#[test]
fn doubles_as_redis_prints_them() {
    let cases: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-1e15, "-1000000000000000"),
        (0.1, "0.1"),
        (3.0000000000000004, "3.0000000000000004"),
        (1.0 / 3.0, "0.3333333333333333"),
        (-2.5e-3, "-0.0025"),
        (1.5e-7, "1.5e-7"),
        (1e-5, "0.00001"),
        (1e-7, "1e-7"),
        (1.7e308, "1.7e+308"),
        (5e-324, "5e-324"),
        (1e21, "1e+21"),
        (123456789012345680.0, "123456789012345680"),
        (3834382392465774080.0, "3834382392465774080"),
        (1e19, "1e+19"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "nan"),
    ];
    for (value, expected) in cases {
        check(|out| out.double(*value), &format!("${}\r\n{expected}\r\n", expected.len()), &format!(",{expected}\r\n"));
    }
}

#[test]
fn a_printed_double_reads_back() {
    let mut random = kvark_base::random::Random::from_seed(7);
    for _ in 0..20_000 {
        let value = f64::from_bits(random.next_u64());
        let text = kvark_base::double::Text::new(value);
        let text = std::str::from_utf8(text.as_bytes()).unwrap();
        assert!(value.is_nan() || text.parse::<f64>().unwrap().to_bits() == value.to_bits(), "{text}");
    }
}

#[test]
fn speaking_another_version_holds_for_the_connection() {
    let (mut resp, mut out) = (Resp::default(), Vec::new());
    resp.answer(&mut out, &mut |sink| {
        sink.null();
        sink.speak(Version::Resp3);
        sink.null();
    });
    resp.answer(&mut out, &mut |sink| sink.null());
    assert_eq!(out, b"$-1\r\n_\r\n_\r\n");
}
