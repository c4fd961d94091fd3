//! What the table says of one command, and how its keys are found among its arguments.

use std::ops::BitOr;

use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{Event, View, Writer};
use kvark_values::Type;

use crate::context::Context;

/// One command, or one sub-command (`CLIENT|KILL`).
#[derive(Debug)]
pub struct Row {
    /// In upper case.
    pub name: &'static str,
    /// How many arguments it takes, the name included; negative: at least that many.
    pub arity: i16,
    /// What it is about.
    pub group: Group,
    /// What must be known of it before it runs.
    pub flags: Flags,
    /// Where its keys are.
    pub keys: Keys,
    /// The function.
    pub handler: Handler,
    /// The Redis (or Valkey) version that had it first.
    pub since: &'static str,
    /// What its changes are told as; a handler names what is unusual.
    pub event: Event,
    /// Where its doc comment is.
    pub source: Source,
}

/// Where the doc comment of a command stands: the text of its family's file, and the function's name in it.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The family's file.
    pub text: &'static str,
    /// The function.
    pub function: &'static str,
}

/// What a command is about, as `COMMAND DOCS` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Bitmap,
    Connection,
    Generic,
    Geo,
    Hash,
    Hyperloglog,
    List,
    Pubsub,
    Scripting,
    Server,
    Set,
    SortedSet,
    Stream,
    String,
    Transactions,
}

impl Group {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::Connection => "connection",
            Self::Generic => "generic",
            Self::Geo => "geo",
            Self::Hash => "hash",
            Self::Hyperloglog => "hyperloglog",
            Self::List => "list",
            Self::Pubsub => "pubsub",
            Self::Scripting => "scripting",
            Self::Server => "server",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Stream => "stream",
            Self::String => "string",
            Self::Transactions => "transactions",
        }
    }

    /// The type of value that a group is about, where it has lines of clients that wait.
    pub fn of_type(self) -> Option<Type> {
        match self {
            Self::List => Some(Type::List),
            Self::SortedSet => Some(Type::Zset),
            Self::Stream => Some(Type::Stream),
            _ => None,
        }
    }

    /// The category of a group that is about one type.
    pub fn type_category(self) -> Option<&'static str> {
        match self {
            Self::Connection | Self::Generic | Self::Pubsub | Self::Scripting | Self::Server => None,
            Self::Bitmap => Some("@bitmap"),
            Self::Geo => Some("@geo"),
            Self::Hash => Some("@hash"),
            Self::Hyperloglog => Some("@hyperloglog"),
            Self::List => Some("@list"),
            Self::Set => Some("@set"),
            Self::SortedSet => Some("@sortedset"),
            Self::Stream => Some("@stream"),
            Self::String => Some("@string"),
            Self::Transactions => Some("@transaction"),
        }
    }
}

