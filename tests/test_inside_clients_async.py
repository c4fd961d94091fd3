"""redis.asyncio and valkey.asyncio on a store of this process: waiting costs no thread and no other task."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import kvark
import kvark.redis
import kvark.valkey
import pytest
import redis
import valkey

PATIENCE_S = 20.0
LIBRARIES = {"redis": (redis, kvark.redis), "valkey": (valkey, kvark.valkey)}
ways = pytest.mark.parametrize("library", LIBRARIES)
protocols = pytest.mark.parametrize("protocol", [2, 3])


@asynccontextmanager
async def clients(library: str, **options: Any) -> AsyncIterator[tuple[kvark.AsyncStore, Callable[..., Any]]]:
    """A store and what makes clients of it."""
    made: list[Any] = []
    async with kvark.aopen(":memory:") as db:

        def make(**more: Any) -> Any:
            made.append(LIBRARIES[library][1].aclient(db, **options, **more))
            return made[-1]

        yield db, make
        for client in made:
            await client.aclose()


@ways
@protocols
def test_commands_pipelines_and_transactions(library: str, protocol: int) -> None:
    async def run() -> None:
        async with clients(library, protocol=protocol, decode_responses=True) as (db, make):
            client = make(db=2, client_name="ada")
            assert (await client.set("k", "v"), await client.get("k"), await db.get("k")) == (True, "v", None)
            assert await client.client_getname() == "ada"
            async with client.pipeline(transaction=True) as pipe:
                assert await pipe.set("n", 1).incr("n").hset("h", mapping={"a": 1}).hgetall("h").execute() == [
                    True,
                    2,
                    1,
                    {"a": "1"},
                ]
            assert await asyncio.gather(*(client.incr("n") for _ in range(50))) == list(range(3, 53))
            assert await client.set("big", "v" * 3_000_000)
            assert len(await client.get("big")) == 3_000_000
            with pytest.raises(LIBRARIES[library][0].ResponseError, match="wrong kind"):
                await client.lpush("k", "x")

    asyncio.run(run(), debug=True)


@ways
@protocols
def test_a_blocking_pop_keeps_its_task_waiting_and_no_other(library: str, protocol: int) -> None:
    async def run() -> None:
        async with clients(library, protocol=protocol) as (_, make):
            client = make()
            threads = threading.active_count()
            waits = [asyncio.create_task(client.blpop(f"q{number}", timeout=0)) for number in range(20)]
            await asyncio.sleep(0.01)
            assert threading.active_count() == threads
            for number in range(20):
                assert await client.rpush(f"q{number}", number) == 1
            popped = await asyncio.wait_for(asyncio.gather(*waits), PATIENCE_S)
            assert [list(each) for each in popped] == [[b"q%d" % n, b"%d" % n] for n in range(20)]
            began = time.monotonic()
            assert await asyncio.wait_for(client.blpop("q", timeout=0.05), PATIENCE_S) is None
            assert 0.04 < time.monotonic() - began < PATIENCE_S / 2
            cancelled = asyncio.create_task(client.blpop("q", timeout=0))
            await asyncio.sleep(0.01)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert await client.rpush("q", "stays") == 1
            assert await client.llen("q") == 1

    asyncio.run(run(), debug=True)


@ways
@protocols
def test_messages_come_from_other_threads_too(library: str, protocol: int) -> None:
    async def run() -> None:
        async with clients(library, protocol=protocol, decode_responses=True) as (db, make):
            client = make()
            listener = client.pubsub()
            await listener.subscribe("news")
            assert (await listener.get_message(timeout=PATIENCE_S))["type"] == "subscribe"
            assert await listener.get_message(timeout=0.01) is None
            await client.publish("news", "now")
            assert (await listener.get_message(timeout=PATIENCE_S))["data"] == "now"
            timer = threading.Timer(0.05, db._store.publish, ["news", b"late"])
            timer.start()
            assert (await listener.get_message(timeout=PATIENCE_S))["data"] == "late"
            timer.join()
            spent = time.process_time()
            assert await listener.get_message(timeout=0.3) is None
            assert time.process_time() - spent < 0.2, "the loop turns though nothing has come"
            await listener.unsubscribe("news")
            await listener.aclose()

    asyncio.run(run(), debug=True)


@ways
def test_an_ended_connection_is_made_again_and_a_closed_store_says_so(library: str) -> None:
    async def run() -> None:
        async with clients(library) as (db, make):
            client, other = make(), make()
            first = await client.client_id()
            await other.client_kill_filter(_id=first)
            await asyncio.sleep(0.01)
            assert await client.client_id() > first
            waits = asyncio.create_task(client.blpop("q", timeout=0))
            await asyncio.sleep(0.01)
            await db.close()
            for refused in (waits, client.ping()):
                with pytest.raises(LIBRARIES[library][0].ConnectionError):
                    await refused

    asyncio.run(run())


def test_at_level_disk_answers_wait_for_their_sync_and_others_go_on(tmp_path: Any) -> None:
    async def run() -> None:
        async with kvark.aopen(tmp_path / "data", durability="disk") as db:
            client = kvark.redis.aclient(db)
            answers = await asyncio.gather(*(client.set(f"k{number}", number) for number in range(50)))
            assert answers == [True] * 50
            assert await client.waitaof(1, 0, 20_000) == [1, 0]
            await client.aclose()

    asyncio.run(run())


def test_a_client_that_never_waits_lets_others_run() -> None:
    async def run() -> None:
        async with clients("redis") as (_, make):
            client, turns = make(), 0

            async def others() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            task = asyncio.create_task(others())
            for _ in range(1000):
                await client.get("k")
            task.cancel()
            assert turns >= 5

    asyncio.run(run())


def test_a_long_command_keeps_its_own_task_waiting_only() -> None:
    async def run() -> None:
        async with clients("redis") as (_, make):
            client = make()
            for key in ("a", "b"):
                members = [f"{key}:{number}" for number in range(100_000)]
                for first in range(0, len(members), 10_000):
                    await client.sadd(key, *members[first : first + 10_000])
            began = time.monotonic()
            union = asyncio.create_task(client.sunionstore("c", "a", "b"))
            await asyncio.sleep(0)
            pings, slowest = 0, 0.0
            while not union.done():
                before = time.monotonic()
                await client.ping()
                await asyncio.sleep(0)
                slowest, pings = max(slowest, time.monotonic() - before), pings + 1
            took = time.monotonic() - began
            assert await union == 200_000
            assert pings >= 3, f"{pings} commands in {took:.3f} s, the slowest {slowest:.3f} s"
            assert slowest < took / 2

    asyncio.run(run())
