//! Fields of hashes that go away by themselves: HEXPIRE and its kin.

use kvark_base::Millis;
use kvark_call::{Fault, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::hash::Op;
use kvark_values::{Hash, StringRef, Type};

use crate::events::HDEL;
use crate::member_expiry::{self, Expiring, Scale};
use crate::row::Answer;
use crate::typed;

pub(crate) const SOURCE: &str = include_str!("deadlines.rs");

impl Expiring for Hash {
    const TYPE: Type = Type::Hash;
    const MEMBERS: &'static str = "fields";
    const REMOVED_EVENT: &'static Event = &HDEL;

    fn at<'v>(view: &'v View<'_>, key: &[u8]) -> Result<Option<&'v Self>, Fault> {
        typed::hash(view, key)
    }

    fn deadline(&self, field: &[u8]) -> Option<Millis> {
        self.deadline_of(StringRef::new(field))
    }

    fn put_deadline(field: &[u8], at: Millis, ops: &mut Vec<u8>) {
        Op::Expire { field, at }.encode(ops);
    }

    fn put_removal(field: &[u8], ops: &mut Vec<u8>) {
        Op::Remove { field }.encode(ops);
    }
}

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// Lets fields of a hash expire in so many seconds. Answers for each: 1 when that was set, 0 when the condition does not
/// hold, 2 when the moment has passed and the field is gone, -2 when it is not there. NX wants no deadline before, XX wants one, GT a new
/// one that is later, LT one that is earlier. HSET clears a field's deadline, HINCRBY lets it be.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HEXPIRE board 60 FIELDS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > HEXPIRE board 30 GT FIELDS 1 ada
/// 1) (integer) 0
/// > HTTL board FIELDS 2 ada bob
/// 1) (integer) 60
/// 2) (integer) -1
/// > HEXPIRE board 0 FIELDS 1 ada
/// 1) (integer) 2
/// > HKEYS board
/// 1) "bob"
/// ```
pub fn hexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Hash>(w, req, Scale::SECONDS, "hexpire", out)
}

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// Lets fields of a hash expire in so many milliseconds; see HEXPIRE.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HPEXPIRE board 60000 FIELDS 1 ada
/// 1) (integer) 1
/// > HTTL board FIELDS 1 ada
/// 1) (integer) 60
/// ```
pub fn hpexpire(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Hash>(w, req, Scale::MILLISECONDS, "hpexpire", out)
}

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// Lets fields of a hash expire at a moment in seconds since the Unix epoch; see HEXPIRE.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HEXPIREAT board 4102444800 FIELDS 1 ada
/// 1) (integer) 1
/// > HEXPIRETIME board FIELDS 1 ada
/// 1) (integer) 4102444800
/// ```
pub fn hexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Hash>(w, req, Scale::UNIX_SECONDS, "hexpireat", out)
}

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// Lets fields of a hash expire at a moment in milliseconds since the Unix epoch; see HEXPIRE.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HPEXPIREAT board 4102444800123 FIELDS 1 ada
/// 1) (integer) 1
/// > HPEXPIRETIME board FIELDS 1 ada
/// 1) (integer) 4102444800123
/// ```
pub fn hpexpireat(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::expire::<Hash>(w, req, Scale::UNIX_MILLISECONDS, "hpexpireat", out)
}

/// `HTTL key FIELDS numfields field [field ...]`
///
/// In how many seconds fields of a hash expire: -1 for one without a deadline, -2 for one that is not there.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HEXPIRE board 60 FIELDS 1 ada
/// 1) (integer) 1
/// > HTTL board FIELDS 3 ada bob eve
/// 1) (integer) 60
/// 2) (integer) -1
/// 3) (integer) -2
/// ```
pub fn httl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Hash>(view, req, Scale::SECONDS, out)
}

/// `HPTTL key FIELDS numfields field [field ...]`
///
/// In how many milliseconds fields of a hash expire; see HTTL.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HPTTL board FIELDS 1 ada
/// 1) (integer) -1
/// ```
pub fn hpttl(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Hash>(view, req, Scale::MILLISECONDS, out)
}

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
///
/// When fields of a hash expire, in seconds since the Unix epoch; see HTTL.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HPEXPIREAT board 4102444800123 FIELDS 1 ada
/// 1) (integer) 1
/// > HEXPIRETIME board FIELDS 1 ada
/// 1) (integer) 4102444801
/// ```
pub fn hexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Hash>(view, req, Scale::UNIX_SECONDS, out)
}

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
///
/// When fields of a hash expire, in milliseconds since the Unix epoch; see HTTL.
///
/// ```resp
/// > HSET board ada 10 bob 20
/// (integer) 2
/// > HEXPIREAT board 4102444800 FIELDS 1 ada
/// 1) (integer) 1
/// > HPEXPIRETIME board FIELDS 1 ada
/// 1) (integer) 4102444800000
/// ```
pub fn hpexpiretime(view: &View, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::deadlines::<Hash>(view, req, Scale::UNIX_MILLISECONDS, out)
}

/// `HPERSIST key FIELDS numfields field [field ...]`
///
/// Clears the deadlines of fields of a hash. Answers for each: 1 when it had one, -1 when it had none, -2 when it is not there.
///
/// ```resp
/// > HSET board ada 10
/// (integer) 1
/// > HEXPIRE board 60 FIELDS 1 ada
/// 1) (integer) 1
/// > HPERSIST board FIELDS 2 ada eve
/// 1) (integer) 1
/// 2) (integer) -2
/// > HTTL board FIELDS 1 ada
/// 1) (integer) -1
/// ```
pub fn hpersist(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Answer {
    member_expiry::persist::<Hash>(w, req, out)
}
