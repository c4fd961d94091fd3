//! Patterns of KEYS, SCAN, CONFIG GET and PSUBSCRIBE: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before a byte that stands for
//! itself.
//!
//! A star is tried from the shortest match on, and only the latest star is ever tried again: a later part that can be
//! found at all can be found behind the shortest match of what is before it. So a match takes at most pattern times text
//! steps, however many stars there are.

/// Whether `text` as a whole is what `pattern` says.
pub fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what follows the latest star does not match: behind the star, and one byte further.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            retry = Some((rest, text));
            pattern = rest;
            continue;
        }
        let step =
            text.split_first().and_then(|(&byte, behind)| Some((match_one(pattern, byte, ignore_case)?, behind)));
        if let Some(step) = step {
            (pattern, text) = step;
        } else if pattern.is_empty() && text.is_empty() {
            return true;
        } else {
            let Some((behind_star, [_, behind @ ..])) = retry else { return false };
            retry = Some((behind_star, behind));
            (pattern, text) = (behind_star, behind);
        }
    }
}

/// The pattern behind its first element, if that one matches `byte`. A star is no element here.
fn match_one(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<&[u8]> {
    let (hit, rest) = match pattern {
        [] => return None,
        [b'?', rest @ ..] => (true, rest),
        [b'[', rest @ ..] => match_class(rest, byte, ignore_case),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (equal(*literal, byte, ignore_case), rest),
    };
    hit.then_some(rest)
}

/// Whether the class whose text begins behind `[` has `byte`, and what follows it. A class without end ends with the pattern.
fn match_class(class: &[u8], byte: u8, ignore_case: bool) -> (bool, &[u8]) {
    let (negated, mut class) = match class {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut hit = false;
    loop {
        class = match class {
            [] => return (hit != negated, class),
            [b'\\', literal, rest @ ..] => {
                hit |= *literal == byte;
                rest
            }
            [b']', rest @ ..] => return (hit != negated, rest),
            [from, b'-', to, rest @ ..] => {
                hit |= in_range(*from, *to, byte, ignore_case);
                rest
            }
            [literal, rest @ ..] => {
                hit |= equal(*literal, byte, ignore_case);
                rest
            }
        };
    }
}

fn equal(a: u8, b: u8, ignore_case: bool) -> bool {
    if ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b }
}

fn in_range(from: u8, to: u8, byte: u8, ignore_case: bool) -> bool {
    let (from, to) = (from.min(to), from.max(to));
    if ignore_case {
        return (from.to_ascii_lowercase()..=to.to_ascii_lowercase()).contains(&byte.to_ascii_lowercase());
    }
    (from..=to).contains(&byte)
}
