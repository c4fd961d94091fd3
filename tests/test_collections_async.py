"""The collections of a store for asyncio: the same calls, and off the loop where the disk is waited for."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import kvark
import pytest

TWINS = [
    (kvark.List, kvark.AsyncList),
    (kvark.Hash, kvark.AsyncHash),
    (kvark.Set, kvark.AsyncSet),
    (kvark.Zset, kvark.AsyncZset),
    (kvark.Stream, kvark.AsyncStream),
    (kvark.Group, kvark.AsyncGroup),
    (kvark.Bitmap, kvark.AsyncBitmap),
    (kvark.HyperLogLog, kvark.AsyncHyperLogLog),
    (kvark.Geo, kvark.AsyncGeo),
]
FAMILIES = ["lists", "hashes", "sets", "zsets", "streams", "hlls", "geos", "bitmaps"]
# Python's own mixins and walks that asyncio has other words for.
SYNC_ONLY = {"keys", "values", "items", "popitem", "ones", "scan", "setdefault", "pop", "get"}
# What Python's own types have operators for.
ASYNC_ONLY = {"len", "contains", "set", "delete", "items"}

each_pair = pytest.mark.parametrize(("sync", "twin"), TWINS, ids=lambda cls: cls.__name__)


def public(of: type) -> set[str]:
    return {name for name in dir(of) if not name.startswith("_")}


def arguments_of(call: Any) -> list[object]:
    """Names and kinds of what a call takes, and whether it may be left out."""
    taken = inspect.signature(call).parameters.values() if callable(call) else ()
    return [(each.name, each.kind, each.default is each.empty) for each in taken if each.name != "self"]


@each_pair
def test_the_calls_are_the_same(sync: type, twin: type) -> None:
    assert public(sync) - SYNC_ONLY <= public(twin)
    assert public(twin) - ASYNC_ONLY <= public(sync)
    for name in sorted((public(sync) & public(twin)) - {"last_id", "items"}):
        ours, theirs = getattr(sync, name), getattr(twin, name)
        assert arguments_of(ours) == arguments_of(theirs), name
        assert inspect.getdoc(ours) == inspect.getdoc(theirs), name
        assert not callable(ours) or name == "group" or inspect.iscoroutinefunction(theirs), name


@each_pair
def test_a_call_leads_to_its_twin(sync: type, twin: type) -> None:
    for name in sorted((public(sync) & public(twin)) - {"last_id"}):
        call = getattr(twin, name)
        assert name == "items" or isinstance(call, property) or name in call.__code__.co_names, name


def at_once(call: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never suspends."""
    with pytest.raises(StopIteration) as ended:
        call.send(None)
    return ended.value.value


def test_memory_answers_without_a_pause(tmp_path: Path) -> None:
    with kvark.open(tmp_path / "store") as store:
        items = kvark.AsyncStore(store).lists["items"]
        assert at_once(items.append("a")) is None
        assert at_once(items.push("b", "c")) == 3
        assert (at_once(items[0]), at_once(items[1:])) == (b"a", [b"b", b"c"])
        assert (at_once(items.len()), at_once(items.contains("b"))) == (3, True)
        assert at_once(items.set(0, "z")) is None
        assert at_once(items.delete(1)) is None
        assert at_once(items.pop()) == b"c"


@pytest.mark.parametrize("durability", ["memory", "os", "disk"])
def test_lists_and_sets(tmp_path: Path, durability: Any) -> None:
    async def main() -> None:
        async with kvark.aopen(tmp_path / "store", durability=durability) as db:
            items = db.lists(codec="json")["items"]
            await items.extend(range(2000))
            assert [item async for item in items] == list(range(2000))
            assert await items[-1] == 1999
            with pytest.raises(IndexError):
                await items[5000]
            assert await items.move_to(db.lists["other"]) == 1999
            assert await db.lists.pop_any("nobody", db.lists["other"]) == (b"other", [b"1999"])
            await items.clear()
            assert await items.len() == 0

            tags, more = db.sets(codec="str")["tags"], db.sets(codec="str")["more"]
            await tags.update(["a", "b"])
            await more.add("b")
            assert await tags.union(more) == {"a", "b"}
            assert await tags.intersection(more) == {"b"}
            assert await tags.difference_into("left", more) == 1
            assert await tags.isdisjoint(more) is False
            assert await tags.intersection_len(more) == 1
            await tags.update(more, ["c"])
            assert {tag async for tag in tags} == {"a", "b", "c"} == await tags.to_set()
            assert {key async for key in db.sets} == {b"tags", b"more", b"left"}
            assert await db.sets.contains("tags")
            await db.sets.delete("tags")
            with pytest.raises(KeyError):
                await db.sets.delete("tags")
            assert repr(more) == "<kvark.AsyncSet b'more'>"

    asyncio.run(main())


