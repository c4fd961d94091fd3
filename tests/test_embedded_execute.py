"""Any command through the embedded door: what it takes, what it gives back, and whose client it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kvark
import pytest


@pytest.fixture
def db(tmp_path: Path) -> Iterator[kvark.Store]:
    with kvark.open(tmp_path / "store") as store:
        yield store


def test_arguments_are_text_bytes_and_numbers(db: kvark.Store) -> None:
    assert db.execute("SET", "é", bytearray(b"hello world")) == "OK"
    assert db.execute(b"setrange", "é".encode(), 6, memoryview(b"kvark")) == 11
    assert db["é"] == b"hello kvark"
    assert db.execute("INCRBYFLOAT", "price", 10.5) == b"10.5"


@pytest.mark.parametrize("arguments", [(), ("SET", "k", None), ("SET", "k", True), ("SET", "k", ["v"])])
def test_an_argument_of_another_type_is_a_type_error(db: kvark.Store, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        db.execute(*arguments)
    assert len(db) == 0


def test_replies_are_python_objects(db: kvark.Store) -> None:
    assert db.execute("PING") == "PONG"
    assert db.execute("GET", "nobody") is None
    assert db.execute("MSET", "a", 1, "b", 2) == "OK"
    assert db.execute("MGET", "a", "nobody", "b") == [b"1", None, b"2"]
    assert db.execute("SCAN", 0, "MATCH", "b*") == [b"0", [b"b"]]
    assert db.execute("CONFIG", "GET", "port") == {b"port": b"6379"}
    assert db.execute("CONFIG", "GET", "nosuch") == {}
    assert db.execute("INFO", "keyspace").startswith(b"# Keyspace\r\n")
    assert b"flags" not in db.execute("COMMAND", "INFO", "get")


def test_replies_about_collections_are_those_of_resp3(db: kvark.Store) -> None:
    db.execute("HSET", "h", "a", 1)
    db.execute("SADD", "s", "a")
    db.execute("ZADD", "z", 1.5, "a", "inf", "b")
    db.execute("XADD", "x", "1-1", "a", "b")
    assert db.execute("HGETALL", "h") == {b"a": b"1"}
    assert db.execute("SMEMBERS", "s") == [b"a"]
    assert db.execute("ZSCORE", "z", "a") == 1.5
    assert db.execute("ZRANGE", "z", 0, -1, "WITHSCORES") == [[b"a", 1.5], [b"b", float("inf")]]
    assert db.execute("XREAD", "STREAMS", "x", 0) == {b"x": [[b"1-1", [b"a", b"b"]]]}


def test_a_refusal_says_what_a_client_would_read(db: kvark.Store) -> None:
    db["text"] = b"many"
    with pytest.raises(kvark.ReplyError, match=r"^ERR value is not an integer or out of range$"):
        db.execute("INCR", "text")
    with pytest.raises(kvark.ReplyError, match=r"^ERR unknown command 'NOSUCH'"):
        db.execute("NOSUCH")
    with pytest.raises(kvark.ReplyError, match=r"^ERR wrong number of arguments for 'get' command$"):
        db.execute("GET")
    assert db["text"] == b"many"


def test_a_closed_store_executes_nothing(db: kvark.Store) -> None:
    db.close()
    with pytest.raises(kvark.StoreClosed):
        db.execute("PING")


def test_a_session_lasts_and_the_other_calls_keep_their_database(db: kvark.Store) -> None:
    assert db.execute("SELECT", 1) == "OK"
    assert db.execute("SET", "a", "1") == "OK"
    assert "a" not in db
    assert db.execute("GET", "a") == b"1"
    assert db.execute("CLIENT", "REPLY", "OFF") is None
    assert db.execute("GET", "a") is None
    assert db.execute("CLIENT", "REPLY", "ON") == "OK"


@pytest.mark.parametrize("words", [["QUIT"], ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"]])
def test_who_ends_its_own_client_goes_on_as_a_new_one(db: kvark.Store, words: list[str]) -> None:
    before = db.execute("CLIENT", "ID")
    assert db.execute("SELECT", 1) == "OK"
    assert db.execute(*words) in ("OK", 1)
    assert db.execute("CLIENT", "ID") > before
    clients = db.execute("CLIENT", "LIST")
    assert clients.count(b"laddr=") == 1
    assert b" db=0 " in clients


def test_threads_stand_in_line(db: kvark.Store) -> None:
    def count() -> None:
        for _ in range(200):
            db.execute("INCR", "n")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db["n"] == b"800"


def test_a_command_that_waits_leaves_the_loop_alone(tmp_path: Path) -> None:
    async def main() -> None:
        store = kvark.Store._opened(tmp_path / "store", {"enable-debug-command": "yes"})
        async with kvark.AsyncStore(store) as adb:
            assert await adb.execute("SET", "a", 1) == "OK"
            waiting = asyncio.create_task(adb.execute("DEBUG", "SLEEP", 0.3))
            await asyncio.sleep(0)
            assert await adb.get("a") == b"1"
            assert not waiting.done()
            assert await waiting == "OK"

    asyncio.run(main())
