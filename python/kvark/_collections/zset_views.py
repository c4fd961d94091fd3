"""What `values()` and `items()` of a sorted set are."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from itertools import chain
from typing import TYPE_CHECKING, Any

from kvark._collections.handle import T

if TYPE_CHECKING:
    from kvark._collections.zsets import Zset


class ZsetValues(ValuesView[float]):
    """The scores from the lowest up."""

    __slots__ = ()
    _mapping: Zset[Any]

    def __iter__(self) -> Iterator[float]:
        return (score for _, score in chain.from_iterable(self._mapping._chunks()))

    def __contains__(self, score: object) -> bool:
        return isinstance(score, int | float) and self._mapping.count(score, score) > 0


class ZsetItems(ItemsView[T, float]):
    """The pairs from the lowest score up."""

    __slots__ = ()
    _mapping: Zset[T]

    def __iter__(self) -> Iterator[tuple[T, float]]:
        return chain.from_iterable(self._mapping._chunks())
