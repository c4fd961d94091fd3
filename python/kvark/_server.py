"""The server inside a process: for tests, notebooks, and programs that share the store they work on."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import quote

from kvark import _native
from kvark._store import Store


class Server:
    """Serves a store to every Redis client, on threads of its own, until `stop()` or the end of a `with` block.

        with kvark.Server(":memory:") as server:
            redis.Redis.from_url(server.url).set("k", "v")

    path: the directory of the store, or `":memory:"`, or an open `Store`, which is served as it is and stays open.
    port: the TCP port; 0 is one that is free, None is no TCP.
    host: the addresses to listen on, separated by blanks.
    unixsocket: the path of a unix socket to listen on.
    durability: as in `kvark.open`; not with an open store.
    requirepass: the password that clients show.
    threads: event-loop threads; 0 is one a core.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Store,
        port: int | None = 0,
        host: str = "127.0.0.1",
        *,
        unixsocket: str | os.PathLike[str] | None = None,
        durability: Literal["memory", "os", "disk"] | None = None,
        requirepass: str | None = None,
        threads: int = 1,
    ) -> None:
        self._owned: Store | None = None
        self._requirepass = requirepass
        if isinstance(path, Store):
            if durability not in (None, path.durability):
                raise ValueError(
                    f"the store is open at level {path.durability!r}, so it cannot be served at {durability!r}"
                )
            self._store = path
        else:
            self._store = self._owned = Store(path, durability=durability)
        settings: dict[str, str | int] = {
            "bind": host,
            "port": port or 0,
            "requirepass": requirepass or "",
            "threads": threads,
            "unixsocket": str(Path(unixsocket).absolute()) if unixsocket else "",
        }
        try:
            self._native = _native.Server(self._store, settings, port == 0)
        except BaseException:
            self._close_owned()
            raise

    @property
    def store(self) -> Store:
        """The store that is served."""
        return self._store

    @property
    def port(self) -> int | None:
        """The TCP port, None without TCP."""
        return self._native.port

    @property
    def addresses(self) -> list[str]:
        """Where it listens: `127.0.0.1:6379`, `[::1]:6379`, `/path/of.sock`."""
        return list(self._native.addresses)

    @property
    def url(self) -> str:
        """What `redis.Redis.from_url` takes."""
        password = f":{quote(self._requirepass, safe='')}@" if self._requirepass else ""
        address = self.addresses[0]
        return f"unix://{password}{address}" if address.startswith("/") else f"redis://{password}{address}/0"

    def wait(self) -> None:
        """Blocks until somebody stops the server, or a client asks for it with SHUTDOWN."""
        self._native.wait()

    def stop(self) -> None:
        """Answers what was asked, closes every connection, and the store if it was opened here."""
        self._native.stop()
        self._close_owned()

    def _close_owned(self) -> None:
        if self._owned is not None:
            self._owned.close()

    def __repr__(self) -> str:
        return f"<kvark.Server {' '.join(self.addresses)} of {self._store!r}>"

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
