"""Streams, awaited: the same calls as `Stream` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

from kvark._async_collections.groups import AsyncGroup
from kvark._async_collections.handle import AsyncHandle, AsyncItems
from kvark._collections.entries import Entry, References
from kvark._collections.handle import T
from kvark._collections.streams import Stream
from kvark._collections.waiting import waits
from kvark._types import Key, Timeout


class AsyncStream(AsyncHandle[Stream[T]], Generic[T]):
    """A stream in the store: `await events.append({"kind": "login"})`, `async for entry in events`."""

    __slots__ = ()

    async def __getitem__(self, id: str) -> dict[bytes, T]:
        """The fields of the entry `id`: `await events["1-1"]`. Raises KeyError when there is none."""
        return await self._read(self._sync.__getitem__, id)

    async def contains(self, id: object) -> bool:
        """Whether there is an entry `id`."""
        return await self._read(self._sync.__contains__, id)

    async def last_id(self) -> str:
        """The greatest id there ever was. Raises InvalidInput when there is no stream."""
        return await self._read(lambda: self._sync.last_id)

    def group(self, name: Key, /) -> AsyncGroup[T]:
        """The group of consumers of that name; nothing is made before its `create`."""
        return AsyncGroup(self._db, self._sync.group(name))

    def __aiter__(self) -> AsyncItems[Entry[T]]:
        return AsyncItems(self._db, self._sync._chunks())

    async def append(
        self,
        fields: Mapping[str, T | str] | Mapping[bytes, T | str] | Mapping[Key, T | str],
        /,
        *,
        id: str = "*",
        max_len: int | None = None,
        min_id: str | None = None,
        exact: bool = False,
        references: References | None = None,
    ) -> str:
        """Appends an entry; its id. `id` is the store's to choose unless given, and must be greater than the last.

        `max_len` or `min_id` removes older entries by the way, roughly or, with `exact`, to the entry.
        An id that is not greater is an InvalidInput.
        """
        return await self._write(
            self._sync.append, fields, id=id, max_len=max_len, min_id=min_id, exact=exact, references=references
        )

    async def append_existing(self, fields: Mapping[Key, T | str], /, *, id: str = "*") -> str | None:
        """Appends an entry as `append` does, but makes no stream: None when there is none."""
        return await self._write(self._sync.append_existing, fields, id=id)

    async def delete(self, *ids: str, references: References | None = None) -> int:
        """Removes entries; how many were there.

        `references` says what becomes of them in groups: `keep`, `drop` (they are no longer pending anywhere), or
        `acked` (only entries that every group has acknowledged are removed).
        """
        return await self._write(self._sync.delete, *ids, references=references)

    async def range(
        self,
        start: str | None = None,
        stop: str | None = None,
        *,
        after: bool = False,
        reverse: bool = False,
        limit: int | None = None,
    ) -> list[Entry[T]]:
        """The entries from `start` to `stop`, both included; without `start` itself when `after`.

        An id without its second half is the whole millisecond. `reverse` begins at `stop`.
        """
        return await self._long(self._sync.range, start, stop, after=after, reverse=reverse, limit=limit)

    async def read(self, after: str = "0", /, *, count: int | None = None, timeout: Timeout = 0) -> list[Entry[T]]:
        """The entries after the id `after`, at most `count`; `"+"` is the last entry, `"$"` what comes from now on.

        Where there is none, it may wait `timeout` seconds for one (None: for ever).
        """
        if waits(timeout):
            return await self._wait(self._sync._reading(after, count, timeout))
        return await self._read(self._sync.read, after, count=count)

    async def trim(
        self,
        *,
        max_len: int | None = None,
        min_id: str | None = None,
        exact: bool = True,
        references: References | None = None,
    ) -> int:
        """Removes the oldest entries until `max_len` are left, or those before `min_id`; how many they were."""
        return await self._long(self._sync.trim, max_len=max_len, min_id=min_id, exact=exact, references=references)

    async def set_last_id(self, id: str, /) -> None:
        """Makes ids go on from `id`, which is no less than the greatest of the entries."""
        await self._write(self._sync.set_last_id, id)

    async def info(self) -> dict[str, Any]:
        """What there is to know of the stream, by Redis' names. Raises InvalidInput when there is none."""
        return await self._read(self._sync.info)

    async def groups(self) -> list[dict[str, Any]]:
        """What there is to know of each group. Raises InvalidInput when there is no stream."""
        return await self._read(self._sync.groups)
