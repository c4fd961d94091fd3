"""Sets: a `MutableSet` of members, each of which may expire on its own.

Invariant: two sets of one store and codec are put together by one word in the store; with any other iterable the
members come to Python first.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, MutableSet
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, Self, TypeVar

from kvark._collections.expiring import SET, Expiring, Only
from kvark._collections.handle import Handle, T, key_of
from kvark._types import Key, Ttl

_S = TypeVar("_S")


class Set(Expiring[T], MutableSet[T]):
    """A set in the store, as Python's own. Operators answer a Python `set`, the methods `..._into` stay in the store.

    >>> python, rust = store.sets(codec="str")["python"], store.sets(codec="str")["rust"]
    >>> python.add("ada"); python.update(["grace", "guido"]); rust.update(["ada", "graydon"])
    >>> "ada" in python, len(python), sorted(python | rust)
    (True, 3, ['ada', 'grace', 'graydon', 'guido'])
    >>> python & rust, python.isdisjoint(["linus"])
    ({'ada'}, True)
    >>> python.difference_into("only:python", rust)
    2
    >>> sorted(store.sets["only:python"])
    [b'grace', b'guido']
    """

    __slots__ = ()
    _WORDS = SET

    @classmethod
    def _from_iterable(cls, members: Iterable[_S]) -> builtins.set[_S]:
        return set(members)

    def __len__(self) -> int:
        length: int = self._ask("SCARD")
        return length

    def __contains__(self, member: object) -> bool:
        held = self._encode_or_none(member)
        return held is not None and bool(self._ask("SISMEMBER", held))

    def contains_many(self, members: Iterable[T | str], /) -> list[bool]:
        """Whether each of `members` is in the set, in their order."""
        encoded = self._encoded(members)
        return list(map(bool, self._ask("SMISMEMBER", *encoded))) if encoded else []

    def _chunks(self) -> Iterator[list[T]]:
        return map(self._decoded, self._scan("SSCAN"))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._chunks())

    def to_set(self) -> builtins.set[T]:
        """All members as they are at one moment."""
        return set(self._decoded(self._ask("SMEMBERS")))

    def add(self, member: T | str, /) -> None:
        """Puts `member` into the set."""
        self._ask("SADD", self._encode(member))

    def discard(self, member: T | str, /) -> None:
        """Removes `member` if it is there."""
        held = self._encode_or_none(member)
        if held is not None:
            self._ask("SREM", held)

    def remove(self, member: T | str, /) -> None:
        """Removes `member`. Raises KeyError when it is not there."""
        held = self._encode_or_none(member)
        if held is None or not self._ask("SREM", held):
            raise KeyError(member)

    def add_many(self, members: Iterable[T | str], /) -> int:
        """Puts `members` into the set, by one word; how many of them are new."""
        encoded = self._encoded(members)
        added: int = self._ask("SADD", *encoded) if encoded else 0
        return added

    def remove_many(self, members: Iterable[T | str], /) -> int:
        """Removes `members`, by one word; how many were there."""
        encoded = self._encoded(members)
        removed: int = self._ask("SREM", *encoded) if encoded else 0
        return removed

    def pop(self) -> T:
        """Removes and returns a member, each as likely as any other. Raises KeyError when the set is empty."""
        held = self._ask("SPOP")
        if held is None:
            raise KeyError("pop from an empty set")
        return self._codec.decode(held)

    def pop_many(self, count: int, /) -> list[T]:
        """Removes and returns up to `count` members by chance."""
        return self._decoded(self._ask("SPOP", count))

    def random(self) -> T | None:
        """A member, each as likely as any other; None when the set is empty."""
        return self._decode(self._ask("SRANDMEMBER"))

    def random_many(self, count: int, /, *, repeat: bool = False) -> list[T]:
        """Up to `count` members by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        return self._decoded(self._ask("SRANDMEMBER", -count if repeat else count))

    def move_to(self, destination: Key | Set[Any], member: T | str, /) -> bool:
        """Moves `member` to another set of the store; whether it was here."""
        return bool(self._ask("SMOVE", key_of(destination), self._encode(member)))

    def update(self, *others: Iterable[T | str]) -> None:
        """Puts the members of all `others` into the set, as `|=` does."""
        for other in others:
            if self._same_place(other):
                self._ask("SUNIONSTORE", self._key, key_of(other))  # type: ignore[arg-type]
            else:
                self.add_many(other)

    def __ior__(self, other: Iterable[T | str]) -> Self:  # type: ignore[override, misc]
        self.update(other)
        return self

    def __iand__(self, other: Iterable[T | str]) -> Self:  # type: ignore[misc]
        if self._same_place(other):
            self._ask("SINTERSTORE", self._key, key_of(other))  # type: ignore[arg-type]
        else:
            kept = set(self._encoded(other))
            self._remove_held([held for held in self._ask("SMEMBERS") if held not in kept])
        return self

    def __isub__(self, other: Iterable[T | str]) -> Self:  # type: ignore[misc]
        if self._same_place(other):
            self._ask("SDIFFSTORE", self._key, key_of(other))  # type: ignore[arg-type]
        else:
            self._remove_held([held for held in map(self._encode_or_none, other) if held is not None])
        return self

    def __ixor__(self, other: Iterable[T | str]) -> Self:  # type: ignore[override, misc]
        given, held = set(self._encoded(other)), set(self._ask("SMEMBERS"))
        self._remove_held(list(given & held))
        if given - held:
            self._ask("SADD", *(given - held))
        return self

    def _remove_held(self, held: list[bytes]) -> None:
        if held:
            self._ask("SREM", *held)

    def union(self, *others: Iterable[Any]) -> builtins.set[T]:
        """The members that are in any of the sets."""
        return self._combined("SUNION", set.union, others)

    def intersection(self, *others: Iterable[Any]) -> builtins.set[T]:
        """The members that are in all of the sets."""
        return self._combined("SINTER", set.intersection, others)

    def difference(self, *others: Iterable[Any]) -> builtins.set[T]:
        """The members that are in none of `others`."""
        return self._combined("SDIFF", set.difference, others)

    def symmetric_difference(self, other: Iterable[Any]) -> builtins.set[T]:
        """The members that are in one of the two sets only."""
        return self.to_set() ^ set(other)

    def _combined(self, word: str, combine: Any, others: tuple[Iterable[Any], ...]) -> builtins.set[T]:
        if all(map(self._same_place, others)):
            return set(self._decoded(self._ask(word, *map(key_of, others))))  # type: ignore[arg-type]
        combined: builtins.set[T] = combine(self.to_set(), *others)
        return combined

    def __or__(self, other: Iterable[Any]) -> builtins.set[Any]:
        return self.union(other) if _is_set(other) else NotImplemented

    def __and__(self, other: Iterable[Any]) -> builtins.set[T]:
        return self.intersection(other) if _is_set(other) else NotImplemented

    def __sub__(self, other: Iterable[Any]) -> builtins.set[T]:
        return self.difference(other) if _is_set(other) else NotImplemented

    def __xor__(self, other: Iterable[Any]) -> builtins.set[Any]:
        return self.symmetric_difference(other) if _is_set(other) else NotImplemented

    def isdisjoint(self, other: Iterable[Any]) -> bool:
        """Whether no member is in both."""
        if self._same_place(other):
            return not self.intersection_len(other, limit=1)  # type: ignore[arg-type]
        encoded = [held for held in map(self._encode_or_none, other) if held is not None]
        return not encoded or not any(self._ask("SMISMEMBER", *encoded))

    def issubset(self, other: Iterable[Any]) -> bool:
        """Whether every member is in `other` too."""
        return not self.difference(other)

    def issuperset(self, other: Iterable[T | str]) -> bool:
        """Whether every member of `other` is in this set too."""
        return other.issubset(self) if isinstance(other, Set) else all(self.contains_many(other))

    def intersection_len(self, *others: Set[Any], limit: int = 0) -> int:
        """How many members are in all of the sets; with a `limit` it stops counting there."""
        places = [self._key, *map(key_of, others)]
        found: int = self._store._ask("SINTERCARD", len(places), *places, "LIMIT", limit)
        return found

    def union_into(self, destination: Key | Set[Any], *others: Key | Set[Any]) -> int:
        """Leaves the members of all sets at `destination`, instead of what was there; how many they are."""
        return self._into("SUNIONSTORE", destination, others)

    def intersection_into(self, destination: Key | Set[Any], *others: Key | Set[Any]) -> int:
        """Leaves the members that are in all sets at `destination`, instead of what was there; how many they are."""
        return self._into("SINTERSTORE", destination, others)

    def difference_into(self, destination: Key | Set[Any], *others: Key | Set[Any]) -> int:
        """Leaves the members that are in none of `others` at `destination`, instead of what was there; how many."""
        return self._into("SDIFFSTORE", destination, others)

    def _into(self, word: str, destination: Key | Handle[Any], others: Iterable[Key | Handle[Any]]) -> int:
        left: int = self._store._ask(word, key_of(destination), self._key, *map(key_of, others))
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

    def __eq__(self, other: object) -> bool:
        return self.to_set() == set(other) if isinstance(other, AbstractSet) else NotImplemented

    def __le__(self, other: AbstractSet[Any]) -> bool:
        return self.issubset(other) if _is_set(other) else NotImplemented

    def __ge__(self, other: AbstractSet[Any]) -> bool:
        return self.issuperset(other) if _is_set(other) else NotImplemented

    def _replace(self, members: Iterable[T | str]) -> None:
        encoded = self._encoded(members)
        self.clear()
        if encoded:
            self._ask("SADD", *encoded)


def _is_set(other: object) -> Any:
    return isinstance(other, AbstractSet)
