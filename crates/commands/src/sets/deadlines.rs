//! Members of sets that go away by themselves: the words of hashes (HEXPIRE and its kin), for members.

use kvark_base::Millis;
use kvark_call::{Fault, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::set::Op;
use kvark_values::{Set, StringRef, Type};

use crate::events::SREM;
use crate::member_expiry::{self, Expiring, Scale};
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("deadlines.rs");

impl Expiring for Set {
    const TYPE: Type = Type::Set;
    const MEMBERS: &'static str = "members";
    const REMOVED_EVENT: &'static Event = &SREM;

    fn at<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<&'v Self>, Fault> {
        typed::set(view, key)
    }

    fn deadline(&self, member: &[u8]) -> Option<Millis> {
        self.deadline_of(StringRef::new(member))
    }

    fn put_deadline(member: &[u8], at: Millis, ops: &mut Vec<u8>) {
        Op::Expire { member, at }.encode(ops);
    }

    fn put_removal(member: &[u8], ops: &mut Vec<u8>) {
        Op::Remove { member }.encode(ops);
    }
}

/// `SEXPIRE key seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a set expire in so many seconds. Answers for each: 1 when that was set, 0 when the condition does not
/// hold, 2 when the moment has passed and the member is gone, -2 when it is not there. NX wants no deadline before, XX wants one, GT a new
/// one that is later, LT one that is earlier. SADD clears a member's deadline.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SEXPIRE team 60 MEMBERS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > SEXPIRE team 30 GT MEMBERS 1 ada
/// 1) (integer) 0
/// > STTL team MEMBERS 2 ada bob
/// 1) (integer) 60
/// 2) (integer) -1
/// > SEXPIRE team 0 MEMBERS 1 ada
/// 1) (integer) 2
/// > SMEMBERS team
/// 1) "bob"
/// ```
pub fn sexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Set>(w, req, Scale::SECONDS, "sexpire", out)
}

/// `SPEXPIRE key milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a set expire in so many milliseconds; see SEXPIRE.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SPEXPIRE team 60000 MEMBERS 1 ada
/// 1) (integer) 1
/// > STTL team MEMBERS 1 ada
/// 1) (integer) 60
/// ```
pub fn spexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Set>(w, req, Scale::MILLISECONDS, "spexpire", out)
}

/// `SEXPIREAT key unix-time-seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a set expire at a moment in seconds since the Unix epoch; see SEXPIRE.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SEXPIREAT team 4102444800 MEMBERS 1 ada
/// 1) (integer) 1
/// > SEXPIRETIME team MEMBERS 1 ada
/// 1) (integer) 4102444800
/// ```
pub fn sexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Set>(w, req, Scale::UNIX_SECONDS, "sexpireat", out)
}

/// `SPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a set expire at a moment in milliseconds since the Unix epoch; see SEXPIRE.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SPEXPIREAT team 4102444800123 MEMBERS 1 ada
/// 1) (integer) 1
/// > SPEXPIRETIME team MEMBERS 1 ada
/// 1) (integer) 4102444800123
/// ```
pub fn spexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Set>(w, req, Scale::UNIX_MILLISECONDS, "spexpireat", out)
}

/// `STTL key MEMBERS nummembers member [member ...]`
///
/// In how many seconds members of a set expire: -1 for one without a deadline, -2 for one that is not there.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SEXPIRE team 60 MEMBERS 1 ada
/// 1) (integer) 1
/// > STTL team MEMBERS 3 ada bob eve
/// 1) (integer) 60
/// 2) (integer) -1
/// 3) (integer) -2
/// ```
pub fn sttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Set>(view, req, Scale::SECONDS, out)
}

/// `SPTTL key MEMBERS nummembers member [member ...]`
///
/// In how many milliseconds members of a set expire; see STTL.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SPTTL team MEMBERS 1 ada
/// 1) (integer) -1
/// ```
pub fn spttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Set>(view, req, Scale::MILLISECONDS, out)
}

/// `SEXPIRETIME key MEMBERS nummembers member [member ...]`
///
/// When members of a set expire, in seconds since the Unix epoch; see STTL.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SPEXPIREAT team 4102444800123 MEMBERS 1 ada
/// 1) (integer) 1
/// > SEXPIRETIME team MEMBERS 1 ada
/// 1) (integer) 4102444801
/// ```
pub fn sexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Set>(view, req, Scale::UNIX_SECONDS, out)
}

/// `SPEXPIRETIME key MEMBERS nummembers member [member ...]`
///
/// When members of a set expire, in milliseconds since the Unix epoch; see STTL.
///
/// ```resp
/// > SADD team ada bob
/// (integer) 2
/// > SEXPIREAT team 4102444800 MEMBERS 1 ada
/// 1) (integer) 1
/// > SPEXPIRETIME team MEMBERS 1 ada
/// 1) (integer) 4102444800000
/// ```
pub fn spexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Set>(view, req, Scale::UNIX_MILLISECONDS, out)
}

/// `SPERSIST key MEMBERS nummembers member [member ...]`
///
/// Clears the deadlines of members of a set. Answers for each: 1 when it had one, -1 when it had none, -2 when it is not there.
///
/// ```resp
/// > SADD team ada
/// (integer) 1
/// > SEXPIRE team 60 MEMBERS 1 ada
/// 1) (integer) 1
/// > SPERSIST team MEMBERS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > STTL team MEMBERS 1 ada
/// 1) (integer) -1
/// ```
pub fn spersist(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::persist::<Set>(w, req, out)
}
