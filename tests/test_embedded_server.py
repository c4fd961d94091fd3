"""The server inside the process, met by an unmodified client."""

from __future__ import annotations

from pathlib import Path

import kvark
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def test_a_server_of_its_own_store(tmp_path: Path) -> None:
    with kvark.Server(tmp_path / "store") as server:
        assert server.port
        assert server.url == f"redis://127.0.0.1:{server.port}/0"
        with redis.Redis.from_url(server.url) as client:
            assert client.set("a", "1")
            assert client.get("a") == b"1"
        assert server.store["a"] == b"1"
    server.stop()
    assert server.store.closed
    with kvark.open(tmp_path / "store") as db:
        assert dict(db) == {b"a": b"1"}


def test_a_server_of_an_open_store_leaves_it_open() -> None:
    with kvark.open(":memory:") as db:
        db["a"] = b"embedded"
        with kvark.Server(db) as server, redis.Redis.from_url(server.url) as client:
            assert client.get("a") == b"embedded"
            client.set("b", "wire")
            assert db["b"] == b"wire"
        assert db["b"] == b"wire"
        with pytest.raises(ValueError, match="level"):
            kvark.Server(db, durability="disk")


def test_a_password_and_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "kvark.sock"
    with kvark.Server(":memory:", port=None, unixsocket=path, requirepass="s3cret/:@") as server:
        assert server.port is None
        assert server.addresses == [str(path)]
        once = Retry(NoBackoff(), 0)
        with redis.Redis(unix_socket_path=str(path), retry=once) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
    assert not path.exists()


def test_a_port_in_use_is_an_os_error_and_nothing_stays_open(tmp_path: Path) -> None:
    with kvark.Server(":memory:") as server:
        assert server.port
        with pytest.raises(OSError, match=f"127.0.0.1:{server.port}"):
            kvark.Server(tmp_path / "store", port=server.port)
    kvark.open(tmp_path / "store").close()


def test_shutdown_ends_the_wait() -> None:
    with kvark.Server(":memory:") as server:
        with redis.Redis.from_url(server.url) as client:
            client.shutdown(nosave=True)
        server.wait()
