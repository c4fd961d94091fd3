"""What can go wrong. Every member is also what Python people catch in its place:

    KvarkError
    ├── StoreLocked     (OSError)              another process, or another store of this one, has the directory open
    ├── StoreBusy       (TimeoutError)         the background could not keep up: nothing was changed, try again later
    ├── DiskFull        (OSError)              no room: nothing was changed, and service goes on once there is room
    ├── StoreIOError    (OSError)              the operating system refused a file operation
    ├── StoreCorrupt    (OSError)              bytes on disk are not what was written
    ├── StorePoisoned   (OSError)              a write's fate is unknown: reads go on, writes want the store reopened
    ├── StoreClosed     (ValueError)           the store was closed before
    ├── ForkedStore     (RuntimeError)         the store was opened by the parent process
    ├── WrongType       (TypeError)            the key holds another type than the call works on
    ├── InvalidInput    (ValueError)           a key, a value or an option breaks a rule or a limit
    ├── SlowSubscriber  (BufferError)          messages came faster than they were read, and the subscription was closed
    ├── ReplyError      (RuntimeError)         a command given to `execute` was refused: code first, as in Redis
    ├── TransactionConflict  (RuntimeError)    a key that a transaction read has changed: nothing was written, try again
    ├── ConfigError     (ValueError)           a flag, a variable or a line of a file cannot be understood
    └── Unsupported     (NotImplementedError)  this build or this machine cannot do it

A missing key is a plain `KeyError`, and an argument of a wrong Python type a plain `TypeError`, as with a `dict`.
"""

from __future__ import annotations


class KvarkError(Exception):
    """The root of the tree."""

    # People import these from `kvark`; tracebacks and pickles say so too.
    __module__ = "kvark"

    def __init_subclass__(cls) -> None:
        if cls.__module__ == __name__:
            cls.__module__ = "kvark"


class StoreLocked(KvarkError, OSError):
    """Another process, or another store of this process, has the directory open; the message names it."""


class StoreBusy(KvarkError, TimeoutError):
    """The background could not keep up with the writes for half a minute. Nothing was changed; try again later."""


class DiskFull(KvarkError, OSError):
    """No room could be reserved. Nothing was changed; the same call works again once there is room."""


class StoreIOError(KvarkError, OSError):
    """The operating system refused a file operation."""


class StoreCorrupt(KvarkError, OSError):
    """Bytes on disk are not what was written; the message names file and offset."""


class StorePoisoned(KvarkError, OSError):
    """A write's fate is unknown, so no more writes are accepted. Reads go on; reopening the store settles it."""


class StoreClosed(KvarkError, ValueError):
    """The store was closed before."""


class ForkedStore(KvarkError, RuntimeError):
    """The store was opened by the parent process. Open it after the fork instead, in one process only."""


class WrongType(KvarkError, TypeError):
    """The key holds another type than the call works on."""


class InvalidInput(KvarkError, ValueError):
    """A key, a value or an option breaks a rule or a limit; nothing was changed."""


class SlowSubscriber(KvarkError, BufferError):
    """More messages waited than `client-output-buffer-limit` allows for `pubsub`, so the subscription was closed."""


class ReplyError(KvarkError, RuntimeError):
    """A command given to `execute` was refused; the message is what a client of the server would read."""


class TransactionConflict(KvarkError, RuntimeError):
    """A key that the transaction read has changed since. Nothing was written; try again, or use `transactional`."""


class ConfigError(KvarkError, ValueError):
    """A flag, an environment variable or a line of a configuration file cannot be understood."""


class Unsupported(KvarkError, NotImplementedError):
    """This build or this machine cannot do what was asked for."""
