//! Patterns against the plain recursive definition.

use kvark_base::glob::matches;
use proptest::prelude::*;

/// What a pattern means, tried in every way.
fn means(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skipped| means(rest, &text[skipped..])),
        _ => match text {
            [] => false,
            [byte, behind @ ..] => one(pattern, *byte).is_some_and(|rest| means(rest, behind)),
        },
    }
}

fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => {
            let negated = rest.first() == Some(&b'^');
            let (mut at, mut hit) = (usize::from(negated), false);
            while at < rest.len() && rest[at] != b']' {
                let (escaped, ranged) =
                    (rest[at] == b'\\' && at + 1 < rest.len(), rest.get(at + 1) == Some(&b'-') && at + 2 < rest.len());
                if escaped {
                    hit |= rest[at + 1] == byte;
                    at += 2;
                } else if ranged {
                    let (low, high) = (rest[at].min(rest[at + 2]), rest[at].max(rest[at + 2]));
                    hit |= low <= byte && byte <= high;
                    at += 3;
                } else {
                    hit |= rest[at] == byte;
                    at += 1;
                }
            }
            (hit != negated).then(|| rest.get(at + 1..).unwrap_or(&[]))
        }
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (*literal == byte).then_some(rest),
        [] => None,
    }
}

fn pieces(alphabet: &'static [u8], most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(alphabet), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_matches_what_it_means(pattern in pieces(b"ab*?[]^-\\c", 9), text in pieces(b"abc-]\\", 7)) {
        prop_assert_eq!(matches(&pattern, &text, false), means(&pattern, &text));
    }
}

#[test]
fn redis_own_cases() {
    for (pattern, text, hit) in [
        ("*", "", true),
        ("**", "anything", true),
        ("h?llo", "hello", true),
        ("h[ae]llo", "hillo", false),
        ("h[^e]llo", "hallo", true),
        ("h[a-b]llo", "hbllo", true),
        ("h[b-a]llo", "hbllo", true),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("a\\", "a\\", true),
        ("[", "x", false),
        ("[^", "x", true),
        ("[a", "a", true),
        ("[]a]", "a", false),
        ("foo*", "foo", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes(), false), hit, "{pattern} {text}");
    }
    assert!(matches(b"MAX[A-Z]*", b"maxmemory", true) && !matches(b"MAX*", b"maxmemory", false));
}

#[test]
fn many_stars_take_no_longer_than_pattern_times_text() {
    let (pattern, text) = ("a*".repeat(200) + "b", "a".repeat(20_000));
    assert!(!matches(pattern.as_bytes(), text.as_bytes(), false));
}
