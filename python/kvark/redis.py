"""redis-py on a store of this process, without a socket.

    import kvark.redis

    with kvark.open("profiles.kvark") as db:
        r = kvark.redis.client(db, decode_responses=True)
        r.set("user:100", "Ada")

An unmodified `redis.Redis`: its commands, pipelines, MULTI, blocking pops and messages, on the keys that `db` has
too, while others may connect to the same store over the wire. `aclient` gives a `redis.asyncio.Redis`.

A command takes a fourth of the time that it takes over a socket, most of it in redis-py itself. What waits is as over
the wire: BLPOP keeps its own caller waiting and nobody else. A store belongs to one process, so a client that a fork
has copied says so instead of working. It needs redis-py 5 or later (`pip install redis`).
"""

from __future__ import annotations

from typing import Any, Self

from kvark._async_store import AsyncStore
from kvark._inside import AsyncInside, Inside, InsideParser, InsidePool, options_inside, parsed
from kvark._store import Store, _reopened

try:
    import redis
    import redis.asyncio
    from redis._parsers import _RESP3Parser
except ModuleNotFoundError:
    raise ModuleNotFoundError("kvark.redis needs redis-py, which is missing: pip install redis", name="redis") from None

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
    """Reads whole replies of both protocols. Another can be named as `parser_class`, that of hiredis for example."""

    connection_error = redis.ConnectionError
    timeout_error = redis.TimeoutError


class Connection(Inside, redis.UnixDomainSocketConnection):
    """A connection to a store of this process: `redis.ConnectionPool(connection_class=Connection, store=db)`."""

    connection_error = redis.ConnectionError


class AsyncConnection(AsyncInside, redis.asyncio.UnixDomainSocketConnection):
    """A connection of redis.asyncio to a store of this process."""

    connection_error = redis.ConnectionError


class ConnectionPool(InsidePool, redis.ConnectionPool):
    """A pool of connections to a store of this process."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """A pool for `kvark:///path/of/store?db=1`, for settings that cannot name objects: to the store that this
        process has open there, else to one that is opened. What the query says wins over `options`."""
        path, of_url = parsed(url, redis.connection.parse_url)
        options = {"connection_class": Connection, "parser_class": Parser, **options, **of_url}
        return cls(**options_inside(_reopened(path, {}), options))


def connection_pool(store: Store | AsyncStore, **options: Any) -> ConnectionPool:
    """A pool of connections to `store`, for `redis.Redis(connection_pool=...)` and whatever else wants one.

    options: those of `redis.ConnectionPool` and its connections: `db`, `decode_responses`, `protocol`, `client_name`,
        `max_connections`, ... `socket_timeout` bounds the wait for an answer; without it nothing times out.
    """
    return ConnectionPool(connection_class=Connection, **options_inside(store, {"parser_class": Parser, **options}))


def aconnection_pool(store: Store | AsyncStore, **options: Any) -> redis.asyncio.ConnectionPool:
    """As `connection_pool`, for `redis.asyncio.Redis`."""
    return redis.asyncio.ConnectionPool(connection_class=AsyncConnection, **options_inside(store, options))


def client(store: Store | AsyncStore, *, single_connection_client: bool = False, **options: Any) -> redis.Redis:
    """A `redis.Redis` on `store`, with a pool of its own, which it closes with itself.

    options: those of `connection_pool`.
    """
    pool = connection_pool(store, **options)
    made = redis.Redis(connection_pool=pool, single_connection_client=single_connection_client)
    made.auto_close_connection_pool = True
    return made


def aclient(
    store: Store | AsyncStore, *, single_connection_client: bool = False, **options: Any
) -> redis.asyncio.Redis:
    """A `redis.asyncio.Redis` on `store`, with a pool of its own, which it closes with itself.

    options: those of `aconnection_pool`.
    """
    pool = aconnection_pool(store, **options)
    made = redis.asyncio.Redis(connection_pool=pool, single_connection_client=single_connection_client)
    made.auto_close_connection_pool = True
    return made
