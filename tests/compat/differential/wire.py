"""A client that keeps what the wire says: a reply is its mark and its content, so that 1 and "1" differ."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

Reply = tuple[str, Any]
AGGREGATES = {"*": 1, "~": 1, ">": 1, "%": 2}


class Client:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def send(self, args: Sequence[bytes]) -> None:
        parts = [b"*%d\r\n" % len(args)]
        parts += [b"$%d\r\n%s\r\n" % (len(arg), arg) for arg in args]
        self.socket.sendall(b"".join(parts))

    def ask(self, *args: bytes | str | int) -> Reply:
        self.send([arg if isinstance(arg, bytes) else str(arg).encode() for arg in args])
        return self.receive()

    def receive(self) -> Reply:
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        mark, rest = chr(line[0]), line[1:-2]
        if mark in "$=":
            return mark, self._bytes(int(rest))
        if mark in AGGREGATES:
            return mark, self._many(int(rest) * AGGREGATES[mark])
        return mark, int(rest) if mark == ":" else rest

    def _bytes(self, length: int) -> bytes | None:
        return None if length < 0 else self.reader.read(length + 2)[:-2]

    def _many(self, length: int) -> list[Reply] | None:
        return None if length < 0 else [self.receive() for _ in range(length)]


def is_error(reply: Reply) -> bool:
    return reply[0] == "-"


def plain(reply: Reply) -> Any:
    """The content without marks."""
    _, content = reply
    return [plain(part) for part in content] if isinstance(content, list) else content
