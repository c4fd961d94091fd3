//! One key with all that is known of it, in one allocation.
//!
//! ```text
//! | version 56, form 2, has_expiry 1, in_tier 1, type 4 | key_len 16, value_len 30, accessed 18 | [expires_at 8] | key | value |
//! ```
//!
//! The value is its bytes (form `INLINE`), an integer of 8 bytes (`INT`), or the address of a [`Value`] (`BOXED`),
//! which may have parts in the tier (`PARTED`).
//! `key:000000000042` with 64 bytes of value takes 16 + 16 + 64 = 96 bytes, and nothing is rounded up.
//!
//! Invariant: `version` is the position of the key's latest effect in the log: above the checkpoint it is dirty, above
//! the synced position it is not yet confirmed.
//! Invariant: an entry never moves while somebody holds an [`EntryRef`]: both live under the shard's lock.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use kvark_base::limits::{MAX_KEY_LEN, MAX_VALUE_LEN};
use kvark_base::{Millis, Position};
use kvark_values::{NewValue, StringRef, Type, Value, ValueRef};

use crate::parts::{Parted, Parts};
use crate::slab::Slab;

/// The longest string kept inside its entry.
pub const MAX_INLINE_LEN: usize = 4096;

const HEAD_LEN: usize = 16;
const VERSION_BITS: u32 = 56;
const VERSION_MASK: u64 = (1 << VERSION_BITS) - 1;
const FORM_SHIFT: u32 = 56;
const EXPIRY_FLAG: u64 = 1 << 58;
const TIER_FLAG: u64 = 1 << 59;
const TYPE_SHIFT: u32 = 60;
const LEN_SHIFT: u32 = 16;
const LEN_MASK: u64 = (1 << 30) - 1;
const ACCESS_SHIFT: u32 = 46;
/// Seconds of idleness that an entry can tell; the clock of accesses goes round after that many.
pub const ACCESS_MASK: u64 = (1 << 18) - 1;

const INLINE: u64 = 0;
const INT: u64 = 1;
const BOXED: u64 = 2;
const PARTED: u64 = 3;

const _: () = assert!(MAX_KEY_LEN <= u16::MAX as usize);
const _: () = assert!(MAX_VALUE_LEN as u64 <= LEN_MASK);

#[repr(C)]
struct Head {
    word: u64,
    lens: u64,
}

/// An entry, owned by the table that holds its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryPtr(NonNull<u8>);

/// An entry as it is read, under its shard's lock.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef<'a>(EntryPtr, PhantomData<&'a ()>);

/// What an entry shall hold.
#[derive(Debug)]
pub struct NewEntry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: NewValue<'a>,
    /// 0 is never.
    pub expires_at: Millis,
    /// The position of the effect that made it so.
    pub version: Position,
    /// Whether the tier holds some state of this key.
    pub in_tier: bool,
    /// The clock of accesses, in seconds.
    pub accessed: u64,
}

/// Form of `value`, and the bytes it takes in the entry.
fn form_of(value: &NewValue<'_>) -> (u64, usize) {
    match value {
        NewValue::String(StringRef::Int(_)) => (INT, 8),
        NewValue::String(StringRef::Bytes(bytes)) if bytes.len() <= MAX_INLINE_LEN => (INLINE, bytes.len()),
        NewValue::String(StringRef::Bytes(_)) | NewValue::Owned(_) => (BOXED, 8),
    }
}

impl EntryPtr {
    /// The entry at an address that [`EntryPtr::address`] gave.
    ///
    /// # Safety
    /// The entry is alive.
    #[inline]
    pub unsafe fn from_address(address: u64) -> Self {
        // SAFETY: addresses of live entries are not null.
        Self(unsafe { NonNull::new_unchecked(address as *mut u8) })
    }

    /// Where it is; a multiple of eight below 2^48.
    #[inline]
    pub fn address(self) -> u64 {
        self.0.as_ptr() as u64
    }

