//! Threads that work behind the scenes, and those that they let go first.
//!
//! A lower priority alone does not do that. Once the scheduler (Linux' EEVDF) has given such a thread a core, it looks again at
//! the next tick, and an event loop that woke up meanwhile waits up to 4 ms (`perf sched` showed it). So work in the background is
//! done in stretches: [`breathe`] is called within every loop that may be long, and offers the core back when a stretch is
//! over. And an event loop asks for short slices: who does that may take a core from somebody in the middle of a longer one.
//!
//! Invariant: nobody breathes while holding what an event loop may want.

use std::cell::Cell;
use std::time::Duration;

use crate::Clock;

/// The most work between two offers.
const STRETCH: Duration = Duration::from_micros(100);
/// Calls of [`breathe`] between two looks at the clock.
const CALLS: u32 = 64;
const NICE: i32 = 19;

thread_local! {
    /// Calls left until the next look at the clock; 0 on a thread that does not work in the background.
    static CALLS_LEFT: Cell<u32> = const { Cell::new(0) };
    static STRETCH_BEGAN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static STOPWATCH: Clock = Clock::system();
}

/// From now on this thread works in the background: at the lowest priority above idle, and in short stretches.
///
/// Not altogether idle: it holds a shard now and then, and must get the time to let it go even when every core is busy.
pub fn enter() {
    set_schedule(NICE, Duration::ZERO);
    CALLS_LEFT.set(CALLS);
}

/// Offers the core to others if this thread works in the background and has had it for long enough. Costs a nanosecond or two.
#[inline]
pub fn breathe() {
    match CALLS_LEFT.get() {
        0 => {}
        1 => {
            look();
        }
        left => CALLS_LEFT.set(left - 1),
    }
}

/// Whether the core was offered.
#[cold]
fn look() -> bool {
    CALLS_LEFT.set(CALLS);
    let now = STOPWATCH.with(Clock::uptime);
    let over = now - STRETCH_BEGAN.get() >= STRETCH;
    if over {
        std::thread::yield_now();
        STRETCH_BEGAN.set(STOPWATCH.with(Clock::uptime));
    }
    over
}

/// From now on this thread gets a core sooner when it wakes up, and for shorter.
pub fn attend() {
    set_schedule(0, STRETCH);
}

/// A `slice` of zero is the system's own. Refused on systems that know no slices; that costs only smoothness.
fn set_schedule(nice: i32, slice: Duration) {
    #[cfg(target_os = "linux")]
    // SAFETY: a plain system call on the calling thread; the structure lives across it and says its own size.
    unsafe {
        let mut wish: libc::sched_attr = std::mem::zeroed();
        wish.size = size_of::<libc::sched_attr>() as u32;
        wish.sched_policy = libc::SCHED_OTHER as u32;
        wish.sched_nice = nice;
        wish.sched_runtime = slice.as_nanos() as u64;
        libc::syscall(libc::SYS_sched_setattr, 0, &wish, 0);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (nice, slice);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_a_stretch() {
        std::thread::sleep(STRETCH);
    }

    #[test]
    fn a_stretch_ends_with_an_offer_and_only_then() {
        look();
        wait_a_stretch();
        assert!(look());
        let began = STRETCH_BEGAN.get();
        if !look() {
            assert_eq!(STRETCH_BEGAN.get(), began);
        }
        wait_a_stretch();
        assert!(look());
        assert!(STRETCH_BEGAN.get() > began);
    }

    #[test]
    fn only_threads_in_the_background_look_at_the_clock() {
        (0..10 * CALLS).for_each(|_| breathe());
        assert_eq!((CALLS_LEFT.get(), STRETCH_BEGAN.get()), (0, Duration::ZERO));
        let worker = std::thread::spawn(|| {
            enter();
            look();
            wait_a_stretch();
            (0..CALLS).for_each(|_| breathe());
            (CALLS_LEFT.get(), STRETCH_BEGAN.get())
        });
        let (left, began) = worker.join().unwrap();
        assert!(left == CALLS && began > Duration::ZERO, "{left} calls left, {began:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_background_is_nice_and_those_who_attend_are_not() {
        // SAFETY: plain system calls on the calling thread.
        let nice = || unsafe { libc::getpriority(libc::PRIO_PROCESS, libc::syscall(libc::SYS_gettid) as libc::id_t) };
        let attending = std::thread::spawn(move || {
            attend();
            nice()
        });
        let working = std::thread::spawn(move || {
            enter();
            nice()
        });
        assert_eq!((attending.join().unwrap(), working.join().unwrap()), (0, NICE));
    }
}
