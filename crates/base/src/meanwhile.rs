//! What a thread can do for others while it is kept by something that takes too long.
//!
//! A loop of the server says so before it executes commands; a script beyond its time, or who waits for a shard that such a script
//! holds, calls upon it. The thread itself is what is lent, so this belongs to the thread.

use std::cell::Cell;
use std::ptr::NonNull;

/// Whoever has others to serve.
pub trait Meanwhile {
    /// Serves them once, without waiting.
    fn serve(&mut self);
}

thread_local! {
    static OTHERS: Cell<Option<NonNull<dyn Meanwhile>>> = const { Cell::new(None) };
}

/// Puts back what was there before, also when the work panics.
struct Restore(Option<NonNull<dyn Meanwhile>>);

impl Drop for Restore {
    fn drop(&mut self) {
        OTHERS.set(self.0);
    }
}

/// Does `work`, and lets it call upon `others`.
pub fn with<R>(others: &mut (dyn Meanwhile + '_), work: impl FnOnce() -> R) -> R {
    // SAFETY: only the lifetime changes; it is forgotten before `others` ends.
    let others =
        unsafe { std::mem::transmute::<NonNull<dyn Meanwhile + '_>, NonNull<dyn Meanwhile>>(NonNull::from(others)) };
    let _restore = Restore(OTHERS.replace(Some(others)));
    work()
}

/// Serves the others of this thread once; nothing where there are none. Whoever serves is not called upon again meanwhile.
pub fn serve() {
    let Some(mut others) = OTHERS.take() else { return };
    let _restore = Restore(Some(others));
    // SAFETY: `with` has it for as long as its work goes on, and nobody else uses it.
    unsafe { others.as_mut().serve() };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(u32);

    impl Meanwhile for Count {
        fn serve(&mut self) {
            self.0 += 1;
            // Not called upon again.
            serve();
        }
    }

    #[test]
    fn others_are_served_while_the_work_goes_on_and_not_after_it() {
        let mut count = Count(0);
        with(&mut count, || (0..3).for_each(|_| serve()));
        serve();
        assert_eq!(count.0, 3);
    }
}
