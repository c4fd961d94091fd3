//! Arguments that are floats, as Redis reads them: scores, weights, degrees.
//!
//! ```text
//! 1, -1.5, .5, 1e3      decimal
//! 0x1.8p1               hexadecimal: 1.5 times two
//! inf, -infinity        in any case
//! ```

use kvark_call::Fault;

/// The most hexadecimal digits that are read.
const MAX_HEX_DIGITS: usize = 30;

/// A decimal number or infinity; `None` when it is none, or NaN. One beyond all floats is infinite, one nearer to zero than any is zero.
pub fn parse_decimal(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| !value.is_nan())
}

/// A float that is one to the last: neither beyond all floats nor nearer to zero than any.
pub fn double(text: &[u8]) -> Result<f64, Fault> {
    double_or(text, "ERR value is not a valid float")
}

/// As [`double`], refused as `message` says.
pub fn double_or(text: &[u8], message: &'static str) -> Result<f64, Fault> {
    let decimal = parse_decimal(text).filter(|&value| fits(value, text));
    decimal.or_else(|| parse_hexadecimal(text)).ok_or_else(|| Fault::new(message))
}

/// Whether `text` means what was read from it: infinity is spelled so, and so is zero.
fn fits(value: f64, text: &[u8]) -> bool {
    if value.is_infinite() {
        return text.iter().any(|byte| matches!(byte, b'i' | b'I'));
    }
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or(text);
    value != 0.0 || !mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// A hexadecimal number; `None` when it is none, or not a finite float.
pub fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(&text)),
    };
    let digits = magnitude.strip_prefix("0x")?;
    let (digits, exponent) = digits
        .split_once('p')
        .map_or(Some((digits, 0)), |(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)))?;
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{behind}");
    if all.len() > MAX_HEX_DIGITS || !all.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mantissa = u128::from_str_radix(&all, 16).ok()?;
    let value = sign * mantissa as f64 * 2f64.powi(exponent.checked_sub(4 * behind.len() as i32)?);
    (value.is_finite() && (value != 0.0 || mantissa == 0)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_redis_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("+1", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1.5e3", -1500.0),
            ("1e-320", 1e-320),
            ("0e9", 0.0),
            ("INF", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("0x1.8p1", 3.0),
            ("0X1P+3", 8.0),
            ("-0x10", -16.0),
            ("0x.8", 0.5),
            ("0x1.", 1.0),
            ("0x0p+0", 0.0),
            ("0x1ffffffffffffff", 144_115_188_075_855_872.0),
        ] {
            assert_eq!(double(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_not_to_the_last_is_refused() {
        for text in [
            "",
            ".",
            " 1",
            "1 ",
            "1e",
            "nan",
            "-nan",
            "1_0",
            "infin",
            "1e400",
            "1e-400",
            "0x",
            "0x.",
            "0xg",
            "0x1p",
            "0x1p2000",
            "0x1p-2000",
            "0x1p-2147483648",
            "0x+1",
            "0x1.-1",
        ] {
            assert!(double(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(parse_decimal(b"1e400"), Some(f64::INFINITY), "a bound may be beyond all floats");
        assert_eq!(parse_decimal(b"0x10"), None);
    }
}
