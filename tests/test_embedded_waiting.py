"""Collections that wait for what somebody else puts there: threads and coroutines in one line."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kvark
import pytest

PATIENCE_S = 20.0


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[kvark.Store]:
    path = ":memory:" if request.param == "memory" else tmp_path / "s.kvark"
    with kvark.open(path, durability=request.param) as store:
        yield store


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def waiting(db: kvark.Store) -> int:
    return int(db.stats()["clients"]["total_blocking_keys"])


def soon(db: kvark.Store, put: Callable[[], Any], keys: int = 1) -> threading.Thread:
    """Puts something there when somebody waits for so many keys."""

    def run() -> None:
        eventually(lambda: waiting(db) == keys)
        put()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_each_call_gets_what_comes(db: kvark.Store) -> None:
    queue, other = db.lists(codec="str")["q"], db.lists["other"]
    board, stream = db.zsets(codec="str")["b"], db.streams["s"]
    cases: list[tuple[Callable[[], Any], Callable[[], Any], Any]] = [
        (lambda: queue.push("a"), lambda: queue.pop_left(timeout=PATIENCE_S), "a"),
        (lambda: queue.push("a", "b"), lambda: queue.pop(timeout=None), "b"),
        (lambda: queue.push("c"), lambda: queue.pop_many(5, end="left", timeout=PATIENCE_S), ["c"]),
        (lambda: queue.push("d"), lambda: queue.move_to(other, timeout=PATIENCE_S), "d"),
        (lambda: board.update({"x": 1.5, "y": 2}), lambda: board.pop_min(timeout=PATIENCE_S), ("x", 1.5)),
        (lambda: board.update({"z": 3}), lambda: board.pop_max(timeout=PATIENCE_S), ("z", 3.0)),
        (lambda: board.update({"x": 1.0}), lambda: board.pop_many(2, timeout=PATIENCE_S), [("x", 1.0)]),
        (
            lambda: stream.append({"f": b"v"}, id="5-1"),
            lambda: [e.id for e in stream.read("$", timeout=PATIENCE_S)],
            ["5-1"],
        ),
    ]
    for put, take, taken in cases:
        db.delete("q")
        db.delete("b")
        thread = soon(db, put)
        assert take() == taken
        thread.join()
    assert other[:] == [b"d"]


def test_the_first_of_several_keys(db: kvark.Store) -> None:
    thread = soon(db, lambda: db.lists["b"].push(b"v", b"w"), keys=2)
    assert db.lists.pop_any("a", "b", count=5, timeout=PATIENCE_S) == (b"b", [b"v", b"w"])
    thread.join()
    thread = soon(db, lambda: db.zsets["b"].update({b"m": 1}), keys=2)
    assert db.zsets.pop_any("a", "b", timeout=PATIENCE_S) == (b"b", [(b"m", 1.0)])
    thread.join()


def test_nothing_comes(db: kvark.Store) -> None:
    with pytest.raises(IndexError, match="in time"):
        db.lists["q"].pop_left(timeout=0.01)
    with pytest.raises(KeyError):
        db.zsets["b"].pop_min(timeout=0.01)
    assert db.lists["q"].pop_many(2, timeout=0.01) == []
    assert db.lists["q"].move_to("other", timeout=0.01) is None
    assert db.streams["s"].read("$", timeout=0.01) == []
    assert db.lists.pop_any("a", "b", timeout=0.01) is None
    for wrong in [-1, float("nan"), 1e12]:
        with pytest.raises(kvark.InvalidInput, match="timeout"):
            db.lists["q"].pop(timeout=wrong)
    with pytest.raises(kvark.InvalidInput, match="ends"):
        db.lists["q"].pop(3, timeout=1)
    assert waiting(db) == 0


def test_execute_waits_and_nobody_waits_behind_it(db: kvark.Store) -> None:
    thread = soon(db, lambda: db.execute("RPUSH", "q", "v"))
    assert db.execute("BLPOP", "q", PATIENCE_S) == [b"q", b"v"]
    thread.join()
    db.execute("SELECT", 3)
    db.execute("RPUSH", "q", "w")
    assert db.execute("BLPOP", "q", 1) == [b"q", b"w"]
    assert db.execute("MULTI") == "OK"
    assert db.execute("BLPOP", "q", 0) == "QUEUED"
    assert db.execute("EXEC") == [None]


def test_a_group_reads_what_comes_and_hears_of_its_end(db: kvark.Store) -> None:
    group = db.streams["s"].group("workers")
    group.create("$", make_stream=True)
    thread = soon(db, lambda: db.streams["s"].append({"f": b"v"}, id="1-1"))
    assert [entry.id for entry in group.read("me", timeout=PATIENCE_S)] == ["1-1"]
    thread.join()
    thread = soon(db, lambda: db.delete("s"))
    with pytest.raises(kvark.InvalidInput, match="No such key"):
        group.read("me", timeout=None)
    thread.join()


def test_closing_ends_every_wait(tmp_path: Path) -> None:
    db = kvark.open(tmp_path / "s.kvark")
    thread = soon(db, db.close)
    with pytest.raises(kvark.KvarkError, match="closed"):
        db.lists["q"].pop(timeout=None)
    thread.join()


def test_ctrl_c_ends_a_wait_and_takes_nothing(db: kvark.Store) -> None:
    thread = soon(db, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        db.lists["q"].pop(timeout=None)
    thread.join()
    assert (waiting(db), db.lists["q"].push(b"v")) == (0, 1)


def test_threads_and_coroutines_stand_in_one_line(tmp_path: Path) -> None:
    async def work() -> None:
        async with await kvark.aopen(tmp_path / "s.kvark") as db:
            queue, threads = db.lists["q"], threading.active_count()
            tasks = []
            for number in range(50):
                tasks.append(asyncio.create_task(queue.pop_left(timeout=None)))
                await asyncio.sleep(0)
                assert threading.active_count() <= threads, f"{number} coroutines cost threads"
            tasks[3].cancel()
            await asyncio.sleep(0)
            await queue.push(*(str(number) for number in range(49)))
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(done.pop(3), asyncio.CancelledError)
            assert done == [str(number).encode() for number in range(49)]
            assert await queue.len() == 0

    asyncio.run(work())


def test_the_calls_of_asyncio(tmp_path: Path) -> None:
    async def later(put: Callable[[], Any]) -> None:
        await asyncio.sleep(0.01)
        await put()

    async def work() -> None:
        async with await kvark.aopen(tmp_path / "s.kvark", durability="disk") as db:
            queue, board, stream = db.lists["q"], db.zsets["b"], db.streams["s"]
            cases: list[tuple[Callable[[], Any], Any, Any]] = [
                (lambda: queue.push(b"a"), queue.pop(timeout=PATIENCE_S), b"a"),
                (lambda: queue.push(b"a"), queue.pop_many(3, timeout=None), [b"a"]),
                (lambda: queue.push(b"a"), queue.move_to(db.lists["o"], timeout=None), b"a"),
                (lambda: queue.push(b"a"), db.lists.pop_any("x", queue, timeout=None), (b"q", [b"a"])),
                (lambda: board.set("m", 1.5), board.pop_min(timeout=None), (b"m", 1.5)),
                (lambda: board.set("m", 1.5), board.pop_max(timeout=None), (b"m", 1.5)),
                (lambda: board.set("m", 1.5), board.pop_many(2, timeout=None), [(b"m", 1.5)]),
                (lambda: board.set("m", 1.5), db.zsets.pop_any("x", "b", timeout=None), (b"b", [(b"m", 1.5)])),
            ]
            for put, take, taken in cases:
                putting = asyncio.create_task(later(put))
                assert await take == taken
                await putting
            putting = asyncio.create_task(later(lambda: stream.append({"f": b"v"})))
            assert len(await stream.read("$", timeout=None)) == 1
            await putting
            with pytest.raises(IndexError):
                await queue.pop(timeout=0.01)
            await stream.group("g").create("$", make_stream=True)
            assert await stream.group("g").read("me", timeout=0.01) == []

    asyncio.run(work())
