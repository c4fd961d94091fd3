"""What makes a connection of redis-py or valkey-py one without a socket: these classes come before the library's own.

Both libraries let a subclass say how it connects, and speak through what that gives them. Here that is a pipe to the
store, which has the methods of a socket: the client's bytes are parsed, executed and answered as if they had come over
the wire. It has two shortcuts, `send` and `read`, which spare the library's own packing and parsing.

Invariant: what a library sends is executed on the sender's thread; what waits (BLPOP, a message) keeps only its reader
waiting.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from kvark import _native
from kvark._async_store import AsyncStore
from kvark._errors import ForkedStore, StoreClosed
from kvark._store import Store

# Writes between two breaths for the loop: nothing here waits for a network, so nothing else would let others run.
_BREATH: Final = 64
# What redis-py 8 says with a thing of its own: as long as the connection waits for everything.
_USUAL: Final[Any] = object()


def store_inside(store: Store | AsyncStore) -> Store:
    """The store that a pipe goes to."""
    inside = store._store if isinstance(store, AsyncStore) else store
    if not isinstance(inside, Store):
        raise TypeError(f"a store from kvark.open() or kvark.aopen() is wanted, not {type(store).__name__}")
    return inside


def options_inside(store: Store | AsyncStore, options: dict[str, Any]) -> dict[str, Any]:
    """The options of connections to `store`: there is no network to give up on, so only what is asked to times out."""
    return {"socket_timeout": None, "store": store_inside(store), **options}


def parsed(url: str, parse: Callable[[str], Any]) -> tuple[str, dict[str, Any]]:
    """The path of the store that a URL names, and the options in its query, which the library reads."""
    if not url.startswith("kvark:///"):
        raise ValueError(f"the URL of a store of this process is kvark:///path/of/store, not {url!r}")
    options = dict(parse(url.replace("kvark:", "unix:", 1)))
    options.pop("connection_class")
    return os.path.realpath(options.pop("path")), options


class Inside:
    """Goes before a library's own class for a unix socket, which knows nothing of hosts, ports and TLS."""

    connection_error: type[Exception]
    encoder: Any
    health_check_interval: Any
    socket_timeout: float | None
    _sock: Any

    def __init__(self, *, store: Store, **options: Any) -> None:
        self.store = store
        super().__init__(**{"path": f"{store._path} (in process)", **options})
        self._packs = (self.encoder.encoding.lower(), self.encoder.encoding_errors) == ("utf-8", "strict")

    def _connect(self) -> _native.Pipe:
        try:
            pipe = _native.Pipe(self.store)
        except (StoreClosed, ForkedStore) as error:
            raise self.connection_error(str(error)) from error
        pipe.settimeout(self.socket_timeout)
        return pipe

    def activate_maint_notifications_handling_if_enabled(self, check_health: bool = True) -> None:
        """A store inside the process never moves to another address."""

    def send_command(self, *args: Any, **options: Any) -> None:
        """Packs and sends a command in one call, if nothing is special about it."""
        pipe = self._sock
        if pipe is None or not self._packs or self.health_check_interval or not pipe.send(args):
            super().send_command(*args, **options)  # type: ignore[misc]


