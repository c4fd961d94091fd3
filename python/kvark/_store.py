"""The embedded store: a real `MutableMapping` whose keys have an order and whose writes outlive the process.

Invariant: one process has at most one open store a directory; `_open_stores` knows it by the directory's real path.
Invariant: stores that are still open when the interpreter ends are closed; in a forked child nothing is.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Final, Literal, ParamSpec, Self, TypeVar, overload
from weakref import WeakValueDictionary

from kvark import _native
from kvark._codecs import BYTES
from kvark._collections.families import Bitmaps, Geos, Hashes, HyperLogLogs, Lists, Sets, Streams, Zsets
from kvark._subscriptions import Subscription
from kvark._transactions import ATTEMPTS, Transaction, retried
from kvark._types import Key, Pairs, Value

_T = TypeVar("_T")
_P = ParamSpec("_P")
_MISSING: Final[Any] = object()
IN_MEMORY: Final = ":memory:"

_open_stores: WeakValueDictionary[object, Store] = WeakValueDictionary()


class Keys(KeysView[bytes]):
    """The keys in their order."""

    __slots__ = ()
    _mapping: Store

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._mapping)

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self._mapping)


class Values(ValuesView[bytes]):
    """The values in the order of their keys."""

    __slots__ = ()
    _mapping: Store

    def __iter__(self) -> Iterator[bytes]:
        return self._mapping._walk("values", False)

    def __reversed__(self) -> Iterator[bytes]:
        return self._mapping._walk("values", True)

    def __contains__(self, value: object) -> bool:
        return any(value == held for held in self)


class Items(ItemsView[bytes, bytes]):
    """The pairs in the order of their keys."""

    __slots__ = ()
    _mapping: Store

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._mapping._walk("items", False)

    def __reversed__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._mapping._walk("items", True)


class Store(_native.Store, MutableMapping[bytes, bytes]):
    """An open store. `kvark.open()` makes one; `with` closes it.

    Keys are `str` (as UTF-8) or `bytes` and come back as `bytes`, in byte order. Values are `bytes`; anything else
    wants an encoding that you choose. All calls may be made from any thread, and each call is atomic.
    """

    __slots__ = ("__weakref__", "_options", "_path")
    _path: str
    _options: dict[str, str | int]

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        durability: Literal["memory", "os", "disk"] | None = None,
        shards: int | None = None,
        log_max_bytes: int | str | None = None,
        create: bool = True,
    ) -> Self:
        given = {"durability": durability, "shards": shards, "log-max-bytes": log_max_bytes}
        return cls._opened(path, {name: value for name, value in given.items() if value is not None}, create)

    @classmethod
    def _opened(cls, path: str | os.PathLike[str], options: Mapping[str, str | int], create: bool = True) -> Self:
        """Opens `path` with any settings, by the names of their rows."""
        path = os.fspath(path)
        settings = dict(options)
        if path == IN_MEMORY:
            settings.setdefault("durability", "memory")
            directory = None
        else:
            directory = os.path.realpath(path)
            if not create and not Path(directory).is_dir():
                raise FileNotFoundError(2, "There is no store, and create=False asks for one", path)
        store = super().__new__(cls, directory, settings)
        store._path, store._options = path if directory is None else directory, dict(options)
        _open_stores[directory or id(store)] = store
        return store

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"durability {self.durability}"
        return f"<kvark.Store {self._path!r}, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.durability == "memory":
            raise TypeError(
                "a store in memory cannot be pickled: it has no path to open it by; pickle dict(store) instead"
            )
        return _reopened, (self._path, self._options)

    def keys(self) -> Keys:
        """The keys in byte order; a view that follows the store."""
        return Keys(self)

    def values(self) -> Values:
        """The values in the order of their keys; a view that follows the store."""
        return Values(self)

    def items(self) -> Items:
        """The pairs in the order of their keys; a view that follows the store."""
        return Items(self)

    @property
    def lists(self) -> Lists[bytes]:
        """The lists: `db.lists["queue"].append(b"job")`."""
        return Lists(self, BYTES)

    @property
    def hashes(self) -> Hashes[bytes]:
        """The hashes: `db.hashes["user:1"]["name"] = "ada"`."""
        return Hashes(self, BYTES)

    @property
    def sets(self) -> Sets[bytes]:
        """The sets: `db.sets["tags"].add("rust")`."""
        return Sets(self, BYTES)

    @property
    def zsets(self) -> Zsets[bytes]:
        """The sorted sets: `db.zsets["players"]["ada"] = 310`."""
        return Zsets(self, BYTES)

    @property
    def streams(self) -> Streams[bytes]:
        """The streams: `db.streams["events"].append({"kind": "login"})`."""
        return Streams(self, BYTES)

    @property
    def bitmaps(self) -> Bitmaps:
        """Strings as bits: `db.bitmaps["seen"][7] = True`."""
        return Bitmaps(self)

    @property
    def hlls(self) -> HyperLogLogs[bytes]:
        """The HyperLogLogs: `db.hlls["visitors"].add("ada")`."""
        return HyperLogLogs(self, BYTES)

    @property
    def geos(self) -> Geos[bytes]:
        """The places: `db.geos["sicily"]["Palermo"] = (13.36, 38.11)`."""
        return Geos(self, BYTES)

    def subscribe(self, *channels: Key, patterns: Iterable[Key] = (), timeout: float | None = None) -> Subscription:
        """Listens to channels, by their names and by patterns: an iterator of what is published to them from here on.

        patterns: `*` stands for any bytes, `?` for one, `[abc]` for one of these.
        timeout: the iterator ends when no message has come for so many seconds; None is never.
        """
        subscription = Subscription(self, timeout)
        subscription.subscribe(*channels, patterns=patterns)
        return subscription

    def transaction(self) -> Transaction:
        """Reads and writes that happen together or not at all: `with db.transaction() as tx: tx["b"] = tx["a"]`.

        Raises TransactionConflict at the end of the block, and writes nothing, if a key that was read has changed.
        """
        return Transaction(self)

    @overload
    def transactional(self, function: Callable[Concatenate[Transaction, _P], _T]) -> Callable[_P, _T]: ...
    @overload
    def transactional(
        self, function: None = None, *, attempts: int = ...
    ) -> Callable[[Callable[Concatenate[Transaction, _P], _T]], Callable[_P, _T]]: ...
    def transactional(self, function: Any = None, *, attempts: int = ATTEMPTS) -> Any:
        """Decorates a function that takes a transaction first: it is called without, and again if it meets a conflict.

        attempts: how often at most, before the caller gets the TransactionConflict. The function may run as often, so
            what it does beside reading and writing should bear that.
        """
        if function is None:
            return lambda function: retried(self.transaction, function, attempts)
        return retried(self.transaction, function, attempts)

    @overload
    def pop(self, key: Key, /) -> bytes: ...
    @overload
    def pop(self, key: Key, default: bytes, /) -> bytes: ...
    @overload
    def pop(self, key: Key, default: _T, /) -> bytes | _T: ...
    def pop(self, key: Key, default: Any = _MISSING, /) -> Any:
        """Removes `key` and returns its value, or `default`; without a default a missing key is a KeyError."""
        value = self._take(key)
        if value is not None:
            return value
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self, *, last: bool = True) -> tuple[bytes, bytes]:
        """Removes and returns the pair with the greatest key, or with the least. An empty store is a KeyError."""
        while True:
            for key in reversed(self) if last else iter(self):
                value = self._take(key)
                if value is not None:
                    return key, value
                break
            else:
                raise KeyError("popitem(): the store is empty")

    def setdefault(self, key: Key, default: Value, /) -> bytes:
        """The value of `key`, which is set to `default` if it is missing."""
        held = self.set(key, default, nx=True, get=True)
        return bytes(default) if held is None else held

    def update(self, other: Pairs = (), /, **more: Value) -> None:  # type: ignore[override]
        """Sets every pair of a mapping or an iterable of pairs, and every keyword."""
        self.set_many(other)
        if more:
            self.set_many(more)


def open(
    path: str | os.PathLike[str],
    *,
    durability: Literal["memory", "os", "disk"] | None = None,
    shards: int | None = None,
    log_max_bytes: int | str | None = None,
    create: bool = True,
) -> Store:
    """Opens the store in the directory `path`, or makes it; `":memory:"` is a store in memory.

    durability: what a write survives once it has returned. `"os"` (what is meant by None): a killed process; a loss of
        power costs about a second. `"disk"`: a loss of power. `"memory"` (None for `":memory:"`): nothing.
    shards: into how many parts a new store is divided, a power of two.
    log_max_bytes: the bound of the log, and with it of the time an opening takes; `"512mb"` is understood.
    create: whether a directory that is missing is made. If not, it is a FileNotFoundError.

    Raises StoreLocked when another process has it open, StoreCorrupt when its files are damaged.
    """
    return Store(path, durability=durability, shards=shards, log_max_bytes=log_max_bytes, create=create)


def _reopened(path: str, options: dict[str, str | int]) -> Store:
    """What a pickle turns into: the store of this process that is open on that path, else the store, opened."""
    store = _open_stores.get(path)
    if store is not None and not store.closed:
        return store
    return Store._opened(path, options)


def _close_all() -> None:
    for store in list(_open_stores.values()):
        store.close()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_open_stores.clear)
