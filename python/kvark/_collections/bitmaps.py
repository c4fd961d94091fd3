"""Bitmaps: the bits of a string, each found by its index."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal, TypeAlias

from kvark._collections.handle import CHUNK, Handle, key_of
from kvark._types import Key

Other: TypeAlias = Key | Handle[Any]
# What becomes of a number that does not fit its field: the high bits are lost, the nearest that fits, or no change.
Overflow = Literal["wrap"] | Literal["sat"] | Literal["fail"]


class Bitmap(Handle[bytes]):
    """The bits of a string in the store, the highest of the first byte first. A bit beyond the end is 0.

    >>> seen = store.bitmaps["seen:monday"]
    >>> seen[7] = True
    >>> seen[7], seen[100], seen.count(), seen.position(True), len(seen)
    (True, False, 1, 7, 8)
    >>> store.bitmaps["seen:tuesday"].set(3)
    False
    >>> seen.or_into("seen:week", "seen:tuesday")
    1
    >>> list(store.bitmaps["seen:week"].ones())
    [3, 7]
    >>> seen.increment("u8", "#1", 300, overflow="sat")
    255
    """

    __slots__ = ()

    def __len__(self) -> int:
        """How many bits there are: eight for each byte of the string."""
        length: int = self._ask("STRLEN")
        return 8 * length

    def __getitem__(self, index: int) -> bool:
        return bool(self._ask("GETBIT", self._place(index)))

    def __setitem__(self, index: int, bit: bool) -> None:
        self._ask("SETBIT", self._place(index), int(bit))

    def _place(self, index: int) -> int:
        """An index from the end counts from the end of the string."""
        if index >= 0:
            return index
        place = len(self) + index
        if place < 0:
            raise IndexError("bitmap index out of range")
        return place

    def get(self, index: int) -> bool:
        """The bit at `index`; the same as `bitmap[index]`."""
        return self[index]

    def set(self, index: int, bit: bool = True) -> bool:
        """Sets the bit at `index`; what it was before."""
        return bool(self._ask("SETBIT", self._place(index), int(bit)))

    def count(self, start: int | None = None, stop: int | None = None) -> int:
        """How many bits of `[start:stop]` are 1."""
        found: int = self._ask("BITCOUNT", *_span(start, stop))
        return found

    def position(self, bit: bool, start: int | None = None, stop: int | None = None) -> int | None:
        """The first place in `[start:stop]` of a bit that is so; None when there is none."""
        if stop is None and start is None:
            found: int = self._ask("BITPOS", int(bit))
        else:
            found = self._ask("BITPOS", int(bit), *_span(start, stop))
        return None if found < 0 else found

    def _chunks(self) -> Iterator[list[bool]]:
        start = 0
        while held := self._ask("GETRANGE", start, start + CHUNK - 1):
            yield [bool(byte >> at & 1) for byte in held for at in range(7, -1, -1)]
            start += len(held)

    def __iter__(self) -> Iterator[bool]:
        return chain.from_iterable(self._chunks())

    def ones(self) -> Iterator[int]:
        """The places of the bits that are 1."""
        return (place for place, bit in enumerate(self) if bit)

    def to_bytes(self) -> bytes:
        """The string that holds the bits."""
        held: bytes = self._ask("GETRANGE", 0, -1)
        return held

    def and_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in all bitmaps at `destination`; how many bytes they take."""
        return self._into("AND", destination, others)

    def or_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in any bitmap at `destination`; how many bytes they take."""
        return self._into("OR", destination, others)

    def xor_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in an odd number of bitmaps at `destination`; how many bytes they take."""
        return self._into("XOR", destination, others)

    def not_into(self, destination: Other) -> int:
        """Leaves the opposite bits at `destination`; how many bytes they take."""
        return self._into("NOT", destination, ())

    def difference_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 here and in none of `others` at `destination`; how many bytes they take."""
        return self._into("DIFF", destination, others)

    def one_into(self, destination: Other, *others: Other) -> int:
        """Leaves the bits that are 1 in exactly one bitmap at `destination`; how many bytes they take."""
        return self._into("ONE", destination, others)

    def _into(self, operation: str, destination: Other, others: tuple[Other, ...]) -> int:
        left: int = self._store._ask("BITOP", operation, key_of(destination), self._key, *map(key_of, others))
        return left

    def number(self, kind: str, place: int | str) -> int:
        """The number of `kind` (`"u8"`, `"i16"`) whose bits begin at `place`, or at `"#n"`: the n-th of its size."""
        (number,) = self._ask("BITFIELD_RO", "GET", kind, place)
        return int(number)

    def set_number(self, kind: str, place: int | str, number: int, *, overflow: Overflow = "wrap") -> int | None:
        """Sets the number of `kind` at `place`; what it was, None when it does not fit and overflow is `fail`."""
        return self._change("OVERFLOW", overflow, "SET", kind, place, number)

    def increment(self, kind: str, place: int | str, by: int = 1, *, overflow: Overflow = "wrap") -> int | None:
        """Adds `by` to the number of `kind` at `place`; the sum, None when it does not fit and overflow is `fail`."""
        return self._change("OVERFLOW", overflow, "INCRBY", kind, place, by)

    def _change(self, *arguments: Any) -> int | None:
        found: list[int | None] = self._ask("BITFIELD", *arguments)
        return found[0]

    def __eq__(self, other: object) -> bool:
        return self.to_bytes() == other.to_bytes() if isinstance(other, Bitmap) else NotImplemented


def _span(start: int | None, stop: int | None) -> tuple[int, int, str]:
    if stop == 0:
        return 1, 0, "BIT"
    return start or 0, -1 if stop is None else stop - 1, "BIT"
