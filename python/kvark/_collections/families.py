"""Families: what `store.lists`, `store.hashes` and the others are. They make an object of a key, in a codec.

>>> store.hashes["user:1"] = {"name": "Ada"}
>>> store.hashes["user:1"]["name"]
b'Ada'
>>> "user:1" in store.hashes, "user:1" in store.lists
(True, False)
>>> list(store.hashes)
[b'user:1']
>>> del store.hashes["user:1"]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from kvark._codecs import BYTES, Anything, Codec, codec_of
from kvark._collections.bitmaps import Bitmap
from kvark._collections.geos import Geo
from kvark._collections.handle import CHUNK, Handle, T, key_of
from kvark._collections.hashes import Fields, Hash
from kvark._collections.hlls import HyperLogLog
from kvark._collections.lists import End, List
from kvark._collections.sets import Set
from kvark._collections.streams import Stream
from kvark._collections.waiting import Question, first_words
from kvark._collections.zsets import Scores, Zset
from kvark._types import Key, Timeout

if TYPE_CHECKING:
    from kvark._store import Store

U = TypeVar("U")


class Family(Generic[T]):
    """The collections of one type in a store, by their keys.

    `family[key] = contents` replaces what is there, by two words: the old goes, the new is written.
    """

    __slots__ = ("_codec", "_store")
    # As the word TYPE names it.
    _TYPE: str

    def __init__(self, store: Store, codec: Codec[T]) -> None:
        self._store = store
        self._codec = codec

    def __repr__(self) -> str:
        return f"<kvark.{type(self).__name__} of {self._store!r}, codec {self._codec.name!r}>"

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str | bytes) and self._store._ask("TYPE", key) == self._TYPE

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self._store._ask("UNLINK", key)

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._chunks())

    def _chunks(self) -> Iterator[list[bytes]]:
        cursor = b"0"
        while True:
            cursor, found = self._store._ask("SCAN", cursor, "COUNT", CHUNK, "TYPE", self._TYPE)
            yield found
            if cursor == b"0":
                return

    def _assign(self, held: Any, contents: Any) -> None:
        """`family[key] = contents`; after `family[key] |= other` they are the collection itself."""
        if isinstance(contents, Handle) and contents._store is self._store and contents.key == held.key:
            return
        held._replace(contents)


class Lists(Family[T]):
    """`store.lists`."""

    __slots__ = ()
    _TYPE = "list"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Lists[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Lists[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Lists[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Lists[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same lists with items in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> List[T]:
        return List(self._store, key, self._codec)

    def __setitem__(self, key: Key, items: Iterable[T | str]) -> None:
        self._assign(self[key], items)

    def pop_any(
        self, *keys: Key | List[Any], count: int = 1, end: End = "left", timeout: Timeout = 0
    ) -> tuple[bytes, list[T]] | None:
        """Takes up to `count` items from the first of `keys` that is not empty: its key and the items, or None.

        Where all are empty, it may wait `timeout` seconds for one that is not (None: for ever).
        """
        question = self._popping_any(keys, count, end, timeout)
        return question.meaning(self._store._ask(*question.words))

    def _popping_any(
        self, keys: tuple[Key | List[Any], ...], count: int, end: End, timeout: Timeout
    ) -> Question[tuple[bytes, list[T]] | None]:
        words = (*first_words("LMPOP", "BLMPOP", timeout), len(keys), *map(key_of, keys), end, "COUNT", count)
        return Question(words, lambda found: found and (found[0], list(map(self._codec.decode, found[1]))))


class Hashes(Family[T]):
    """`store.hashes`."""

    __slots__ = ()
    _TYPE = "hash"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Hashes[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Hashes[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Hashes[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Hashes[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same hashes with values in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> Hash[T]:
        return Hash(self._store, key, self._codec)

    def __setitem__(self, key: Key, fields: Fields[T]) -> None:
        self._assign(self[key], fields)


class Sets(Family[T]):
    """`store.sets`."""

    __slots__ = ()
    _TYPE = "set"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Sets[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Sets[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Sets[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Sets[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same sets with members in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> Set[T]:
        return Set(self._store, key, self._codec)

    def __setitem__(self, key: Key, members: Iterable[T | str]) -> None:
        self._assign(self[key], members)


class Zsets(Family[T]):
    """`store.zsets`."""

    __slots__ = ()
    _TYPE = "zset"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Zsets[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Zsets[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Zsets[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Zsets[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same sorted sets with members in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> Zset[T]:
        return Zset(self._store, key, self._codec)

    def __setitem__(self, key: Key, scores: Scores[T]) -> None:
        self._assign(self[key], scores)

    def pop_any(
        self, *keys: Key | Zset[Any], count: int = 1, highest: bool = False, timeout: Timeout = 0
    ) -> tuple[bytes, list[tuple[T, float]]] | None:
        """Takes up to `count` pairs from the first of `keys` that is not empty: its key and the pairs, or None.

        Where all are empty, it may wait `timeout` seconds for one that is not (None: for ever).
        """
        question = self._popping_any(keys, count, highest, timeout)
        return question.meaning(self._store._ask(*question.words))

    def _popping_any(
        self, keys: tuple[Key | Zset[Any], ...], count: int, highest: bool, timeout: Timeout
    ) -> Question[tuple[bytes, list[tuple[T, float]]] | None]:
        end = "MAX" if highest else "MIN"
        words = (*first_words("ZMPOP", "BZMPOP", timeout), len(keys), *map(key_of, keys), end, "COUNT", count)
        return Question(words, self._pairs_of_key)

    def _pairs_of_key(self, found: Any) -> tuple[bytes, list[tuple[T, float]]] | None:
        if found is None:
            return None
        return found[0], [(self._codec.decode(member), score) for member, score in found[1]]


class Streams(Family[T]):
    """`store.streams`."""

    __slots__ = ()
    _TYPE = "stream"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Streams[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Streams[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Streams[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Streams[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same streams with values in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> Stream[T]:
        return Stream(self._store, key, self._codec)


class HyperLogLogs(Family[T]):
    """`store.hlls`. In the store they are strings, as in Redis."""

    __slots__ = ()
    _TYPE = "string"

    @overload
    def __call__(self, *, codec: Codec[U]) -> HyperLogLogs[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> HyperLogLogs[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> HyperLogLogs[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> HyperLogLogs[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same HyperLogLogs with members in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> HyperLogLog[T]:
        return HyperLogLog(self._store, key, self._codec)


class Geos(Family[T]):
    """`store.geos`."""

    __slots__ = ()
    _TYPE = "zset"

    @overload
    def __call__(self, *, codec: Codec[U]) -> Geos[U]: ...
    @overload
    def __call__(self, *, codec: Literal["bytes"]) -> Geos[bytes]: ...
    @overload
    def __call__(self, *, codec: Literal["str"]) -> Geos[str]: ...
    @overload
    def __call__(self, *, codec: Anything) -> Geos[Any]: ...
    def __call__(self, *, codec: Any) -> Any:
        """The same places with members in another codec."""
        return type(self)(self._store, codec_of(codec))

    def __getitem__(self, key: Key) -> Geo[T]:
        return Geo(self._store, key, self._codec)


class Bitmaps:
    """`store.bitmaps`."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"<kvark.Bitmaps of {self._store!r}>"

    def __getitem__(self, key: Key) -> Bitmap:
        return Bitmap(self._store, key, BYTES)