/// What must be known of a command before it runs; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u32);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It may change keys.
    pub const WRITE: Self = Self(1);
    /// It reads keys and changes none.
    pub const READONLY: Self = Self(1 << 1);
    /// It may need memory.
    pub const DENYOOM: Self = Self(1 << 2);
    /// It is for whoever runs the server.
    pub const ADMIN: Self = Self(1 << 3);
    /// It may not stand in a script.
    pub const NOSCRIPT: Self = Self(1 << 4);
    /// It may wait.
    pub const BLOCKING: Self = Self(1 << 5);
    /// It is served while data is loading.
    pub const LOADING: Self = Self(1 << 6);
    /// A stale replica serves it.
    pub const STALE: Self = Self(1 << 7);
    /// It takes constant or logarithmic time.
    pub const FAST: Self = Self(1 << 8);
    /// It is served to clients that have not shown the password.
    pub const NOAUTH: Self = Self(1 << 9);
    /// Where its keys are depends on its arguments.
    pub const MOVABLE_KEYS: Self = Self(1 << 10);
    /// It has sub-commands, each with its own row.
    pub const FAMILY: Self = Self(1 << 11);
    /// It may need a look at all keys: it takes time that grows with the store.
    pub const DANGEROUS: Self = Self(1 << 12);

    /// It is a read that may note something in the key.
    pub const MAY_REPLICATE: Self = Self(1 << 13);
    /// It is about messages.
    pub const PUBSUB: Self = Self(1 << 14);
    /// Its answers are pushes, which a client gets whatever it wants of its answers.
    pub const PUSHES: Self = Self(1 << 15);
    /// It is served to a client of RESP2 that listens.
    pub const CONFINED: Self = Self(1 << 16);
    /// It may not stand between MULTI and EXEC.
    pub const NO_MULTI: Self = Self(1 << 17);
    /// It reaches for keys that its row does not name: a transaction that it stands in holds every shard.
    pub const ANY_KEY: Self = Self(1 << 18);
    /// It tells what everybody knows, and whoever is asked for that may need any lock.
    pub const FACTS: Self = Self(1 << 19);
    /// While it waits for a key, it wants to hear that the key is gone, or holds something else.
    pub const WAITS_FOR_END: Self = Self(1 << 21);
    /// It writes, and reads other keys: those that are missing are told as misses.
    pub const READS: Self = Self(1 << 22);
    /// Its time grows with what lies at its keys: [`crate::long`] says whether it is long.
    pub const MAY_BE_LONG: Self = Self(1 << 23);
    /// It is about a transaction itself: it is executed between MULTI and EXEC, not queued.
    pub const UNQUEUED: Self = Self(1 << 20);
    /// It runs a script, and what that does is found out as it goes.
    pub const SCRIPT: Self = Self(1 << 24);
    /// It is served while a script takes longer than it may. It takes no shard.
    pub const ALLOW_BUSY: Self = Self(1 << 26);

    /// It is over in a moment if it has no options: it is not measured alone.
    pub const BRIEF: Self = Self(1 << 25);

    /// The flags that `COMMAND INFO` names, in Redis' order.
    const NAMED: [(Self, &'static str); 14] = [
        (Self::WRITE, "write"),
        (Self::READONLY, "readonly"),
        (Self::DENYOOM, "denyoom"),
        (Self::ADMIN, "admin"),
        (Self::PUBSUB, "pubsub"),
        (Self::NOSCRIPT, "noscript"),
        (Self::BLOCKING, "blocking"),
        (Self::LOADING, "loading"),
        (Self::STALE, "stale"),
        (Self::FAST, "fast"),
        (Self::NOAUTH, "no_auth"),
        (Self::NO_MULTI, "no_multi"),
        (Self::MAY_REPLICATE, "may_replicate"),
        (Self::ALLOW_BUSY, "allow_busy"),
    ];

    /// Whether all of `other` are set.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether one of `other` is set.
    #[inline]
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names that `COMMAND INFO` shows.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let movable = self.has(Self::MOVABLE_KEYS).then_some("movablekeys");
        Self::NAMED.into_iter().filter(move |&(flag, _)| self.has(flag)).map(|(_, name)| name).chain(movable)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// Where a command's keys are among its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// It has none.
    None,
    /// The first argument.
    First,
    /// The first argument; members of that collection, which are looked for, begin at argument `from`, each `step`-th.
    WithMembers {
        /// The first member.
        from: usize,
        /// How far apart.
        step: usize,
    },
    /// From argument `first` to `last` (negative: counted from the end, -1 is the last), each `step`-th.
    Range {
        /// The first key.
        first: usize,
        /// The last key.
        last: isize,
        /// How far apart.
        step: usize,
    },
    /// As many as argument `count_at` says, from the next one on, each `step`-th. None where that is no sensible number:
    /// the command itself refuses it.
    Counted {
        /// Where the number stands.
        count_at: usize,
        /// How far apart.
        step: usize,
    },
    /// The first argument, where the result goes, and as many as argument `count_at` says, from the next one on.
    Destination {
        /// Where the number stands.
        count_at: usize,
    },
    /// The first argument, and the one behind the last of these words, where the result goes.
    Storing {
        /// The words.
        words: &'static [&'static str],
        /// The first argument that may be one of them.
        from: usize,
    },
    /// The first half of what stands behind STREAMS; the second half belongs to them.
    Streams {
        /// The first argument that may be that word.
        from: usize,
    },
}

/// The key arguments of one request.
#[derive(Debug, Clone)]
pub struct KeyArgs<'a> {
    req: Request<'a>,
    /// The place of a key that stands before the others.
    first: Option<usize>,
    next: usize,
    left: usize,
    step: usize,
}

