"""Transactions over the embedded store: what they read is remembered, what they write waits for the commit.

Invariant: the store is changed by the commit only, by all that was written or by nothing.
Invariant: a commit finds every key that was read as it was read; otherwise it is a TransactionConflict.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self, TypeVar, overload

from kvark._errors import InvalidInput, TransactionConflict, WrongType
from kvark._types import Key, Pairs, Ttl, Value

if TYPE_CHECKING:
    from kvark import _native

_T = TypeVar("_T")
_P = ParamSpec("_P")
_MISSING: Final[Any] = object()
_INTEGER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")
# How often a transactional function is tried before its caller hears of the conflict.
ATTEMPTS: Final = 32


def _name(key: object) -> bytes:
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode()
    raise TypeError(f"a key is str or bytes, not {type(key).__name__}")


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"a value is bytes, bytearray or memoryview, not {type(value).__name__}: encode it first")


class Transaction:
    """Reads and writes that happen together or not at all. `Store.transaction()` makes one, for a `with` block.

    A read sees what the transaction itself has written. Nothing is written before the block ends, and nothing at all if
    it raises. If a key that was read has changed by then, the end of the block raises TransactionConflict and nothing
    was written: try again, or let `Store.transactional` do so.
    """

    __slots__ = ("_ended", "_seen", "_store", "_writes")

    def __init__(self, store: _native.Store) -> None:
        self._store = store
        # By key: version, value (None for another type) and deadline; None for a missing key.
        self._seen: dict[bytes, tuple[int, bytes | None, int] | None] = {}
        # By key: value and deadline; None for a removed one.
        self._writes: dict[bytes, tuple[bytes, int] | None] = {}
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._ended:
            self.commit()
        self._ended = True

    def commit(self) -> None:
        """Ends the transaction: all of it is in the store now. The end of the `with` block does this."""
        self._check_open()
        self._ended = True
        reads = [(name, 0 if seen is None else seen[0]) for name, seen in self._seen.items()]
        writes: list[tuple[bytes, bytes | None, int]] = [
            (name, None, 0) if new is None else (name, *new) for name, new in self._writes.items()
        ]
        if not self._store._commit(reads, writes):
            raise TransactionConflict("a key that the transaction read has changed since; nothing was written")

    def rollback(self) -> None:
        """Ends the transaction without writing anything."""
        self._check_open()
        self._ended = True

    def _check_open(self) -> None:
        if self._ended:
            raise InvalidInput("this transaction has ended: begin another one")

    def _look(self, name: bytes) -> tuple[bytes | None, int] | None:
        """Value and deadline of a key, as the transaction sees it."""
        self._check_open()
        if name in self._writes:
            new = self._writes[name]
            return None if new is None or 0 < new[1] <= self._store._now_ms() else new
        if name not in self._seen:
            self._seen[name] = self._store._look(name)
        seen = self._seen[name]
        return None if seen is None else seen[1:]

    def _read(self, name: bytes) -> tuple[bytes, int] | None:
        found = self._look(name)
        if found is None:
            return None
        value, expires_at = found
        if value is None:
            raise WrongType(f"the key {name!r} holds no string: transactions read and write strings")
        return value, expires_at

    @overload
    def get(self, key: Key, default: None = None, /) -> bytes | None: ...
    @overload
    def get(self, key: Key, default: bytes, /) -> bytes: ...
    @overload
    def get(self, key: Key, default: _T, /) -> bytes | _T: ...
    def get(self, key: Key, default: Any = None, /) -> Any:
        """The value of `key`, or `default` when there is none."""
        found = self._read(_name(key))
        return default if found is None else found[0]

    def __getitem__(self, key: Key, /) -> bytes:
        found = self._read(_name(key))
        if found is None:
            raise KeyError(key)
        return found[0]

    def __contains__(self, key: object, /) -> bool:
        return self._look(_name(key)) is not None

    def __setitem__(self, key: Key, value: Value, /) -> None:
        self.set(key, value)

    def __delitem__(self, key: Key, /) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def set(
        self,
        key: Key,
        value: Value,
        /,
        *,
        ttl: Ttl | None = None,
        nx: bool = False,
        xx: bool = False,
        keep_ttl: bool = False,
    ) -> bool:
        """Sets `key` to `value` as `Store.set`; whether it is set. A plain set reads nothing, so nobody spoils it."""
        if nx and xx:
            raise ValueError("nx (only if missing) and xx (only if there) exclude each other")
        if ttl is not None and keep_ttl:
            raise ValueError("ttl and keep_ttl exclude each other")
        self._check_open()
        name, new = _name(key), _bytes(value)
        held = self._look(name) if nx or xx or keep_ttl else None
        if (nx and held is not None) or (xx and held is None):
            return False
        expires_at = 0 if ttl is None else self._store._deadline_ms(ttl)
        if keep_ttl and held is not None:
            expires_at = held[1]
        self._writes[name] = (new, expires_at)
        return True

    def delete(self, key: Key, /) -> bool:
        """Removes `key`, of whatever type; whether it was there."""
        name = _name(key)
        held = self._look(name)
        self._writes[name] = None
        return held is not None

    @overload
    def pop(self, key: Key, /) -> bytes: ...
    @overload
    def pop(self, key: Key, default: _T, /) -> bytes | _T: ...
    def pop(self, key: Key, default: Any = _MISSING, /) -> Any:
        """Removes `key` and returns its value, or `default`; without a default a missing key is a KeyError."""
        found = self._read(_name(key))
        if found is not None:
            self._writes[_name(key)] = None
            return found[0]
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key: Key, default: Value, /) -> bytes:
        """The value of `key`, which is set to `default` if it is missing."""
        found = self._read(_name(key))
        if found is not None:
            return found[0]
        self.set(key, default)
        return _bytes(default)

    def update(self, other: Pairs, /) -> None:
        """Sets every pair of a mapping or an iterable of pairs."""
        pairs = other.items() if hasattr(other, "items") else other
        for key, value in pairs:
            self.set(key, value)

    def incr(self, key: Key, by: int = 1, /) -> int:
        """Adds `by` to the number at `key`, which counts as 0 when missing; returns the sum."""
        name = _name(key)
        value, expires_at = self._read(name) or (b"0", 0)
        total = int(value) + by if _INTEGER.fullmatch(value) else 1 << 63
        if not -(1 << 63) <= total < 1 << 63:
            raise InvalidInput(f"the value of {name!r} is not an integer of 64 bits, or would be none")
        self._writes[name] = (b"%d" % total, expires_at)
        return total

    def ttl(self, key: Key, /) -> float | None:
        """The seconds until `key` expires, None for never. Raises KeyError for a missing key."""
        found = self._look(_name(key))
        if found is None:
            raise KeyError(key)
        return max(found[1] - self._store._now_ms(), 0) / 1000 if found[1] else None

    def expire(self, key: Key, ttl: Ttl, /) -> bool:
        """Makes `key` expire after `ttl` seconds or a timedelta; whether it is there."""
        return self._set_deadline(_name(key), self._store._deadline_ms(ttl))

    def persist(self, key: Key, /) -> bool:
        """Makes `key` stay; whether it is there and had a ttl."""
        found = self._read(_name(key))
        return found is not None and found[1] != 0 and self._set_deadline(_name(key), 0)

    def _set_deadline(self, name: bytes, expires_at: int) -> bool:
        found = self._read(name)
        if found is None:
            return False
        self._writes[name] = (found[0], expires_at)
        return True


def retried(
    begin: Callable[[], Transaction], function: Callable[Concatenate[Transaction, _P], _T], attempts: int
) -> Callable[_P, _T]:
    """`function`, in a transaction of its own, again and again until it meets no conflict."""
    if attempts < 1:
        raise InvalidInput(f"attempts is at least 1, not {attempts}")

    @wraps(function)
    def attempted(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(attempts - 1):
            try:
                with begin() as transaction:
                    return function(transaction, *args, **kwargs)
            except TransactionConflict:
                continue
        with begin() as transaction:
            return function(transaction, *args, **kwargs)

    return attempted
