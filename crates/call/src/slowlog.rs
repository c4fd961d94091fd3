//! Commands that took long, the latest first, as SLOWLOG tells them.
//!
//! Invariant: an entry is bounded: so many arguments, and so many bytes of each.
//! Invariant: a number is given to one entry only, for as long as the world lasts.

use std::borrow::Cow;
use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::Peer;

/// The most arguments of a command that are kept; the last of them may say how many more there were.
const MOST_ARGS: usize = 32;
/// The most bytes of an argument that are kept.
const MOST_LEN: usize = 128;

/// One command that took long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowEntry {
    /// Its number.
    pub id: u64,
    /// When it ended, in seconds since the Unix epoch.
    pub at_seconds: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What it was, shortened.
    pub args: Vec<Vec<u8>>,
    /// Who sent it.
    pub address: String,
    /// How that client called itself.
    pub name: String,
}

#[derive(Debug, Default)]
struct Held {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
}

/// The latest commands that took long.
#[derive(Debug, Default)]
pub struct SlowLog(Mutex<Held>);

impl SlowLog {
    /// Notes a command of `peer`; at most `most` stay.
    pub fn note(&self, args: &[Cow<'_, [u8]>], took_us: u64, peer: &Peer, at_seconds: u64, most: usize) {
        let name = peer.text.lock().name.clone();
        let (address, args) = (peer.address.clone(), shortened(args));
        let mut held = self.0.lock();
        let id = held.next_id;
        held.next_id += 1;
        held.entries.push_front(SlowEntry { id, at_seconds, took_us, args, address, name });
        held.entries.truncate(most);
    }

    /// The latest `most`, the latest first.
    pub fn latest(&self, most: usize) -> Vec<SlowEntry> {
        self.0.lock().entries.iter().take(most).cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets them all.
    pub fn reset(&self) {
        self.0.lock().entries.clear();
    }
}

fn shortened(args: &[Cow<'_, [u8]>]) -> Vec<Vec<u8>> {
    let whole = if args.len() > MOST_ARGS { MOST_ARGS - 1 } else { args.len() };
    let mut kept: Vec<Vec<u8>> = args[..whole].iter().map(|arg| shortened_one(arg)).collect();
    if whole < args.len() {
        kept.push(format!("... ({} more arguments)", args.len() - whole).into_bytes());
    }
    kept
}

fn shortened_one(arg: &[u8]) -> Vec<u8> {
    let Some(more @ 1..) = arg.len().checked_sub(MOST_LEN) else { return arg.to_vec() };
    let mut kept = arg[..MOST_LEN].to_vec();
    kept.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shorten(args: &[Vec<u8>]) -> Vec<Vec<u8>> {
        shortened(&args.iter().map(|arg| Cow::Borrowed(arg.as_slice())).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_too_much_is_counted_instead() {
        let args = vec![b"a".to_vec(); 32];
        assert_eq!(shorten(&args), args);
        let kept = shorten(&vec![b"a".to_vec(); 33]);
        assert_eq!((kept.len(), kept[31].as_slice()), (32, &b"... (2 more arguments)"[..]));
        let kept = shorten(&[vec![b'x'; 128], vec![b'x'; 130]]);
        assert_eq!(kept[0], vec![b'x'; 128]);
        assert_eq!(kept[1], [vec![b'x'; 128], b"... (2 more bytes)".to_vec()].concat());
    }
}
