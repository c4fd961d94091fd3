"""The async twin: the same calls and results, inline where memory answers, off the loop where the disk does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import kvark
import pytest

SYNC_ONLY = {"keys", "values", "items", "popitem", "update"}


def at_once(call: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never suspends."""
    with pytest.raises(StopIteration) as ended:
        call.send(None)
    return ended.value.value


def test_the_calls_are_the_same() -> None:
    def public(of: type) -> set[str]:
        return {name for name in dir(of) if not name.startswith("_")}

    assert public(kvark.AsyncStore) - {"store"} == public(kvark.Store) - SYNC_ONLY
    for name in sorted(public(kvark.Store) - SYNC_ONLY - {"pop"}):
        assert arguments_of(kvark.AsyncStore, name) == arguments_of(kvark.Store, name), name


def arguments_of(of: type, name: str) -> list[object]:
    """Names, kinds and defaults of what a call takes; nothing for a property."""
    call = getattr(of, name)
    return [
        (each.name, each.kind, each.default)
        for each in (inspect.signature(call).parameters.values() if callable(call) else ())
        if each.name != "self"
    ]


@pytest.mark.parametrize("durability", ["memory", "os"])
def test_memory_answers_without_a_pause(tmp_path: Path, durability: Any) -> None:
    with kvark.open(tmp_path / "store", durability=durability) as store:
        db = kvark.AsyncStore(store)
        assert at_once(db.set("a", b"1")) is True
        assert at_once(db.get("a")) == b"1"
        assert at_once(db.get("b", b"?")) == b"?"
        assert at_once(db.incr("n", 5)) == 5
        assert at_once(db.set_many({"c": b"3"})) is None
        assert at_once(db.get_many(["c", "d"])) == [b"3", None]
        assert at_once(db.expire("a", 50)) is True
        assert 40 < at_once(db.ttl("a")) <= 50
        assert at_once(db.persist("a")) is True
        assert at_once(db.setdefault("a", b"9")) == b"1"
        assert at_once(db.pop("a")) == b"1"
        assert at_once(db.pop("a", None)) is None
        assert at_once(db.delete_many(["c", "n"])) == 2
        assert at_once(db.delete("c")) is False
        assert (len(db), "c" in db) == (0, False)


def test_everything_at_level_disk(tmp_path: Path) -> None:
    async def main() -> None:
        async with kvark.aopen(tmp_path / "store", durability="disk") as db:
            # A write suspends, so that the loop goes on while the disk is written.
            call = asyncio.ensure_future(db.set("a", b"0"))
            await asyncio.sleep(0)
            assert not call.done()
            await call
            await asyncio.gather(*(db.set(f"k{number}", b"v") for number in range(200)))
            assert await db.set("a", b"1", get=True) == b"0"
            assert (await db.get("a"), await db.incr("n"), await db.delete("n")) == (b"1", 1, True)
            await db.set_many({"x": b"1"}, ttl=50)
            assert len(db) == 202
            await db.checkpoint()
            assert (await db.stats())["keyspace"]
        assert db.closed

    asyncio.run(main())
    with kvark.open(tmp_path / "store") as db:
        assert len(db) == 202


def test_the_loop_goes_on_while_writes_wait(tmp_path: Path) -> None:
    async def main() -> int:
        db = await kvark.aopen(tmp_path / "store", durability="disk")
        turns = 0

        async def spin() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        spinner = asyncio.create_task(spin())
        for number in range(50):
            await db.set(str(number), b"v")
        spinner.cancel()
        await db.close()
        return turns

    assert asyncio.run(main()) > 100


def test_scans() -> None:
    async def main() -> None:
        async with kvark.aopen(":memory:") as db:
            await db.set_many({f"k{number:05d}": b"%d" % number for number in range(3000)})
            assert [key async for key in db] == [b"k%05d" % number for number in range(3000)]
            found = [pair async for pair in db.scan(prefix="k0001", reverse=True, limit=2)]
            assert found == [(b"k00019", b"19"), (b"k00018", b"18")]
            assert [pair async for pair in db.scan(start="z")] == []
            await db.clear()
            assert [key async for key in db] == []

    asyncio.run(main())


def test_a_missing_key_and_a_closed_store() -> None:
    async def main() -> None:
        db = await kvark.aopen(":memory:")
        with pytest.raises(KeyError):
            await db.ttl("nobody")
        with pytest.raises(KeyError):
            await db.pop("nobody")
        await db.close()
        await db.close()
        with pytest.raises(kvark.StoreClosed):
            await db.get("a")

    asyncio.run(main())


def test_a_locked_directory(tmp_path: Path) -> None:
    async def main() -> None:
        async with kvark.aopen(tmp_path / "store"):
            with pytest.raises(kvark.StoreLocked):
                await kvark.aopen(tmp_path / "store")

    asyncio.run(main())
