//! What a store should do, in the plainest way: a map from (database, key) to (value, deadline).

use std::collections::BTreeMap;

use kvark_base::{Millis, number};

/// Value and deadline (0: none).
pub type Held = (Vec<u8>, Millis);

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Everything that is alive.
    pub keys: BTreeMap<(u32, Vec<u8>), Held>,
}

/// One thing a client may do.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Op {
    Set { key: Vec<u8>, value: Vec<u8>, px: Option<u64>, only: Only, keep_ttl: bool, get: bool },
    Mset(Vec<(Vec<u8>, Vec<u8>)>),
    Get(Vec<u8>),
    Getdel(Vec<u8>),
    Del(Vec<Vec<u8>>),
    Append(Vec<u8>, Vec<u8>),
    Setrange(Vec<u8>, u64, Vec<u8>),
    Incrby(Vec<u8>, i64),
    Rename(Vec<u8>, Vec<u8>),
    Copy { from: Vec<u8>, to: Vec<u8>, db: u32, replace: bool },
    Move(Vec<u8>, u32),
    Pexpireat(Vec<u8>, Millis),
    Persist(Vec<u8>),
    Pexpiretime(Vec<u8>),
    Flushdb,
    Swapdb(u32, u32),
    Dbsize,
}

/// The condition of a SET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Only {
    Always,
    IfMissing,
    IfPresent,
}

impl Op {
    /// The words a client would send.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let text = |number: u64| number.to_string().into_bytes();
        let words = |name: &str, rest: &[&[u8]]| {
            std::iter::once(name.as_bytes().to_vec()).chain(rest.iter().map(|word| word.to_vec())).collect::<Vec<_>>()
        };
        match self {
            Self::Set { key, value, px, only, keep_ttl, get } => {
                let mut all = words("SET", &[key, value]);
                match only {
                    Only::Always => {}
                    Only::IfMissing => all.push(b"NX".to_vec()),
                    Only::IfPresent => all.push(b"XX".to_vec()),
                }
                if let Some(px) = px {
                    all.extend([b"PX".to_vec(), text(*px)]);
                }
                all.extend(keep_ttl.then(|| b"KEEPTTL".to_vec()));
                all.extend(get.then(|| b"GET".to_vec()));
                all
            }
            Self::Mset(pairs) => {
                let rest: Vec<&[u8]> = pairs.iter().flat_map(|(key, value)| [key.as_slice(), value]).collect();
                words("MSET", &rest)
            }
            Self::Get(key) => words("GET", &[key]),
            Self::Getdel(key) => words("GETDEL", &[key]),
            Self::Del(keys) => words("DEL", &keys.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            Self::Append(key, value) => words("APPEND", &[key, value]),
            Self::Setrange(key, offset, value) => words("SETRANGE", &[key, &text(*offset), value]),
            Self::Incrby(key, by) => words("INCRBY", &[key, by.to_string().as_bytes()]),
            Self::Rename(from, to) => words("RENAME", &[from, to]),
            Self::Copy { from, to, db, replace } => {
                let mut all = words("COPY", &[from, to, b"DB", &text(u64::from(*db))]);
                all.extend(replace.then(|| b"REPLACE".to_vec()));
                all
            }
            Self::Move(key, db) => words("MOVE", &[key, &text(u64::from(*db))]),
            Self::Pexpireat(key, at) => words("PEXPIREAT", &[key, &text(*at)]),
            Self::Persist(key) => words("PERSIST", &[key]),
            Self::Pexpiretime(key) => words("PEXPIRETIME", &[key]),
            Self::Flushdb => words("FLUSHDB", &[]),
            Self::Swapdb(a, b) => words("SWAPDB", &[&text(u64::from(*a)), &text(u64::from(*b))]),
            Self::Dbsize => words("DBSIZE", &[]),
        }
    }
}

fn bulk(value: Option<&Held>) -> String {
    value.map_or("nil".to_owned(), |(text, _)| format!("\"{}\"", text.escape_ascii()))
}

fn flag(value: bool) -> String {
    format!(":{}", u8::from(value))
}

impl Model {
    /// Time has come to `now_ms`.
    pub fn pass_time(&mut self, now_ms: Millis) {
        self.keys.retain(|_, (_, deadline)| *deadline == 0 || *deadline > now_ms);
    }

