"""Transactions for asyncio: those of `kvark._transactions`, awaited.

Invariant: what may wait for the disk (a read of what is on its way there, and the commit) waits outside of the loop's
thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, overload

from kvark._errors import InvalidInput, TransactionConflict
from kvark._transactions import Transaction
from kvark._types import Key, Pairs, Ttl, Value

if TYPE_CHECKING:
    from kvark._async_store import AsyncStore

_T = TypeVar("_T")
_P = ParamSpec("_P")


class AsyncTransaction:
    """Reads and writes that happen together or not at all. `AsyncStore.transaction()` makes one, for `async with`.

    The calls are those of `Transaction`.
    """

    __slots__ = ("_store", "_transaction")

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._transaction = Transaction(store.store)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store._write(self._transaction.__exit__, kind, error, trace)

    async def commit(self) -> None:
        """Ends the transaction: all of it is in the store now. The end of the `async with` block does this."""
        await self._store._write(self._transaction.commit)

    def rollback(self) -> None:
        """Ends the transaction without writing anything."""
        self._transaction.rollback()

    @overload
    async def get(self, key: Key, default: None = None, /) -> bytes | None: ...
    @overload
    async def get(self, key: Key, default: _T, /) -> bytes | _T: ...
    async def get(self, key: Key, default: Any = None, /) -> Any:
        """The value of `key`, or `default` when there is none."""
        call: Callable[..., Any] = self._transaction.get
        return await self._store._read(call, key, default)

    async def exists(self, key: Key, /) -> bool:
        """Whether `key` is there."""
        return await self._store._read(self._transaction.__contains__, key)

    async def set(
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
        """Sets `key` to `value`; whether it is set. As `Transaction.set`."""
        return await self._store._read(self._transaction.set, key, value, ttl=ttl, nx=nx, xx=xx, keep_ttl=keep_ttl)

    async def delete(self, key: Key, /) -> bool:
        """Removes `key`, of whatever type; whether it was there."""
        return await self._store._read(self._transaction.delete, key)

    async def pop(self, key: Key, *default: _T) -> bytes | _T:
        """Removes `key` and returns its value, or the default; without a default a missing key is a KeyError."""
        call: Callable[..., bytes | _T] = self._transaction.pop
        return await self._store._read(call, key, *default)

    async def setdefault(self, key: Key, default: Value, /) -> bytes:
        """The value of `key`, which is set to `default` if it is missing."""
        return await self._store._read(self._transaction.setdefault, key, default)

    async def update(self, other: Pairs, /) -> None:
        """Sets every pair of a mapping or an iterable of pairs."""
        self._transaction.update(other)

    async def incr(self, key: Key, by: int = 1, /) -> int:
        """Adds `by` to the number at `key`, which counts as 0 when missing; returns the sum."""
        return await self._store._read(self._transaction.incr, key, by)

    async def ttl(self, key: Key, /) -> float | None:
        """The seconds until `key` expires, None for never. Raises KeyError for a missing key."""
        return await self._store._read(self._transaction.ttl, key)

    async def expire(self, key: Key, ttl: Ttl, /) -> bool:
        """Makes `key` expire after `ttl` seconds or a timedelta; whether it is there."""
        return await self._store._read(self._transaction.expire, key, ttl)

    async def persist(self, key: Key, /) -> bool:
        """Makes `key` stay; whether it is there and had a ttl."""
        return await self._store._read(self._transaction.persist, key)


def retried(
    begin: Callable[[], AsyncTransaction],
    function: Callable[Concatenate[AsyncTransaction, _P], Awaitable[_T]],
    attempts: int,
) -> Callable[_P, Awaitable[_T]]:
    """The coroutine function `function`, in a transaction of its own, again and again until it meets no conflict."""
    if attempts < 1:
        raise InvalidInput(f"attempts is at least 1, not {attempts}")

    @wraps(function)
    async def attempted(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(attempts - 1):
            try:
                async with begin() as transaction:
                    return await function(transaction, *args, **kwargs)
            except TransactionConflict:
                continue
        async with begin() as transaction:
            return await function(transaction, *args, **kwargs)

    return attempted
