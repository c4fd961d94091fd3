//! The embedded door: the same keyspace and the same commands for a caller inside the process.
//!
//! Invariant: when a write returns it is at the store's level; a read returns only what is.
//! Invariant: no callback runs while a shard is held, except the one that copies a value out.

use std::sync::Arc;
use std::time::Duration;

use kvark_base::{Error, Kind, Millis, limits};
use kvark_call::fault::Parked;
use kvark_call::request::OwnedRequest;
use kvark_call::{Fault, ReplySink, Session};
use kvark_commands::typed::string_of;
use kvark_commands::{Flags, counters, resolve, strings};
use kvark_keyspace::order::{Bounds, Walk};
use kvark_keyspace::{Event, Writer};
use kvark_log::Admission;
use kvark_values::{IntBuffer, NewValue, StringRef};

use crate::engine::Engine;
use crate::turn::{Scratch, TurnEnd};
use crate::{Condition, Expiry, SetOptions, SetOutcome};

/// How long a caller waits for the background to make room in the log before it is refused.
const ROOM_PATIENCE: Duration = Duration::from_secs(30);
/// How often [`Engine::execute`] looks after a command that waits.
const LOOK: Duration = Duration::from_millis(1);
/// Keys changed under one bracket by `set_many` and `delete_many`: their shards are held together for so long.
const CHUNK: usize = 64;

