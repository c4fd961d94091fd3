"""Messages over the wire: redis-py and valkey-py as their users have them, bytes where a library hides the order."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import valkey
from conftest import StartServer
from live import LiveServer

Client = Any
PATIENCE_S = 20.0


@pytest.fixture(params=["1", "2"], ids=lambda threads: f"{threads}-loops")
def server(start_server: StartServer, request: pytest.FixtureRequest) -> LiveServer:
    """Loops by number, so that publisher and listener share one, or do not."""
    if request.config.getoption("--server"):
        return start_server()
    return start_server("--threads", request.param)


@pytest.fixture(params=[(redis.Redis, 2), (redis.Redis, 3), (valkey.Valkey, 2), (valkey.Valkey, 3)], ids=str)
def client(server: LiveServer, request: pytest.FixtureRequest) -> Iterator[Client]:
    library, protocol = request.param
    with library(host="127.0.0.1", port=server.port, protocol=protocol, socket_timeout=PATIENCE_S) as connected:
        yield connected


def received(pubsub: Any, count: int) -> list[tuple[str, Any, Any, Any]]:
    """The next messages, confirmations too."""
    found: list[tuple[str, Any, Any, Any]] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < deadline:
        message = pubsub.get_message(timeout=1)
        if message is not None:
            found.append((message["type"], message["pattern"], message["channel"], message["data"]))
    return found


def test_messages_come_by_name_and_by_pattern(client: Client) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("news", "other")
        pubsub.psubscribe("n*")
        confirmed = [
            ("subscribe", None, b"news", 1),
            ("subscribe", None, b"other", 2),
            ("psubscribe", None, b"n*", 3),
        ]
        assert received(pubsub, 3) == confirmed
        every_byte = bytes(range(256))
        assert client.publish("news", every_byte) == 2
        assert client.publish("night", "") == 1
        assert client.publish("day", "nobody") == 0
        assert received(pubsub, 3) == [
            ("message", None, b"news", every_byte),
            ("pmessage", b"n*", b"news", every_byte),
            ("pmessage", b"n*", b"night", b""),
        ]
        pubsub.unsubscribe("news")
        assert received(pubsub, 1) == [("unsubscribe", None, b"news", 2)]
        assert client.publish("news", "x") == 1
        assert received(pubsub, 1) == [("pmessage", b"n*", b"news", b"x")]


def test_what_is_listened_to_is_told(client: Client) -> None:
    with client.pubsub() as first, client.pubsub() as second:
        first.subscribe("a", "b")
        second.subscribe("b")
        second.psubscribe("p*", "q*")
        received(first, 2), received(second, 3)
        assert sorted(client.pubsub_channels()) == [b"a", b"b"]
        assert client.pubsub_channels("a*") == [b"a"]
        assert client.pubsub_numsub("a", "b", "c") == [(b"a", 1), (b"b", 2), (b"c", 0)]
        assert client.pubsub_numpat() == 2
        assert client.info("stats")["pubsub_channels"] == 2
        assert client.info("stats")["pubsub_patterns"] == 2
        assert client.info("clients")["pubsub_clients"] == 2
        listed = client.client_list(_type="pubsub")
        assert [(entry["sub"], entry["psub"], entry["flags"]) for entry in listed] == [("2", "0", "P"), ("1", "2", "P")]
    wait_until(lambda: client.pubsub_channels() == [] and client.pubsub_numpat() == 0)


def wait_until(done: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_a_thread_of_the_library_hands_messages_on(client: Client) -> None:
    found: list[Any] = []
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(news=lambda message: found.append(message["data"]))
    thread = pubsub.run_in_thread(sleep_time=0.01)
    wait_until(lambda: client.publish("news", "first") == 1)
    client.publish("news", "second")
    wait_until(lambda: found == [b"first", b"second"])
    thread.stop()
    thread.join(PATIENCE_S)


def test_a_listener_that_was_killed_comes_back_by_itself(client: Client) -> None:
    if isinstance(client, valkey.Valkey):
        pytest.skip("the same code as redis-py's")
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        wait_until(lambda: client.pubsub_numsub("news") == [(b"news", 1)])
        assert client.client_kill_filter(_type="pubsub") == 1
        wait_until(lambda: pubsub.get_message(timeout=0.05) is None and client.pubsub_numsub("news") == [(b"news", 1)])
        client.publish("news", "again")
        wait_until(lambda: (pubsub.get_message(timeout=1) or {}).get("data") == b"again")


def test_listening_ends_with_the_last_channel(client: Client) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        wait_until(lambda: client.publish("news", "1") == 1)
        client.publish("news", "2")
        data = []
        for message in pubsub.listen():
            data.append(message["data"])
            if message["data"] == b"2":
                pubsub.unsubscribe()
        assert data[-2:] == [b"1", b"2"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio(server: LiveServer, protocol: int) -> None:
    async def run() -> list[Any]:
        client = redis.asyncio.Redis(host="127.0.0.1", port=server.port, protocol=protocol)
        async with client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.psubscribe("n*")
            while await client.publish("news", "first") == 0:
                await asyncio.sleep(0.01)
            await client.publish("nobody", "second")
            found = []
            async for message in pubsub.listen():
                found.append((message["channel"], message["data"]))
                if len(found) == 2:
                    return found
        return []

    found = asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    assert found == [(b"news", b"first"), (b"nobody", b"second")]


def exchange(server: LiveServer, *parts: tuple[bytes, bytes]) -> None:
    """What is sent on one connection, and exactly what is read for it."""
    with server.connect() as connection, connection.makefile("rb") as answers:
        for request, answer in parts:
            connection.sendall(request)
            assert answers.read(len(answer)) == answer


ALLOWED = b"(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
CONFINED = b"-ERR Can't execute 'get': only " + ALLOWED + b" are allowed in this context\r\n"


def test_in_resp2_a_listener_may_ask_little(server: LiveServer) -> None:
    exchange(
        server,
        (b"SUBSCRIBE a\r\n", b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
        (b"PING\r\n", b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
        (b"PING hi\r\n", b"*2\r\n$4\r\npong\r\n$2\r\nhi\r\n"),
        (b"GET k\r\n", CONFINED),
        (b"SSUBSCRIBE s\r\n", b"*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"),
        (b"UNSUBSCRIBE\r\n", b"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"),
        (b"GET k\r\n", CONFINED),
        (b"SUNSUBSCRIBE s\r\n", b"*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n"),
        (b"GET k\r\n", b"$-1\r\n"),
    )


def test_reset_leaves_everything(server: LiveServer) -> None:
    exchange(
        server,
        (b"SUBSCRIBE a\r\n", b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
        (b"RESET\r\n", b"+RESET\r\n"),
        (b"PUBLISH a x\r\n", b":0\r\n"),
        (b"PUBSUB CHANNELS\r\n", b"*0\r\n"),
    )


def push(*words: bytes, end: bytes = b"") -> bytes:
    bulks = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    return b">%d\r\n%s%s" % (len(words) + bool(end), bulks, end)


def test_what_a_listener_tells_itself_comes_behind_the_answer(server: LiveServer) -> None:
    hello = b"HELLO 3\r\n"
    with server.connect() as connection, connection.makefile("rb") as answers:
        connection.sendall(hello + b"PING\r\n")
        while answers.readline() != b"+PONG\r\n":
            pass
        connection.sendall(
            b"SUBSCRIBE a\r\nPSUBSCRIBE a*\r\nPUBLISH a 1\r\nGET k\r\nPUBLISH a 2\r\nUNSUBSCRIBE a\r\nPUBLISH a 3\r\n"
        )
        expected = (
            push(b"subscribe", b"a", end=b":1\r\n")
            + push(b"psubscribe", b"a*", end=b":2\r\n")
            + b":2\r\n"
            + push(b"message", b"a", b"1")
            + push(b"pmessage", b"a*", b"a", b"1")
            + b"_\r\n:2\r\n"
            + push(b"message", b"a", b"2")
            + push(b"pmessage", b"a*", b"a", b"2")
            + push(b"unsubscribe", b"a", end=b":1\r\n")
            + b":1\r\n"
            + push(b"pmessage", b"a*", b"a", b"3")
        )
        assert answers.read(len(expected)) == expected


def test_ten_thousand_channels_and_as_many_listeners_to_one(server: LiveServer) -> None:
    many = server.client()
    names = [f"channel:{number}" for number in range(10_000)]
    with many.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(*names)
        wait_until(lambda: len(many.pubsub_channels()) == 10_000)
        pipeline = many.pipeline(transaction=False)
        for name in names:
            pipeline.publish(name, name)
        assert pipeline.execute() == [1] * 10_000
        found = (pubsub.get_message(timeout=PATIENCE_S) for _ in itertools.count())
        data = [message["data"].decode() for message in itertools.islice((m for m in found if m), 10_000)]
        assert data == names
        pubsub.unsubscribe()
        wait_until(lambda: many.pubsub_channels() == [])


def test_publishers_of_all_threads_keep_their_own_order(server: LiveServer) -> None:
    with server.client().pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        wait_until(lambda: server.client().pubsub_numsub("news") == [(b"news", 1)])

        def publish(who: int) -> None:
            with server.client() as client:
                for number in range(500):
                    client.publish("news", f"{who}:{number}")

        threads = [threading.Thread(target=publish, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        messages = (pubsub.get_message(timeout=PATIENCE_S) for _ in itertools.count())
        data = [m["data"].decode().split(":") for m in itertools.islice((m for m in messages if m), 2000)]
        for thread in threads:
            thread.join(PATIENCE_S)
        for who in range(4):
            assert [int(number) for speaker, number in data if speaker == str(who)] == list(range(500))


def test_a_listener_that_does_not_read_is_closed(server: LiveServer) -> None:
    client = server.client()
    client.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
    with server.connect() as slow:
        slow.sendall(b"SUBSCRIBE news\r\n")
        wait_until(lambda: client.pubsub_numsub("news") == [(b"news", 1)])
        told = 0
        while client.publish("news", "x" * 50_000) == 1:
            told += 1
            assert told < 2000, "it was never closed"
    assert client.info("stats")["client_output_buffer_limit_disconnections"] == 1
    assert client.client_list(_type="pubsub") == []
