//! Requests as they may be shown to others, in SLOWLOG and to MONITOR: passwords are left out.

use std::borrow::Cow;

use kvark_call::Request;
use kvark_call::setting::{self, Kind, TABLE};

use crate::row::Row;

const REDACTED: &[u8] = b"(redacted)";

/// The arguments of a request for `row`.
pub fn shown<'a>(row: &Row, req: &Request<'a>) -> Vec<Cow<'a, [u8]>> {
    let show = |(at, arg): (usize, &'a [u8])| Cow::Borrowed(if is_secret(row, req, at) { REDACTED } else { arg });
    req.args_from(0).enumerate().map(show).collect()
}

fn is_secret(row: &Row, req: &Request<'_>, at: usize) -> bool {
    match row.name {
        "AUTH" => at > 0,
        "HELLO" => at >= 3 && (req.is(at - 1, "AUTH") || req.is(at - 2, "AUTH")),
        "CONFIG|SET" => at >= 3 && at % 2 == 1 && is_secret_setting(req.arg(at - 1)),
        _ => false,
    }
}

fn is_secret_setting(name: &[u8]) -> bool {
    let found = std::str::from_utf8(name).ok().and_then(setting::find);
    found.is_some_and(|index| TABLE[index].kind == Kind::Secret)
}

#[cfg(test)]
mod tests {
    use kvark_call::request::OwnedRequest;

    use super::*;

    fn show(words: &str) -> String {
        let request = OwnedRequest::new(words.split(' '));
        let row = crate::resolve(&request.as_request()).unwrap();
        String::from_utf8(shown(row, &request.as_request()).join(&b' ')).unwrap()
    }

    #[test]
    fn passwords_are_not_shown() {
        for (typed, shown) in [
            ("AUTH user secret", "AUTH (redacted) (redacted)"),
            ("HELLO 3 AUTH user secret SETNAME auth", "HELLO 3 AUTH (redacted) (redacted) SETNAME auth"),
            ("HELLO 3 SETNAME x", "HELLO 3 SETNAME x"),
            ("config set timeout 1 requirepass secret", "config set timeout 1 requirepass (redacted)"),
            ("SET requirepass secret", "SET requirepass secret"),
        ] {
            assert_eq!(show(typed), shown);
        }
    }
}
