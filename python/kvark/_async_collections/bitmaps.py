"""Bitmaps, awaited: the same calls as `Bitmap` has, in a store for asyncio."""

from __future__ import annotations

from typing import Any, TypeAlias

from kvark._async_collections.handle import AsyncHandle, AsyncItems
from kvark._collections.bitmaps import Bitmap, Overflow
from kvark._types import Key

Other: TypeAlias = Key | AsyncHandle[Any]


class AsyncBitmap(AsyncHandle[Bitmap]):
    """The bits of a string in the store: `await seen[7]`, `await seen.set(7)`, `async for bit in seen`."""

    __slots__ = ()

    async def __getitem__(self, index: int) -> bool:
        """The bit at `index`: `await seen[7]`."""
        return await self._read(self._sync.__getitem__, index)

    def __aiter__(self) -> AsyncItems[bool]:
        return AsyncItems(self._db, self._sync._chunks())

    async def get(self, index: int) -> bool:
        """The bit at `index`; the same as `bitmap[index]`."""
        return await self._read(self._sync.get, index)

    async def set(self, index: int, bit: bool = True) -> bool:
        """Sets the bit at `index`; what it was before."""
        return await self._write(self._sync.set, index, bit)

    async def count(self, start: int | None = None, stop: int | None = None) -> int:
        """How many bits of `[start:stop]` are 1."""
        return await self._read(self._sync.count, start, stop)

    async def position(self, bit: bool, start: int | None = None, stop: int | None = None) -> int | None:
        """The first place in `[start:stop]` of a bit that is so; None when there is none."""
        return await self._read(self._sync.position, bit, start, stop)

    async def to_bytes(self) -> bytes:
        """The string that holds the bits."""
        return await self._long(self._sync.to_bytes)

    async def and_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in all bitmaps at `destination`; how many bytes they take."""
        return await self._long(self._sync.and_into, destination, *others)

    async def or_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in any bitmap at `destination`; how many bytes they take."""
        return await self._long(self._sync.or_into, destination, *others)

    async def xor_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in an odd number of bitmaps at `destination`; how many bytes they take."""
        return await self._long(self._sync.xor_into, destination, *others)

    async def not_into(self, destination: Other) -> int:
        """Leaves the opposite bits at `destination`; how many bytes they take."""
        return await self._long(self._sync.not_into, destination)

    async def difference_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 here and in none of `others` at `destination`; how many bytes they take."""
        return await self._long(self._sync.difference_into, destination, *others)

    async def one_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in exactly one bitmap at `destination`; how many bytes they take."""
        return await self._long(self._sync.one_into, destination, *others)

    async def number(self, kind: str, place: int | str) -> int:
        """The number of `kind` (`"u8"`, `"i16"`) whose bits begin at `place`, or at `"#n"`: the n-th of its size."""
        return await self._read(self._sync.number, kind, place)

    async def set_number(self, kind: str, place: int | str, number: int, *, overflow: Overflow = "wrap") -> int | None:
        """Sets the number of `kind` at `place`; what it was, None when it does not fit and overflow is `fail`."""
        return await self._write(self._sync.set_number, kind, place, number, overflow=overflow)

    async def increment(self, kind: str, place: int | str, by: int = 1, *, overflow: Overflow = "wrap") -> int | None:
        """Adds `by` to the number of `kind` at `place`; the sum, None when it does not fit and overflow is `fail`."""
        return await self._write(self._sync.increment, kind, place, by, overflow=overflow)
