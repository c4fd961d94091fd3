"""A small client of the Redis protocol, for the shell: one connection, RESP3, and replies as they were sent.

The libraries for programs hide what a person at a prompt wants to see: a status is not a string, an error has a code.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from kvark._errors import KvarkError

TIMEOUT_S = 10
PORT = 6379


class Status(str):
    """A short answer such as OK."""

    __slots__ = ()


class Refusal(str):
    """An error: a code in capitals, a blank, a sentence."""

    __slots__ = ()


Reply: TypeAlias = Any


@dataclass(frozen=True)
class Place:
    """Where a server listens and who asks: `redis://:secret@host:port/db` or `unix://:secret@/path?db=0`."""

    address: tuple[str, int] | str
    password: str
    user: str
    db: str = "0"

    @classmethod
    def of_url(cls, url: str) -> Place:
        parts = urlsplit(url)
        password = unquote(parts.password or "") or os.environ.get("KVARK_REQUIREPASS", "")
        user = unquote(parts.username or "") or "default"
        if parts.scheme == "unix":
            return cls(unquote(parts.path), password, user)
        if parts.scheme != "redis":
            raise KvarkError(f"{url} is no place to connect to: use redis://host:port/db or unix:///path/of.sock")
        return cls((parts.hostname or "127.0.0.1", parts.port or PORT), password, user, parts.path.strip("/") or "0")

    def __str__(self) -> str:
        return self.address if isinstance(self.address, str) else f"{self.address[0]}:{self.address[1]}"


class Client:
    """An open connection. Raises `OSError` where it breaks."""

    def __init__(self, place: Place) -> None:
        self.place = place
        try:
            self.socket = connect(place.address)
        except OSError as error:
            raise KvarkError(f"no server answers on {place}: {error.strerror or error}") from None
        self.file = self.socket.makefile("rb")
        for words in self.greeting():
            reply = self.ask(*words)
            if isinstance(reply, Refusal):
                self.close()
                raise KvarkError(f"{place} refused {words[0]}: {reply}")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def greeting(self) -> list[list[str]]:
        login = ["AUTH", self.place.user, self.place.password] if self.place.password else []
        return [["HELLO", "3", *login], *([["SELECT", self.place.db]] if self.place.db != "0" else [])]

    def ask(self, *words: str) -> Reply:
        """The reply to one command; an error is a `Refusal`, not an exception."""
        encoded = [word.encode("utf-8", "surrogateescape") for word in words]
        parts = (b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
        self.socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(parts))
        return self.read()

    def read(self) -> Reply:
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError(f"the server on {self.place} has closed the connection")
        return READERS[line[:1]](self, line[1:-2])

    def read_bytes(self, text: bytes) -> bytes | None:
        if int(text) < 0:
            return None
        found = self.file.read(int(text) + 2)
        if len(found) < int(text) + 2:
            raise ConnectionResetError(f"the server on {self.place} has closed the connection")
        return found[:-2]

    def read_list(self, text: bytes) -> list[Reply] | None:
        return None if int(text) < 0 else [self.read() for _ in range(int(text))]

    def read_map(self, text: bytes) -> dict[Any, Reply]:
        return {self.read(): self.read() for _ in range(int(text))}

    def read_verbatim(self, text: bytes) -> Status:
        return Status((self.read_bytes(text) or b"")[4:].decode("utf-8", "backslashreplace"))


def connect(address: tuple[str, int] | str) -> socket.socket:
    if not isinstance(address, str):
        connection = socket.create_connection(address, timeout=TIMEOUT_S)
        connection.settimeout(None)
        return connection
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


READERS: dict[bytes, Callable[[Client, bytes], Reply]] = {
    b"+": lambda _, text: Status(text.decode()),
    b"-": lambda _, text: Refusal(text.decode("utf-8", "backslashreplace")),
    b":": lambda _, text: int(text),
    b",": lambda _, text: float(text),
    b"(": lambda _, text: int(text),
    b"#": lambda _, text: text == b"t",
    b"_": lambda _client, _text: None,
    b"$": Client.read_bytes,
    b"*": Client.read_list,
    b"~": Client.read_list,
    b">": Client.read_list,
    b"%": Client.read_map,
    b"=": Client.read_verbatim,
}
