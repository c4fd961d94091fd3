"""Opening and closing: locks, forks, pickles, threads, the end of the interpreter."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kvark
import pytest


def in_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_what_was_written_is_there_when_opened_again(tmp_path: Path, durability: Any) -> None:
    path = tmp_path / "new" / "store"
    with kvark.open(path, durability=durability) as db:
        db.update(a=b"1", b=b"2")
        db.set("t", b"3", ttl=1000)
        db.delete("b")
    with kvark.open(path, durability=durability, create=False) as db:
        assert dict(db) == {b"a": b"1", b"t": b"3"}
        assert 900 < (db.ttl("t") or 0) <= 1000
        db.checkpoint()
        db["c"] = b"4"
    with kvark.open(str(path)) as db:
        assert dict(db) == {b"a": b"1", b"c": b"4", b"t": b"3"}


def test_a_store_in_memory_is_empty_each_time() -> None:
    for _ in range(2):
        with kvark.open(":memory:") as db:
            assert (dict(db), db.path, db.durability) == ({}, None, "memory")
            db["a"] = b"1"


def test_a_store_in_memory_cannot_promise_more(tmp_path: Path) -> None:
    with pytest.raises(kvark.InvalidInput, match="memory"):
        kvark.open(":memory:", durability="os")
    with kvark.open(tmp_path / "volatile", durability="memory") as db:
        db["a"] = b"1"
    assert not list(tmp_path.glob("volatile/*"))


def test_create_false_wants_a_store(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        kvark.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"durability": "quorum"}, "memory, os, disk"),
        ({"shards": 3}, "power of two"),
        ({"log_max_bytes": 5}, "log-max-bytes"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        kvark.open(tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


CALLS: list[Callable[[kvark.Store], object]] = [
    lambda db: db["a"],
    lambda db: db.get("a"),
    lambda db: db.set("a", b""),
    lambda db: db.set("a", b"", ttl=1),
    lambda db: db.__setitem__("a", b""),
    lambda db: db.delete("a"),
    lambda db: db.incr("a"),
    lambda db: db.ttl("a"),
    lambda db: db.expire("a", 1),
    lambda db: db.persist("a"),
    lambda db: db.get_many(["a"]),
    lambda db: db.set_many({"a": b""}),
    lambda db: db.delete_many(["a"]),
    lambda db: db.scan(),
    lambda db: iter(db),
    lambda db: reversed(db),
    lambda db: len(db),
    lambda db: bool(db),
    lambda db: "a" in db,
    lambda db: db.pop("a"),
    lambda db: db.popitem(),
    lambda db: db.clear(),
    lambda db: db.checkpoint(),
    lambda db: db.stats(),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_store_says_so(call: Callable[[kvark.Store], object]) -> None:
    db = kvark.open(":memory:")
    db["a"] = b"1"
    db.close()
    db.close()
    assert db.closed
    with pytest.raises(kvark.StoreClosed, match="closed"):
        call(db)
    with pytest.raises(ValueError, match="closed"):
        call(db)


def test_a_store_has_one_owner_and_the_error_names_it(tmp_path: Path) -> None:
    with kvark.open(tmp_path / "store"):
        with pytest.raises(kvark.StoreLocked, match=f"pid {os.getpid()}"):
            kvark.open(tmp_path / "store")
        other = in_python("import sys, kvark; kvark.open(sys.argv[1])", tmp_path / "store")
        assert other.returncode == 1
        assert f" {os.getpid()} " in other.stderr.splitlines()[-1]
        assert sys.orig_argv[-1][-20:] in other.stderr.splitlines()[-1]
    kvark.open(tmp_path / "store").close()


def test_a_forgotten_store_is_closed(tmp_path: Path) -> None:
    db = kvark.open(tmp_path / "store")
    db["a"] = b"1"
    del db
    gc.collect()
    with kvark.open(tmp_path / "store") as again:
        assert again["a"] == b"1"


def test_the_interpreter_ends_with_open_stores(tmp_path: Path) -> None:
    code = """
import atexit, sys
atexit.register(lambda: print(db.closed, memory.closed))
import kvark, threading
db = kvark.open(sys.argv[1]); db["a"] = b"1"
server = kvark.Server(db)
memory = kvark.open(":memory:"); walk = iter(memory)
threading.Thread(target=server.wait, daemon=True).start()
cycle = [db]; cycle.append(cycle)
"""
    ended = in_python(code, tmp_path / "store")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True True\n", "")
    with kvark.open(tmp_path / "store") as db:
        assert db["a"] == b"1"


def test_a_killed_process_loses_nothing_and_leaves_no_lock(tmp_path: Path) -> None:
    code = """