def test_bitmaps_and_hyperloglogs() -> None:
    async def main() -> None:
        async with kvark.aopen(":memory:") as db:
            seen = db.bitmaps["seen"]
            assert await seen.set(7) is False
            assert await seen[7] is True
            assert [bit async for bit in seen] == [False] * 7 + [True]
            assert await seen.or_into("week", db.bitmaps["other"]) == 1
            visitors = db.hlls["visitors"]
            assert await visitors.update(["a", "b"]) is True
            assert await visitors.count(db.hlls["other"]) == await visitors.len() == 2

    asyncio.run(main())


def test_hashes() -> None:
    async def main() -> None:
        async with kvark.aopen(":memory:") as db:
            ada = db.hashes(codec="str")["ada"]
            assert await ada.set("name", "Ada") is True
            await ada.update({"born": "1815"}, died="1852")
            assert await ada["name"] == await ada.get("name") == "Ada"
            with pytest.raises(KeyError):
                await ada["nobody"]
            assert await ada.pop("nobody", None) is None
            assert await ada.pop("died") == "1852"
            assert {pair async for pair in ada.items()} == {(b"name", "Ada"), (b"born", "1815")}
            assert {field async for field in ada} == {b"name", b"born"}
            assert await ada.get_many(["name", "x"]) == ["Ada", None]
            assert await ada.contains("name")
            assert await ada.delete("name", "x") == 1
            assert await ada.to_dict() == {b"born": "1815"}

    asyncio.run(main())


def test_sorted_sets_and_places() -> None:
    async def main() -> None:
        async with kvark.aopen(":memory:") as db:
            players = db.zsets(codec="str")["players"]
            await players.update({"ada": 3}, linus=1)
            await players.set("grace", 2)
            assert await players["ada"] == 3.0
            assert [player async for player in players] == ["linus", "grace", "ada"]
            assert [pair async for pair in players.items()] == [("linus", 1.0), ("grace", 2.0), ("ada", 3.0)]
            assert await players.union(db.zsets["other"]) == await players.range()
            assert await players.pop("ada") == 3.0
            sicily = db.geos(codec="str")["sicily"]
            await sicily.set("Palermo", (13.361389, 38.115556))
            assert (await sicily["Palermo"]).latitude == pytest.approx(38.115556, abs=1e-5)
            assert [place async for place in sicily] == ["Palermo"]
            await sicily.delete("Palermo")
            assert await sicily.contains("Palermo") is False

    asyncio.run(main())


def test_streams() -> None:
    async def main() -> None:
        async with kvark.aopen(":memory:") as db:
            events = db.streams["events"]
            workers = await events.group("workers").create("0", make_stream=True)
            assert await events.append({"a": "1"}, id="1-1") == "1-1"
            assert await events["1-1"] == {b"a": b"1"}
            assert await events.last_id() == "1-1"
            assert [entry.id async for entry in events] == ["1-1"]
            assert (await workers.read("ada"))[0].fields == {b"a": b"1"}
            assert await workers.ack("1-1") == 1
            assert workers.name == b"workers"

    asyncio.run(main())


def test_the_loop_goes_on_while_writes_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with kvark.aopen(tmp_path / "store", durability="disk") as db:
            call = asyncio.ensure_future(db.lists["a"].append("x"))
            await asyncio.sleep(0)
            assert not call.done()
            await call
            await asyncio.gather(*(db.lists["a"].append(str(number)) for number in range(100)))
            assert await db.lists["a"].len() == 101

    asyncio.run(main())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_store_has_the_families_twice(family: str) -> None:
    with kvark.open(":memory:") as store:
        ours, theirs = getattr(store, family), getattr(kvark.AsyncStore(store), family)
        assert type(theirs).__name__ == "Async" + type(ours).__name__
        assert theirs["a"].key == ours["a"].key == b"a"
        assert type(theirs["a"]).__name__ == "Async" + type(ours["a"]).__name__
