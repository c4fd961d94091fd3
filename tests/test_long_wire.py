"""Requests that take long keep nobody waiting who needs none of their keys, and the others only as long as they run."""

from __future__ import annotations

import socket
import threading
import time

import redis
from conftest import StartServer

MEMBERS = 200_000


def fill(client: redis.Redis, key: str, first: int) -> None:
    for start in range(first, first + MEMBERS, 20_000):
        client.sadd(key, *range(start, start + 20_000))


def round_trip(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return connection.recv(64)


def test_others_are_served_meanwhile(start_server: StartServer) -> None:
    # One loop: whoever kept it busy would keep everybody waiting.
    server = start_server("--threads", "1")
    with server.client() as client, server.client() as busy, server.connect() as other:
        fill(client, "a", 0)
        fill(client, "b", MEMBERS // 2)
        took: list[float] = []

        def unite() -> None:
            began = time.monotonic()
            assert busy.sunionstore("both", ["a", "b"]) == MEMBERS * 3 // 2
            took.append(time.monotonic() - began)

        thread = threading.Thread(target=unite)
        thread.start()
        answered = 0
        while not took:
            assert round_trip(other, b"PING\r\n") == b"+PONG\r\n"
            answered += 1
        thread.join()
        assert answered > took[0] * 100, f"{answered} answers in {took[0]:.3f} s"


def test_who_needs_its_keys_sees_all_of_it(start_server: StartServer) -> None:
    server = start_server("--threads", "2")
    with server.client() as client, server.client() as busy:
        fill(client, "a", 0)
        for number in range(5):
            thread = threading.Thread(target=busy.rename, args=(b"a", b"c") if number % 2 == 0 else (b"c", b"a"))
            thread.start()
            while thread.is_alive():
                assert sorted(client.execute_command("EXISTS", key) for key in ("a", "c")) in ([0, 1], [0, 0], [1, 1])
                pipe = client.pipeline()
                pipe.scard("a")
                pipe.scard("c")
                assert sorted(pipe.execute()) == [0, MEMBERS]
            thread.join()
        assert client.dbsize() == 1