    /// Makes an entry in memory of `slab`.
    pub fn new(slab: &mut Slab, new: NewEntry<'_>) -> Self {
        assert!(new.key.len() <= MAX_KEY_LEN, "a key of {} bytes passed the check", new.key.len());
        let (form, value_bytes) = form_of(&new.value);
        let expiry_bytes = if new.expires_at == 0 { 0 } else { 8 };
        let this = Self(slab.alloc(HEAD_LEN + expiry_bytes + new.key.len() + value_bytes));
        let flags = if new.expires_at == 0 { 0 } else { EXPIRY_FLAG };
        let lens = new.key.len() as u64 | (new.accessed & ACCESS_MASK) << ACCESS_SHIFT;
        // SAFETY: the allocation has room for head, expiry, key and value.
        unsafe {
            let head =
                Head { word: form << FORM_SHIFT | flags | (new.value.as_ref().of_type() as u64) << TYPE_SHIFT, lens };
            this.0.cast::<Head>().write(head);
            if new.expires_at != 0 {
                this.at(HEAD_LEN).cast::<u64>().write_unaligned(new.expires_at);
            }
            ptr::copy_nonoverlapping(new.key.as_ptr(), this.at(HEAD_LEN + expiry_bytes), new.key.len());
            this.write_value(new.value);
            this.stamp(new.version, new.in_tier);
        }
        this
    }

    /// Overwrites value and version in place when the new state takes exactly the same room; false when it does not.
    ///
    /// # Safety
    /// The entry is alive, its key is `new.key`, and the caller holds its shard.
    #[inline]
    pub unsafe fn overwrite(self, new: &NewEntry<'_>) -> bool {
        let NewValue::String(string) = new.value else { return false };
        let (form, value_bytes) = form_of(&new.value);
        // SAFETY: handed on from the caller; form, lengths and flags are compared before anything is written.
        unsafe {
            let head = self.head();
            let same = self.form() == form
                && form != BOXED
                && self.value_bytes() == value_bytes
                && (head.word & EXPIRY_FLAG != 0) == (new.expires_at != 0)
                && head.word >> TYPE_SHIFT == Type::String as u64;
            if !same {
                return false;
            }
            if new.expires_at != 0 {
                self.at(HEAD_LEN).cast::<u64>().write_unaligned(new.expires_at);
            }
            self.write_value(NewValue::String(string));
            self.stamp(new.version, new.in_tier);
            self.touch(new.accessed);
        }
        true
    }

    /// The same entry with another deadline (0: none): itself where that takes the same room, a copy otherwise. The boxed
    /// value moves along; what was here before is freed.
    ///
    /// # Safety
    /// The entry came from this slab, the caller holds its shard alone, and uses only what is returned.
    pub unsafe fn with_deadline(self, slab: &mut Slab, expires_at: Millis) -> Self {
        // SAFETY: handed on from the caller; key and value are copied as they are, address of a boxed value included.
        unsafe {
            let head = self.head();
            let had = head.word & EXPIRY_FLAG != 0;
            if had == (expires_at != 0) {
                if had {
                    self.at(HEAD_LEN).cast::<u64>().write_unaligned(expires_at);
                }
                return self;
            }
            let (old_len, body_len) = (self.len_bytes(), self.key_len() + self.value_bytes());
            let expiry_bytes = if expires_at == 0 { 0 } else { 8 };
            let new = Self(slab.alloc(HEAD_LEN + expiry_bytes + body_len));
            new.0.cast::<Head>().write(Head { word: head.word ^ EXPIRY_FLAG, lens: head.lens });
            if expires_at != 0 {
                new.at(HEAD_LEN).cast::<u64>().write_unaligned(expires_at);
            }
            ptr::copy_nonoverlapping(self.at(self.key_at()), new.at(HEAD_LEN + expiry_bytes), body_len);
            slab.free(self.0, old_len);
            new
        }
    }

    /// Sets version and tier flag.
    ///
    /// # Safety
    /// The entry is alive and the caller holds its shard.
    #[inline]
    pub unsafe fn stamp(self, version: Position, in_tier: bool) {
        debug_assert!(version <= VERSION_MASK);
        // SAFETY: handed on from the caller.
        unsafe {
            let head = self.0.cast::<Head>().as_mut();
            let tier = if in_tier { TIER_FLAG } else { 0 };
            head.word = head.word & !(VERSION_MASK | TIER_FLAG) | version | tier;
        }
    }

    /// Notes an access at `seconds` of the clock of accesses.
    ///
    /// # Safety
    /// The entry is alive and the caller holds its shard.
    #[inline]
    pub unsafe fn touch(self, seconds: u64) {
        let accessed = (seconds & ACCESS_MASK) << ACCESS_SHIFT;
        // SAFETY: handed on from the caller.
        unsafe {
            let head = self.0.cast::<Head>().as_mut();
            if head.lens & (ACCESS_MASK << ACCESS_SHIFT) != accessed {
                head.lens = head.lens & !(ACCESS_MASK << ACCESS_SHIFT) | accessed;
            }
        }
    }