    /// Does `op` in database `db` and says what the answer should be.
    pub fn apply(&mut self, db: u32, op: &Op, now_ms: Millis) -> String {
        let at = |key: &Vec<u8>| (db, key.clone());
        match op {
            Op::Set { .. } => self.set(db, op, now_ms),
            Op::Mset(pairs) => {
                self.keys.extend(pairs.iter().map(|(key, value)| (at(key), (value.clone(), 0))));
                "OK".into()
            }
            Op::Get(key) => bulk(self.keys.get(&at(key))),
            Op::Getdel(key) => bulk(self.keys.remove(&at(key)).as_ref()),
            Op::Del(keys) => format!(":{}", keys.iter().filter(|key| self.keys.remove(&at(key)).is_some()).count()),
            Op::Append(key, tail) => {
                let (text, _) = self.keys.entry(at(key)).or_default();
                text.extend_from_slice(tail);
                format!(":{}", text.len())
            }
            Op::Setrange(key, offset, bytes) => self.set_range(at(key), *offset as usize, bytes),
            Op::Incrby(key, by) => self.increment(at(key), *by),
            Op::Rename(from, to) => match self.keys.remove(&at(from)) {
                None => "!ERR no such key".into(),
                Some(held) => {
                    self.keys.insert(at(to), held);
                    "OK".into()
                }
            },
            Op::Copy { from, to, db: target, replace } => self.copy(at(from), (*target, to.clone()), *replace),
            Op::Move(key, target) => {
                if *target == db {
                    return "!ERR source and destination objects are the same".into();
                }
                let there = (*target, key.clone());
                let moves = self.keys.contains_key(&at(key)) && !self.keys.contains_key(&there);
                if moves {
                    let held = self.keys.remove(&at(key)).expect("just seen");
                    self.keys.insert(there, held);
                }
                flag(moves)
            }
            Op::Pexpireat(key, deadline) => {
                let there = self.keys.get_mut(&at(key)).map(|held| held.1 = *deadline).is_some();
                self.pass_time(now_ms);
                flag(there)
            }
            Op::Persist(key) => flag(self.keys.get_mut(&at(key)).is_some_and(|held| std::mem::take(&mut held.1) != 0)),
            Op::Pexpiretime(key) => match self.keys.get(&at(key)) {
                None => ":-2".into(),
                Some((_, 0)) => ":-1".into(),
                Some((_, deadline)) => format!(":{deadline}"),
            },
            Op::Flushdb => {
                self.keys.retain(|(of, _), _| *of != db);
                "OK".into()
            }
            Op::Swapdb(a, b) => {
                let renamed = |db: u32| {
                    if db == *a {
                        *b
                    } else if db == *b {
                        *a
                    } else {
                        db
                    }
                };
                let keys = std::mem::take(&mut self.keys);
                self.keys = keys.into_iter().map(|((db, key), held)| ((renamed(db), key), held)).collect();
                "OK".into()
            }
            Op::Dbsize => format!(":{}", self.keys.keys().filter(|(of, _)| *of == db).count()),
        }
    }

    fn set(&mut self, db: u32, op: &Op, now_ms: Millis) -> String {
        let Op::Set { key, value, px, only, keep_ttl, get } = op else { unreachable!("called for SET only") };
        let at = (db, key.clone());
        let old = self.keys.get(&at).cloned();
        let fits = match only {
            Only::Always => true,
            Only::IfMissing => old.is_none(),
            Only::IfPresent => old.is_some(),
        };
        if fits {
            let kept = if *keep_ttl { old.as_ref().map_or(0, |held| held.1) } else { 0 };
            self.keys.insert(at, (value.clone(), px.map_or(kept, |px| now_ms + px)));
        }
        match (get, fits) {
            (true, _) => bulk(old.as_ref()),
            (false, true) => "OK".into(),
            (false, false) => "nil".into(),
        }
    }

    fn set_range(&mut self, at: (u32, Vec<u8>), offset: usize, bytes: &[u8]) -> String {
        if bytes.is_empty() {
            return format!(":{}", self.keys.get(&at).map_or(0, |held| held.0.len()));
        }
        let (text, _) = self.keys.entry(at).or_default();
        text.resize(text.len().max(offset + bytes.len()), 0);
        text[offset..offset + bytes.len()].copy_from_slice(bytes);
        format!(":{}", text.len())
    }

    fn increment(&mut self, at: (u32, Vec<u8>), by: i64) -> String {
        let old = self.keys.get(&at).map_or(Some(0), |held| number::parse_i64(&held.0));
        let Some(old) = old else { return "!ERR value is not an integer or out of range".into() };
        let Some(sum) = old.checked_add(by) else { return "!ERR increment or decrement would overflow".into() };
        self.keys.entry(at).or_default().0 = sum.to_string().into_bytes();
        format!(":{sum}")
    }

    fn copy(&mut self, from: (u32, Vec<u8>), to: (u32, Vec<u8>), replace: bool) -> String {
        if from == to {
            return "!ERR source and destination objects are the same".into();
        }
        let Some(held) = self.keys.get(&from).cloned() else { return flag(false) };
        if !replace && self.keys.contains_key(&to) {
            return flag(false);
        }
        self.keys.insert(to, held);
        flag(true)
    }
}