import os, sys, kvark
db = kvark.open(sys.argv[1])
for n in range(500): db[str(n)] = b"v"
os.kill(os.getpid(), 9)
"""
    assert in_python(code, tmp_path / "store").returncode == -9
    with kvark.open(tmp_path / "store") as db:
        assert len(db) == 500


def in_child(check: Callable[[], None]) -> None:
    """Runs `check` in a forked child, which ends as a program does that leaves by `os._exit`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            check()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.01)
    assert ended[1] == 0


def files_of(path: Path) -> dict[str, tuple[int, int]]:
    """Every file with its length and the time of its last change."""
    found = (file for file in path.rglob("*") if file.is_file())
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in found}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_told_and_touches_nothing(tmp_path: Path) -> None:
    db = kvark.open(tmp_path / "store")
    server = kvark.Server(":memory:")
    db["a"] = b"1"
    walk = iter(db)

    def check() -> None:
        nonlocal db, walk
        before = files_of(tmp_path)
        for call in CALLS:
            with pytest.raises(kvark.ForkedStore, match="fork"):
                call(db)
        with pytest.raises(RuntimeError):
            next(walk)
        with pytest.raises(kvark.StoreLocked):
            kvark.open(tmp_path / "store")
        with kvark.open(":memory:") as own:
            own["a"] = b"child"
        db.close()
        server.stop()
        del db, walk
        gc.collect()
        assert {name: sizes for name, sizes in files_of(tmp_path).items() if "LOCK" not in name} == {
            name: sizes for name, sizes in before.items() if "LOCK" not in name
        }

    in_child(check)
    db["b"] = b"2"
    assert dict(db) == {b"a": b"1", b"b": b"2"}
    db.close()
    server.stop()
    with kvark.open(tmp_path / "store") as again:
        assert dict(again) == {b"a": b"1", b"b": b"2"}


def test_a_child_that_ends_like_a_program_leaves_the_parents_store_alone(tmp_path: Path) -> None:
    code = """
import os, sys, warnings, kvark
warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, of any fork with threads
db = kvark.open(sys.argv[1]); db["a"] = b"1"
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
db["b"] = b"2"
db.close()
with kvark.open(sys.argv[1]) as db:
    assert len(db) == 2
"""
    ended = in_python(code, tmp_path / "store")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_store_pickles_as_its_path(tmp_path: Path) -> None:
    db = kvark.open(tmp_path / "store", durability="disk")
    db["a"] = b"1"
    pickled = pickle.dumps(db)
    assert pickle.loads(pickled) is db
    assert copy.copy(db) is db
    db.close()
    again = pickle.loads(pickled)
    assert (again.durability, again["a"]) == ("disk", b"1")
    assert again is not db
    code = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))"
    elsewhere = in_python(code, pickled.hex())
    assert "StoreLocked" in elsewhere.stderr
    again.close()
    elsewhere = in_python(code.replace("pickle.loads", "print(pickle.loads", 1) + "['a'])", pickled.hex())
    assert elsewhere.stdout == "b'1'\n"


def test_a_store_in_memory_does_not_pickle() -> None:
    with kvark.open(":memory:") as db, pytest.raises(TypeError, match="no path"):
        pickle.dumps(db)


def test_threads_share_a_store(tmp_path: Path) -> None:
    with kvark.open(tmp_path / "store") as db:

        def work(number: int) -> None:
            for turn in range(500):
                db[f"{number}:{turn}"] = b"%d" % turn
                db.incr("sum", number)
                assert db[f"{number}:{turn}"] == b"%d" % turn
            assert len(list(db.scan(prefix=f"{number}:"))) == 500

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert db["sum"] == b"3000"
        assert len(db) == 2001


def test_a_store_is_closed_while_others_use_it(tmp_path: Path) -> None:
    db = kvark.open(tmp_path / "store", durability="disk")
    said: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(100_000):
                db[f"{number}:{turn}"] = b"v"
        except kvark.KvarkError as error:
            said.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    db.close()
    for thread in threads:
        thread.join()
    assert [type(error) for error in said] == [kvark.StoreClosed] * 3


def test_while_one_waits_for_the_disk_others_run(tmp_path: Path) -> None:
    """A write at level `disk` lets go of the interpreter: another thread makes progress during the same time."""
    with kvark.open(tmp_path / "store", durability="disk") as db:
        done = threading.Event()
        turns = 0

        def spin() -> None:
            nonlocal turns
            while not done.is_set():
                turns += 1
                time.sleep(0)

        spinner = threading.Thread(target=spin)
        spinner.start()
        for number in range(400):
            db[str(number)] = b"v"
        done.set()
        spinner.join()
        # Who held the interpreter would let it go about every 5 ms only.
        assert turns > 100
