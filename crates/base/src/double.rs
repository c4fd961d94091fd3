//! Doubles as Redis prints them: the fewest digits that read back as the same number.
//!
//! ```text
//! 3        whole numbers up to 2^62 without a point
//! 0.1      a point while there are few zeros behind it
//! 1e+21    else one digit before the point, and an exponent with its sign
//! inf, -inf, nan
//! ```

use std::io::Write;

/// The longest text: a sign, 17 digits, a point and `e-308` in scientific form, or `-0.` and 23 places in plain form.
const MAX_LEN: usize = 32;

/// The text of a double, without a heap.
pub struct Text {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Text {
    /// The text of `value`.
    pub fn new(value: f64) -> Self {
        let mut this = Self { bytes: [0; MAX_LEN], len: 0 };
        if value.is_nan() {
            this.put(b"nan");
            return this;
        }
        if value.is_sign_negative() {
            this.put(b"-");
        }
        match value.abs() {
            f64::INFINITY => this.put(b"inf"),
            whole if whole.fract() == 0.0 && whole <= (1u64 << 62) as f64 => {
                this.put(itoa::Buffer::new().format(whole as u64).as_bytes());
            }
            other => this.put_digits(other),
        }
        this
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn put_zeros(&mut self, count: usize) {
        (0..count).for_each(|_| self.put(b"0"));
    }

    /// A positive number that is finite and not zero.
    fn put_digits(&mut self, value: f64) {
        let mut raw = [0u8; MAX_LEN];
        let (digits, exponent) = shortest(value, &mut raw);
        let count = digits.len() as i32;
        // The number is `digits` times ten to the power of `scale`.
        let scale = exponent - count + 1;
        if scale >= 0 && exponent < count + 7 {
            self.put(digits);
            self.put_zeros(scale as usize);
        } else if scale < 0 && (scale > -7 || exponent.abs() < 4) {
            self.put_with_point(digits, count + scale);
        } else {
            self.put_scientific(digits, exponent);
        }
    }

    /// `digits` with a point behind the first `whole` of them, or behind a zero where there is none.
    fn put_with_point(&mut self, digits: &[u8], whole: i32) {
        if whole <= 0 {
            self.put(b"0.");
            self.put_zeros(whole.unsigned_abs() as usize);
            return self.put(digits);
        }
        let (left, right) = digits.split_at(whole as usize);
        self.put(left);
        self.put(b".");
        self.put(right);
    }

    fn put_scientific(&mut self, digits: &[u8], exponent: i32) {
        self.put(&digits[..1]);
        if digits.len() > 1 {
            self.put(b".");
            self.put(&digits[1..]);
        }
        self.put(if exponent < 0 { b"e-" } else { b"e+" });
        self.put(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
    }
}

/// The fewest digits of `value`, without leading and trailing zeros, and the power of ten of the first one.
fn shortest(value: f64, raw: &mut [u8; MAX_LEN]) -> (&[u8], i32) {
    let mut rest = &mut raw[..];
    write!(rest, "{value:e}").expect("17 digits and an exponent fit");
    let len = MAX_LEN - rest.len();
    let mark = raw[..len].iter().position(|&byte| byte == b'e').expect("the form has an exponent");
    let exponent = std::str::from_utf8(&raw[mark + 1..len]).ok().and_then(|text| text.parse().ok());
    // `1.25e-7`: the digits move together over the point.
    let digits = if mark > 1 {
        raw.copy_within(2..mark, 1);
        mark - 1
    } else {
        1
    };
    (&raw[..digits], exponent.expect("the exponent is a number"))
}
