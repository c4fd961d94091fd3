"""redis-py and valkey-py as their users have them, in both versions of the protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import valkey
from live import LiveServer

Client = Any


@pytest.fixture(params=[(redis.Redis, 2), (redis.Redis, 3), (valkey.Valkey, 2), (valkey.Valkey, 3)], ids=str)
def client(server: LiveServer, request: pytest.FixtureRequest) -> Iterator[Client]:
    library, protocol = request.param
    with library(host="127.0.0.1", port=server.port, protocol=protocol, socket_timeout=20) as connected:
        yield connected


def test_a_value_is_read_back_as_it_was_written(client: Client) -> None:
    every_byte = bytes(range(256))
    assert client.set("plain", "text") is True
    assert client.set(every_byte, every_byte) is True
    assert client.get("plain") == b"text"
    assert client.get(every_byte) == every_byte
    assert client.get("missing") is None
    assert client.exists("plain", every_byte, "missing") == 2


def test_set_keeps_its_conditions(client: Client) -> None:
    assert client.set("k", "1", xx=True) is None
    assert client.set("k", "1", nx=True) is True
    assert client.set("k", "2", nx=True) is None
    assert client.set("k", "3", xx=True, get=True) == b"1"
    assert client.get("k") == b"3"


def test_a_key_lives_as_long_as_it_was_told(client: Client) -> None:
    client.set("session", "x", ex=100)
    assert 99 <= client.ttl("session") <= 100
    client.set("session", "y", keepttl=True)
    assert client.ttl("session") > 0
    assert client.persist("session") is True
    assert client.ttl("session") == -1
    assert client.expire("session", 50, nx=True) is True
    assert client.expire("session", 40, gt=True) is False
    assert client.expireat("session", 4_000_000_000) is True
    assert client.expiretime("session") == 4_000_000_000
    assert client.ttl("missing") == -2


def test_a_key_past_its_time_is_gone(client: Client) -> None:
    client.set("brief", "x", px=30)
    client.set("lasting", "x")
    time.sleep(0.06)
    assert client.get("brief") is None
    assert client.exists("brief") == 0
    assert list(client.scan_iter("*")) == [b"lasting"]


def test_counters_count(client: Client) -> None:
    assert client.incr("n") == 1
    assert client.incrby("n", 41) == 42
    assert client.decr("n", 2) == 40
    assert float(client.incrbyfloat("n", 0.5)) == 40.5
    client.set("word", "abc")
    with pytest.raises(Exception, match="value is not an integer or out of range"):
        client.incr("word")


def test_many_keys_in_one_call(client: Client) -> None:
    client.mset({"a": "1", "b": "2", "c": "3"})
    assert client.mget("a", "missing", "c") == [b"1", None, b"3"]
    assert client.msetnx({"c": "9", "d": "4"}) in (False, 0)
    assert client.get("d") is None
    assert client.delete("a", "b", "missing") == 2
    assert client.unlink("c") == 1


def test_a_pipeline_answers_in_order(client: Client) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1_000):
            pipeline.set(f"key:{number}", number)
            pipeline.get(f"key:{number}")
        answers = pipeline.execute()
    assert answers == [answer for number in range(1_000) for answer in (True, b"%d" % number)]
    assert client.dbsize() == 1_000


def test_an_error_inside_a_pipeline_is_that_commands_alone(client: Client) -> None:
    client.set("word", "abc")
    with client.pipeline(transaction=False) as pipeline:
        answers = pipeline.set("a", 1).incr("word").get("a").execute(raise_on_error=False)
    assert answers[0] is True
    assert "not an integer" in str(answers[1])
    assert answers[2] == b"1"


def test_scan_finds_every_key_once(client: Client) -> None:
    client.mset(
        {f"user:{number}": number for number in range(500)} | {f"item:{number}": number for number in range(500)}
    )
    users = list(client.scan_iter("user:*", count=37))
    assert len(users) == 500
    assert set(users) == {b"user:%d" % number for number in range(500)}
    assert sorted(client.keys("item:49?")) == [b"item:%d" % number for number in range(490, 500)]


def test_text_can_be_cut_and_extended(client: Client) -> None:
    assert client.append("t", "Hello") == 5
    assert client.append("t", " World") == 11
    assert client.getrange("t", 0, 4) == b"Hello"
    assert client.setrange("t", 6, "Redis") == 11
    assert client.strlen("t") == 11
    assert client.getdel("t") == b"Hello Redis"
    assert client.exists("t") == 0


def test_keys_are_renamed_and_copied(client: Client) -> None:
    client.set("from", "v", ex=100)
    assert client.rename("from", "to") is True
    assert client.ttl("to") > 0
    assert client.copy("to", "twin") in (True, 1)
    assert client.get("twin") == b"v"
    assert client.type("twin") == b"string"
    with pytest.raises(Exception, match="no such key"):
        client.rename("from", "to")


def test_databases_are_apart(client: Client, server: LiveServer) -> None:
    client.set("k", "zero")
    third = type(client)(host="127.0.0.1", port=server.port, db=3)
    assert third.get("k") is None
    third.set("k", "three")
    assert client.get("k") == b"zero"
    client.flushdb()
    assert third.get("k") == b"three"
    third.flushall()
    assert third.dbsize() == 0
    third.close()


def test_the_server_says_who_it_is(client: Client) -> None:
    assert client.ping() is True
    assert client.echo("hallo") == b"hallo"
    info = client.info()
    assert int(info["connected_clients"]) >= 1
    assert client.client_setname("tester") is True
    assert client.client_getname() in (b"tester", "tester")
    assert client.config_get("maxclients")["maxclients"].isdigit()
    assert client.command_count() > 50


def test_a_value_as_large_as_photographs_goes_through(client: Client) -> None:
    photograph = bytes(range(256)) * (4 << 12)
    client.set("photograph", photograph)
    assert client.get("photograph") == photograph
    assert client.strlen("photograph") == len(photograph)


def test_a_pipeline_is_a_transaction(client: Client) -> None:
    with client.pipeline(transaction=True) as pipeline:
        pipeline.set("a", 1).incr("a").rpush("a", "x").get("a").hset("h", mapping={"f": "v"}).hgetall("h")
        answers = pipeline.execute(raise_on_error=False)
    assert answers[:2] == [True, 2]
    assert "wrong kind of value" in str(answers[2])
    assert answers[3:] == [b"2", 1, {b"f": b"v"}]


def test_a_watched_key_that_changes_is_a_watch_error(client: Client) -> None:
    client.set("stock", 5)
    with client.pipeline() as pipeline:
        pipeline.watch("stock")
        left = int(pipeline.get("stock"))
        client.set("stock", 1)
        pipeline.multi()
        pipeline.set("stock", left - 1)
        with pytest.raises((redis.WatchError, valkey.WatchError)):
            pipeline.execute()
    assert client.get("stock") == b"1"


def test_transaction_tries_again_until_nobody_interferes(client: Client) -> None:
    client.set("n", 1)
    interfered = []

    def double(pipeline: Any) -> None:
        value = int(pipeline.get("n"))
        if not interfered:
            interfered.append(client.set("n", 10))
        pipeline.multi()
        pipeline.set("n", 2 * value)

    assert client.transaction(double, "n") == [True]
    assert client.get("n") == b"20"


def test_a_transaction_that_is_refused_does_nothing(client: Client) -> None:
    with client.pipeline(transaction=True) as pipeline:
        pipeline.set("a", 1)
        pipeline.execute_command("GET")
        with pytest.raises((redis.ResponseError, valkey.ResponseError)):
            pipeline.execute()
    assert client.exists("a") == 0