impl<'a> Iterator for KeyArgs<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.next_index()?;
        Some(self.req.arg(at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.left + usize::from(self.first.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for KeyArgs<'_> {}

impl KeyArgs<'_> {
    /// The place of the next key among the arguments, and steps over it.
    #[inline]
    pub fn next_index(&mut self) -> Option<usize> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.left = self.left.checked_sub(1)?;
        let at = self.next;
        self.next += self.step;
        Some(at)
    }
}

impl Row {
    /// The key arguments of `req`, whose arity was checked.
    #[inline]
    pub fn keys<'a>(&self, req: &Request<'a>) -> KeyArgs<'a> {
        let (next, left, step) = match self.keys {
            Keys::None => (0, 0, 1),
            Keys::First | Keys::WithMembers { .. } => (1, 1, 1),
            Keys::Range { first, last, step } => {
                let last = if last < 0 { req.len() as isize + last } else { last } as usize;
                let last = last.min(req.len() - 1);
                (first, if last < first { 0 } else { (last - first) / step + 1 }, step)
            }
            Keys::Counted { count_at, step } => (count_at + 1, counted(req, count_at, step), step),
            Keys::Destination { count_at } => (count_at + 1, counted(req, count_at, 1), 1),
            Keys::Storing { words, from } => stored(req, words, from).map_or((0, 0, 1), |at| (at, 1, 1)),
            Keys::Streams { .. } => streams(req),
        };
        let first = matches!(self.keys, Keys::Destination { .. } | Keys::Storing { .. }).then_some(1);
        KeyArgs { req: *req, first, next, left, step }
    }

    /// The key argument of `req`, when it names exactly one.
    #[inline]
    pub fn one_key<'a>(&self, req: &Request<'a>) -> Option<&'a [u8]> {
        let mut keys = self.keys(req);
        if keys.len() == 1 { keys.next() } else { None }
    }

    /// Which arguments of `req` are members that it will look for. A guess: where options come first they are taken for members.
    #[inline]
    pub fn members(&self, req: &Request<'_>) -> impl Iterator<Item = usize> + use<> {
        let (members, step) = match self.keys {
            Keys::WithMembers { from, step } => (from..req.len(), step),
            _ => (0..0, 1),
        };
        members.step_by(step)
    }

    /// Whether `len` arguments, the name included, are what it takes.
    #[inline]
    pub fn takes(&self, len: usize) -> bool {
        if self.arity >= 0 { len == self.arity as usize } else { len >= usize::from(self.arity.unsigned_abs()) }
    }

    /// Whether a client that tracks what it reads wants to hear of the keys of this command. Of those of a script it hears when they are read.
    #[inline]
    pub fn is_tracked(&self) -> bool {
        self.flags.has(Flags::READONLY) && self.keys != Keys::None && self.group != Group::Scripting
    }

    /// Makes `writer` ready for the handler of a command of the client `author`.
    #[inline]
    pub fn prepare(&'static self, writer: &mut Writer<'_>, touching: bool, author: u64) {
        writer.set_touching(touching);
        writer.set_author(author);
        writer.set_event(&self.event);
        if self.flags.has(Flags::READS) {
            writer.tell_misses();
        }
    }

    /// Whether it may change keys.
    #[inline]
    pub fn writes(&self) -> bool {
        self.flags.has(Flags::WRITE)
    }
}

fn counted(req: &Request<'_>, count_at: usize, step: usize) -> usize {
    let count = req.get(count_at).and_then(kvark_base::number::parse_i64).unwrap_or(0);
    let room = (req.len() - 1).saturating_sub(count_at) / step;
    usize::try_from(count).ok().filter(|&count| count <= room).unwrap_or(0)
}

/// Words that bring arguments along, which are no words then.
const CARRYING: [(&str, usize); 4] = [("BY", 1), ("COUNT", 1), ("GET", 1), ("LIMIT", 2)];

/// The place of the key behind the last of `words`, read from the front as the command itself reads them.
fn stored(req: &Request<'_>, words: &[&str], from: usize) -> Option<usize> {
    let (mut at, mut found) = (from, None);
    while at + 1 < req.len() {
        if words.iter().any(|word| req.is(at, word)) {
            found = Some(at + 1);
            at += 1;
        } else {
            at += CARRYING.iter().find(|(word, _)| req.is(at, word)).map_or(0, |&(_, arguments)| arguments);
        }
        at += 1;
    }
    found
}

/// Where the keys begin, how many they are, and how far apart. None where each has no counterpart: the command itself refuses that.
fn streams(req: &Request<'_>) -> (usize, usize, usize) {
    let first = streams_at(req).map_or(req.len(), |at| at + 1);
    let rest = req.len() - first;
    (first, if rest.is_multiple_of(2) { rest / 2 } else { 0 }, 1)
}

/// The place of the word STREAMS, behind the options of XREAD and XREADGROUP.
pub fn streams_at(req: &Request<'_>) -> Option<usize> {
    let mut at = 1;
    while at + 1 < req.len() {
        at += match () {
            () if req.is(at, "STREAMS") => return Some(at),
            () if req.is(at, "COUNT") || req.is(at, "BLOCK") => 2,
            () if req.is(at, "GROUP") => 3,
            () if req.is(at, "NOACK") => 1,
            () => return None,
        };
    }
    None
}

/// How a command ends: its outcome, or the refusal to be answered.
pub type Answer = Result<Outcome, Fault>;

/// A command that reads keys.
pub type Read = fn(&View, &Request, &mut dyn ReplySink) -> Answer;
/// A command that may change keys.
pub type Write = fn(&mut Writer, &Request, &mut dyn ReplySink) -> Answer;
/// A command about the connection, the server, or all keys.
pub type Ask = fn(&mut Context, &Request, &mut dyn ReplySink) -> Answer;

/// The function of a command, by what it holds.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// The shards of its keys, to read.
    Read(Read),
    /// The shards of its keys, to write.
    Write(Write),
    /// No shard; it may take some itself.
    Ask(Ask),
}
