"""Lists: a `MutableSequence` whose ends are cheap.

Invariant: an item in the middle is removed or put in by way of a mark, 16 random bytes that take its place for the
moment between two words, so that a change by somebody else moves no item to a wrong place. Somebody else may see it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from itertools import chain
from typing import Any, Literal, Self, overload

from kvark._collections.handle import CHUNK, Handle, T, key_of
from kvark._collections.waiting import Question, seconds, waits
from kvark._errors import InvalidInput
from kvark._types import Key, Timeout

End = Literal["left"] | Literal["right"]


class List(Handle[T], MutableSequence[T]):
    """A list in the store, as Python's own; both ends take and give in constant time.

    >>> queue = store.lists["queue"]
    >>> queue.extend(["b", "c"])
    >>> queue.push_left("a")
    3
    >>> queue[0], queue[-1], queue[1:], len(queue)
    (b'a', b'c', [b'b', b'c'], 3)
    >>> queue.pop_left()
    b'a'
    >>> store.lists(codec="json")["numbers"] += [1, 2.5, None]
    >>> store.lists(codec="json")["numbers"] == [1, 2.5, None]
    True
    """

    __slots__ = ()

    def __len__(self) -> int:
        length: int = self._ask("LLEN")
        return length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return self._slice(index)
        held = self._ask("LINDEX", index)
        if held is None:
            raise IndexError("list index out of range")
        return self._codec.decode(held)

    def _slice(self, index: slice) -> list[T]:
        step = 1 if index.step is None else index.step
        if step < 1:
            return self.to_list()[index]
        return self._decoded(self._ask("LRANGE", *bounds(index.start, index.stop))[::step])

    def get(self, index: int, default: T | None = None) -> T | None:
        """The item at `index`, or `default` where there is none."""
        held = self._ask("LINDEX", index)
        return default if held is None else self._codec.decode(held)

    @overload
    def __setitem__(self, index: int, value: T | str) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[T | str]) -> None: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        if not isinstance(index, slice):
            self._put(index, self._encode(value))
        elif index == slice(None):
            self._replace(value)
        else:
            self._put_slice(index, self._encoded(value))

    def _put(self, index: int, held: bytes) -> None:
        try:
            self._ask("LSET", index, held)
        except InvalidInput as refused:
            raise IndexError("list assignment index out of range") from refused

    def _replace(self, values: Iterable[T | str]) -> None:
        encoded = self._encoded(values)
        self.clear()
        if encoded:
            self._ask("RPUSH", *encoded)

    def _put_slice(self, index: slice, encoded: list[bytes]) -> None:
        places = range(*index.indices(len(self)))
        if index.step not in (None, 1) and len(places) != len(encoded):
            message = f"attempt to assign sequence of size {len(encoded)} to extended slice of size {len(places)}"
            raise ValueError(message)
        for place, held in zip(places, encoded, strict=False):
            self._put(place, held)
        self._delete_places(places[len(encoded) :])
        self._insert_at(places.start + len(places), encoded[len(places) :])

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            self._delete_places(range(*index.indices(len(self))))
        else:
            self._delete_places([index])

    def _delete_places(self, places: Sequence[int]) -> None:
        mark = new_mark()
        for place in places:
            self._put(place, mark)
        if places:
            self._ask("LREM", 0, mark)

    def insert(self, index: int, value: T | str) -> None:
        """Puts `value` before `index`. One word at the ends, four in the middle (see the invariant of marks)."""
        self._insert_at(index, [self._encode(value)])

    def _insert_at(self, index: int, encoded: list[bytes]) -> None:
        if not encoded:
            return
        held = None if index == 0 else self._ask("LINDEX", index)
        if held is not None:
            self._insert_before_place(index, held, encoded)
        elif index > 0:
            self._ask("RPUSH", *encoded)
        else:
            self._ask("LPUSH", *reversed(encoded))

    def _insert_before_place(self, index: int, held: bytes, encoded: list[bytes]) -> None:
        mark = new_mark()
        self._put(index, mark)
        for each in [*encoded, held]:
            self._ask("LINSERT", "BEFORE", mark, each)
        self._ask("LREM", 1, mark)

    def insert_before(self, pivot: T | str, value: T | str) -> int:
        """Puts `value` before the first `pivot`; the length. Raises ValueError when there is no such item."""
        return self._insert_beside("BEFORE", pivot, value)

    def insert_after(self, pivot: T | str, value: T | str) -> int:
        """Puts `value` after the first `pivot`; the length. Raises ValueError when there is no such item."""
        return self._insert_beside("AFTER", pivot, value)

    def _insert_beside(self, where: str, pivot: T | str, value: T | str) -> int:
        length: int = self._ask("LINSERT", where, self._encode(pivot), self._encode(value))
        if length < 1:
            raise ValueError(f"{pivot!r} is not in list")
        return length

    def append(self, value: T | str) -> None:
        """Puts `value` at the end."""
        self._ask("RPUSH", self._encode(value))

    def extend(self, values: Iterable[T | str]) -> None:
        """Puts all `values` at the end, by one word: they are seen together."""
        encoded = self._encoded(values)
        if encoded:
            self._ask("RPUSH", *encoded)

    def __iadd__(self, values: Iterable[T | str]) -> Self:
        self.extend(values)
        return self

    def push(self, *values: T | str, existing: bool = False) -> int:
        """Puts `values` at the end; the length. `existing`: only when there is a list already."""
        length: int = self._ask("RPUSHX" if existing else "RPUSH", *self._encoded(values))
        return length

    def push_left(self, *values: T | str, existing: bool = False) -> int:
        """Puts `values` at the beginning one by one, the last comes first, as by `deque.extendleft`; the length."""
        length: int = self._ask("LPUSHX" if existing else "LPUSH", *self._encoded(values))
        return length

    def pop(self, index: int = -1, *, timeout: Timeout = 0) -> T:
        """Removes and returns an item, the last one unless told otherwise. Raises IndexError when there is none.

        At an end it may wait for one, `timeout` seconds at most (None: for ever); who came first is served first.
        """
        if waits(timeout):
            return self._wait(self._popping(index, timeout))
        word = {0: "LPOP", -1: "RPOP"}.get(index)
        held = self._ask("LINDEX", index) if word is None else self._ask(word)
        if held is None:
            raise IndexError("pop index out of range" if self else "pop from empty list")
        if word is None:
            self._delete_places([index])
        return self._codec.decode(held)

    def _popping(self, index: int, timeout: Timeout) -> Question[T]:
        word = {0: "BLPOP", -1: "BRPOP"}.get(index)
        if word is None:
            raise InvalidInput(f"only the ends of a list are waited for, 0 and -1, not {index}")
        return Question((word, self._key, seconds(timeout)), self._popped)

    def _popped(self, found: list[bytes] | None) -> T:
        if found is None:
            raise IndexError("pop from empty list: nothing came in time")
        return self._codec.decode(found[1])

    def pop_left(self, *, timeout: Timeout = 0) -> T:
        """Removes and returns the first item, waiting for one as `pop` does. Raises IndexError when there is none."""
        return self.pop(0, timeout=timeout)

    def pop_many(self, count: int, *, end: End = "right", timeout: Timeout = 0) -> list[T]:
        """Removes and returns up to `count` items, in the order in which they are taken from that end.

        Where there is none, it may wait `timeout` seconds for the first (None: for ever).
        """
        if waits(timeout):
            return self._wait(self._popping_many(count, end, timeout))
        return self._decoded(self._ask("LPOP" if end == "left" else "RPOP", count) or ())

    def _popping_many(self, count: int, end: End, timeout: Timeout) -> Question[list[T]]:
        words = ("BLMPOP", seconds(timeout), 1, self._key, end, "COUNT", count)
        return Question(words, lambda found: self._decoded(found[1] if found else ()))

    def move_to(
        self, destination: Key | List[Any], *, take: End = "right", put: End = "left", timeout: Timeout = 0
    ) -> T | None:
        """Moves an item from an end of this list to an end of another (or of this one); the item, None when empty.

        Where there is none, it may wait `timeout` seconds for one (None: for ever).
        """
        if waits(timeout):
            return self._wait(self._moving(destination, take, put, timeout))
        held = self._store._ask("LMOVE", self._key, key_of(destination), take, put)
        return self._decode(held)

    def _moving(self, destination: Key | List[Any], take: End, put: End, timeout: Timeout) -> Question[T | None]:
        return Question(("BLMOVE", self._key, key_of(destination), take, put, seconds(timeout)), self._decode)

    def remove(self, value: T | str) -> None:
        """Removes the first item that is `value`. Raises ValueError when there is none."""
        held = self._encode_or_none(value)
        if held is None or not self._ask("LREM", 1, held):
            raise ValueError(f"{value!r} is not in list")

    def remove_all(self, value: T | str) -> int:
        """Removes every item that is `value`; how many there were."""
        removed: int = self._ask("LREM", 0, self._encode(value))
        return removed

    def trim(self, start: int | None = None, stop: int | None = None) -> None:
        """Leaves `[start:stop]` and removes the rest."""
        self._ask("LTRIM", *bounds(start, stop))

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """The first place of `value` in `[start:stop]`. Raises ValueError when there is none."""
        held = self._encode_or_none(value)
        places = [] if held is None else self._ask("LPOS", held, "COUNT", 0)
        if places and (start or stop is not None):
            inside = range(*slice(start, stop).indices(len(self)))
            places = [place for place in places if place in inside]
        if not places:
            raise ValueError(f"{value!r} is not in list")
        found: int = places[0]
        return found

    def count(self, value: Any) -> int:
        """How many items are `value`."""
        held = self._encode_or_none(value)
        return 0 if held is None else len(self._ask("LPOS", held, "COUNT", 0))

    def __contains__(self, value: object) -> bool:
        held = self._encode_or_none(value)
        return held is not None and self._ask("LPOS", held) is not None

    def _chunks(self) -> Iterator[list[T]]:
        start = 0
        while chunk := self._ask("LRANGE", start, start + CHUNK - 1):
            yield self._decoded(chunk)
            start += len(chunk)

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._chunks())

    def __reversed__(self) -> Iterator[T]:
        end = len(self)
        while end > 0:
            start = max(end - CHUNK, 0)
            yield from reversed(self._decoded(self._ask("LRANGE", start, end - 1)))
            end = start

    def to_list(self) -> list[T]:
        """All items as they are at one moment."""
        return self._decoded(self._ask("LRANGE", 0, -1))

    def reverse(self) -> None:
        """Turns the order around. Three words: the list is read, removed and written."""
        self._replace(self.to_list()[::-1])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, List):
            return self.to_list() == other.to_list()
        return self.to_list() == other if isinstance(other, list) else NotImplemented


def bounds(start: int | None, stop: int | None) -> tuple[int, int]:
    """A slice as the words of lists have it, where the end is the last item within."""
    if stop == 0:
        return 1, 0
    return (0 if start is None else start), (-1 if stop is None else stop - 1)


def new_mark() -> bytes:
    """What stands for an item for a moment, and never is one."""
    return b"\0kvark:mark:" + os.urandom(16)
