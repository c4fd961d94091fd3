"""Lists, awaited: the same calls as `List` has, in a store for asyncio."""

from __future__ import annotations

import builtins
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, overload

from kvark._async_collections.handle import AsyncHandle, AsyncItems, twin
from kvark._collections.handle import T
from kvark._collections.lists import End, List
from kvark._collections.waiting import waits
from kvark._types import Key, Timeout


class AsyncList(AsyncHandle[List[T]], Generic[T]):
    """A list in the store: `await items[0]`, `await items.append(value)`, `async for item in items`."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Coroutine[Any, Any, T]: ...
    @overload
    def __getitem__(self, index: slice) -> Coroutine[Any, Any, builtins.list[T]]: ...
    def __getitem__(self, index: int | slice) -> Coroutine[Any, Any, Any]:
        """The item at an index, or the items of a slice: `await items[0]`, `await items[1:3]`."""
        return self._read(self._sync.__getitem__, index)

    async def set(self, index: int, value: T | str) -> None:
        """Sets the item at `index`. Raises IndexError when there is none."""
        await self._write(self._sync.__setitem__, index, value)

    async def delete(self, index: int | slice) -> None:
        """Removes an item or a slice. Raises IndexError when there is none."""
        await self._write(self._sync.__delitem__, index)

    async def contains(self, value: object) -> bool:
        """Whether some item is `value`."""
        return await self._read(self._sync.__contains__, value)

    def __aiter__(self) -> AsyncItems[T]:
        return AsyncItems(self._db, self._sync._chunks())

    async def get(self, index: int, default: T | None = None) -> T | None:
        """The item at `index`, or `default` where there is none."""
        return await self._read(self._sync.get, index, default)

    async def insert(self, index: int, value: T | str) -> None:
        """Puts `value` before `index`. One word at the ends, four in the middle (see the invariant of marks)."""
        await self._write(self._sync.insert, index, value)

    async def insert_before(self, pivot: T | str, value: T | str) -> int:
        """Puts `value` before the first `pivot`; the length. Raises ValueError when there is no such item."""
        return await self._write(self._sync.insert_before, pivot, value)

    async def insert_after(self, pivot: T | str, value: T | str) -> int:
        """Puts `value` after the first `pivot`; the length. Raises ValueError when there is no such item."""
        return await self._write(self._sync.insert_after, pivot, value)

    async def append(self, value: T | str) -> None:
        """Puts `value` at the end."""
        await self._write(self._sync.append, value)

    async def extend(self, values: Iterable[T | str]) -> None:
        """Puts all `values` at the end, by one word: they are seen together."""
        await self._bulk(self._sync.extend, values)

    async def push(self, *values: T | str, existing: bool = False) -> int:
        """Puts `values` at the end; the length. `existing`: only when there is a list already."""
        return await self._write(self._sync.push, *values, existing=existing)

    async def push_left(self, *values: T | str, existing: bool = False) -> int:
        """Puts `values` at the beginning one by one, the last comes first, as by `deque.extendleft`; the length."""
        return await self._write(self._sync.push_left, *values, existing=existing)

    async def pop(self, index: int = -1, *, timeout: Timeout = 0) -> T:
        """Removes and returns an item, the last one unless told otherwise. Raises IndexError when there is none.

        At an end it may wait for one, `timeout` seconds at most (None: for ever); who came first is served first.
        """
        if waits(timeout):
            return await self._wait(self._sync._popping(index, timeout))
        return await self._write(self._sync.pop, index)

    async def pop_left(self, *, timeout: Timeout = 0) -> T:
        """Removes and returns the first item, waiting for one as `pop` does. Raises IndexError when there is none."""
        if waits(timeout):
            return await self._wait(self._sync._popping(0, timeout))
        return await self._write(self._sync.pop_left)

    async def pop_many(self, count: int, *, end: End = "right", timeout: Timeout = 0) -> list[T]:
        """Removes and returns up to `count` items, in the order in which they are taken from that end.

        Where there is none, it may wait `timeout` seconds for the first (None: for ever).
        """
        if waits(timeout):
            return await self._wait(self._sync._popping_many(count, end, timeout))
        return await self._write(self._sync.pop_many, count, end=end)

    async def move_to(
        self, destination: Key | AsyncList[Any], *, take: End = "right", put: End = "left", timeout: Timeout = 0
    ) -> T | None:
        """Moves an item from an end of this list to an end of another (or of this one); the item, None when empty.

        Where there is none, it may wait `timeout` seconds for one (None: for ever).
        """
        if waits(timeout):
            return await self._wait(self._sync._moving(twin(destination), take, put, timeout))
        return await self._write(self._sync.move_to, destination, take=take, put=put)

    async def remove(self, value: T | str) -> None:
        """Removes the first item that is `value`. Raises ValueError when there is none."""
        await self._write(self._sync.remove, value)

    async def remove_all(self, value: T | str) -> int:
        """Removes every item that is `value`; how many there were."""
        return await self._long(self._sync.remove_all, value)

    async def trim(self, start: int | None = None, stop: int | None = None) -> None:
        """Leaves `[start:stop]` and removes the rest."""
        await self._long(self._sync.trim, start, stop)

    async def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """The first place of `value` in `[start:stop]`. Raises ValueError when there is none."""
        return await self._read(self._sync.index, value, start, stop)

    async def count(self, value: Any) -> int:
        """How many items are `value`."""
        return await self._read(self._sync.count, value)

    async def to_list(self) -> list[T]:
        """All items as they are at one moment."""
        return await self._long(self._sync.to_list)

    async def reverse(self) -> None:
        """Turns the order around. Three words: the list is read, removed and written."""
        await self._long(self._sync.reverse)
