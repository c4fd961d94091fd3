"""Groups of consumers, awaited: the same calls as `Group` has, in a store for asyncio."""

from __future__ import annotations

from typing import Any, Generic, Self

from kvark._async_collections.handle import AsyncWorker
from kvark._collections.entries import Entry, References
from kvark._collections.groups import Group, Pending
from kvark._collections.handle import T
from kvark._collections.waiting import waits
from kvark._types import Key, Timeout, Ttl


class AsyncGroup(AsyncWorker[Group[T]], Generic[T]):
    """A group of consumers of one stream: `await workers.read("ada")`, `await workers.ack(entry.id)`."""

    __slots__ = ()

    @property
    def name(self) -> bytes:
        """The name of the group."""
        return self._sync.name

    async def create(self, start: str = "$", /, *, make_stream: bool = False) -> Self:
        """Makes the group, which begins after the id `start` (`"$"`: with what comes next); returns the group.

        Raises InvalidInput when it is there already, or when there is no stream and `make_stream` is not asked for.
        """
        await self._write(self._sync.create, start, make_stream=make_stream)
        return self

    async def destroy(self) -> bool:
        """Removes the group with all that is pending; whether it was there."""
        return await self._write(self._sync.destroy)

    async def set_id(self, id: str, /) -> None:
        """Makes the group go on after `id`."""
        await self._write(self._sync.set_id, id)

    async def create_consumer(self, consumer: Key, /) -> bool:
        """Makes a consumer, which its first read would do too; whether it is new."""
        return await self._write(self._sync.create_consumer, consumer)

    async def delete_consumer(self, consumer: Key, /) -> int:
        """Removes a consumer; how many entries were pending for it, and are not any more."""
        return await self._write(self._sync.delete_consumer, consumer)

    async def consumers(self) -> list[dict[str, Any]]:
        """What there is to know of each consumer, by Redis' names."""
        return await self._read(self._sync.consumers)

    async def read(
        self,
        consumer: Key,
        after: str = ">",
        /,
        *,
        count: int | None = None,
        no_ack: bool = False,
        timeout: Timeout = 0,
    ) -> list[Entry[T]]:
        """The next entries for `consumer`, which are pending then; after an id, those that are pending for it again.

        With `no_ack` they count as acknowledged at once. Where there is no next entry, it may wait `timeout` seconds
        for one (None: for ever). Raises InvalidInput when there is no such group, or it is gone meanwhile.
        """
        if waits(timeout):
            return await self._wait(self._sync._reading(consumer, after, count, no_ack, timeout))
        return await self._write(self._sync.read, consumer, after, count=count, no_ack=no_ack)

    async def ack(self, *ids: str) -> int:
        """Acknowledges entries; how many were pending."""
        return await self._write(self._sync.ack, *ids)

    async def ack_and_delete(self, *ids: str, references: References = "keep") -> int:
        """Acknowledges entries and removes them from the stream; how many were removed."""
        return await self._write(self._sync.ack_and_delete, *ids, references=references)

    async def pending_count(self) -> int:
        """How many entries are pending."""
        return await self._read(self._sync.pending_count)

    async def pending(
        self,
        start: str = "-",
        stop: str = "+",
        *,
        limit: int = 100,
        consumer: Key | None = None,
        idle: Ttl | None = None,
    ) -> list[Pending]:
        """Up to `limit` pending entries from `start` to `stop`, of one consumer, or not touched for `idle`."""
        return await self._read(self._sync.pending, start, stop, limit=limit, consumer=consumer, idle=idle)

    async def claim(self, consumer: Key, /, *ids: str, idle: Ttl = 0) -> list[Entry[T]]:
        """Makes entries that are pending and not touched for `idle` those of `consumer`; the entries."""
        return await self._write(self._sync.claim, consumer, *ids, idle=idle)

    async def claim_idle(
        self, consumer: Key, /, *, idle: Ttl, start: str = "0", count: int = 100
    ) -> tuple[str, list[Entry[T]]]:
        """Makes up to `count` entries from `start` on that were not touched for `idle` those of `consumer`.

        Returns where to go on (`"0-0"` at the end) and the entries.
        """
        return await self._write(self._sync.claim_idle, consumer, idle=idle, start=start, count=count)
