"""The embedded libraries that are compared, each behind the callables that its own users would call.

A store hands out bound functions, not methods of a wrapper, so that the loop measures the library and nothing else.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

Pair = tuple[bytes, bytes]
MAP_BYTES = 16 << 30


@dataclass(frozen=True)
class Doors:
    """What one store can do; None where it has no such thing."""

    get: Callable[[bytes], Any]
    set: Callable[[bytes, bytes], Any] | None
    set_many: Callable[[list[Pair]], Any] | None
    scan: Callable[[], Iterable[Pair]] | None
    range: Callable[[bytes, int], Iterable[Pair]] | None
    close: Callable[[], Any]


def open_dict(_folder: Path) -> Doors:
    held: dict[bytes, bytes] = {}
    return Doors(held.__getitem__, held.__setitem__, held.update, lambda: sorted(held.items()), None, held.clear)


def open_kvark(folder: Path) -> Doors:
    import kvark

    store = kvark.open(folder / "kvark", durability="os")

    def range_of(start: bytes, count: int) -> Iterable[Pair]:
        return store.scan(start=start, limit=count)

    return Doors(store.get, store.set, store.set_many, store.scan, range_of, store.close)


def lmdb_environment(folder: Path) -> Any:
    import lmdb

    return lmdb.open(str(folder / "lmdb"), map_size=MAP_BYTES, sync=False, writemap=True)


def open_lmdb(folder: Path) -> Doors:
    """A transaction for each call, left to the operating system to write (no sync), which is the level `os`."""
    environment = lmdb_environment(folder)

    def get(key: bytes) -> bytes | None:
        with environment.begin() as transaction:
            found: bytes | None = transaction.get(key)
            return found

    def set_one(key: bytes, value: bytes) -> None:
        with environment.begin(write=True) as transaction:
            transaction.put(key, value)

    def set_many(pairs: list[Pair]) -> None:
        with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
            cursor.putmulti(pairs)

    def scan() -> Iterator[Pair]:
        with environment.begin() as transaction:
            yield from transaction.cursor()

    def range_of(start: bytes, count: int) -> Iterator[Pair]:
        with environment.begin() as transaction:
            cursor = transaction.cursor()
            cursor.set_range(start)
            yield from islice(cursor, count)

    return Doors(get, set_one, set_many, scan, range_of, environment.close)


def open_lmdb_in_one_transaction(folder: Path) -> Doors:
    """Everything inside one open write transaction: the least that lmdb can cost, and nothing is durable."""
    environment = lmdb_environment(folder)
    transaction = environment.begin(write=True)

    def set_many(pairs: list[Pair]) -> None:
        with transaction.cursor() as cursor:
            cursor.putmulti(pairs)

    def range_of(start: bytes, count: int) -> Iterator[Pair]:
        cursor = transaction.cursor()
        cursor.set_range(start)
        return islice(cursor, count)

    def close() -> None:
        transaction.commit()
        environment.close()

    return Doors(transaction.get, transaction.put, set_many, transaction.cursor, range_of, close)


def open_rocksdict(folder: Path) -> Doors:
    from rocksdict import Options, Rdict, WriteBatch

    store = Rdict(str(folder / "rocksdict"), Options(raw_mode=True))

    def set_many(pairs: list[Pair]) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in pairs:
            batch.put(key, value)
        store.write(batch)

    def range_of(start: bytes, count: int) -> Iterator[Pair]:
        return islice(store.items(from_key=start), count)

    return Doors(store.get, store.put, set_many, store.items, range_of, store.close)


def open_diskcache(folder: Path) -> Doors:
    from diskcache import Cache

    store = Cache(str(folder / "diskcache"), eviction_policy="none", statistics=False)

    def set_many(pairs: list[Pair]) -> None:
        transaction: AbstractContextManager[None] = store.transact()
        with transaction:
            for key, value in pairs:
                store.set(key, value)

    return Doors(store.get, store.set, set_many, None, None, store.close)


def open_sqlite(folder: Path) -> Doors:
    connection = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
    run = connection.execute

    def get(key: bytes) -> bytes | None:
        row: tuple[bytes] | None = run("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_one(key: bytes, value: bytes) -> None:
        run("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, value))

    def set_many(pairs: list[Pair]) -> None:
        run("BEGIN")
        connection.executemany("INSERT OR REPLACE INTO kv VALUES (?, ?)", pairs)
        run("COMMIT")

    def scan() -> Iterable[Pair]:
        return run("SELECT key, value FROM kv ORDER BY key")

    def range_of(start: bytes, count: int) -> Iterable[Pair]:
        return run("SELECT key, value FROM kv WHERE key >= ? ORDER BY key LIMIT ?", (start, count))

    return Doors(get, set_one, set_many, scan, range_of, connection.close)


# Name -> (the module it needs, how it is opened).
STORES: dict[str, tuple[str, Callable[[Path], Doors]]] = {
    "dict": ("builtins", open_dict),
    "kvark": ("kvark", open_kvark),
    "lmdb, one transaction": ("lmdb", open_lmdb_in_one_transaction),
    "lmdb, one each, no sync": ("lmdb", open_lmdb),
    "rocksdict": ("rocksdict", open_rocksdict),
    "sqlite3 WAL": ("sqlite3", open_sqlite),
    "diskcache": ("diskcache", open_diskcache),
}


def installed(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
