"""Client-side caching as redis-py has it, and invalidations under load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import redis
from conftest import StartServer
from redis.cache import CacheConfig

PATIENCE_S = 20.0
ROUNDS = 300


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_cache_of_redis_py_answers_until_the_key_changes(start_server: StartServer, threads: str) -> None:
    server = start_server("--threads", threads)
    with (
        redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(), socket_timeout=PATIENCE_S) as cached,
        redis.Redis(port=server.port, socket_timeout=PATIENCE_S) as other,
    ):
        other.set("k", "1")
        other.hset("h", "f", "1")
        assert (cached.get("k"), cached.hget("h", "f")) == (b"1", b"1")
        before = other.info("stats")["keyspace_hits"]
        assert [cached.get("k") for _ in range(10)] == [b"1"] * 10
        assert other.info("stats")["keyspace_hits"] == before, "the cache answers"
        other.set("k", "2")
        other.hset("h", "f", "2")
        assert until(lambda: cached.get("k") == b"2" and cached.hget("h", "f") == b"2")
        cached.set("k", "3")
        assert cached.get("k") == b"3"
        other.flushall()
        assert until(lambda: cached.get("k") is None)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_no_cache_keeps_what_has_changed(start_server: StartServer, threads: str) -> None:
    """A reader that believes its cache sees every last value, however reads and writes fall together."""
    server = start_server("--threads", threads)
    stop = threading.Event()

    def write() -> None:
        with redis.Redis(port=server.port, socket_timeout=PATIENCE_S) as writer:
            for number in range(ROUNDS):
                writer.set(f"k{number % 3}", number)
        stop.set()

    with redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(), socket_timeout=PATIENCE_S) as cached:
        thread = threading.Thread(target=write)
        thread.start()
        while not stop.is_set():
            for number in range(3):
                cached.get(f"k{number}")
        thread.join()
        for number in range(3):
            expected = str(ROUNDS - 3 + number).encode()
            key = f"k{number}"
            assert until(lambda key=key, expected=expected: cached.get(key) == expected)


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False
