//! Hints to the processor's cache: what will be read soon.

/// A cache line on the processors we know.
const LINE: usize = 64;

/// Asks for the line at `address`. Any address is allowed.
#[inline]
pub fn ask_for<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch(address.cast(), std::arch::x86_64::_MM_HINT_T0);
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for all of a slice that spans a few lines.
#[inline]
pub fn ask_for_all<T>(slice: &[T]) {
    for offset in (0..size_of_val(slice)).step_by(LINE) {
        ask_for(slice.as_ptr().cast::<u8>().wrapping_add(offset));
    }
}
