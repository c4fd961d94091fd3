"""Words that wait, over the wire: who is served, what comes behind a wait in a pipeline, and who leaves."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import pytest
import redis
from conftest import StartServer
from live import LiveServer

PATIENCE_S = 20.0


@pytest.fixture(params=["1", "2"], ids=lambda threads: f"{threads}-loops")
def server(start_server: StartServer, request: pytest.FixtureRequest) -> LiveServer:
    """Loops by number, so that who pushes and who waits share one, or do not."""
    if request.config.getoption("--server"):
        return start_server()
    return start_server("--threads", request.param)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def blocked(client: redis.Redis) -> int:
    return int(client.info("clients")["blocked_clients"])


class Waiting:
    """Raw connections that wait for one key each, in the order in which they came."""

    def __init__(self, server: LiveServer, count: int, command: bytes) -> None:
        self.client = server.client()
        self.sockets: list[socket.socket] = []
        for _ in range(count):
            connection = server.connect()
            connection.sendall(command)
            self.sockets.append(connection)
            eventually(lambda: blocked(self.client) == len(self.sockets))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        for connection in self.sockets:
            connection.close()


def test_many_wait_and_are_served_in_their_order(server: LiveServer) -> None:
    with server.client() as client, Waiting(server, 200, b"BLPOP q 0\r\n") as waiting:
        client.rpush("q", *range(150))
        for number, connection in enumerate(waiting.sockets[:150]):
            answer = f"*2\r\n$1\r\nq\r\n${len(str(number))}\r\n{number}\r\n".encode()
            assert connection.recv(100) == answer
        assert (blocked(client), client.exists("q")) == (50, 0)
        for connection in waiting.sockets:
            connection.close()
        eventually(lambda: blocked(client) == 0)
        assert client.rpush("q", "x") == 1
        assert client.llen("q") == 1


def test_what_is_behind_a_wait_in_the_pipeline_comes_behind_its_answer(server: LiveServer) -> None:
    with server.client() as client, server.connect() as waiting:
        waiting.sendall(b"SET a 1\r\nBLPOP q 0\r\nGET a\r\nBRPOP q 0.05\r\nPING\r\n")
        assert waiting.recv(100) == b"+OK\r\n"
        eventually(lambda: blocked(client) == 1)
        client.set("a", "2")
        client.rpush("q", "v")
        expected = b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n$1\r\n2\r\n*-1\r\n+PONG\r\n"
        received = b""
        while len(received) < len(expected):
            received += waiting.recv(100)
        assert received == expected


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_words_by_redis_py(server: LiveServer, protocol: int) -> None:
    with server.client(protocol=protocol) as client, server.client() as other:

        def later(*words: str) -> None:
            def run() -> None:
                eventually(lambda: blocked(other) == 1)
                other.execute_command(*words)

            threading.Thread(target=run).start()

        later("RPUSH", "list", "v")
        assert client.blpop(["none", "list"], timeout=PATIENCE_S) in [(b"list", b"v"), [b"list", b"v"]]
        later("RPUSH", "list", "v")
        assert client.blmove("list", "other", PATIENCE_S) == b"v"
        later("ZADD", "board", "1.5", "ada")
        assert list(client.bzpopmin("board", timeout=PATIENCE_S)) == [b"board", b"ada", 1.5]
        later("XADD", "stream", "1-1", "f", "v")
        found = client.xread({"stream": "$"}, block=20_000)
        entries = found[b"stream"][0] if isinstance(found, dict) else found[0][1]
        assert entries == [(b"1-1", {b"f": b"v"})]
        assert client.blpop("none", timeout=0.01) is None


def test_a_client_is_called_by_its_number(server: LiveServer) -> None:
    with server.client() as client, Waiting(server, 2, b"BLPOP q 0\r\n") as waiting:
        ids = [peer["id"] for peer in client.client_list() if "b" in peer["flags"]]
        assert len(ids) == 2
        assert client.client_unblock(int(ids[0]), error=True)
        assert waiting.sockets[0].recv(100) == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
        assert client.client_unblock(int(ids[1]))
        assert waiting.sockets[1].recv(100) == b"*-1\r\n"
        assert not client.client_unblock(int(ids[1]))
        assert blocked(client) == 0


def test_who_is_killed_while_waiting_takes_nothing(server: LiveServer) -> None:
    with server.client() as client, Waiting(server, 1, b"BLMOVE q other LEFT LEFT 0\r\n") as waiting:
        number = next(peer["id"] for peer in client.client_list() if "b" in peer["flags"])
        client.client_kill_filter(_id=number)
        eventually(lambda: waiting.sockets[0].recv(10) == b"")
        client.rpush("q", "v")
        assert (client.llen("q"), client.exists("other")) == (1, 0)


def test_what_a_waiter_took_survives_a_crash(start_server: StartServer) -> None:
    server = start_server(durability="disk")
    with server.client() as client, Waiting(server, 1, b"BLMOVE q done LEFT LEFT 0\r\n") as waiting:
        client.rpush("q", "v")
        assert waiting.sockets[0].recv(100) == b"$1\r\nv\r\n"
    server.kill()
    server.start()
    with server.client() as client:
        assert (client.lrange("q", 0, -1), client.lrange("done", 0, -1)) == ([], [b"v"])
