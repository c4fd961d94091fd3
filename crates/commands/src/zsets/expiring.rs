//! Members of sorted sets that go away by themselves: the words of hashes (HEXPIRE and its kin), for members.

use kvark_base::Millis;
use kvark_call::{Fault, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::zset::Op;
use kvark_values::{Type, Zset};

use crate::events::ZREM;
use crate::member_expiry::{self, Expiring, Scale};
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("expiring.rs");

impl Expiring for Zset {
    const TYPE: Type = Type::Zset;
    const MEMBERS: &'static str = "members";
    const REMOVED_EVENT: &'static Event = &ZREM;

    fn at<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<&'v Self>, Fault> {
        typed::zset(view, key)
    }

    fn deadline(&self, member: &[u8]) -> Option<Millis> {
        self.get(member).map(|entry| entry.deadline)
    }

    fn put_deadline(member: &[u8], at: Millis, ops: &mut Vec<u8>) {
        Op::Expire { member, at }.encode(ops);
    }

    fn put_removal(member: &[u8], ops: &mut Vec<u8>) {
        Op::Remove { member }.encode(ops);
    }
}

/// `ZEXPIRE key seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a sorted set expire in so many seconds. Answers for each: 1 when that was set, 0 when the condition does not
/// hold, 2 when the moment has passed and the member is gone, -2 when it is not there. NX wants no deadline before, XX wants one, GT a new
/// one that is later, LT one that is earlier. ZADD clears a member's deadline, ZINCRBY lets it be.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZEXPIRE board 60 MEMBERS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > ZEXPIRE board 30 GT MEMBERS 1 ada
/// 1) (integer) 0
/// > ZTTL board MEMBERS 2 ada bob
/// 1) (integer) 60
/// 2) (integer) -1
/// > ZEXPIRE board 0 MEMBERS 1 ada
/// 1) (integer) 2
/// > ZRANGE board 0 -1
/// 1) "bob"
/// ```
pub fn zexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Zset>(w, req, Scale::SECONDS, "zexpire", out)
}

/// `ZPEXPIRE key milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a sorted set expire in so many milliseconds; see ZEXPIRE.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZPEXPIRE board 60000 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZTTL board MEMBERS 1 ada
/// 1) (integer) 60
/// ```
pub fn zpexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Zset>(w, req, Scale::MILLISECONDS, "zpexpire", out)
}

/// `ZEXPIREAT key unix-time-seconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a sorted set expire at a moment in seconds since the Unix epoch; see ZEXPIRE.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZEXPIREAT board 4102444800 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZEXPIRETIME board MEMBERS 1 ada
/// 1) (integer) 4102444800
/// ```
pub fn zexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Zset>(w, req, Scale::UNIX_SECONDS, "zexpireat", out)
}

/// `ZPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] MEMBERS nummembers member [member ...]`
///
/// Lets members of a sorted set expire at a moment in milliseconds since the Unix epoch; see ZEXPIRE.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZPEXPIREAT board 4102444800123 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZPEXPIRETIME board MEMBERS 1 ada
/// 1) (integer) 4102444800123
/// ```
pub fn zpexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Zset>(w, req, Scale::UNIX_MILLISECONDS, "zpexpireat", out)
}

/// `ZTTL key MEMBERS nummembers member [member ...]`
///
/// In how many seconds members of a sorted set expire: -1 for one without a deadline, -2 for one that is not there.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZEXPIRE board 60 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZTTL board MEMBERS 3 ada bob eve
/// 1) (integer) 60
/// 2) (integer) -1
/// 3) (integer) -2
/// ```
pub fn zttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Zset>(view, req, Scale::SECONDS, out)
}

/// `ZPTTL key MEMBERS nummembers member [member ...]`
///
/// In how many milliseconds members of a sorted set expire; see ZTTL.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZPTTL board MEMBERS 1 ada
/// 1) (integer) -1
/// ```
pub fn zpttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Zset>(view, req, Scale::MILLISECONDS, out)
}

/// `ZEXPIRETIME key MEMBERS nummembers member [member ...]`
///
/// When members of a sorted set expire, in seconds since the Unix epoch; see ZTTL.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZPEXPIREAT board 4102444800123 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZEXPIRETIME board MEMBERS 1 ada
/// 1) (integer) 4102444801
/// ```
pub fn zexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Zset>(view, req, Scale::UNIX_SECONDS, out)
}

/// `ZPEXPIRETIME key MEMBERS nummembers member [member ...]`
///
/// When members of a sorted set expire, in milliseconds since the Unix epoch; see ZTTL.
///
/// ```resp
/// > ZADD board 10 ada 20 bob
/// (integer) 2
/// > ZEXPIREAT board 4102444800 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZPEXPIRETIME board MEMBERS 1 ada
/// 1) (integer) 4102444800000
/// ```
pub fn zpexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Zset>(view, req, Scale::UNIX_MILLISECONDS, out)
}

/// `ZPERSIST key MEMBERS nummembers member [member ...]`
///
/// Clears the deadlines of members of a sorted set. Answers for each: 1 when it had one, -1 when it had none, -2 when it is not there.
///
/// ```resp
/// > ZADD board 10 ada
/// (integer) 1
/// > ZEXPIRE board 60 MEMBERS 1 ada
/// 1) (integer) 1
/// > ZPERSIST board MEMBERS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > ZTTL board MEMBERS 1 ada
/// 1) (integer) -1
/// ```
pub fn zpersist(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::persist::<Zset>(w, req, out)
}
