"""Places: members with a longitude and a latitude, and who is near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeAlias

from kvark._collections.handle import Handle, T, key_of
from kvark._types import Key

Unit = Literal["m"] | Literal["km"] | Literal["mi"] | Literal["ft"]
Order = Literal["asc"] | Literal["desc"]


class Position(NamedTuple):
    """Degrees."""

    longitude: float
    latitude: float


class Near(NamedTuple):
    """What a search finds: the member (in the collection's codec), how far it is in the search's unit, and where."""

    member: Any
    distance: float
    position: Position


Places: TypeAlias = Mapping[T, tuple[float, float]] | Mapping[str, tuple[float, float]]


class Geo(Handle[T], MutableMapping[T, Position]):
    """Members and where they are: a `dict` of members to (longitude, latitude). It is a sorted set in the store.

    >>> sicily = store.geos(codec="str")["sicily"]
    >>> sicily["Palermo"] = (13.361389, 38.115556)
    >>> sicily.update({"Catania": (15.087269, 37.502669)})
    >>> round(sicily.distance("Palermo", "Catania", unit="km"))
    166
    >>> [found.member for found in sicily.search((15, 37), radius=100, unit="km")]
    ['Catania']
    >>> [found.member for found in sicily.search("Palermo", box=(400, 400), unit="km", order="asc")]
    ['Palermo', 'Catania']
    """

    __slots__ = ()

    def __len__(self) -> int:
        length: int = self._ask("ZCARD")
        return length

    def __getitem__(self, member: T | str) -> Position:
        held = self._encode_or_none(member)
        found = None if held is None else self._ask("GEOPOS", held)[0]
        if found is None:
            raise KeyError(member)
        return _position(found)

    def __setitem__(self, member: T | str, place: tuple[float, float]) -> None:
        self.add(member, *place)

    def __delitem__(self, member: T | str) -> None:
        held = self._encode_or_none(member)
        if held is None or not self._ask("ZREM", held):
            raise KeyError(member)

    def __contains__(self, member: object) -> bool:
        held = self._encode_or_none(member)
        return held is not None and self._ask("ZSCORE", held) is not None

    def add(
        self, member: T | str, longitude: float, latitude: float, /, *, only: Literal["nx", "xx"] | None = None
    ) -> bool:
        """Puts `member` at a place; whether that changed anything. A place off the map is an InvalidInput."""
        options = () if only is None else (only.upper(),)
        return bool(self._ask("GEOADD", *options, "CH", longitude, latitude, self._encode(member)))

    def update(self, other: Places[T] | Iterable[tuple[T | str, tuple[float, float]]] = (), /) -> None:  # type: ignore[override]
        """Puts every member at its place, by one word."""
        pairs: Any = other.items() if isinstance(other, Mapping) else other
        words = [part for member, (east, north) in pairs for part in (east, north, self._encode(member))]
        if words:
            self._ask("GEOADD", *words)

    def get_many(self, members: Iterable[T | str], /) -> list[Position | None]:
        """The places of `members` in their order, None for each that is missing."""
        encoded = self._encoded(members)
        found = self._ask("GEOPOS", *encoded) if encoded else []
        return [None if place is None else _position(place) for place in found]

    def distance(self, one: T | str, other: T | str, /, *, unit: Unit = "m") -> float:
        """How far two members are from each other. Raises KeyError when one is not there."""
        found = self._ask("GEODIST", self._encode(one), self._encode(other), unit)
        if found is None:
            raise KeyError(one if one not in self else other)
        return float(found)

    def geohash(self, member: T | str, /) -> str:
        """The place of `member` as an eleven letter geohash. Raises KeyError when it is not there."""
        (found,) = self._ask("GEOHASH", self._encode(member))
        if found is None:
            raise KeyError(member)
        text: str = found.decode()
        return text

    def search(
        self,
        center: T | str | tuple[float, float] | None = None,
        /,
        *,
        radius: float | None = None,
        box: tuple[float, float] | None = None,
        polygon: Iterable[tuple[float, float]] | None = None,
        unit: Unit = "m",
        order: Order | None = None,
        limit: int | None = None,
    ) -> list[Near]:
        """Who is within `radius` of `center`, or within a `box` of (width, height) around it.

        The center is a member, or (longitude, latitude). A `polygon` of such corners needs none; the distances are
        meters from the middle of its corners then. Raises InvalidInput for a center that is not there, and unless one
        of `radius`, `box` and `polygon` is given.
        """
        words = [*self._around(center, radius, box, polygon, unit), *_order(order, limit), "WITHCOORD", "WITHDIST"]
        found = self._ask("GEOSEARCH", *words)
        return [Near(self._codec.decode(member), float(far), _position(place)) for member, far, place in found]

    def search_into(
        self,
        destination: Key | Geo[Any],
        center: T | str | tuple[float, float] | None = None,
        /,
        *,
        radius: float | None = None,
        box: tuple[float, float] | None = None,
        polygon: Iterable[tuple[float, float]] | None = None,
        unit: Unit = "m",
        order: Order | None = None,
        limit: int | None = None,
        store_distances: bool = False,
    ) -> int:
        """Leaves what `search` finds at `destination`, with distances as scores if asked for; how many they are."""
        area = self._around(center, radius, box, polygon, unit)
        words = [*area, *_order(order, limit), *["STOREDIST"] * store_distances]
        left: int = self._store._ask("GEOSEARCHSTORE", key_of(destination), self._key, *words)
        return left

    def _around(
        self,
        center: Any,
        radius: float | None,
        box: tuple[float, float] | None,
        polygon: Iterable[tuple[float, float]] | None,
        unit: Unit,
    ) -> list[Any]:
        words: list[Any] = []
        if isinstance(center, tuple):
            words += ["FROMLONLAT", *center]
        elif center is not None:
            words += ["FROMMEMBER", self._encode(center)]
        if radius is not None:
            words += ["BYRADIUS", radius, unit]
        if box is not None:
            words += ["BYBOX", *box, unit]
        if polygon is not None:
            corners = list(polygon)
            words += ["BYPOLYGON", len(corners), *chain.from_iterable(corners)]
        return words

    def _chunks(self) -> Iterator[list[T]]:
        return (self._decoded(found[::2]) for found in self._scan("ZSCAN"))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._chunks())


def _position(place: Iterable[Any]) -> Position:
    return Position(*map(float, place))


def _order(order: Order | None, limit: int | None) -> list[Any]:
    return [*([] if order is None else [order.upper()]), *([] if limit is None else ["COUNT", limit])]
