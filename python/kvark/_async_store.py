"""The store for asyncio: the same calls, awaited.

A call that memory answers never gives up the loop: its coroutine ends without a pause, which is most of what a hop to
a thread would cost. What waits for the disk, and what is long, runs in a thread.

Invariant: at level `disk` nothing that waits for a sync runs on the loop's thread: no write, and no read meanwhile.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, TypeVar, overload

from kvark import _async_waiting, _native
from kvark._async_collections.families import (
    AsyncBitmaps,
    AsyncGeos,
    AsyncHashes,
    AsyncHyperLogLogs,
    AsyncLists,
    AsyncSets,
    AsyncStreams,
    AsyncZsets,
)
from kvark._async_subscriptions import AsyncSubscription
from kvark._async_transactions import AsyncTransaction, retried
from kvark._store import Store, open
from kvark._transactions import ATTEMPTS
from kvark._types import Argument, Key, Pairs, Ttl, Value

_T = TypeVar("_T")
_P = ParamSpec("_P")
_Item = TypeVar("_Item")

# Writers that wait for one sync together: the more of them, the fewer syncs.
_WRITERS: Final = 64
# Keys in a batch from which on it leaves the loop.
_LONG: Final = 1_000
# Items of a scan between two breaths for the loop.
_BREATH: Final = 512


class _Waiters:
    """Threads that wait for the disk, made when the first is wanted and anew in a forked child."""

    pool: ThreadPoolExecutor | None = None

    @classmethod
    def get(cls) -> ThreadPoolExecutor:
        if cls.pool is None:
            cls.pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="kvark-wait")
        return cls.pool

    @classmethod
    def forget(cls) -> None:
        cls.pool = None


os.register_at_fork(after_in_child=_Waiters.forget)


async def _in_thread(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return await asyncio.get_running_loop().run_in_executor(_Waiters.get(), partial(call, *args, **kwargs))


class AsyncScan(Generic[_Item]):
    """An asynchronous iterator over a range of a store, in key order."""

    __slots__ = ("_first", "_items", "_until_breath")

    def __init__(self, items: _native.Scan[_Item]) -> None:
        self._items = items
        self._first = True
        self._until_breath = _BREATH

    def __aiter__(self) -> AsyncScan[_Item]:
        return self

    async def __anext__(self) -> _Item:
        if self._first:
            # The first look at the order may have to make it, which is long for a big store.
            self._first = False
            item = await _in_thread(next, self._items, _END)
        else:
            self._until_breath -= 1
            if not self._until_breath:
                self._until_breath = _BREATH
                await asyncio.sleep(0)
            item = next(self._items, _END)
        if item is _END:
            raise StopAsyncIteration
        return item


_END: Final[Any] = object()


class AsyncStore:
    """An open store for asyncio. `kvark.aopen()` makes one; `async with` closes it.

    The calls are those of `Store`. At the levels `memory` and `os` they never suspend, except for big batches; at level
    `disk` a write suspends until it is synced. A write that is cancelled while it waits may have been made.
    """

    __slots__ = ("__weakref__", "_store", "_waits")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waits = store.durability == "disk"

    @property
    def store(self) -> Store:
        """The same store for synchronous calls."""
        return self._store

    @property
    def path(self) -> str | None:
        """The directory, None for a store in memory."""
        return self._store.path

    @property
    def durability(self) -> Literal["memory", "os", "disk"]:
        """What a write survives once it was awaited."""
        return self._store.durability

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._store.closed

    @property
    def lists(self) -> AsyncLists[bytes]:
        """The lists: `await db.lists["queue"].append(b"job")`."""
        return AsyncLists(self, self._store.lists)

    @property
    def hashes(self) -> AsyncHashes[bytes]:
        """The hashes: `await db.hashes["user:1"].set("name", "ada")`."""
        return AsyncHashes(self, self._store.hashes)

    @property
    def sets(self) -> AsyncSets[bytes]:
        """The sets: `await db.sets["tags"].add("rust")`."""
        return AsyncSets(self, self._store.sets)

    @property
    def zsets(self) -> AsyncZsets[bytes]:
        """The sorted sets: `await db.zsets["players"].set("ada", 310)`."""
        return AsyncZsets(self, self._store.zsets)

    @property
    def streams(self) -> AsyncStreams[bytes]:
        """The streams: `await db.streams["events"].append({"kind": "login"})`."""
        return AsyncStreams(self, self._store.streams)

    @property
    def bitmaps(self) -> AsyncBitmaps:
        """Strings as bits: `await db.bitmaps["seen"].set(7)`."""
        return AsyncBitmaps(self, self._store.bitmaps)

    @property
    def hlls(self) -> AsyncHyperLogLogs[bytes]:
        """The HyperLogLogs: `await db.hlls["visitors"].add("ada")`."""
        return AsyncHyperLogLogs(self, self._store.hlls)

    @property
    def geos(self) -> AsyncGeos[bytes]:
        """The places: `await db.geos["sicily"].add("Palermo", 13.36, 38.11)`."""
        return AsyncGeos(self, self._store.geos)

    def __repr__(self) -> str:
        return repr(self._store).replace("kvark.Store", "kvark.AsyncStore", 1)

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncScan(iter(self._store))

    def __contains__(self, key: object) -> bool:
        return key in self._store

    def __len__(self) -> int:
        return len(self._store)

    async def _write(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._waits:
            return await _in_thread(call, *args, **kwargs)
        return call(*args, **kwargs)

    async def _read(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        # What is read may be on its way to the disk, and is told of only when it has arrived.
        if self._waits and self._store._pending:
            return await _in_thread(call, *args, **kwargs)
        return call(*args, **kwargs)

    async def _wait(self, words: tuple[Any, ...]) -> Any:
        return await _async_waiting.ask(self._store, self._write, words)

    async def _long(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in_thread(call, *args, **kwargs)

    async def _batch(self, call: Callable[[Any], _T], items: Any, writes: bool) -> _T:
        if not hasattr(items, "__len__"):
            items = list(items)
        if (self._waits and (writes or self._store._pending)) or len(items) > _LONG:
            return await _in_thread(call, items)
        return call(items)

    @overload
    async def get(self, key: Key, default: None = None, /) -> bytes | None: ...
    @overload
    async def get(self, key: Key, default: bytes, /) -> bytes: ...
    @overload
    async def get(self, key: Key, default: _T, /) -> bytes | _T: ...
    async def get(self, key: Key, default: Any = None, /) -> Any:
        """The value of `key`, or `default` when there is none."""
        # Here and in `set` no coroutine stands in between: each would cost as much as the call.
        if self._waits and self._store._pending:
            call: Callable[..., Any] = self._store.get
            return await _in_thread(call, key, default)
        return self._store.get(key, default)

    @overload
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
        get: Literal[False] = False,
    ) -> bool: ...
    @overload
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
        get: Literal[True],
    ) -> bytes | None: ...
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
        get: bool = False,
    ) -> bool | bytes | None:
        """Sets `key` to `value`, as `Store.set` does."""
        call: Callable[..., bool | bytes | None] = self._store.set
        if self._waits:
            return await _in_thread(call, key, value, ttl=ttl, nx=nx, xx=xx, keep_ttl=keep_ttl, get=get)
        return call(key, value, ttl=ttl, nx=nx, xx=xx, keep_ttl=keep_ttl, get=get)

    async def delete(self, key: Key, /) -> bool:
        """Removes `key`; whether it was there."""
        return await self._write(self._store.delete, key)

    async def pop(self, key: Key, *default: _T) -> bytes | _T:
        """Removes `key` and returns its value, or the default; without a default a missing key is a KeyError."""
        call: Callable[..., bytes | _T] = self._store.pop
        return await self._write(call, key, *default)

    async def setdefault(self, key: Key, default: Value, /) -> bytes:
        """The value of `key`, which is set to `default` if it is missing."""
        return await self._write(self._store.setdefault, key, default)

    async def incr(self, key: Key, by: int = 1, /) -> int:
        """Adds `by` to the number at `key`, which counts as 0 when missing; returns the sum."""
        return await self._write(self._store.incr, key, by)

    async def ttl(self, key: Key, /) -> float | None:
        """The seconds until `key` expires, None for never. Raises KeyError for a missing key."""
        return await self._read(self._store.ttl, key)

    async def expire(self, key: Key, ttl: Ttl, /) -> bool:
        """Makes `key` expire after `ttl`; whether it was there."""
        return await self._write(self._store.expire, key, ttl)

    async def persist(self, key: Key, /) -> bool:
        """Makes `key` stay; whether it was there and had a ttl."""
        return await self._write(self._store.persist, key)

    async def get_many(self, keys: Iterable[Key], /) -> list[bytes | None]:
        """The values of `keys` in their order, None for each that is missing."""
        return await self._batch(self._store.get_many, keys, writes=False)

    async def set_many(self, items: Pairs, /, *, ttl: Ttl | None = None) -> None:
        """Sets every pair, as `Store.set_many` does."""
        await self._batch(partial(self._store.set_many, ttl=ttl), items, writes=True)

    async def delete_many(self, keys: Iterable[Key], /) -> int:
        """Removes every one of `keys`; how many were there."""
        return await self._batch(self._store.delete_many, keys, writes=True)

    def scan(
        self,
        *,
        prefix: Key | None = None,
        start: Key | None = None,
        stop: Key | None = None,
        reverse: bool = False,
        limit: int | None = None,
    ) -> AsyncScan[tuple[bytes, bytes]]:
        """An asynchronous iterator over (key, value), as `Store.scan` makes one."""
        return AsyncScan(self._store.scan(prefix=prefix, start=start, stop=stop, reverse=reverse, limit=limit))

    async def publish(self, channel: Key, data: Value, /) -> int:
        """Sends `data` to everybody who listens to `channel`, as `Store.publish` does."""
        return self._store.publish(channel, data)

    def subscribe(
        self, *channels: Key, patterns: Iterable[Key] = (), timeout: float | None = None
    ) -> AsyncSubscription:
        """Listens to channels, as `Store.subscribe` does: an asynchronous iterator."""
        return AsyncSubscription(self._store.subscribe(*channels, patterns=patterns), timeout)

    def transaction(self) -> AsyncTransaction:
        """Reads and writes that happen together or not at all, as `Store.transaction` makes them: `async with`."""
        return AsyncTransaction(self)

    @overload
    def transactional(
        self, function: Callable[Concatenate[AsyncTransaction, _P], Awaitable[_T]]
    ) -> Callable[_P, Awaitable[_T]]: ...
    @overload
    def transactional(
        self, function: None = None, *, attempts: int = ...
    ) -> Callable[[Callable[Concatenate[AsyncTransaction, _P], Awaitable[_T]]], Callable[_P, Awaitable[_T]]]: ...
    def transactional(self, function: Any = None, *, attempts: int = ATTEMPTS) -> Any:
        """Decorates a coroutine function that takes a transaction first, as `Store.transactional` does."""
        if function is None:
            return lambda function: retried(self.transaction, function, attempts)
        return retried(self.transaction, function, attempts)

    async def execute(self, *args: Argument) -> Any:
        """Executes any command of the server, as `Store.execute` does."""
        # It may be one that waits, and the calls of one client stand in line.
        return await _in_thread(self._store.execute, *args)

    async def clear(self) -> None:
        """Removes every key."""
        await _in_thread(self._store.clear)

    async def checkpoint(self) -> None:
        """Writes to the tier what is in the log only."""
        await _in_thread(self._store.checkpoint)

    async def stats(self) -> dict[str, dict[str, int | str]]:
        """What the store tells of itself."""
        return self._store.stats()

    async def close(self) -> None:
        """Closes the store; closing again does nothing."""
        await _in_thread(self._store.close)


class Opening:
    """A store about to be opened: await it, or enter it with `async with`."""

    __slots__ = ("_open", "_opened")

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store

    def __await__(self) -> Generator[Any, None, AsyncStore]:
        return self._run().__await__()

    async def __aenter__(self) -> AsyncStore:
        self._opened = await self._run()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.close()

    async def _run(self) -> AsyncStore:
        return AsyncStore(await _in_thread(self._open))


def aopen(
    path: str | os.PathLike[str],
    *,
    durability: Literal["memory", "os", "disk"] | None = None,
    shards: int | None = None,
    log_max_bytes: int | str | None = None,
    create: bool = True,
) -> Opening:
    """Opens a store for asyncio: `db = await kvark.aopen(path)`, or `async with kvark.aopen(path) as db:`.

    The arguments are those of `kvark.open`.
    """
    call = partial(open, path, durability=durability, shards=shards, log_max_bytes=log_max_bytes, create=create)
    return Opening(call)
