"""Kvark: a durable, ordered key-value store. A `dict` inside Python, a server for every Redis client.

    import kvark

    with kvark.open("profiles.kvark") as db:
        db["user:100"] = b'{"name": "Ada"}'
        for key, value in db.scan(prefix="user:"):
            ...

`open` and `aopen` open a store inside the process, `Server` serves one from inside the process, and `kvark serve` does
so from a shell.
"""

import importlib
import typing

from kvark import _codecs as codecs
from kvark._async_collections.bitmaps import AsyncBitmap
from kvark._async_collections.geos import AsyncGeo
from kvark._async_collections.groups import AsyncGroup
from kvark._async_collections.hashes import AsyncHash
from kvark._async_collections.hlls import AsyncHyperLogLog
from kvark._async_collections.lists import AsyncList
from kvark._async_collections.sets import AsyncSet
from kvark._async_collections.streams import AsyncStream
from kvark._async_collections.zsets import AsyncZset
from kvark._async_store import AsyncScan, AsyncStore, aopen
from kvark._async_subscriptions import AsyncSubscription
from kvark._async_transactions import AsyncTransaction
from kvark._codecs import Codec
from kvark._collections.bitmaps import Bitmap
from kvark._collections.entries import Entry
from kvark._collections.geos import Geo, Near, Position
from kvark._collections.groups import Group, Pending
from kvark._collections.hashes import Hash
from kvark._collections.hlls import HyperLogLog
from kvark._collections.lists import List
from kvark._collections.sets import Set
from kvark._collections.streams import Stream
from kvark._collections.zsets import Zset
from kvark._errors import (
    ConfigError,
    DiskFull,
    ForkedStore,
    InvalidInput,
    KvarkError,
    ReplyError,
    SlowSubscriber,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreIOError,
    StoreLocked,
    StorePoisoned,
    TransactionConflict,
    Unsupported,
    WrongType,
)
from kvark._native import __version__
from kvark._server import Server
from kvark._store import Store, open
from kvark._subscriptions import Message, Subscription
from kvark._transactions import Transaction

__all__ = [
    "AsyncBitmap",
    "AsyncGeo",
    "AsyncGroup",
    "AsyncHash",
    "AsyncHyperLogLog",
    "AsyncList",
    "AsyncScan",
    "AsyncSet",
    "AsyncStore",
    "AsyncStream",
    "AsyncSubscription",
    "AsyncTransaction",
    "AsyncZset",
    "Bitmap",
    "Codec",
    "ConfigError",
    "DiskFull",
    "Entry",
    "ForkedStore",
    "Geo",
    "Group",
    "Hash",
    "HyperLogLog",
    "InvalidInput",
    "KvarkError",
    "List",
    "Message",
    "Near",
    "Pending",
    "Position",
    "ReplyError",
    "Server",
    "Set",
    "SlowSubscriber",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreIOError",
    "StoreLocked",
    "StorePoisoned",
    "Stream",
    "Subscription",
    "Transaction",
    "TransactionConflict",
    "Unsupported",
    "WrongType",
    "Zset",
    "__version__",
    "aopen",
    "codecs",
    "open",
]

if not typing.TYPE_CHECKING:  # Or every misspelt name would be one.

    def __getattr__(name: str) -> object:
        # They need a library of their own, so they are imported by who uses them first.
        if name in {"redis", "valkey"}:
            return importlib.import_module(f"kvark.{name}")
        raise AttributeError(f"module 'kvark' has no attribute {name!r}")
