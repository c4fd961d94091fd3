"""Sorted sets put together, awaited: the same calls as `ZsetAlgebra` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeAlias

from kvark._async_collections.handle import AsyncHandle
from kvark._collections.bounds import Closed
from kvark._collections.expiring import Only
from kvark._collections.handle import T
from kvark._collections.zset_algebra import Aggregate, ZsetAlgebra
from kvark._types import Key, Ttl

Other: TypeAlias = Key | AsyncHandle[Any]


class AsyncZsetAlgebra(AsyncHandle[ZsetAlgebra[T]], Generic[T]):
    """What a sorted set does together with others, and the expiry of its members."""

    __slots__ = ()

    async def union(
        self, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> list[tuple[T, float]]:
        """The pairs of the members in any of the sets, by score; `weights` multiply the scores, first this set's."""
        return await self._long(self._sync.union, *others, weights=weights, aggregate=aggregate)

    async def intersection(
        self, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> list[tuple[T, float]]:
        """The pairs of the members in all of the sets, by score; `weights` multiply the scores, first this set's."""
        return await self._long(self._sync.intersection, *others, weights=weights, aggregate=aggregate)

    async def difference(self, *others: Other) -> list[tuple[T, float]]:
        """The pairs of the members in none of `others`, by score."""
        return await self._long(self._sync.difference, *others)

    async def intersection_len(self, *others: Other, limit: int = 0) -> int:
        """How many members are in all of the sets; with a `limit` it stops counting there."""
        return await self._read(self._sync.intersection_len, *others, limit=limit)

    async def union_into(
        self, destination: Other, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> int:
        """Leaves the union at `destination`, instead of what was there; how many members it has."""
        return await self._long(self._sync.union_into, destination, *others, weights=weights, aggregate=aggregate)

    async def intersection_into(
        self, destination: Other, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> int:
        """Leaves the intersection at `destination`, instead of what was there; how many members it has."""
        return await self._long(
            self._sync.intersection_into, destination, *others, weights=weights, aggregate=aggregate
        )

    async def difference_into(self, destination: Other, *others: Other) -> int:
        """Leaves the difference at `destination`, instead of what was there; how many members it has."""
        return await self._long(self._sync.difference_into, destination, *others)

    async def range_into(self, destination: Other, start: int | None = None, stop: int | None = None) -> int:
        """Leaves `[start:stop]` in the order of scores at `destination`; how many members they are."""
        return await self._long(self._sync.range_into, destination, start, stop)

    async def by_score_into(self, destination: Other, low: float, high: float, *, closed: Closed = "both") -> int:
        """Leaves the members with a score between `low` and `high` at `destination`; how many they are."""
        return await self._long(self._sync.by_score_into, destination, low, high, closed=closed)

    async def expire_members(self, ttl: Ttl, /, *members: T | str, only: Only | None = None) -> int:
        """Makes each of `members` expire after `ttl`; for how many of them that was done."""
        return await self._write(self._sync.expire_members, ttl, *members, only=only)

    async def member_ttl(self, member: T | str, /) -> float | None:
        """The seconds until `member` expires, None for never. Raises KeyError when it is not there."""
        return await self._read(self._sync.member_ttl, member)

    async def persist_members(self, *members: T | str) -> int:
        """Makes each of `members` stay; how many had a ttl."""
        return await self._write(self._sync.persist_members, *members)
