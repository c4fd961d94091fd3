"""Sorted sets: a `MutableMapping` of members to scores in the order of the scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload

from kvark._collections.bounds import Closed, limit_words, of_members, of_scores
from kvark._collections.handle import CHUNK, T
from kvark._collections.lists import bounds
from kvark._collections.waiting import Question, seconds, waits
from kvark._collections.zset_algebra import ZsetAlgebra
from kvark._collections.zset_views import ZsetItems, ZsetValues
from kvark._types import Timeout

_D = TypeVar("_D")
_MISSING: Final[Any] = object()
_INF: Final = float("inf")

Scores: TypeAlias = Mapping[T, float] | Mapping[str, float] | Iterable[tuple[T | str, float]]


class Zset(ZsetAlgebra[T], MutableMapping[T, float]):
    """A sorted set in the store, as a `dict` of members to scores; it is iterated from the lowest score up.

    >>> players = store.zsets(codec="str")["players"]
    >>> players.update({"ada": 310, "linus": 120, "grace": 290})
    >>> players["ada"], list(players), players.rank("grace")
    (310.0, ['linus', 'grace', 'ada'], 1)
    >>> players.increment("linus", 200)
    320.0
    >>> players.range(0, 2, reverse=True)
    [('linus', 320.0), ('ada', 310.0)]
    >>> players.by_score(300), players.count(low=300, high=310)
    ([('ada', 310.0), ('linus', 320.0)], 1)
    >>> players.pop_min()
    ('grace', 290.0)
    """

    __slots__ = ()

    def __len__(self) -> int:
        length: int = self._ask("ZCARD")
        return length

    def __getitem__(self, member: T | str) -> float:
        score = self._score(member)
        if score is None:
            raise KeyError(member)
        return score

    def __setitem__(self, member: T | str, score: float) -> None:
        self._ask("ZADD", float(score), self._encode(member))

    def __delitem__(self, member: T | str) -> None:
        held = self._encode_or_none(member)
        if held is None or not self._ask("ZREM", held):
            raise KeyError(member)

    def __contains__(self, member: object) -> bool:
        return self._score(member) is not None

    def _score(self, member: object) -> float | None:
        held = self._encode_or_none(member)
        score: float | None = None if held is None else self._ask("ZSCORE", held)
        return score

    @overload
    def get(self, member: T | str, default: None = None, /) -> float | None: ...
    @overload
    def get(self, member: T | str, default: float, /) -> float: ...
    @overload
    def get(self, member: T | str, default: _D, /) -> float | _D: ...
    def get(self, member: T | str, default: Any = None, /) -> Any:
        """The score of `member`, or `default` when it is not there."""
        score = self._score(member)
        return default if score is None else score

    def get_many(self, members: Iterable[T | str], /) -> list[float | None]:
        """The scores of `members` in their order, None for each that is missing."""
        encoded = self._encoded(members)
        return list(self._ask("ZMSCORE", *encoded)) if encoded else []

    def add(
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
        options = [option.upper() for option in (only, when) if option]
        return bool(self._ask("ZADD", *options, "CH", float(score), self._encode(member)))

    def add_many(self, scores: Scores[T], /) -> int:
        """Sets the scores of a mapping or an iterable of pairs, by one word; how many members are new."""
        pairs = scores.items() if isinstance(scores, Mapping) else scores
        words = [part for member, score in pairs for part in (float(score), self._encode(member))]
        added: int = self._ask("ZADD", *words) if words else 0
        return added

    def update(self, other: Scores[T] = (), /, **more: float) -> None:  # type: ignore[override]
        """Sets every pair of a mapping or an iterable of pairs, and every keyword."""
        self.add_many(other)
        self.add_many(more)

    def setdefault(self, member: T | str, default: float = 0.0, /) -> float:
        """The score of `member`, which is added with `default` if it is missing. Two words."""
        self._ask("ZADD", "NX", float(default), self._encode(member))
        return self.get(member, float(default))

    @overload
    def pop(self, member: T | str, /) -> float: ...
    @overload
    def pop(self, member: T | str, default: float, /) -> float: ...
    @overload
    def pop(self, member: T | str, default: _D, /) -> float | _D: ...
    def pop(self, member: T | str, default: Any = _MISSING, /) -> Any:
        """Removes `member` and returns its score, or `default`; without a default it is a KeyError. Two words."""
        score = self._score(member)
        if score is not None and self._ask("ZREM", self._encode(member)):
            return score
        if default is _MISSING:
            raise KeyError(member)
        return default

    def delete(self, *members: T | str) -> int:
        """Removes `members`; how many were there."""
        removed: int = self._ask("ZREM", *self._encoded(members)) if members else 0
        return removed

    def increment(self, member: T | str, by: float = 1, /) -> float:
        """Adds `by` to the score of `member`, which counts as 0 when it is missing; the sum."""
        score: float = self._ask("ZINCRBY", float(by), self._encode(member))
        return score

    def pop_min(self, *, timeout: Timeout = 0) -> tuple[T, float]:
        """Removes and returns the member with the lowest score. Raises KeyError when there is none.

        It may wait for one, `timeout` seconds at most (None: for ever); who came first is served first.
        """
        return self._wait(self._popping("BZPOPMIN", timeout)) if waits(timeout) else self._popped("ZPOPMIN")

    def pop_max(self, *, timeout: Timeout = 0) -> tuple[T, float]:
        """Removes and returns the member with the highest score, waiting for one as `pop_min` does."""
        return self._wait(self._popping("BZPOPMAX", timeout)) if waits(timeout) else self._popped("ZPOPMAX")

    def _popping(self, word: str, timeout: Timeout) -> Question[tuple[T, float]]:
        return Question((word, self._key, seconds(timeout)), lambda found: self._pair(found and found[1:]))

    def popitem(self) -> tuple[T, float]:
        """Removes and returns the last pair, that is the one with the highest score; KeyError when there is none."""
        return self._popped("ZPOPMAX")

    def _popped(self, word: str) -> tuple[T, float]:
        return self._pair(self._ask(word))

    def _pair(self, found: Any) -> tuple[T, float]:
        if not found:
            raise KeyError("the sorted set is empty")
        return self._codec.decode(found[0]), found[1]

    def pop_many(self, count: int, /, *, highest: bool = False, timeout: Timeout = 0) -> list[tuple[T, float]]:
        """Removes and returns up to `count` pairs, from the lowest score up or from the highest down.

        Where there is none, it may wait `timeout` seconds for the first (None: for ever).
        """
        if waits(timeout):
            return self._wait(self._popping_many(count, highest, timeout))
        return self._pairs(self._ask("ZPOPMAX" if highest else "ZPOPMIN", count))

    def _popping_many(self, count: int, highest: bool, timeout: Timeout) -> Question[list[tuple[T, float]]]:
        words = ("BZMPOP", seconds(timeout), 1, self._key, "MAX" if highest else "MIN", "COUNT", count)
        return Question(words, lambda found: self._pairs(found[1]) if found else [])

    def rank(self, member: T | str, /, *, reverse: bool = False) -> int:
        """How many members are before `member`. Raises KeyError when it is not there."""
        found: int | None = self._ask("ZREVRANK" if reverse else "ZRANK", self._encode(member))
        if found is None:
            raise KeyError(member)
        return found

    def range(
        self, start: int | None = None, stop: int | None = None, *, reverse: bool = False
    ) -> list[tuple[T, float]]:
        """The pairs `[start:stop]` in the order of scores, or in the opposite one."""
        return self._pairs(self._ask("ZRANGE", *bounds(start, stop), *_rev(reverse), "WITHSCORES"))

    def by_score(
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
        ends = of_scores(low, high, closed)[:: -1 if reverse else 1]
        limits = limit_words(offset, limit)
        return self._pairs(self._ask("ZRANGE", *ends, "BYSCORE", *_rev(reverse), *limits, "WITHSCORES"))

    def by_member(
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
        ends = self._member_ends(low, high, closed)[:: -1 if reverse else 1]
        return self._decoded(self._ask("ZRANGE", *ends, "BYLEX", *_rev(reverse), *limit_words(offset, limit)))

    def _member_ends(self, low: T | str | None, high: T | str | None, closed: Closed) -> tuple[bytes, bytes]:
        encode = self._encode
        return of_members(None if low is None else encode(low), None if high is None else encode(high), closed)

    def count(self, low: float = -_INF, high: float = _INF, *, closed: Closed = "both") -> int:
        """How many members have a score between `low` and `high`."""
        found: int = self._ask("ZCOUNT", *of_scores(low, high, closed))
        return found

    def count_members(self, low: T | str | None = None, high: T | str | None = None, *, closed: Closed = "both") -> int:
        """How many members are between `low` and `high` in byte order, where all scores are the same."""
        found: int = self._ask("ZLEXCOUNT", *self._member_ends(low, high, closed))
        return found

    def remove_range(self, start: int | None = None, stop: int | None = None) -> int:
        """Removes `[start:stop]` in the order of scores; how many they were."""
        removed: int = self._ask("ZREMRANGEBYRANK", *bounds(start, stop))
        return removed

    def remove_by_score(self, low: float = -_INF, high: float = _INF, *, closed: Closed = "both") -> int:
        """Removes the members with a score between `low` and `high`; how many they were."""
        removed: int = self._ask("ZREMRANGEBYSCORE", *of_scores(low, high, closed))
        return removed

    def remove_by_member(
        self, low: T | str | None = None, high: T | str | None = None, *, closed: Closed = "both"
    ) -> int:
        """Removes the members between `low` and `high` in byte order, where all scores are the same; how many."""
        removed: int = self._ask("ZREMRANGEBYLEX", *self._member_ends(low, high, closed))
        return removed

    def random(self) -> T | None:
        """A member, each as likely as any other; None when the sorted set is empty."""
        return self._decode(self._ask("ZRANDMEMBER"))

    def random_many(self, count: int, /, *, repeat: bool = False) -> list[tuple[T, float]]:
        """Up to `count` pairs by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        return self._pairs(self._ask("ZRANDMEMBER", -count if repeat else count, "WITHSCORES"))

    def _chunks(self, *, reverse: bool = False) -> Iterator[list[tuple[T, float]]]:
        start = 0
        while chunk := self.range(start, start + CHUNK, reverse=reverse):
            yield chunk
            start += len(chunk)

    def __iter__(self) -> Iterator[T]:
        return (member for member, _ in chain.from_iterable(self._chunks()))

    def __reversed__(self) -> Iterator[T]:
        return (member for member, _ in chain.from_iterable(self._chunks(reverse=True)))

    def scan(self, *, match: str | bytes = "*") -> Iterator[tuple[T, float]]:
        """The pairs in no order, of members whose bytes match a pattern; one that is there all the time is seen."""
        for found in self._scan("ZSCAN", "MATCH", match):
            for at in range(0, len(found), 2):
                yield self._codec.decode(found[at]), float(found[at + 1])

    def values(self) -> ZsetValues:
        """The scores from the lowest up; a view that follows the sorted set."""
        return ZsetValues(self)

    def items(self) -> ZsetItems[T]:
        """The pairs from the lowest score up; a view that follows the sorted set."""
        return ZsetItems(self)

    def to_dict(self) -> dict[T, float]:
        """All pairs as they are at one moment, from the lowest score up."""
        return dict(self.range())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Zset):
            return self.to_dict() == other.to_dict()
        return self.to_dict() == dict(other) if isinstance(other, Mapping) else NotImplemented

    def _replace(self, scores: Scores[T]) -> None:
        pairs = list(scores.items() if isinstance(scores, Mapping) else scores)
        self.clear()
        self.add_many(pairs)


def _rev(reverse: bool) -> tuple[str, ...]:
    return ("REV",) if reverse else ()
