"""valkey-py on a store of this process, without a socket.

    import kvark.valkey

    with kvark.open("profiles.kvark") as db:
        r = kvark.valkey.client(db, decode_responses=True)
        r.set("user:100", "Ada")

An unmodified `valkey.Valkey`: its commands, pipelines, MULTI, blocking pops and messages, on the keys that `db` has
too, while others may connect to the same store over the wire. `aclient` gives a `valkey.asyncio.Valkey`.

A command takes a fourth of the time that it takes over a socket, most of it in valkey-py itself. What waits is as over
the wire: BLPOP keeps its own caller waiting and nobody else. A store belongs to one process, so a client that a fork
has copied says so instead of working. It needs valkey-py 6 or later (`pip install valkey`).
"""

from __future__ import annotations

from typing import Any, Self

from kvark._async_store import AsyncStore
from kvark._inside import AsyncInside, Inside, InsideParser, InsidePool, options_inside, parsed
from kvark._store import Store, _reopened

try:
    import valkey
    import valkey.asyncio
    from valkey._parsers import _RESP3Parser
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "kvark.valkey needs valkey-py, which is missing: pip install valkey", name="valkey"
    ) from None

__all__ = [
    "AsyncConnection",
    "Connection",
    "ConnectionPool",
    "Parser",
    "aclient",
    "aconnection_pool",
    "client",
    "connection_pool",
]


class Parser(InsideParser, _RESP3Parser):
    """Reads whole replies of both protocols. Another can be named as `parser_class`, that of libvalkey for example."""

    connection_error = valkey.ConnectionError
    timeout_error = valkey.TimeoutError


class Connection(Inside, valkey.UnixDomainSocketConnection):
    """A connection to a store of this process: `valkey.ConnectionPool(connection_class=Connection, store=db)`."""

    connection_error = valkey.ConnectionError


class AsyncConnection(AsyncInside, valkey.asyncio.UnixDomainSocketConnection):
    """A connection of valkey.asyncio to a store of this process."""

    connection_error = valkey.ConnectionError


class ConnectionPool(InsidePool, valkey.ConnectionPool):
    """A pool of connections to a store of this process."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """A pool for `kvark:///path/of/store?db=1`, for settings that cannot name objects: to the store that this
        process has open there, else to one that is opened. What the query says wins over `options`."""
        path, of_url = parsed(url, valkey.connection.parse_url)
        options = {"connection_class": Connection, "parser_class": Parser, **options, **of_url}
        return cls(**options_inside(_reopened(path, {}), options))


def connection_pool(store: Store | AsyncStore, **options: Any) -> ConnectionPool:
    """A pool of connections to `store`, for `valkey.Valkey(connection_pool=...)` and whatever else wants one.

    options: those of `valkey.ConnectionPool` and its connections: `db`, `decode_responses`, `protocol`, `client_name`,
        `max_connections`, ... `socket_timeout` bounds the wait for an answer; without it nothing times out.
    """
    return ConnectionPool(connection_class=Connection, **options_inside(store, {"parser_class": Parser, **options}))


def aconnection_pool(store: Store | AsyncStore, **options: Any) -> valkey.asyncio.ConnectionPool:
    """As `connection_pool`, for `valkey.asyncio.Valkey`."""
    return valkey.asyncio.ConnectionPool(connection_class=AsyncConnection, **options_inside(store, options))


def client(store: Store | AsyncStore, *, single_connection_client: bool = False, **options: Any) -> valkey.Valkey:
    """A `valkey.Valkey` on `store`, with a pool of its own, which it closes with itself.

    options: those of `connection_pool`.
    """
    pool = connection_pool(store, **options)
    made = valkey.Valkey(connection_pool=pool, single_connection_client=single_connection_client)
    made.auto_close_connection_pool = True
    return made


def aclient(
    store: Store | AsyncStore, *, single_connection_client: bool = False, **options: Any
) -> valkey.asyncio.Valkey:
    """A `valkey.asyncio.Valkey` on `store`, with a pool of its own, which it closes with itself.

    options: those of `aconnection_pool`.
    """
    pool = aconnection_pool(store, **options)
    made = valkey.asyncio.Valkey(connection_pool=pool, single_connection_client=single_connection_client)
    made.auto_close_connection_pool = True
    return made