    /// The boxed value, to be changed in place; `None` for the other forms.
    ///
    /// # Safety
    /// The entry is alive and the caller holds its shard alone.
    pub unsafe fn boxed_mut<'a>(self) -> Option<&'a mut Value> {
        // SAFETY: handed on from the caller; a boxed form holds the address of a value, and so does one with parts.
        unsafe { (self.form() >= BOXED).then(|| &mut *self.value_at().cast::<*mut Value>().read_unaligned()) }
    }

    /// The boxed value's parts; `None` if it has none.
    ///
    /// # Safety
    /// The entry is alive and the caller holds its shard alone.
    pub unsafe fn parts_mut<'a>(self) -> Option<&'a mut Parts> {
        // SAFETY: handed on from the caller; this form holds the address of a value with parts.
        unsafe { (self.form() == PARTED).then(|| &mut (*self.parted()).parts) }
    }

    /// The boxed value has `parts` from now on, or none.
    ///
    /// # Safety
    /// The entry is alive, the caller holds its shard alone, and nobody borrows the value.
    pub unsafe fn set_parts(self, parts: Option<Parts>) {
        // SAFETY: handed on from the caller; the box that is taken out is replaced by the one that is put in.
        unsafe {
            let value = *self.take_boxed().expect("only a boxed value has parts");
            let (form, address) = match parts {
                None => (BOXED, Box::into_raw(Box::new(value))),
                Some(parts) => (PARTED, Box::into_raw(Box::new(Parted { value, parts })).cast::<Value>()),
            };
            self.value_at().cast::<*mut Value>().write_unaligned(address);
            let head = self.0.cast::<Head>().as_mut();
            head.word = head.word & !(3 << FORM_SHIFT) | form << FORM_SHIFT;
        }
    }

    /// Frees it, and hands out its boxed value, which the caller drops where and when it suits.
    ///
    /// # Safety
    /// The entry came from this slab and is not used again.
    pub unsafe fn free(self, slab: &mut Slab) -> Option<Box<Value>> {
        // SAFETY: handed on from the caller; lengths are read before the memory goes.
        unsafe {
            let boxed = self.take_boxed();
            slab.free(self.0, self.len_bytes());
            boxed
        }
    }

    /// The boxed value, without its parts. The entry holds an address of nothing then.
    unsafe fn take_boxed(self) -> Option<Box<Value>> {
        // SAFETY: the caller's entry is alive and its value is not used again.
        unsafe {
            match self.form() {
                BOXED => Some(Box::from_raw(self.value_at().cast::<*mut Value>().read_unaligned())),
                PARTED => Some(Box::new(Box::from_raw(self.parted()).value)),
                _ => None,
            }
        }
    }

    unsafe fn parted(self) -> *mut Parted {
        // SAFETY: the caller's entry has this form.
        unsafe { self.value_at().cast::<*mut Parted>().read_unaligned() }
    }

    /// The entry, to be read.
    ///
    /// # Safety
    /// The entry is alive, and the caller's hold on its shard outlives `'a`.
    #[inline]
    pub unsafe fn borrow<'a>(self) -> EntryRef<'a> {
        EntryRef(self, PhantomData)
    }

    unsafe fn write_value(self, value: NewValue<'_>) {
        // SAFETY: the caller's entry has room for this form, or writes the same form again.
        unsafe {
            match value {
                NewValue::String(StringRef::Int(number)) => self.value_at().cast::<i64>().write_unaligned(number),
                NewValue::String(StringRef::Bytes(bytes)) if bytes.len() <= MAX_INLINE_LEN => {
                    let head = self.0.cast::<Head>().as_mut();
                    head.lens = head.lens & !(LEN_MASK << LEN_SHIFT) | (bytes.len() as u64) << LEN_SHIFT;
                    ptr::copy_nonoverlapping(bytes.as_ptr(), self.value_at(), bytes.len());
                }
                NewValue::String(StringRef::Bytes(bytes)) => self.write_boxed(Value::Bytes(bytes.to_vec())),
                NewValue::Owned(value) => self.write_boxed(value),
            }
        }
    }

    unsafe fn write_boxed(self, value: Value) {
        // SAFETY: the caller's entry has room for an address, which is of a value of its own.
        unsafe { self.value_at().cast::<*mut Value>().write_unaligned(Box::into_raw(Box::new(value))) }
    }

    #[inline]
    unsafe fn head<'a>(self) -> &'a Head {
        // SAFETY: the caller's entry is alive.
        unsafe { self.0.cast::<Head>().as_ref() }
    }

