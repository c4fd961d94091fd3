"""Sorted sets, awaited: the same calls as `Zset` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeVar, overload

from kvark._async_collections.handle import AsyncItems
from kvark._async_collections.zset_algebra import AsyncZsetAlgebra
from kvark._collections.bounds import Closed
from kvark._collections.handle import T
from kvark._collections.waiting import waits
from kvark._collections.zsets import Scores, Zset
from kvark._types import Timeout

_D = TypeVar("_D")
_MISSING: Final[Any] = object()
_INF: Final = float("inf")


class AsyncZset(AsyncZsetAlgebra[T]):
    """A sorted set in the store: `await players["ada"]`, `await players.set("ada", 310)`, `async for p in players`."""

    __slots__ = ()
    _sync: Zset[T]

    async def __getitem__(self, member: T | str) -> float:
        """The score of `member`: `await players["ada"]`. Raises KeyError when it is not there."""
        return await self._read(self._sync.__getitem__, member)

    async def set(self, member: T | str, score: float) -> None:
        """Sets the score of `member`."""
        await self._write(self._sync.__setitem__, member, score)

    async def contains(self, member: object) -> bool:
        """Whether `member` is there."""
        return await self._read(self._sync.__contains__, member)

    def __aiter__(self) -> AsyncItems[T]:
        return AsyncItems(self._db, ([member for member, _ in chunk] for chunk in self._sync._chunks()))

    def items(self) -> AsyncItems[tuple[T, float]]:
        """An asynchronous iterator over the pairs, from the lowest score up."""
        return AsyncItems(self._db, self._sync._chunks())

    @overload
    async def get(self, member: T | str, default: None = None, /) -> float | None: ...

    @overload
    async def get(self, member: T | str, default: float, /) -> float: ...

    @overload
    async def get(self, member: T | str, default: _D, /) -> float | _D: ...

    async def get(self, member: T | str, default: Any = None, /) -> Any:
        """The score of `member`, or `default` when it is not there."""
        return await self._read(self._sync.get, member, default)

    async def get_many(self, members: Iterable[T | str], /) -> list[float | None]:
        """The scores of `members` in their order, None for each that is missing."""
        return await self._bulk(self._sync.get_many, members, writes=False)

    async def add(
        self,
        member: T | str,
        score: float,
        /,
        *,
        only: Literal["nx", "xx"] | None = None,
        when: Literal["gt", "lt"] | None = None,
    ) -> bool:
        """Sets the score of `member`; whether that changed anything.

        `only="nx"`: only when it is missing, `"xx"`: only when it is there. `when="gt"`: a score that is there is only
        raised, `"lt"`: only lowered. What excludes each other is an InvalidInput.
        """
        return await self._write(self._sync.add, member, score, only=only, when=when)

    async def add_many(self, scores: Scores[T], /) -> int:
        """Sets the scores of a mapping or an iterable of pairs, by one word; how many members are new."""
        return await self._bulk(self._sync.add_many, scores)

    async def update(self, other: Scores[T] = (), /, **more: float) -> None:
        """Sets every pair of a mapping or an iterable of pairs, and every keyword."""
        await self._write(self._sync.update, other, **more)

    async def setdefault(self, member: T | str, default: float = 0.0, /) -> float:
        """The score of `member`, which is added with `default` if it is missing. Two words."""
        return await self._write(self._sync.setdefault, member, default)

    @overload
    async def pop(self, member: T | str, /) -> float: ...

    @overload
    async def pop(self, member: T | str, default: float, /) -> float: ...

    @overload
    async def pop(self, member: T | str, default: _D, /) -> float | _D: ...

    async def pop(self, member: T | str, default: Any = _MISSING, /) -> Any:
        """Removes `member` and returns its score, or `default`; without a default it is a KeyError. Two words."""
        return await self._write(self._sync.pop, member, default)

    async def delete(self, *members: T | str) -> int:
        """Removes `members`; how many were there."""
        return await self._write(self._sync.delete, *members)

    async def increment(self, member: T | str, by: float = 1, /) -> float:
        """Adds `by` to the score of `member`, which counts as 0 when it is missing; the sum."""
        return await self._write(self._sync.increment, member, by)

    async def pop_min(self, *, timeout: Timeout = 0) -> tuple[T, float]:
        """Removes and returns the member with the lowest score. Raises KeyError when there is none.

        It may wait for one, `timeout` seconds at most (None: for ever); who came first is served first.
        """
        if waits(timeout):
            return await self._wait(self._sync._popping("BZPOPMIN", timeout))
        return await self._write(self._sync.pop_min)

    async def pop_max(self, *, timeout: Timeout = 0) -> tuple[T, float]:
        """Removes and returns the member with the highest score, waiting for one as `pop_min` does."""
        if waits(timeout):
            return await self._wait(self._sync._popping("BZPOPMAX", timeout))
        return await self._write(self._sync.pop_max)

    async def pop_many(self, count: int, /, *, highest: bool = False, timeout: Timeout = 0) -> list[tuple[T, float]]:
        """Removes and returns up to `count` pairs, from the lowest score up or from the highest down.

        Where there is none, it may wait `timeout` seconds for the first (None: for ever).
        """
        if waits(timeout):
            return await self._wait(self._sync._popping_many(count, highest, timeout))
        return await self._write(self._sync.pop_many, count, highest=highest)

    async def rank(self, member: T | str, /, *, reverse: bool = False) -> int:
        """How many members are before `member`. Raises KeyError when it is not there."""
        return await self._read(self._sync.rank, member, reverse=reverse)

    async def range(
        self, start: int | None = None, stop: int | None = None, *, reverse: bool = False
    ) -> list[tuple[T, float]]:
        """The pairs `[start:stop]` in the order of scores, or in the opposite one."""
        return await self._long(self._sync.range, start, stop, reverse=reverse)

    async def by_score(
        self,
        low: float = -_INF,
        high: float = _INF,
        *,
        closed: Closed = "both",
        reverse: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[tuple[T, float]]:
        """The pairs with `low <= score <= high`; `closed` says which of the ends belong to it."""
        return await self._long(
            self._sync.by_score, low, high, closed=closed, reverse=reverse, offset=offset, limit=limit
        )

    async def by_member(
        self,
        low: T | str | None = None,
        high: T | str | None = None,
        *,
        closed: Closed = "both",
        reverse: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[T]:
        """The members between `low` and `high` in byte order, for a sorted set whose scores are all the same."""
        return await self._long(
            self._sync.by_member, low, high, closed=closed, reverse=reverse, offset=offset, limit=limit
        )

    async def count(self, low: float = -_INF, high: float = _INF, *, closed: Closed = "both") -> int:
        """How many members have a score between `low` and `high`."""
        return await self._read(self._sync.count, low, high, closed=closed)

    async def count_members(
        self, low: T | str | None = None, high: T | str | None = None, *, closed: Closed = "both"
    ) -> int:
        """How many members are between `low` and `high` in byte order, where all scores are the same."""
        return await self._read(self._sync.count_members, low, high, closed=closed)

    async def remove_range(self, start: int | None = None, stop: int | None = None) -> int:
        """Removes `[start:stop]` in the order of scores; how many they were."""
        return await self._write(self._sync.remove_range, start, stop)

    async def remove_by_score(self, low: float = -_INF, high: float = _INF, *, closed: Closed = "both") -> int:
        """Removes the members with a score between `low` and `high`; how many they were."""
        return await self._write(self._sync.remove_by_score, low, high, closed=closed)

    async def remove_by_member(
        self, low: T | str | None = None, high: T | str | None = None, *, closed: Closed = "both"
    ) -> int:
        """Removes the members between `low` and `high` in byte order, where all scores are the same; how many."""
        return await self._write(self._sync.remove_by_member, low, high, closed=closed)

    async def random(self) -> T | None:
        """A member, each as likely as any other; None when the sorted set is empty."""
        return await self._read(self._sync.random)

    async def random_many(self, count: int, /, *, repeat: bool = False) -> list[tuple[T, float]]:
        """Up to `count` pairs by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        return await self._read(self._sync.random_many, count, repeat=repeat)

    async def to_dict(self) -> dict[T, float]:
        """All pairs as they are at one moment, from the lowest score up."""
        return await self._long(self._sync.to_dict)
