"""Kvark: a durable, ordered key-value store. A `dict` inside Python, a server for every Redis client.

    import kvark

    with kvark.open("profiles.kvark") as db:
        db["user:100"] = b'{"name": "Ada"}'
        for key, value in db.scan(prefix="user:"):
            ...

`open` and `aopen` open a store inside the process, `Server` serves one from inside the process, and `kvark serve` does
so from a shell.
"""

from kvark._async_store import AsyncScan, AsyncStore, aopen
from kvark._errors import (
    ConfigError,
    DiskFull,
    ForkedStore,
    InvalidInput,
    KvarkError,
    ReplyError,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreIOError,
    StoreLocked,
    StorePoisoned,
    Unsupported,
    WrongType,
)
from kvark._native import __version__
from kvark._server import Server
from kvark._store import Store, open

__all__ = [
    "AsyncScan",
    "AsyncStore",
    "ConfigError",
    "DiskFull",
    "ForkedStore",
    "InvalidInput",
    "KvarkError",
    "ReplyError",
    "Server",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreIOError",
    "StoreLocked",
    "StorePoisoned",
    "Unsupported",
    "WrongType",
    "__version__",
    "aopen",
    "open",
]