impl Engine {
    /// Hands the string of `key` to `with`, under the key's shard; `None` when there is no such key. A key of another type is refused.
    #[inline]
    pub fn get<R>(&self, db: u32, key: &[u8], with: impl FnOnce(StringRef<'_>) -> R) -> Result<Option<R>, Fault> {
        let view = self.keyspace.view_one(db, self.keyspace.key(key), self.coarse_ms());
        // The coarse time is never ahead: what it finds may have expired since, and only then the clock is read.
        let found = view.find(key).filter(|entry| entry.expires_at() == 0 || !entry.is_expired(self.clock().now_ms()));
        let result = found.map(|entry| string_of(&entry).map(with)).transpose()?;
        let seen = view.seen();
        drop(view);
        self.confirm(seen)?;
        Ok(result)
    }

    /// Whether `key` is there.
    pub fn exists(&self, db: u32, key: &[u8]) -> Result<bool, Fault> {
        Ok(self.deadline(db, key)?.is_some())
    }

    /// When `key` expires: `None` for no such key, `Some(None)` for never.
    pub fn deadline(&self, db: u32, key: &[u8]) -> Result<Option<Option<Millis>>, Fault> {
        let view = self.keyspace.view_one(db, self.keyspace.key(key), self.clock().now_ms());
        let found = view.peek(key).map(|entry| Some(entry.expires_at()).filter(|&at| at != 0));
        let seen = view.seen();
        drop(view);
        self.confirm(seen)?;
        Ok(found)
    }

    /// Sets `key` to `value` as `options` say. Lengths are checked here.
    #[inline]
    pub fn set(&self, db: u32, key: &[u8], value: &[u8], options: &SetOptions<'_>) -> Result<SetOutcome, Fault> {
        check_key(key)?;
        check_value(value)?;
        let plain = matches!(options.condition, Condition::Always) && matches!(options.expiry, Expiry::Clear);
        let now_ms = if plain && !options.return_old { self.coarse_ms() } else { self.clock().now_ms() };
        self.write(db, key, value.len(), now_ms, |writer| strings::set_value(writer, key, value, options))
    }

    /// Sets many keys, in brackets of a few dozen: after a crash a bracket is there or not.
    /// `expires_at` is 0 for never.
    pub fn set_many(&self, db: u32, pairs: &[(&[u8], &[u8])], expires_at: Millis) -> Result<(), Fault> {
        for (key, value) in pairs {
            check_key(key)?;
            check_value(value)?;
        }
        let (mut written, mut keys) = (0, Vec::with_capacity(CHUNK));
        for chunk in pairs.chunks(CHUNK) {
            let len_bytes = chunk.iter().map(|(key, value)| key.len() + value.len()).sum();
            self.admit_patiently(len_bytes)?;
            keys.clear();
            keys.extend(chunk.iter().map(|(key, _)| self.keyspace.key(key)));
            let mut writer = self.keyspace.write_keys(db, &keys, self.coarse_ms());
            writer.set_second_event((expires_at != 0).then_some(&Event::EXPIRE));
            writer.bracket(chunk.len(), len_bytes)?;
            for (key, (_, value)) in keys.iter().zip(chunk) {
                writer.put_hashed(db, key, NewValue::string(value), expires_at)?;
            }
            written = writer.written();
        }
        Ok(self.confirm(written.max(self.serve_waiting()))?)
    }

    /// Removes `key`; whether it was there.
    pub fn delete(&self, db: u32, key: &[u8]) -> Result<bool, Fault> {
        check_key(key)?;
        self.write(db, key, 0, self.clock().now_ms(), |writer| Ok(writer.remove(key)?))
    }

    /// Removes `key`; the string it held.
    pub fn take(&self, db: u32, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        check_key(key)?;
        self.write(db, key, 0, self.clock().now_ms(), |writer| {
            let found = writer.find(key).map(|entry| string_of(&entry)).transpose()?;
            let held = found.map(|string| string.text(&mut IntBuffer::new()).to_vec());
            writer.remove(key)?;
            Ok(held)
        })
    }

    /// Removes many keys; how many were there.
    pub fn delete_many(&self, db: u32, keys: &[&[u8]]) -> Result<u64, Fault> {
        let (mut removed, mut written) = (0, 0);
        for chunk in keys.chunks(CHUNK) {
            let len_bytes = chunk.iter().map(|key| key.len()).sum();
            self.admit_patiently(len_bytes)?;
            let mut writer = self.keyspace.write_many(db, chunk.iter().copied(), self.clock().now_ms());
            writer.bracket(chunk.len(), len_bytes)?;
            for key in chunk {
                removed += u64::from(writer.remove(key)?);
            }
            written = writer.written().max(written);
        }
        self.confirm(written.max(self.serve_waiting()))?;
        Ok(removed)
    }

    /// Adds `by` to the number at `key`, which counts as 0 when missing; returns the sum.
    pub fn increment(&self, db: u32, key: &[u8], by: i64) -> Result<i64, Fault> {
        check_key(key)?;
        self.write(db, key, 8, self.clock().now_ms(), |writer| counters::increment(writer, key, by))
    }

    /// Sets when `key` expires (`None`: never); whether it was there. A deadline that has passed removes it.
    pub fn expire_at(&self, db: u32, key: &[u8], deadline: Option<Millis>) -> Result<bool, Fault> {
        check_key(key)?;
        let now_ms = self.clock().now_ms();
        self.write(db, key, 0, now_ms, |writer| match deadline {
            Some(at) if at <= now_ms => Ok(writer.remove(key)?),
            at => Ok(writer.expire_at(key, at.unwrap_or(0))?),
        })
    }

    /// A walk over database `db` in key order.
    pub fn walk(&self, db: u32, bounds: Bounds<'_>, reverse: bool) -> Walk<'_> {
        self.keyspace.walk(db, bounds, reverse)
    }

    /// How many keys database `db` holds.
    pub fn len(&self, db: u32) -> u64 {
        self.keyspace.len(db)
    }

    /// Empties database `db`.
    pub fn clear(&self, db: u32) -> Result<(), Fault> {
        let position = self.keyspace.flush(db)?;
        Ok(self.confirm(position.max(self.serve_waiting()))?)
    }

    /// Milliseconds since the Unix epoch, by the store's clock.
    pub fn now_ms(&self) -> Millis {
        self.clock().now_ms()
    }

    /// Executes any word for a session of the embedded door. One that would close a connection leaves the session's peer killed, and
    /// the caller goes on with a new one. What waits is handed out: see [`Engine::resume`].
    pub fn begin(
        self: &Arc<Self>,
        session: &mut Session,
        request: &OwnedRequest,
        out: &mut dyn ReplySink,
    ) -> Result<Option<Parked>, Fault> {
        let (buffer, pipeline) = request.as_pipeline();
        let mut scratch = Scratch::passing();
        loop {
            let turn = self.turn(session, &pipeline, buffer, 0, out, &mut scratch);
            self.confirm(turn.position)?;
            match turn.end {
                TurnEnd::Drained => return Ok(None),
                TurnEnd::Close => {
                    session.peer.kill();
                    return Ok(None);
                }
                TurnEnd::Held { retry_ms } => {
                    // Whoever waits for room helps to make it.
                    if !matches!(self.log.maintain(), Ok(true)) {
                        std::thread::sleep(Duration::from_millis(retry_ms));
                    }
                }
                TurnEnd::Parked(parked) => {
                    session.peer.park(Some(Arc::clone(&parked.ticket)));
                    return Ok(Some(parked));
                }
            }
        }
    }

    /// Answers a command that waits, if its wait is over; whether it was. Its peer is woken when that may be so, unless it is for the
    /// deadline. A sync that it waits for is done here.
    pub fn resume(&self, session: &mut Session, parked: &Parked, out: &mut dyn ReplySink) -> Result<bool, Fault> {
        if let Some(position) = parked.position() {
            while self.log.synced() < position {
                self.log.sync()?;
            }
        }
        let is_due = parked.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= self.clock().now_ms());
        let end = if is_due { parked.ticket.give_up() } else { parked.ticket.take() };
        let position = match end {
            Some(end) => parked.finish(end, &self.world, session, out),
            None if is_due || parked.position().is_some() => {
                parked.resume(parked.position().is_some(), &self.world, session, out);
                0
            }
            None => return Ok(false),
        };
        session.peer.park(None);
        self.confirm(position)?;
        Ok(true)
    }

    /// How long until the time of a parked command is over; `None` is for ever.
    pub fn left(&self, parked: &Parked) -> Option<Duration> {
        let now_ms = self.clock().now_ms();
        parked.deadline_ms.map(|deadline_ms| Duration::from_millis(deadline_ms.saturating_sub(now_ms)))
    }

    /// Whether a request is one that may wait for another client to change a key.
    pub fn may_wait_for_keys(&self, request: &OwnedRequest) -> bool {
        let request = request.as_request();
        resolve(&request).is_ok_and(|row| row.flags.has(Flags::BLOCKING) && row.keys(&request).next().is_some())
    }

    /// As [`Engine::begin`], and waits until the word is answered.
    pub fn execute(
        self: &Arc<Self>,
        session: &mut Session,
        request: &OwnedRequest,
        out: &mut dyn ReplySink,
    ) -> Result<(), Fault> {
        if let Some(parked) = self.begin(session, request, out)? {
            while !self.resume(session, &parked, out)? {
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    #[inline]
    fn write<R>(
        &self,
        db: u32,
        key: &[u8],
        len_bytes: usize,
        now_ms: Millis,
        change: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.admit_patiently(key.len() + len_bytes)?;
        let mut writer = self.keyspace.write_one(db, self.keyspace.key(key), now_ms);
        let result = change(&mut writer)?;
        let depends = writer.written().max(writer.seen());
        drop(writer);
        self.confirm(depends.max(self.serve_waiting()))?;
        Ok(result)
    }

    #[inline]
    pub(crate) fn admit_patiently(&self, len_bytes: usize) -> Result<(), Fault> {
        let over_bound = self.over_bound.load(std::sync::atomic::Ordering::Relaxed);
        match self.log.admit(len_bytes)? {
            Admission::Ready if !over_bound => Ok(()),
            _ => self.wait_for_room(len_bytes),
        }
    }

    #[cold]
    fn wait_for_room(&self, len_bytes: usize) -> Result<(), Fault> {
        let until = self.clock().uptime() + ROOM_PATIENCE;
        loop {
            self.bells.checkpoint.ring();
            // Whoever waits for room helps to make it.
            if !matches!(self.log.maintain(), Ok(true)) {
                std::thread::sleep(Duration::from_millis(1));
            }
            let over_bound = self.over_bound.load(std::sync::atomic::Ordering::Relaxed);
            if self.log.admit(len_bytes)? == Admission::Ready && !over_bound {
                return Ok(());
            }
            let failed = self.checkpointer.as_ref().and_then(|checkpointer| checkpointer.facts().last_error);
            if let Some(error) = failed.filter(|_| over_bound) {
                return Err(error.into());
            }
            if self.clock().uptime() > until {
                let message = "the log made no room for 30 seconds: checkpoints can't keep up; look after the disk, then try again";
                return Err(Error::new(Kind::Busy, message).into());
            }
        }
    }
}

pub(crate) fn check_key(key: &[u8]) -> Result<(), Fault> {
    if key.len() > limits::MAX_KEY_LEN {
        let message = format!("ERR key of {} bytes: a key has at most {}", key.len(), limits::MAX_KEY_LEN);
        return Err(Fault::new(message));
    }
    Ok(())
}

pub(crate) fn check_value(value: &[u8]) -> Result<(), Fault> {
    if value.len() > limits::MAX_VALUE_LEN {
        let message = format!("ERR value of {} bytes: a value has at most {}", value.len(), limits::MAX_VALUE_LEN);
        return Err(Fault::new(message));
    }
    Ok(())
}
