"""HyperLogLogs, awaited: the same calls as `HyperLogLog` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from kvark._async_collections.handle import AsyncHandle
from kvark._collections.handle import T
from kvark._collections.hlls import HyperLogLog
from kvark._types import Key


class AsyncHyperLogLog(AsyncHandle[HyperLogLog[T]], Generic[T]):
    """Counts different members without holding them: `await visitors.add("ada")`, `await visitors.count()`."""

    __slots__ = ()

    async def add(self, *members: T | str) -> bool:
        """Counts `members`; whether the count may have changed."""
        return await self._write(self._sync.add, *members)

    async def update(self, members: Iterable[T | str], /) -> bool:
        """Counts `members`; whether the count may have changed."""
        return await self._write(self._sync.update, members)

    async def count(self, *others: Key | AsyncHyperLogLog[T]) -> int:
        """About how many different members this and `others` have counted together."""
        return await self._read(self._sync.count, *others)

    async def merge(self, *others: Key | AsyncHyperLogLog[T]) -> None:
        """Counts what `others` have counted, too."""
        await self._write(self._sync.merge, *others)
