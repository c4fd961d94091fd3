//! The library `struct`: numbers and strings to bytes and back, by a format.
//!
//! ```text
//! < > =    smallest byte first, largest first, as this machine has it      !n   aligned to n
//! b B  h H  l L  i I  in In    integers with and without a sign: 1, 2, 8, 4, n bytes     T   8 bytes
//! f d      float and double      s   a string with a zero behind it      cn   n bytes, c0: as many as the number before says
//! x        a byte of padding     blank   nothing
//! ```

use crate::raw::*;

/// The longest integer.
const MAX_INTEGER: usize = 32;
const NATIVE_ALIGN: usize = 8;

/// Fills the table on top.
pub(crate) unsafe fn open(l: L) {
    for (name, function) in [(c"pack", pack as lua_CFunction), (c"unpack", unpack), (c"size", size)] {
        set_function(l, name, function);
    }
}

/// A format that is being read.
struct Format<'f> {
    l: L,
    rest: &'f [u8],
    little: bool,
    align: usize,
}

/// One item of a format.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Integer {
        signed: bool,
    },
    Float,
    Double,
    /// A string with a zero behind it.
    Text,
    /// As many bytes as its size says.
    Chars,
    Padding,
}

impl<'f> Format<'f> {
    unsafe fn new(l: L) -> Self {
        Self { l, rest: argument(l, 1), little: cfg!(target_endian = "little"), align: 1 }
    }

    /// The number that stands here, or `missing`.
    unsafe fn number(&mut self, missing: usize) -> usize {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return missing;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number =
            number.iter().try_fold(0i32, |all, &digit| all.checked_mul(10)?.checked_add((digit - b'0').into()));
        match number {
            Some(number) => number as usize,
            None => raise(self.l, b"integral size overflow"),
        }
    }

    /// The next item and its size; what only changes how the others are read is done on the way.
    unsafe fn next(&mut self) -> Option<(Item, usize)> {
        loop {
            let (&letter, rest) = self.rest.split_first()?;
            self.rest = rest;
            let signed = letter.is_ascii_lowercase();
            let item = match letter {
                b'b' | b'B' => (Item::Integer { signed }, 1),
                b'h' | b'H' => (Item::Integer { signed }, 2),
                b'l' | b'L' => (Item::Integer { signed }, 8),
                b'T' => (Item::Integer { signed }, 8),
                b'i' | b'I' => (Item::Integer { signed }, self.integer_size()),
                b'f' => (Item::Float, 4),
                b'd' => (Item::Double, 8),
                b'x' => (Item::Padding, 1),
                b's' => (Item::Text, 0),
                b'c' => (Item::Chars, self.number(1)),
                b' ' => continue,
                b'<' => {
                    self.little = true;
                    continue;
                }
                b'>' => {
                    self.little = false;
                    continue;
                }
                b'=' => {
                    self.little = cfg!(target_endian = "little");
                    continue;
                }
                b'!' => {
                    self.align = self.number(NATIVE_ALIGN);
                    if !self.align.is_power_of_two() {
                        raise(self.l, b"alignment is not a power of 2");
                    }
                    continue;
                }
                _ => raise_parts(self.l, &[b"invalid format option '", &[letter], b"'"]),
            };
            return Some(item);
        }
    }

    unsafe fn integer_size(&mut self) -> usize {
        let size = self.number(4);
        if size > MAX_INTEGER {
            let (mut number, mut most) = (itoa::Buffer::new(), itoa::Buffer::new());
            let (size, most) = (number.format(size).as_bytes(), most.format(MAX_INTEGER).as_bytes());
            raise_parts(self.l, &[b"integral size ", size, b" is larger than limit of ", most]);
        }
        size
    }

    /// How many bytes of padding come before an item of `size` bytes at `at`.
    fn padding(&self, item: Item, size: usize, at: usize) -> usize {
        let align = size.min(self.align);
        if align <= 1 || item == Item::Chars || !align.is_power_of_two() {
            return 0;
        }
        (align - (at & (align - 1))) & (align - 1)
    }
}

