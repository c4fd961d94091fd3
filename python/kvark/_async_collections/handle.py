"""What all collection objects for asyncio are: a twin that has the calls, and a store that knows where they may run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kvark._collections.groups import Group
from kvark._collections.handle import Handle
from kvark._collections.waiting import Question
from kvark._types import Ttl

if TYPE_CHECKING:
    from kvark._async_store import AsyncStore

_S = TypeVar("_S", bound=Handle[Any] | Group[Any])
_H = TypeVar("_H", bound=Handle[Any])
_R = TypeVar("_R")
_Item = TypeVar("_Item")


class AsyncItems(Generic[_Item]):
    """An asynchronous iterator that fetches chunk by chunk."""

    __slots__ = ("_chunk", "_chunks", "_db")

    def __init__(self, db: AsyncStore, chunks: Iterator[Sequence[_Item]]) -> None:
        self._db = db
        self._chunks = chunks
        self._chunk: Iterator[_Item] = iter(())

    def __aiter__(self) -> AsyncItems[_Item]:
        return self

    async def __anext__(self) -> _Item:
        for item in self._chunk:
            return item
        # A chunk may be empty where there is more, as in a scan.
        while (chunk := await self._db._long(next, self._chunks, None)) is not None:
            self._chunk = iter(chunk)
            for item in self._chunk:
                return item
        raise StopAsyncIteration


class AsyncWorker(Generic[_S]):
    """An object whose calls are those of its twin."""

    __slots__ = ("_db", "_sync")

    def __init__(self, db: AsyncStore, sync: _S) -> None:
        self._db = db
        self._sync = sync

    def __repr__(self) -> str:
        return repr(self._sync).replace("kvark.", "kvark.Async", 1)

    async def _read(self, call: Callable[..., _R], *args: Any, **named: Any) -> _R:
        return await self._db._read(call, *map(twin, args), **named)

    async def _write(self, call: Callable[..., _R], *args: Any, **named: Any) -> _R:
        return await self._db._write(call, *map(twin, args), **named)

    async def _long(self, call: Callable[..., _R], *args: Any, **named: Any) -> _R:
        return await self._db._long(call, *map(twin, args), **named)

    async def _wait(self, question: Question[_R]) -> _R:
        return question.meaning(await self._db._wait(question.words))

    async def _bulk(self, call: Callable[[Any], _R], items: Iterable[Any], *, writes: bool = True) -> _R:
        return await self._db._batch(call, items, writes)


class AsyncHandle(AsyncWorker[_H]):
    """A collection in a store, by its key."""

    __slots__ = ()

    @property
    def key(self) -> bytes:
        """The key."""
        return self._sync.key

    async def len(self) -> int:
        """How many there are."""
        return await self._read(self._sync.__len__)

    async def clear(self) -> None:
        """Removes the key with all that it holds. Two words: the first finds whether the key is of this type."""
        await self._long(self._sync.clear)

    async def ttl(self) -> float | None:
        """The seconds until the whole key expires, None for never. Raises KeyError for a missing key."""
        return await self._read(self._sync.ttl)

    async def expire(self, ttl: Ttl) -> bool:
        """Makes the whole key expire after `ttl`; whether it was there."""
        return await self._write(self._sync.expire, ttl)

    async def persist(self) -> bool:
        """Makes the key stay; whether it was there and had a ttl."""
        return await self._write(self._sync.persist)


def twin(argument: Any) -> Any:
    """What a call gets in place of a collection for asyncio: its twin, of the same key."""
    return argument._sync if isinstance(argument, AsyncHandle) else argument
