"""Sorted sets put together: union, intersection, difference, and ranges that are left at another key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from kvark._collections.bounds import Closed, of_scores
from kvark._collections.expiring import ZSET, Expiring, Only
from kvark._collections.handle import Handle, T, key_of
from kvark._collections.lists import bounds
from kvark._types import Key, Ttl

# How the scores of one member in several sets become one.
Aggregate = Literal["sum"] | Literal["min"] | Literal["max"]
Other: TypeAlias = Key | Handle[Any]


class ZsetAlgebra(Expiring[T]):
    """What a sorted set does together with others, and the expiry of its members."""

    __slots__ = ()
    _WORDS = ZSET

    def _pairs(self, found: Iterable[Any] | None) -> list[tuple[T, float]]:
        return [(self._codec.decode(member), score) for member, score in found or ()]

    def _places(self, others: Iterable[Other]) -> list[Any]:
        keys = [self._key, *map(key_of, others)]
        return [len(keys), *keys]

    def union(
        self, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> list[tuple[T, float]]:
        """The pairs of the members in any of the sets, by score; `weights` multiply the scores, first this set's."""
        words = [*self._places(others), *_weights(weights), "AGGREGATE", aggregate, "WITHSCORES"]
        return self._pairs(self._store._ask("ZUNION", *words))

    def intersection(
        self, *others: Other, weights: Sequence[float] | None = None, aggregate: Aggregate = "sum"
    ) -> list[tuple[T, float]]:
        """The pairs of the members in all of the sets, by score; `weights` multiply the scores, first this set's."""
        words = [*self._places(others), *_weights(weights), "AGGREGATE", aggregate, "WITHSCORES"]
        return self._pairs(self._store._ask("ZINTER", *words))

    def difference(self, *others: Other) -> list[tuple[T, float]]:
        """The pairs of the members in none of `others`, by score."""
        return self._pairs(self._store._ask("ZDIFF", *self._places(others), "WITHSCORES"))

    def intersection_len(self, *others: Other, limit: int = 0) -> int:
        """How many members are in all of the sets; with a `limit` it stops counting there."""
        found: int = self._store._ask("ZINTERCARD", *self._places(others), "LIMIT", limit)
        return found

    def union_into(
        self,
        destination: Other,
        *others: Other,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate = "sum",
    ) -> int:
        """Leaves the union at `destination`, instead of what was there; how many members it has."""
        words = [*self._places(others), *_weights(weights), "AGGREGATE", aggregate]
        left: int = self._store._ask("ZUNIONSTORE", key_of(destination), *words)
        return left

    def intersection_into(
        self,
        destination: Other,
        *others: Other,
        weights: Sequence[float] | None = None,
        aggregate: Aggregate = "sum",
    ) -> int:
        """Leaves the intersection at `destination`, instead of what was there; how many members it has."""
        words = [*self._places(others), *_weights(weights), "AGGREGATE", aggregate]
        left: int = self._store._ask("ZINTERSTORE", key_of(destination), *words)
        return left

    def difference_into(self, destination: Other, *others: Other) -> int:
        """Leaves the difference at `destination`, instead of what was there; how many members it has."""
        left: int = self._store._ask("ZDIFFSTORE", key_of(destination), *self._places(others))
        return left

    def range_into(self, destination: Other, start: int | None = None, stop: int | None = None) -> int:
        """Leaves `[start:stop]` in the order of scores at `destination`; how many members they are."""
        left: int = self._store._ask("ZRANGESTORE", key_of(destination), self._key, *bounds(start, stop))
        return left

    def by_score_into(self, destination: Other, low: float, high: float, *, closed: Closed = "both") -> int:
        """Leaves the members with a score between `low` and `high` at `destination`; how many they are."""
        ends = of_scores(low, high, closed)
        left: int = self._store._ask("ZRANGESTORE", key_of(destination), self._key, *ends, "BYSCORE")
        return left

    def expire_members(self, ttl: Ttl, /, *members: T | str, only: Only | None = None) -> int:
        """Makes each of `members` expire after `ttl`; for how many of them that was done."""
        return self._expire_members(self._encoded(members), ttl, only)

    def member_ttl(self, member: T | str, /) -> float | None:
        """The seconds until `member` expires, None for never. Raises KeyError when it is not there."""
        return self._member_ttl(self._encode(member), member)

    def persist_members(self, *members: T | str) -> int:
        """Makes each of `members` stay; how many had a ttl."""
        return self._persist_members(self._encoded(members))


def _weights(weights: Sequence[float] | None) -> list[Any]:
    return [] if weights is None else ["WEIGHTS", *map(float, weights)]