/// `struct.pack(format, value, ...)`
unsafe extern "C-unwind" fn pack(l: L) -> c_int {
    let mut format = Format::new(l);
    let out = &mut work(l).scratch;
    out.clear();
    let mut at = 1;
    while let Some((item, size)) = format.next() {
        out.resize(out.len() + format.padding(item, size, out.len()), 0);
        if item == Item::Padding {
            out.push(0);
            continue;
        }
        at += 1;
        match item {
            Item::Integer { .. } => put_integer(out, luaL_checknumber(l, at), size, format.little),
            Item::Float if format.little => out.extend_from_slice(&(luaL_checknumber(l, at) as f32).to_le_bytes()),
            Item::Float => out.extend_from_slice(&(luaL_checknumber(l, at) as f32).to_be_bytes()),
            Item::Double if format.little => out.extend_from_slice(&luaL_checknumber(l, at).to_le_bytes()),
            Item::Double => out.extend_from_slice(&luaL_checknumber(l, at).to_be_bytes()),
            Item::Text => {
                out.extend_from_slice(argument(l, at));
                out.push(0);
            }
            Item::Chars => {
                let text = argument(l, at);
                let size = if size == 0 { text.len() } else { size };
                if text.len() < size {
                    luaL_argerror(l, at, c"string too short".as_ptr());
                }
                out.extend_from_slice(&text[..size]);
            }
            Item::Padding => unreachable!("it has no argument"),
        }
    }
    push(l, out);
    1
}

fn put_integer(out: &mut Vec<u8>, number: f64, size: usize, little: bool) {
    // What is above the signed numbers is taken as one without a sign.
    let value = if number < 0.0 { number as i64 as u64 } else { number as u64 };
    let fill = if number < 0.0 { 0xff } else { 0 };
    let byte = |at: usize| value.to_le_bytes().get(at).copied().unwrap_or(fill);
    let start = out.len();
    out.extend((0..size).map(byte));
    if !little {
        out[start..].reverse();
    }
}

unsafe fn integer(bytes: &[u8], little: bool, signed: bool) -> f64 {
    let byte = |at: usize| if little { bytes[at] } else { bytes[bytes.len() - 1 - at] };
    let len = bytes.len().min(8);
    let value = (0..len).rev().fold(0u64, |all, at| all << 8 | u64::from(byte(at)));
    if !signed || len == 0 {
        return value as f64;
    }
    let unused = 64 - len * 8;
    ((value << unused) as i64 >> unused) as f64
}

/// `struct.unpack(format, text, from)`: the values, and where to go on.
unsafe extern "C-unwind" fn unpack(l: L) -> c_int {
    let mut format = Format::new(l);
    let text = argument(l, 2);
    let from = luaL_optnumber(l, 3, 1.0);
    if from < 1.0 {
        luaL_argerror(l, 3, c"offset must be 1 or greater".as_ptr());
    }
    let mut at = (from - 1.0) as usize;
    let mut count = 0;
    while let Some((item, size)) = format.next() {
        at = at.saturating_add(format.padding(item, size, at));
        let Some(rest) = text.get(at..).filter(|rest| rest.len() >= size) else {
            luaL_argerror(l, 2, c"data string too short".as_ptr());
            unreachable!("it does not return");
        };
        luaL_checkstack_(l, 2, c"too many results".as_ptr());
        let mut taken = size;
        let bytes = &rest[..size];
        match item {
            Item::Padding => {}
            Item::Integer { signed } => lua_pushnumber(l, integer(bytes, format.little, signed)),
            Item::Float => lua_pushnumber(l, f64::from(f32::from_bits(integer(bytes, format.little, false) as u32))),
            Item::Double => {
                let eight = *bytes.first_chunk::<8>().unwrap_or(&[0; 8]);
                lua_pushnumber(l, if format.little { f64::from_le_bytes(eight) } else { f64::from_be_bytes(eight) });
            }
            Item::Chars => {
                if size == 0 {
                    taken = counted(l, count, rest.len());
                    lua_settop(l, -2);
                    count -= 1;
                }
                push(l, &rest[..taken]);
            }
            Item::Text => {
                let Some(len) = rest.iter().position(|&byte| byte == 0) else {
                    raise(l, b"unfinished string in data");
                };
                push(l, &rest[..len]);
                taken = len + 1;
            }
        }
        at += taken;
        count += c_int::from(item != Item::Padding);
    }
    lua_pushnumber(l, (at + 1) as f64);
    count + 1
}

/// The length that the value before says.
unsafe fn counted(l: L, count: c_int, most: usize) -> usize {
    if count == 0 || lua_isnumber(l, -1) == 0 {
        raise(l, b"format 'c0' needs a previous size");
    }
    let len = lua_tonumber(l, -1);
    if !(len >= 0.0 && len <= most as f64) {
        luaL_argerror(l, 2, c"data string too short".as_ptr());
    }
    len as usize
}

/// `struct.size(format)`
unsafe extern "C-unwind" fn size(l: L) -> c_int {
    let mut format = Format::new(l);
    let mut total = 0usize;
    while let Some((item, size)) = format.next() {
        total += format.padding(item, size, total);
        if item == Item::Text {
            luaL_argerror(l, 1, c"variable-size format".as_ptr());
        }
        if item == Item::Chars && size == 0 {
            luaL_argerror(l, 1, c"variable-length format".as_ptr());
        }
        total += size;
    }
    lua_pushnumber(l, total as f64);
    1
}
