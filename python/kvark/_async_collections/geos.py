"""Places, awaited: the same calls as `Geo` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, Literal

from kvark._async_collections.handle import AsyncHandle, AsyncItems
from kvark._collections.geos import Geo, Near, Order, Places, Position, Unit
from kvark._collections.handle import T
from kvark._types import Key


class AsyncGeo(AsyncHandle[Geo[T]], Generic[T]):
    """Members and where they are: `await sicily.add("Palermo", 13.36, 38.12)`, `async for member in sicily`."""

    __slots__ = ()

    async def __getitem__(self, member: T | str) -> Position:
        """Where `member` is: `await sicily["Palermo"]`. Raises KeyError when it is not there."""
        return await self._read(self._sync.__getitem__, member)

    async def set(self, member: T | str, place: tuple[float, float]) -> None:
        """Puts `member` at a place, (longitude, latitude)."""
        await self._write(self._sync.__setitem__, member, place)

    async def delete(self, member: T | str) -> None:
        """Removes `member`. Raises KeyError when it is not there."""
        await self._write(self._sync.__delitem__, member)

    async def contains(self, member: object) -> bool:
        """Whether `member` is there."""
        return await self._read(self._sync.__contains__, member)

    def __aiter__(self) -> AsyncItems[T]:
        return AsyncItems(self._db, self._sync._chunks())

    async def add(
        self, member: T | str, longitude: float, latitude: float, /, *, only: Literal["nx", "xx"] | None = None
    ) -> bool:
        """Puts `member` at a place; whether that changed anything. A place off the map is an InvalidInput."""
        return await self._write(self._sync.add, member, longitude, latitude, only=only)

    async def update(self, other: Places[T] | Iterable[tuple[T | str, tuple[float, float]]] = (), /) -> None:
        """Puts every member at its place, by one word."""
        await self._write(self._sync.update, other)

    async def get_many(self, members: Iterable[T | str], /) -> list[Position | None]:
        """The places of `members` in their order, None for each that is missing."""
        return await self._bulk(self._sync.get_many, members, writes=False)

    async def distance(self, one: T | str, other: T | str, /, *, unit: Unit = "m") -> float:
        """How far two members are from each other. Raises KeyError when one is not there."""
        return await self._read(self._sync.distance, one, other, unit=unit)

    async def geohash(self, member: T | str, /) -> str:
        """The place of `member` as an eleven letter geohash. Raises KeyError when it is not there."""
        return await self._read(self._sync.geohash, member)

    async def search(
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
        return await self._long(
            self._sync.search,
            center,
            radius=radius,
            box=box,
            polygon=polygon,
            unit=unit,
            order=order,
            limit=limit,
        )

    async def search_into(
        self,
        destination: Key | AsyncGeo[Any],
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
        return await self._long(
            self._sync.search_into,
            destination,
            center,
            radius=radius,
            box=box,
            polygon=polygon,
            unit=unit,
            order=order,
            limit=limit,
            store_distances=store_distances,
        )
