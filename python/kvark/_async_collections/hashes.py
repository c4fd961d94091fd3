"""Hashes, awaited: the same calls as `Hash` has, in a store for asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final, Generic, TypeVar, overload

from kvark._async_collections.handle import AsyncHandle, AsyncItems
from kvark._collections.expiring import Only
from kvark._collections.handle import T
from kvark._collections.hashes import Fields, Hash
from kvark._types import Key, Ttl

_D = TypeVar("_D")
_MISSING: Final[Any] = object()


class AsyncHash(AsyncHandle[Hash[T]], Generic[T]):
    """A hash in the store: `await ada["name"]`, `await ada.set("name", "Ada")`, `async for field in ada`."""

    __slots__ = ()

    async def __getitem__(self, field: Key) -> T:
        """The value of `field`: `await ada["name"]`. Raises KeyError when there is none."""
        return await self._read(self._sync.__getitem__, field)

    async def contains(self, field: object) -> bool:
        """Whether `field` is there."""
        return await self._read(self._sync.__contains__, field)

    def __aiter__(self) -> AsyncItems[bytes]:
        return AsyncItems(self._db, self._sync._chunks())

    def items(self) -> AsyncItems[tuple[bytes, T]]:
        """An asynchronous iterator over the pairs."""
        return AsyncItems(self._db, self._sync._pair_chunks())

    @overload
    async def get(self, field: Key, default: None = None, /) -> T | None: ...

    @overload
    async def get(self, field: Key, default: T, /) -> T: ...

    @overload
    async def get(self, field: Key, default: _D, /) -> T | _D: ...

    async def get(self, field: Key, default: Any = None, /) -> Any:
        """The value of `field`, or `default` when there is none."""
        return await self._read(self._sync.get, field, default)

    async def get_many(self, fields: Iterable[Key], /) -> list[T | None]:
        """The values of `fields` in their order, None for each that is missing."""
        return await self._bulk(self._sync.get_many, fields, writes=False)

    async def set(
        self,
        field: Key,
        value: T | str,
        /,
        *,
        ttl: Ttl | None = None,
        nx: bool = False,
        xx: bool = False,
        keep_ttl: bool = False,
    ) -> bool:
        """Sets `field`; whether it was set. `nx`: only when it is missing, `xx`: only when it is there.

        A plain set ends an earlier ttl of the field; `ttl` gives it a new one, and with `keep_ttl` the earlier stays.
        Options that exclude each other are an InvalidInput.
        """
        return await self._write(self._sync.set, field, value, ttl=ttl, nx=nx, xx=xx, keep_ttl=keep_ttl)

    async def set_many(self, fields: Fields[T], /, *, ttl: Ttl | None = None) -> None:
        """Sets every pair of a mapping or an iterable of pairs, by one word: they are seen together."""
        await self._bulk(partial(self._sync.set_many, ttl=ttl), fields)

    async def update(self, other: Fields[T] = (), /, **more: T | str) -> None:
        """Sets every pair of a mapping or an iterable of pairs, and every keyword."""
        await self._write(self._sync.update, other, **more)

    async def setdefault(self, field: Key, default: T | str, /) -> T:
        """The value of `field`, which is set to `default` if it is missing. Two words."""
        return await self._write(self._sync.setdefault, field, default)

    @overload
    async def pop(self, field: Key, /) -> T: ...

    @overload
    async def pop(self, field: Key, default: T, /) -> T: ...

    @overload
    async def pop(self, field: Key, default: _D, /) -> T | _D: ...

    async def pop(self, field: Key, default: Any = _MISSING, /) -> Any:
        """Removes `field` and returns its value, or `default`; without a default a missing field is a KeyError."""
        return await self._write(self._sync.pop, field, default)

    async def delete(self, *fields: Key) -> int:
        """Removes `fields`; how many were there."""
        return await self._write(self._sync.delete, *fields)

    @overload
    async def increment(self, field: Key, by: int = 1, /) -> int: ...

    @overload
    async def increment(self, field: Key, by: float, /) -> float: ...

    async def increment(self, field: Key, by: float = 1, /) -> float:
        """Adds `by` to the number at `field`, which counts as 0 when missing; the sum. No number is an InvalidInput."""
        return await self._write(self._sync.increment, field, by)

    async def field_size(self, field: Key, /) -> int:
        """The length of the value's bytes, 0 when `field` is missing."""
        return await self._read(self._sync.field_size, field)

    async def random_field(self) -> bytes | None:
        """A field, each as likely as any other; None when the hash is empty."""
        return await self._read(self._sync.random_field)

    async def random_items(self, count: int, *, repeat: bool = False) -> list[tuple[bytes, T]]:
        """Up to `count` pairs by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        return await self._read(self._sync.random_items, count, repeat=repeat)

    async def expire_fields(self, ttl: Ttl, /, *fields: Key, only: Only | None = None) -> int:
        """Makes each of `fields` expire after `ttl`; for how many of them that was done."""
        return await self._write(self._sync.expire_fields, ttl, *fields, only=only)

    async def field_ttl(self, field: Key, /) -> float | None:
        """The seconds until `field` expires, None for never. Raises KeyError for a missing field."""
        return await self._read(self._sync.field_ttl, field)

    async def persist_fields(self, *fields: Key) -> int:
        """Makes each of `fields` stay; how many had a ttl."""
        return await self._write(self._sync.persist_fields, *fields)

    async def get_expiring(self, field: Key, ttl: Ttl | None, /) -> T | None:
        """The value of `field`, which expires after `ttl` from now on (None: never); None when it is missing."""
        return await self._write(self._sync.get_expiring, field, ttl)

    async def to_dict(self) -> dict[bytes, T]:
        """All pairs as they are at one moment."""
        return await self._long(self._sync.to_dict)
