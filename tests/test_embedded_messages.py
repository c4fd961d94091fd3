"""Messages inside the process, and between it and clients of a server on the same store."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import kvark
import pytest
import redis
from kvark import Message

PATIENCE_S = 20.0


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


def test_messages_come_in_order_by_name_and_by_pattern(db: kvark.Store) -> None:
    with db.subscribe("news", patterns=[b"n*"]) as subscription:
        assert (subscription.channels, subscription.patterns) == ([b"news"], [b"n*"])
        assert db.publish("news", b"\x00\xff") == 2
        assert db.publish(b"night", bytearray(b"")) == 1
        assert db.publish("day", b"nobody") == 0
        assert subscription.get(0) == Message(b"news", b"\x00\xff")
        assert subscription.get(0) == Message(b"news", b"\x00\xff", b"n*")
        assert subscription.get(0) == (b"night", b"", b"n*")
        assert subscription.get(0) is None
    assert db.publish("news", b"x") == 0


def test_an_iterator_ends_after_silence(db: kvark.Store) -> None:
    subscription = db.subscribe("a", timeout=0.05)
    for number in range(3):
        db.publish("a", b"%d" % number)
    assert [message.data for message in subscription] == [b"0", b"1", b"2"]
    assert not subscription.closed
    db.publish("a", b"later")
    assert next(subscription).data == b"later"


def test_what_is_listened_to_can_change(db: kvark.Store) -> None:
    with db.subscribe("a", "b") as subscription:
        db.publish("a", b"1")
        db.publish("b", b"2")
        db.publish("b", b"3")
        assert subscription.get(0) == Message(b"a", b"1")
        subscription.unsubscribe("b")
        subscription.subscribe("c", patterns=["p?"])
        assert (subscription.channels, subscription.patterns) == ([b"a", b"c"], [b"p?"])
        assert (db.publish("b", b"4"), db.publish("c", b"5"), db.publish("px", b"6")) == (0, 1, 1)
        assert [subscription.get(0), subscription.get(0)] == [Message(b"c", b"5"), Message(b"px", b"6", b"p?")]
        subscription.unsubscribe()
        assert (subscription.channels, subscription.patterns) == ([], [])
        assert subscription.get(0) is None


def test_arguments_of_wrong_types_are_refused(db: kvark.Store) -> None:
    with pytest.raises(TypeError, match="patterns are a list"):
        db.subscribe(patterns="news*")
    with pytest.raises(TypeError, match="a key is str or bytes, not int"):
        db.subscribe(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a value is bytes, not str"):
        db.publish("news", "text")  # type: ignore[arg-type]


def test_waiting_lets_other_threads_run_and_ends_with_a_message(db: kvark.Store) -> None:
    found: list[Message | None] = []
    subscription = db.subscribe("a")
    thread = threading.Thread(target=lambda: found.append(subscription.get(PATIENCE_S)))
    thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    assert db.publish("a", b"x") == 1
    thread.join(PATIENCE_S)
    assert found == [Message(b"a", b"x")]
    assert time.monotonic() - began < 5


def test_each_message_goes_to_one_of_many_threads(db: kvark.Store) -> None:
    subscription = db.subscribe("a")
    found: list[bytes] = []

    def read() -> None:
        found.extend(message.data for message in subscription)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    sent = [b"%d" % number for number in range(2000)]
    for data in sent:
        assert db.publish("a", data) == 1
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.01)
    subscription.close()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(found) == sorted(sent)


@pytest.mark.parametrize("ends", ["close", "the store", "a client"])
def test_who_waits_is_told_of_the_end(ends: str) -> None:
    store = kvark.open(":memory:")
    subscription = store.subscribe("a")
    found: list[Message] = [Message(b"", b"")]
    thread = threading.Thread(target=lambda: found.clear() or found.extend(subscription))  # type: ignore[func-returns-value]
    thread.start()
    time.sleep(0.05)
    if ends == "close":
        subscription.close()
    elif ends == "the store":
        store.close()
    else:
        assert store.execute("CLIENT", "KILL", "TYPE", "pubsub") == 1
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert found == []
    assert subscription.closed
    with pytest.raises(kvark.StoreClosed, match="subscription is closed"):
        subscription.subscribe("b")
    subscription.close()
    store.close()
    with pytest.raises(kvark.StoreClosed):
        store.subscribe("a")
    with pytest.raises(kvark.StoreClosed):
        store.publish("a", b"x")


def test_what_nobody_holds_listens_no_more(db: kvark.Store) -> None:
    subscription = db.subscribe("a")
    assert db.execute("PUBSUB", "NUMSUB", "a") == [b"a", 1]
    del subscription
    gc.collect()
    assert db.execute("PUBSUB", "NUMSUB", "a") == [b"a", 0]
    assert db.stats()["clients"]["pubsub_clients"] == 0


def test_a_subscription_that_is_not_read_is_closed(db: kvark.Store) -> None:
    db.execute("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    slow, fast = db.subscribe("a"), db.subscribe("a")
    for _ in range(30):
        db.publish("a", bytes(100_000))
        assert fast.get(0) is not None
    assert db.publish("a", b"x") in (1, 2)
    assert fast.get(0) == Message(b"a", b"x")
    with pytest.raises(kvark.SlowSubscriber, match="client-output-buffer-limit"):
        slow.get()
    assert slow.closed


def test_the_own_client_cannot_listen(db: kvark.Store) -> None:
    with pytest.raises(kvark.ReplyError, match="SUBSCRIBE isn't allowed for a DENY BLOCKING client"):
        db.execute("SUBSCRIBE", "a")
    assert db.execute("UNSUBSCRIBE", "a") == [b"unsubscribe", b"a", 0]


def test_a_forked_child_leaves_its_parents_subscription_alone(db: kvark.Store) -> None:
    subscription = db.subscribe("a")
    child = os.fork()
    if child == 0:
        try:
            subscription.get(0)
        except kvark.ForkedStore:
            del subscription
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert db.publish("a", b"x") == 1
    assert subscription.get(0) == Message(b"a", b"x")


def test_messages_cross_between_the_process_and_the_wire() -> None:
    with kvark.open(":memory:") as store, kvark.Server(store, port=0) as server:
        client = redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=PATIENCE_S)
        with client, client.pubsub(ignore_subscribe_messages=True) as pubsub, store.subscribe("a") as subscription:
            assert client.publish("a", "out of a client") == 1
            assert subscription.get(PATIENCE_S) == Message(b"a", b"out of a client")
            pubsub.subscribe("a")
            deadline = time.monotonic() + PATIENCE_S
            while store.publish("a", b"out of the process") != 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            while (message := pubsub.get_message(timeout=PATIENCE_S)) is None:
                pass
            assert message["data"] == b"out of the process"


def test_the_twins_have_the_same_calls() -> None:
    def public(of: type) -> set[str]:
        return {name for name in dir(of) if not name.startswith("_")}

    assert public(kvark.AsyncSubscription) == public(kvark.Subscription)


def run(work: Any) -> Any:
    async def bounded() -> Any:
        async with kvark.aopen(":memory:") as db:
            return await asyncio.wait_for(work(db), PATIENCE_S)

    return asyncio.run(bounded())


def test_asyncio_waits_without_a_thread() -> None:
    async def work(db: kvark.AsyncStore) -> None:
        async with db.subscribe("a", patterns=["b*"]) as subscription:
            threads = threading.active_count()
            waiting = asyncio.create_task(subscription.get())
            await asyncio.sleep(0.02)
            assert not waiting.done()
            assert await db.publish("a", b"1") == 1
            assert await waiting == Message(b"a", b"1")
            assert threading.active_count() == threads
            assert await subscription.get(0.02) is None
            assert await subscription.get(0) is None
            await db.publish("bb", b"2")
            assert await subscription.get(0) == Message(b"bb", b"2", b"b*")

    run(work)


def test_asyncio_is_woken_by_other_threads() -> None:
    async def work(db: kvark.AsyncStore) -> None:
        sent = [b"%d" % number for number in range(3000)]
        async with db.subscribe("a", timeout=5) as subscription:

            def publish() -> None:
                for data in sent:
                    db.store.publish("a", data)

            thread = threading.Thread(target=publish)
            thread.start()
            found = []
            async for message in subscription:
                found.append(message.data)
                if len(found) == len(sent):
                    break
            thread.join()
            assert found == sent

    run(work)


def test_an_asynchronous_iterator_leaves_the_loop_to_others() -> None:
    async def work(db: kvark.AsyncStore) -> None:
        async with db.subscribe("a", timeout=0.01) as subscription:
            for _ in range(2000):
                await db.publish("a", b"x")
            breaths = 0

            async def breathe() -> None:
                nonlocal breaths
                while True:
                    breaths += 1
                    await asyncio.sleep(0)

            breathing = asyncio.create_task(breathe())
            count = 0
            async for _ in subscription:
                count += 1
                if count == 1999:
                    break
            breathing.cancel()
            assert breaths >= 3

    run(work)


def test_closing_wakes_who_awaits() -> None:
    async def work(db: kvark.AsyncStore) -> None:
        subscription = db.subscribe("a")
        waiting = [asyncio.create_task(subscription.get()) for _ in range(3)]
        await asyncio.sleep(0.02)
        subscription.close()
        assert await asyncio.gather(*waiting) == [None, None, None]
        other = db.subscribe("a")
        waiting = [asyncio.create_task(other.get())]
        await asyncio.sleep(0.02)
        await db.close()
        assert await asyncio.gather(*waiting) == [None]
        assert other.closed

    run(work)


def test_a_cancelled_wait_loses_nothing() -> None:
    async def work(db: kvark.AsyncStore) -> None:
        async with db.subscribe("a") as subscription:
            waiting = asyncio.create_task(subscription.get())
            await asyncio.sleep(0.02)
            waiting.cancel()
            await asyncio.sleep(0)
            await db.publish("a", b"x")
            assert await subscription.get() == Message(b"a", b"x")

    run(work)


def test_events_of_keys_are_messages(db: kvark.Store) -> None:
    db.execute("CONFIG", "SET", "notify-keyspace-events", "EA")
    with db.subscribe(patterns=[b"__keyevent@0__:*"]) as subscription:
        db["a"] = b"1"
        db.set("b", b"1", ttl=100)
        db.set_many({"c": b"1"}, ttl=100)
        db.incr("a")
        db.hashes["h"]["f"] = b"v"
        del db.hashes["h"]["f"]
        with db.transaction() as tx:
            tx["d"] = b"1"
            del tx["a"]
        db.delete_many(["b", "none"])
        told = []
        while (message := subscription.get(0)) is not None:
            told.append(f"{message.channel.decode().split(':')[1]} {message.data.decode()}")
    expected = "set a, set b, expire b, set c, expire c, incrby a, hset h, hdel h, del h, set d, del a, del b"
    assert told == expected.split(", ")
