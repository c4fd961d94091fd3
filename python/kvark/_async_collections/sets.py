"""Sets, awaited: the same calls as `Set` has, in a store for asyncio."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, Generic, TypeAlias

from kvark._async_collections.handle import AsyncHandle, AsyncItems
from kvark._collections.expiring import Only
from kvark._collections.handle import T
from kvark._collections.sets import Set
from kvark._types import Key, Ttl

Members: TypeAlias = Iterable[Any] | AsyncHandle[Any]


class AsyncSet(AsyncHandle[Set[T]], Generic[T]):
    """A set in the store: `await tags.add("rust")`, `await tags.contains("rust")`, `async for tag in tags`."""

    __slots__ = ()

    async def contains(self, member: object) -> bool:
        """Whether `member` is there."""
        return await self._read(self._sync.__contains__, member)

    def __aiter__(self) -> AsyncItems[T]:
        return AsyncItems(self._db, self._sync._chunks())

    async def contains_many(self, members: Iterable[T | str], /) -> list[bool]:
        """Whether each of `members` is in the set, in their order."""
        return await self._bulk(self._sync.contains_many, members, writes=False)

    async def to_set(self) -> builtins.set[T]:
        """All members as they are at one moment."""
        return await self._long(self._sync.to_set)

    async def add(self, member: T | str, /) -> None:
        """Puts `member` into the set."""
        await self._write(self._sync.add, member)

    async def discard(self, member: T | str, /) -> None:
        """Removes `member` if it is there."""
        await self._write(self._sync.discard, member)

    async def remove(self, member: T | str, /) -> None:
        """Removes `member`. Raises KeyError when it is not there."""
        await self._write(self._sync.remove, member)

    async def add_many(self, members: Iterable[T | str], /) -> int:
        """Puts `members` into the set, by one word; how many of them are new."""
        return await self._bulk(self._sync.add_many, members)

    async def remove_many(self, members: Iterable[T | str], /) -> int:
        """Removes `members`, by one word; how many were there."""
        return await self._bulk(self._sync.remove_many, members)

    async def pop(self) -> T:
        """Removes and returns a member, each as likely as any other. Raises KeyError when the set is empty."""
        return await self._write(self._sync.pop)

    async def pop_many(self, count: int, /) -> list[T]:
        """Removes and returns up to `count` members by chance."""
        return await self._write(self._sync.pop_many, count)

    async def random(self) -> T | None:
        """A member, each as likely as any other; None when the set is empty."""
        return await self._read(self._sync.random)

    async def random_many(self, count: int, /, *, repeat: bool = False) -> list[T]:
        """Up to `count` members by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        return await self._read(self._sync.random_many, count, repeat=repeat)

    async def move_to(self, destination: Key | AsyncSet[Any], member: T | str, /) -> bool:
        """Moves `member` to another set of the store; whether it was here."""
        return await self._write(self._sync.move_to, destination, member)

    async def update(self, *others: Iterable[T | str] | AsyncSet[T]) -> None:
        """Puts the members of all `others` into the set, as `|=` does."""
        await self._write(self._sync.update, *others)

    async def union(self, *others: Members) -> builtins.set[T]:
        """The members that are in any of the sets."""
        return await self._long(self._sync.union, *others)

    async def intersection(self, *others: Members) -> builtins.set[T]:
        """The members that are in all of the sets."""
        return await self._long(self._sync.intersection, *others)

    async def difference(self, *others: Members) -> builtins.set[T]:
        """The members that are in none of `others`."""
        return await self._long(self._sync.difference, *others)

    async def symmetric_difference(self, other: Members) -> builtins.set[T]:
        """The members that are in one of the two sets only."""
        return await self._long(self._sync.symmetric_difference, other)

    async def isdisjoint(self, other: Members) -> bool:
        """Whether no member is in both."""
        return await self._read(self._sync.isdisjoint, other)

    async def issubset(self, other: Members) -> bool:
        """Whether every member is in `other` too."""
        return await self._long(self._sync.issubset, other)

    async def issuperset(self, other: Iterable[T | str] | AsyncSet[T]) -> bool:
        """Whether every member of `other` is in this set too."""
        return await self._long(self._sync.issuperset, other)

    async def intersection_len(self, *others: AsyncSet[Any], limit: int = 0) -> int:
        """How many members are in all of the sets; with a `limit` it stops counting there."""
        return await self._read(self._sync.intersection_len, *others, limit=limit)

    async def union_into(self, destination: Key | AsyncSet[Any], *others: Key | AsyncSet[Any]) -> int:
        """Leaves the members of all sets at `destination`, instead of what was there; how many they are."""
        return await self._long(self._sync.union_into, destination, *others)

    async def intersection_into(self, destination: Key | AsyncSet[Any], *others: Key | AsyncSet[Any]) -> int:
        """Leaves the members that are in all sets at `destination`, instead of what was there; how many they are."""
        return await self._long(self._sync.intersection_into, destination, *others)

    async def difference_into(self, destination: Key | AsyncSet[Any], *others: Key | AsyncSet[Any]) -> int:
        """Leaves the members that are in none of `others` at `destination`, instead of what was there; how many."""
        return await self._long(self._sync.difference_into, destination, *others)

    async def expire_members(self, ttl: Ttl, /, *members: T | str, only: Only | None = None) -> int:
        """Makes each of `members` expire after `ttl`; for how many of them that was done."""
        return await self._write(self._sync.expire_members, ttl, *members, only=only)

    async def member_ttl(self, member: T | str, /) -> float | None:
        """The seconds until `member` expires, None for never. Raises KeyError when it is not there."""
        return await self._read(self._sync.member_ttl, member)

    async def persist_members(self, *members: T | str) -> int:
        """Makes each of `members` stay; how many had a ttl."""
        return await self._write(self._sync.persist_members, *members)