    #[inline]
    unsafe fn at(self, offset: usize) -> *mut u8 {
        // SAFETY: the caller stays within the entry.
        unsafe { self.0.as_ptr().add(offset) }
    }

    #[inline]
    unsafe fn form(self) -> u64 {
        // SAFETY: the caller's entry is alive.
        unsafe { self.head().word >> FORM_SHIFT & 3 }
    }

    #[inline]
    unsafe fn key_at(self) -> usize {
        // SAFETY: the caller's entry is alive.
        unsafe { HEAD_LEN + if self.head().word & EXPIRY_FLAG != 0 { 8 } else { 0 } }
    }

    #[inline]
    unsafe fn key_len(self) -> usize {
        // SAFETY: the caller's entry is alive.
        unsafe { (self.head().lens & 0xffff) as usize }
    }

    #[inline]
    unsafe fn value_at(self) -> *mut u8 {
        // SAFETY: the caller's entry is alive.
        unsafe { self.at(self.key_at() + self.key_len()) }
    }

    #[inline]
    unsafe fn value_bytes(self) -> usize {
        // SAFETY: the caller's entry is alive.
        unsafe { if self.form() == INLINE { (self.head().lens >> LEN_SHIFT & LEN_MASK) as usize } else { 8 } }
    }

    #[inline]
    unsafe fn len_bytes(self) -> usize {
        // SAFETY: the caller's entry is alive.
        unsafe { self.key_at() + self.key_len() + self.value_bytes() }
    }
}

// SAFETY (of the whole block): an `EntryRef` is made only by `EntryPtr::borrow`, whose caller vouches that the entry is
// alive and its shard is held for `'a`.
impl<'a> EntryRef<'a> {
    /// The handle by which the table knows it.
    pub(crate) fn ptr(&self) -> EntryPtr {
        self.0
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &'a [u8] {
        // SAFETY: see the block.
        unsafe { std::slice::from_raw_parts(self.0.at(self.0.key_at()), self.0.key_len()) }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> ValueRef<'a> {
        // SAFETY: see the block.
        unsafe {
            let at = self.0.value_at();
            match self.0.form() {
                INLINE => ValueRef::String(StringRef::Bytes(std::slice::from_raw_parts(at, self.0.value_bytes()))),
                INT => ValueRef::String(StringRef::Int(at.cast::<i64>().read_unaligned())),
                _ => (*at.cast::<*const Value>().read_unaligned()).as_ref(),
            }
        }
    }

    /// The value's type.
    #[inline]
    pub fn of_type(&self) -> Type {
        // SAFETY: see the block.
        Type::ALL[unsafe { self.0.head().word >> TYPE_SHIFT } as usize]
    }

    /// When it expires, in milliseconds since the Unix epoch; 0 is never.
    #[inline]
    pub fn expires_at(&self) -> Millis {
        // SAFETY: see the block.
        unsafe {
            if self.0.head().word & EXPIRY_FLAG == 0 {
                return 0;
            }
            self.0.at(HEAD_LEN).cast::<u64>().read_unaligned()
        }
    }

    /// Whether its time has come.
    #[inline]
    pub fn is_expired(&self, now_ms: Millis) -> bool {
        let expires_at = self.expires_at();
        expires_at != 0 && expires_at <= now_ms
    }

    /// The position of its latest effect.
    #[inline]
    pub fn version(&self) -> Position {
        // SAFETY: see the block.
        unsafe { self.0.head().word & VERSION_MASK }
    }

    /// Whether the tier holds some state of this key.
    pub fn in_tier(&self) -> bool {
        // SAFETY: see the block.
        unsafe { self.0.head().word & TIER_FLAG != 0 }
    }

    /// When it was last accessed, on the clock of accesses.
    pub fn accessed(&self) -> u64 {
        // SAFETY: see the block.
        unsafe { self.0.head().lens >> ACCESS_SHIFT & ACCESS_MASK }
    }

    /// Bytes of memory it takes, the boxed value included.
    pub fn memory_bytes(&self) -> usize {
        // SAFETY: see the block.
        unsafe {
            let own = Slab::rounded(self.0.len_bytes());
            if self.0.form() < BOXED {
                return own;
            }
            let parts = self.0.parts_mut().map_or(0, |parts| size_of::<Parts>() + parts.memory_bytes());
            own + parts + (*self.0.value_at().cast::<*const Value>().read_unaligned()).memory_bytes()
        }
    }

    /// Whether the string lives inside its entry.
    pub fn is_inline(&self) -> bool {
        // SAFETY: see the block.
        unsafe { self.0.form() == INLINE }
    }
}
