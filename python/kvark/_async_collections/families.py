"""Families for asyncio: what `lists`, `hashes` and the others of a store for asyncio are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from kvark._async_collections.bitmaps import AsyncBitmap
from kvark._async_collections.geos import AsyncGeo
from kvark._async_collections.handle import AsyncItems, twin
from kvark._async_collections.hashes import AsyncHash
from kvark._async_collections.hlls import AsyncHyperLogLog
from kvark._async_collections.lists import AsyncList
from kvark._async_collections.sets import AsyncSet
from kvark._async_collections.streams import AsyncStream
from kvark._async_collections.zsets import AsyncZset
from kvark._codecs import Anything, Codec
from kvark._collections.families import Bitmaps, Family, Geos, Hashes, HyperLogLogs, Lists, Sets, Streams, Zsets
from kvark._collections.handle import T
from kvark._collections.lists import End
from kvark._collections.waiting import waits
from kvark._types import Key, Timeout

if TYPE_CHECKING:
    from kvark._async_store import AsyncStore

U = TypeVar("U")
_F = TypeVar("_F", bound=Family[Any])


class AsyncFamily(Generic[_F]):
    """The collections of one type in a store, by their keys."""

    __slots__ = ("_db", "_sync")

    def __init__(self, db: AsyncStore, sync: _F) -> None:
        self._db = db
        self._sync = sync

    def __repr__(self) -> str:
        return repr(self._sync).replace("kvark.", "kvark.Async", 1)

    async def contains(self, key: object) -> bool:
        """Whether there is a collection of this type at `key`."""
        return await self._db._read(self._sync.__contains__, key)

    async def delete(self, key: Key) -> None:
        """Removes the collection at `key`. Raises KeyError when there is none of this type."""
        await self._db._write(self._sync.__delitem__, key)

    def __aiter__(self) -> AsyncItems[bytes]:
        return AsyncItems(self._db, self._sync._chunks())


class AsyncLists(AsyncFamily[Lists[T]], Generic[T]):
    """`db.lists` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncLists[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncLists[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncLists[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncLists[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same lists with items in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncList[T]:
        return AsyncList(self._db, self._sync[key])

    async def pop_any(
        self, *keys: Key | AsyncList[Any], count: int = 1, end: End = "left", timeout: Timeout = 0
    ) -> tuple[bytes, list[T]] | None:
        """Takes up to `count` items from the first of `keys` that is not empty: its key and the items, or None.

        Where all are empty, it may wait `timeout` seconds for one that is not (None: for ever).
        """
        if waits(timeout):
            question = self._sync._popping_any(tuple(map(twin, keys)), count, end, timeout)
            return question.meaning(await self._db._wait(question.words))
        return await self._db._write(self._sync.pop_any, *map(twin, keys), count=count, end=end)


class AsyncHashes(AsyncFamily[Hashes[T]], Generic[T]):
    """`db.hashes` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncHashes[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncHashes[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncHashes[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncHashes[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same hashes with values in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncHash[T]:
        return AsyncHash(self._db, self._sync[key])


class AsyncSets(AsyncFamily[Sets[T]], Generic[T]):
    """`db.sets` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncSets[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncSets[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncSets[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncSets[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same sets with members in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncSet[T]:
        return AsyncSet(self._db, self._sync[key])


class AsyncZsets(AsyncFamily[Zsets[T]], Generic[T]):
    """`db.zsets` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncZsets[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncZsets[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncZsets[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncZsets[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same sorted sets with members in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncZset[T]:
        return AsyncZset(self._db, self._sync[key])

    async def pop_any(
        self, *keys: Key | AsyncZset[Any], count: int = 1, highest: bool = False, timeout: Timeout = 0
    ) -> tuple[bytes, list[tuple[T, float]]] | None:
        """Takes up to `count` pairs from the first of `keys` that is not empty: its key and the pairs, or None.

        Where all are empty, it may wait `timeout` seconds for one that is not (None: for ever).
        """
        if waits(timeout):
            question = self._sync._popping_any(tuple(map(twin, keys)), count, highest, timeout)
            return question.meaning(await self._db._wait(question.words))
        return await self._db._write(self._sync.pop_any, *map(twin, keys), count=count, highest=highest)


class AsyncStreams(AsyncFamily[Streams[T]], Generic[T]):
    """`db.streams` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncStreams[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncStreams[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncStreams[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncStreams[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same streams with values in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncStream[T]:
        return AsyncStream(self._db, self._sync[key])


class AsyncHyperLogLogs(AsyncFamily[HyperLogLogs[T]], Generic[T]):
    """`db.hlls` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncHyperLogLogs[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncHyperLogLogs[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncHyperLogLogs[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncHyperLogLogs[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same HyperLogLogs with members in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncHyperLogLog[T]:
        return AsyncHyperLogLog(self._db, self._sync[key])


class AsyncGeos(AsyncFamily[Geos[T]], Generic[T]):
    """`db.geos` of a store for asyncio."""

    __slots__ = ()

    @overload
    def __call__(self, *, codec: Codec[U]) -> AsyncGeos[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> AsyncGeos[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> AsyncGeos[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> AsyncGeos[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same places with members in another codec."""
        return type(self)(self._db, self._sync(codec=codec))

    def __getitem__(self, key: Key) -> AsyncGeo[T]:
        return AsyncGeo(self._db, self._sync[key])


class AsyncBitmaps:
    """`db.bitmaps` of a store for asyncio."""

    __slots__ = ("_db", "_sync")

    def __init__(self, db: AsyncStore, sync: Bitmaps) -> None:
        self._db = db
        self._sync = sync

    def __repr__(self) -> str:
        return repr(self._sync).replace("kvark.", "kvark.Async", 1)

    def __getitem__(self, key: Key) -> AsyncBitmap:
        return AsyncBitmap(self._db, self._sync[key])
