//! What the operating system says of this process and its machine. 0 or nothing where it does not say.

use std::time::Duration;

/// The process's resident memory, in bytes.
#[allow(clippy::disallowed_methods)]
pub(crate) fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * asked(libc::_SC_PAGESIZE)
}

/// What was asked of the allocator and not given back, in bytes; `None` where it does not say.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn allocated_bytes() -> Option<u64> {
    // SAFETY: a plain question to the allocator.
    let info = unsafe { libc::mallinfo2() };
    Some((info.uordblks + info.hblkhd) as u64)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn allocated_bytes() -> Option<u64> {
    None
}

/// The machine's memory, in bytes.
pub(crate) fn machine_bytes() -> u64 {
    asked(libc::_SC_PHYS_PAGES) * asked(libc::_SC_PAGESIZE)
}

fn asked(what: libc::c_int) -> u64 {
    // SAFETY: a plain question to the system.
    u64::try_from(unsafe { libc::sysconf(what) }).unwrap_or(0)
}

/// Time that the processor has spent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// In the system, for us.
    pub system: Duration,
    /// In our own code.
    pub user: Duration,
}

/// What the whole process has spent.
pub(crate) fn spent() -> Spent {
    usage(libc::RUSAGE_SELF)
}

/// What its children have spent that have ended.
pub(crate) fn spent_by_children() -> Spent {
    usage(libc::RUSAGE_CHILDREN)
}

fn usage(who: libc::c_int) -> Spent {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the place is as large as the system writes, and zeros are a valid value.
    let usage = unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    };
    let part = |number: i64, unit: Duration| unit * u32::try_from(number).unwrap_or(0);
    let time =
        |time: libc::timeval| part(time.tv_sec, Duration::from_secs(1)) + part(time.tv_usec, Duration::from_micros(1));
    Spent { system: time(usage.ru_stime), user: time(usage.ru_utime) }
}

/// What the threads that serve clients have spent.
#[allow(clippy::disallowed_methods)]
pub(crate) fn spent_serving() -> Spent {
    let mut spent = Spent::default();
    let ticks = asked(libc::_SC_CLK_TCK).max(1);
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for stat in tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok()) {
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        if !head.contains("(kvark-loop-") {
            continue;
        }
        let number = |at: usize| tail.split_whitespace().nth(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // Fields 14 and 15 of proc(5), counted from behind the name.
        spent.user += Duration::from_millis(number(11) * 1000 / ticks);
        spent.system += Duration::from_millis(number(12) * 1000 / ticks);
    }
    spent
}

/// The operating system, its release and the machine: `Linux 6.1.0 x86_64`.
pub(crate) fn system() -> String {
    let mut names = std::mem::MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: the place is as large as the system writes, and zeros are a valid value.
    let names = unsafe {
        libc::uname(names.as_mut_ptr());
        names.assume_init()
    };
    let text = |chars: &[libc::c_char]| -> String {
        chars.iter().take_while(|&&char| char != 0).map(|&char| char::from(char as u8)).collect()
    };
    format!("{} {} {}", text(&names.sysname), text(&names.release), text(&names.machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_something_of_this_process() {
        assert!(resident_bytes() > 0 && resident_bytes() < machine_bytes());
        let before = allocated_bytes();
        let much = vec![1u8; 64 << 20];
        assert!(before.is_none_or(|before| allocated_bytes().unwrap() > before + much.len() as u64 / 2));
        assert!(spent().user + spent().system > Duration::ZERO);
        assert_eq!(system().split(' ').count(), 3);
    }
}