class InsideParser:
    """Goes before a library's own parser of RESP3: it reads whole replies from the pipe, in either protocol."""

    connection_error: type[Exception]
    timeout_error: type[Exception]
    parse_error: Any
    push_handler_func: Any
    _sock: _native.Pipe | None

    def on_connect(self, connection: Any, **_: Any) -> None:
        self._sock = connection._sock
        encoder = connection.encoder
        self._encoding = encoder.encoding if encoder.decode_responses else None
        self._errors = encoder.encoding_errors

    def on_disconnect(self) -> None:
        self._sock = None

    def can_read(self, timeout: float | None = 0) -> bool:
        return self._sock is not None and self._sock.can_read(timeout)

    def read_response(self, disable_decoding: bool = False, push_request: bool = False, timeout: Any = _USUAL) -> Any:
        pipe = self._sock
        if pipe is None:
            raise self.connection_error("Connection closed by server.")
        if timeout is None or isinstance(timeout, int | float):
            return self._read_in_time(pipe, disable_decoding, push_request, timeout)
        encoding = None if disable_decoding else self._encoding
        try:
            reply = pipe.read(encoding, self._errors, self.parse_error)
            while type(reply) is tuple:
                reply = self._push(list(reply))
                if push_request:
                    return reply
                reply = pipe.read(encoding, self._errors, self.parse_error)
        except (TimeoutError, BlockingIOError):
            raise self.timeout_error("Timeout reading from socket") from None
        if isinstance(reply, self.connection_error):
            raise reply
        return reply

    def _read_in_time(
        self, pipe: _native.Pipe, disable_decoding: bool, push_request: bool, timeout: float | None
    ) -> Any:
        usual = pipe.gettimeout()
        pipe.settimeout(timeout)
        try:
            return self.read_response(disable_decoding, push_request)
        finally:
            pipe.settimeout(usual)

    def _push(self, response: list[Any]) -> Any:
        """Hands a push to whom the library has named; each version does so in a method of another form."""
        if response[0] in (b"invalidate", "invalidate"):
            handler = getattr(self, "invalidation_push_handler_func", None)
            return handler(response) if handler else None
        # redis-py 5.0 has one for all.
        return (getattr(self, "pubsub_push_handler_func", None) or self.push_handler_func)(response)


class InsidePool:
    """Goes before a library's own pool: one look tells whether a connection can be given out again."""

    pid: int
    _lock: Any
    _available_connections: list[Any]
    _in_use_connections: set[Any]

    def get_connection(self, *args: Any, **options: Any) -> Any:
        with self._lock:
            if self.pid == os.getpid() and self._available_connections:
                connection = self._available_connections[-1]
                pipe = connection._sock
                if pipe is not None and pipe.is_quiet():
                    self._in_use_connections.add(self._available_connections.pop())
                    return connection
        return super().get_connection(*args, **options)  # type: ignore[misc]

    def release(self, connection: Any) -> None:
        if connection._sock is None or self.pid != os.getpid():
            super().release(connection)  # type: ignore[misc]
            return
        with self._lock:
            # One that is not out is somebody else's, or was given back before.
            if connection in self._in_use_connections:
                self._in_use_connections.remove(connection)
                self._available_connections.append(connection)


class AsyncInside:
    """As `Inside`, for the library's asyncio."""

    _reader: asyncio.StreamReader | None
    _writer: Any
    connection_error: type[Exception]

    def __init__(self, *, store: Store, **options: Any) -> None:
        self.store = store
        super().__init__(**{"path": f"{store._path} (in process)", **options})

    async def _connect(self) -> None:
        try:
            # What takes long is left to the store's own thread, for the loop has others to serve.
            pipe = _native.Pipe(self.store, True)
        except (StoreClosed, ForkedStore) as error:
            raise self.connection_error(str(error)) from error
        self._reader = asyncio.StreamReader()
        self._writer = Writer(pipe, self._reader)


class Writer:
    """What asyncio's StreamWriter is for a socket. What the pipe answers is fed to the reader at once; what comes later
    rings a descriptor that the loop watches, and what comes by time has a timer. So a wait costs no thread.
    """

    __slots__ = ("_closed", "_fd", "_loop", "_pipe", "_reader", "_timer", "_until_breath")

    def __init__(self, pipe: _native.Pipe, reader: asyncio.StreamReader) -> None:
        self._pipe = pipe
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._until_breath = _BREATH
        self._closed = False
        self._fd = pipe.watch()
        self._loop.add_reader(self._fd, self._on_ring)

    def write(self, data: bytes) -> None:
        self._pipe.sendall(data)
        self._feed()

    def writelines(self, lines: Iterable[bytes]) -> None:
        self.write(b"".join(lines))

    async def drain(self) -> None:
        self._until_breath -= 1
        if not self._until_breath:
            self._until_breath = _BREATH
            await asyncio.sleep(0)

    def _on_ring(self) -> None:
        self._pipe.hush()
        self._feed()

    def _feed(self) -> None:
        while data := self._pipe.take():
            self._reader.feed_data(data)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if data is not None:
            self.close()
        elif (due := self._pipe.due()) is not None:
            self._timer = self._loop.call_later(due, self._feed)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._pipe.close()
        if self._timer is not None:
            self._timer.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
        self._reader.feed_eof()

    async def wait_closed(self) -> None:
        """There is nothing to wait for."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return default
