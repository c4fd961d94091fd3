"""What all collection objects are: a store, a key and a codec, and nothing else.

Invariant: an object holds no contents. Nothing is made in the store before something is written, and a collection
that becomes empty goes away with its key, as in Redis (a stream alone stays).
"""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from kvark._codecs import Codec
from kvark._collections.waiting import Question
from kvark._errors import InvalidInput
from kvark._types import Key, Ttl

if TYPE_CHECKING:
    from kvark._store import Store

T = TypeVar("T")
_Item = TypeVar("_Item")
_R = TypeVar("_R")

# Items that an iteration fetches at once.
CHUNK: Final = 512
# As in the store's own calls: beyond it a time to live means a mistake in the unit.
_MAX_SECONDS: Final = 1e11


class Handle(Generic[T]):
    """A collection in a store, by its key."""

    __slots__ = ("_codec", "_key", "_store")

    def __init__(self, store: Store, key: Key, codec: Codec[T]) -> None:
        self._store = store
        self._key = key_bytes(key)
        self._codec = codec

    @property
    def key(self) -> bytes:
        """The key."""
        return self._key

    def __repr__(self) -> str:
        return f"<kvark.{type(self).__name__} {self._key!r}>"

    # What a collection equals changes with its contents.
    __hash__ = None  # type: ignore[assignment]

    @abstractmethod
    def __len__(self) -> int: ...

    def __bool__(self) -> bool:
        return len(self) > 0

    def clear(self) -> None:
        """Removes the key with all that it holds. Two words: the first finds whether the key is of this type."""
        len(self)
        self._ask("UNLINK")

    def ttl(self) -> float | None:
        """The seconds until the whole key expires, None for never. Raises KeyError for a missing key."""
        return self._store.ttl(self._key)

    def expire(self, ttl: Ttl) -> bool:
        """Makes the whole key expire after `ttl`; whether it was there."""
        return self._store.expire(self._key, ttl)

    def persist(self) -> bool:
        """Makes the key stay; whether it was there and had a ttl."""
        return self._store.persist(self._key)

    def _ask(self, word: str, *arguments: Any) -> Any:
        return self._store._ask(word, self._key, *arguments)

    def _wait(self, question: Question[_R]) -> _R:
        return question.meaning(self._store._ask(*question.words))

    def _encoded(self, values: Iterable[T | str]) -> list[bytes]:
        encode: Any = self._codec.encode
        return [encode(value) for value in values]

    def _encode(self, value: Any) -> bytes:
        return self._codec.encode(value)

    def _encode_or_none(self, value: object) -> bytes | None:
        """The bytes of `value`; None for what the codec does not take, and so cannot be in the collection."""
        try:
            return self._codec.encode(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None

    def _decode(self, held: bytes | None) -> T | None:
        return None if held is None else self._codec.decode(held)

    def _decoded(self, replies: Iterable[bytes]) -> list[T]:
        return list(map(self._codec.decode, replies))

    def _same_place(self, other: object) -> bool:
        """Whether `other` is a collection of this kind in the same store and codec, so that one word can see both."""
        return isinstance(other, type(self)) and other._store is self._store and other._codec is self._codec

    def _scan(self, word: str, *options: Any) -> Iterator[list[bytes]]:
        """The replies of a word of the SCAN family, chunk by chunk."""
        cursor = b"0"
        while True:
            cursor, found = self._ask(word, cursor, "COUNT", CHUNK, *options)
            yield found
            if cursor == b"0":
                return


def key_bytes(key: Key) -> bytes:
    """A name as the store has it: text is its UTF-8."""
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode()
    raise TypeError(f"a key is str or bytes, not {type(key).__name__}")


def key_of(place: Key | Handle[Any]) -> bytes:
    """The key of a collection, or the key itself."""
    return place._key if isinstance(place, Handle) else key_bytes(place)


def milliseconds(ttl: Ttl) -> int:
    """A time to live in whole milliseconds: it never ends early. Raises InvalidInput unless it is above 0."""
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if not 0 < seconds <= _MAX_SECONDS:
        raise InvalidInput(f"a ttl lies above 0 and up to {_MAX_SECONDS:g} seconds, not {seconds}")
    return math.ceil(seconds * 1000)


def flat(pairs: Iterable[tuple[_Item, _Item]]) -> list[_Item]:
    """a, b, c, d of (a, b), (c, d)."""
    return list(itertools.chain.from_iterable(pairs))


def in_twos(replies: list[Any]) -> Iterator[tuple[Any, Any]]:
    """(a, b), (c, d) of a, b, c, d."""
    return zip(replies[::2], replies[1::2], strict=True)
