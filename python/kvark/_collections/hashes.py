"""Hashes: a `MutableMapping` of fields to values, each of which may expire on its own."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar, overload

from kvark._collections.expiring import HASH, Expiring, Only
from kvark._collections.handle import T, in_twos, key_bytes, milliseconds
from kvark._types import Key, Ttl

_D = TypeVar("_D")
_MISSING: Final[Any] = object()

Fields: TypeAlias = (
    Mapping[str, T | str] | Mapping[bytes, T | str] | Mapping[Key, T | str] | Iterable[tuple[Key, T | str]]
)


class HashValues(ValuesView[T]):
    """The values; a view that follows the hash."""

    __slots__ = ()
    _mapping: Hash[T]

    def __iter__(self) -> Iterator[T]:
        return (value for _, value in self._mapping._pairs())

    def __contains__(self, value: object) -> bool:
        return any(value == held for held in self)


class HashItems(ItemsView[bytes, T]):
    """The pairs; a view that follows the hash."""

    __slots__ = ()
    _mapping: Hash[T]

    def __iter__(self) -> Iterator[tuple[bytes, T]]:
        return self._mapping._pairs()


class Hash(Expiring[T], MutableMapping[bytes, T]):
    """A hash in the store, as a `dict` of its fields. Fields are `str` or `bytes` and come back as `bytes`.

    >>> ada = store.hashes(codec="str")["user:1"]
    >>> ada["name"] = "Ada"
    >>> ada.update(born="1815", died="1852")
    >>> ada["name"], "email" in ada, len(ada)
    ('Ada', False, 3)
    >>> ada.increment("born", 1)
    1816
    >>> ada.pop("died"), ada.get("died", "?")
    ('1852', '?')
    >>> ada.set("token", "secret", ttl=60)
    True
    >>> 59 < ada.field_ttl("token") <= 60
    True
    """

    __slots__ = ()
    _WORDS = HASH

    def __len__(self) -> int:
        length: int = self._ask("HLEN")
        return length

    def __getitem__(self, field: Key) -> T:
        held = self._ask("HGET", field)
        if held is None:
            raise KeyError(field)
        return self._codec.decode(held)

    def __setitem__(self, field: Key, value: T | str) -> None:
        self._ask("HSET", field, self._encode(value))

    def __delitem__(self, field: Key) -> None:
        if not self._ask("HDEL", field):
            raise KeyError(field)

    def __contains__(self, field: object) -> bool:
        return isinstance(field, str | bytes) and bool(self._ask("HEXISTS", field))

    @overload
    def get(self, field: Key, default: None = None, /) -> T | None: ...
    @overload
    def get(self, field: Key, default: T, /) -> T: ...
    @overload
    def get(self, field: Key, default: _D, /) -> T | _D: ...
    def get(self, field: Key, default: Any = None, /) -> Any:
        """The value of `field`, or `default` when there is none."""
        held = self._ask("HGET", field)
        return default if held is None else self._codec.decode(held)

    def get_many(self, fields: Iterable[Key], /) -> list[T | None]:
        """The values of `fields` in their order, None for each that is missing."""
        named = list(fields)
        return [self._decode(held) for held in self._ask("HMGET", *named)] if named else []

    def set(
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
        held = self._encode(value)
        options: list[Any] = ["FNX"] * nx + ["FXX"] * xx + ["KEEPTTL"] * keep_ttl
        if ttl is not None:
            options += ["PX", milliseconds(ttl)]
        if options == ["FNX"]:
            return bool(self._ask("HSETNX", field, held))
        if not options:
            self._ask("HSET", field, held)
            return True
        return bool(self._ask("HSETEX", *options, "FIELDS", 1, field, held))

    def set_many(self, fields: Fields[T], /, *, ttl: Ttl | None = None) -> None:
        """Sets every pair of a mapping or an iterable of pairs, by one word: they are seen together."""
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        words = [part for field, value in pairs for part in (key_bytes(field), self._encode(value))]
        if not words:
            return
        if ttl is None:
            self._ask("HSET", *words)
        else:
            self._ask("HSETEX", "PX", milliseconds(ttl), "FIELDS", len(words) // 2, *words)

    def update(self, other: Fields[T] = (), /, **more: T | str) -> None:  # type: ignore[override]
        """Sets every pair of a mapping or an iterable of pairs, and every keyword."""
        self.set_many(other)
        self.set_many(more)

    def setdefault(self, field: Key, default: T | str, /) -> T:
        """The value of `field`, which is set to `default` if it is missing. Two words."""
        held = self._encode(default)
        if self._ask("HSETNX", field, held):
            return self._codec.decode(held)
        found = self._ask("HGET", field)
        return self._codec.decode(held if found is None else found)

    @overload
    def pop(self, field: Key, /) -> T: ...
    @overload
    def pop(self, field: Key, default: T, /) -> T: ...
    @overload
    def pop(self, field: Key, default: _D, /) -> T | _D: ...
    def pop(self, field: Key, default: Any = _MISSING, /) -> Any:
        """Removes `field` and returns its value, or `default`; without a default a missing field is a KeyError."""
        found = self._ask("HGETDEL", "FIELDS", 1, field)
        if found and found[0] is not None:
            return self._codec.decode(found[0])
        if default is _MISSING:
            raise KeyError(field)
        return default

    def popitem(self) -> tuple[bytes, T]:
        """Removes and returns any pair. An empty hash is a KeyError."""
        while (field := self.random_field()) is not None:
            held = self._ask("HGETDEL", "FIELDS", 1, field)
            if held and held[0] is not None:
                return field, self._codec.decode(held[0])
        raise KeyError("popitem(): the hash is empty")

    def delete(self, *fields: Key) -> int:
        """Removes `fields`; how many were there."""
        removed: int = self._ask("HDEL", *fields) if fields else 0
        return removed

    @overload
    def increment(self, field: Key, by: int = 1, /) -> int: ...
    @overload
    def increment(self, field: Key, by: float, /) -> float: ...
    def increment(self, field: Key, by: float = 1, /) -> float:
        """Adds `by` to the number at `field`, which counts as 0 when missing; the sum. No number is an InvalidInput."""
        if isinstance(by, int):
            total: int = self._ask("HINCRBY", field, by)
            return total
        return float(self._ask("HINCRBYFLOAT", field, by))

    def field_size(self, field: Key, /) -> int:
        """The length of the value's bytes, 0 when `field` is missing."""
        size: int = self._ask("HSTRLEN", field)
        return size

    def random_field(self) -> bytes | None:
        """A field, each as likely as any other; None when the hash is empty."""
        field: bytes | None = self._ask("HRANDFIELD")
        return field

    def random_items(self, count: int, *, repeat: bool = False) -> list[tuple[bytes, T]]:
        """Up to `count` pairs by chance, different ones; with `repeat` exactly `count`, and one may come again."""
        found = self._ask("HRANDFIELD", -count if repeat else count, "WITHVALUES")
        return [(field, self._codec.decode(held)) for field, held in found]

    def expire_fields(self, ttl: Ttl, /, *fields: Key, only: Only | None = None) -> int:
        """Makes each of `fields` expire after `ttl`; for how many of them that was done."""
        return self._expire_members(map(key_bytes, fields), ttl, only)

    def field_ttl(self, field: Key, /) -> float | None:
        """The seconds until `field` expires, None for never. Raises KeyError for a missing field."""
        return self._member_ttl(key_bytes(field), field)

    def persist_fields(self, *fields: Key) -> int:
        """Makes each of `fields` stay; how many had a ttl."""
        return self._persist_members(map(key_bytes, fields))

    def get_expiring(self, field: Key, ttl: Ttl | None, /) -> T | None:
        """The value of `field`, which expires after `ttl` from now on (None: never); None when it is missing."""
        option = ("PERSIST",) if ttl is None else ("PX", milliseconds(ttl))
        found = self._ask("HGETEX", *option, "FIELDS", 1, field)
        return self._decode(found[0]) if found else None

    def _chunks(self) -> Iterator[list[bytes]]:
        return self._scan("HSCAN", "NOVALUES")

    def _pair_chunks(self) -> Iterator[list[tuple[bytes, T]]]:
        for found in self._scan("HSCAN"):
            yield [(field, self._codec.decode(held)) for field, held in in_twos(found)]

    def _pairs(self) -> Iterator[tuple[bytes, T]]:
        return chain.from_iterable(self._pair_chunks())

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._chunks())

    def values(self) -> HashValues[T]:
        """The values; a view that follows the hash."""
        return HashValues(self)

    def items(self) -> HashItems[T]:
        """The pairs; a view that follows the hash, chunk by chunk."""
        return HashItems(self)

    def to_dict(self) -> dict[bytes, T]:
        """All pairs as they are at one moment."""
        return {field: self._codec.decode(held) for field, held in self._ask("HGETALL").items()}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Hash):
            return self.to_dict() == other.to_dict()
        return self.to_dict() == dict(other) if isinstance(other, Mapping) else NotImplemented

    def _replace(self, fields: Fields[T]) -> None:
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
        self.clear()
        self.set_many(pairs)
