//! A client that waits without a thread holds a [`Ticket`]; whoever ends its wait does so by that, once.
//!
//! ```text
//! a command that must wait -> Outcome::Park(Parked) -> the client's server keeps it, and lets others see the ticket (Peer::park)
//! another thread: ticket.answer(..) or ticket.unblock(..), then peer.wake() -> the server takes the end and goes on
//! the client's own server: the deadline has come, or the client has gone -> ticket.give_up()
//! ```
//!
//! Invariant: a wait has one end. Whoever answers it does the work under the ticket's lock, so nothing is done for a client that has
//! given up, and nobody gives up what is being done.
//! Invariant: the lock is taken last: by one who holds shards perhaps, and who takes nothing but a registry of keys beneath it.

use std::any::Any;

use kvark_base::Position;
use parking_lot::Mutex;

use crate::Recording;

/// How a wait ended by somebody else's doing.
#[derive(Debug)]
pub enum End {
    /// This is the answer, which depends on the log up to the position; whether it wrote.
    Answered {
        /// What the command told.
        told: Recording,
        /// The answer depends on the log up to here.
        position: Position,
        /// The command has written up to here, 0 for nothing.
        written: Position,
    },
    /// As if its time was over.
    TimedOut,
    /// `CLIENT UNBLOCK … ERROR`.
    Unblocked,
}

#[derive(Debug)]
enum State {
    /// What the client stands in meanwhile; dropping it is enough to leave that.
    Waiting(Option<Place>),
    /// Somebody works on the answer.
    Working,
    Ended(End),
    /// Somebody has taken the end, or has given up.
    Over,
}

struct Place(#[allow(dead_code, reason = "held for its drop")] Box<dyn Any + Send>);

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

/// See the module.
#[derive(Debug)]
pub struct Ticket(Mutex<State>);

impl Default for Ticket {
    fn default() -> Self {
        Self(Mutex::new(State::Waiting(None)))
    }
}

impl Ticket {
    /// The client stands in `place` until its wait is over.
    pub fn stand_in(&self, place: Box<dyn Any + Send>) {
        if let State::Waiting(held) = &mut *self.0.lock() {
            *held = Some(Place(place));
        }
    }

    /// Whether the wait has no end yet.
    pub fn is_waiting(&self) -> bool {
        matches!(*self.0.lock(), State::Waiting(_))
    }

    /// Ends the wait with what `work` answers, if it answers; whether it did. Nothing is done for one that has ended.
    pub fn answer(&self, work: impl FnOnce() -> Option<End>) -> bool {
        let mut state = self.0.lock();
        if !matches!(*state, State::Waiting(_)) {
            return false;
        }
        let Some(end) = work() else { return false };
        *state = State::Ended(end);
        true
    }

    /// Somebody has begun to work on the answer: from here on nobody else ends the wait. False if it is over already.
    pub fn begin(&self) -> bool {
        let mut state = self.0.lock();
        let waits = matches!(*state, State::Waiting(_));
        if waits {
            *state = State::Working;
        }
        waits
    }

    /// The work is done. Whoever has given up meanwhile is not told.
    pub fn complete(&self, end: End) {
        let mut state = self.0.lock();
        if matches!(*state, State::Working) {
            *state = State::Ended(end);
        }
    }

    /// Ends the wait without an answer; whether it had no end yet.
    pub fn unblock(&self, end: End) -> bool {
        self.answer(|| Some(end))
    }

    /// The end, if there is one; it is handed out once.
    pub fn take(&self) -> Option<End> {
        let mut state = self.0.lock();
        if matches!(*state, State::Ended(_))
            && let State::Ended(end) = std::mem::replace(&mut *state, State::Over)
        {
            return Some(end);
        }
        None
    }

    /// The client waits no longer. The end, if one has come before.
    pub fn give_up(&self) -> Option<End> {
        match std::mem::replace(&mut *self.0.lock(), State::Over) {
            State::Ended(end) => Some(end),
            State::Waiting(_) | State::Working | State::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn answered() -> End {
        End::Answered { told: Recording::default(), position: 7, written: 0 }
    }

    struct Leaves(Arc<AtomicU32>);

    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn standing() -> (Ticket, Arc<AtomicU32>) {
        let (ticket, left) = (Ticket::default(), Arc::new(AtomicU32::new(0)));
        ticket.stand_in(Box::new(Leaves(Arc::clone(&left))));
        (ticket, left)
    }

    #[test]
    fn an_answer_ends_the_wait_once_and_leaves_the_place() {
        let (ticket, left) = standing();
        assert!(!ticket.answer(|| None) && ticket.is_waiting());
        assert_eq!(left.load(Ordering::Relaxed), 0);
        assert!(ticket.answer(|| Some(answered())));
        assert_eq!((left.load(Ordering::Relaxed), ticket.is_waiting()), (1, false));
        assert!(!ticket.answer(|| unreachable!("nothing is done for one that has its answer")));
        assert!(!ticket.unblock(End::TimedOut));
        assert!(matches!(ticket.take(), Some(End::Answered { position: 7, .. })));
        assert!(ticket.take().is_none() && ticket.give_up().is_none());
    }

    #[test]
    fn nothing_is_done_for_one_who_gave_up() {
        let (ticket, left) = standing();
        assert!(ticket.give_up().is_none());
        assert_eq!(left.load(Ordering::Relaxed), 1);
        assert!(!ticket.answer(|| unreachable!("it has gone")));
        assert!(ticket.take().is_none());
    }

    #[test]
    fn what_somebody_works_on_is_ended_by_nobody_else() {
        let (ticket, left) = standing();
        assert!(ticket.begin() && !ticket.begin());
        assert_eq!(left.load(Ordering::Relaxed), 1);
        assert!(!ticket.unblock(End::Unblocked) && ticket.take().is_none());
        ticket.complete(answered());
        assert!(matches!(ticket.take(), Some(End::Answered { .. })));
        let (gone, _) = standing();
        assert!(gone.begin() && gone.give_up().is_none());
        gone.complete(answered());
        assert!(gone.take().is_none());
    }

    #[test]
    fn who_gives_up_gets_the_end_that_was_faster() {
        let (ticket, _) = standing();
        assert!(ticket.unblock(End::Unblocked));
        assert!(matches!(ticket.give_up(), Some(End::Unblocked)));
    }
}
